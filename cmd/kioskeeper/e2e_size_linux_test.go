package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestIsSmall measures what the README tells.
func TestIsSmall(t *testing.T) {
	const most = 25.0 // MB of 10^6 bytes, on disk and resident
	s := newScene(t, 10*time.Minute)
	info, err := os.Stat(s.binary)
	if err != nil {
		t.Fatal(err)
	}
	disk := float64(info.Size()) / 1e6

	d := s.start(t)
	s.awaitShowing(t, d, 0)
	// Idle is when it has shown for half a minute: by then the browser's first events and the sign-in's garbage are
	// behind it, as on a wall. The measure is of time itself, so time has to pass.
	began := d.status(t).Began
	eventually(t, "half a minute on the screen", func() bool { return time.Since(began) > 30*time.Second })
	memory := d.resident(t)
	t.Logf("kioskeeper takes %.1f MB on disk, and %.1f MB of memory (VmRSS) after %.0f s on the screen",
		disk, memory, time.Since(began).Seconds())
	if disk >= most || memory >= most {
		t.Errorf("both have to be below %.0f MB", most)
	}
}

// resident is how much of the daemon is in memory, in MB. The browser is not counted.
func (d *daemon) resident(t *testing.T) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindSubmatch(status)
	if m == nil {
		t.Fatal("no VmRSS in /proc")
	}
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib * 1024 / 1e6
}
