// Package stsstore is an auto-id store of AWS roles: it assumes one for a client, for as long as the policy lets it.
package stsstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

// STS gives a lease of 15 minutes at least, of 12 hours at most.
const (
	minDuration = 15 * time.Minute
	maxDuration = 12 * time.Hour
)

// A Role is what an id of the store stands for.
type Role struct {
	ARN        string
	ExternalID string // "" sends none
}

// A Store assumes roles with the credentials of the SDK's default chain. The role session's name is the client's, so
// that CloudTrail tells the clients apart.
type Store struct {
	Roles    map[string]Role // by id
	Region   string          // "" is that of the default chain
	Endpoint string          // "" is AWS's own
	HTTP     aws.HTTPClient  // makes the calls; nil is the SDK's
	// Keys sign the calls; without an id, those of the default chain do.
	Keys autoid.AWSKeys

	mu     sync.Mutex // held while the default chain is read for the first time
	client *sts.Client
}

var _ autoid.Store = (*Store)(nil)

// Credential implements [autoid.Store].
func (s *Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	if g.Want.Version != "" {
		return autoid.Credential{}, &autoid.Error{Code: autoid.BadRequest, Message: "roles have no versions"}
	}
	role, ok := s.Roles[g.Want.ID]
	if !ok {
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "no role of this name is configured"}
	}
	if g.Duration < minDuration {
		// A longer lease than was asked for is not ours to give.
		return autoid.Credential{}, &autoid.Error{Code: autoid.BadRequest,
			Message: fmt.Sprintf("AWS leases for %v at least: raise max_duration in the client's file", minDuration)}
	}
	client, err := s.sts(ctx)
	if err != nil {
		return autoid.Credential{}, err
	}
	in := &sts.AssumeRoleInput{
		RoleArn:         &role.ARN,
		RoleSessionName: aws.String(sessionName(g.Client)),
		DurationSeconds: aws.Int32(int32(min(g.Duration, maxDuration) / time.Second)),
	}
	if role.ExternalID != "" {
		in.ExternalId = &role.ExternalID
	}
	out, err := client.AssumeRole(ctx, in)
	if err != nil {
		return autoid.Credential{}, told(err)
	}
	return autoid.AWSKeys{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: secret.New(aws.ToString(out.Credentials.SecretAccessKey)),
		SessionToken:    secret.New(aws.ToString(out.Credentials.SessionToken)),
		Expires:         aws.ToTime(out.Credentials.Expiration),
	}.Credential()
}

func (s *Store) sts(ctx context.Context) (*sts.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, func(o *config.LoadOptions) error {
		o.Region, o.HTTPClient = s.Region, s.HTTP
		if k := s.Keys; k.AccessKeyID != "" {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey.Reveal(),
					SessionToken: k.SessionToken.Reveal()}, nil
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.client = sts.NewFromConfig(cfg, func(o *sts.Options) {
		if s.Endpoint != "" {
			o.BaseEndpoint = &s.Endpoint
		}
	})
	return s.client, nil
}

// told is what may be known of an error. AWS's own text stays in here: that of a signature which does not match quotes the
// session token. The client learns of throttling only, since the rest is the operator's to mend.
func told(err error) error {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("assume role: %w", err)
	}
	switch e.ErrorCode() {
	case "Throttling", "ThrottlingException", "RequestLimitExceeded":
		return &autoid.Error{Code: autoid.Throttled, Message: "AWS wants fewer requests", RetryAfter: time.Minute}
	case "AccessDenied":
		return errors.New("assume role: AccessDenied: the role's trust policy and the server's own must both allow it")
	}
	return fmt.Errorf("assume role: AWS answers %s", e.ErrorCode())
}

// sessionName is the client's name; AWS wants two characters at least.
func sessionName(client string) string {
	if len(client) < 2 {
		return "client-" + client
	}
	return client
}
