package local

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
)

const (
	// longLife is for how long keys are given out that never end: they may have been replaced since.
	longLife = 15 * time.Minute
	// step is how often the wall clock is looked at: timers stand still in suspend.
	step       = 30 * time.Second
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// A Held is a lease that is renewed before anybody has to wait for it.
type Held struct {
	Get func(context.Context) (clientdir.Lease, error) // a lease that is fresh, or anew
	Log *slog.Logger

	now atomic.Pointer[clientdir.Lease]
}

// Run keeps the lease until ctx is over. It never gives up.
func (h *Held) Run(ctx context.Context) {
	retry := firstRetry
	due := time.Now().Round(0)
	for {
		if !time.Now().Round(0).Before(due) {
			l, err := h.Get(ctx)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				h.now.Store(&l)
			}
			if err == nil && renewAt(l).After(time.Now()) {
				h.Log.Info("renewed", keyExpires, end(l))
				retry, due = firstRetry, renewAt(l)
			} else { // also an old lease, which is what Get has in an outage
				if err != nil {
					h.Log.Warn("not renewed", keyError, err)
				}
				due = time.Now().Round(0).Add(retry/2 + rand.N(retry/2)) // so that many do not come back at once
				retry = min(2*retry, lastRetry)
			}
		}
		timer := time.NewTimer(min(step, max(time.Until(due), 0)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Lease returns what there is, or gets it if that has ended.
func (h *Held) Lease(ctx context.Context) (clientdir.Lease, error) {
	if l := h.now.Load(); l != nil && time.Now().Round(0).Before(end(*l)) {
		return *l, nil
	}
	l, err := h.Get(ctx)
	if err == nil {
		h.now.Store(&l)
	}
	return l, err
}

// end is until when the lease is given out, by this machine's clock.
func end(l clientdir.Lease) time.Time {
	if l.Expires.IsZero() {
		return l.Got.Add(longLife)
	}
	return l.Ends()
}

func renewAt(l clientdir.Lease) time.Time {
	if l.Expires.IsZero() {
		return l.Got.Add(longLife / 3 * 2)
	}
	return l.RenewAt()
}
