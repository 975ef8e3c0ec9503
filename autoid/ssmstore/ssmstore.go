// Package ssmstore is an auto-id store of AWS Systems Manager's Parameter Store: each credential is a SecureString.
package ssmstore

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// A Store gives the parameters whose names begin with Prefix: what "ssm/id" wants is the parameter of that prefix and id.
// "…@3" is its third version, "…@blue" the version with that label. A parameter that is no SecureString is no secret,
// and is not given. There are no leases, but for a parameter that says its own Expiration.
type Store struct {
	Account *awscall.Account
	Prefix  string // "" reaches every parameter that the server may read
}

var _ autoid.Store = Store{}

// The forms are AWS's. An ARN, which could name a parameter of another account, has colons and so is never one.
var (
	nameForm    = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
)

// name is the parameter's; AWS wants one that has a slash to begin with one.
func (s Store) name(id string) string {
	name := s.Prefix + id
	if strings.Contains(name, "/") && !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return name
}

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	none := autoid.Credential{}
	if err := g.Whole(); err != nil {
		return none, err
	}
	name := s.name(g.Want.ID)
	if g.Want.ID == "" || strings.HasPrefix(g.Want.ID, "/") || !nameForm.MatchString(name) || strings.Contains(name, "..") {
		return none, &autoid.Error{Code: autoid.BadRequest, Message: "not the name of a parameter"}
	}
	selected := name
	if v := g.Want.Version; v != "" {
		if !versionForm.MatchString(v) {
			return none, &autoid.Error{Code: autoid.BadRequest, Message: "a version is a number or a label"}
		}
		selected += ":" + v
	}
	cfg, err := s.Account.Config(ctx)
	if err != nil {
		return none, err
	}
	in := &ssm.GetParameterInput{Name: &selected, WithDecryption: aws.Bool(true)}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, in)
	switch code := awscall.Code(err); {
	case code == "ParameterNotFound", code == "ParameterVersionNotFound", code == "ParameterVersionLabelNotFound":
		return none, &autoid.Error{Code: autoid.NotFound, Message: "Parameter Store does not have it"}
	case err != nil:
		return none, awscall.Told("get parameter", err)
	case out.Parameter.Type != types.ParameterTypeSecureString:
		return none, fmt.Errorf("parameter %s: a %s, which others may read: make it a SecureString", name, out.Parameter.Type)
	}
	return autoid.NewCredential([]byte(aws.ToString(out.Parameter.Value)))
}
