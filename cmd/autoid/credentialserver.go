package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/local"
	"github.com/kioskeeper/kioskeeper/secret"
)

func newCredentialServer() *cobra.Command {
	var who identity
	var listen, shell string
	cmd := &cobra.Command{
		Use:   "credential-server",
		Short: "Give AWS credentials to programs of this user, over loopback",
		Long: `Give AWS credentials to programs of this user, over loopback, as a container's endpoint does.

Two lines are printed, with the variables by which AWS's tools find it; with --shell, as env prints them. Who asks must
have the token, which is in a file that only this user can read, and which ends with this program. Credentials are renewed
before they end.`,
		Example: "  autoid credential-server > server.env &",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := who.customer(cmd, slog.LevelInfo)
			if err != nil {
				return err
			}
			if _, err := c.key(); err != nil {
				return err
			}
			address, err := netip.ParseAddrPort(listen)
			if err != nil || !address.Addr().IsLoopback() {
				return fmt.Errorf("--listen %q: not an address of loopback and a port, as in 127.0.0.1:0", listen)
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			return c.serveCredentials(cmd, l, shell)
		},
	}
	who.awsFlags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address and port, on loopback; port 0 is any")
	cmd.Flags().StringVar(&shell, "shell", "", "print for bash, zsh, fish, powershell or cmd (default: NAME=VALUE)")
	return cmd
}

// serveCredentials answers until the command's context is over.
func (c *customer) serveCredentials(cmd *cobra.Command, l net.Listener, shell string) error {
	log := c.leases.Log
	token, path, remove, err := c.leases.State.NewToken()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer remove()
	held := &local.Held{Get: c.lease, Log: log}
	host := l.Addr().String()
	s := newHTTPServer(&local.Endpoint{Host: host, Token: token, Lease: held.Lease, Log: log}, log)
	if err := announce(cmd, shell, "http://"+host+local.EndpointPath, path); err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, stop := context.WithCancel(cmd.Context())
	renewed, served := make(chan struct{}), make(chan error, 1)
	go func() { held.Run(ctx); close(renewed) }()
	go func() { served <- s.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = s.Close() // an answer takes no time, and is asked for again
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
	}
	stop()
	<-renewed
	return err
}

// announce prints how AWS's tools find the endpoint.
func announce(cmd *cobra.Command, shell, uri, tokenFile string) error {
	variables := []local.Variable{
		local.Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", secret.New(uri)),
		local.Set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", secret.New(tokenFile)),
	}
	if shell != "" {
		s, err := local.ParseShell(shell)
		if err != nil {
			return err
		}
		return printScript(cmd, s, variables)
	}
	var text strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&text, "%s=%s\n", v.Name, v.Value.Reveal())
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), text.String()) // at once: whoever waits for the file reads both lines or none
	return err
}
