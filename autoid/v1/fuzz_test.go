package v1

import (
	"net/http"
	"testing"
)

func FuzzServer(f *testing.F) {
	v, _ := recorded()
	w := newWorld(f, v.Keysets[0])
	for _, x := range v.Keysets[0].Exchanges {
		f.Add([]byte(x.Request))
	}
	for _, a := range v.Keysets[0].Attacks {
		f.Add([]byte(a.Request))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w.audit.Reset()
		// An answer is no mistake: another order of the members, say, changes nothing.
		if got := w.post(string(body)); got.Code != http.StatusNotFound && got.Code != http.StatusCreated {
			t.Errorf("%d", got.Code)
		}
	})
}

func FuzzParsePlain(f *testing.F) {
	f.Add([]byte(decoyPlain))
	f.Add([]byte(`{"hashval":"","intervals":"0,0,0","credential_source":"a,b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePlain(data)
		if err != nil {
			return
		}
		for _, s := range p.slices {
			if s.from < 0 || s.to <= s.from || s.to > EntropySize {
				t.Errorf("%q: %v", data, s)
			}
		}
		if known(p.slices) < minKnown {
			t.Errorf("%q shows too little", data)
		}
	})
}

// FuzzKnown counts the slow way.
func FuzzKnown(f *testing.F) {
	f.Add(uint16(0), uint16(8), uint16(0), uint16(4), uint16(30), uint16(0), uint16(2040), uint16(2047), uint16(0), uint16(0), uint16(20), uint16(1))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, h, i, j, k, l, m uint16) {
		var all [intervals]slice
		places := map[int]bool{}
		for n, x := range [][3]uint16{{a, b, c}, {d, e, g}, {h, i, j}, {k, l, m}} {
			lo, hi, start := int(min(x[0], x[1])%lines), int(max(x[0], x[1])%lines), lineSize*int(x[2]%lines)
			if lo > hi {
				lo, hi = hi, lo
			}
			all[n] = slice{start + lo, start + hi}
			for p := start + lo; p < start+hi; p++ {
				if p%(lineSize+1) != lineSize {
					places[p] = true
				}
			}
		}
		if got := known(all); got != len(places) {
			t.Errorf("%v: %d, not %d", all, got, len(places))
		}
	})
}

func FuzzParseKey(f *testing.F) {
	v, _ := recorded()
	for _, set := range v.Keysets {
		f.Add([]byte(set.Private))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := ParseKey(data); err == nil && key.Size() < 256 {
			t.Errorf("a key of %d bytes", key.Size())
		}
	})
}
