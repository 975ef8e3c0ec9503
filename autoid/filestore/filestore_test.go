package filestore_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
)

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, id string) (string, error) {
	t.Helper()
	c, err := filestore.Store{Folder: dir}.Credential(t.Context(), autoid.Grant{Want: autoid.Want{Store: "file", ID: id}})
	return c.JSON.Reveal(), err
}

func TestFilesAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		dir := t.TempDir()
		write(t, dir, "store/npm/token", "npm_planted\n")
		write(t, dir, "outside", "not for clients")
		return autoidtest.Store{
			Store: filestore.Store{Folder: filepath.Join(dir, "store")}, Has: "npm/token", HasNot: "npm/other",
			Content:   `"npm_planted"`,
			Malformed: []string{"../outside", "npm/../../outside"}, Secrets: []string{"npm_planted"},
		}
	})
}

func TestFileBecomesAnObjectOrAString(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for content, want := range map[string]string{
		`{"a": 1}` + "\n": `{"a": 1}`,
		"token\n":         `"token"`,
		"two\nlines\r\n":  `"two\nlines"`,
		` "quoted" `:      `" \"quoted\" "`,
		`{"half":`:        `"{\"half\":"`,
		`[1]`:             `"[1]"`,
	} {
		write(t, dir, "x", content)
		if got, err := get(t, dir, "x"); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", content, got, err, want)
		}
	}
	for _, content := range []string{"", "\n", "\xff\xfe", strings.Repeat("x", 1<<18)} {
		write(t, dir, "x", content)
		if _, err := get(t, dir, "x"); err == nil || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%.10q: %v", content, err)
		}
	}
}

func TestOnlyPrivateFilesOfTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "outside", "out")
	write(t, dir, "store/x", "x")
	store := filepath.Join(dir, "store")
	if err := os.Symlink("../outside", filepath.Join(store, "link")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"link", "../outside", "nul/../../outside"} {
		if _, err := get(t, store, id); err == nil {
			t.Errorf("%s left the folder", id)
		}
	}
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	if err := os.Chmod(filepath.Join(store, "x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, store, "x"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a wide mode: %v", err)
	}
}
