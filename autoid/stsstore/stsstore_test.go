package stsstore_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/secret"
)

const planted = "planted-secret-key"

// An sts answers AssumeRole as AWS does, and remembers what it was asked.
type sts struct {
	asked url.Values
	fault string // an error code to answer with
}

func (s *sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIABASE/") {
		http.Error(w, "unsigned", http.StatusForbidden)
		return
	}
	s.asked = r.PostForm
	if s.fault != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, s.fault)
		return
	}
	seconds, _ := strconv.Atoi(s.asked.Get("DurationSeconds"))
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>
		<SecretAccessKey>`+planted+`</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration>
		</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(time.RFC3339))
}

func open(t *testing.T) (*stsstore.Store, *sts) {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "") // the SDK refuses a client of ours beside it
	s := new(sts)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &stsstore.Store{
		Roles:  map[string]stsstore.Role{"wall": {ARN: "arn:aws:iam::111122223333:role/wall", ExternalID: "ext"}},
		Region: "eu-central-1", Endpoint: server.URL, HTTP: server.Client(),
		Keys: autoid.AWSKeys{AccessKeyID: "AKIABASE", SecretAccessKey: secret.New(planted)},
	}, s
}

func TestRolesAreAStore(t *testing.T) {
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		s, _ := open(t)
		return autoidtest.Store{Store: s, Has: "wall", HasNot: "floor", Secrets: []string{planted},
			Leases: true, Duration: 20 * time.Minute}
	})
}

func grant(client string, d time.Duration) autoid.Grant {
	return autoid.Grant{Client: client, Want: autoid.Want{Store: "sts", ID: "wall"}, Duration: d}
}

func TestAsksAWSForNoMoreThanThePolicyLets(t *testing.T) {
	s, aws := open(t)
	for _, x := range []struct {
		client, session, seconds string
		duration                 time.Duration
	}{
		{"lobby-tv", "lobby-tv", "900", 15 * time.Minute},
		{"x", "client-x", "3600", time.Hour},
		{"lobby-tv", "lobby-tv", "43200", 24 * time.Hour},
	} {
		c, err := s.Credential(t.Context(), grant(x.client, x.duration))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := c.AWS()
		if err != nil || keys.AccessKeyID != "ASIA" || keys.SecretAccessKey.Reveal() != planted {
			t.Errorf("keys %v, %v", keys, err)
		}
		want := url.Values{"RoleSessionName": {x.session}, "DurationSeconds": {x.seconds}, "ExternalId": {"ext"},
			"RoleArn": {"arn:aws:iam::111122223333:role/wall"}}
		for k := range want {
			if aws.asked.Get(k) != want.Get(k) {
				t.Errorf("%v: %s = %q, want %q", x.duration, k, aws.asked.Get(k), want.Get(k))
			}
		}
	}
}

func TestAShorterLeaseThanAWSGivesIsRefusedWithItsMend(t *testing.T) {
	s, aws := open(t)
	_, err := s.Credential(t.Context(), grant("lobby-tv", 14*time.Minute))
	e, ok := errors.AsType[*autoid.Error](err)
	if !ok || e.Code != autoid.BadRequest || !strings.Contains(e.Message, "max_duration") || aws.asked != nil {
		t.Errorf("%v; AWS was asked %v", err, aws.asked)
	}
}

func TestWhatAWSRefusesStaysHere(t *testing.T) {
	s, aws := open(t)
	aws.fault = "AccessDenied"
	if _, err := s.Credential(t.Context(), grant("lobby-tv", time.Hour)); err == nil {
		t.Error("no error")
	} else if _, ok := errors.AsType[*autoid.Error](err); ok || strings.Contains(err.Error(), planted) {
		t.Errorf("%v is for the client, or shows a secret", err)
	}
}
