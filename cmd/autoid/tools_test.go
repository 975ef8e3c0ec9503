package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskeys "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/internal/radosgw"
)

// TestToolsOfOthersUseTheCredentials has AWS's own SDK for JavaScript, and its CLI where there is one, take credentials from
// credential-process and credential-server, and use them against an S3 that checks signatures and session policies.
func TestToolsOfOthersUseTheCredentials(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs(filepath.Join("testdata", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.LookPath("node")
	if sdk, none := filepath.Glob(filepath.Join(modules, "@aws-sdk", "client-s3")); err != nil || none != nil || len(sdk) == 0 {
		t.Fatal("no node, or no AWS SDK for it: packaging/deps.sh test installs them (nodejs, npm; npm ci in testdata)")
	}
	if path, err := exec.LookPath("aws"); err != nil {
		fmt.Println("autoid is tested with the AWS SDK for JavaScript; there is no aws on the PATH")
	} else {
		fmt.Println("autoid is tested with the AWS SDK for JavaScript and", path)
	}

	gateway := radosgw.Start(t)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/root"]},` +
		`"Action":["sts:AssumeRole"]}]}`
	role := gateway.CreateRole(t, "wall", trust)
	gateway.PutRolePolicy(t, "wall", "all",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}`)
	owner := s3.New(s3.Options{Region: radosgw.Region, BaseEndpoint: &gateway.Endpoint, UsePathStyle: true,
		Credentials: awskeys.NewStaticCredentialsProvider(gateway.Keys.AccessKeyID, gateway.Keys.Secret.Reveal(), "")})
	for _, bucket := range []string{"allowed", "denied"} {
		if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		_, err := owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("there"),
			Body: strings.NewReader("in " + bucket)})
		if err != nil {
			t.Fatal(err)
		}
	}

	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "tools"), RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("MODULES", modules)
			env.Setenv("AWS_ENDPOINT_URL_S3", gateway.Endpoint)
			// Of the gateway's age: it does not know the checksums that SDKs send since 2025.
			env.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
			env.Setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
			err := setup(env)
			w, _ := env.Values[worldKey{}].(*world)
			w.account = &awscall.Account{Region: radosgw.Region, Endpoint: gateway.Endpoint,
				Keys: autoid.AWSKeys{AccessKeyID: gateway.Keys.AccessKeyID, SecretAccessKey: gateway.Keys.Secret}}
			w.roles = map[string]stsstore.Role{"wall": {ARN: role}}
			w.policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],` +
				`"Resource":["arn:aws:s3:::allowed","arn:aws:s3:::allowed/*"]}]}`
			return err
		},
	})
}
