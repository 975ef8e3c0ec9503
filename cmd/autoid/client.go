package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

func newClient() *cobra.Command {
	cmd := &cobra.Command{Use: "client", Short: "The server's clients", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newClientAdd(), newClientRevoke(), newClientList())
	return cmd
}

func newClientAdd() *cobra.Command {
	var dir string
	var place autoid.Place
	var wants, networks []string
	var duration time.Duration
	var perHour int
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Enrol a client, publish its bundle and print its configuration",
		Long: "Enrol a client, publish its bundle and print its configuration.\n\n" +
			"The bundle holds the client's secret: where it is published nobody else may read it. A folder is to be carried to\n" +
			"the client likewise.",
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
			// The server's files say where, for rotations: by whole paths, since those run elsewhere.
			for _, path := range []*string{&place.Bundle, &place.TokenFile} {
				if *path != "" && repo.IsPath(*path) {
					whole, err := filepath.Abs(*path)
					if err != nil {
						return err
					}
					*path = whole
				}
			}
			place.Client = args[0]
			to, err := repo.Open(place)
			if err != nil {
				return err
			}
			file.Repositories = []autoid.Place{place}
			e, err := serverdir.AddClient(cmd.Context(), dir, args[0], file, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), configuration(e, place, wants[0]))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "the server's folder")
	placeFlags(cmd, &place, "where this client's bundle is published: a folder, s3://, npm:, git+https://, git+ssh:// or https://")
	flags.StringArrayVar(&wants, "allow", nil, "what the client may ask for, such as sts/wall; may be given again")
	flags.DurationVar(&duration, "max-duration", autoid.DefaultDuration, "the longest lease")
	flags.StringArrayVar(&networks, "network", nil, "from where, such as 10.0.0.0/8 (default everywhere); may be given again")
	flags.IntVar(&perHour, "per-hour", autoid.DefaultPerHour, "requests in an hour")
	required(cmd, "dir", "bundle", "allow")
	return cmd
}

// configuration is what the client's kioskeeper.toml has to say.
func configuration(e serverdir.Enrolment, place autoid.Place, want string) string {
	var b strings.Builder
	fmt.Fprintln(&b, "[credentials.autoid]")
	for _, line := range [][2]string{
		{"server", e.Server}, {"client", e.Client}, {"bundle", place.Bundle}, {"host_key", place.HostKey},
		{"kms_key", place.KMSKey}, {"publisher", string(e.Publisher)}, {"credential", want},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-10s = %q\n", line[0], line[1])
		}
	}
	if place.TokenFile != "" {
		fmt.Fprintln(&b, `token_file = "token" # one of the client's own, that may only read`)
	}
	return b.String()
}

// placeFlags say where a bundle is.
func placeFlags(cmd *cobra.Command, p *autoid.Place, usage string) {
	f := cmd.Flags()
	f.StringVar(&p.Bundle, "bundle", "", usage)
	f.StringVar(&p.TokenFile, "token-file", "", "what to show there: a token, USER:TOKEN or, for git+ssh, a private key; 0600")
	f.StringVar(&p.HostKey, "host-key", "", "the key that a git+ssh host must show: the line of its .pub file")
	f.StringVar(&p.KMSKey, "kms-key", "", "the ARN of the KMS key that seals what is published")
}
