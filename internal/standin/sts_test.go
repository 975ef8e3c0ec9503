package standin

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var whoAmI = url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}

func TestTellsWhoCalls(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	got := w.signed(defaultKeys, whoAmI)
	if got.status != http.StatusOK || !strings.Contains(got.body, "<Arn>"+DefaultUser+"</Arn>") ||
		!strings.Contains(got.body, "<Account>"+DefaultAccount+"</Account>") || !strings.Contains(got.body, "<RequestId>") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got.header.Get("Content-Type") != "text/xml" || got.header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("header: %v", got.header)
	}
	k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	if got = w.signed(k, whoAmI); !strings.Contains(got.body, "assumed-role/wall-viewer/lobby-tv</Arn>") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestRefusesWhatIsNotSignedRight(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	temporary, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	swap := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	again := func(region, service string) func(*http.Request) {
		return func(r *http.Request) { sign(r, defaultKeys, w.now(), []byte(whoAmI.Encode()), region, service) }
	}
	for _, c := range []struct {
		name    string
		keys    keys
		bend    func(*http.Request)
		status  int
		code    string
		message string
	}{
		{"unsigned", defaultKeys, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken", "missing"},
		{"another scheme", defaultKeys, header("Authorization", "Bearer x"), 400, "IncompleteSignature", "AWS4-HMAC-SHA256"},
		{"no signed headers", defaultKeys, swap("SignedHeaders", "Signed"), 400, "IncompleteSignature", "'SignedHeaders'"},
		{"short scope", defaultKeys, swap("/sts/", "/"), 400, "IncompleteSignature", "5 slash-delimited"},
		{"no date", defaultKeys, header("X-Amz-Date", ""), 400, "IncompleteSignature", "ISO-8601"},
		{"header changed", defaultKeys, header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
			403, "SignatureDoesNotMatch", "we calculated"},
		{"header added", defaultKeys, header("X-Amz-Target", "x"), 403, "SignatureDoesNotMatch", "'x-amz-target' must be"},
		{"host not signed", defaultKeys, swap("host;", ""), 403, "SignatureDoesNotMatch", "'Host'"},
		{"another service", defaultKeys, again("eu-west-1", "iam"), 403, "SignatureDoesNotMatch", "correct service: 'sts'"},
		{"no such region", defaultKeys, again("nowhere", "sts"), 403, "SignatureDoesNotMatch", "valid region"},
		{"terminator", defaultKeys, swap("aws4_request", "aws5_request"), 403, "SignatureDoesNotMatch", "terminator"},
		{"another day", defaultKeys, swap("/20260301/", "/20260228/"), 403, "SignatureDoesNotMatch", "'20260228' != '20260301'"},
		{"another region in another's host", defaultKeys, func(r *http.Request) {
			r.URL.Host = "us-east-2.sts.localhost:" + w.port
			again("eu-west-1", "sts")(r)
		}, 403, "SignatureDoesNotMatch", "valid region"},
		{"unknown key", keys{"AKIANOBODY0000000000", "x", ""}, nil, 403, "InvalidClientTokenId", "invalid"},
		{"wrong secret", keys{DefaultAccessKeyID, "x", ""}, nil, 403, "SignatureDoesNotMatch", "we calculated"},
		{"token with a user's keys", keys{DefaultAccessKeyID, DefaultSecretKey, "x"}, nil, 403, "InvalidClientTokenId", "invalid"},
		{"no token", keys{temporary.id, temporary.key, ""}, nil, 403, "InvalidClientTokenId", "invalid"},
		{"wrong token", keys{temporary.id, temporary.key, temporary.token + "x"}, nil, 403, "InvalidClientTokenId", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bend := c.bend
			if bend == nil {
				bend = func(*http.Request) {}
			}
			got := w.signed(c.keys, whoAmI, bend)
			code, message := refusal(t, got)
			if got.status != c.status || code != c.code || !strings.Contains(message, c.message) {
				t.Errorf("%d %s %q", got.status, code, message)
			}
			if strings.Contains(got.body, DefaultSecretKey) || strings.Contains(got.body, temporary.token) {
				t.Error("the refusal tells a secret")
			}
		})
	}
	if code, _ := refusal(t, w.signed(defaultKeys, url.Values{"Action": {"DeleteEverything"}})); code != "InvalidAction" {
		t.Errorf("unknown action: %s", code)
	}
}

func TestRefusesAClockMoreThanFiveMinutesWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead time.Duration // of the client
		want  string
	}{
		{5 * time.Minute, ""}, {-5 * time.Minute, ""},
		{301 * time.Second, "Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)"},
		{-301 * time.Second, "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)"},
	} {
		w := start(t, &Server{})
		got := w.signed(defaultKeys, whoAmI, func(r *http.Request) {
			sign(r, defaultKeys, w.now().Add(c.ahead), []byte(whoAmI.Encode()), "eu-west-1", "sts")
		})
		if c.want == "" {
			if got.status != http.StatusOK {
				t.Errorf("%v: %d %s", c.ahead, got.status, got.body)
			}
			continue
		}
		if code, message := refusal(t, got); got.status != http.StatusForbidden || code != "SignatureDoesNotMatch" || message != c.want {
			t.Errorf("%v: %d %s %q", c.ahead, got.status, code, message)
		}
	}
}

