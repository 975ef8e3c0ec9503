package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/local"
)

func newCredentialProcess() *cobra.Command {
	var who identity
	cmd := &cobra.Command{
		Use:   local.Verb,
		Short: "Print AWS credentials as AWS's tools ask for them",
		Long: `Print AWS credentials as AWS's tools ask for them, in the form of a credential_process.

They are kept, sealed, for two thirds of their life; of many processes that ask at once one asks the server. configure
writes this command into ~/.aws/config.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := who.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			l, err := c.lease(cmd.Context())
			if err != nil {
				return err
			}
			text, err := l.Credential()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text.JSON.Reveal())
			return err
		},
	}
	who.awsFlags(cmd)
	return cmd
}
