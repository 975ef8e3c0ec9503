package autoid

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrRefused is the server's answer to a client that has not proven itself: revoked, unknown, or with an old bundle.
var ErrRefused = errors.New("refused by the server: is the client revoked, or its bundle published anew elsewhere")

const (
	// DefaultRefresh is how often a client fetches its bundle unasked. It must be at most a third of the time in which
	// the server takes two generations.
	DefaultRefresh = 24 * time.Hour

	clientTimeout = time.Minute
	// clockTrip is the round trip from which on the time in an answer says too little about the clocks.
	clockTrip = 30 * time.Second
)

// A Client gets credentials from a server. Its methods may be called at the same time.
type Client struct {
	Name string
	// Server is the server's name, or an address with that host. Where to connect is told by the bundle.
	Server     string
	Repository Repository
	Publisher  Publisher // pinned when the client was enrolled
	MinSeq     uint64    // the least bundle_seq, pinned likewise; 0: any
	// Cache is a folder for the last bundle: the client starts from it while the repository is out of reach, and it
	// remembers across restarts which bundles are too old. "" keeps nothing.
	Cache   string
	Sealer  Sealer        // of what is in Cache; nil leaves it open to whoever reads the disk
	Refresh time.Duration // 0 is DefaultRefresh
	// Evidence is shown beside the entropy file, or in place of one; nil shows none.
	Evidence Prover
	HTTP     *http.Client // nil is one with a timeout of a minute
	Log      *slog.Logger // nil discards
	// Built is when this program was built, which its clock cannot be before; zero is what the Go tool wrote down. See
	// trustless.
	Built time.Time

	once sync.Once
	name string // of the server
	bad  error  // what is wrong with the fields
	turn chan struct{}
	held atomic.Pointer[held]
	now  func() time.Time // nil: time.Now; tests set a wrong clock
	// patience is for the repository; tests have less of it.
	patience time.Duration
}

// ServerNameOf takes the server's name out of what a configuration says: the name, or an address with that host.
func ServerNameOf(server string) (string, error) {
	if strings.Contains(server, "://") {
		u, err := url.Parse(server)
		if err != nil {
			return "", fmt.Errorf("server: %w", err)
		}
		server = u.Hostname()
	}
	return server, CheckServerName(server)
}

func (c *Client) start() error {
	c.once.Do(func() {
		if c.Log == nil {
			c.Log = slog.New(slog.DiscardHandler)
		}
		if c.now == nil {
			c.now = time.Now
		}
		c.turn = make(chan struct{}, 1)
		c.patience = cmp.Or(c.patience, repositoryPatience)
		var err error
		c.name, err = ServerNameOf(c.Server)
		_, publisherErr := c.Publisher.key()
		c.bad = errors.Join(CheckClient(c.Name), err, publisherErr)
	})
	return c.bad
}

// Credential asks the server for a credential. An [*Error] is the server's own answer; [ErrRefused] that it gave none.
func (c *Client) Credential(ctx context.Context, want string) (Credential, error) {
	if err := c.start(); err != nil {
		return Credential{}, err
	}
	if _, err := ParseWant(want); err != nil {
		return Credential{}, err
	}
	h, err := c.current(ctx)
	if err != nil {
		return Credential{}, err
	}
	var offset time.Duration
	var fetched, corrected bool
	for {
		a, trip, err := c.ask(ctx, h, want, offset)
		switch {
		case errors.Is(err, ErrRefused) && !fetched:
			fetched = true
			if h, err = c.fetch(ctx, h); err != nil {
				return Credential{}, errors.Join(ErrRefused, err)
			}
			continue
		case err != nil:
			return Credential{}, err
		}
		credential, err := a.result()
		// A clock that is wrong is worked around for this one request: the system's clock is not ours to set.
		if e, ok := errors.AsType[*Error](err); ok && e.Code == Clock && !corrected && trip.took < clockTrip {
			corrected, offset = true, -trip.skew
			c.Log.Warn("clock corrected for a request", keyOffset, offset)
			continue
		}
		if a.bundleSeq > h.Seq {
			if _, err := c.fetch(ctx, h); err != nil {
				c.Log.Warn("newer bundle not fetched", keySeq, a.bundleSeq, keyError, err)
			}
		}
		return Credential{JSON: credential, Expires: expiry(credential), Skew: trip.skew}, err
	}
}

// A trip is what an answer's way told of the clocks.
type trip struct {
	took time.Duration
	skew time.Duration // how far this clock is ahead of the server's
}

// ask tries the endpoints in turn. Each attempt is a new request.
func (c *Client) ask(ctx context.Context, h *held, want string, offset time.Duration) (answer, trip, error) {
	var errs []error
	for _, endpoint := range h.Endpoints {
		a, t, err := c.askAt(ctx, h, endpoint, want, offset)
		if err == nil || errors.Is(err, ErrRefused) {
			return a, t, err
		}
		if ctx.Err() != nil {
			return answer{}, trip{}, err
		}
		errs = append(errs, fmt.Errorf("%s: %w", endpoint, err))
		c.Log.Warn("endpoint failed", keyEndpoint, endpoint, keyError, err)
	}
	return answer{}, trip{}, errors.Join(errs...)
}

func (c *Client) askAt(ctx context.Context, h *held, endpoint, want string, offset time.Duration) (answer, trip, error) {
	// The answer's time is compared with the wall clock; the trip is measured by the monotonic one.
	sent := c.now()
	q := ask{
		serverName: c.name, serverPublic: h.key(sent).Public, client: c.Name, want: want,
		milli: uint64(max(sent.Add(offset).UnixMilli(), 0)),
	}
	if h.generation != nil {
		q.egen, q.entropy = h.generation.Egen, h.entropy
	}
	prove := func([32]byte) ([]byte, error) { return nil, nil }
	if c.Evidence != nil {
		q.kind = c.Evidence.Kind()
		prove = func(th [32]byte) ([]byte, error) { return c.Evidence.Prove(ctx, c.name, th) }
	}
	body, x, err := q.seal(prove)
	if err != nil {
		return answer{}, trip{}, err
	}
	response, err := c.post(ctx, strings.TrimSuffix(endpoint, "/")+Path, body)
	if err != nil {
		return answer{}, trip{}, err
	}
	received := c.now()
	a, err := x.open(response)
	t := trip{received.Sub(sent), received.Sub(time.UnixMilli(int64(a.milli)))}
	return a, t, err
}

func (c *Client) post(ctx context.Context, address string, body []byte) ([]byte, error) {
	client := http.Client{Timeout: clientTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	send := func() (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", ContentType)
		return client.Do(r)
	}
	r, err := send()
	if err != nil && c.trustless(err) {
		if client.Transport, err = untrusting(client.Transport); err != nil {
			return nil, err
		}
		c.Log.Warn("certificate not checked: the clock is before this program's build date")
		r, err = send()
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }()
	switch {
	case r.StatusCode == http.StatusForbidden:
		return nil, ErrRefused
	case r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != ContentType:
		return nil, fmt.Errorf("no auto-id server: status %d, content type %q", r.StatusCode, r.Header.Get("Content-Type"))
	}
	response, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err == nil && len(response) > maxResponse {
		err = fmt.Errorf("response: over %d bytes", maxResponse)
	}
	return response, err
}
