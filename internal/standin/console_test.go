package standin

import (
	"encoding/json"
	"fmt"
	"image/color"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestConsoleSendsStrangersToTheSignIn(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	page, hops := w.follow(w.get(w.home()))
	if !isSignIn(page) || len(hops) != 1 || !strings.HasPrefix(hops[0], w.SignIn+"/oauth?") {
		t.Errorf("%d by way of %q", page.status, hops)
	}
	if got := w.data(1); got.status != http.StatusUnauthorized {
		t.Errorf("data: %d", got.status)
	}
	for _, path := range []string{"/oauth?code=x", "/elsewhere"} {
		if got := w.get(w.Console("eu-west-1") + path); got.status < 400 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := w.post(w.SignIn+"/signin", nil); got.status != http.StatusBadRequest {
		t.Errorf("the form: %d", got.status)
	}
}

func TestDashboardLooksLikeTheConsoleFromOutside(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	page := w.signIn(DefaultRole)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Content-Security-Policy": "frame-ancestors 'none'", "Content-Type": "text/html",
	} {
		if got := page.header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if !strings.Contains(page.body, "assumed-role/wall-viewer/lobby-tv") || !strings.Contains(page.body, `"`+issuer+`"`) {
		t.Error("the page names neither the session nor the issuer")
	}
	data := w.data(1)
	w.pass(poll)
	later := w.data(1)
	var first, second struct{ Widgets []widget }
	if json.Unmarshal([]byte(data.body), &first) != nil || json.Unmarshal([]byte(later.body), &second) != nil ||
		len(first.Widgets) == 0 {
		t.Fatalf("data: %d %s", data.status, data.body)
	}
	for i, widget := range first.Widgets {
		for k, line := range widget.Series {
			next := second.Widgets[i].Series[k]
			if len(line.Values) != points || line.Values[1] != next.Values[0] {
				t.Errorf("%s %s does not move on by one", widget.Title, line.Name)
			}
		}
	}
}

func TestSessionEndsByTheServersClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, duration string
		life, want     time.Duration
	}{
		{"with the credentials", "", 0, time.Hour},
		{"after SessionDuration", "43200", 0, 12 * time.Hour},
		{"after Life", "", time.Minute, time.Minute},
		{"after Life in spite of SessionDuration", "43200", time.Minute, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, &Server{Life: c.life})
			k, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
			w.follow(w.post(w.SignIn+"/federation", w.loginForm(w.token(k, c.duration))))
			w.pass(c.want - time.Second)
			if got := w.data(1); got.status != http.StatusOK {
				t.Errorf("ended early: %d %s", got.status, got.body)
			}
			w.pass(time.Second)
			if got := w.data(1); got.status != http.StatusForbidden || !strings.Contains(got.body, "ExpiredToken") {
				t.Errorf("after the end: %d %s", got.status, got.body)
			}
			if page, _ := w.follow(w.get(w.home())); !isSignIn(page) {
				t.Errorf("the page after the end: %d", page.status)
			}
			if got := w.Sessions(); len(got) != 0 {
				t.Errorf("still signed in: %+v", got)
			}
		})
	}
}

func TestANewSignInInTheSameJarEndsTheOldTab(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	w.signIn(DefaultRole)
	w.signIn(DefaultRole)
	if got := w.data(1); got.status != http.StatusForbidden || !strings.Contains(got.body, "OtherSession") {
		t.Errorf("the old tab: %d %s", got.status, got.body)
	}
	if got := w.data(2); got.status != http.StatusOK {
		t.Errorf("the new tab: %d", got.status)
	}
	first := w.client
	w.client = w.browser()
	w.signIn(DefaultRole)
	w.client = first
	if got := w.data(2); got.status != http.StatusOK {
		t.Errorf("a sign-in in another jar ended it: %d", got.status)
	}
}

func TestMarkedSessionsDifferInColour(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{Marked: true})
	seen := map[color.RGBA]bool{}
	for n := 1; n <= SessionColors; n++ {
		colour := SessionColor(n)
		seen[colour] = true
		want := fmt.Sprintf("background:#%02x%02x%02x", colour.R, colour.G, colour.B)
		if page := w.signIn(DefaultRole); !isDashboard(page) || !strings.Contains(page.body, want) {
			t.Errorf("session %d is not %s", n, want)
		}
	}
	if len(seen) != SessionColors || SessionColor(SessionColors+1) != SessionColor(1) {
		t.Errorf("%d colours", len(seen))
	}
}

// TestPagesUseNothingFromElsewhere reads the pages; the policy that they are sent with makes the browser hold to it.
func TestPagesUseNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`(src|href|url|import|@import)\s*[=(]\s*["']?(https?:)?//`)
	files, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(pageFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		if found := foreign.Find(text); found != nil {
			t.Errorf("%s: %s", file, found)
		}
	}
}
