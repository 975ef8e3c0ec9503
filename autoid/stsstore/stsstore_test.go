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
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/internal/moto"
	"github.com/kioskeeper/kioskeeper/internal/standin"
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
	action := s.asked.Get("Action")
	if s.fault != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, s.fault)
		return
	}
	seconds, _ := strconv.Atoi(s.asked.Get("DurationSeconds"))
	_, _ = fmt.Fprintf(w, `<`+action+`Response><`+action+`Result><Credentials><AccessKeyId>ASIA</AccessKeyId>
		<SecretAccessKey>`+planted+`</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration>
		</Credentials></`+action+`Result></`+action+`Response>`,
		time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(time.RFC3339))
}

const tooLong = "a-client-with-a-name-that-is-longer-than-aws-lets-a-token-be"

// answered is for what AWS is asked; whether it would let it is the stand-in's to say.
func answered(t *testing.T) (stsstore.Store, *sts) {
	t.Helper()
	s := new(sts)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return stsstore.Store{
		Account: account(server.URL, "AKIABASE", planted),
		Roles: map[string]stsstore.Role{"wall": {ARN: "arn:aws:iam::111122223333:role/wall", ExternalID: "ext",
			SourceIdentity: true, PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}},
		Federation: map[string]stsstore.Federation{"partner": {}},
	}, s
}

func account(endpoint, id, key string) *awscall.Account {
	return &awscall.Account{Region: "eu-west-1", Endpoint: endpoint,
		Keys: autoid.AWSKeys{AccessKeyID: id, SecretAccessKey: secret.New(key)}}
}

// suite is what every imitation of STS has.
func suite(a *awscall.Account) autoidtest.Store {
	return autoidtest.Store{
		Store: stsstore.Store{Account: a, Roles: map[string]stsstore.Role{"wall": {ARN: standin.DefaultRole}}},
		Has:   "wall", HasNot: "floor", Secrets: []string{standin.DefaultSecretKey}, Leases: true, Narrows: true,
		Duration: 20 * time.Minute,
	}
}

func federation(a *awscall.Account) autoidtest.Store {
	s := suite(a)
	s.Store = stsstore.Store{Account: a, Federation: map[string]stsstore.Federation{
		"wall": {PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}}
	return s
}

func imitation(t *testing.T) (*awscall.Account, func()) {
	aws := new(standin.Server)
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	return account(server.URL, standin.DefaultAccessKeyID, standin.DefaultSecretKey), func() {
		if err := aws.SetFault(standin.Fault{Part: standin.STS, Kind: standin.Denied}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRolesAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		a, fail := imitation(t)
		s := suite(a)
		s.Break = fail
		return s
	})
}

func TestFederationTokensAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		a, fail := imitation(t)
		s := federation(a)
		s.Break = fail
		return s
	})
}

func TestRolesAndTokensAreAStoreForMotoToo(t *testing.T) {
	t.Parallel()
	s := moto.Start(t, func(*moto.Server) {})
	if s == nil {
		return
	}
	for _, of := range []func(*awscall.Account) autoidtest.Store{suite, federation} {
		autoidtest.TestStore(t, func(*testing.T) autoidtest.Store { return of(account(s.Endpoint, s.AccessKeyID, s.Secret.Reveal())) })
	}
}

func grant(client string, d time.Duration) autoid.Grant {
	return autoid.Grant{Client: client, Want: autoid.Want{Store: "sts", ID: "wall"}, Duration: d}
}

