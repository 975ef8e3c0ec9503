package awscreds

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/secret"
)

// DefaultSessionName is what a role's session is called when nothing else is asked for. It is constant: the console takes
// the same role under another name for another session, of which a browser holds five.
const DefaultSessionName = "kioskeeper"

// A Role is the role that a display signs in with.
type Role struct {
	ARN         string
	SessionName string        // "" is DefaultSessionName
	ExternalID  string        // "" for none
	Duration    time.Duration // whole seconds; 0 is 1 h, which every role allows. See federation.Wish.Plan
	// Policy is what the session may do at most, as JSON, within what the role may; "": all that. Tags are the session's.
	Policy string
	Tags   map[string]string
	// Region is the STS that is asked; "" is the SDK's setting, else the partition's own. Endpoint takes the place of its
	// address, as AWS_ENDPOINT_URL_STS does; "" leaves it.
	Region, Endpoint string
}

var (
	roleForm        = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}$`)
	sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	tagForm         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]+$`)
	externalIDForm  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`) // and at most 1224, which is past what regexp counts to
)

const opAssume = "AssumeRole"

// Check refuses what STS would refuse, before anybody has to stand at the wall.
func (r Role) Check() error {
	refuse := func(detail, hint string) error {
		return &federation.Error{Op: opAssume, Kind: federation.Invalid, Detail: detail, Hint: hint}
	}
	switch {
	case !roleForm.MatchString(r.ARN):
		return refuse("this is not the ARN of a role", "write role.arn as in arn:aws:iam::111122223333:role/NAME")
	case r.SessionName != "" && !sessionNameForm.MatchString(r.SessionName):
		return refuse("the session name is not 2 to 64 letters, digits or any of _+=,.@-", "mend role.session_name")
	case r.ExternalID != "" && (len(r.ExternalID) > 1224 || !externalIDForm.MatchString(r.ExternalID)):
		return refuse("the external id is not 2 to 1224 letters, digits or any of _+=,.@:/-", "mend role.external_id")
	case r.Duration != 0 && (r.Duration < federation.ShortestSession || r.Duration > federation.LongestSession),
		r.Duration%time.Second != 0:
		return &federation.Error{Op: opAssume, Kind: federation.WrongDuration,
			Detail: "a role's session lasts 15m to 12h, in whole seconds", Hint: "set role.duration within that"}
	}
	if r.Policy != "" && !json.Valid([]byte(r.Policy)) {
		return refuse("the session policy is not JSON", "mend it: aws accessanalyzer validate-policy tells more")
	}
	for name, value := range r.Tags {
		if !tagForm.MatchString(name) || len(name) > 128 || !tagForm.MatchString(value+"x") || len(value) > 256 {
			return refuse("a session tag is not 1 to 128 characters long, its value up to 256, without special signs",
				"mend the tags")
		}
	}
	if r.Endpoint != "" {
		if err := federation.CheckBase(r.Endpoint); err != nil {
			return err
		}
	}
	_, err := federation.Choose(r.ARN, r.Region)
	return err
}

// Assume gets the role's credentials. Their Expires is in AWS's time, and Skew what STS's clock tells of this machine's.
func (r Role) Assume(ctx context.Context, base federation.Credentials) (federation.Credentials, error) {
	if err := r.Check(); err != nil {
		return federation.Credentials{}, err
	}
	client, err := r.client(ctx, base)
	if err != nil {
		return federation.Credentials{}, err
	}
	in := &sts.AssumeRoleInput{
		RoleArn:         &r.ARN,
		RoleSessionName: aws.String(cmp.Or(r.SessionName, DefaultSessionName)),
		DurationSeconds: aws.Int32(int32(cmp.Or(r.Duration, federation.SureRoleMax) / time.Second)),
	}
	if r.ExternalID != "" {
		in.ExternalId = &r.ExternalID
	}
	if r.Policy != "" {
		in.Policy = &r.Policy
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: &name, Value: aws.String(r.Tags[name])})
	}
	var clock clockReader
	out, err := client.AssumeRole(ctx, in, func(o *sts.Options) { o.APIOptions = append(o.APIOptions, clock.install) })
	if err != nil {
		return federation.Credentials{}, explain(opAssume, err, clock)
	}
	got := out.Credentials
	if got == nil || got.AccessKeyId == nil || got.SecretAccessKey == nil || got.SessionToken == nil || got.Expiration == nil {
		return federation.Credentials{}, &federation.Error{Op: opAssume, Kind: federation.Unexpected,
			Detail: "the answer does not hold credentials", Hint: hintPortal}
	}
	return federation.Credentials{AccessKeyID: *got.AccessKeyId, SecretAccessKey: secret.New(*got.SecretAccessKey),
		SessionToken: secret.New(*got.SessionToken), Origin: federation.Temporary, Expires: *got.Expiration, Skew: clock.skew}, nil
}

// client makes a client of the regional STS. The settings come from the SDK's environment and files, the credentials do not.
func (r Role) client(ctx context.Context, base federation.Credentials) (*sts.Client, error) {
	partition, err := federation.Choose(r.ARN, r.Region)
	if err != nil {
		return nil, err
	}
	cfg, err := load(ctx, config.WithRegion(r.Region), config.WithDefaultRegion(partition.Region),
		config.WithCredentialsProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			// Without their expiry: by a wrong clock the SDK would call them expired and not even ask.
			return aws.Credentials{AccessKeyID: base.AccessKeyID, SecretAccessKey: base.SecretAccessKey.Reveal(),
				SessionToken: base.SessionToken.Reveal()}, nil
		})))
	if err != nil {
		return nil, err
	}
	if _, err := federation.Choose(r.ARN, cfg.Region); err != nil { // AWS_REGION may name another partition
		return nil, err
	}
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		if r.Endpoint != "" {
			o.BaseEndpoint = &r.Endpoint
		}
	}), nil
}

// clockReader keeps the skew that the SDK reads from the Date header of the last answer, be it an error. The SDK itself
// signs anew with AWS's time when a signature was refused and the clocks are 4 minutes apart.
type clockReader struct {
	skew time.Duration // how far this machine is ahead; 0 where it is not known too
}

func (c *clockReader) install(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ClockReader",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
			middleware.InitializeOutput, middleware.Metadata, error,
		) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if behind, ok := awsmiddleware.GetAttemptSkew(metadata); ok && behind.Abs() > clockGrain {
				c.skew = -behind
			}
			return out, metadata, err
		}), middleware.Before)
}

// clockGrain is what looks like skew by itself: a Date header has whole seconds, and is older when it arrives.
const clockGrain = 2 * time.Second
