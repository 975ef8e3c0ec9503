package autoid

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sendFrom sends a request from an address.
func (w *world) sendFrom(address string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(body))
	r.Header.Set("Content-Type", ContentType)
	r.RemoteAddr = address
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return rec
}

// What a stranger can send who has a bundle of his own, and so the server's public key.
var strange = map[string]func(*ask){
	"unknown client":        func(q *ask) { q.client = "lobby-tw" },
	"wrong entropy":         func(q *ask) { q.entropy = NewEntropy() },
	"unknown generation":    func(q *ask) { q.egen = 9 },
	"no entropy":            func(q *ask) { q.egen, q.entropy = 0, nil },
	"no entropy nor client": func(q *ask) { q.client, q.egen, q.entropy = "lobby-tw", 0, nil },
}

// Ten thousand requests of strangers, from many addresses and from one, while an honest client goes on. Those strangers who
// share its address are not told from it until they fail, so it has one of its own.
func TestTenThousandStrangersDoNotHarmAnHonestClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.FailuresPerMinute = DefaultFailuresPerMinute
	w.set(ClientFile{Policy: Policy{Allow: []Allow{{Want: testWant}}, PerHour: 1 << 20}})
	var bodies [][]byte
	for _, change := range strange {
		q := w.ask()
		change(&q)
		body, _ := w.seal(q)
		bodies = append(bodies, body, body[:len(body)-1], body[:headerSize], []byte("junk"))
	}
	const strangers = 10_000
	var next, answered atomic.Int64
	var group sync.WaitGroup
	refused := w.refusal()
	for range 4 {
		group.Go(func() {
			for {
				i := next.Add(1)
				if i > strangers {
					return
				}
				address := fmt.Sprintf("198.51.%d.%d:1", i%256, i/256%256)
				if i%2 == 0 {
					address = "192.0.2.66:1"
				}
				got := w.sendFrom(address, bodies[int(i)%len(bodies)])
				if got.Code != http.StatusForbidden || got.Body.String() != refused.Body.String() {
					answered.Add(1)
				}
			}
		})
	}
	honest, slowest := 0, time.Duration(0)
	for next.Load() < strangers && honest < maxReplays/2 {
		body, x := w.seal(w.ask())
		start := time.Now()
		a, err := x.open(w.sendFrom("203.0.113.1:1", body).Body.Bytes())
		slowest = max(slowest, time.Since(start))
		if err == nil {
			_, err = a.result()
		}
		if err != nil {
			t.Errorf("honest request %d: %v", honest, err)
			break
		}
		honest++
	}
	group.Wait()
	t.Logf("%d honest requests among %d of strangers, the slowest in %v", honest, strangers, slowest)
	if answered.Load() != 0 || honest < 20 {
		t.Errorf("%d strangers got another answer than the 403; %d honest requests", answered.Load(), honest)
	}
	if lines := strings.Count(w.audit.String(), "192.0.2.66"); lines == 0 || lines > 2*DefaultFailuresPerMinute {
		t.Errorf("%d audit lines of the one address: none, or a flood", lines)
	}
	if n := len(w.server.addresses.buckets); n > maxBuckets {
		t.Errorf("%d addresses are remembered", n)
	}
}

// BenchmarkRefusals measures what a stranger could learn from a clock: the median time of each kind of refusal, taken in
// turns so that the machine's moods meet all of them alike. Clients that there are must not stand out from those that there
// are not, with entropy or without.
func BenchmarkRefusals(b *testing.B) {
	w := newWorld(b)
	w.server.FailuresPerMinute = 1 << 30
	w.server.Audit = discard{}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, change := range strange {
			q := w.ask()
			change(&q)
			body, _ := w.seal(q)
			start := time.Now()
			w.sendFrom("192.0.2.66:1", body)
			took[name] = append(took[name], time.Since(start))
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), strings.ReplaceAll(name, " ", "-")+"-µs")
	}
	b.ReportMetric(0, "ns/op") // the sum of all says nothing
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
