package autoid

import (
	"context"
	"sync"
	"time"
)

const (
	timeWindow = 2 * time.Minute // how far a request's time may be from the server's
	replayKeep = 3 * time.Minute // how long after its time a request is remembered: longer than it is accepted
	maxReplays = 1024            // remembered for each client
)

// Replays is a memory of requests that several servers share.
type Replays interface {
	// Add remembers a request by its transcript until a time, and reports whether it was new.
	Add(ctx context.Context, transcript [32]byte, until time.Time) (isNew bool, err error)
}

// A replays remembers the requests of the last minutes, by transcript. It grows by what clients have proven only.
type replays struct {
	mu       sync.Mutex
	byClient map[string]map[[32]byte]time.Time // until when
}

type replayed int

const (
	isNew replayed = iota
	isReplay
	isFull
)

func (r *replays) add(client string, th [32]byte, sent, now time.Time) replayed {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.byClient[client]
	if _, ok := seen[th]; ok {
		return isReplay
	}
	if len(seen) >= maxReplays {
		for old, until := range seen {
			if now.After(until) {
				delete(seen, old)
			}
		}
		if len(seen) >= maxReplays {
			return isFull
		}
	}
	if r.byClient == nil {
		r.byClient = map[string]map[[32]byte]time.Time{}
	}
	if seen == nil {
		seen = map[[32]byte]time.Time{}
		r.byClient[client] = seen
	}
	seen[th] = sent.Add(replayKeep)
	return isNew
}
