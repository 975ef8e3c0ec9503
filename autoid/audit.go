package autoid

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"sync"
	"time"
)

// What became of a request, in the audit. The other decisions are the protocol's codes.
const (
	decisionIssued  = "issued"
	decisionRefused = "refused" // with the fixed 403; the client is who the sender claims to be
)

// A record is one line of the audit: what was decided and why, and nothing that is secret.
type record struct {
	Time     time.Time  `json:"timestamp"` // the name by which CloudWatch Logs knows it
	Decision string     `json:"decision"`
	Protocol string     `json:"protocol,omitempty"` // "" is this one
	Reason   string     `json:"reason,omitempty"`
	Address  netip.Addr `json:"address,omitzero"`
	Request  string     `json:"request,omitempty"` // the transcript's first bytes: the same for a replay
	Key      string     `json:"key,omitempty"`     // skid; with egen it tells when an old generation is out of use
	Client   string     `json:"client,omitempty"`
	Egen     *uint32    `json:"egen,omitempty"`
	Want     string     `json:"want,omitempty"`
	Evidence string     `json:"evidence,omitempty"` // its kind
	Expires  time.Time  `json:"expires,omitzero"`
	Trail
}

func (r *record) describe(q *request) {
	r.Request, r.Key = hex.EncodeToString(q.th[:12]), hex.EncodeToString(q.header.id[:])
	r.Client, r.Egen, r.Want, r.Evidence = q.client, &q.egen, q.want, q.kind
}

// An audit writes records, a line each, one write each, and counts them.
type audit struct {
	mu     sync.Mutex
	w      io.Writer
	counts map[string]uint64 // by decision
	failed uint64            // lines that could not be written
}

func (a *audit) count(decision string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[string]uint64{}
	}
	a.counts[decision]++
}

// Decisions counts what became of the requests since the start, by the audit's word for it, and the audit lines that could
// not be written.
func (s *Server) Decisions() (byDecision map[string]uint64, unwritten uint64) {
	s.start()
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	return maps.Clone(s.audit.counts), s.audit.failed
}

func (a *audit) write(r *record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if a.w == nil {
		return errors.New("audit: nowhere to write")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err = a.w.Write(append(line, '\n')); err != nil {
		a.failed++
	}
	return err
}
