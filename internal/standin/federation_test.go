package standin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSigninTokenIsGivenForRoleCredentialsOnly(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{Roles: twoAccounts()})
	first, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	form := assume(twoAccounts()[2].ARN, "lobby-tv", "900")
	form.Set("ExternalId", "lobby")
	if got := w.signed(first, form); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	var chained keys
	for id, c := range w.issued {
		if c.chained {
			chained = keys{id, c.secret.Reveal(), c.token.Reveal()}
		}
	}
	for _, c := range []struct {
		name, session, duration, refused string
	}{
		{"role", first.session(), "", ""},
		{"role, 15 min", first.session(), "900", ""},
		{"role, 12 h", first.session(), "43200", ""},
		{"chained", chained.session(), "", ""},
		{"chained with a duration", chained.session(), "900", textInvalid},
		{"too short", first.session(), "840", textInvalid},
		{"too long", first.session(), "43260", textInvalid},
		{"odd", first.session(), "7273", textInvalid},
		{"empty", first.session(), "", ""},
		{"no number", first.session(), "1h", textInvalid},
		{"long-term keys", defaultKeys.session(), "", textWrongKind},
		{"wrong key", keys{first.id, "x", first.token}.session(), "", textInvalid},
		{"wrong token", keys{first.id, first.key, "x"}.session(), "", textInvalid},
		{"unknown", keys{"ASIANOBODY", "x", "x"}.session(), "", textInvalid},
		{"not JSON", "sessionId=" + first.id, "", textInvalid},
		{"nothing", "", "", textInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := url.Values{"Action": {"getSigninToken"}, "Session": {c.session}, "SessionType": {"json"}}
			if c.duration != "" {
				form.Set("SessionDuration", c.duration)
			}
			for method, got := range map[string]answer{
				"POST": w.post(w.SignIn+"/federation", form), "GET": w.get(w.SignIn + "/federation?" + form.Encode()),
				"POST by number": w.post(w.STS+"/federation", form),
			} {
				switch {
				case c.refused == "" && (got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"SigninToken":"`)):
					t.Errorf("%s: %d %s", method, got.status, got.body)
				case c.refused != "" && (got.status != http.StatusBadRequest || strings.TrimSpace(got.body) != c.refused):
					t.Errorf("%s: %d %s, want 400 %s", method, got.status, got.body, c.refused)
				}
			}
		})
	}
	w.pass(time.Hour)
	late := url.Values{"Action": {"getSigninToken"}, "Session": {first.session()}}
	if got := w.post(w.SignIn+"/federation", late); got.status != http.StatusBadRequest {
		t.Errorf("expired credentials: %d", got.status)
	}
}

func TestSignInTakesThreeRedirectsAndBothHosts(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	page, hops := w.follow(w.post(w.SignIn+"/federation", w.loginForm(w.token(k, ""))))
	if !isDashboard(page) || len(hops) != 3 {
		t.Fatalf("%d after %d redirects: %s", page.status, len(hops), page.body)
	}
	if !strings.HasPrefix(hops[1], w.Console("eu-west-1")+"/oauth?code=") || hops[2] != w.home() {
		t.Errorf("redirects: %q", hops[1:])
	}
	for _, host := range []string{w.SignIn, w.Console("eu-west-1")} {
		at, err := url.Parse(host)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, cookie := range w.client.Jar.Cookies(at) {
			names[cookie.Name] = true
		}
		for _, name := range []string{credsCookie, userCookie, "noflush_awsccs_sid", sessionCookie + DefaultAccount} {
			if !names[name] {
				t.Errorf("%s has no cookie %s", host, name)
			}
		}
	}
	// Another region's console has no cookies yet, and gets them by way of the sign-in's.
	far, hops := w.follow(w.get(w.Console("us-east-2") + "/cloudwatch/home?region=us-east-2"))
	if !isDashboard(far) || len(hops) != 3 {
		t.Errorf("another region: %d after %d redirects", far.status, len(hops))
	}
	if got := w.Sessions(); len(got) != 1 || got[0].Number != 1 || got[0].Account != DefaultAccount || got[0].Issuer != issuer {
		t.Errorf("sessions: %+v", got)
	}
}

