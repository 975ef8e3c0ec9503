package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

func generateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "generate", Short: "Write a sample configuration, manual pages or shell completions", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
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
				if err := os.MkdirAll(args[0], 0o755); err != nil {
					return err
				}
				c.Root().DisableAutoGenTag = true // the tag holds a date
				return writeManual(c.Root(), args[0])
			},
		},
		completionCommand(),
	)
	return c
}

// writeManual writes the pages of c and of all verbs below it. A page holds no date, which would make each build another.
func writeManual(c *cobra.Command, folder string) error {
	for _, verb := range c.Commands() {
		if !verb.IsAvailableCommand() {
			continue
		}
		if err := writeManual(verb, folder); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	never := time.Time{} // left out, it would be today
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "Kioskeeper", Date: &never}, &page); err != nil {
		return err
	}
	undated := bytes.Replace(page.Bytes(), []byte(never.Format("Jan 2006")), nil, 1)
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	return os.WriteFile(filepath.Join(folder, name), undated, 0o644)
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
