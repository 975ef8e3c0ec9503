package standin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaultsOfSTS(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]struct {
		status int
		code   string
	}{
		Broken: {500, "InternalFailure"}, Throttled: {400, "Throttling"}, Denied: {403, "AccessDenied"}, Expired: {403, "ExpiredToken"},
	} {
		w := start(t, &Server{})
		mustFault(t, w.Server, Fault{Part: STS, Kind: kind})
		for range 2 {
			got := w.signed(defaultKeys, whoAmI)
			if code, _ := refusal(t, got); got.status != want.status || code != want.code || got.header.Get("Date") == "" {
				t.Errorf("%s: %d %s", kind, got.status, code)
			}
		}
		w.ClearFaults(STS)
		if got := w.signed(defaultKeys, whoAmI); got.status != http.StatusOK {
			t.Errorf("%s, cleared: %d", kind, got.status)
		}
	}
}

func TestFaultsOfFederation(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	token := url.Values{"Action": {"getSigninToken"}, "Session": {k.session()}}
	for kind, status := range map[Kind]int{Broken: 500, Throttled: 429, Denied: 400, Expired: 400} {
		for action, form := range map[string]url.Values{"getSigninToken": token, "login": w.loginForm(w.token(k, ""))} {
			mustFault(t, w.Server, Fault{Part: Federation, Kind: kind, Action: action, Count: 1})
			if got := w.post(w.SignIn+"/federation", form); got.status != status {
				t.Errorf("%s of %s: %d", kind, action, got.status)
			}
		}
	}
	mustFault(t, w.Server, Fault{Part: Federation, Kind: Broken, Action: "login"})
	if got := w.post(w.SignIn+"/federation", token); got.status != http.StatusOK {
		t.Errorf("a fault of login hit getSigninToken: %d", got.status)
	}
}

func TestFaultsOfTheConsole(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	for kind, is := range map[Kind]func(answer) bool{
		Blank:       func(a answer) bool { return a.status == http.StatusOK && a.body == "" },
		SignInPage:  isSignIn,
		Unavailable: func(a answer) bool { return a.status == http.StatusServiceUnavailable },
	} {
		mustFault(t, w.Server, Fault{Part: Console, Kind: kind, Count: 1})
		if page := w.signIn(DefaultRole); !is(page) {
			t.Errorf("%s: %d %s", kind, page.status, page.body)
		}
		if page, _ := w.follow(w.get(w.home())); !isDashboard(page) {
			t.Errorf("%s came twice: %d", kind, page.status)
		}
	}
	number := w.Sessions()[len(w.Sessions())-1].Number
	for kind, is := range map[Kind]func(answer) bool{
		Denied: func(a answer) bool {
			return a.status == http.StatusForbidden && strings.Contains(a.body, "AccessDenied")
		},
		Hang: func(a answer) bool { return a.status == http.StatusOK && strings.Contains(a.body, "hang") },
	} {
		mustFault(t, w.Server, Fault{Part: Console, Kind: kind, Count: 1})
		if page, _ := w.follow(w.get(w.home())); !isDashboard(page) {
			t.Errorf("%s hit the page: %d", kind, page.status)
		}
		if got := w.data(number); !is(got) {
			t.Errorf("%s: %d %s", kind, got.status, got.body)
		}
		if got := w.data(number); got.status != http.StatusOK || !strings.Contains(got.body, "widgets") {
			t.Errorf("%s came twice: %d", kind, got.status)
		}
	}
	mustFault(t, w.Server, Fault{Part: Console, Kind: Expired})
	if got := w.data(number); got.status != http.StatusForbidden || !strings.Contains(got.body, "ExpiredToken") {
		t.Errorf("expired: %d %s", got.status, got.body)
	}
	w.signIn(DefaultRole)
	mustFault(t, w.Server, Fault{Part: Console, Kind: SignedOut})
	if got := w.data(number + 1); got.status != http.StatusUnauthorized {
		t.Errorf("signed out: %d %s", got.status, got.body)
	}
	if page := w.signIn(DefaultRole); !isDashboard(page) {
		t.Errorf("a sign-in after signing all out: %d", page.status)
	}
}

func TestDroppedConnectionHasNoAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	mustFault(t, w.Server, Fault{Part: Federation, Kind: Dropped, Count: 1})
	if _, err := w.client.PostForm(w.SignIn+"/federation", url.Values{"Action": {"login"}}); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want EOF", err)
	}
	if got := w.Requests(); len(got) != 1 || got[0].Status != 0 || got[0].Action != "login" {
		t.Errorf("remembered: %+v", got)
	}
}

func TestSlowAnswersLate(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	w := start(t, &Server{Hop: delay})
	began := time.Now()
	w.signIn(DefaultRole)
	if took := time.Since(began); took < 3*delay {
		t.Errorf("three slow redirects took %v", took)
	}
	mustFault(t, w.Server, Fault{Part: Console, Kind: Slow, Action: "page", Delay: delay})
	began = time.Now()
	if page := w.get(w.home()); !isDashboard(page) || time.Since(began) < delay {
		t.Errorf("%d after %v", page.status, time.Since(began))
	}
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	t.Parallel()
	s := &Server{}
	for _, f := range []Fault{
		{Part: "s3", Kind: Slow}, {Part: STS, Kind: "flood"}, {Part: STS}, {Part: STS, Kind: Blank}, {Part: Federation, Kind: Hang},
		{Part: STS, Kind: SignedOut},
		{Part: STS, Kind: Slow, Action: "login"}, {Part: STS, Kind: Slow, Delay: -1}, {Part: STS, Kind: Slow, Count: -1},
	} {
		if s.SetFault(f) == nil {
			t.Errorf("%+v is accepted", f)
		}
	}
}

func TestFaultsCountUnderLoad(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	mustFault(t, w.Server, Fault{Part: Console, Kind: Unavailable, Count: 7})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			resp, err := w.client.Get(w.home())
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			w.Sessions()
			w.Requests()
		})
	}
	all.Wait()
	if got := w.Counts()["console page 503"]; got != 7 {
		t.Errorf("%d hits, want 7", got)
	}
}

func TestFaultsAreSwitchedByHand(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	w.signIn(DefaultRole)
	set := url.Values{"part": {"console"}, "kind": {"503"}, "count": {"2"}}
	if got := w.post(w.Control+"fault", set); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	page := w.get(w.Control)
	if page.status != http.StatusOK || !strings.Contains(page.body, "console: 503") ||
		!strings.Contains(page.body, "assumed-role/wall-viewer/lobby-tv") {
		t.Errorf("the page: %d %s", page.status, page.body)
	}
	if got := w.get(w.home()); got.status != http.StatusServiceUnavailable {
		t.Errorf("the fault: %d", got.status)
	}
	if w.post(w.Control+"clear", url.Values{"part": {"console"}}); !isDashboard(w.get(w.home())) {
		t.Error("the fault is not cleared")
	}
	for _, bad := range []url.Values{
		{}, {"part": {"sts"}, "kind": {"slow"}, "delay": {"long"}}, {"part": {"sts"}, "kind": {"slow"}, "count": {"x"}},
	} {
		if got := w.post(w.Control+"fault", bad); got.status != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, got.status)
		}
	}
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Control+"clear", nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := w.client.Do(foreign)
	if got := read(t, resp, err); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
}

// TestWhatIsRememberedHoldsNoSecret also proves that it would find one: the answers did hold them.
func TestWhatIsRememberedHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	token := w.token(k, "")
	w.follow(w.get(w.SignIn + "/federation?" + w.loginForm(token).Encode()))
	w.get(w.SignIn + "/federation?Action=" + k.key)
	state := w.get(w.Control+"state.json").body + w.get(w.Control).body
	secrets := []string{DefaultSecretKey, k.key, k.token, token}
	for id := range w.sessions {
		secrets = append(secrets, id)
	}
	for i, secret := range secrets {
		if strings.Contains(state, secret) {
			t.Errorf("secret %d is told", i)
		}
	}
	actions := []string{}
	for _, r := range w.Requests() {
		actions = append(actions, r.Action)
	}
	if want := []string{"AssumeRole", "getSigninToken", "login", "authorize", "oauth", "page", ""}; !slices.Equal(actions, want) {
		t.Errorf("actions: %q, want %q", actions, want)
	}
	if !strings.Contains(state, "federation login 302") || !strings.Contains(state, "wall-viewer") {
		t.Errorf("the state tells too little: %s", state)
	}
}