func TestAsksAWSForNoMoreThanThePolicyLets(t *testing.T) {
	t.Parallel()
	s, aws := answered(t)
	for _, x := range []struct {
		client, session, seconds string
		duration                 time.Duration
	}{
		{"lobby-tv", "lobby-tv", "900", 15 * time.Minute},
		{"x", "client-x", "3600", time.Hour},
		{"lobby-tv", "lobby-tv", "43200", 24 * time.Hour},
		{tooLong, tooLong, "3600", time.Hour},
	} {
		c, err := s.Credential(t.Context(), grant(x.client, x.duration))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := c.AWS()
		if err != nil || keys.AccessKeyID != "ASIA" || keys.SecretAccessKey.Reveal() != planted {
			t.Errorf("keys %v, %v", keys, err)
		}
		want := url.Values{"SourceIdentity": {x.session}, "RoleSessionName": {x.session}, "DurationSeconds": {x.seconds}, "ExternalId": {"ext"},
			"RoleArn": {"arn:aws:iam::111122223333:role/wall"}, "Policy": {""}, "Tags.member.1.Key": {""},
			"PolicyArns.member.1.arn": {"arn:aws:iam::aws:policy/ReadOnlyAccess"}}
		for k := range want {
			if aws.asked.Get(k) != want.Get(k) {
				t.Errorf("%v: %s = %q, want %q", x.duration, k, aws.asked.Get(k), want.Get(k))
			}
		}
	}
}

func TestWhatNarrowsAGrantReachesAWS(t *testing.T) {
	t.Parallel()
	s, aws := answered(t)
	for id, names := range map[string]url.Values{
		"wall":    {"Action": {"AssumeRole"}, "RoleSessionName": {tooLong}},
		"partner": {"Action": {"GetFederationToken"}, "Name": {"a-client-with-a-name-th-27e0aaab"}},
	} {
		g := grant(tooLong, time.Hour)
		g.Want.ID, g.SessionPolicy, g.Tags = id, `{"Statement":[]}`, map[string]string{"b": "2", "a": "1"}
		if _, err := s.Credential(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		names["Policy"] = []string{`{"Statement":[]}`}
		names["Tags.member.1.Key"], names["Tags.member.2.Value"] = []string{"a"}, []string{"2"}
		for k := range names {
			if aws.asked.Get(k) != names.Get(k) {
				t.Errorf("%s: %s = %q, want %q", id, k, aws.asked.Get(k), names.Get(k))
			}
		}
	}
}

func TestAFederationTokenNeedsAPolicyAndAUsersOwnKeys(t *testing.T) {
	t.Parallel()
	s, aws := answered(t)
	g := grant("lobby-tv", time.Hour)
	g.Want.ID = "partner"
	_, err := s.Credential(t.Context(), g)
	if e, ok := errors.AsType[*autoid.Error](err); !ok || e.Code != autoid.BadRequest || !strings.Contains(e.Message, "session_policy") {
		t.Errorf("without a policy: %v", err)
	}
	g.SessionPolicy = "{}"
	s.Account.Keys.SessionToken = secret.New("temporary")
	if _, err := s.Credential(t.Context(), g); err == nil || !strings.Contains(err.Error(), "use a role instead") || aws.asked != nil {
		t.Errorf("with temporary keys: %v; AWS was asked %v", err, aws.asked)
	}
}

func TestAShorterLeaseThanAWSGivesIsRefusedWithItsMend(t *testing.T) {
	t.Parallel()
	s, aws := answered(t)
	_, err := s.Credential(t.Context(), grant("lobby-tv", 14*time.Minute))
	e, ok := errors.AsType[*autoid.Error](err)
	if !ok || e.Code != autoid.BadRequest || !strings.Contains(e.Message, "max_duration") || aws.asked != nil {
		t.Errorf("%v; AWS was asked %v", err, aws.asked)
	}
}

func TestWhatAWSRefusesStaysHere(t *testing.T) {
	t.Parallel()
	s, aws := answered(t)
	aws.fault = "AccessDenied"
	if _, err := s.Credential(t.Context(), grant("lobby-tv", time.Hour)); err == nil {
		t.Error("no error")
	} else if _, ok := errors.AsType[*autoid.Error](err); ok || strings.Contains(err.Error(), planted) {
		t.Errorf("%v is for the client, or shows a secret", err)
	}
}
