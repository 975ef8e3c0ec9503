package kiosk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A site is served on loopback for a display that does not run.
func newSite(t *testing.T) (*kiosk.Site, *kiosk.Display, string) {
	w := newWall(t, time.Hour)
	d := w.display(1)
	s := &kiosk.Site{Handoff: d.Handoff, Displays: []*kiosk.Display{d}, Recent: new(kiosk.Recent)}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	d.Handoff.Base = server.URL
	return s, d, server.URL
}

// ask makes a request with headers given as "Name: value".
func ask(t *testing.T, method, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

var ticket = kiosk.Ticket{
	Address: "https://signin.example.com/federation",
	Fields: []kiosk.Field{
		{Name: "Action", Value: secret.New("login")},
		{Name: "SigninToken", Value: secret.New(`t0ken"><script>alert(1)</script>`)},
	},
}

func TestHandoffAnswersOnce(t *testing.T) {
	s, _, _ := newSite(t)
	address, err := s.Handoff.Offer(ticket)
	if err != nil {
		t.Fatal(err)
	}
	// None of these uses it up.
	for _, refused := range [][]string{
		{"HEAD"}, {"POST"}, {"PUT"},
		{"GET", "Host: evil.example.com"}, {"GET", "Host: 127.0.0.1.evil.example.com:80"},
		{"GET", "Sec-Purpose: prefetch"}, {"GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"},
	} {
		if answer, body := ask(t, refused[0], address, refused[1:]...); answer.StatusCode < 400 || strings.Contains(body, "t0ken") {
			t.Errorf("%v: %s, %s", refused, answer.Status, body)
		}
	}
	answer, body := ask(t, "GET", address, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	if answer.StatusCode != 200 {
		t.Fatal(answer.Status)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	nonce := regexp.MustCompile(`script-src 'nonce-(\w+)'`).FindStringSubmatch(answer.Header.Get("Content-Security-Policy"))
	if nonce == nil || !strings.Contains(body, `<script nonce="`+nonce[1]+`">`) {
		t.Errorf("the script is not the one that the policy allows: %v", nonce)
	}
	if strings.Contains(answer.Header.Get("Content-Security-Policy"), "form-action") {
		t.Error("form-action would stop the redirects of the sign-in")
	}
	want := `<form method="post" action="https://signin.example.com/federation">`
	if !strings.Contains(body, want) || strings.Contains(body, "<script>") || !strings.Contains(body, "<button>") {
		t.Errorf("the form is wrong:\n%s", body)
	}
	if answer, body := ask(t, "GET", address); answer.StatusCode != 404 || strings.Contains(body, "t0ken") {
		t.Errorf("the second time: %s", answer.Status)
	}
}

func TestHandoffRefusesWhatIsNoWebAddress(t *testing.T) {
	for _, address := range []string{"", "javascript:alert(1)", "/federation", "ftp://example.com/", "https:", "http://[::1"} {
		var h kiosk.Handoff
		_, err := h.Offer(kiosk.Ticket{Address: address})
		if err == nil || len(address) > 6 && strings.Contains(err.Error(), address) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Whatever the fields hold, the browser posts just that.
func FuzzHandoffForm(f *testing.F) {
	f.Add("SigninToken", "abc")
	f.Add(`"><script>`, `'"><img src=x onerror=alert(1)>&amp;&#0;`)
	f.Add("submit", "{{.}}\r\n\x00\xff</form>")
	w := httptest.NewServer(nil)
	defer w.Close()
	h := &kiosk.Handoff{Base: w.URL}
	w.Config.Handler = (&kiosk.Site{Handoff: h}).Handler()
	f.Fuzz(func(t *testing.T, name, value string) {
		address, err := h.Offer(kiosk.Ticket{Address: "https://signin.example.com/", Fields: []kiosk.Field{{Name: name, Value: secret.New(value)}}})
		if err != nil {
			t.Fatal(err)
		}
		_, body := ask(t, "GET", address)
		if n := strings.Count(body, "<"); n != 15 {
			t.Fatalf("%d tags:\n%s", n, body)
		}
		input := regexp.MustCompile(`(?s)<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindStringSubmatch(body)
		if input == nil || strings.ContainsAny(input[1]+input[2], "<>") {
			t.Fatalf("the field left its place:\n%s", body)
		}
		// A form cannot carry NUL; html/template writes U+FFFD for it, as a browser would read it.
		plain := func(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }
		if html.UnescapeString(input[1]) != plain(name) || html.UnescapeString(input[2]) != plain(value) {
			t.Fatalf("%q=%q became %q=%q", name, value, input[1], input[2])
		}
	})
}

func TestPagesTellTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, 15*time.Minute)
		w.signInFails = func() error {
			if w.now() > 5*time.Minute && w.now() < time.Hour {
				return errors.New("sign-in: status 400\nhint: is the role's trust policy right?")
			}
			return nil
		}
		d := w.display(1)
		s := &kiosk.Site{Handoff: d.Handoff, Displays: []*kiosk.Display{d}, Recent: new(kiosk.Recent)}
		d.Log = slog.New(s.Recent.Handler())
		handler := s.Handler()
		get := func(path string) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost"+path, nil))
			return answer
		}
		expect := func(path string, code int, contents ...string) {
			t.Helper()
			answer := get(path)
			if answer.Code != code {
				t.Errorf("%s: GET %s: %d %s", w.now(), path, answer.Code, answer.Body)
			}
			for _, want := range contents {
				if !strings.Contains(answer.Body.String(), want) {
					t.Errorf("%s: GET %s lacks %q:\n%s", w.now(), path, want, answer.Body)
				}
			}
		}
		w.run(d, func() {
			w.sleep(time.Second)
			expect("/healthz", 200, "ok")
			expect("/displays/lobby/holding", 200, "lobby", "Starting")
			w.sleep(time.Minute)
			expect("/", 200, "lobby", "showing", "renewed", "Renew now", "https://console.example.com/cloudwatch")
			expect("/status.json", 200, `"phase":"showing"`, `"renewals":1`)
			expect("/displays/lobby/screenshot.png", 200, "PNG")
			expect("/displays/nowhere/", 404)
			expect("/displays/nowhere/screenshot.png", 404)
			w.sleep(16*time.Minute - w.now())
			expect("/healthz", 200)
			expect("/displays/lobby/holding", 200, "The sign-in does not work", "status 400", "trust policy")
			w.sleep(21*time.Minute - w.now())
			expect("/healthz", 503, "lobby: ", "sign-in", "for 6m")
			var st kiosk.Status
			if err := json.Unmarshal(get("/displays/lobby/state.json").Body.Bytes(), &st); err != nil || st.Cause != kiosk.SignInFailed {
				t.Errorf("%+v, %v", st, err)
			}
			w.sleep(time.Hour + time.Minute - w.now())
			expect("/healthz", 200)
		})
	})
}

func TestAskedForByPostAndByTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		handler := (&kiosk.Site{Handoff: d.Handoff, Displays: []*kiosk.Display{d}}).Handler()
		do := func(method, path string, headers ...string) int {
			r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, nil)
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			return answer.Code
		}
		w.run(d, func() {
			want := 1
			check := func(what string, code, wantCode, more int) {
				t.Helper()
				w.sleep(5 * time.Minute)
				if want += more; code != wantCode || w.count(&w.renewals) != want {
					t.Errorf("%s: %d, %d renewals, want %d", what, code, w.count(&w.renewals), want)
				}
			}
			w.sleep(5 * time.Minute)
			check("curl", do("POST", "/renew"), 202, 1)
			check("a form", do("POST", "/renew?display=lobby", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"), 303, 1)
			check("an unknown display", do("POST", "/renew?display=attic"), 404, 0)
			check("another site", do("POST", "/renew", "Sec-Fetch-Site", "cross-site"), 403, 0)
			check("another site, without metadata", do("POST", "/renew", "Origin", "https://evil.example.com"), 403, 0)
			check("GET", do("GET", "/renew"), 405, 0)
			check("the holding page", do("GET", "/displays/lobby/holding"), 200, 0)
			check("the way back", do("GET", "/displays/lobby/", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate",
				"Sec-Fetch-Dest", "document"), 200, 1)
			check("the way back in a frame", do("GET", "/displays/lobby/", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode",
				"navigate", "Sec-Fetch-Dest", "iframe"), 403, 0)
		})
	})
}

func TestOnlyLoopbackByName(t *testing.T) {
	t.Parallel()
	_, _, base := newSite(t)
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:80": 200, "127.0.0.1:80": 200, "[::1]:80": 200, "127.9.9.9": 200, "[::1]": 200,
		"evil.example.com": 421, "localhost.evil.example.com": 421, "192.0.2.1:80": 421, "0.0.0.0": 421, "127.0.0.1.": 421,
	} {
		if answer, _ := ask(t, "GET", base+"/healthz", "Host: "+host); answer.StatusCode != want {
			t.Errorf("Host: %s: %s, want %d", host, answer.Status, want)
		}
	}
}

func TestScreenshotThatFailsIsNoPicture(t *testing.T) {
	t.Parallel()
	_, d, base := newSite(t)
	d.Screen = blind{d.Screen}
	answer, body := ask(t, "GET", base+"/displays/lobby/screenshot.png")
	if answer.StatusCode != 503 || strings.Contains(body, "detail") {
		t.Errorf("%s %s", answer.Status, body)
	}
}

type blind struct{ kiosk.Screen }

func (blind) Screenshot(context.Context) ([]byte, error) { return nil, errors.New("detail") }

func TestRecentKeepsTheLastLines(t *testing.T) {
	var r kiosk.Recent
	if len(r.Lines()) != 0 {
		t.Error("lines from nowhere")
	}
	for i := range 1234 {
		fmt.Fprintf(&r, "line %d\n", i)
	}
	lines := r.Lines()
	if len(lines) != 200 || lines[0] != "line 1034" || lines[199] != "line 1233" {
		t.Errorf("%d lines, from %s to %s", len(lines), lines[0], lines[len(lines)-1])
	}
	_, _ = r.Write(bytes.Repeat([]byte("x"), 1<<20))
	if lines := r.Lines(); len(lines[199]) != 1000 {
		t.Errorf("a line of %d bytes was kept", len(lines[199]))
	}
}
