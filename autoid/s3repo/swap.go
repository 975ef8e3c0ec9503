package s3repo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

var _ serverdir.Storage = (*Bucket)(nil)

const (
	lockName = "server/lock"
	// A lock holds for leaseTime since its holder last said that he is alive, which he does leaseRenewals times as often.
	leaseTime     = time.Minute
	leaseRenewals = 3
	lockPoll      = time.Second
)

// Swap implements [serverdir.Storage]. S3 has conditional writes but, in a bucket that is not a directory bucket and in
// most that are like it, no conditional removal: between our last look and a removal, somebody's change can be lost.
func (b *Bucket) Swap(ctx context.Context, name string, old, content []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("file %q: not a name in a bucket", name)
	}
	condition, value := "If-None-Match", "*"
	now, o, err := b.get(ctx, name, maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if old != nil {
			return fmt.Errorf("%s: %w", b.path(name), serverdir.ErrChanged)
		}
	case err != nil:
		return err
	case old == nil || !bytes.Equal(now, old):
		return fmt.Errorf("%s: %w", b.path(name), serverdir.ErrChanged)
	default:
		condition, value = "If-Match", o.tag
	}
	if content == nil {
		return b.remove(ctx, name)
	}
	err = b.put(ctx, name, content, condition, value)
	if errors.Is(err, errChanged) && value == o.tag {
		// Older Ceph gateways compare the tag without its quotes. It is the same condition.
		err = b.put(ctx, name, content, condition, strings.Trim(value, `"`))
	}
	if errors.Is(err, errChanged) || errors.Is(err, fs.ErrNotExist) { // S3 says 404 to If-Match where nothing is left
		// A call that broke off is repeated: the first may have come through, and the second have met what it wrote.
		if now, _, getErr := b.get(ctx, name, maxState); getErr == nil && bytes.Equal(now, content) {
			return nil
		}
		return fmt.Errorf("%s: %w", b.path(name), serverdir.ErrChanged)
	}
	return err
}

// Lock implements [serverdir.Storage]: an object that its holder renews, and that others take once it has
// not changed for a while.
func (b *Bucket) Lock(ctx context.Context) (unlock func() error, err error) {
	mine := func() []byte { return []byte(rand.Text()) }
	held := mine()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	var seen []byte
	var since time.Time
	for {
		err := b.Swap(ctx, lockName, nil, held)
		if err == nil {
			return b.renewing(context.WithoutCancel(ctx), held, mine), nil
		}
		if !errors.Is(err, serverdir.ErrChanged) {
			return nil, err
		}
		theirs, _, err := b.get(ctx, lockName, maxState)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		// How long it has not changed is measured by our clock alone: two machines' clocks need not agree.
		if !bytes.Equal(theirs, seen) {
			seen, since = theirs, time.Now()
		} else if err == nil && time.Since(since) > leaseTime {
			if err := b.Swap(ctx, lockName, theirs, held); err == nil {
				return b.renewing(context.WithoutCancel(ctx), held, mine), nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// renewing renews the lock until the function that it returns is called.
func (b *Bucket) renewing(ctx context.Context, held []byte, next func() []byte) (unlock func() error) {
	stop, last := make(chan struct{}), make(chan []byte, 1)
	swap := func(old, content []byte) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return b.Swap(ctx, lockName, old, content)
	}
	go func() {
		tick := time.NewTicker(leaseTime / leaseRenewals)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				// Once it is lost it is somebody else's, and swap will not touch it.
				if n := next(); swap(held, n) == nil {
					held = n
				}
			case <-stop:
				last <- held
				return
			}
		}
	}()
	return sync.OnceValue(func() error {
		close(stop)
		err := swap(<-last, nil)
		if errors.Is(err, serverdir.ErrChanged) {
			return nil // others thought us dead, and have it
		}
		return err
	})
}
