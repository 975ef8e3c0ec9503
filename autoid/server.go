package autoid

import (
	"crypto/hmac"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultFailuresPerMinute is how many failures an address has before it is not listened to.
	DefaultFailuresPerMinute = 60

	maxOutside = 16 // verifications at once for clients that have proven nothing yet
	// callTimeout is for each call that a request causes elsewhere: to its store, to the issuer of its evidence.
	callTimeout = 30 * time.Second
)

// A Server answers protocol 2. It is an http.Handler; whoever serves it sets the timeouts against slow senders.
type Server struct {
	// State holds server/keys.json and clients/…, as package serverdir makes them. It is read as it is needed, and again
	// when it has changed; it must not be where clients read.
	State fs.FS
	// Stores by name: the part of a want before the first slash.
	Stores map[string]Store
	// Verifiers by kind of evidence, beside those of device keys, which are built in.
	Verifiers map[string]Verifier
	// Audit gets a JSON line for each decision. While it cannot be written, nothing is issued: nil issues nothing.
	Audit io.Writer
	// FailuresPerMinute is for each address (IPv6: each /64); 0 is DefaultFailuresPerMinute.
	FailuresPerMinute int
	// Reread is how old the server's copy of a file may be when it is used; 0 is DefaultReread. A rotation must wait longer
	// before it publishes what it has made.
	Reread time.Duration
	// Replays is a memory of requests that servers share; nil: each knows its own alone. A request about which it cannot
	// say anything is not served.
	Replays Replays
	// Log gets what the operator should know; nil discards it.
	Log *slog.Logger

	once    sync.Once
	state   *state
	dummy   *Entropy // stands in for the entropy of who has none, so that an unknown client costs as much as a known one
	audit   audit
	replays replays
	outside chan struct{}

	addresses limiter[netip.Prefix]
	clients   limiter[string]
}

func (s *Server) start() {
	s.once.Do(func() {
		if s.Log == nil {
			s.Log = slog.New(slog.DiscardHandler)
		}
		if s.Reread == 0 {
			s.Reread = DefaultReread
		}
		s.state = newState(s.State, s.Verifiers, s.Reread, s.Log)
		s.dummy = NewEntropy()
		s.audit.w = s.Audit
		s.outside = make(chan struct{}, maxOutside)
	})
}

// Reload has all files read again as they are needed, without waiting for their copies to grow old. Its error says that
// the server has no usable keys.
func (s *Server) Reload() error {
	s.start()
	s.state.expire()
	_, err := s.state.identity.get()
	return err
}

// A refusal is why the fixed 403 was sent: for the audit, never for the sender.
type refusal string

func (r refusal) Error() string { return string(r) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.start()
	line := &record{Time: time.Now().UTC(), Address: addressOf(r)}
	body, err := s.respond(w, r, line)
	if err != nil {
		s.audit.count(decisionRefused)
		if s.fail(line) { // beyond the limit a flood would fill the audit
			line.Decision, line.Reason = decisionRefused, err.Error()
			s.record(line)
		}
		refuse(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that is gone is told by its next request
}

// refuse sends the one answer to everything that has not proven itself. Not even the time is in it.
func refuse(w http.ResponseWriter) {
	const text = "refused\n"
	h := w.Header()
	h["Date"] = nil
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, text)
}

// respond takes the steps of the protocol, in its order. An error means the 403.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, line *record) ([]byte, error) {
	body, h, err := receive(w, r)
	if err != nil {
		return nil, err
	}
	id, err := s.state.identity.get()
	if err != nil {
		return nil, refusal("no keys: " + err.Error())
	}
	key, ok := id.key(h.id)
	if !ok { // a rotation: the new key's first request must not fail
		if id, err = s.state.identity.fresh(); err == nil {
			key, ok = id.key(h.id)
		}
	}
	if !ok {
		return nil, refusal("server key: unknown")
	}
	if s.addresses.spent(prefixOf(line.Address), s.failuresPerMinute(), time.Minute, line.Time) {
		return nil, refusal("too many failures from this address")
	}
	q, err := openRequest(body, h, key, id.ServerName)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	line.describe(q)
	for _, k := range id.Keys {
		if string(k.public) == string(q.head.epk) {
			return nil, refusal("ephemeral key: is a server key")
		}
	}
	kc, file, ok := s.proven(q, line.Time)
	if !ok {
		return nil, refusal("client, generation or tag")
	}
	sent := time.UnixMilli(int64(h.milli))
	if off := sent.Sub(line.Time); off > timeWindow || off < -timeWindow {
		s.fail(line)
		seal, err := q.sealer(kc)
		if err != nil {
			return nil, err
		}
		return s.tell(seal, &Error{Code: Clock, Message: "the request's time is off"}, 0, line)
	}
	if q.egen == 0 {
		if file = s.state.client(q.client, 0, line.Time); file == nil {
			return nil, refusal("evidence alone: not for this client")
		}
	}
	told, err := s.admit(r.Context(), q, file, id.ServerName, sent, line)
	if err != nil {
		return nil, err
	}
	seal, err := q.sealer(kc)
	if err != nil {
		return nil, err
	}
	if told == nil {
		var content []byte
		if content, told = s.issue(r.Context(), q.client, q.ask, file, line, credentialForm); told == nil {
			return seal.seal(answer{statusCredential, nowMilli(), file.BundleSeq, content})
		}
	}
	return s.tell(seal, told, file.BundleSeq, line)
}

// receive reads a request's body and header.
func receive(w http.ResponseWriter, r *http.Request) ([]byte, header, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, Path) || r.Header.Get("Content-Type") != ContentType {
		return nil, header{}, refusal("not a request")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, header{}, refusal("size")
	}
	h, ok := parseHeader(body)
	if !ok {
		return nil, header{}, refusal("header")
	}
	return body, h, nil
}

// proven checks the tag, and returns the file of who has proven himself. Who has no entropy of his own is measured by the
// dummy, at the same cost, and never holds. With egen 0 everybody holds, and there is no file yet: the tag shows nothing
// then, and the evidence must.
func (s *Server) proven(q *request, now time.Time) (kc []byte, file *ClientFile, ok bool) {
	if q.egen == 0 {
		kc = clientKey(q.th, nil)
		return kc, nil, hmac.Equal(q.tag, clientTag(kc, q.th, q.evidence))
	}
	e := s.state.entropy(q.client, q.egen, now)
	known := e != nil
	if !known {
		e = s.dummy
	}
	kc = clientKey(q.th, e)
	if !hmac.Equal(q.tag, clientTag(kc, q.th, q.evidence)) || !known {
		s.state.failed(q.client, q.egen)
		return nil, nil, false
	}
	file = s.state.client(q.client, q.egen, now)
	return kc, file, file != nil
}

func (s *Server) failuresPerMinute() int {
	if s.FailuresPerMinute == 0 {
		return DefaultFailuresPerMinute
	}
	return s.FailuresPerMinute
}

// fail counts a failure against the sender's address, and reports whether it was within the limit.
func (s *Server) fail(line *record) bool {
	return s.addresses.take(prefixOf(line.Address), s.failuresPerMinute(), time.Minute, line.Time)
}

// record writes a line on which nothing depends.
func (s *Server) record(line *record) {
	if err := s.audit.write(line); err != nil {
		s.Log.Error("audit not writable", keyError, err)
	}
}

// addressOf is the sender's address; a proxy's, behind one.
func addressOf(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr) // without one all senders share a bucket
	return ap.Addr().Unmap().WithZone("")
}

// prefixOf is what limits count: an IPv6 sender has a /64 at least to himself.
func prefixOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Addr has the zero Prefix
	return p
}
