package kiosk

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// A Site is every page that Kioskeeper serves on loopback: hand-off, holding pages, status.
type Site struct {
	Handoff  *Handoff
	Displays []*Display
	Recent   *Recent // nil: the status page has no log
	// Grace is how long a display may be without its view before /healthz says so; 0: 5 min.
	Grace time.Duration
}

const (
	holdingName = "holding"
	pictureLife = 10 * time.Second // a screenshot that takes longer is not worth waiting for
)

var (
	//go:embed holding.html
	holdingSource string
	holdingPage   = template.Must(template.New("holding").Parse(holdingSource))
	//go:embed status.html
	statusSource string
	statusPage   = template.Must(template.New("status").Funcs(template.FuncMap{"ago": ago}).Parse(statusSource))
)

// Handler serves the site. The caller listens on loopback, at the Handoff's Base.
//
//	/                             for a person: what shows, and since when
//	/status.json                  the same for a program
//	/healthz                      200 while every display shows its view, or has not for less than the grace
//	POST /renew                   renews all displays, or those named by ?display=
//	/displays/NAME/               where the sign-in service sends back whoever was signed out: renews, and holds
//	/displays/NAME/holding        what the display shows while its view cannot
//	/displays/NAME/state.json     what the holding page tells
//	/displays/NAME/screenshot.png what shows
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+signInPath+"{nonce}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet { // the pattern lets HEAD in
			http.Error(w, "GET only", http.StatusMethodNotAllowed)
			return
		}
		s.Handoff.serve(w, r)
	})
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /status.json", s.status)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("POST /renew", s.renew)
	mux.HandleFunc("GET /displays/{name}/{$}", s.display(func(w http.ResponseWriter, _ *http.Request, d *Display) {
		d.Wake(WhyAsked)
		d.servePage(w)
	}))
	mux.HandleFunc("GET /displays/{name}/"+holdingName, s.display(func(w http.ResponseWriter, _ *http.Request, d *Display) {
		d.servePage(w)
	}))
	mux.HandleFunc("GET /displays/{name}/state.json", s.display(func(w http.ResponseWriter, _ *http.Request, d *Display) {
		answer(w, d.Status())
	}))
	mux.HandleFunc("GET /displays/{name}/screenshot.png", s.display(screenshot))
	return guard(http.NewCrossOriginProtection().Handler(mux))
}

// guard lets in who means us: a Host that is loopback by name, so that a name of somebody else's which resolves to
// loopback reads nothing (DNS rebinding), and from other sites only a click on a link.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "this is not the host you are looking for", http.StatusMisdirectedRequest)
			return
		}
		switch r.Header.Get("Sec-Fetch-Site") {
		case "cross-site", "same-site":
			if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
				http.Error(w, "not from another site", http.StatusForbidden)
				return
			}
		}
		private(w.Header())
		next.ServeHTTP(w, r)
	})
}

// loopback reports whether a Host header names this machine itself.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	ip, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && ip.IsLoopback()
}

func (s *Site) find(name string) *Display {
	for _, d := range s.Displays {
		if d.Name == name {
			return d
		}
	}
	return nil
}

func (s *Site) display(serve func(http.ResponseWriter, *http.Request, *Display)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := s.find(r.PathValue("name"))
		if d == nil {
			http.NotFound(w, r)
			return
		}
		serve(w, r, d)
	}
}

func (s *Site) statuses() []Status {
	all := make([]Status, len(s.Displays))
	for i, d := range s.Displays {
		all[i] = d.Status()
	}
	return all
}

func (s *Site) recent() []string {
	if s.Recent == nil {
		return nil
	}
	return s.Recent.Lines()
}

func (s *Site) page(w http.ResponseWriter, _ *http.Request) {
	render(w, statusPage, map[string]any{"Displays": s.statuses(), "Recent": s.recent()})
}

func (s *Site) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, struct {
		Displays []Status `json:"displays"`
		Recent   []string `json:"recent"`
	}{s.statuses(), s.recent()})
}

// health says ok, or a line for each display that has been dark for too long.
func (s *Site) health(w http.ResponseWriter, _ *http.Request) {
	grace := cmp.Or(s.Grace, 5*time.Minute)
	var ill strings.Builder
	for _, d := range s.Displays {
		st := d.Status()
		if dark := d.now().Sub(st.Dark); !st.Shows() && dark >= grace {
			fmt.Fprintf(&ill, "%s: %s (%s), for %s\n", d.Name, st.Phase, st.Cause, dark.Round(time.Second))
		}
	}
	if ill.Len() > 0 {
		http.Error(w, strings.TrimSpace(ill.String()), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// renew wakes the displays. A browser comes back to the status page.
func (s *Site) renew(w http.ResponseWriter, r *http.Request) {
	displays := s.Displays
	if name := r.FormValue("display"); name != "" {
		d := s.find(name)
		if d == nil {
			http.NotFound(w, r)
			return
		}
		displays = []*Display{d}
	}
	for _, d := range displays {
		d.Wake(WhyAsked)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (d *Display) servePage(w http.ResponseWriter) {
	render(w, holdingPage, map[string]any{"Status": d.Status(), "Shown": shown, "Silent": silent})
}

func screenshot(w http.ResponseWriter, r *http.Request, d *Display) {
	ctx, stop := context.WithTimeout(r.Context(), pictureLife)
	defer stop()
	png, err := d.Screen.Screenshot(ctx)
	if err != nil {
		d.log().Warn("no screenshot", keyError, err)
		http.Error(w, "no picture of the screen could be taken", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(png)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// ago says a time for a person, with how far it is from now.
func ago(t time.Time) string {
	at := t.Local().Format("15:04:05")
	d := time.Until(t).Round(time.Second)
	if d < 0 {
		return at + ", " + (-d).String() + " ago"
	}
	return at + ", in " + d.String()
}
