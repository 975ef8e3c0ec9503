//go:build unix

package conffile

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wall writes a configuration file and a bundle beside it, and returns their folder.
func wall(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"bundle.json", "bundle.sig", "k3Jx"} {
		path := filepath.Join(folder, "bundle", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "kiosk.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestLoadFindsWhatTheFileNamesBesideIt(t *testing.T) {
	t.Parallel()
	folder := wall(t, good)
	f, err := Load(filepath.Join(folder, "kiosk.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "bundle"); f.Credentials.AutoID.Bundle != want {
		t.Errorf("the bundle is at %s, want %s", f.Credentials.AutoID.Bundle, want)
	}
}

func TestLoadRefusesFilesThatAreMissingOrNotPrivate(t *testing.T) {
	t.Parallel()
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	browser := "[browser]\npath = \"/nowhere/chromium\"\nuser = \"no-such-user\"\n"
	bundle := func(f string, name ...string) string { return filepath.Join(append([]string{f, "bundle"}, name...)...) }
	tests := []struct {
		add     string
		do      func(folder string) error
		problem string // FOLDER is the folder
	}{
		{"", func(f string) error { return os.Chmod(bundle(f, "k3Jx"), 0o640) },
			"6:10: bundle holds a secret that others can reach: FOLDER/bundle/k3Jx has mode 0640 (chmod 600 FOLDER/bundle/k3Jx)"},
		{"", func(f string) error { return os.Remove(bundle(f, "bundle.json")) },
			"6:10: bundle FOLDER/bundle holds no bundle.json (put the client's bundle there: autoid client add writes it)"},
		{"", func(f string) error { return os.RemoveAll(bundle(f)) },
			"6:10: bundle FOLDER/bundle does not exist (put the client's bundle there: autoid client add writes it)"},
		{browser, func(string) error { return nil },
			"17:8: path /nowhere/chromium does not exist (remove path to take the browser that is found)\n" +
				"18:8: user no-such-user is not a user of this machine (adduser --system no-such-user makes one)"},
		{"[browser]\npath = \"bundle/k3Jx\"\n", func(string) error { return nil },
			"17:8: path FOLDER/bundle/k3Jx is not a program (remove path to take the browser that is found)"},
	}
	for _, test := range tests {
		folder := wall(t, good+test.add)
		if err := test.do(folder); err != nil {
			t.Fatal(err)
		}
		_, err := Load(filepath.Join(folder, "kiosk.toml"))
		got := strings.ReplaceAll(strings.Join(problems(t, err), "\n"), folder, "FOLDER")
		if diff := cmp.Diff(test.problem, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if self.Uid != "0" {
		if err := (onDisk{}).user(self.Username); err != nil {
			t.Errorf("an ordinary user is refused: %v", err)
		}
	}
	if err := exposed("/k3Jx", 0o400, 7, 7); err != nil {
		t.Errorf("a file that only its owner reads is refused: %v", err)
	}
	if err := exposed("/k3Jx", 0o600, 0, 7); err == nil || !strings.Contains(err.Error(), "(chown 7 /k3Jx)") {
		t.Errorf("a file of another user: %v", err)
	}
}

func TestLoadTellsThatThereIsNoFile(t *testing.T) {
	t.Parallel()
	if _, err := Load(filepath.Join(t.TempDir(), "kiosk.toml")); err == nil || !strings.Contains(err.Error(), "generate config") {
		t.Errorf("error %v, want one that says how to get a file", err)
	}
}
