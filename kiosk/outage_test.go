package kiosk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// between makes a fault that lasts from one moment of a wall to another.
func (w *wall) between(from, to time.Duration) func() error {
	return func() error {
		if now := w.now(); now >= from && now < to {
			return errors.New("status 500")
		}
		return nil
	}
}

// eachFault runs a test with the fault in the sign-in, and in the page that does not come up.
func eachFault(t *testing.T, from, to time.Duration, test func(t *testing.T, w *wall)) {
	for name, put := range map[string]func(*wall, func() error){
		"sign-in": func(w *wall, f func() error) { w.signInFails = f },
		"view":    func(w *wall, f func() error) { w.renewFails = f },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWall(t, 15*time.Minute)
				put(w, w.between(from, to))
				test(t, w)
			})
		})
	}
}

func TestFailedRenewalIsInvisible(t *testing.T) {
	eachFault(t, 8*time.Minute, 14*time.Minute, func(t *testing.T, w *wall) {
		d := w.display(1)
		w.run(d, func() {
			w.sleep(13 * time.Minute)
			if st := d.Status(); !st.Shows() || st.Tries < 2 || st.Error == "" || st.Title != "" {
				t.Errorf("while renewals fail: %+v", st)
			}
			w.sleep(time.Hour)
		})
		w.checkNeverDark(t)
		if w.holds != 0 || w.opens != 1 {
			t.Errorf("%d holding pages, %d starts of the browser", w.holds, w.opens)
		}
	})
}

func TestHoldsFromTheSessionsEndUntilTheFaultEnds(t *testing.T) {
	const faultEnds = 18 * time.Minute
	eachFault(t, 8*time.Minute, faultEnds, func(t *testing.T, w *wall) {
		d := w.display(1)
		w.run(d, func() {
			w.sleep(17 * time.Minute)
			if st := d.Status(); st.Shows() || st.Title == "" || st.Error != "status 500" || w.showing() != "local" {
				t.Errorf("past the end: %+v with %q on the screen", st, w.showing())
			}
			// A back-off step for sessions of 15 min is 30 s at most; then comes the attempt itself, perhaps with
			// a new browser.
			w.sleep(faultEnds + 30*time.Second + 6*time.Second - w.now())
			if w.showing() != "view" {
				t.Errorf("the fault has ended, and %q shows", w.showing())
			}
		})
		w.checkNoneExpired(t)
		for _, i := range w.intervals() {
			if i.what == "local" && i.from.Sub(w.began) > time.Minute && i.from.Sub(w.began) < 14*time.Minute+50*time.Second {
				t.Errorf("the holding page came up %s in, before the session's end", i.from.Sub(w.began))
			}
		}
	})
}

func TestAttemptThatHangsEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Minute)
		d := w.display(1)
		d.SignIn = func(ctx context.Context) (kiosk.Ticket, error) {
			if now := w.now(); now > 30*time.Second && now < 10*time.Minute {
				<-ctx.Done()
				return kiosk.Ticket{}, ctx.Err()
			}
			return w.signIn(ctx)
		}
		w.run(d, func() {
			w.sleep(2 * time.Minute)
			if st := d.Status(); st.Cause != kiosk.NoAnswer || w.showing() != "local" {
				t.Errorf("%+v", st)
			}
			w.sleep(10*time.Minute + 2*time.Minute + 10*time.Second - w.now()) // an attempt limit later at most
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
		w.checkNoneExpired(t)
	})
}

func TestMinuteSessionsAreRenewedAtTwoThirds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Minute)
		w.run(w.display(1), func() { w.sleep(time.Hour) })
		w.checkNeverDark(t)
		if got, want := w.renewals, 60*60/43; got < want-8 || got > want+8 {
			t.Errorf("%d renewals in an hour, want about %d", got, want)
		}
	})
}

func TestShortTicketIsAnErrorAndNoSpin(t *testing.T) {
	for _, life := range []time.Duration{-time.Hour, 0, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWall(t, life)
			d := w.display(1)
			w.run(d, func() {
				w.sleep(time.Hour)
				if st := d.Status(); st.Shows() || st.Error == "" {
					t.Errorf("%s: %+v", life, st)
				}
			})
			if w.signIns < 30 || w.signIns > 90 || w.renewals > 0 {
				t.Errorf("%s: %d sign-ins in an hour, %d of them shown", life, w.signIns, w.renewals)
			}
		})
	}
}

// The lease that ends while its view comes up is not planned with either.
func TestKeeperRefusesALeaseThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		k := kiosk.Keeper{Renew: func(context.Context, kiosk.Reason) (kiosk.Lease, error) {
			tries++
			return kiosk.Lease{Expires: time.Now()}, nil
		}}
		k.Run(ctx)
		if tries < 30 || tries > 90 {
			t.Errorf("%d attempts in an hour", tries)
		}
	})
}

// A screen may need two sign-ins for one view. Either may have made the session that shows, so the shorter counts.
func TestTheTicketThatEndsFirstCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.mints = 2
		d := w.display(1)
		d.SignIn = func(ctx context.Context) (kiosk.Ticket, error) {
			ticket, err := w.signIn(ctx)
			if w.signIns%2 == 0 {
				ticket.Lease.Expires = ticket.Lease.Expires.Add(11 * time.Hour)
			}
			return ticket, err
		}
		w.run(d, func() { w.sleep(24 * time.Hour) })
		w.checkNeverDark(t)
	})
}

// A source may hand out what it has until that ends; the keeper then asks again in good time, and not all the time.
func TestOldLeasesHandedOutAgainDoNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		var cached kiosk.Ticket
		d.SignIn = func(ctx context.Context) (kiosk.Ticket, error) {
			if time.Until(cached.Lease.Expires) < 5*time.Minute {
				cached, _ = w.signIn(ctx)
			}
			return cached, nil
		}
		w.run(d, func() { w.sleep(24 * time.Hour) })
		if w.renewals > 24*6 {
			t.Errorf("%d renewals in a day", w.renewals)
		}
	})
}

func TestClockStepIsNoticed(t *testing.T) {
	for _, step := range []time.Duration{-30 * 24 * time.Hour, -2 * time.Hour, -time.Minute, time.Minute, 2 * time.Hour, 50 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWall(t, time.Hour)
			w.run(w.display(1), func() {
				w.sleep(10 * time.Minute)
				w.step.Store(int64(step))
				w.sleep(40 * time.Second) // a look, and a sign-in
				if n := w.count(&w.renewals); n != 2 || w.showing() != "view" {
					t.Errorf("%s: %d renewals, %q shows", step, n, w.showing())
				}
				w.sleep(5 * time.Hour)
			})
			w.checkNoneExpired(t)
		})
	}
}

// A clock that was set back makes an old lease look young. The session must be covered at its true end all the same.
func TestClockSetBackDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.signInFails = w.between(5*time.Minute, 3*time.Hour)
		w.run(w.display(1), func() {
			w.sleep(10 * time.Minute)
			w.step.Store(int64(-6 * time.Hour))
			w.sleep(4 * time.Hour)
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
		w.checkNoneExpired(t)
	})
}

// The lease that an attempt brings may be told in the time of before the step, or of after it.
func TestClockStepDuringARenewalIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Minute)
			d.Wake(kiosk.WhyAsked)
			w.sleep(w.signInTakes + w.renewTakes/2)
			w.step.Store(int64(-2 * time.Hour))
			w.sleep(10 * time.Second)
			if n := w.count(&w.renewals); n != 3 {
				t.Errorf("%d renewals", n)
			}
			w.sleep(5 * time.Hour)
		})
		w.checkNeverDark(t)
	})
}
