// Package stsstore is an auto-id store of AWS's STS: for a client it assumes a role, or asks for a federation token, for
// as long as the policy lets it.
package stsstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/secret"
)

// STS gives a lease of 15 minutes at least, a role for 12 hours at most and a federation token for 36.
const (
	minDuration   = 15 * time.Minute
	maxRole       = 12 * time.Hour
	maxFederation = 36 * time.Hour
)

// A Role is what an id of the store stands for.
type Role struct {
	ARN        string
	ExternalID string // "" sends none
	// SourceIdentity sends the client's name as the source identity too, which stays through role chains. The role's
	// trust policy must allow sts:SetSourceIdentity.
	SourceIdentity bool
	PolicyARNs     []string // managed policies that narrow every session
}

// A Federation is an id that stands for a federation token: a part of what the caller may do, an IAM user's own keys.
type Federation struct {
	PolicyARNs []string // managed policies; a token may do what these or the client's session policy name
}

// A Store takes credentials from STS. The role session's name is the client's, so that CloudTrail tells the clients apart.
type Store struct {
	Account    *awscall.Account
	Roles      map[string]Role       // by id
	Federation map[string]Federation // by id, which no role may have
}

var _ autoid.Store = Store{}

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	bad := func(text string) (autoid.Credential, error) {
		return autoid.Credential{}, &autoid.Error{Code: autoid.BadRequest, Message: text}
	}
	role, isRole := s.Roles[g.Want.ID]
	federation, isFederation := s.Federation[g.Want.ID]
	switch {
	case g.Want.Version != "":
		return bad("roles have no versions")
	case !isRole && !isFederation:
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "no role of this name is configured"}
	case g.Duration < minDuration:
		// A longer lease than was asked for is not ours to give.
		return bad(fmt.Sprintf("AWS leases for %v at least: raise max_duration in the client's file", minDuration))
	case isFederation && g.SessionPolicy == "" && len(federation.PolicyARNs) == 0:
		return bad("a federation token without a policy may do nothing: give session_policy in the client's file")
	}
	cfg, err := s.Account.Config(ctx)
	if err != nil {
		return autoid.Credential{}, err
	}
	var c *types.Credentials
	var trail autoid.Trail
	if isRole {
		c, trail, err = assume(ctx, cfg, g, role)
	} else {
		c, trail, err = federate(ctx, cfg, g, federation)
	}
	if err != nil {
		return autoid.Credential{}, err
	}
	credential, err := autoid.AWSKeys{
		AccessKeyID:     aws.ToString(c.AccessKeyId),
		SecretAccessKey: secret.New(aws.ToString(c.SecretAccessKey)),
		SessionToken:    secret.New(aws.ToString(c.SessionToken)),
		Expires:         aws.ToTime(c.Expiration),
	}.Credential()
	credential.Trail = trail
	return credential, err
}

// trailOf is how CloudTrail tells of a call.
func trailOf(session string, answer middleware.Metadata) autoid.Trail {
	id, _ := awsmiddleware.GetRequestIDMetadata(answer) // "" if there is none
	return autoid.Trail{Session: session, AWSRequest: id}
}

func assume(ctx context.Context, cfg aws.Config, g autoid.Grant, role Role) (*types.Credentials, autoid.Trail, error) {
	name := sessionName(g.Client, maxSessionName)
	in := &sts.AssumeRoleInput{
		RoleArn:         &role.ARN,
		RoleSessionName: &name,
		DurationSeconds: seconds(g.Duration, maxRole),
		ExternalId:      optional(role.ExternalID),
		Policy:          optional(g.SessionPolicy),
		PolicyArns:      policies(role.PolicyARNs),
		Tags:            tags(g.Tags),
	}
	if role.SourceIdentity {
		in.SourceIdentity = &name
	}
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, in)
	if err != nil {
		return nil, autoid.Trail{}, awscall.Told("assume role", err)
	}
	return out.Credentials, trailOf(name, out.ResultMetadata), nil
}

func federate(ctx context.Context, cfg aws.Config, g autoid.Grant, f Federation) (*types.Credentials, autoid.Trail, error) {
	// AWS would refuse it too, in words that say less.
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, autoid.Trail{}, fmt.Errorf("federation token: %w", err)
	}
	if keys.SessionToken != "" {
		return nil, autoid.Trail{}, errors.New("federation token: only an IAM user's own keys can ask for one, and the server's are temporary: " +
			"use a role instead")
	}
	name := sessionName(g.Client, maxFederatedName)
	out, err := sts.NewFromConfig(cfg).GetFederationToken(ctx, &sts.GetFederationTokenInput{
		Name:            &name,
		DurationSeconds: seconds(g.Duration, maxFederation),
		Policy:          optional(g.SessionPolicy),
		PolicyArns:      policies(f.PolicyARNs),
		Tags:            tags(g.Tags),
	})
	if err != nil {
		return nil, autoid.Trail{}, awscall.Told("federation token", err)
	}
	return out.Credentials, trailOf(name, out.ResultMetadata), nil
}

func seconds(d, most time.Duration) *int32 { return aws.Int32(int32(min(d, most) / time.Second)) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func policies(arns []string) []types.PolicyDescriptorType {
	var all []types.PolicyDescriptorType
	for _, arn := range arns {
		all = append(all, types.PolicyDescriptorType{Arn: &arn})
	}
	return all
}

// tags are sorted, so that equal requests are equal.
func tags(of map[string]string) []types.Tag {
	var all []types.Tag
	for _, key := range slices.Sorted(maps.Keys(of)) {
		all = append(all, types.Tag{Key: &key, Value: aws.String(of[key])})
	}
	return all
}
