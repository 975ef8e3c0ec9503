package standin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A world is a Server that listens, with a clock of its own and a client that resolves *.localhost as Chromium does.
type world struct {
	*Server
	Addresses
	t      *testing.T
	offset atomic.Int64 // of the clock
	client *http.Client // follows no redirects
	dialed string
}

func start(t *testing.T, s *Server) *world {
	t.Helper()
	w := &world{Server: s, t: t}
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // a clock that stands still until it is moved
	s.Clock = func() time.Time { return began.Add(time.Duration(w.offset.Load())) }
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	w.Addresses = At(listener.Listener.Addr())
	w.dialed = listener.Listener.Addr().String()
	w.client = w.browser()
	return w
}

func (w *world) pass(d time.Duration) { w.offset.Add(int64(d)) }

// browser makes a client with a cookie jar of its own.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, w.dialed)
	}}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Jar:           trusting{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A trusting jar takes and sends Secure cookies at *.localhost, as Chromium does.
type trusting struct{ *cookiejar.Jar }

func (j trusting) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.Jar.SetCookies(secured(u), cookies)
}
func (j trusting) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secured(u)) }

func secured(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

// An answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func read(t *testing.T, resp *http.Response, err error) answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (w *world) get(address string) answer {
	w.t.Helper()
	resp, err := w.client.Get(address)
	return read(w.t, resp, err)
}

func (w *world) post(address string, form url.Values) answer {
	w.t.Helper()
	resp, err := w.client.PostForm(address, form)
	return read(w.t, resp, err)
}

// follow goes on until there is no redirect, and counts them.
func (w *world) follow(a answer) (last answer, hops []string) {
	w.t.Helper()
	for a.status == http.StatusFound && len(hops) < 10 {
		hops = append(hops, a.header.Get("Location"))
		a = w.get(a.header.Get("Location"))
	}
	return a, hops
}

// keys are what a caller of STS has.
type keys struct{ id, key, token string }

var defaultKeys = keys{DefaultAccessKeyID, DefaultSecretKey, ""}

func (k keys) session() string {
	text, _ := json.Marshal(map[string]string{"sessionId": k.id, "sessionKey": k.key, "sessionToken": k.token})
	return string(text)
}

// signed makes a signed call; bend may spoil it after the signature.
func (w *world) signed(k keys, form url.Values, bend ...func(*http.Request)) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.STS+"/", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	sign(r, k, w.now(), []byte(form.Encode()), "eu-west-1", "sts")
	for _, f := range bend {
		f(r)
	}
	resp, err := w.client.Do(r)
	return read(w.t, resp, err)
}

func sign(r *http.Request, k keys, now time.Time, body []byte, region, service string) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Amz-Date", now.UTC().Format(amzDate))
	signed := []string{"content-type", "host", "x-amz-date"}
	if k.token != "" {
		r.Header.Set("X-Amz-Security-Token", k.token)
		signed = append(signed, "x-amz-security-token")
	}
	if r.Header.Get("X-Amz-Target") != "" {
		signed = append(signed, "x-amz-target")
	}
	r.Host = r.URL.Host
	scope := []string{now.UTC().Format("20060102"), region, service, terminator}
	toSign := strings.Join([]string{algorithm, now.UTC().Format(amzDate), strings.Join(scope, "/"),
		hex.EncodeToString(digest([]byte(canonicalRequest(r, body, signed))))}, "\n")
	key := []byte("AWS4" + k.key)
	for _, text := range scope {
		key = mac(key, text)
	}
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		algorithm, k.id, strings.Join(scope, "/"), strings.Join(signed, ";"), mac(key, toSign)))
}

func assume(role, name, seconds string) url.Values {
	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {name}}
	if seconds != "" {
		form.Set("DurationSeconds", seconds)
	}
	return form
}

// assumed assumes a role and returns its keys and their expiry.
func (w *world) assumed(k keys, role string, d time.Duration) (keys, time.Time) {
	w.t.Helper()
	got := w.signed(k, assume(role, "lobby-tv", strconv.Itoa(int(d/time.Second))))
	var parsed assumedRole
	if err := xml.Unmarshal([]byte(got.body), &parsed); got.status != http.StatusOK || err != nil {
		w.t.Fatalf("assume role: %d %s %v", got.status, got.body, err)
	}
	c := parsed.Result.Credentials
	expires, err := time.Parse(time.RFC3339, c.Expiration)
	if err != nil {
		w.t.Fatal(err)
	}
	return keys{c.KeyID, c.Secret, c.Token}, expires
}

// token asks for a sign-in token.
func (w *world) token(k keys, duration string) string {
	w.t.Helper()
	form := url.Values{"Action": {"getSigninToken"}, "Session": {k.session()}}
	if duration != "" {
		form.Set("SessionDuration", duration)
	}
	got := w.post(w.SignIn+"/federation", form)
	var parsed struct{ SigninToken string }
	if err := json.Unmarshal([]byte(got.body), &parsed); err != nil || parsed.SigninToken == "" {
		w.t.Fatalf("getSigninToken: %d %s", got.status, got.body)
	}
	return parsed.SigninToken
}

const issuer = "http://127.0.0.1:1/displays/lobby/"

func (w *world) home() string {
	return w.Console("eu-west-1") + "/cloudwatch/home?region=eu-west-1#dashboards:name=payments"
}

func (w *world) loginForm(token string) url.Values {
	return url.Values{"Action": {"login"}, "Issuer": {issuer}, "Destination": {w.home()}, "SigninToken": {token}}
}

// signIn signs the world's browser in with fresh credentials, and returns the dashboard.
func (w *world) signIn(role string) answer {
	w.t.Helper()
	k, _ := w.assumed(defaultKeys, role, time.Hour)
	page, _ := w.follow(w.post(w.SignIn+"/federation", w.loginForm(w.token(k, ""))))
	return page
}

// data is the page's own call.
func (w *world) data(session int) answer {
	w.t.Helper()
	return w.get(w.Console("eu-west-1") + dataPath + "?session=" + strconv.Itoa(session))
}

func isDashboard(a answer) bool {
	return a.status == http.StatusOK && strings.Contains(a.body, `name="awsc-session-data"`) && strings.Contains(a.body, "dashboard")
}

func isSignIn(a answer) bool {
	return a.status == http.StatusOK && strings.Contains(a.body, `type="password"`)
}

// refusal is an STS error, read.
func refusal(t *testing.T, a answer) (code, message string) {
	t.Helper()
	var parsed errorAnswer
	if err := xml.Unmarshal([]byte(a.body), &parsed); err != nil {
		t.Fatalf("not an STS error: %d %s", a.status, a.body)
	}
	if parsed.RequestID == "" {
		t.Error("the error has no RequestId")
	}
	return parsed.Error.Code, parsed.Error.Message
}

// twoAccounts has the default role, one in another account, and one that trusts nobody but the default role.
func twoAccounts() []Role {
	return []Role{
		{ARN: DefaultRole, MaxSession: 12 * time.Hour},
		{ARN: "arn:aws:iam::444455556666:role/other", Trusted: []string{DefaultUser}},
		{ARN: "arn:aws:iam::444455556666:role/console/chained", MaxSession: 12 * time.Hour, Trusted: []string{DefaultRole}, ExternalID: "lobby"},
	}
}

func mustFault(t *testing.T, s *Server, f Fault) {
	t.Helper()
	if err := s.SetFault(f); err != nil {
		t.Fatal(err)
	}
}
