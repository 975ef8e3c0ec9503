package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
)

func newGet() *cobra.Command {
	var client autoid.Client
	var bundle, publisher string
	cmd := &cobra.Command{
		Use:   "get WANT",
		Short: "Get a credential and print its JSON",
		Example: "  autoid get sts/wall --client lobby-tv --server https://id.example.com \\\n" +
			"    --bundle /var/lib/lobby-tv --publisher ed25519:…",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client.Repository = folder.Repository{Path: bundle}
			client.Publisher = autoid.Publisher(publisher)
			client.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			c, err := client.Credential(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), c.JSON.Reveal())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&client.Name, "client", "", "this client's name")
	flags.StringVar(&client.Server, "server", "", "the server's name, or an address with that host")
	flags.StringVar(&bundle, "bundle", "", "the folder where the bundle is published")
	flags.StringVar(&publisher, "publisher", "", "who signs the bundle: ed25519:BASE64")
	flags.Uint64Var(&client.MinSeq, "min-seq", 0, "the least number of a bundle that is taken")
	flags.StringVar(&client.Cache, "cache", "", "a folder for the last bundle, to start without the repository")
	required(cmd, "client", "server", "bundle", "publisher")
	return cmd
}
