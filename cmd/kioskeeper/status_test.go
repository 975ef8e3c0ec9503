package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

func TestStatusSaysWhatAPersonAsks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	all := []kiosk.Status{
		{Name: "lobby", Phase: kiosk.PhaseShowing, View: "https://console.example/a", Expires: now.Add(40 * time.Minute), Renewals: 7,
			Next: now.Add(20 * time.Minute), NextIn: (20 * time.Minute).Milliseconds()},
		{Name: "hall", Phase: kiosk.PhaseRenewing, View: "https://console.example/b", Expires: now.Add(9 * time.Minute), Renewals: 1,
			Error: "AssumeRole: throttled", Tries: 3, SkewText: "This machine's clock is 2 minutes ahead."},
		{Name: "bar", Phase: kiosk.PhaseHolding, Dark: now.Add(-time.Minute), Title: "No network", Text: "It cannot be reached.",
			Next: now.Add(time.Second), NextIn: 1400, Error: "AssumeRole: unreachable", Tries: 12},
	}
	var got strings.Builder
	if err := printStatus(&got, all, now); err != nil {
		t.Fatal(err)
	}
	want := `lobby: showing https://console.example/a
  session until 12:40:00 (40m0s left), sign-ins so far: 7
  next sign-in in 20m0s
hall: renewing https://console.example/b
  session until 12:09:00 (9m0s left), sign-ins so far: 1
  This machine's clock is 2 minutes ahead.
  last error: AssumeRole: throttled (failed tries: 3)
  signing in now
bar: holding: No network
  It cannot be reached.
  last error: AssumeRole: unreachable (failed tries: 12)
  next sign-in in 1s
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := darkness(all); err == nil || err.Error() != "without its view: bar" {
		t.Errorf("darkness is %v, want bar's", err)
	}
	if err := darkness(all[:2]); err != nil {
		t.Errorf("darkness is %v with two that show", err)
	}
}
