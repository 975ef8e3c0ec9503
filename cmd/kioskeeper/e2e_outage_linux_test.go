package main

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/kiosk"
)

// holdingColour is what the holding page is at the screen's lower right.
const holdingColour = 0x0b1016

func TestFailingRenewalIsNotSeen(t *testing.T) {
	const life = 20 * time.Second
	s := newScene(t, life)
	d := s.start(t)
	session := s.awaitShowing(t, d, 0)
	for _, f := range []standin.Fault{
		{Part: standin.STS, Kind: standin.Broken},
		{Part: standin.Federation, Kind: standin.Denied, Action: "getSigninToken"},
		{Part: standin.Console, Kind: standin.SignInPage},
		{Part: standin.Console, Kind: standin.Blank},
	} {
		if !t.Run(string(f.Part)+" "+string(f.Kind), func(t *testing.T) { session = s.outage(t, d, f, session) }) {
			return // what comes next begins with a session that is new
		}
	}
}

// outage has f happen from the beginning of a session, which shows already, until after its end. It returns the number of
// the session that follows.
func (s *scene) outage(t *testing.T, d *daemon, f standin.Fault, session int) (next int) {
	t.Helper()
	if err := s.aws.SetFault(f); err != nil {
		t.Fatal(err)
	}
	defer s.aws.ClearFaults()
	film := s.record()
	defer film.stop()
	began, browser := d.status(t), d.browser(t)[0].pid
	eventually(t, "the holding page", func() bool {
		return s.corner() == holdingColour && d.status(t).Cause != ""
	})
	held := time.Now()
	if n := d.status(t); n.Shows() || n.Tries == 0 || n.Error == "" {
		t.Errorf("while the holding page shows, the status is %+v", n)
	}
	for _, shot := range film.between(time.Time{}, began.Expires.Add(-time.Second)) {
		if shot.colour != colour(session) {
			t.Errorf("%s before the session's end %06x showed, not the session's %06x",
				began.Expires.Sub(shot.at).Round(time.Millisecond), shot.colour, colour(session))
		}
	}
	// Between two attempts it is called holding. One that waits for a blank page to fill takes its time.
	eventually(t, "the status holding", func() bool { return d.status(t).Phase == kiosk.PhaseHolding })

	s.aws.ClearFaults()
	cleared, tries := time.Now(), d.status(t).Tries
	next = s.awaitShowing(t, d, session)
	back := time.Now()
	film.stop()
	if again := d.browser(t)[0].pid; again != browser { // on a dark screen, a view that misses twice gets a new browser
		t.Log("the browser was started anew, so the screen was empty for a moment")
	} else {
		for _, shot := range film.between(held, back) {
			if shot.colour != holdingColour && shot.colour != colour(next) {
				t.Errorf("%06x showed on the way back", shot.colour)
			}
		}
	}
	// An attempt that was under way when the fault ended may still fail by it; the one after it, a back-off later, must not.
	if n, err := strconv.Atoi(d.field("recovered", "tries")); err != nil || n > tries+1 {
		t.Errorf("%d attempts had failed when the fault ended, %d (%v) when the dashboard was back", tries, n, err)
	}
	t.Logf("held %.1f s after the session's end; back %.1f s after the fault's, %d samples of the screen",
		held.Sub(began.Expires).Seconds(), back.Sub(cleared).Seconds(), len(film.shots))
	return next
}

// A film is what a screen showed, many times a second.
type film struct {
	shots []shot // while it is taken, of the goroutine that takes it
	stop  func() // may be called again
	mu    sync.Mutex
}

type shot struct {
	at     time.Time
	colour uint32
}

// record begins a film of the screen's corner.
func (s *scene) record() *film {
	f := &film{}
	done, ended := make(chan struct{}), make(chan struct{})
	f.stop = sync.OnceFunc(func() { close(done); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			f.mu.Lock()
			f.shots = append(f.shots, shot{time.Now(), s.corner()})
			f.mu.Unlock()
		}
	}()
	return f
}

// between are the shots of a time.
func (f *film) between(from, to time.Time) []shot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.shots), func(s shot) bool { return s.at.Before(from) || !s.at.Before(to) })
}
