package autoid

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
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
	Time     time.Time  `json:"time"`
	Decision string     `json:"decision"`
	Reason   string     `json:"reason,omitempty"`
	Address  netip.Addr `json:"address,omitzero"`
	Request  string     `json:"request,omitempty"` // the transcript's first bytes: the same for a replay
	Key      string     `json:"key,omitempty"`     // skid; with egen it tells when an old generation is out of use
	Client   string     `json:"client,omitempty"`
	Egen     *uint32    `json:"egen,omitempty"`
	Want     string     `json:"want,omitempty"`
	Evidence string     `json:"evidence,omitempty"` // its kind
	Expires  time.Time  `json:"expires,omitzero"`
}

func (r *record) describe(q *request) {
	r.Request, r.Key = hex.EncodeToString(q.th[:12]), hex.EncodeToString(q.header.id[:])
	r.Client, r.Egen, r.Want, r.Evidence = q.client, &q.egen, q.want, q.kind
}

// An audit writes records, a line each, one write each.
type audit struct {
	mu sync.Mutex
	w  io.Writer
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
	_, err = a.w.Write(append(line, '\n'))
	return err
}
