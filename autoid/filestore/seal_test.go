package filestore_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/secret"
)

// identity makes one as age-keygen does; a hybrid one with -pq.
func identity(t *testing.T, dir string, hybrid bool) string {
	t.Helper()
	var text string
	if hybrid {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		text = id.String()
	} else {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		text = id.String()
	}
	write(t, dir, "identity.txt", "# created by hand\n"+text+"\n")
	return filepath.Join(dir, "identity.txt")
}

// sealedStores are one of each kind.
func sealedStores(t *testing.T) map[string]filestore.Store {
	plain, pq, key := t.TempDir(), t.TempDir(), t.TempDir()
	return map[string]filestore.Store{
		"age":        {Folder: filepath.Join(plain, "store"), Identity: identity(t, plain, false)},
		"age hybrid": {Folder: filepath.Join(pq, "store"), Identity: identity(t, pq, true)},
		"key file":   {Folder: filepath.Join(key, "store"), KeyFile: filepath.Join(key, "key")},
	}
}

func put(t *testing.T, s filestore.Store, id, content string) {
	t.Helper()
	if err := s.Put(id, secret.New(content)); err != nil {
		t.Fatal(err)
	}
}

func credential(t *testing.T, s filestore.Store, id string) (string, error) {
	t.Helper()
	c, err := s.Credential(t.Context(), autoid.Grant{Want: autoid.Want{Store: "file", ID: id}})
	return c.JSON.Reveal(), err
}

func TestSealedFilesAreAStore(t *testing.T) {
	t.Parallel()
	for name := range sealedStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
				s := sealedStores(t)[name]
				put(t, s, "npm/token", "npm_planted\n")
				return autoidtest.Store{
					Store: s, Has: "npm/token", Content: `"npm_planted"`, HasNot: "npm/other", Malformed: []string{"../identity.txt"},
					Secrets: []string{"npm_planted", "AGE-SECRET-KEY"},
					Break:   func() { write(t, s.Folder, "npm/token", "npm_planted, not sealed") },
				}
			})
		})
	}
}

func TestASealedFileShowsNothingAndIsPrivate(t *testing.T) {
	t.Parallel()
	for name, s := range sealedStores(t) {
		put(t, s, "wall", "planted")
		path := filepath.Join(s.Folder, "wall")
		data, err := os.ReadFile(path)
		if err != nil || bytes.Contains(data, []byte("planted")) {
			t.Errorf("%s: %v %s", name, err, data)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		for i := 0; i < len(data); i += 1 + len(data)/200 { // every byte counts
			bad := bytes.Clone(data)
			bad[i] ^= 1
			write(t, s.Folder, "wall", string(bad))
			if got, err := credential(t, s, "wall"); err == nil {
				t.Fatalf("%s: byte %d of %d changed unnoticed: %s", name, i, len(data), got)
			}
		}
		write(t, s.Folder, "wall", string(data))
		if _, err := credential(t, filestore.Store{Folder: s.Folder}, "wall"); err == nil || !strings.Contains(err.Error(), "key_file") {
			t.Errorf("%s: by a store of plain files: %v", name, err)
		}
		put(t, s, "wall", "another")
		if got, err := credential(t, s, "wall"); err != nil || got != `"another"` {
			t.Errorf("%s: put again: %v", name, err)
		}
	}
}

func TestAKeyHoldsEachFileToItsName(t *testing.T) {
	t.Parallel()
	s := sealedStores(t)["key file"]
	put(t, s, "wall", "planted")
	put(t, s, "hall", "another")
	if err := os.Rename(filepath.Join(s.Folder, "hall"), filepath.Join(s.Folder, "wall")); err != nil {
		t.Fatal(err)
	}
	if got, err := credential(t, s, "wall"); err == nil {
		t.Errorf("another's file was opened under this name: %s", got)
	}
}

func TestArmorIsTakenToo(t *testing.T) {
	t.Parallel()
	s := sealedStores(t)["age"]
	put(t, s, "wall", "planted")
	data, err := os.ReadFile(filepath.Join(s.Folder, "wall"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, s.Folder, "wall", text.String())
	if got, err := credential(t, s, "wall"); err != nil || got != `"planted"` {
		t.Errorf("%s %v", got, err)
	}
}

func TestNothingIsPutOutside(t *testing.T) {
	t.Parallel()
	s := sealedStores(t)["key file"]
	put(t, s, "wall", "planted")
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.MkdirAll(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.Folder, "link")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../x", "/x", ".", "", "link/x"} {
		if err := s.Put(id, secret.New("planted")); err == nil {
			t.Errorf("put %q", id)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside: %v %v", entries, err)
	}
}

func TestWhatSealsIsPrivateAndSaysWhatMendsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "store/wall", "x")
	path := filepath.Join(dir, "identity.txt")
	s := filestore.Store{Folder: filepath.Join(dir, "store"), Identity: path}
	for _, c := range []struct {
		content string
		mode    os.FileMode
		want    string
	}{
		{"", 0, "age-keygen -o"}, {"AGE-SECRET-KEY-1PLANTED\n", 0o600, "not a file of age identities"}, {"x", 0o644, "chmod 600"},
	} {
		if c.mode != 0 {
			write(t, dir, "identity.txt", c.content)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := credential(t, s, "wall"); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "PLANTED") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s := filestore.Store{Folder: filepath.Join(dir, "store"), KeyFile: filepath.Join(dir, "key")}
	if err := s.Put("wall", secret.New("planted")); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, "store", "wall"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("autoid sealed file 1\n"))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, "store", "wall"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := credential(t, s, "wall"); err == nil && !bytes.Equal(data, good) {
			t.Errorf("%q opened as %s", data, got)
		}
	})
}
