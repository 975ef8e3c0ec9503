package kiosk

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

// A Display keeps one view on one screen.
type Display struct {
	Name    string // in addresses and logs
	View    View
	SignIn  SignIn
	Screen  Screen
	Handoff *Handoff         // may serve many displays
	Log     *slog.Logger     // nil: none
	Now     func() time.Time // the wall clock; nil: time.Now
	Rand    func() float64   // nil: math/rand

	keeper Keeper

	// What follows belongs to the keeper's goroutine, the only one that moves the screen.
	opened   time.Time // when the browser was last started for want of one
	reloaded time.Time
	misses   int // attempts in a row whose ticket was good but whose view did not come up

	mu sync.Mutex // guards what follows
	s  state
}

// state is what a display is at; the status pages and the screen's troubles read it too.
type state struct {
	shows   shows
	open    bool // the browser runs, as far as known
	trying  bool // an attempt is under way
	tried   bool // one was made
	dark    time.Time
	began   time.Time
	lease   Lease // of the session that shows
	skew    time.Duration
	renewed int
	next    time.Time
	outage  Outage // its Err is nil after a success
	cause   Cause

	// A session that is denied as soon as it shows lacks a permission; another session would not mend that.
	deniedAtOnce bool // this session was
	deniedWarned bool
}

// shows is what is on the screen.
type shows int

const (
	showsNothing shows = iota
	showsLocal         // the holding page
	showsView
)

// browserRest is the least time between two starts of the browser that only bring up the holding page; the attempts to
// renew, which start it too, have their own back-off.
const browserRest = time.Minute

// Run keeps the view on the screen until ctx ends, then closes the screen. It is called once.
func (d *Display) Run(ctx context.Context) error {
	now := d.now()
	d.update(func(s *state) { s.dark, s.cause, s.next = now, Starting, now })
	d.keeper.Renew, d.keeper.Renewed, d.keeper.Failed = d.renew, d.succeeded, d.failed
	d.keeper.Log, d.keeper.Now, d.keeper.Rand = d.log(), d.Now, d.Rand

	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case t := <-d.Screen.Troubles():
				d.trouble(t)
			}
		}
	})
	d.keeper.Run(ctx)
	listening.Wait()
	return d.Screen.Close()
}

// Wake asks for a renewal; see [Keeper.Wake].
func (d *Display) Wake(why Reason) { d.keeper.Wake(why) }

// Status is how the display is now.
func (d *Display) Status() Status {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.s
	st := Status{
		Name: d.Name, View: d.View.Address, Dark: s.dark, Renewals: s.renewed, Next: s.next, Tries: s.outage.Tries,
		Skew: s.skew, SkewText: skewText(s.skew),
	}
	if s.outage.Err != nil {
		st.Error = s.outage.Err.Error()
	}
	if s.trying {
		st.Next = time.Time{}
	} else {
		st.NextIn = max(0, s.next.Sub(now).Milliseconds())
	}
	if s.shows == showsView {
		st.Began, st.Expires = s.began, s.lease.Expires
	} else {
		st.Cause, st.Title, st.Text = s.cause, wording[s.cause].Title, wording[s.cause].Text
	}
	switch {
	case s.shows == showsView && s.trying:
		st.Phase = PhaseRenewing
	case s.shows == showsView:
		st.Phase = PhaseShowing
	case s.trying:
		st.Phase = PhaseSigningIn
	case s.tried:
		st.Phase = PhaseHolding
	default:
		st.Phase = PhaseStarting
	}
	return st
}

// page is the address of one of the display's own pages.
func (d *Display) page(name string) string {
	return d.Handoff.Base + "/displays/" + url.PathEscape(d.Name) + "/" + name
}

func (d *Display) log() *slog.Logger { return orDiscard(d.Log).With(keyDisplay, d.Name) }

func (d *Display) now() time.Time {
	if d.Now == nil {
		return time.Now().Round(0)
	}
	return d.Now().Round(0)
}

func (d *Display) update(change func(*state)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.s)
}

func (d *Display) state() state {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.s
}

// put notes what is on the screen now, from nothing, which is no browser either, to the view.
func (d *Display) put(what shows) {
	now := d.now()
	d.update(func(s *state) { s.put(what, now) })
}

func (s *state) put(what shows, now time.Time) {
	s.shows, s.open = what, what != showsNothing
	switch {
	case what == showsView:
		s.dark = time.Time{}
	case s.dark.IsZero():
		s.dark = now
	}
}

// trouble wakes the keeper for what the screen noticed, if a mend is to be had.
func (d *Display) trouble(t Trouble) {
	now, log := d.now(), d.log().With(keyTrouble, t.Kind, keyDetail, t.Detail)
	d.mu.Lock()
	s := &d.s
	why := Reason(0)
	switch t.Kind {
	case Exited:
		why = WhyGone
		s.put(showsNothing, now)
	case Crashed:
		why = WhyBroken
		if s.shows != showsView { // the holding page: it comes up again after the next attempt, which may be soon
			s.shows, why = showsNothing, WhyHint
		}
	case SignedOut:
		if s.shows == showsView {
			why = WhySignedOut
		}
	case Denied:
		why = d.denied(now, log)
	}
	d.mu.Unlock()
	if why != 0 {
		log.Warn("trouble on the screen", keyWhy, why)
		d.keeper.Wake(why)
	}
}

