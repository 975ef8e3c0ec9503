package serverdir

import (
	"context"
	"time"
)

// look-out times of Every. What is due is known by the wall clock, so it looks again at least that often.
const (
	seldom = time.Hour
	soon   = time.Minute // after something went wrong
)

// Every rotates what has become as old as that, and retires by usage, until ctx is over. When it began is in the server's
// files: a restart neither delays a rotation nor causes one, and several servers do it once.
func (r *Rotator) Every(ctx context.Context, age time.Duration, usage *Usage) {
	for {
		wait := min(age, seldom)
		err := r.rotate(ctx, age)
		if err == nil {
			var gone []Old
			gone, _, err = r.Retire(ctx, usage, false)
			for _, o := range gone {
				r.log().Info("retired", "what", o.String())
			}
		}
		if err != nil && ctx.Err() == nil {
			r.log().Error("rotation not at its end", "error", err)
			wait = min(wait, soon)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
