package autoid

import (
	"io"
	"log/slog"
	"testing"
)

// BenchmarkServerStep is what a request costs the server, all steps, without HTTP's transport. An unknown client and a
// wrong tag must cost the same.
func BenchmarkServerStep(b *testing.B) {
	for name, change := range map[string]func(*ask){
		"honest":         func(*ask) {},
		"wrong tag":      func(q *ask) { q.entropy = NewEntropy() },
		"unknown client": func(q *ask) { q.client = "lobby-tw" },
		"clock":          func(q *ask) { q.milli = 0 },
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			w.server.Audit, w.server.Log = io.Discard, slog.New(slog.DiscardHandler)
			q := w.ask()
			change(&q)
			bodies := make([][]byte, min(b.N, maxReplays/2))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%len(bodies) == 0 { // new requests, and a replay cache that has room for them
					b.StopTimer()
					w.server.replays.byClient = nil
					for j := range bodies {
						bodies[j], _ = w.seal(q)
					}
					b.StartTimer()
				}
				w.send(bodies[i%len(bodies)])
			}
		})
	}
}

// BenchmarkJunk is what a stranger can make the server do: with nothing, with its skid, and with its public key.
func BenchmarkJunk(b *testing.B) {
	w := newWorld(b)
	w.server.Audit, w.server.Log = io.Discard, slog.New(slog.DiscardHandler)
	body, _ := w.seal(w.ask())
	bad := append([]byte(nil), body...)
	bad[len(bad)-1] ^= 1
	for name, junk := range map[string][]byte{
		"no request": []byte("GET / HTTP/1.0"), "not sealed": bad, "sealed": w.sealPlain(make([]byte, requestBlock)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.send(junk)
			}
		})
	}
}
