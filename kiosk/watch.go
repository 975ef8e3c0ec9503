package kiosk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A watch is what the goroutine of Run knows. No lock: nobody else sees it.
type watch struct {
	*Keeper
	log  *slog.Logger
	now  func() time.Time
	rand func() float64

	wall, mono time.Time // both clocks at the last look; wall is what "now" means below
	why        Reason    // of the next attempt
	next       time.Time // when it is made

	expires  time.Time     // of the session that shows, as its lease said
	plan     time.Time     // when it is renewed if nothing comes up
	end      time.Time     // when the session that shows counts as over; zero: there is none
	life     time.Duration // of the last session, when it was new
	renewed  time.Time
	told     bool // Failed knows that the session is over, or there was none
	relapses int  // sessions in a row that troubles ended before they had settled

	err    error // of the last attempt
	since  time.Time
	failed time.Time // when the last attempt failed
	tries  int
}

// over reports whether no session is left that could show.
func (w *watch) over() bool { return !w.wall.Before(w.end) }

// look reads the clocks, and reports whether the wall clock was set or the machine slept since the last look. A clock set
// back would make the session seem to live longer than it does, so its end goes back too; a jump ahead may have been
// a sleep, so that time counts as passed.
func (w *watch) look() (jumped bool) {
	wall, mono := w.now().Round(0), time.Now()
	jump := wall.Sub(w.wall) - mono.Sub(w.mono)
	jumped = !w.mono.IsZero() && (jump > jumpFrom || jump < -jumpFrom)
	w.wall, w.mono = wall, mono
	if !jumped {
		return false
	}
	w.log.Info("the clock was set or the machine slept", keyJump, jump.Round(time.Second))
	if jump < 0 {
		if !w.end.IsZero() {
			w.end = w.end.Add(jump)
		}
		w.next, w.plan = w.next.Add(jump), w.plan.Add(jump)
	}
	return true
}

// arm plans a renewal for a reason that came up. A session that troubles end again and again is renewed ever more slowly.
func (w *watch) arm(why Reason) {
	if why == WhyHint && w.err == nil {
		return // nothing waits for the world to change
	}
	armed := w.why != WhyDue
	w.why = max(w.why, why)
	if why.ends() {
		w.end, w.told = time.Time{}, false
	}
	switch {
	case w.err != nil:
		if why.urges() {
			w.tries = 0
			w.sooner(w.failed.Add(shortest(w.life)))
		}
	case armed: // and planned already
	case why == WhyAsked:
		w.sooner(w.renewed.Add(shortest(w.life)))
	case w.wall.Sub(w.renewed) < settle(w.life):
		w.relapses++
		w.sooner(w.wall.Add(backoff(w.life, w.relapses, w.rand())))
	default:
		w.relapses = 0
		w.sooner(w.wall)
	}
}

func (w *watch) sooner(t time.Time) {
	if t.Before(w.next) {
		w.next = t
	}
}

// wait sleeps until something is to be done, or may be.
func (w *watch) wait(ctx context.Context) {
	until := w.next
	if !w.told && w.end.Before(until) {
		until = w.end
	}
	timer := time.NewTimer(min(until.Sub(w.wall), lookEvery))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.rings():
	}
}

func (w *watch) attempt(ctx context.Context) {
	why := w.why
	limited, stop := w.limit(ctx)
	lease, err := w.Renew(limited, why)
	if cause := context.Cause(limited); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	stop()
	if ctx.Err() != nil {
		return
	}
	jumped := w.look()
	if err == nil {
		err = lease.check(w.wall)
	}
	if err != nil {
		w.fail(ctx, err)
	} else {
		w.succeed(lease, why)
	}
	if jumped {
		w.arm(WhyClock)
	}
}

var (
	errTooSlow = errors.New("no session within " + attemptLimit.String())
	errTooLate = errors.New("no new session before the old one ended")
)

// limit gives an attempt its time: the attempt limit, and no longer than the session that shows still lives by the wall
// clock.
func (w *watch) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithTimeoutCause(ctx, attemptLimit, errTooSlow)
	if w.over() {
		return ctx, stop
	}
	ctx, cancel := context.WithCancelCause(ctx)
	end := w.end
	go func() {
		for {
			left := end.Sub(w.now().Round(0))
			if left <= 0 {
				cancel(errTooLate)
				return
			}
			timer := time.NewTimer(min(left, lookEvery))
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
	}()
	return ctx, func() { cancel(nil); stop() }
}

func (w *watch) succeed(lease Lease, why Reason) {
	if w.err != nil {
		w.log.Info("recovered", keyAfter, w.wall.Sub(w.since).Round(time.Second), keyTries, w.tries)
	}
	// A session that was mended keeps its plan; everything else gets a new one, counted from now, not from the issue:
	// a source that hands an old lease out again would otherwise be asked without end.
	if w.why = WhyDue; !lease.Expires.Equal(w.expires) || !w.plan.After(w.wall) {
		w.life = lease.Expires.Sub(w.wall)
		w.plan = renewAt(w.wall, lease.Expires, w.rand())
	}
	w.expires, w.end, w.next = lease.Expires, lease.Expires.Round(0).Add(-margin(w.life)), w.plan
	w.renewed, w.told, w.err, w.since, w.tries = w.wall, false, nil, time.Time{}, 0
	w.drop(why)
	w.log.Info("renewed", keyWhy, why, keyExpires, lease.Expires, keyNext, w.next)
	if w.Renewed != nil {
		w.Renewed(lease, w.next)
	}
}

func (w *watch) fail(ctx context.Context, err error) {
	again := w.err != nil && w.err.Error() == err.Error()
	if w.err == nil {
		w.since = w.wall
	}
	w.err, w.failed = err, w.wall
	w.tries++
	w.next = w.wall.Add(backoff(w.life, w.tries, w.rand()))
	// The same error is logged at the first, second, fourth, eighth … time.
	if level := w.level(); !again || w.tries&(w.tries-1) == 0 {
		w.log.Log(ctx, level, "the renewal failed", keyWhy, w.why, keyTries, w.tries, keyNext, w.next, keyError, err)
	}
	w.report(ctx)
}

// tell says that the session is over and nothing has followed it yet.
func (w *watch) tell(ctx context.Context) {
	w.log.Log(ctx, w.level(), "the session is over", keyWhy, w.why, keyNext, w.next)
	w.report(ctx)
}

func (w *watch) report(ctx context.Context) {
	w.told = w.over()
	if w.Failed != nil {
		w.Failed(ctx, Outage{w.why, w.err, w.since, w.tries, w.next, w.told})
	}
}

// level is Error while the wall is dark.
func (w *watch) level() slog.Level {
	if w.over() {
		return slog.LevelError
	}
	return slog.LevelWarn
}