// denied decides whether a renewal could help against refused calls. The lock is held.
func (d *Display) denied(now time.Time, log *slog.Logger) Reason {
	s := &d.s
	switch {
	case s.shows != showsView || s.deniedAtOnce:
		return 0
	case now.Sub(s.began) >= settle(s.lease.Expires.Sub(s.began)):
		return WhyDenied
	}
	s.deniedAtOnce = true
	if !s.deniedWarned {
		s.deniedWarned = true
		log.Warn("a new session was refused at once: its role lacks a permission that the view needs")
	}
	return 0
}

// renew is one attempt, at the depth that the screen needs.
func (d *Display) renew(ctx context.Context, why Reason) (Lease, error) {
	d.update(func(s *state) { s.trying, s.tried = true, true })
	defer d.update(func(s *state) { s.trying = false })

	if s := d.state(); why == WhyBroken && s.open && s.shows == showsView {
		if d.reload(ctx) {
			return s.lease, nil
		}
		d.put(showsNothing)
	}
	if !d.state().open {
		if err := d.start(ctx); err != nil {
			return Lease{}, err
		}
	}
	return d.signIn(ctx)
}

// reload mends a page that broke, unless it broke again soon after the last time.
func (d *Display) reload(ctx context.Context) bool {
	now := d.now()
	lately := !d.reloaded.IsZero() && now.Sub(d.reloaded) < browserRest
	d.reloaded = now
	if lately {
		return false
	}
	if err := d.Screen.Reload(ctx, d.View); err != nil {
		d.log().Warn("the page could not be loaded anew", keyError, err)
		return false
	}
	return true
}

// start starts the browser, on the holding page.
func (d *Display) start(ctx context.Context) error {
	d.opened = d.now()
	if err := d.Screen.Open(ctx, d.page(holdingName)); err != nil {
		return &failure{BrowserGone, err}
	}
	d.put(showsLocal)
	d.keeper.take() // what came up until now was about the browser before
	return nil
}

// signIn renews the session on an open screen.
func (d *Display) signIn(ctx context.Context) (Lease, error) {
	var lease Lease // of the ticket that ends first, as any may have made the session that shows
	var refused error
	mint := func(ctx context.Context) (string, error) {
		address, l, err := d.mint(ctx)
		if refused = err; err != nil {
			return "", err
		}
		if lease.Expires.IsZero() || l.Expires.Before(lease.Expires) {
			lease = l
		}
		return address, nil
	}
	err := d.Screen.Renew(ctx, d.View, mint)
	switch {
	case err == nil && lease.Expires.IsZero():
		return Lease{}, errors.New("the screen showed the view without a sign-in")
	case err != nil && refused != nil:
		return Lease{}, refused // as it is: the screen's own words add nothing to it
	case err != nil:
		d.missed()
		return Lease{}, &failure{ViewFailed, err}
	}
	d.misses = 0
	d.put(showsView)
	now := d.now()
	d.update(func(s *state) {
		if !s.deniedAtOnce {
			s.deniedWarned = false
		}
		s.began, s.lease, s.deniedAtOnce = now, lease, false
		s.renewed++
	})
	return lease, nil
}

// mint makes a ticket and the address that hands it to the browser.
func (d *Display) mint(ctx context.Context) (address string, lease Lease, err error) {
	t, err := d.SignIn(ctx)
	if skew := t.Lease.Skew; err == nil || skew != 0 {
		d.update(func(s *state) { s.skew = skew })
	}
	if err != nil {
		return "", Lease{}, err
	}
	d.log().Info("sign-in made", keyExpires, t.Lease.Expires, keySkew, t.Lease.Skew)
	if err := t.Lease.check(d.now()); err != nil {
		return "", Lease{}, err
	}
	address, err = d.Handoff.Offer(t)
	return address, t.Lease, err
}

// missed counts views that did not come up after a good sign-in. A dark screen loses little by a new browser, which is
// started at the second miss, the fourth, the eighth …
func (d *Display) missed() {
	d.misses++
	if d.misses > 1 && d.misses&(d.misses-1) == 0 && d.state().shows != showsView {
		d.put(showsNothing)
	}
}

// A failure is an error whose place tells its cause.
type failure struct {
	cause Cause
	error
}

func (f *failure) Unwrap() error { return f.error }

func (d *Display) succeeded(_ Lease, next time.Time) {
	d.update(func(s *state) { s.next, s.outage = next, Outage{} })
}

// failed notes an outage. The old page stays while its session lives; then, or when there is none, the holding page
// takes its place, and tells for itself what goes on.
func (d *Display) failed(ctx context.Context, o Outage) {
	d.update(func(s *state) { s.outage, s.cause, s.next = o, causeOf(o), o.Next })
	s := d.state()
	if s.shows == showsLocal || s.shows == showsView && !o.Over {
		return
	}
	ctx, stop := context.WithTimeout(ctx, attemptLimit)
	defer stop()
	if s.open {
		err := d.Screen.Hold(ctx, d.page(holdingName))
		if err == nil {
			d.put(showsLocal)
			return
		}
		d.log().Error("the holding page could not be shown", keyError, err)
		d.put(showsNothing)
	}
	if d.now().Sub(d.opened) < browserRest {
		return // the next attempt starts it
	}
	if err := d.start(ctx); err != nil {
		d.log().Error("the browser could not be started", keyError, err)
	}
}
