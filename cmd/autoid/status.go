package main

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// A status tells the operator, on an address of its own: to strangers the server says one thing only, and how many were
// refused is none of their business. It is on loopback, where the machine's own Prometheus or agent asks.
type status struct {
	server      *autoid.Server
	certificate *certificate // nil: a proxy brings TLS
	start       time.Time
}

func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		err = fmt.Errorf("%s is not on loopback", address)
	}
	return err
}

// ServeHTTP implements http.Handler.
func (s *status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A page in a browser on this machine could ask under a name of its own.
	if host, _, err := net.SplitHostPort(r.Host); err != nil || (host != "localhost" && !net.ParseIP(host).IsLoopback()) {
		http.Error(w, "ask by a loopback address", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	made, err := s.server.Ready()
	switch r.URL.Path {
	case "/healthz":
		if err != nil {
			http.Error(w, "no usable keys: see the log", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	case "/metrics":
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = fmt.Fprint(w, s.metrics(made, err == nil))
	default:
		http.NotFound(w, r)
	}
}

// metrics writes Prometheus' text form by hand: half a dozen numbers do not earn its library.
func (s *status) metrics(made time.Time, ready bool) string {
	var b strings.Builder
	metric := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	gauge := func(name, help string, value int64) {
		metric(name, "gauge", help)
		fmt.Fprintf(&b, "%s %d\n", name, value)
	}
	decisions, unwritten := s.server.Decisions()
	metric("autoid_decisions_total", "counter", "Requests by what became of them, in the audit's words.")
	for _, decision := range slices.Sorted(maps.Keys(decisions)) {
		fmt.Fprintf(&b, "autoid_decisions_total{decision=%q} %d\n", decision, decisions[decision])
	}
	metric("autoid_audit_failures_total", "counter", "Audit lines that could not be written.")
	fmt.Fprintf(&b, "autoid_audit_failures_total %d\n", unwritten)
	up := int64(0)
	if ready {
		up = 1
	}
	gauge("autoid_ready", "Whether the server has usable keys.", up)
	gauge("autoid_start_time_seconds", "When the server was started, in Unix time.", s.start.Unix())
	if !made.IsZero() {
		gauge("autoid_key_made_time_seconds", "When the newest server key was made, in Unix time; missing before the first rotation.",
			made.Unix())
	}
	if s.certificate != nil {
		gauge("autoid_certificate_expiry_time_seconds", "When the TLS certificate ends, in Unix time.", s.certificate.expires().Unix())
	}
	return b.String()
}
