package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/secret"
)

// The planted secrets: letters only in the middle, which every way of escaping leaves as they are.
const (
	plantedKey    = "plantedKeyWJalrXUtnFEMI"
	plantedToken  = "plantedTokenIQoJb3JpZ2luX2Vj"
	plantedSignin = "plantedSigninTokenVCQgs5qZ"
)

func credentials(life time.Duration) federation.Credentials {
	return federation.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New("a/+&<" + plantedKey + `"=`),
		SessionToken: secret.New("b/+&<" + plantedToken + "=="), Expires: time.Now().Add(life)}
}

// signInAt is a SignIn whose AWS is h.
func signInAt(t *testing.T, h http.HandlerFunc) (s federation.SignIn, log *bytes.Buffer, destination string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	log = new(bytes.Buffer)
	s.Partition = aws(t)
	s.Partition.SignIn, s.Partition.Console = server.URL, server.URL
	s.Log = slog.New(slog.NewJSONHandler(log, nil))
	return s, log, server.URL + "/cloudwatch/home?region=us-east-1#dashboards:name=a%20b"
}

func giveToken(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"SigninToken":%q}`, plantedSignin)
}

func fieldsOf(l federation.Login) map[string]string {
	fields := map[string]string{}
	for _, f := range l.Fields {
		fields[f.Name] = f.Value.Reveal()
	}
	return fields
}

func TestLoginIsAFormThatLeadsToTheDestination(t *testing.T) {
	t.Parallel()
	c := credentials(time.Hour)
	s, log, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
		var session map[string]string
		if err := json.Unmarshal([]byte(r.PostFormValue("Session")), &session); err != nil {
			t.Error(err)
		}
		switch {
		case r.Method != http.MethodPost, r.URL.Path != "/federation", r.URL.RawQuery != "":
			t.Errorf("%s %s", r.Method, r.URL)
		case r.PostFormValue("Action") != "getSigninToken", r.PostForm.Has("SessionDuration"):
			t.Errorf("Action or SessionDuration is wrong")
		case session["sessionId"] != c.AccessKeyID, session["sessionKey"] != c.SecretAccessKey.Reveal(),
			session["sessionToken"] != c.SessionToken.Reveal():
			t.Errorf("the credentials came out differently")
		}
		giveToken(w, r)
	})
	s.Issuer = "http://127.0.0.1:1/again"
	before := time.Now().Round(0)
	l, err := s.Login(t.Context(), c, 0, destination)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Action": "login", "Destination": destination, "SigninToken": plantedSignin, "Issuer": s.Issuer}
	if got := fieldsOf(l); fmt.Sprint(got) != fmt.Sprint(want) || l.Address != s.Partition.SignIn+"/federation" {
		t.Errorf("form %v to %s", got, l.Address)
	}
	if !l.Expires.Equal(c.Expires) || l.Skew != 0 || l.Issued.Before(before) || l.TokenExpires.Sub(l.Issued) != 15*time.Minute {
		t.Errorf("times are wrong: %+v", l)
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", log)
	}
}

func TestSessionDurationOutlivesTheCredentials(t *testing.T) {
	t.Parallel()
	s, _, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.PostFormValue("SessionDuration"); got != "43200" {
			t.Errorf("SessionDuration %q", got)
		}
		giveToken(w, r)
	})
	l, err := s.Login(t.Context(), credentials(time.Hour), 12*time.Hour, destination)
	if err != nil || l.Expires.Sub(l.Issued) != 12*time.Hour {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestARefusedSessionDurationIsLeftOutOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	s, log, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; r.PostFormValue("SessionDuration") != "" {
			http.Error(w, "Invalid credentials parameter", http.StatusBadRequest)
			return
		}
		giveToken(w, r)
	})
	c := credentials(time.Hour)
	l, err := s.Login(t.Context(), c, 12*time.Hour, destination)
	if err != nil || !l.Expires.Equal(c.Expires) || calls != 2 {
		t.Errorf("%+v, %v after %d calls", l, err, calls)
	}
	if !strings.Contains(log.String(), "without SessionDuration") {
		t.Errorf("the log says nothing of it: %s", log)
	}
}

func TestOnlyA400WithSessionDurationIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status  int
		text    string
		session time.Duration
		calls   int
	}{
		{400, "", time.Hour, 2}, {400, "", 0, 1}, {403, "", time.Hour, 1}, {500, "", time.Hour, 1}, {429, "", time.Hour, 1},
		{400, "Rate exceeded", time.Hour, 1}, // a shorter session would be no answer to that
	} {
		calls := 0
		s, _, destination := signInAt(t, func(w http.ResponseWriter, _ *http.Request) { calls++; http.Error(w, test.text, test.status) })
		if _, err := s.Login(t.Context(), credentials(time.Hour), test.session, destination); err == nil || calls != test.calls {
			t.Errorf("%+v: %d calls, %v", test, calls, err)
		}
	}
}

func TestTheDateHeaderTellsTheSkew(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Hour, 0, 26 * time.Hour} {
		s, _, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
			giveToken(w, r)
		})
		c := credentials(time.Hour)
		l, err := s.Login(t.Context(), c, 0, destination)
		if err != nil || (l.Skew-ahead).Abs() > 5*time.Second || !l.Expires.Equal(c.Expires.Add(l.Skew)) {
			t.Errorf("ahead by %v: %+v, %v", ahead, l, err)
		}
	}
}

func TestWithoutADateTheCredentialsTellTheSkew(t *testing.T) {
	t.Parallel()
	s, _, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		giveToken(w, r)
	})
	c := credentials(time.Hour)
	c.Skew = -time.Minute
	if l, err := s.Login(t.Context(), c, 0, destination); err != nil || l.Skew != c.Skew || !l.Expires.Equal(c.LocalExpiry()) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestWhatCannotSignInIsRefusedBeforeASecretLeaves(t *testing.T) {
	t.Parallel()
	s, _, destination := signInAt(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	longTerm, endless := credentials(time.Hour), credentials(time.Hour)
	longTerm.SessionToken, endless.Expires = secret.Text{}, time.Time{}
	clear := s
	clear.Partition.SignIn = "http://signin.example.com"
	abroad := s
	abroad.Region = "cn-north-1"
	for _, test := range []struct {
		s           federation.SignIn
		c           federation.Credentials
		session     time.Duration
		destination string
		kind        federation.Kind
	}{
		{s, longTerm, 0, destination, federation.WrongCredentials},
		{s, endless, 0, destination, federation.WrongCredentials},
		{s, credentials(time.Hour), time.Minute, destination, federation.WrongDuration},
		{s, credentials(time.Hour), 13 * time.Hour, destination, federation.WrongDuration},
		{s, credentials(time.Hour), 0, "https://us-gov-west-1.console.amazonaws-us-gov.com/", federation.Invalid},
		{s, credentials(time.Hour), 0, "javascript:alert(1)", federation.Invalid},
		{clear, credentials(time.Hour), 0, destination, federation.Invalid},
		{abroad, credentials(time.Hour), 0, destination, federation.WrongPartition},
	} {
		if _, err := test.s.Login(t.Context(), test.c, test.session, test.destination); kindOf(err) != test.kind {
			t.Errorf("%v, want %q", err, test.kind)
		}
	}
}

func TestServicesWithHostsOfTheirOwnAreDestinations(t *testing.T) {
	t.Parallel()
	s := federation.SignIn{Partition: aws(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what passes the check stops here, before the network
	for destination, kind := range map[string]federation.Kind{
		"https://console.aws.amazon.com/":                      federation.Unreachable,
		"https://us-east-1.quicksight.aws.amazon.com/sn/start": federation.Unreachable,
		"https://aws.amazon.com.evil.example/":                 federation.Invalid,
		"https://evilaws.amazon.com/":                          federation.Invalid,
		"https://x@console.aws.amazon.com/":                    federation.Invalid,
		"http://console.aws.amazon.com/":                       federation.Invalid,
	} {
		if _, err := s.Login(ctx, credentials(time.Hour), 0, destination); kindOf(err) != kind {
			t.Errorf("%s: %v, want %q", destination, err, kind)
		}
	}
}

func TestNamesUnderLocalhostAreThisMachine(t *testing.T) {
	t.Parallel()
	s, _, destination := signInAt(t, giveToken)
	u, err := url.Parse(s.Partition.SignIn)
	if err != nil {
		t.Fatal(err)
	}
	s.Partition.SignIn = "http://{region}.signin.localhost:" + u.Port()
	if l, err := s.Login(t.Context(), credentials(time.Hour), 0, destination); err != nil ||
		l.Address != "http://us-east-1.signin.localhost:"+u.Port()+"/federation" {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestAWSCABundleIsTrusted(t *testing.T) { // not parallel: it sets the environment
	server := httptest.NewUnstartedServer(http.HandlerFunc(giveToken))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // one handshake is refused, as it should be
	server.StartTLS()
	defer server.Close()
	s := federation.SignIn{Partition: aws(t)}
	s.Partition.SignIn, s.Partition.Console = server.URL, server.URL
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, kind := range map[string]federation.Kind{
		"": federation.Unreachable, bundle: "", filepath.Join(t.TempDir(), "none.pem"): federation.Invalid} {
		t.Setenv("AWS_CA_BUNDLE", file)
		if _, err := s.Login(t.Context(), credentials(time.Hour), 0, server.URL); kindOf(err) != kind {
			t.Errorf("with AWS_CA_BUNDLE=%q: %v, want %q", file, err, kind)
		}
	}
}

// failures are the ways in which getSigninToken fails, each quoting the request where it can.
var failures = []struct {
	name string
	kind federation.Kind
	h    func(w http.ResponseWriter, echo string)
}{
	{"throttled", federation.Throttled, func(w http.ResponseWriter, echo string) { http.Error(w, echo, http.StatusTooManyRequests) }},
	{"throttled in a 400", federation.Throttled, func(w http.ResponseWriter, echo string) { http.Error(w, "Rate exceeded "+echo, 400) }},
	{"invalid credentials", federation.Refused, func(w http.ResponseWriter, echo string) {
		http.Error(w, "<html><h1>Invalid credentials parameter</h1>"+echo, 400)
	}},
	{"login link", federation.WrongPartition, func(w http.ResponseWriter, echo string) {
		http.Error(w, "The credentials in your login link were invalid. "+echo, 400)
	}},
	{"kind", federation.WrongCredentials, func(w http.ResponseWriter, echo string) {
		http.Error(w, "Only federation tokens or assume role tokens may be used. "+echo, 400)
	}},
	{"JSON 400", federation.Refused, func(w http.ResponseWriter, echo string) { http.Error(w, fmt.Sprintf(`{"message":%q}`, echo), 400) }},
	{"forbidden", federation.Refused, func(w http.ResponseWriter, echo string) { http.Error(w, echo, http.StatusForbidden) }},
	{"500", federation.Unavailable, func(w http.ResponseWriter, echo string) { http.Error(w, echo, 500) }},
	{"redirect", federation.Unexpected, func(w http.ResponseWriter, echo string) {
		w.Header().Set("Location", "/elsewhere?"+url.QueryEscape(echo))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}},
	{"not JSON", federation.Unexpected, func(w http.ResponseWriter, echo string) { _, _ = w.Write([]byte("<html>" + echo)) }},
	{"wrong JSON", federation.Unexpected, func(w http.ResponseWriter, echo string) { fmt.Fprintf(w, `{"SigninToken":["%s"]}`, echo) }},
	{"no token", federation.Unexpected, func(w http.ResponseWriter, _ string) { _, _ = w.Write([]byte("{}")) }},
	{"endless", federation.Unexpected, func(w http.ResponseWriter, echo string) { _, _ = w.Write(bytes.Repeat([]byte(echo), 1000)) }},
	{"cut off", federation.Unreachable, func(w http.ResponseWriter, echo string) {
		w.Header().Set("Content-Length", "99999")
		_, _ = w.Write([]byte(echo))
	}},
	{"malformed", federation.Unreachable, func(w http.ResponseWriter, echo string) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = c.Write([]byte("HTTP/9 " + echo + "\r\n\r\n"))
			_ = c.Close()
		}
	}},
	{"closed", federation.Unreachable, func(http.ResponseWriter, string) { panic(http.ErrAbortHandler) }},
}

func TestNoFailureTellsASecret(t *testing.T) {
	t.Parallel()
	leaks := func(s string) bool {
		for _, planted := range []string{plantedKey, plantedToken, plantedSignin} {
			if strings.Contains(s, planted) || strings.Contains(s, fmt.Sprintf("%x", planted)) {
				return true
			}
		}
		return false
	}
	for _, failure := range failures {
		t.Run(failure.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			echoed := ""
			s, log, destination := signInAt(t, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				echo := r.PostFormValue("Session") + r.PostForm.Encode() + plantedSignin
				mu.Lock()
				echoed = echo
				mu.Unlock()
				failure.h(w, echo)
			})
			for _, session := range []time.Duration{0, 12 * time.Hour} {
				l, err := s.Login(t.Context(), credentials(time.Hour), session, destination)
				if kindOf(err) != failure.kind {
					t.Errorf("%v, want %q", err, failure.kind)
				}
				s.Log.Error("x", "error", err, "login", l)
				if said := fmt.Sprintf("%v %+v %#v %q", err, l, err, err) + log.String(); leaks(said) {
					t.Errorf("a secret is in %s", said)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if !leaks(echoed) { // the test must be able to find one
				t.Errorf("the request did not hold the secrets: %s", echoed)
			}
		})
	}
}

func TestExpiredCredentialsAreKnownByAWSsTime(t *testing.T) {
	t.Parallel()
	s, _, destination := signInAt(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) })
	if _, err := s.Login(t.Context(), credentials(-time.Minute), 0, destination); kindOf(err) != federation.Expired {
		t.Error(err)
	}
}

func TestACancelledLoginEndsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, _, destination := signInAt(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		_ = r.ParseForm() // the server notices the client's leaving once it has read the body
		<-r.Context().Done()
	})
	_, err := s.Login(ctx, credentials(time.Hour), 0, destination)
	if kindOf(err) != federation.Unreachable || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