func TestLoginLinkIsGoodOnceForFifteenMinutesAtItsOwnConsole(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	used, old := w.token(k, ""), w.token(k, "")
	if got := w.post(w.SignIn+"/federation", w.loginForm(used)); got.status != http.StatusFound {
		t.Fatalf("first use: %d", got.status)
	}
	w.pass(tokenLife)
	elsewhere := w.loginForm(w.token(k, ""))
	elsewhere.Set("Destination", "https://console.amazonaws.cn/cloudwatch/home")
	otherPort := w.loginForm(w.token(k, ""))
	otherPort.Set("Destination", "http://eu-west-1.console.localhost:1/cloudwatch/home")
	for name, form := range map[string]url.Values{
		"used": w.loginForm(used), "too old": w.loginForm(old), "unknown": w.loginForm("x"),
		"another partition": elsewhere, "another port": otherPort,
	} {
		got := w.post(w.SignIn+"/federation", form)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `<h1 class="error-code">400</h1>`) ||
			!strings.Contains(got.body, textInvalidLink) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	plain := w.loginForm(w.token(k, ""))
	plain.Del("Issuer")
	if page, _ := w.follow(w.get(w.SignIn + "/federation?" + plain.Encode())); !isDashboard(page) {
		t.Errorf("by GET and without Issuer: %d", page.status)
	}
}

func TestAnotherAccountMustLogOutFirst(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{Roles: twoAccounts()})
	w.signIn(DefaultRole)
	if page := w.signIn(DefaultRole); !isDashboard(page) {
		t.Errorf("the same account again: %d", page.status)
	}
	refused := w.signIn(twoAccounts()[1].ARN)
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.body, textOther) {
		t.Fatalf("another account: %d %s", refused.status, refused.body)
	}
	if !strings.Contains(refused.body, "http://us-east-1.signin.localhost:"+w.port+"/oauth?Action=logout") {
		t.Errorf("no way to log out: %s", refused.body)
	}
	logout := "/oauth?Action=logout&redirect_uri=" + url.QueryEscape(w.SignIn+"/federation")
	if got := w.get("http://eu-west-1.signin.localhost:" + w.port + logout); !isSignIn(got) {
		t.Errorf("log-out at another region's host goes on: %d", got.status)
	}
	w.client = w.browser()
	w.signIn(DefaultRole)
	if got := w.get("http://us-east-1.signin.localhost:" + w.port + logout); got.header.Get("Location") != w.SignIn+"/federation" {
		t.Errorf("log-out: %d %v", got.status, got.header)
	}
	if page := w.signIn(twoAccounts()[1].ARN); !isDashboard(page) {
		t.Errorf("after the log-out: %d %s", page.status, page.body)
	}
	// A clean jar needs no log-out.
	w.client = w.browser()
	if page := w.signIn(DefaultRole); !isDashboard(page) {
		t.Errorf("in a clean jar: %d", page.status)
	}
	elsewhere := "/oauth?Action=logout&redirect_uri=" + url.QueryEscape("http://elsewhere.example/")
	if got := w.get("http://us-east-1.signin.localhost:" + w.port + elsewhere); !isSignIn(got) {
		t.Errorf("log-out redirects to another site: %d", got.status)
	}
}

func FuzzSession(f *testing.F) {
	f.Add(keys{"ASIAX", "key", "token"}.session())
	f.Add(defaultKeys.session())
	f.Add(`{"sessionId":"a","sessionKey":1}`)
	f.Add(`{"sessionId":"a"`)
	f.Add(`["a"]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		id, key, token, err := parseSession(text)
		if err != nil {
			if !key.Empty() || len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Errorf("%q is refused with %v and %v", text, key, err)
			}
			return
		}
		again, key2, token2, err := parseSession(keys{id, key.Reveal(), token.Reveal()}.session())
		if err != nil || again != id || !key2.Equal(key) || !token2.Equal(token) {
			t.Errorf("%q does not come back: %v", text, err)
		}
	})
}
