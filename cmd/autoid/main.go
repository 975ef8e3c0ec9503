// Command autoid hands short-lived credentials to clients that prove who they are, and gets them as such a client.
//
// What a verb is for goes to stdout; everything else, logs and errors too, to stderr. Credentials are printed by get, env,
// credential-process and console --print, whose purpose that is. No secret is ever an argument; in an environment are only
// those that exec and env were told to put there.
package main

import (
	"context"
	"errors"
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
		exit, ok := errors.AsType[exitError](err)
		if !ok || exit.err != nil {
			fmt.Fprintln(os.Stderr, "autoid:", err)
		}
		os.Exit(max(exit.code, 1))
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "autoid",
		Short:         "Short-lived credentials for clients that prove who they are",
		Args:          cobra.NoArgs,
		RunE:          bare,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newKeys(), newClient(), newServe(), newCheck(), newGet(), newStore(), newVersion())
	root.AddCommand(newExec(), newEnv(), newUnset(), newWhoami(), newConfigure(),
		newCredentialProcess(), newCredentialServer(), newConsole())
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
