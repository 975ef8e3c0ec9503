package kiosk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// checkNeverDark fails for every moment without the view after it first came up, and for every moment past a session's end.
func (w *wall) checkNeverDark(t *testing.T) {
	t.Helper()
	up := false
	for _, i := range w.intervals() {
		up = up || i.what == "view"
		if up && i.what != "view" && i.to.After(i.from) {
			t.Errorf("%s: %q showed for %s", i.from.Sub(w.began), i.what, i.to.Sub(i.from))
		}
	}
	w.checkNoneExpired(t)
}

// checkNoneExpired fails for every moment that a session showed past its end.
func (w *wall) checkNoneExpired(t *testing.T) {
	t.Helper()
	for _, i := range w.intervals() {
		if late := i.to.Sub(i.expires); i.what == "view" && late > 0 {
			t.Errorf("%s: a session showed %s past its end", i.from.Sub(w.began), late)
		}
	}
}

func TestNeverExpiresInAMonth(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const month = 30 * 24 * time.Hour
				w := newWall(t, time.Hour)
				draws := rand.New(rand.NewPCG(seed, 1))
				// Outages of up to ten minutes, well inside the last third of an hour, about every three hours; and one
				// call in twenty that fails just so.
				from, to := time.Duration(0), time.Duration(0)
				faulty := func() error {
					for now := w.now(); now > to; {
						from = max(to, now) + 30*time.Minute + time.Duration(draws.Float64()*float64(5*time.Hour))
						to = from + time.Duration(draws.Float64()*float64(10*time.Minute))
					}
					if now := w.now(); now > from && now < to || draws.Float64() < 0.05 {
						return errors.New("status 500")
					}
					return nil
				}
				w.signInFails, w.renewFails = faulty, faulty
				w.run(w.display(seed), func() { w.sleep(month) })
				w.checkNeverDark(t)
				if w.renewals < 30*24 || w.renewals > 30*24*2 {
					t.Errorf("%d renewals in a month", w.renewals)
				}
			})
		})
	}
}
