package awscreds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kioskeeper/kioskeeper/federation"
)

// An Identity is whom AWS takes credentials for.
type Identity struct{ Account, ARN string }

const opIdentity = "GetCallerIdentity"

// Identify asks AWS whom it takes the credentials for. Everybody may ask that. region and endpoint are as in [Role].
func Identify(ctx context.Context, c federation.Credentials, region, endpoint string) (Identity, error) {
	client, err := Role{Region: region, Endpoint: endpoint}.client(ctx, c)
	if err != nil {
		return Identity{}, err
	}
	var clock clockReader
	out, err := client.GetCallerIdentity(ctx, nil, func(o *sts.Options) { o.APIOptions = append(o.APIOptions, clock.install) })
	if err != nil {
		return Identity{}, explain(opIdentity, err, clock)
	}
	id := Identity{aws.ToString(out.Account), aws.ToString(out.Arn)}
	if id.Account == "" || id.ARN == "" {
		return Identity{}, &federation.Error{Op: opIdentity, Kind: federation.Unexpected, Detail: "the answer is not AWS's",
			Hint: hintPortal}
	}
	return id, nil
}
