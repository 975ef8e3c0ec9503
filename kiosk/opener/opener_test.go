//go:build linux

package opener

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/secret"
)

const oneTime = "http://127.0.0.1:8780/sign-in/UXV3QHK2"

// fakeLauncher puts an xdg-open on the path that tells its process id and arguments through one named pipe, prints the
// address, and ends when it may read a line from the other.
func fakeLauncher(t *testing.T, exit int) (told, may string) {
	t.Helper()
	folder := t.TempDir()
	told, may = filepath.Join(folder, "told"), filepath.Join(folder, "may")
	for _, pipe := range []string{told, may} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\"\nprintf '%%s\\n' $$ \"$@\" > '%s'\nread -r line < '%s'\nexit %d\n", told, may, exit)
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Setenv("DISPLAY", ":99")
	return told, may
}

// asAnother runs a command as nobody, if that is in our power.
func asAnother(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAnotherUserSeesOnlyTheOneTimeAddress(t *testing.T) {
	told, may := fakeLauncher(t, 0)
	token := secret.New("planted-sign-in-token")
	fetched := make(chan struct{})
	s := &Screen{Fetched: func(ctx context.Context, address string) error {
		if address != oneTime {
			return fmt.Errorf("waiting for %s", address)
		}
		select {
		case <-fetched:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	renewed := make(chan error, 1)
	go func() {
		renewed <- s.Renew(t.Context(), kiosk.View{Address: "https://console.example/"}, func(context.Context) (string, error) {
			if token.Empty() { // as the ticket does, the mint holds the token
				return "", errors.New("no token")
			}
			return oneTime, nil
		})
	}()

	lines, err := os.ReadFile(told) // blocks until the launcher runs
	if err != nil {
		t.Fatal(err)
	}
	pid, args, _ := strings.Cut(strings.TrimSuffix(string(lines), "\n"), "\n")
	if args != oneTime {
		t.Errorf("the launcher was given %q, want %q", args, oneTime)
	}
	seen := asAnother(t, "cat", "/proc/"+pid+"/cmdline")
	if got := strings.Split(strings.TrimSuffix(seen, "\x00"), "\x00"); got[len(got)-1] != oneTime || len(got) != 3 {
		t.Errorf("another user sees %q, want the shell, the script and the address", got)
	}
	if strings.Contains(seen, token.Reveal()) {
		t.Error("another user sees the token")
	}
	environ, err := os.ReadFile("/proc/" + pid + "/environ")
	if err != nil || strings.Contains(string(environ), token.Reveal()) {
		t.Errorf("the token is in the launcher's environment, or that cannot be read: %v", err)
	}

	select {
	case err := <-renewed:
		t.Fatalf("Renew returned before the hand-off was fetched: %v", err)
	default:
	}
	close(fetched) // though the launcher still runs
	if err := <-renewed; err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(may, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
}

func TestALauncherThatFailsIsAnErrorWithoutTheAddress(t *testing.T) {
	told, may := fakeLauncher(t, 3)
	shown := make(chan error, 1)
	go func() { shown <- (&Screen{}).Open(t.Context(), oneTime) }()
	if _, err := os.ReadFile(told); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(may, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	err := <-shown
	if err == nil || strings.Contains(err.Error(), oneTime) || !strings.Contains(err.Error(), "xdg-utils") {
		t.Errorf("error %v, want one with a hint and without the address", err)
	}
}

func TestNoDesktopIsSaidBeforeASignInIsMade(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	s := &Screen{launch: func(string) error { t.Error("a browser was started"); return nil }}
	err := s.Renew(t.Context(), kiosk.View{}, func(context.Context) (string, error) {
		t.Error("a sign-in was made")
		return oneTime, nil
	})
	for _, err := range []error{err, s.Open(t.Context(), oneTime), s.Hold(t.Context(), oneTime)} {
		if err == nil || !strings.Contains(err.Error(), "no desktop") {
			t.Errorf("error %v", err)
		}
	}
}

func TestWhatCountsAsShown(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	never := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	over := errors.New("the offer is over")
	tests := []struct {
		promise string
		fetched func(context.Context, string) error
		launch  func() // how long it takes
		want    error
		after   time.Duration
	}{
		{"a launcher that is done is believed", nil, func() { time.Sleep(time.Second) }, nil, time.Second},
		{"a launcher that stays is the browser", nil, func() { time.Sleep(time.Hour) }, nil, patience},
		{"a launcher that is done is not enough where more is known", never, func() {}, context.DeadlineExceeded, time.Minute},
		{"an offer that nobody took is an error", func(context.Context, string) error { time.Sleep(5 * time.Second); return over },
			func() {}, over, 5 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.promise, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				s := &Screen{Fetched: test.fetched, launch: func(string) error { test.launch(); return nil }}
				start := time.Now()
				err := s.Renew(ctx, kiosk.View{}, func(context.Context) (string, error) { return oneTime, nil })
				if !errors.Is(err, test.want) || time.Since(start) != test.after {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(start), test.want, test.after)
				}
				time.Sleep(time.Hour) // in the bubble: the launcher ends
			})
		})
	}
}

func TestAMintThatFailsOpensNothing(t *testing.T) {
	t.Setenv("DISPLAY", ":99")
	refused := errors.New("refused")
	s := &Screen{launch: func(string) error { t.Error("a browser was started"); return nil }}
	err := s.Renew(t.Context(), kiosk.View{}, func(context.Context) (string, error) { return "", refused })
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}

func TestReloadOpensTheViewAndPicturesAreRefused(t *testing.T) {
	t.Setenv("DISPLAY", ":99")
	var opened string
	s := &Screen{launch: func(address string) error { opened = address; return nil }}
	if err := s.Reload(t.Context(), kiosk.View{Address: "https://console.example/x"}); err != nil || opened != "https://console.example/x" {
		t.Errorf("opened %q, %v", opened, err)
	}
	if _, err := s.Screenshot(t.Context()); err == nil || !strings.Contains(err.Error(), "managed") {
		t.Errorf("error %v", err)
	}
	if s.Troubles() != nil || s.Close() != nil {
		t.Error("a trouble or an error out of nothing")
	}
}
