package npmrepo

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzTarball(f *testing.F) {
	objects := map[string][]byte{"bundle.json": []byte("{}"), "x": nil}
	tarball, err := pack(map[string]any{"name": "@acme/wall"}, objects)
	if err != nil {
		f.Fatal(err)
	}
	if got, err := unpack(tarball); err != nil || len(got) != 2 || !bytes.Equal(got["bundle.json"], objects["bundle.json"]) {
		f.Fatalf("%v, %v", got, err)
	}
	f.Add(tarball)
	f.Add(tarball[:len(tarball)-9])
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := unpack(data)
		if err != nil {
			return
		}
		again, err := pack(nil, got)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpack(again)
		if err != nil {
			t.Fatal(err)
		}
		for name := range got {
			if !bytes.Equal(got[name], back[name]) {
				t.Fatalf("%s: %s", name, cmp.Diff(got[name], back[name]))
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"versions":{"2.1.0":{"dist":{"integrity":"sha512-x"}},"2.10.0":{"dist":{"integrity":"sha512-y"}},"3.0.0-rc":{}}}`))
	f.Add([]byte(`{"versions":{"0.0.0":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		releases, err := parseManifest(data)
		if err != nil {
			return
		}
		last := releases[0]
		if next := last.version.next(data); !last.version.less(next) || next.less(last.version) {
			t.Fatalf("%s comes after %s", next, last.version)
		}
	})
}
