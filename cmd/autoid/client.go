package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

func newClient() *cobra.Command {
	cmd := &cobra.Command{Use: "client", Short: "The server's clients", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newClientAdd(), newClientRevoke(), newClientList())
	return cmd
}

func newClientAdd() *cobra.Command {
	var dir, bundle string
	var wants, networks []string
	var duration time.Duration
	var perHour int
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Enrol a client, publish its bundle and print its configuration",
		Long: "Enrol a client, publish its bundle and print its configuration.\n\n" +
			"The bundle's folder holds the client's secret: carry it to the client in a way that nobody else reads.",
		Example: "  autoid client add lobby-tv --dir /srv/autoid --allow sts/wall --bundle /srv/bundles/lobby-tv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := autoid.ClientFile{Policy: autoid.Policy{PerHour: perHour}}
			for _, want := range wants {
				a := autoid.Allow{Want: want, MaxDuration: autoid.Duration(duration)}
				for _, network := range networks {
					prefix, err := netip.ParsePrefix(network)
					if err != nil {
						return fmt.Errorf("--network %q: %w", network, err)
					}
					a.Networks = append(a.Networks, prefix)
				}
				file.Policy.Allow = append(file.Policy.Allow, a)
			}
			path, err := filepath.Abs(bundle)
			if err != nil {
				return err
			}
			file.Repositories = []autoid.Place{{Bundle: path}}
			e, err := serverdir.AddClient(cmd.Context(), dir, args[0], file, folder.Repository{Path: path})
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), configuration(e, path, wants[0]))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "the server's folder")
	flags.StringVar(&bundle, "bundle", "", "the folder where this client's bundle is published")
	flags.StringArrayVar(&wants, "allow", nil, "what the client may ask for, such as sts/wall; may be given again")
	flags.DurationVar(&duration, "max-duration", autoid.DefaultDuration, "the longest lease")
	flags.StringArrayVar(&networks, "network", nil, "from where, such as 10.0.0.0/8 (default everywhere); may be given again")
	flags.IntVar(&perHour, "per-hour", autoid.DefaultPerHour, "requests in an hour")
	required(cmd, "dir", "bundle", "allow")
	return cmd
}

// configuration is what the client's kioskeeper.toml has to say.
func configuration(e serverdir.Enrolment, bundle, want string) string {
	var b strings.Builder
	fmt.Fprintln(&b, "[credentials.autoid]")
	for _, line := range [][2]string{
		{"server", e.Server}, {"client", e.Client}, {"bundle", bundle},
		{"publisher", string(e.Publisher)}, {"credential", want},
	} {
		fmt.Fprintf(&b, "%-10s = %q\n", line[0], line[1])
	}
	return b.String()
}
