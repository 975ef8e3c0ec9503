package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/local"
)

func newEnv() *cobra.Command {
	var w wish
	var shell string
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what puts credentials into a shell's environment",
		Long: `Print what puts credentials into a shell's environment.

Nothing is printed unless all of it is there, so that a failure leaves the environment as it is. Credentials that are in
it already have no part in getting the new ones. Every program that the shell starts can read them: exec gives them to
one, and credential-process to those that ask.`,
		Example: `  script=$(autoid env) && eval "$script"                            # bash, zsh
  autoid env | source                                               # fish
  autoid env | Out-String | Invoke-Expression                       # PowerShell
  for /f "delims=" %i in ('autoid env --shell cmd') do @%i          # cmd`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := shellOf(shell)
			if err != nil {
				return err
			}
			c, err := w.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			variables, err := w.variables(cmd.Context(), c)
			if err != nil {
				return err
			}
			return printScript(cmd, s, variables)
		},
	}
	w.flags(cmd)
	shellFlag(cmd, &shell)
	return cmd
}

func newUnset() *cobra.Command {
	var shell string
	cmd := &cobra.Command{
		Use:     "unset [NAME…]",
		Short:   "Print what takes credentials out of a shell's environment",
		Long:    "Print what takes AWS credentials, and the variables that are named, out of a shell's environment.",
		Example: "  eval \"$(autoid unset)\"\n  autoid unset NPM_TOKEN | source      # fish; see env for the others",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := shellOf(shell)
			if err != nil {
				return err
			}
			var variables []local.Variable
			for _, name := range append([]string{envKeyID, envSecret, envToken, envOldToken, envExpiration}, args...) {
				variables = append(variables, local.Variable{Name: name})
			}
			return printScript(cmd, s, variables)
		},
	}
	shellFlag(cmd, &shell)
	return cmd
}

func shellFlag(cmd *cobra.Command, shell *string) {
	cmd.Flags().StringVar(shell, "shell", "",
		"bash, zsh, fish, powershell or cmd (default: of $SHELL; on Windows powershell)")
}

// shellOf is the shell that was named, or the user's own.
func shellOf(name string) (local.Shell, error) {
	switch {
	case name != "":
	case runtime.GOOS == "windows":
		return local.PowerShell, nil
	default:
		name = os.Getenv("SHELL")
	}
	s, err := local.ParseShell(name)
	if err != nil {
		err = fmt.Errorf("%w (--shell says which)", err)
	}
	return s, err
}

func printScript(cmd *cobra.Command, s local.Shell, variables []local.Variable) error {
	text, err := s.Script(variables)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}
