package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

func generateCommand() *cobra.Command {
	c := &cobra.Command{Use: "generate", Short: "Write a sample configuration, manual pages or shell completions"}
	c.AddCommand(
		&cobra.Command{
			Use: "config", Short: "Print a commented configuration file", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := fmt.Fprint(c.OutOrStdout(), conffile.Sample())
				return err
			},
		},
		&cobra.Command{
			Use: "man FOLDER", Short: "Write the manual pages into a folder", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				if err := os.MkdirAll(filepath.Clean(args[0]), 0o755); err != nil {
					return err
				}
				c.Root().DisableAutoGenTag = true // a date would make each build another
				return doc.GenManTree(c.Root(), &doc.GenManHeader{Section: "1", Source: "Kioskeeper"}, args[0])
			},
		},
		completionCommand(),
	)
	return c
}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "Print a shell's completion script",
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(c *cobra.Command, args []string) error {
			out, root := c.OutOrStdout(), c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		},
	}
}
