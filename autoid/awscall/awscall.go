// Package awscall is what auto-id's AWS backends have in common: whose account they call, and what of AWS's errors they
// may tell.
package awscall

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// An Account is where calls go and who makes them. Its zero value is the SDK's default chain.
type Account struct {
	Region   string         // "" is that of the default chain
	Endpoint string         // "" is AWS's own
	HTTP     aws.HTTPClient // makes the calls; nil is the SDK's
	// Keys sign the calls; without an id, those of the default chain do.
	Keys autoid.AWSKeys

	mu  sync.Mutex // held while the default chain is read for the first time
	cfg *aws.Config
}

// Config is what the SDK's clients are made of. The default chain is read once; what it finds renews itself.
func (a *Account) Config(ctx context.Context) (aws.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cfg != nil {
		return *a.cfg, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, func(o *config.LoadOptions) error {
		o.Region, o.HTTPClient, o.BaseEndpoint = a.Region, a.HTTP, a.Endpoint
		if k := a.Keys; k.AccessKeyID != "" {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey.Reveal(),
					SessionToken: k.SessionToken.Reveal()}, nil
			})
		}
		return nil
	})
	if err != nil {
		return aws.Config{}, err
	}
	a.cfg = &cfg
	return cfg, nil
}

// Code is AWS's code for an error; "" if the error is not AWS's.
func Code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// Told is what may be known of an error of a call. AWS's own text stays in here: that of a signature which does not match
// quotes the session token. The client learns of throttling only, since the rest is the operator's to mend.
func Told(call string, err error) error {
	switch code := Code(err); code {
	case "":
		return fmt.Errorf("%s: %w", call, err)
	case "Throttling", "ThrottlingException", "RequestLimitExceeded":
		return &autoid.Error{Code: autoid.Throttled, Message: "AWS wants fewer requests", RetryAfter: time.Minute}
	case "AccessDenied", "AccessDeniedException":
		return fmt.Errorf("%s: %s: the server's own policy, and the one on what it asks for, must allow it", call, code)
	default:
		return fmt.Errorf("%s: AWS answers %s", call, code)
	}
}
