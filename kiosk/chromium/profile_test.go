//go:build linux

package chromium

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfilesOfTheDeadAreSwept(t *testing.T) {
	dir := t.TempDir()
	inUse, err := newProfile([]string{"", filepath.Join(dir, "missing"), dir}, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	// A daemon that was killed leaves its folder, and the kernel gives up its lock.
	dead := filepath.Join(dir, profilePrefix+"dead")
	if err := os.MkdirAll(filepath.Join(dead, "home", "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead, lockName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "mine")
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	second, err := newProfile([]string{dir}, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{inUse.tmp(): true, second.tmp(): true, mine: true, dead: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, p := range []*profile{inUse, second} {
		if err := p.remove(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestNoPlaceForAProfile(t *testing.T) {
	if _, err := newProfile([]string{filepath.Join(t.TempDir(), "missing")}, -1, -1); err == nil {
		t.Error("a profile was made in a folder that does not exist")
	}
}

func TestRootIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		b    *Browser
		want string // of the error, as root and as an ordinary user; "": none
		user string
	}{
		"as it is":       {b: new(Browser), want: "does not run as root"},
		"risk taken":     {b: &Browser{AllowRoot: true}},
		"root by name":   {b: &Browser{User: "root"}, want: "does not run as root", user: "only root can"},
		"no such user":   {b: &Browser{User: "nosuchuser"}, want: "the browser's user", user: "the browser's user"},
		"somebody else":  {b: &Browser{User: "daemon"}, user: "only root can"},
		"an own program": {b: &Browser{User: OrdinaryUser(), Path: "/bin/true"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := test.want
			if os.Geteuid() != 0 {
				want = test.user
			}
			_, err := test.b.account()
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %q", err, want)
			}
		})
	}
}

func TestABrowserThatDoesNotStartTellsItsLastWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho one >&2\necho 'cannot open display' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := &Browser{Path: path, User: OrdinaryUser(), Dir: t.TempDir()}
	for dir := b.Dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := b.Open(t.Context(), "http://127.0.0.1/")
	if !errors.Is(err, errClosed) || !strings.Contains(err.Error(), "cannot open display") {
		t.Errorf("Open() = %v", err)
	}
	if left, _ := os.ReadDir(b.Dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := (&Browser{Path: "/nonexistent/browser", User: OrdinaryUser()}).Check(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := Find(); err == nil || !strings.Contains(err.Error(), "install Chromium") {
		t.Errorf("Find() where there is none: %v", err)
	}
	for _, name := range []string{"google-chrome", "chromium-browser"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if path, err := Find(); err != nil || filepath.Base(path) != "chromium-browser" {
		t.Errorf("Find() = %s, %v", path, err)
	}
	if _, err := exec.LookPath("google-chrome"); err != nil {
		t.Error(err)
	}
}

func TestTheBrowsersEnvironmentHoldsNoSecret(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted")
	t.Setenv("DISPLAY", ":7")
	env := strings.Join(environment(), "\n")
	if strings.Contains(env, "planted") || !strings.Contains(env, "DISPLAY=:7") {
		t.Errorf("the environment is\n%s", env)
	}
}
