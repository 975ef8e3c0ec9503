// Command autoid hands short-lived credentials to clients that prove who they are, and gets them as such a client.
//
// What a verb is for goes to stdout; everything else, logs and errors too, to stderr. A credential is printed by get, and
// by nothing else. No secret is ever an argument or in the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "autoid:", err)
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "autoid",
		Short:         "Short-lived credentials for clients that prove who they are",
		Args:          cobra.NoArgs,
		RunE:          help,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newKeys(), newClient(), newServe(), newGet(), newStore(), newVersion())
	return root
}

// help is what a command does that only groups others.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// required marks flags that have no sensible default. It fails only for a flag that does not exist.
func required(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err)
		}
	}
}
