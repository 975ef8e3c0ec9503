package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/local"
)

// notFound is the exit code of shells for a program that is not there.
const notFound = 127

// An exitError ends this program with the code of another.
type exitError struct {
	code int
	err  error // nil: the other has said what there is to say
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func newExec() *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use:   "exec -- COMMAND [ARGUMENT…]",
		Short: "Run a program with credentials in its environment",
		Long: `Run a program with credentials in its environment, and nowhere else.

The program takes this one's place: signals reach it, and its exit code is what the caller gets. The credentials end
when the lease does; a program that runs longer is better served by credential-process or credential-server.`,
		Example: "  autoid exec -- aws s3 ls\n  autoid exec --var NPM_TOKEN=file/npm -- npm publish",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := exec.LookPath(args[0])
			if err != nil {
				if errors.Is(err, exec.ErrDot) {
					err = fmt.Errorf("%w (write it with ./ in front)", err)
				}
				return exitError{notFound, err}
			}
			c, err := w.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			variables, err := w.variables(cmd.Context(), c)
			if err != nil {
				return err
			}
			environment, err := environ(os.Environ(), variables)
			if err != nil {
				return err
			}
			return become(path, args, environment)
		},
	}
	w.flags(cmd)
	cmd.Flags().SetInterspersed(false) // what follows the command's name is the command's
	return cmd
}

// environ is an environment with the variables set, or taken out.
func environ(old []string, variables []local.Variable) ([]string, error) {
	if _, err := local.Bash.Script(variables); err != nil { // the same names and values are refused
		return nil, err
	}
	all := slices.Clone(old)
	for _, v := range variables {
		all = slices.DeleteFunc(all, func(s string) bool {
			name, _, _ := strings.Cut(s, "=")
			return sameName(name, v.Name)
		})
		if v.Value != nil {
			all = append(all, v.Name+"="+v.Value.Reveal())
		}
	}
	return all, nil
}
