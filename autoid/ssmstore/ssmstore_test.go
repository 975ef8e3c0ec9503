package ssmstore_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/ssmstore"
	"github.com/kioskeeper/kioskeeper/internal/moto"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	planted  = "planted-secret"
	previous = "planted-old-secret"
)

func account(endpoint, id string, key secret.Text) *awscall.Account {
	return &awscall.Account{Region: "eu-west-1", Endpoint: endpoint, Keys: autoid.AWSKeys{AccessKeyID: id, SecretAccessKey: key}}
}

// suite is what both imitations have.
func suite(a *awscall.Account) autoidtest.Store {
	return autoidtest.Store{
		Store: ssmstore.Store{Account: a, Prefix: "/auto-id/"},
		Has:   "wall/token", Content: `"` + planted + `"`, HasNot: "hall",
		Versions:  map[string]string{"1": `"` + previous + `"`, "2": `"` + planted + `"`, "blue": `"` + previous + `"`},
		Malformed: []string{"arn:aws:ssm:eu-west-1:111122223333:parameter/auto-id/wall/token", "wall/token:1", "a b", "a@b"},
		Secrets:   []string{"planted", standin.DefaultSecretKey},
	}
}

func open(t *testing.T) autoidtest.Store {
	aws := &standin.Server{Parameters: []standin.Parameter{
		{Name: "/auto-id/wall/token", Versions: []secret.Text{secret.New(previous), secret.New(planted)}, Labels: map[string]int{"blue": 1}},
		{Name: "/auto-id/open", Type: "String", Versions: []secret.Text{secret.New("open")}},
		{Name: "flat", Versions: []secret.Text{secret.New("flat")}},
	}}
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	s := suite(account(server.URL, standin.DefaultAccessKeyID, secret.New(standin.DefaultSecretKey)))
	s.Break = func() {
		if err := aws.SetFault(standin.Fault{Part: standin.SSM, Kind: standin.Throttled}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestParametersAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, open)
}

func TestParametersAreAStoreForMotoToo(t *testing.T) {
	t.Parallel()
	s := moto.Start(t, func(s *moto.Server) {
		call := func(action string, in map[string]any) {
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			s.Call(t, "ssm", "AmazonSSM."+action, string(body))
		}
		const name = "/auto-id/wall/token"
		call("PutParameter", map[string]any{"Name": name, "Type": "SecureString", "Value": previous})
		call("PutParameter", map[string]any{"Name": name, "Type": "SecureString", "Value": planted, "Overwrite": true})
		call("LabelParameterVersion", map[string]any{"Name": name, "ParameterVersion": 1, "Labels": []string{"blue"}})
	})
	if s != nil {
		autoidtest.TestStore(t, func(*testing.T) autoidtest.Store { return suite(account(s.Endpoint, s.AccessKeyID, s.Secret)) })
	}
}

func TestOnlySecureStringsAreSecrets(t *testing.T) {
	t.Parallel()
	_, err := open(t).Store.Credential(t.Context(), autoid.Grant{Want: autoid.Want{ID: "open"}})
	if err == nil || !strings.Contains(err.Error(), "make it a SecureString") {
		t.Errorf("%v", err)
	}
}

func TestNamesBeginWhereAWSWantsThemTo(t *testing.T) {
	t.Parallel()
	a := open(t).Store.(ssmstore.Store).Account
	for _, c := range []struct{ prefix, id string }{{"", "flat"}, {"", "auto-id/wall/token"}, {"/", "auto-id/wall/token"}} {
		_, err := ssmstore.Store{Account: a, Prefix: c.prefix}.Credential(t.Context(), autoid.Grant{Want: autoid.Want{ID: c.id}})
		if err != nil {
			t.Errorf("%q %q: %v", c.prefix, c.id, err)
		}
	}
}
