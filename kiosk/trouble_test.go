package kiosk_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

func (w *wall) trouble(kind kiosk.TroubleKind) { w.troubles <- kiosk.Trouble{Kind: kind} }

func TestSignedOutIsCoveredAndRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Minute)
			w.trouble(kiosk.SignedOut)
			w.sleep(time.Second)
			if st := d.Status(); st.Cause != kiosk.LoggedOut || w.showing() != "local" {
				t.Errorf("%+v with %q on the screen", st, w.showing())
			}
			w.sleep(5 * time.Second)
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
	})
}

// What the old page reports while its successor is made ready is no reason to renew again.
func TestTroubleDuringARenewalIsAnsweredByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Minute)
			d.Wake(kiosk.WhyAsked)
			w.sleep(time.Second)
			for _, kind := range []kiosk.TroubleKind{kiosk.SignedOut, kiosk.Denied, kiosk.Crashed} {
				w.trouble(kind)
			}
			w.sleep(20 * time.Minute)
		})
		w.checkNeverDark(t)
		if w.renewals != 2 || w.holds != 0 {
			t.Errorf("%d renewals, %d holding pages", w.renewals, w.holds)
		}
	})
}

func TestManyWakesMakeOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Minute)
			for range 1000 {
				d.Wake(kiosk.WhyAsked)
			}
			w.sleep(10 * time.Minute)
		})
		w.checkNeverDark(t)
		if w.renewals != 2 {
			t.Errorf("%d renewals", w.renewals)
		}
	})
}

func TestHintEndsTheWaitAfterAFailureOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(3)
		var up atomic.Bool
		w.signInFails = func() error {
			if !up.Load() {
				return errors.New("no route to host")
			}
			return nil
		}
		w.run(d, func() {
			for d.Status().NextIn < 30_000 { // deep in the back-off
				w.sleep(time.Second)
			}
			up.Store(true)
			d.Wake(kiosk.WhyHint)
			w.sleep(5 * time.Second)
			if w.showing() != "view" {
				t.Errorf("5 s after the hint %q shows", w.showing())
			}
			d.Wake(kiosk.WhyHint)
			w.sleep(5 * time.Minute)
			if n := w.count(&w.renewals); n != 1 {
				t.Errorf("%d renewals: a hint renewed a good session", n)
			}
		})
	})
}

// A hint starts the back-off anew: what it told of may come true a few seconds later.
func TestHintStartsTheBackoffAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.signInFails = func() error { return errors.New("no route to host") }
		d := w.display(3)
		w.run(d, func() {
			for d.Status().NextIn < 30_000 {
				w.sleep(time.Second)
			}
			w.sleep(2 * time.Second) // past the shortest wait
			d.Wake(kiosk.WhyHint)
			w.sleep(w.signInTakes + time.Millisecond)
			if next := d.Status().NextIn; next < 1000 || next > 2000 {
				t.Errorf("the next attempt is in %d ms", next)
			}
		})
	})
}

func TestAskingTakesEffectEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Second)
			for i := range 10 {
				d.Wake(kiosk.WhyAsked)
				w.sleep(5 * time.Second)
				if got, want := w.count(&w.renewals), i+2; got != want {
					t.Errorf("%d renewals, want %d", got, want)
				}
			}
		})
		w.checkNeverDark(t)
	})
}

// Sessions that end at once are renewed ever more slowly; how often each end is reported plays no part.
func TestManyReportsOfOneTroubleCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var renewed []time.Time
		k := kiosk.Keeper{
			Renew: func(context.Context, kiosk.Reason) (kiosk.Lease, error) {
				renewed = append(renewed, time.Now())
				return kiosk.Lease{Expires: time.Now().Add(time.Hour)}, nil
			},
			Rand: func() float64 { return 0.999 },
		}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		go k.Run(ctx)
		for i := range 6 {
			synctest.Wait()
			before := len(renewed)
			for range 20 {
				k.Wake(kiosk.WhySignedOut)
				time.Sleep(10 * time.Millisecond)
			}
			most := time.Second << (i + 1)
			time.Sleep(most)
			synctest.Wait()
			if len(renewed) != before+1 || renewed[before].Sub(renewed[before-1]) < most/2 {
				t.Errorf("after relapse %d, within %s: %d renewals", i+1, most, len(renewed)-before)
			}
		}
	})
}

func TestWakesDuringAnOutageDoNotHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.signInTakes = 0
		w.signInFails = func() error { return errors.New("status 400") }
		d := w.display(1)
		w.run(d, func() {
			for range 600 {
				d.Wake(kiosk.WhyHint)
				w.sleep(100 * time.Millisecond)
			}
		})
		if w.signIns > 61 {
			t.Errorf("%d sign-ins in a minute", w.signIns)
		}
	})
}

func TestDeniedOldSessionIsRenewedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.run(w.display(1), func() {
			w.sleep(20 * time.Minute)
			for range 50 {
				w.trouble(kiosk.Denied)
			}
			w.sleep(10 * time.Minute)
		})
		w.checkNeverDark(t)
		if w.renewals != 2 {
			t.Errorf("%d renewals", w.renewals)
		}
	})
}

func TestMissingPermissionWarnsOnceAndMakesNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		var log bytes.Buffer
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.run(d, func() {
			for range 24 * 60 * 6 { // a widget is refused every ten seconds, for a day
				w.sleep(10 * time.Second)
				w.trouble(kiosk.Denied)
			}
		})
		w.checkNeverDark(t)
		if w.renewals > 24*2 {
			t.Errorf("%d renewals in a day", w.renewals)
		}
		if n := strings.Count(log.String(), "lacks a permission"); n != 1 {
			t.Errorf("warned %d times", n)
		}
	})
}

func TestCrashIsReloadedThenRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.run(w.display(1), func() {
			w.sleep(10 * time.Minute)
			w.trouble(kiosk.Crashed)
			w.sleep(10 * time.Second)
			if w.count(&w.reloads) != 1 || w.count(&w.renewals) != 1 || w.count(&w.opens) != 1 {
				t.Errorf("after a crash: %d reloads, %d renewals, %d starts", w.reloads, w.renewals, w.opens)
			}
			w.trouble(kiosk.Crashed) // again, at once
			w.sleep(10 * time.Second)
			if w.count(&w.reloads) != 1 || w.count(&w.renewals) != 2 || w.count(&w.opens) != 2 || w.showing() != "view" {
				t.Errorf("after the next: %d reloads, %d renewals, %d starts", w.reloads, w.renewals, w.opens)
			}
		})
		w.checkNoneExpired(t)
	})
}

// A reload leaves the session as it is, and so its end.
func TestReloadDoesNotPutTheRenewalOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(30 * time.Minute)
			before := d.Status()
			w.trouble(kiosk.Crashed)
			w.sleep(10 * time.Second)
			if after := d.Status(); w.count(&w.reloads) != 1 || after.Next != before.Next || after.Expires != before.Expires {
				t.Errorf("after a reload: %+v, before: %+v", after, before)
			}
		})
		w.checkNeverDark(t)
	})
}

func TestReloadThatFailsRestartsTheBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.reloadFails = func() error { return errors.New("no answer from the page") }
		w.run(w.display(1), func() {
			w.sleep(10 * time.Minute)
			w.trouble(kiosk.Crashed)
			w.sleep(10 * time.Second)
			if w.showing() != "view" || w.count(&w.opens) != 2 {
				t.Errorf("%q shows after %d starts", w.showing(), w.opens)
			}
		})
	})
}

// Nothing shows while a browser that had to be restarted does not start, and the status does not claim otherwise.
func TestBrowserThatDoesNotComeBackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.reloadFails = func() error { return errors.New("no answer from the page") }
		w.openFails = w.between(5*time.Minute, 20*time.Minute)
		d := w.display(1)
		w.run(d, func() {
			w.sleep(10 * time.Minute)
			w.trouble(kiosk.Crashed)
			w.sleep(5 * time.Minute)
			if st := d.Status(); st.Shows() || st.Cause != kiosk.BrowserGone {
				t.Errorf("%+v", st)
			}
			w.sleep(8 * time.Minute)
			if st := d.Status(); !st.Shows() || w.showing() != "view" {
				t.Errorf("%+v with %q on the screen", st, w.showing())
			}
		})
	})
}

func TestKilledBrowserIsBackInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.run(w.display(1), func() {
			for range 5 {
				w.sleep(10 * time.Minute)
				w.kill()
				w.sleep(7 * time.Second) // 3 s to start, 3 s to sign in
				if w.showing() != "view" {
					t.Errorf("%q shows", w.showing())
				}
			}
		})
		w.checkNoneExpired(t)
	})
}

func TestBrowserKilledDuringAnOutageShowsTheHoldingPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.signInFails = w.between(5*time.Minute, 2*time.Hour)
		w.run(w.display(1), func() {
			w.sleep(20 * time.Minute)
			w.kill()
			w.sleep(4 * time.Second)
			if w.showing() != "local" {
				t.Errorf("%q shows", w.showing())
			}
			w.sleep(2 * time.Hour)
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
		w.checkNoneExpired(t)
	})
}

func TestCrashingBrowserDoesNotSpinAndIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.openFails = w.between(0, 24*time.Hour)
		w.run(w.display(1), func() {
			w.sleep(24 * time.Hour)
			if n := w.count(&w.opens); n < 24*20 || n > 24*90 {
				t.Errorf("%d starts in a day", n)
			}
			w.sleep(2*time.Minute + 10*time.Second)
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
	})
}

// The browser dies a few seconds after the view has come up, again and again.
func TestBrowserThatDiesWithTheViewIsStartedEverMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.run(w.display(1), func() {
			for end := w.now() + 6*time.Hour; w.now() < end; w.sleep(3 * time.Second) {
				if w.showing() == "view" {
					w.kill()
				}
			}
			if n := w.count(&w.opens); n < 6*20 || n > 6*100 {
				t.Errorf("%d starts in six hours", n)
			}
			w.sleep(3 * time.Minute)
			if w.showing() != "view" {
				t.Errorf("%q shows", w.showing())
			}
		})
	})
}

func TestViewThatDoesNotComeUpGetsANewBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.renewFails = func() error {
			if w.count(&w.opens) < 2 {
				return errors.New("the tab does not paint")
			}
			return nil
		}
		w.run(w.display(1), func() {
			w.sleep(30 * time.Second)
			if w.showing() != "view" {
				t.Errorf("%q shows after %d starts", w.showing(), w.opens)
			}
		})
	})
}

// The browser dies while a page of it is loaded anew: it is restarted at once, and what it said of its end is old news.
func TestNewsOfTheBrowserBeforeIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.reloadFails = func() error {
			w.kill()
			synctest.Wait()
			return errors.New("the browser is gone")
		}
		w.run(w.display(1), func() {
			w.sleep(10 * time.Minute)
			w.trouble(kiosk.Crashed)
			w.sleep(10 * time.Minute)
			if w.showing() != "view" || w.count(&w.renewals) != 2 || w.count(&w.opens) != 2 || w.count(&w.holds) != 0 {
				t.Errorf("%q shows after %d renewals, %d starts, %d holding pages", w.showing(), w.renewals, w.opens, w.holds)
			}
		})
	})
}

func TestCrashedHoldingPageComesUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		w.signInFails = func() error { return errors.New("status 500") }
		w.run(w.display(1), func() {
			w.sleep(time.Hour)
			holds := w.count(&w.holds)
			w.trouble(kiosk.Crashed)
			w.sleep(3 * time.Second)
			if got := w.count(&w.holds); got != holds+1 {
				t.Errorf("%d holding pages, there were %d", got, holds)
			}
		})
	})
}

func TestSkewIsToldWithAFailureToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t, time.Hour)
		d := w.display(1)
		d.SignIn = func(context.Context) (kiosk.Ticket, error) {
			return kiosk.Ticket{Lease: kiosk.Lease{Skew: 3 * time.Hour}}, errors.New("signature expired")
		}
		w.run(d, func() {
			w.sleep(time.Minute)
			if st := d.Status(); st.SkewText != "This machine's clock is 3 hours ahead." {
				t.Errorf("%+v", st)
			}
		})
	})
}
