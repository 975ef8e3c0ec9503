// Command kioskeeper keeps AWS dashboards signed in on this machine's displays.
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

func main() { os.Exit(run()) }

// run is main, for the tests too. It exits with 0 when all went well, 1 when something failed, 2 when it was called
// wrongly or the configuration is wrong.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := harden(); err != nil {
		fmt.Fprintln(os.Stderr, "kioskeeper:", err)
		return 1
	}
	err := root().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "kioskeeper:", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// A usageError is the caller's or the configuration's, and trying again will not mend it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "kioskeeper",
		Short:         "Keep AWS dashboards signed in on wall displays",
		Long:          "Kioskeeper keeps AWS dashboards signed in on wall displays, with no password and no access key on the display.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\n%s", err, c.UsageString())}
	})
	c.AddCommand(runCommand(), demoCommand(), checkCommand(), openCommand(), statusCommand(), generateCommand(), versionCommand())
	return c
}
