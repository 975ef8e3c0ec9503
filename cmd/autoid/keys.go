package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "The server's keys", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newKeysInit(), newKeysRotate(), newKeysPublish(), newKeysRetire(), newKeysList())
	return cmd
}

func newKeysInit() *cobra.Command {
	var dir, name string
	var endpoints []string
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Make the folder of a new server, with its keys and its publisher's key",
		Example: "  autoid keys init --dir /srv/autoid --endpoint https://id.example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				var err error
				if name, err = autoid.ServerNameOf(endpoints[0]); err != nil {
					return fmt.Errorf("%w (--name says another than the endpoint's)", err)
				}
			}
			publisher, err := serverdir.Init(dir, name, endpoints)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "server %s\npublisher %s\n", name, publisher)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "the server's folder, which is made")
	flags.StringVar(&name, "name", "", "the server's name (default: the host of the first endpoint)")
	flags.StringArrayVar(&endpoints, "endpoint", nil, "base address where clients reach the server; may be given again")
	required(cmd, "dir", "endpoint")
	return cmd
}
