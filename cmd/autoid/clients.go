package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

func newClientRevoke() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Refuse a client from now on",
		Long: "Refuse a client from now on, whatever it shows. Servers know within 10 seconds, at once with SIGHUP. What it was given\n" +
			"before stays good until it expires.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			storage, err := openStorage(dir)
			if err != nil {
				return err
			}
			return serverdir.Revoke(cmd.Context(), storage, args[0])
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the server's folder")
	required(cmd, "dir")
	return cmd
}

func newClientList() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the clients: how they stand, what they may ask for, and where their bundle is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			storage, err := openStorage(dir)
			if err != nil {
				return err
			}
			_, clients, err := serverdir.List(storage)
			if err != nil {
				return err
			}
			t := table(cmd.OutOrStdout(), "CLIENT", "STATE", "BUNDLE", "EGEN", "MAY ASK FOR", "PUBLISHED AT")
			for _, c := range clients {
				var egens, wants, places []string
				for _, g := range c.File.Entropy {
					egens = append(egens, strconv.FormatUint(uint64(g.Egen), 10))
				}
				for _, a := range c.File.Policy.Allow {
					wants = append(wants, a.Want)
				}
				for _, p := range c.File.Repositories {
					places = append(places, p.Bundle)
				}
				row(t, c.Name, c.State(time.Now()), fmt.Sprint(c.File.BundleSeq), strings.Join(egens, ","),
					strings.Join(wants, ","), strings.Join(places, ","))
			}
			return t.Flush()
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the server's folder")
	required(cmd, "dir")
	return cmd
}
