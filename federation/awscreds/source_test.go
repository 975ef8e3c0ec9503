package awscreds_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

// write makes a file and gives its name.
func write(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDefaultTakesTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "environment")
	c, err := awscreds.Default{}.Credentials(t.Context())
	if err != nil || c.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || !c.SecretAccessKey.Equal(secret.New("environment")) ||
		c.Kind() != federation.LongTerm || !c.Expires.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestDefaultReadsTheProfileAnewEachTime(t *testing.T) {
	file := write(t, "credentials", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	for _, key := range []string{"one", "two"} {
		content := "[wall]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + key + "\n"
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := awscreds.Default{Profile: "wall"}.Credentials(t.Context())
		if err != nil || !c.SecretAccessKey.Equal(secret.New(key)) {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestDefaultKnowsAnInstanceRole(t *testing.T) {
	expires := time.Now().Add(6 * time.Hour).Truncate(time.Second)
	imds := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/api/token"):
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
			fmt.Fprint(w, "token")
		case strings.HasSuffix(r.URL.Path, "/wall-role"):
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"s","Token":"t","Expiration":%q}`,
				expires.UTC().Format(time.RFC3339))
		case strings.Contains(r.URL.Path, "security-credentials"):
			fmt.Fprint(w, "wall-role")
		default:
			http.NotFound(w, r)
		}
	}))
	defer imds.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.URL)
	c, err := awscreds.Default{}.Credentials(t.Context())
	// The SDK says 1 h where it is more, so as to fetch anew more often.
	if err != nil || c.Kind() != federation.InstanceRole || c.Expires.IsZero() || c.Expires.After(expires) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestDefaultSaysWhatMendsItAndNoSecret(t *testing.T) {
	const planted = "plantedKeyWJalrXUtnFEMI"
	t.Setenv("AWS_CONFIG_FILE", write(t, "config", "[profile leaky]\ncredential_process = "+
		write(t, "leaky", "#!/bin/sh\necho '{\"SecretAccessKey\": "+planted+"'\n")+"\n"))
	for profile, want := range map[string]string{"leaky": "run it by hand", "absent": "no such profile", "": "credentials.aws.profile"} {
		_, err := awscreds.Default{Profile: profile}.Credentials(t.Context())
		if kindOf(err) == "" || !strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprintf("%v %#v", err, err), planted) {
			t.Errorf("profile %q: %v; want %q", profile, err, want)
		}
	}
	t.Setenv("AWS_CA_BUNDLE", write(t, "ca.pem", "not a certificate"))
	if _, err := (awscreds.Default{}).Credentials(t.Context()); kindOf(err) != federation.Invalid || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
		t.Errorf("a bad AWS_CA_BUNDLE: %v", err)
	}
}

func TestAWSCABundleIsTrusted(t *testing.T) {
	web := httptest.NewTLSServer(&standin.Server{})
	defer web.Close()
	base := federation.Credentials{AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)}
	t.Setenv("AWS_CA_BUNDLE", write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))))
	if _, err := (awscreds.Role{ARN: standin.DefaultRole, Endpoint: web.URL}).Assume(t.Context(), base); err != nil {
		t.Error(err)
	}
}

func TestAutoIDPassesTheWishAndTheError(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	source := awscreds.AutoID{Want: "sts/wall", Fetch: func(_ context.Context, want string) (secret.Text, error) {
		if want != "sts/wall" {
			t.Errorf("asked for %q", want)
		}
		return secret.Text{}, denied
	}}
	if _, err := source.Credentials(t.Context()); !errors.Is(err, denied) {
		t.Error(err)
	}
}

func TestFromAutoIDToASignedInConsole(t *testing.T) {
	t.Parallel()
	// The server's file store gives long-term keys, its sts store a role's credentials.
	for name, life := range map[string]time.Duration{"long-term": 12 * time.Hour, "chained": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := func() time.Time { return time.Now().Add(-2 * time.Hour) } // this machine is ahead
			h := &standin.Server{Clock: clock}
			s, at := standIn(t, h)
			held := s.user
			if name == "chained" {
				var err error
				if held, err = s.assume(t, s.user, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			source := awscreds.AutoID{Fetch: func(context.Context, string) (secret.Text, error) { return processJSON(t, held), nil }}
			login, destination := signIn(t, source, s, at)
			if (time.Until(login.Expires)-life).Abs() > 10*time.Second || (login.Skew-2*time.Hour).Abs() > 5*time.Second {
				t.Errorf("%+v", login)
			}
			ended, page := post(t, login, strings.TrimPrefix(at.STS, "http://"))
			if ended != destination || !strings.Contains(page, "awsc-session-data") {
				t.Errorf("the browser ended at %s", ended)
			}
			if sessions := h.Sessions(); len(sessions) != 1 || (sessions[0].Expires.Sub(clock())-life).Abs() > 10*time.Second {
				t.Errorf("the console's own view is %+v", sessions)
			}
		})
	}
}

// signIn goes the whole way from a source to a form, as the daemon does.
func signIn(t *testing.T, source awscreds.Source, s server, at standin.Addresses) (l federation.Login, destination string) {
	t.Helper()
	const region = "ap-southeast-2"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	base, err := source.Credentials(t.Context())
	must(err)
	plan, err := federation.Wish{Base: base.Kind(), Role: true}.Plan()
	must(err)
	c, err := awscreds.Role{ARN: s.role, Duration: plan.AssumeRole, Endpoint: s.endpoint}.Assume(t.Context(), base)
	must(err)
	p, err := federation.Choose(s.role, region)
	must(err)
	p.SignIn, p.Console = at.SignIn, at.Console("{region}")
	destination, err = federation.Dashboard{Name: "payments", Region: region}.Address(p)
	must(err)
	l, err = federation.SignIn{Partition: p, Region: region}.Login(t.Context(), c, plan.SessionDuration, destination)
	must(err)
	return l, destination
}

// post does what a browser does with a form: it posts, keeps cookies and follows, and finds all names under localhost at
// address. A fragment is kept over redirects.
func post(t *testing.T, l federation.Login, address string) (ended, body string) {
	t.Helper()
	form := url.Values{}
	for _, f := range l.Fields {
		form.Set(f.Name, f.Value.Reveal())
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: jar, Transport: toOne(address)}).PostForm(l.Address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Request.URL.String(), string(page)
}

// toOne is a transport that connects to address, whatever the name.
func toOne(address string) http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}
