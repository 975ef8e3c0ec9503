package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/opener"
)

// consoleTime is how long the sign-in and the browser's start may take together.
const consoleTime = time.Minute

func newConsole() *cobra.Command {
	var who identity
	var to destination
	var print bool
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Sign in to the AWS console, in the default browser",
		Long: `Sign in to the AWS console, in the default browser.

The browser gets an address on loopback that works once and passes the sign-in on as a form, so that it is in no history.
With --print the sign-in address itself is printed, for a browser elsewhere: whoever opens it first, within 15 minutes, is
signed in. The session ends when the credentials do.`,
		Example: "  autoid console --profile work\n  autoid console --print --page https://console.aws.amazon.com/s3/",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who.fresh = true // the session is as long as what is left of the credentials
			c, err := who.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			ctx, stop := context.WithTimeout(cmd.Context(), consoleTime)
			defer stop()
			if print {
				login, err := c.signIn(ctx, to)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), addressOf(login))
				return err
			}
			expires, err := c.openConsole(ctx, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Signed in until %s.\n", expires.Local().Format("15:04:05 MST"))
			return err
		},
	}
	who.awsFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&print, "print", false, "print the sign-in address, and open nothing")
	f.StringVar(&to.page, "page", "", "the console's page to open (default: its home)")
	f.StringVar(&to.signIn, "sign-in-address", "", "where the sign-in is, for a private endpoint; {region} is the region")
	f.StringVar(&to.console, "console-address", "", "where the console is, likewise")
	return cmd
}

// A destination is where a sign-in leads to; what is empty is AWS's own.
type destination struct{ page, signIn, console string }

// signIn makes a sign-in of the credentials.
func (c *customer) signIn(ctx context.Context, to destination) (federation.Login, error) {
	none := federation.Login{}
	arn := ""
	if c.role != nil {
		arn = c.role.ARN
	}
	partition, err := federation.Choose(arn, c.Region)
	if err != nil {
		return none, err
	}
	partition.SignIn, partition.Console = cmp.Or(to.signIn, partition.SignIn), cmp.Or(to.console, partition.Console)
	page := to.page
	if page == "" {
		if page, err = partition.ConsoleBase(c.Region); err != nil {
			return none, err
		}
		page += "/"
	}
	l, err := c.lease(ctx)
	if err != nil {
		return none, err
	}
	return federation.SignIn{Partition: partition, Region: c.Region, Issuer: "autoid", Log: c.leases.Log}.
		Login(ctx, credentials(l), 0, page)
}

// addressOf puts a sign-in into one address.
func addressOf(login federation.Login) string {
	q := url.Values{}
	for _, f := range login.Fields {
		q.Set(f.Name, f.Value.Reveal())
	}
	return login.Address + "?" + q.Encode()
}

// openConsole signs in the default browser, and waits until it has picked the sign-in up.
func (c *customer) openConsole(ctx context.Context, to destination) (expires time.Time, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return time.Time{}, err
	}
	handoff := &kiosk.Handoff{Base: "http://" + l.Addr().String(), Log: c.leases.Log}
	s := newHTTPServer((&kiosk.Site{Handoff: handoff}).Handler(), c.leases.Log)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		err = errors.Join(err, s.Shutdown(context.WithoutCancel(ctx))) // the form that is on its way still gets there
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
	}()
	screen := &opener.Screen{Fetched: handoff.Fetched}
	err = screen.Renew(ctx, kiosk.View{}, func(ctx context.Context) (string, error) {
		login, err := c.signIn(ctx, to)
		if err != nil {
			return "", err
		}
		expires = login.Expires
		t := kiosk.Ticket{Address: login.Address, Lease: kiosk.Lease{Issued: login.Issued, Expires: login.Expires}}
		for _, f := range login.Fields {
			t.Fields = append(t.Fields, kiosk.Field(f))
		}
		for _, name := range []string{envKeyID, envSecret, envToken, envOldToken} { // which the browser would inherit
			err = errors.Join(err, os.Unsetenv(name))
		}
		if err != nil {
			return "", err
		}
		return handoff.Offer(t)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("%w; --print prints the sign-in address instead", err)
	}
	return expires, nil
}
