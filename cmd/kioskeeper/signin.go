package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
	"github.com/kioskeeper/kioskeeper/secret"
)

// The messages that tell how far a sign-in has come.
const (
	msgIdentified  = "identified"
	msgRoleAssumed = "role assumed"
)

// A signIn is the way from credentials to a ticket.
type signIn struct {
	source      awscreds.Source
	role        *awscreds.Role // nil: the credentials are the console role's
	wanted      time.Duration  // how long a session should last; 0: what is sure to be given
	console     federation.SignIn
	destination string
	log         *slog.Logger
}

// ticket goes the whole way: nothing is kept from one session to the next.
func (s *signIn) ticket(ctx context.Context) (kiosk.Ticket, error) {
	creds, err := s.source.Credentials(ctx)
	if err != nil {
		return kiosk.Ticket{}, fmt.Errorf("get credentials: %w", err)
	}
	s.log.Info(msgIdentified, "credentials", creds.Kind(), "expires", creds.Expires)
	plan, err := federation.Wish{Base: creds.Kind(), Role: s.role != nil, Session: s.wanted}.Plan()
	if err != nil {
		return skewed(creds), err
	}
	if s.role != nil {
		role := *s.role
		role.Duration = plan.AssumeRole
		if creds, err = role.Assume(ctx, creds); err != nil {
			return skewed(creds), err
		}
		s.log.Info(msgRoleAssumed, "role", role.ARN, "expires", creds.Expires, "why", plan.Why)
	}
	login, err := s.console.Login(ctx, creds, plan.SessionDuration, s.destination)
	if err != nil {
		return skewed(creds), fmt.Errorf("sign in to the console: %w", err)
	}
	t := kiosk.Ticket{Address: login.Address, Lease: kiosk.Lease{Issued: login.Issued, Expires: login.Expires, Skew: login.Skew}}
	for _, f := range login.Fields {
		t.Fields = append(t.Fields, kiosk.Field(f))
	}
	return t, nil
}

// skewed is a ticket that tells nothing but by how much this machine's clock is off.
func skewed(c federation.Credentials) kiosk.Ticket {
	return kiosk.Ticket{Lease: kiosk.Lease{Skew: c.Skew}}
}

// source makes the source that the configuration names.
func source(c conffile.Credentials, log *slog.Logger) (awscreds.Source, error) {
	if c.Source == conffile.SourceAWS {
		return awscreds.Default{Profile: c.AWS.Profile, Region: c.AWS.Region}, nil
	}
	repository, err := repo.Open(autoid.Place{Bundle: c.AutoID.Bundle, TokenFile: c.AutoID.TokenFile,
		HostKey: c.AutoID.HostKey, KMSKey: c.AutoID.KMSKey, Client: c.AutoID.Client})
	if err != nil {
		return nil, err
	}
	return autoIDSource(&autoid.Client{
		Name:       c.AutoID.Client,
		Server:     c.AutoID.Server,
		Repository: repository,
		Publisher:  autoid.Publisher(c.AutoID.Publisher),
		Log:        log,
	}, c.AutoID.Credential), nil
}

func autoIDSource(client *autoid.Client, want string) awscreds.Source {
	return awscreds.AutoID{Want: want, Fetch: func(ctx context.Context, want string) (secret.Text, error) {
		c, err := client.Credential(ctx, want)
		return c.JSON, err
	}}
}
