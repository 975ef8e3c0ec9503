package awscreds_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

func TestAWSSaysWhoseCredentialsTheseAre(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s server) {
		c, err := s.assume(t, s.user, 0)
		if err != nil {
			t.Fatal(err)
		}
		id, err := awscreds.Identify(t.Context(), c, "", s.endpoint)
		account := strings.Split(s.role, ":")[4]
		if err != nil || id.Account != account || !strings.HasSuffix(id.ARN, "/"+awscreds.DefaultSessionName) {
			t.Errorf("%+v, %v", id, err)
		}
		c.SecretAccessKey = secret.New("not/the/secret/of/this/key/at/all/000000")
		// moto says no in a form that is not AWS's.
		if id, err := awscreds.Identify(t.Context(), c, "", s.endpoint); err == nil ||
			s.name == "stand-in" && kindOf(err) != federation.WrongCredentials {
			t.Errorf("with a wrong secret: %+v, %v", id, err)
		}
	})
}

func TestPolicyAndTagsOfASessionAreAskedFor(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, &standin.Server{})
	var form url.Values
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		http.Error(w, "", http.StatusTeapot)
	}))
	t.Cleanup(proxy.Close)
	role := awscreds.Role{ARN: s.role, Endpoint: proxy.URL, Policy: `{"Version":"2012-10-17"}`,
		Tags: map[string]string{"team": "web", "cost centre": ""}}
	if _, err := role.Assume(t.Context(), s.user); err == nil {
		t.Fatal("a teapot gave credentials")
	}
	want := map[string]string{"Policy": role.Policy, "Tags.member.1.Key": "cost centre", "Tags.member.1.Value": "",
		"Tags.member.2.Key": "team", "Tags.member.2.Value": "web"}
	got := map[string]string{}
	for name := range want {
		got[name] = form.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, bad := range []awscreds.Role{
		{ARN: s.role, Policy: "{"}, {ARN: s.role, Tags: map[string]string{"": "x"}}, {ARN: s.role, Tags: map[string]string{"a": "b;c"}},
		{ARN: s.role, Tags: map[string]string{strings.Repeat("x", 129): "x"}},
	} {
		if kindOf(bad.Check()) != federation.Invalid {
			t.Errorf("%+v: %v", bad, bad.Check())
		}
	}
}
