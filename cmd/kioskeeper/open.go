package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

// openTime is how long the sign-in and the start of the browser may take together.
const openTime = time.Minute

var errNotOpened = errors.New("not signed in after " + openTime.String())

func openCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "open [DISPLAY]",
		Short: "Sign in once and open the dashboard in the default browser",
		Long: `Sign in once and open the dashboard in the default browser of this desktop.

What is opened is what the display of this name would show, or the only one. Nothing is kept signed in: that is for run. The
browser gets an address that works once, and what stays of it in the browser's history opens nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			if file.Displays, err = choose(file.Displays, args); err != nil {
				return usageError{err}
			}
			file.Browser.Kind = conffile.BrowserDefault
			file.Status.Listen = "127.0.0.1:0" // the daemon may run beside it
			recent := new(kiosk.Recent)
			w, err := build(file, options{log: logger(recent), recent: recent})
			if err != nil {
				return err
			}
			return w.open(c)
		},
	}
	configFlag(c, &config)
	return c
}

// choose picks the display that is named, or the only one.
func choose(all []conffile.Display, args []string) ([]conffile.Display, error) {
	if len(args) == 0 && len(all) == 1 {
		return all, nil
	}
	names := make([]string, len(all))
	for i, d := range all {
		if len(args) == 1 && d.Name == args[0] {
			return all[i : i+1], nil
		}
		names[i] = d.Name
	}
	if len(args) == 1 {
		return nil, fmt.Errorf("there is no display %q (there is %s)", args[0], strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there are several displays: say which one to open (%s)", strings.Join(names, ", "))
}

// open signs in to the wall's one display, once.
func (w *wall) open(c *cobra.Command) error {
	ctx, cancel := context.WithTimeoutCause(c.Context(), openTime, errNotOpened)
	defer cancel()
	served := make(chan error, 1)
	server := w.server()
	go func() { served <- server.Serve(w.listener) }()
	defer func() {
		_ = server.Shutdown(context.WithoutCancel(ctx)) // the form that is on its way still gets there
		<-served
	}()
	d := w.site.Displays[0]
	var lease kiosk.Lease
	err := d.Screen.Renew(ctx, d.View, func(ctx context.Context) (string, error) {
		t, err := d.SignIn(ctx)
		if err != nil {
			return "", err
		}
		lease = t.Lease
		if err := forgetKeys(); err != nil {
			return "", err
		}
		return w.site.Handoff.Offer(t)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "Signed in until %s.\n", lease.Expires.Local().Format("15:04:05 MST"))
	return err
}

// forgetKeys takes the SDK's secrets out of the environment, which the browser inherits, once they have been used.
func forgetKeys() error {
	var all []error
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_ACCESS_KEY", "AWS_SECRET_KEY", // the same by older names
	} {
		all = append(all, os.Unsetenv(name))
	}
	return errors.Join(all...)
}
