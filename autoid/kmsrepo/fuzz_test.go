package kmsrepo

import (
	"bytes"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(magic + "\x00\x01k012345678901box"))
	f.Add([]byte(magic + "\x00\x00012345678901"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, nonce, box, err := parse(data)
		if err != nil {
			return
		}
		if len(key) == 0 || len(nonce) != 12 || len(data) != len(magic)+2+len(key)+12+len(box) || !bytes.HasSuffix(data, box) {
			t.Fatalf("%q: %q, %q, %q", data, key, nonce, box)
		}
	})
}
