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
	called := false
	c := root()
	c.PersistentPreRun = func(*cobra.Command, []string) { called = true }
	verb, err := c.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "kioskeeper:", err)
	if !called { // cobra has no type for what is wrong with a command line, but it finds it before it calls a verb
		fmt.Fprintln(os.Stderr, verb.CommandPath(), "--help tells how to call it")
		return 2
	}
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// A usageError is the caller's or the configuration's: trying again will not mend it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "kioskeeper",
		Short: "Keep AWS dashboards signed in on wall displays",
		Long: `Kioskeeper keeps AWS dashboards signed in on wall displays, with no password and no access key on the display.

To begin, kioskeeper demo shows it all on this machine without AWS. For a wall of your own, kioskeeper generate config
prints a file to fill in, kioskeeper check says whether it is right, and kioskeeper run shows the wall.

It ends with 0 when all went well, with 1 when something failed, and with 2 when it was called wrongly or the configuration
is wrong: then nothing was begun, and starting it again does not help.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.CompletionOptions.DisableDefaultCmd = true // generate completion it is
	c.AddCommand(runCommand(), demoCommand(), checkCommand(), openCommand(), statusCommand(), generateCommand(), versionCommand())
	return c
}
