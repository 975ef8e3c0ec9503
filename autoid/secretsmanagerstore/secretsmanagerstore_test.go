package secretsmanagerstore_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/secretsmanagerstore"
	"github.com/kioskeeper/kioskeeper/internal/moto"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	planted  = `{"token": "planted-secret"}`
	previous = "planted-old-secret"
	firstID  = "11111111-1111-1111-1111-111111111111"
	secondID = "22222222-2222-2222-2222-222222222222"
)

func account(endpoint, id string, key secret.Text) *awscall.Account {
	return &awscall.Account{Region: "eu-west-1", Endpoint: endpoint, Keys: autoid.AWSKeys{AccessKeyID: id, SecretAccessKey: key}}
}

// suite is what both imitations have.
func suite(a *awscall.Account) autoidtest.Store {
	old, _ := json.Marshal(previous)
	return autoidtest.Store{
		Store: secretsmanagerstore.Store{Account: a, Prefix: "auto-id/"},
		Has:   "wall/token", Content: planted, HasNot: "hall",
		Versions: map[string]string{
			firstID: string(old), secondID: planted, "stage=AWSPREVIOUS": string(old), "stage=AWSCURRENT": planted,
		},
		Malformed: []string{"arn:aws:secretsmanager:eu-west-1:111122223333:secret:auto-id/wall-AbCdEf", "a b", strings.Repeat("x", 600)},
		Secrets:   []string{"planted", standin.DefaultSecretKey},
	}
}

func open(t *testing.T) (autoidtest.Store, *standin.Server) {
	aws := &standin.Server{Secrets: []standin.Secret{
		{Name: "auto-id/wall/token", Versions: []standin.SecretVersion{
			{ID: firstID, Stages: []string{"AWSPREVIOUS"}, Text: secret.New(previous)},
			{ID: secondID, Stages: []string{"AWSCURRENT"}, Text: secret.New(planted)},
		}},
		{Name: "auto-id/bytes", Versions: []standin.SecretVersion{{ID: firstID, Stages: []string{"AWSCURRENT"}, Binary: []byte{0xff, 0}}}},
		{Name: "hall", Versions: []standin.SecretVersion{{ID: firstID, Stages: []string{"AWSCURRENT"}, Text: secret.New("x")}}},
	}}
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	s := suite(account(server.URL, standin.DefaultAccessKeyID, secret.New(standin.DefaultSecretKey)))
	s.Break = func() {
		if err := aws.SetFault(standin.Fault{Part: standin.SecretsManager, Kind: standin.Denied}); err != nil {
			t.Fatal(err)
		}
	}
	return s, aws
}

func TestSecretsAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		s, _ := open(t)
		return s
	})
}

func TestSecretsAreAStoreForMotoToo(t *testing.T) {
	t.Parallel()
	s := moto.Start(t, func(s *moto.Server) {
		call := func(action string, in map[string]string) {
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			s.Call(t, "secretsmanager", "secretsmanager."+action, string(body))
		}
		call("CreateSecret", map[string]string{"Name": "auto-id/wall/token", "SecretString": previous, "ClientRequestToken": firstID})
		call("PutSecretValue", map[string]string{"SecretId": "auto-id/wall/token", "SecretString": planted, "ClientRequestToken": secondID})
	})
	if s != nil {
		autoidtest.TestStore(t, func(*testing.T) autoidtest.Store { return suite(account(s.Endpoint, s.AccessKeyID, s.Secret)) })
	}
}

func TestBytesBecomeBase64(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	c, err := s.Store.Credential(t.Context(), autoid.Grant{Want: autoid.Want{ID: "bytes"}})
	if err != nil || c.JSON.Reveal() != `"/wA="` {
		t.Errorf("%v", err)
	}
}

func TestAWSsWordsStayHere(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	a := account(s.Store.(secretsmanagerstore.Store).Account.Endpoint, standin.DefaultAccessKeyID, secret.New("wrong"))
	s.Store = secretsmanagerstore.Store{Account: a}
	_, err := s.Store.Credential(t.Context(), autoid.Grant{Want: autoid.Want{ID: s.Has}})
	if err == nil || !strings.Contains(err.Error(), "InvalidSignatureException") || strings.Contains(err.Error(), "calculated") {
		t.Errorf("%v", err)
	}
}