func TestAssumeRoleHoldsToAWSsBounds(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{Roles: append(twoAccounts(), Role{ARN: "arn:aws:iam::111122223333:role/plain"})})
	chained, _ := w.assumed(defaultKeys, DefaultRole, 12*time.Hour)
	const plain, far = "arn:aws:iam::111122223333:role/plain", "arn:aws:iam::444455556666:role/console/chained"
	lobby := func(form url.Values) url.Values { form.Set("ExternalId", "lobby"); return form }
	for _, c := range []struct {
		name string
		keys keys
		form url.Values
		code string // "": it is given
		says string
	}{
		{"least", defaultKeys, assume(DefaultRole, "tv", "900"), "", ""},
		{"most", defaultKeys, assume(DefaultRole, "tv", "43200"), "", ""},
		{"left out", defaultKeys, assume(plain, "tv", ""), "", ""},
		{"too short", defaultKeys, assume(DefaultRole, "tv", "899"), "ValidationError", "greater than or equal to 900"},
		{"too long", defaultKeys, assume(DefaultRole, "tv", "43201"), "ValidationError", "less than or equal to 43200"},
		{"overflow", defaultKeys, assume(DefaultRole, "tv", "9223372036854775807"), "ValidationError", "less than or equal to 43200"},
		{"no number", defaultKeys, assume(DefaultRole, "tv", "1h"), "MalformedInput", ""},
		{"over the role's", defaultKeys, assume(plain, "tv", "3601"), "ValidationError", "exceeds the MaxSessionDuration set for this role"},
		{"no session name", defaultKeys, assume(DefaultRole, "", "900"), "ValidationError", "length greater than or equal to 2"},
		{"long session name", defaultKeys, assume(DefaultRole, strings.Repeat("x", 65), "900"),
			"ValidationError", "length less than or equal to 64"},
		{"bad session name", defaultKeys, assume(DefaultRole, "lobby tv", "900"), "ValidationError", "regular expression"},
		{"no ARN", defaultKeys, assume("wall-viewer", "tv", "900"), "ValidationError", "is invalid"},
		{"no such role", defaultKeys, assume(DefaultRole+"x", "tv", "900"), "AccessDenied", "not authorized to perform: sts:AssumeRole"},
		{"not trusted", defaultKeys, lobby(assume(far, "tv", "900")), "AccessDenied", "not authorized"},
		{"trusted by name", defaultKeys, assume(twoAccounts()[1].ARN, "tv", "900"), "", ""},
		{"role not trusted", chained, assume(twoAccounts()[1].ARN, "tv", "900"), "AccessDenied", "not authorized"},
		{"no external id", chained, assume(far, "tv", "900"), "AccessDenied", "not authorized"},
		{"chained", chained, lobby(assume(far, "tv", "3600")), "", ""},
		{"chained for longer", chained, lobby(assume(far, "tv", "3601")),
			"ValidationError", "1 hour session limit for roles assumed by role chaining"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.signed(c.keys, c.form)
			if c.code == "" {
				if got.status != http.StatusOK || !strings.Contains(got.body, "<SessionToken>") {
					t.Errorf("%d %s", got.status, got.body)
				}
				return
			}
			if code, message := refusal(t, got); code != c.code || !strings.Contains(message, c.says) {
				t.Errorf("%s %q", code, message)
			}
		})
	}
}

func TestCredentialsEndWhenTheySay(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{0: time.Hour, time.Minute: time.Minute, 2 * time.Hour: time.Hour} {
		w := start(t, &Server{Life: life})
		k, expires := w.assumed(defaultKeys, DefaultRole, time.Hour)
		if got := expires.Sub(w.now()); got != want {
			t.Errorf("life %v: expires in %v, want %v", life, got, want)
		}
		w.pass(want - time.Second)
		if got := w.signed(k, whoAmI); got.status != http.StatusOK {
			t.Errorf("life %v: ended early: %s", life, got.body)
		}
		w.pass(time.Second)
		if code, _ := refusal(t, w.signed(k, whoAmI)); code != "ExpiredToken" {
			t.Errorf("life %v: after the end: %s", life, code)
		}
		w.pass(24 * time.Hour)
		w.assumed(defaultKeys, DefaultRole, time.Hour)
		if len(w.issued) != 1 {
			t.Errorf("%d credentials are kept after a day, want the new one only", len(w.issued))
		}
	}
}

// TestRealCLI lets AWS's own command line sign. It says whether there was one.
func TestRealCLI(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Log("the aws command line is not in PATH: only the vectors were checked")
		return
	}
	s := &Server{}
	w := start(t, s)
	s.Clock = nil // before the first request: the command signs with the machine's time
	run := func(secretKey string, args ...string) string {
		command := exec.CommandContext(t.Context(), path, append(args, "--endpoint-url", w.STS, "--output", "json")...)
		home := t.TempDir()
		environ := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") })
		command.Env = append(environ, "AWS_ACCESS_KEY_ID="+DefaultAccessKeyID, "AWS_SECRET_ACCESS_KEY="+secretKey,
			"AWS_DEFAULT_REGION=eu-west-1", "AWS_MAX_ATTEMPTS=1",
			"AWS_CONFIG_FILE="+home+"/config", "AWS_SHARED_CREDENTIALS_FILE="+home+"/credentials", "NO_PROXY=127.0.0.1")
		out, err := command.CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return string(out)
	}
	t.Logf("the signatures of %s were checked", path)
	if got := run(DefaultSecretKey, "sts", "get-caller-identity"); !strings.Contains(got, DefaultUser) {
		t.Errorf("get-caller-identity: %s", got)
	}
	got := run(DefaultSecretKey, "sts", "assume-role", "--role-arn", DefaultRole, "--role-session-name", "lobby-tv",
		"--duration-seconds", "43200")
	if !strings.Contains(got, "assumed-role/wall-viewer/lobby-tv") || !strings.Contains(got, "SessionToken") {
		t.Error("assume-role failed") // not its output, which may be credentials
	}
	if got := run("wrong", "sts", "get-caller-identity"); !strings.Contains(got, "SignatureDoesNotMatch") {
		t.Errorf("with a wrong key: %s", got)
	}
}
