package stsstore_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/internal/radosgw"
)

func s3Of(t *testing.T, endpoint string, keys autoid.AWSKeys) *s3.Client {
	t.Helper()
	cfg, err := (&awscall.Account{Region: radosgw.Region, Endpoint: endpoint, Keys: keys}).Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// TestASessionPolicyIsEnforced asks somebody else's STS and S3: what the policy in the client's file names is all that the
// credential opens, though the role may do everything.
func TestASessionPolicyIsEnforced(t *testing.T) {
	t.Parallel()
	gateway := radosgw.Start(t)
	root := autoid.AWSKeys{AccessKeyID: gateway.Keys.AccessKeyID, SecretAccessKey: gateway.Keys.Secret}
	arn := gateway.CreateRole(t, "wall", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"AWS":["arn:aws:iam:::user/root"]},"Action":["sts:AssumeRole"]}]}`)
	gateway.PutRolePolicy(t, "wall", "all",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"arn:aws:s3:::*"}]}`)
	owner := s3Of(t, gateway.Endpoint, root)
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("walls")}); err != nil {
		t.Fatal(err)
	}
	put := func(ctx context.Context, c *s3.Client, key string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("walls"), Key: &key, Body: bytes.NewReader([]byte("x"))})
		return err
	}
	for _, key := range []string{"lobby/x", "hall/x"} {
		if err := put(t.Context(), owner, key); err != nil {
			t.Fatal(err)
		}
	}
	store := stsstore.Store{
		Account: &awscall.Account{Region: radosgw.Region, Endpoint: gateway.Endpoint, Keys: root},
		Roles:   map[string]stsstore.Role{"wall": {ARN: arn}},
	}
	for policy, want := range map[string]map[string]bool{
		"": {"get lobby/x": true, "get hall/x": true, "put lobby/y": true},
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::walls/lobby/*"}]}`: {
			"get lobby/x": true, "get hall/x": false, "put lobby/y": false},
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:*"],"Resource":"arn:aws:s3:::*"}]}`: {
			"get lobby/x": false, "get hall/x": false, "put lobby/y": false},
	} {
		g := grant("lobby-tv", 15*time.Minute)
		g.SessionPolicy = policy
		c, err := store.Credential(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := c.AWS()
		if err != nil || keys.Expires.After(time.Now().Add(15*time.Minute+time.Second)) {
			t.Fatalf("until %v, %v", keys.Expires, err)
		}
		client := s3Of(t, gateway.Endpoint, keys)
		for what, allowed := range want {
			var err error
			if key := what[4:]; what[:3] == "put" {
				err = put(t.Context(), client, key)
			} else {
				_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("walls"), Key: &key})
			}
			if code := awscall.Code(err); allowed && err != nil || !allowed && code != "AccessDenied" {
				t.Errorf("%s under %q: %v", what, policy, err)
			}
		}
	}
}
