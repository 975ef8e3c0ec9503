package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

func newCheck() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell all that is wrong with a server's files, with line and column",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			storage, err := openStorage(dir)
			if err != nil {
				return err
			}
			problems := serverdir.Check(storage, nil, 0)
			for _, p := range problems {
				p.File = strings.TrimSuffix(dir, "/") + "/" + p.File // a bucket too
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), p); err != nil {
					return err
				}
			}
			if n := len(problems); n > 0 {
				return fmt.Errorf("%d problems in %s", n, dir)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the server's folder, or s3://bucket/prefix")
	required(cmd, "dir")
	return cmd
}
