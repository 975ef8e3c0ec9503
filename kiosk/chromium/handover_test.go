package chromium

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/kiosk"
)

// TestNoRenewalIsSeen measures the handover on the screen itself, and two naive ways with the same instrument: if it saw
// nothing bad in them, its zero would mean nothing.
func TestNoRenewalIsSeen(t *testing.T) {
	const renewals, naive = 20, 2
	fmt.Printf("%-32s %9s %12s %14s %6s %8s %9s\n", "way", "renewals", "bad samples", "bad ms/renewal", "torn", "samples", "longest gap")
	report := func(way string, n int, s sighting) {
		fmt.Printf("%-32s %9d %12d %14.1f %6d %8d %9s\n", way, n, s.bad, float64(s.badTime.Microseconds())/1000/float64(n),
			s.torn, s.samples, s.gap.Round(time.Millisecond))
		if rate := float64(s.samples) / s.took.Seconds(); rate < 30 {
			t.Errorf("%s: sampled at %.0f Hz only", way, rate)
		}
	}
	w := newWall(t, &standin.Server{Marked: true, Hop: 500 * time.Millisecond, Boot: 500 * time.Millisecond})
	w.renew()

	stop := w.observe()
	first := w.session()
	for range renewals {
		w.renew()
	}
	s := stop()
	report("hidden sign-in, swap of tabs", renewals, s)
	if s.bad != 0 {
		t.Errorf("%d samples showed something else than the old or the new dashboard", s.bad)
	}
	if len(s.sequence) != renewals+1 {
		t.Errorf("%d dashboards showed one after the other, want %d", len(s.sequence), renewals+1)
	}
	for i, seen := range s.sequence {
		if seen != standin.SessionColor(first+i) {
			t.Fatalf("dashboard %d is not that of session %d", i, first+i)
		}
	}

	for way, renew := range map[string]func(context.Context) error{
		"navigation in place":    w.inPlace,
		"restart of the browser": w.restart,
	} {
		stop := w.observe()
		for range naive {
			if err := renew(t.Context()); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			w.shows(w.session())
		}
		s := stop()
		report(way, naive, s)
		if s.bad == 0 {
			t.Errorf("%s: nothing bad was seen, so the instrument does not work", way)
		}
	}
}

// inPlace signs in on the screen, in the page that shows.
func (w *testWall) inPlace(ctx context.Context) error {
	return w.change(w.view, w.Rules, func(s *stage) error {
		address, err := w.mint(ctx)
		if err != nil {
			return err
		}
		front := s.front.Load()
		if err := front.navigate(ctx, address); err != nil {
			return err
		}
		return front.await(ctx, w.view, w.Rules, painted)
	})
}

// restart signs in with a new browser, as scripts around one do.
func (w *testWall) restart(ctx context.Context) error {
	address, err := w.mint(ctx)
	if err != nil {
		return err
	}
	killGroup(w.process.cmd.Process)
	<-w.process.done
	return w.open(ctx, address, w.view, w.Rules)
}

var _ handover = tabs{}
var _ kiosk.Screen = (*Browser)(nil)
