package main

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestComesBackWhenItsBrowserIsKilled(t *testing.T) {
	s := newScene(t, 10*time.Minute) // no renewal falls due
	d := s.start(t)
	session := s.awaitShowing(t, d, 0)
	for range 2 { // what came back comes back again
		old := d.browser(t)
		killed := time.Now()
		if err := syscall.Kill(old[0].pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		session = s.awaitShowing(t, d, session)
		t.Logf("back %.1f s after the browser was killed", time.Since(killed).Seconds())
		eventually(t, "the end of all processes of the killed browser", func() bool { return len(alive(t, old)) == 0 })
	}
}

func TestLeavesNoBrowserWhenItIsKilled(t *testing.T) {
	s := newScene(t, 10*time.Minute)
	d := s.start(t)
	s.awaitShowing(t, d, 0)
	browser := d.browser(t)

	killed := time.Now()
	d.signal(t, syscall.SIGKILL)
	eventually(t, "the end of all processes of the browser", func() bool {
		return len(alive(t, browser)) == 0 && !slices.ContainsFunc(processes(t), func(p proc) bool {
			return strings.Contains(p.args, d.profile)
		})
	})
	gone := time.Since(killed)
	t.Logf("%d processes of the browser were gone %.2f s after kioskeeper was killed", len(browser), gone.Seconds())
	if gone > 10*time.Second {
		t.Errorf("the browser outlived kioskeeper by %s", gone)
	}
	if _, err := os.Stat(d.profile); err != nil {
		t.Fatalf("nothing was left for the next start to clean: %v", err)
	}

	again := s.start(t)
	s.awaitShowing(t, again, 1)
	if _, err := os.Stat(d.profile); !os.IsNotExist(err) {
		t.Errorf("the profile of the killed one is still there: %v", err)
	}
	again.browser(t) // whose profile has to be gone after a stop
}

// alive are those that still run.
func alive(t *testing.T, these []proc) (left []proc) {
	t.Helper()
	for _, p := range processes(t) {
		if p.state != 'Z' && slices.ContainsFunc(these, func(q proc) bool { return q.pid == p.pid && q.started == p.started }) {
			left = append(left, p)
		}
	}
	return left
}
