package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
)

func newGet() *cobra.Command {
	var who identity
	cmd := &cobra.Command{
		Use:   "get [WANT]",
		Short: "Get a credential and print its JSON",
		Example: "  autoid get sts/wall\n" +
			"  autoid get sts/wall --client lobby-tv --server https://id.example.com \\\n" +
			"    --bundle /var/lib/lobby-tv --publisher ed25519:…",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := who.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			want := c.Credential
			if len(args) == 1 {
				want = args[0]
			}
			if want == "" {
				return errNoCredential
			}
			got, err := c.client.Credential(cmd.Context(), want)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), got.JSON.Reveal())
			return err
		},
	}
	who.flags(cmd)
	return cmd
}
