package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// openPlace opens a repository by the words of a client's file.
func openPlace(_ context.Context, place autoid.Place) (autoid.Repository, error) {
	return repo.Open(place)
}

// rotatorFlags are what the verbs of a rotation have in common.
func rotatorFlags(cmd *cobra.Command, r *serverdir.Rotator, dir *string) {
	flags := cmd.Flags()
	flags.StringVar(dir, "dir", "", "the server's folder")
	flags.DurationVar(&r.Settle, "settle", serverdir.DefaultSettle, "how long servers may go on with old copies of their files")
	required(cmd, "dir")
}

// rotator fills in what the flags do not say.
func rotator(cmd *cobra.Command, r *serverdir.Rotator, dir string) (err error) {
	r.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	r.Open = openPlace
	r.Storage, err = openStorage(dir)
	return err
}

func newKeysRotate() *cobra.Command {
	var r serverdir.Rotator
	var dir string
	var publisher bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new server key and new entropy for each client, and publish them",
		Long: "Make a new server key and new entropy for each client, and publish them once each server takes them.\n\n" +
			"No request fails meanwhile. Broken off, it is taken up by calling it again. What is old goes by keys retire.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := rotator(cmd, &r, dir); err != nil {
				return err
			}
			if !publisher {
				return r.Rotate(cmd.Context())
			}
			next, err := r.NextPublisher(cmd.Context())
			if err != nil {
				return err
			}
			_, printErr := fmt.Fprintf(cmd.OutOrStdout(), "publisher %s\n", next)
			return errors.Join(r.Publish(cmd.Context()), printErr)
		},
	}
	rotatorFlags(cmd, &r, &dir)
	cmd.Flags().BoolVar(&publisher, "publisher", false, "begin to replace the publisher's key instead: bundles bear both signatures")
	return cmd
}

func newKeysPublish() *cobra.Command {
	var r serverdir.Rotator
	var dir string
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Publish to each client's repositories what they do not have yet",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := rotator(cmd, &r, dir); err != nil {
				return err
			}
			return r.Publish(cmd.Context())
		},
	}
	rotatorFlags(cmd, &r, &dir)
	return cmd
}

func newKeysRetire() *cobra.Command {
	var r serverdir.Rotator
	var dir string
	var audits []string
	var publisher, force bool
	cmd := &cobra.Command{
		Use:   "retire",
		Short: "Forget keys and entropy that were replaced, and are not used any more",
		Long: "Forget keys and entropy that were replaced a whole overlap ago, and that the audit does not show in use since.\n\n" +
			"A client that has not fetched its bundle by then is refused until it does.",
		Example: "  autoid keys retire --dir /srv/autoid --audit /var/log/autoid.jsonl.1 --audit /var/log/autoid.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := rotator(cmd, &r, dir); err != nil {
				return err
			}
			if publisher {
				if err := r.RetirePublisher(cmd.Context(), force); err != nil {
					return err
				}
				return r.Publish(cmd.Context())
			}
			usage := new(serverdir.Usage)
			for _, path := range audits {
				if err := readAudit(usage, path, cmd.InOrStdin()); err != nil {
					return err
				}
			}
			gone, kept, err := r.Retire(cmd.Context(), usage, force)
			for _, o := range gone {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "retired %s\n", o)
			}
			for _, o := range kept {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "kept %s: %s\n", o, o.Why)
			}
			return err
		},
	}
	rotatorFlags(cmd, &r, &dir)
	flags := cmd.Flags()
	flags.DurationVar(&r.Overlap, "overlap", serverdir.DefaultOverlap, "how long what is old is taken; thrice a client's refresh at least")
	flags.StringArrayVar(&audits, "audit", nil, "file of audit lines, each server's and back to the overlap's beginning; may be given again; - is stdin")
	flags.BoolVar(&publisher, "publisher", false, "end the replacement of the publisher's key instead: what is pinned to the old one takes no bundle then")
	flags.BoolVar(&force, "force", false, "without waiting, and whatever the audit shows")
	return cmd
}

func readAudit(usage *serverdir.Usage, path string, stdin io.Reader) error {
	if path == "-" {
		_, err := io.Copy(usage, stdin)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(usage, f)
	return errors.Join(err, f.Close())
}

func newKeysList() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the server's keys, and how far they are: accepted, published or replaced",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			storage, err := openStorage(dir)
			if err != nil {
				return err
			}
			keys, _, err := serverdir.List(storage)
			if err != nil {
				return err
			}
			t := table(cmd.OutOrStdout(), "KEY", "STATE", "MADE")
			for _, k := range keys {
				made := "with the server"
				if !k.Made.IsZero() {
					made = k.Made.UTC().Format(time.RFC3339)
				}
				row(t, k.ID, k.State, made)
			}
			return t.Flush()
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the server's folder")
	required(cmd, "dir")
	return cmd
}

func table(w io.Writer, head ...string) *tabwriter.Writer {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(t, head...)
	return t
}

// row leaves errors to the table's Flush.
func row(t *tabwriter.Writer, cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) }
