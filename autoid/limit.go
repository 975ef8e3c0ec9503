package autoid

import (
	"sync"
	"time"
)

// A limiter gives each key a bucket of tokens that fills again in time.
type limiter[K comparable] struct {
	mu      sync.Mutex
	buckets map[K]bucket
	// spill is shared by those who come while the map is full: a flood of new keys cannot take memory, and cannot buy
	// fresh buckets by its number either.
	spill bucket
}

type bucket struct {
	used float64 // tokens taken and not yet filled again
	at   time.Time
}

const maxBuckets = 1 << 16

// take takes a token of key's size, which fill again in per, if there is one.
func (l *limiter[K]) take(key K, size int, per time.Duration, now time.Time) bool {
	return l.use(key, 1, size, per, now)
}

// spent reports whether there is none, and takes none.
func (l *limiter[K]) spent(key K, size int, per time.Duration, now time.Time) bool {
	return !l.use(key, 0, size, per, now)
}

func (l *limiter[K]) use(key K, tokens float64, size int, per time.Duration, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known && len(l.buckets) >= maxBuckets {
		l.sweep(per, now)
	}
	spilled := !known && len(l.buckets) >= maxBuckets
	if spilled {
		b = l.spill
	}
	b.used = max(0, b.used-float64(size)*float64(now.Sub(b.at))/float64(per))
	b.at = now
	if b.used+1 > float64(size) {
		return false
	}
	if tokens == 0 {
		return true // nothing to remember
	}
	b.used += tokens
	switch {
	case spilled:
		l.spill = b
	case l.buckets == nil:
		l.buckets = map[K]bucket{key: b}
	default:
		l.buckets[key] = b
	}
	return true
}

// sweep drops the buckets that have filled again.
func (l *limiter[K]) sweep(per time.Duration, now time.Time) {
	for k, b := range l.buckets {
		if now.Sub(b.at) >= per {
			delete(l.buckets, k)
		}
	}
}
