package standin

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// A Request is what is remembered of one. Queries, bodies and cookies are not: they hold secrets.
type Request struct {
	At     time.Time
	Part   Part // "" when no part served it
	Method string
	Host   string
	Path   string
	Action string // see Fault.Action
	Status int    // 0: the connection was dropped
}

// maxRequests is how many are remembered.
const maxRequests = 2000

// Requests are the latest requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Counts are the numbers of all requests ever, by part, action and status: "sts AssumeRole 200".
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

func (s *Server) record(c *call, status int) {
	key := fmt.Sprintf("%s %s %d", c.part, c.action, status)
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.counts, key, s.counts[key]+1)
	if len(s.requests) == maxRequests {
		s.requests = slices.Delete(s.requests, 0, maxRequests/10)
	}
	s.requests = append(s.requests, Request{c.now, c.part, c.Method, c.Host, c.URL.Path, c.action, status})
}

// A statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}
