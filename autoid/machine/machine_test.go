package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const planted = "PLANTED-secret"

func open(t *testing.T, path string) keyFile {
	t.Helper()
	k, err := openKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnlyThisMachineOpensUnderThisName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "machine.key")
	k := open(t, path)
	sealed, err := k.Seal("bundle a", []byte(planted))
	if err != nil || bytes.Contains(sealed, []byte(planted)) {
		t.Fatalf("Seal = %q, %v", sealed, err)
	}
	if got, err := open(t, path).Open("bundle a", sealed); err != nil || string(got) != planted {
		t.Errorf("Open = %q, %v", got, err)
	}
	if again, _ := k.Seal("bundle a", []byte(planted)); bytes.Equal(again, sealed) {
		t.Error("the same is sealed the same")
	}
	elsewhere := open(t, filepath.Join(t.TempDir(), "machine.key"))
	if _, err := elsewhere.Open("bundle a", sealed); err == nil {
		t.Error("another machine opens it")
	}
	if _, err := k.Open("bundle b", sealed); err == nil {
		t.Error("it opens under another name")
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if got, err := k.Open("bundle a", damaged); err == nil || strings.Contains(err.Error(), planted) {
			t.Fatalf("with byte %d damaged: %q, %v", i, got, err)
		}
	}
	for _, short := range [][]byte{nil, {1}, sealed[:12]} {
		if _, err := k.Open("bundle a", short); err == nil {
			t.Errorf("%d bytes were opened", len(short))
		}
	}
}

func TestTheKeyIsMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "machine.key")
	keys := make(chan keyFile, 8)
	for range cap(keys) {
		go func() { k, _ := openKeyFile(path); keys <- k }()
	}
	var sealed []byte
	for range cap(keys) {
		k := <-keys
		if k.aead == nil {
			t.Fatal("no key")
		}
		if sealed == nil {
			sealed, _ = k.Seal("x", []byte(planted))
		} else if _, err := k.Open("x", sealed); err != nil {
			t.Error("processes that start together have different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("%v %+v %#v %s", open(t, path), open(t, path), open(t, path), open(t, path)); strings.Contains(said, string(key)) {
		t.Errorf("the key prints: %s", said)
	}
	for content, mode := range map[string]os.FileMode{"short": 0o600, string(key): 0o644} {
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeyFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%d bytes, mode %v: %v", len(content), mode, err)
		}
	}
}
