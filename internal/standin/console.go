package standin

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	pagePath    = "/cloudwatch/home"
	dataPath    = "/cloudwatch/data"
	defaultBoot = 300 * time.Millisecond
	poll        = 2 * time.Second // how often a page asks for data
)

//go:embed page
var pageFiles embed.FS

func (s *Server) serveConsole(w http.ResponseWriter, c *call) {
	w.Header().Set("Cache-Control", "no-store")
	switch c.URL.Path {
	case "/oauth":
		s.arriveAtConsole(w, c)
	case pagePath:
		s.servePage(w, c)
	case dataPath:
		s.serveData(w, c)
	default:
		http.NotFound(w, c.Request)
	}
}

// arriveAtConsole is the last redirect of a sign-in: the console's host sets its own cookies.
func (s *Server) arriveAtConsole(w http.ResponseWriter, c *call) {
	from, ok := s.arrive(c.Form.Get("code"))
	session, alive := s.signedIn(from.session, c.now)
	if !ok || !alive {
		writeErrorPage(w, http.StatusBadRequest, textInvalidLink, "")
		return
	}
	c.setCookies(w, from.session, session.ARN)
	s.redirect(w, c, from.destination)
}

// servePage gives the dashboard, or sends a browser that is not signed in to the sign-in. The name of the dashboard and
// its range are in the fragment, which only the page's script sees. [D]
func (s *Server) servePage(w http.ResponseWriter, c *call) {
	// The console cannot be framed. [S]
	w.Header().Set("X-Frame-Options", "DENY")
	switch c.fault.Kind {
	case Blank:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		return
	case SignInPage:
		writePage(w, http.StatusOK, "signin.html", nil)
		return
	case Unavailable:
		writeErrorPage(w, http.StatusServiceUnavailable, "Service Unavailable", "")
		return
	}
	session, alive := s.session(c)
	if !alive {
		here := &url.URL{Scheme: "http", Host: c.Host, Path: c.URL.Path, RawQuery: c.URL.RawQuery}
		s.redirect(w, c, authorizeAddress(signinHost+c.port(), here))
		return
	}
	// The real page carries the session's ARN here; extensions read it. [S]
	meta, err := json.Marshal(map[string]any{
		"sessionARN": session.ARN, "accountId": session.Account, "expires": session.Expires.UTC().Format(time.RFC3339),
	})
	if err != nil { // strings always marshal
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	role, name, _ := strings.Cut(session.ARN[strings.Index(session.ARN, "/")+1:], "/") // …:assumed-role/ROLE/NAME
	colour := SessionColor(session.Number)
	file := "dashboard.html"
	if s.Marked {
		file = "marked.html"
	}
	writePage(w, http.StatusOK, file, map[string]any{
		"Meta": string(meta), "Session": session.Number, "Issuer": session.Issuer,
		"Account": session.Account, "Role": role, "Name": name,
		"Region": cmp.Or(c.region, c.Form.Get("region"), "us-east-1"),
		"Colour": fmt.Sprintf("#%02x%02x%02x", colour.R, colour.G, colour.B),
		"Boot":   max(0, cmp.Or(s.Boot, defaultBoot)).Milliseconds(), "Poll": poll.Milliseconds(), "Data": dataPath,
	})
}

// serveData answers the page's own calls. The page says which session it was loaded in: over a jar that holds another
// one by now, the real console's old tab signs itself out or warns. [I, holochrome#1]
func (s *Server) serveData(w http.ResponseWriter, c *call) {
	session, alive := s.session(c)
	number, _ := strconv.Atoi(c.Form.Get("session"))
	status, answer := http.StatusOK, any(nil)
	refuse := func(code int, name string) { status, answer = code, map[string]string{"error": name} }
	switch {
	case session.Number == 0:
		refuse(http.StatusUnauthorized, "SignedOut")
	case !alive:
		refuse(http.StatusForbidden, "ExpiredToken")
	case session.Number != number:
		refuse(http.StatusForbidden, "OtherSession")
	case c.fault.Kind == Denied:
		refuse(http.StatusForbidden, "AccessDenied")
	case c.fault.Kind == Hang:
		answer = map[string]bool{"hang": true}
	case s.Marked:
		answer = struct{}{}
	default:
		answer = map[string]any{"widgets": widgetsAt(c.now)}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// writeErrorPage is the console's way to say no: a page with its text in h1.error-code. [S, granted; saml2aws]
func writeErrorPage(w http.ResponseWriter, status int, text, link string) {
	writePage(w, status, "error.html", map[string]any{"Status": status, "Text": text, "Link": link})
}

// writePage fills in one of the pages. They use nothing from elsewhere, and the policy holds them to it.
func writePage(w http.ResponseWriter, status int, file string, data map[string]any) {
	page, err := template.ParseFS(pageFiles, "page/"+file, "page/watch.html")
	if err != nil { // the files are part of the program, and each is shown in a test
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	nonce := randomText(24)
	if data == nil {
		data = map[string]any{}
	}
	data["Nonce"] = nonce
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", fmt.Sprintf(
		"default-src 'none'; connect-src 'self'; script-src 'nonce-%[1]s'; style-src 'nonce-%[1]s'; frame-ancestors 'none'",
		nonce))
	w.WriteHeader(status)
	_ = page.Execute(w, data)
}
