package v1

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusals are requests that fail at each of the steps.
func refusals(w *world) map[string]string {
	v, file := recorded()
	c := &client{t: w.t, entropy: file, public: &w.key.PublicKey, key: "abcdefghijklmnop"}
	bend := func(body, field string) string {
		var b map[string]string
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			w.t.Fatal(err)
		}
		raw, err := decode(b[field])
		if err != nil {
			w.t.Fatal(err)
		}
		raw[len(raw)-1] ^= 1
		b[field] = encode(raw)
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		return string(text)
	}
	good := v.Keysets[0].Exchanges[0].Request
	const most = "1,900,5|2,800,6|3,700,7|4,600,8"
	return map[string]string{
		"empty":             "",
		"no request":        "{}",
		"data too short":    `{"data":"4141","payload":"4141"}`,
		"data bent":         bend(good, "data"),
		"data out of range": `{"data":"` + encode(slices.Repeat([]byte{0xff}, w.key.Size())) + `","payload":"4141"}`,
		"padding bent":      bend(good, "payload"),
		"not JSON":          c.sendPlain([]byte(strings.Repeat("x", 160))),
		"intervals":         c.send("0,0,0", strings.Repeat("0", 64), "secretsmanager,wall-viewer"),
		"hash":              c.send(most, strings.Repeat("0", 64), "secretsmanager,wall-viewer"),
		"hash, no source":   c.send(most, strings.Repeat("0", 64), "a,b"),
	}
}

// TestEveryRefusalCostsTheSame takes the fastest of many runs, one kind after the other, so that what else the machine
// does falls on all alike. To leave out the private key, the greatest part, would show at once.
func TestEveryRefusalCostsTheSame(t *testing.T) {
	v, _ := recorded()
	w := newWorld(t, v.Keysets[0])
	all := refusals(w)
	fastest := map[string]time.Duration{}
	for range 60 {
		for name, body := range all {
			start := time.Now()
			got := w.post(body)
			took := time.Since(start)
			w.wantRefused(name, got)
			if old, ok := fastest[name]; !ok || took < old {
				fastest[name] = took
			}
		}
	}
	low, high := time.Hour, time.Duration(0)
	var said []string
	for name, d := range fastest {
		low, high = min(low, d), max(high, d)
		said = append(said, fmt.Sprintf("%v %s", d, name))
	}
	slices.Sort(said)
	t.Log(strings.Join(said, "; "))
	if high > low*3/2 {
		t.Errorf("refusals take from %v to %v", low, high)
	}
}

// BenchmarkRefusal must show the same for all.
func BenchmarkRefusal(b *testing.B) {
	v, _ := recorded()
	w := newWorld(b, v.Keysets[0])
	w.Server.Audit = io.Discard
	for name, body := range refusals(w) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w.post(body).Code != http.StatusNotFound {
					b.Fatal("not refused")
				}
			}
		})
	}
}
