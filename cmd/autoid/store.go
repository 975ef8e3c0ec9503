package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/secret"
)

func newStore() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "The server's own credentials", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newStorePut())
	return cmd
}

// maxPut is more than any store takes.
const maxPut = 1 << 20

func newStorePut() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "put ID",
		Short: "Put what is on stdin into the file store, sealed if the store is",
		Long: "Put what is on stdin into the file store, as file/ID, in place of what was there.\n\n" +
			"It is sealed as server/stores.toml says; a key file is made if there is none.",
		Example: "  autoid store put npm-token --dir /srv/autoid < token",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := serverdir.ReadStores(dir)
			if err != nil {
				return err
			}
			if file.File == nil {
				return errors.New("no file store: say [file] and its folder in " + serverdir.StoresName)
			}
			content, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxPut))
			if err != nil {
				return err
			}
			return fileStore(*file.File).Put(args[0], secret.New(string(content)))
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the server's folder")
	required(cmd, "dir")
	return cmd
}
