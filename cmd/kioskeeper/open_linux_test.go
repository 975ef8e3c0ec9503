package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/kiosk/chromium"
)

// Chromium stands for the user's own browser: it is started by xdg-open, and nobody drives it.
func TestOpenSignsARealBrowserIn(t *testing.T) {
	t.Parallel()
	r, err := rehearse(t.Context(), new(standin.Server), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	who, launcher := desktopBrowser(t)
	config := filepath.Join(t.TempDir(), "wall.toml")
	if err := os.WriteFile(config, []byte(r.config(who, "127.0.0.1:0")), 0o600); err != nil {
		t.Fatal(err)
	}

	var told, log bytes.Buffer
	c := exec.CommandContext(t.Context(), "kioskeeper", "open", "--config", config)
	c.Env = append(os.Environ(), "PATH="+launcher+":"+os.Getenv("PATH"), "DISPLAY=:99", "AWS_ENDPOINT_URL_STS="+r.at.STS)
	c.Stdout, c.Stderr = &told, &log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the browser outlives kioskeeper: it goes by the group
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if !bytes.HasPrefix(told.Bytes(), []byte("Signed in until ")) {
		t.Errorf("told: %s", &told)
	}

	within(t, func() bool {
		return slices.ContainsFunc(r.aws.Requests(), func(q standin.Request) bool {
			return q.Part == standin.Console && q.Action == "data" && q.Status == 200
		})
	}, func() string { return fmt.Sprintf("the dashboard does not run; asked was %v", r.aws.Counts()) })
	sessions := r.aws.Sessions()
	if len(sessions) != 1 || sessions[0].ARN != "arn:aws:sts::"+standin.DefaultAccount+":assumed-role/wall-viewer/lobby" {
		t.Errorf("sessions %+v, want one of the wall's role, in the display's name", sessions)
	}
	if n := r.aws.Counts()["federation login 302"]; n != 1 {
		t.Errorf("%d sign-ins, want one", n)
	}
}

// desktopBrowser makes an xdg-open that starts Chromium as an ordinary user. It returns what the configuration says of
// that user, and the folder to put in front of PATH.
func desktopBrowser(t *testing.T) (config, folder string) {
	t.Helper()
	program, err := chromium.Find()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "kioskeeper-open-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the browser has been killed, but may not be gone yet
		within(t, func() bool { err = os.RemoveAll(profile); return err == nil }, func() string { return err.Error() })
	})
	as := ""
	if name := chromium.OrdinaryUser(); name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		if err := os.Chown(profile, uid, -1); err != nil {
			t.Fatal(err)
		}
		as = fmt.Sprintf("setpriv --reuid=%s --regid=%s --clear-groups", u.Uid, u.Gid)
		config = fmt.Sprintf("user = %q", name)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s env HOME=%s %s --headless --user-data-dir=%s --no-first-run --disable-breakpad "+
		"--disable-background-networking \"$1\"\n", as, profile, program, profile)
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return config, folder
}
