package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
)

// An identity is who a client's verb acts as: a profile of the configuration, and what flags say otherwise.
type identity struct {
	config, profile, state string
	said                   clientdir.Profile // by flags; zero is nothing
	duration               time.Duration
	fresh                  bool
	place                  autoid.Place
}

// flags are those of every client's verb.
func (i *identity) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&i.config, "config", "", "the configuration (default ~/.config/autoid/config.toml, or its like)")
	f.StringVar(&i.profile, "profile", "", "the profile in it (default: its default, or the only one)")
	f.StringVar(&i.state, "state", "", "the folder for what is kept, sealed (default ~/.local/state/autoid, or its like)")
	f.StringVar(&i.said.Server, "server", "", "the server's name, or an address with that host")
	f.StringVar(&i.said.Client, "client", "", "this client's name")
	placeFlags(cmd, &i.place, "where the bundle is published: a folder, s3://, npm:, git+https://, git+ssh:// or https://")
	f.StringVar((*string)(&i.said.Publisher), "publisher", "", "who signs the bundle: ed25519:BASE64")
	f.Uint64Var(&i.said.MinSeq, "min-seq", 0, "the least number of a bundle that is taken")
}

// awsFlags are those of the verbs that give AWS credentials.
func (i *identity) awsFlags(cmd *cobra.Command) {
	i.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&i.said.Credential, "credential", "", "what to ask the server for, such as sts/dev")
	f.StringVar(&i.said.Region, "region", "", "the AWS region")
	f.StringVar(&i.said.Role.ARN, "role-arn", "", "a role to assume with the credential")
	f.StringVar(&i.said.Role.ExternalID, "external-id", "", "what the role's trust policy asks for")
	f.StringVar(&i.said.Role.SessionName, "session-name", "", "the session's name (default: the client's)")
	f.DurationVar(&i.duration, "duration", 0, "how long the role's session lasts (default 1h)")
	f.StringVar(&i.said.Role.PolicyFile, "policy-file", "", "a file with what the session may do at most")
	f.StringToStringVar(&i.said.Role.Tags, "tag", nil, "a tag of the session, NAME=VALUE; may be given again")
	f.BoolVar(&i.fresh, "fresh", false, "ask the server even if a credential is kept that still holds")
}

// merged is the profile of the configuration with what flags say. Without a file, flags have to say all.
func (i *identity) merged() (clientdir.Profile, error) {
	path := i.config
	if path == "" {
		path, _ = clientdir.DefaultConfig() // "": a service without a home, for which flags will do
	}
	var p clientdir.Profile
	file, err := clientdir.Load(path)
	switch {
	case err == nil:
		if p, err = file.Profile(i.profile); err != nil {
			return p, err
		}
	case !errors.Is(err, fs.ErrNotExist) || i.config != "" || i.profile != "":
		return p, err
	}
	s := i.said
	p.Server, p.Client = cmp.Or(s.Server, p.Server), cmp.Or(s.Client, p.Client)
	if b := i.place; b.Bundle != "" { // another place has another key, and so on
		p.Bundle, p.TokenFile, p.HostKey, p.KMSKey = b.Bundle, "", "", ""
	}
	p.TokenFile, p.HostKey = cmp.Or(i.place.TokenFile, p.TokenFile), cmp.Or(i.place.HostKey, p.HostKey)
	p.KMSKey = cmp.Or(i.place.KMSKey, p.KMSKey)
	p.Publisher, p.MinSeq = cmp.Or(s.Publisher, p.Publisher), cmp.Or(s.MinSeq, p.MinSeq)
	p.Credential, p.Region = cmp.Or(s.Credential, p.Credential), cmp.Or(s.Region, p.Region)
	if s.Role.ARN != "" {
		p.Role = clientdir.Role{ARN: s.Role.ARN} // another role has another external id, and so on
	}
	p.Role.ExternalID = cmp.Or(s.Role.ExternalID, p.Role.ExternalID)
	p.Role.SessionName = cmp.Or(s.Role.SessionName, p.Role.SessionName)
	p.Role.Duration = cmp.Or(autoid.Duration(i.duration), p.Role.Duration)
	p.Role.PolicyFile = cmp.Or(s.Role.PolicyFile, p.Role.PolicyFile)
	if s.Role.Tags != nil {
		p.Role.Tags = s.Role.Tags
	}
	if p.Server == "" || p.Client == "" || p.Bundle == "" || p.Publisher == "" {
		return p, fmt.Errorf("who is asking? Write a profile into %s, or say --server, --client, --bundle and --publisher",
			cmp.Or(path, "a file that --config names"))
	}
	return p, nil
}

