// Package secretsmanagerstore is an auto-id store of AWS's Secrets Manager: each credential is a secret.
package secretsmanagerstore

import (
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// A Store gives the secrets whose names begin with Prefix: what "secretsmanager/id" wants is the secret of that prefix and
// id, its current version. "…@stage=AWSPREVIOUS" is the version at a stage, "…@3f29…" (32 to 64 characters) that of a
// version's id. There are no leases, but for a secret that says its own Expiration.
type Store struct {
	Account *awscall.Account
	Prefix  string // "" reaches every secret that the server may read
}

var _ autoid.Store = Store{}

// The forms are AWS's. An ARN, which could name a secret of another account, has colons and so is never one.
var (
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)
	idForm    = regexp.MustCompile(`^[A-Za-z0-9-]{32,64}$`)
	stageForm = regexp.MustCompile(`^stage=([A-Za-z0-9._+=@-]{1,256})$`)
)

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	none := autoid.Credential{}
	if err := g.Whole(); err != nil {
		return none, err
	}
	if g.Want.ID == "" || !nameForm.MatchString(s.Prefix+g.Want.ID) || strings.Contains(g.Want.ID, "..") {
		return none, &autoid.Error{Code: autoid.BadRequest, Message: "not the name of a secret"}
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.Prefix + g.Want.ID)}
	if v := g.Want.Version; idForm.MatchString(v) {
		in.VersionId = &v
	} else if stage := stageForm.FindStringSubmatch(v); stage != nil {
		in.VersionStage = &stage[1]
	} else if v != "" {
		return none, &autoid.Error{Code: autoid.BadRequest, Message: "a version is an id of 32 to 64 characters, or stage=NAME"}
	}
	cfg, err := s.Account.Config(ctx)
	if err != nil {
		return none, err
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, in)
	switch {
	case awscall.Code(err) == "ResourceNotFoundException":
		return none, &autoid.Error{Code: autoid.NotFound, Message: "Secrets Manager does not have it"}
	case err != nil:
		return none, awscall.Told("get secret", err)
	case out.SecretString != nil:
		return autoid.NewCredential([]byte(*out.SecretString))
	case len(out.SecretBinary) == 0:
		return none, errors.New("get secret: it is empty")
	}
	// Bytes have no other form in JSON.
	return autoid.NewCredential([]byte(base64.StdEncoding.EncodeToString(out.SecretBinary)))
}
