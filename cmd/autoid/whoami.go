package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/federation/awscreds"
)

func newWhoami() *cobra.Command {
	var who identity
	var aws bool
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Print who this client is, what it goes by, and until when",
		Long: "Print who this client is, what it goes by, and until when.\n\n" +
			"The server is asked for nothing. With --aws the credentials are got, and AWS is asked whom it takes them for.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := who.customer(cmd, slog.LevelWarn)
			if err != nil {
				return err
			}
			text, err := c.describe(cmd.Context(), aws)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	who.awsFlags(cmd)
	cmd.Flags().BoolVar(&aws, "aws", false, "ask AWS too")
	return cmd
}

// describe says it in lines of a word and what it stands for.
func (c *customer) describe(ctx context.Context, aws bool) (string, error) {
	u, err := c.client.InUse(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("client", "%s", c.Client)
	line("server", "%s", u.Server)
	line("bundle", "%d", u.Seq)
	line("server key", "%s%s", u.Key, until(u.KeyUntil))
	if u.Egen != 0 {
		line("entropy", "generation %d%s", u.Egen, until(u.EgenUntil))
	}
	if c.Credential == "" {
		return b.String(), nil
	}
	line("credential", "%s", c.Credential)
	if c.role != nil {
		line("role", "%s", c.role.ARN)
	}
	var id awscreds.Identity
	if aws {
		l, err := c.lease(ctx)
		if err != nil {
			return "", err
		}
		if id, err = awscreds.Identify(ctx, credentials(l), c.Region, ""); err != nil {
			return "", err
		}
	}
	key, err := c.key()
	if err != nil {
		return "", err
	}
	if l, ok := c.leases.Kept(key); ok {
		line("kept", "%s%s", l.AccessKeyID, until(l.Ends()))
	} else {
		line("kept", "nothing")
	}
	if aws {
		line("account", "%s", id.Account)
		line("arn", "%s", id.ARN)
	}
	return b.String(), nil
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.Local().Format(time.RFC3339)
}