// A customer is a client that is ready to ask.
type customer struct {
	clientdir.Profile
	client *autoid.Client
	leases *clientdir.Leases
	role   *awscreds.Role // nil: none is assumed
	fresh  bool
}

// customer joins the parts. What goes wrong on the way but is got over is logged from the level on.
func (i *identity) customer(cmd *cobra.Command, level slog.Level) (*customer, error) {
	p, err := i.merged()
	if err != nil {
		return nil, err
	}
	dir := i.state
	if dir == "" {
		if dir, err = clientdir.DefaultState(); err != nil {
			return nil, err
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	state, err := clientdir.OpenState(dir)
	if err != nil {
		return nil, err
	}
	server, err := autoid.ServerNameOf(p.Server)
	if err != nil {
		return nil, err
	}
	if err := autoid.CheckClient(p.Client); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	c := &customer{Profile: p, fresh: i.fresh, leases: &clientdir.Leases{State: state, Log: log}}
	repository, err := repo.Open(autoid.Place{Bundle: p.Bundle, TokenFile: p.TokenFile, HostKey: p.HostKey,
		KMSKey: p.KMSKey, Client: p.Client})
	if err != nil {
		return nil, err
	}
	c.client = &autoid.Client{
		Name: p.Client, Server: server, Publisher: p.Publisher, MinSeq: p.MinSeq,
		Repository: repository, Cache: state.Bundle(server, p.Client), Sealer: state.Sealer, Log: log,
	}
	return c, c.setRole()
}

func (c *customer) setRole() error {
	r := c.Role
	if r.ARN == "" {
		if r.ExternalID != "" || r.SessionName != "" || r.Duration != 0 || r.PolicyFile != "" || r.Tags != nil {
			return errors.New("which role? --external-id, --session-name, --duration, --policy-file and --tag are a role's")
		}
		return nil
	}
	c.role = &awscreds.Role{ARN: r.ARN, ExternalID: r.ExternalID, SessionName: cmp.Or(r.SessionName, c.Client),
		Duration: time.Duration(r.Duration), Region: c.Region, Tags: r.Tags}
	if r.PolicyFile != "" {
		policy, err := os.ReadFile(r.PolicyFile)
		if err != nil {
			return fmt.Errorf("session policy: %w", err)
		}
		c.role.Policy = string(policy)
	}
	return c.role.Check()
}

var errNoCredential = errors.New("which credential? Say --credential, such as sts/dev, or credential in the profile")

// lease gets the AWS credentials, those of the role if there is one: kept ones that are fresh, or from the server.
func (c *customer) lease(ctx context.Context) (clientdir.Lease, error) {
	key, err := c.key()
	if err != nil {
		return clientdir.Lease{}, err
	}
	// The SDK would look for the shell's profile, which these credentials have nothing to do with, and fail without it.
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if err := os.Unsetenv(name); err != nil {
			return clientdir.Lease{}, err
		}
	}
	return c.leases.Get(ctx, key, c.fresh, c.ask)
}

// key is all that makes one lease another than the next.
func (c *customer) key() (string, error) {
	if c.Credential == "" {
		return "", errNoCredential
	}
	key, err := json.Marshal([]any{c.client.Server, c.Client, c.Publisher, c.Credential, c.role})
	return string(key), err
}

// ask starts from what the server gives: no AWS credentials that are in the environment already have a part in it.
func (c *customer) ask(ctx context.Context) (clientdir.Lease, error) {
	got, err := c.client.Credential(ctx, c.Credential)
	if err != nil {
		return clientdir.Lease{}, err
	}
	keys, err := got.AWS()
	if err != nil {
		return clientdir.Lease{}, fmt.Errorf("%s: %w", c.Credential, err)
	}
	l := clientdir.Lease{AWSKeys: keys, Got: time.Now().Round(0), Skew: got.Skew}
	if c.role == nil {
		return l, nil
	}
	assumed, err := c.role.Assume(ctx, credentials(l))
	if err != nil {
		return clientdir.Lease{}, err
	}
	l.AWSKeys = autoid.AWSKeys{AccessKeyID: assumed.AccessKeyID, SecretAccessKey: assumed.SecretAccessKey,
		SessionToken: assumed.SessionToken, Expires: assumed.Expires}
	l.Skew = cmp.Or(assumed.Skew, l.Skew)
	return l, nil
}

// credentials are the lease's, as package federation has them.
func credentials(l clientdir.Lease) federation.Credentials {
	return federation.Credentials{AccessKeyID: l.AccessKeyID, SecretAccessKey: l.SecretAccessKey, SessionToken: l.SessionToken,
		Expires: l.Expires, Skew: l.Skew}
}
