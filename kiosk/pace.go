package kiosk

import (
	"fmt"
	"time"
)

const (
	// lookEvery bounds every wait: timers see neither a step of the clock nor a suspend, so the wall clock is asked again.
	lookEvery = 30 * time.Second
	// jumpFrom is how far wall and monotonic clock must part between two looks to count as a step or a suspend.
	jumpFrom = 2 * time.Second
	// attemptLimit ends an attempt that hangs.
	attemptLimit = 2 * time.Minute
	// leastLife is the shortest session worth showing: a shorter one would be renewed without end.
	leastLife = 5 * time.Second
	// assumedLife stands in while no session has been seen.
	assumedLife = time.Hour
)

// margin is how long before its expiry a session counts as over: time enough to put the holding page up.
func margin(life time.Duration) time.Duration { return min(5*time.Second, life/60) }

// renewAt is when a session that began at from is renewed: two thirds into its life, give or take a tenth so that many
// displays spread out, and never within the margin. The draw r is in [0, 1).
func renewAt(from, expires time.Time, r float64) time.Time {
	life := expires.Sub(from)
	share := 2.0 / 3 * (0.9 + 0.2*r)
	return from.Add(min(time.Duration(float64(life)*share), life-margin(life)))
}

// backoff is the wait after the given number of failures in a row (1 or more): anything from the shortest wait up to
// a bound that doubles, in proportion to the life of a session; for an hour from 1 s up to 2 min.
func backoff(life time.Duration, failures int, r float64) time.Duration {
	least := shortest(life)
	bound := longest(life)
	if failures < 16 { // 2^16 steps are past any bound
		bound = min(least<<max(failures, 0), bound)
	}
	return least + time.Duration(r*float64(bound-least))
}

// shortest is the least time between a failure and the next attempt, whoever asks for it.
func shortest(life time.Duration) time.Duration {
	if life <= 0 {
		life = assumedLife
	}
	return min(time.Second, max(life/60, time.Millisecond))
}

// longest is the most.
func longest(life time.Duration) time.Duration {
	if life <= 0 {
		life = assumedLife
	}
	return max(min(life/30, 2*time.Minute), shortest(life))
}

// settle is how long a session must have held for the next trouble to be a new one, not the old one come back.
func settle(life time.Duration) time.Duration { return min(2*time.Minute, life/6) }

// check refuses a lease that is over, or as good as over.
func (l Lease) check(now time.Time) error {
	switch left := l.Expires.Sub(now); {
	case left <= 0:
		return fmt.Errorf("the new session ended %s ago already: is this machine's clock right?", (-left).Round(time.Second))
	case left < leastLife:
		return fmt.Errorf("the new session lives for %s only, less than the %s that a sign-in takes", left, leastLife)
	}
	return nil
}
