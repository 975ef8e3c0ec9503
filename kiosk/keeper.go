package kiosk

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// A Keeper renews a session for as long as it runs: before its end, when woken, and after a failure again and again.
// It knows when, never how.
type Keeper struct {
	// Renew makes the next session show and returns its lease. Its context ends before the session that shows does, so
	// that there is still time to cover it. It may return the lease it returned before when that session was mended.
	Renew func(ctx context.Context, why Reason) (Lease, error)
	// Renewed is told each success, and when the next renewal is planned. It may be nil.
	Renewed func(lease Lease, next time.Time)
	// Failed is told each failed attempt, and the end of a session that nothing has followed. It may be nil.
	Failed func(context.Context, Outage)
	Log    *slog.Logger     // nil: none
	Now    func() time.Time // the wall clock; nil: time.Now
	Rand   func() float64   // draws from [0, 1); nil: math/rand

	mu    sync.Mutex // guards what follows
	woken Reason     // the deepest since the last look; 0: none
	bell  chan struct{}
}

// An Outage is the time from the first failure, or from the end of the session, to the next success.
type Outage struct {
	Why   Reason    // of the attempts
	Err   error     // of the last attempt; nil: none was made yet
	Since time.Time // zero: none was made yet
	Tries int       // failed ones in a row
	Next  time.Time // when it is tried again
	Over  bool      // no session is left that could show
}

// Wake asks for a renewal. It never blocks, and many calls make one renewal, for the deepest of their reasons.
func (k *Keeper) Wake(why Reason) {
	k.mu.Lock()
	k.woken = max(k.woken, why)
	k.mu.Unlock()
	select {
	case k.rings() <- struct{}{}:
	default: // it rings already
	}
}

func (k *Keeper) rings() chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bell == nil {
		k.bell = make(chan struct{}, 1)
	}
	return k.bell
}

// drop forgets what woke the keeper while a renewal for why was made, as far as that has seen to it.
func (k *Keeper) drop(why Reason) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if why.answers(k.woken) {
		k.woken = 0
	}
}

// take returns what woke the keeper, and forgets it.
func (k *Keeper) take() Reason {
	k.mu.Lock()
	defer k.mu.Unlock()
	why := k.woken
	k.woken = 0
	return why
}

// Run keeps the session until ctx ends. It is called once.
func (k *Keeper) Run(ctx context.Context) {
	w := &watch{Keeper: k, log: orDiscard(k.Log), now: k.Now, rand: k.Rand, why: WhyDue, told: true}
	if w.now == nil {
		w.now = time.Now
	}
	if w.rand == nil {
		w.rand = rand.Float64
	}
	w.look()
	w.next = w.wall
	for ctx.Err() == nil {
		if w.look() {
			w.arm(WhyClock)
		}
		if why := k.take(); why != 0 {
			w.arm(why)
		}
		switch {
		case !w.told && w.over():
			w.tell(ctx)
		case !w.wall.Before(w.next):
			w.attempt(ctx)
		default:
			w.wait(ctx)
		}
	}
}
