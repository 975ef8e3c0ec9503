// Package awscreds gets AWS credentials and assumes the console role with them.
//
// A [Source] gives the credentials to begin with: [AutoID], or [Default] for whatever the AWS SDK finds. [Role.Assume]
// makes the role's credentials of them. The AWS SDK is imported here; nothing of it is in what this package exports.
package awscreds

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A Source gives credentials. Each call may give new ones; it is for the caller to keep them while they last.
type Source interface {
	Credentials(ctx context.Context) (federation.Credentials, error)
}

// Default is the AWS SDK's own chain: environment, shared files, SSO, credential_process, container and instance roles.
// Its zero value leaves all choices to the environment.
type Default struct {
	Profile string // of the shared files
	Region  string // where the SDK asks, if it has to
}

const opDefault = "AWS credentials"

// Credentials implements Source. The files are read anew each time, so that a change needs no restart.
func (d Default) Credentials(ctx context.Context) (federation.Credentials, error) {
	cfg, err := load(ctx, config.WithSharedConfigProfile(d.Profile), config.WithRegion(d.Region))
	if err != nil {
		return federation.Credentials{}, err
	}
	got, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return federation.Credentials{}, explainChain(ctx, err)
	}
	c := federation.Credentials{AccessKeyID: got.AccessKeyID, SecretAccessKey: secret.New(got.SecretAccessKey),
		SessionToken: secret.New(got.SessionToken)}
	if got.CanExpire {
		c.Expires = got.Expires.Round(0) // the SDK makes some of time.Now, whose other clock stands still in suspend
	}
	if got.Source == ec2rolecreds.ProviderName {
		c.Origin = federation.InstanceRole
	}
	return c, nil
}

// load reads the SDK's settings. Its log goes nowhere: it may quote requests.
func load(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	// It has to be the SDK's own kind of client: with another one AWS_CA_BUNDLE is an error. Nothing of it stays, as the
	// next call is most of an hour away.
	client := awshttp.NewBuildableClient().WithTimeout(20 * time.Second).WithTransportOptions(func(t *http.Transport) {
		t.DisableKeepAlives = true
	})
	options = append(options, config.WithHTTPClient(client), config.WithLogger(logging.Nop{}))
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err == nil {
		return cfg, nil
	}
	e := &federation.Error{Op: "AWS settings", Kind: federation.Invalid, Detail: "the AWS SDK cannot use them",
		Hint: "mend ~/.aws/config, ~/.aws/credentials and the AWS_ variables, AWS_CA_BUNDLE among them"}
	if _, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		e.Detail = "there is no such profile in the shared files"
		e.Hint = "mend credentials.aws.profile or AWS_PROFILE, or the file"
	}
	return aws.Config{}, e
}

// explainChain says what mends a failed chain. The SDK's text is not passed on: it quotes, for one, the whole output of
// a credential_process that it cannot parse.
func explainChain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return federation.NetworkError(opDefault, ctx.Err())
	}
	if _, ok := errors.AsType[smithy.APIError](err); ok { // a profile that assumes a role, or SSO
		return explain(opDefault, err, clockReader{})
	}
	e := &federation.Error{Op: opDefault, Kind: federation.NoCredentials, Detail: "the AWS SDK found none that work",
		Hint: "set credentials.aws.profile, or see what aws sts get-caller-identity says as this user"}
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok {
		e.Kind, e.Detail, e.Hint = federation.Expired, "the SSO sign-in has ended", "run aws sso login as this user"
	} else if _, ok := errors.AsType[*processcreds.ProviderError](err); ok {
		e.Detail, e.Hint = "the credential_process failed or gave something else than credentials", "run it by hand as this user"
	}
	return e
}
