package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
	"github.com/kioskeeper/kioskeeper/autoid/local"
	"github.com/kioskeeper/kioskeeper/secret"
)

// The variables that AWS's tools read credentials from.
const (
	envKeyID      = "AWS_ACCESS_KEY_ID"
	envSecret     = "AWS_SECRET_ACCESS_KEY"
	envToken      = "AWS_SESSION_TOKEN"
	envOldToken   = "AWS_SECURITY_TOKEN" // the same by an older name
	envExpiration = "AWS_CREDENTIAL_EXPIRATION"
)

// A wish is which variables a verb is to set.
type wish struct {
	identity
	more []string // NAME=WANT
}

func (w *wish) flags(cmd *cobra.Command) {
	w.awsFlags(cmd)
	cmd.Flags().StringArrayVar(&w.more, "var", nil, "NAME=WANT: a variable with another credential; may be given again")
}

// variables gets all that is wished for, or an error: nothing is half done.
func (w *wish) variables(ctx context.Context, c *customer) ([]local.Variable, error) {
	var all []local.Variable
	if c.Credential != "" || len(w.more) == 0 {
		l, err := c.lease(ctx)
		if err != nil {
			return nil, err
		}
		all = awsVariables(l, c.Region)
	}
	for _, one := range w.more {
		name, want, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var %q: not NAME=WANT, as in NPM_TOKEN=file/npm", one)
		}
		got, err := c.client.Credential(ctx, want)
		if err != nil {
			return nil, err
		}
		// A text stands for itself; an object is for a program that reads JSON.
		text := got.JSON.Reveal()
		_ = json.Unmarshal([]byte(text), &text)
		all = append(all, local.Set(name, secret.New(text)))
	}
	return all, nil
}

// awsVariables are those of a lease. What would come before it, or belongs to another one, is taken out.
func awsVariables(l clientdir.Lease, region string) []local.Variable {
	all := []local.Variable{
		{Name: "AWS_PROFILE"}, {Name: "AWS_DEFAULT_PROFILE"}, {Name: envOldToken}, {Name: envToken}, {Name: envExpiration},
		local.Set(envKeyID, secret.New(l.AccessKeyID)), local.Set(envSecret, l.SecretAccessKey),
	}
	if !l.SessionToken.Empty() {
		all[3] = local.Set(envToken, l.SessionToken)
	}
	if !l.Expires.IsZero() {
		all[4] = local.Set(envExpiration, secret.New(l.Expires.UTC().Format(time.RFC3339)))
	}
	if region != "" {
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			all = append(all, local.Set(name, secret.New(region)))
		}
	}
	return all
}
