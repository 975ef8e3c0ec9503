package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
	"github.com/kioskeeper/kioskeeper/secret"
)

const planted = "PLANTED/secret"

func lease(life time.Duration) clientdir.Lease {
	keys := autoid.AWSKeys{AccessKeyID: "ASIA", SecretAccessKey: secret.New(planted), SessionToken: secret.New(planted + "2")}
	now := time.Now().Round(0)
	if life != 0 {
		keys.Expires = now.Add(life)
	}
	return clientdir.Lease{AWSKeys: keys, Got: now}
}

func TestAnEndpointAnswersWhoHasTheTokenAndMeansIt(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	var broken error
	e := &Endpoint{Host: "127.0.0.1:80", Token: secret.New("token"), Log: slog.New(slog.NewTextHandler(&logged, nil)),
		Lease: func(context.Context) (clientdir.Lease, error) { return lease(time.Hour), broken }}
	ask := func(method, host, path, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		r.Host = host
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	w := ask("GET", "127.0.0.1:80", EndpointPath, "token")
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d, %v", w.Code, err)
	}
	if until, err := time.Parse("2006-01-02T15:04:05Z", got["Expiration"]); err != nil || time.Until(until) < 59*time.Minute {
		t.Errorf("Expiration %q, %v", got["Expiration"], err)
	}
	delete(got, "Expiration")
	want := map[string]string{"AccessKeyId": "ASIA", "SecretAccessKey": planted, "Token": planted + "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, c := range []struct {
		method, host, path, token string
		want                      int
	}{
		{"GET", "127.0.0.1:80", EndpointPath, "", 401},
		{"GET", "127.0.0.1:80", EndpointPath, "Token", 401},
		{"GET", "127.0.0.1:80", EndpointPath, "token2", 401},
		{"GET", "127.0.0.1:80", "/", "", 401},
		{"GET", "127.0.0.1:80", "/", "token", 404},
		{"GET", "127.0.0.1:80", EndpointPath + "/", "token", 404},
		{"POST", "127.0.0.1:80", EndpointPath, "token", 405},
		{"GET", "evil.example.com", EndpointPath, "token", 421},
		{"GET", "127.0.0.1:81", EndpointPath, "token", 421},
		{"GET", "", EndpointPath, "token", 421},
	} {
		w := ask(c.method, c.host, c.path, c.token)
		if w.Code != c.want || strings.Contains(w.Body.String(), planted) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
	broken = errors.New("some trouble")
	if w := ask("GET", "127.0.0.1:80", EndpointPath, "token"); w.Code != 503 || strings.Contains(w.Body.String(), "trouble") {
		t.Errorf("broken: %d %s", w.Code, w.Body)
	}
	if said := logged.String(); strings.Contains(said, planted) || strings.Contains(said, "token2") {
		t.Errorf("a secret in the log: %s", said)
	}
	e.Token = secret.Text{}
	if w := ask("GET", "127.0.0.1:80", EndpointPath, ""); w.Code != 401 {
		t.Errorf("without a token everybody is answered: %d", w.Code)
	}
}

// A shop gives leases of an hour, or fails.
type shop struct {
	mu     sync.Mutex
	asked  atomic.Int64
	broken bool
	life   time.Duration
	kept   *clientdir.Lease // what it has in an outage
}

func (s *shop) get(context.Context) (clientdir.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Add(1)
	if s.broken && s.kept != nil && time.Now().Before(s.kept.Ends()) {
		return *s.kept, nil
	}
	if s.broken {
		return clientdir.Lease{}, errors.New("out of reach")
	}
	return lease(s.life), nil
}

func hold(t *testing.T, life time.Duration, test func(h *Held, s *shop)) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{life: life}
		h := &Held{Get: s.get, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.Run(ctx); close(ended) }()
		synctest.Wait()
		test(h, s)
		stop()
		<-ended
	})
}

func TestALeaseIsRenewedAtTwoThirdsSoThatNobodyWaits(t *testing.T) {
	t.Parallel()
	hold(t, time.Hour, func(h *Held, s *shop) {
		for hour := range 24 {
			for range 60 {
				l, err := h.Lease(t.Context())
				if left := time.Until(l.Ends()); err != nil || left < 19*time.Minute {
					t.Fatalf("hour %d: %v left, %v", hour, left, err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
			}
		}
		if s.asked.Load() != 1+24*60/40 {
			t.Errorf("asked %d times in a day", s.asked.Load())
		}
	})
}

func TestAnOutageIsOutlivedAndEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		hold(t, time.Hour, func(h *Held, s *shop) { outage(t, h, s, keeps) })
	}
}

func outage(t *testing.T, h *Held, s *shop, keeps bool) {
	s.mu.Lock()
	s.broken = true
	if keeps {
		s.kept = h.now.Load()
	}
	s.mu.Unlock()
	time.Sleep(59 * time.Minute)
	synctest.Wait()
	if _, err := h.Lease(t.Context()); err != nil {
		t.Errorf("before the end: %v", err)
	}
	if s.asked.Load() > 45 {
		t.Errorf("asked %d times in 19 minutes", s.asked.Load())
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	if _, err := h.Lease(t.Context()); err == nil {
		t.Error("a lease that has ended was given out")
	}
	s.mu.Lock()
	s.broken = false
	s.mu.Unlock()
	time.Sleep(lastRetry)
	synctest.Wait()
	asked := s.asked.Load()
	if _, err := h.Lease(t.Context()); err != nil || s.asked.Load() != asked {
		t.Errorf("after the outage: %v, or somebody had to wait", err)
	}
}

func TestKeysWithoutAnEndAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	hold(t, 0, func(h *Held, s *shop) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.asked.Load() != 7 {
			t.Errorf("asked %d times in an hour", s.asked.Load())
		}
		if _, err := h.Lease(t.Context()); err != nil || s.asked.Load() != 7 {
			t.Errorf("%v, asked %d times", err, s.asked.Load())
		}
	})
}
