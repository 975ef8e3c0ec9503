package serverdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

const (
	// DefaultSettle is how long a rotation waits after it has made a key until it publishes it: longer than any server goes
	// on with its old copy of a file.
	DefaultSettle = autoid.DefaultReread + 5*time.Second
	// DefaultOverlap is how long an old key is taken after its successor was published. Clients refresh their bundle three
	// times in it.
	DefaultOverlap = 3 * autoid.DefaultRefresh

	atOnce = 8 // clients whose bundles are published at the same time
)

// A Rotator replaces the server's key and its clients' entropy without a failed request: what is new is first taken by the
// server, then published, and what is old is retired when nobody has used it for a whole overlap.
//
// Each step begins with what the files say, and leaves them so that it can be broken off anywhere and taken up again. All
// that another could do at the same time is compared before it is replaced.
type Rotator struct {
	Storage Storage
	// Open opens a client's repository.
	Open    func(ctx context.Context, place autoid.Place) (autoid.Repository, error)
	Settle  time.Duration // 0 is DefaultSettle
	Overlap time.Duration // 0 is DefaultOverlap
	Log     *slog.Logger  // nil discards
}

// Keys of log lines.
const (
	keyClient = "client"
	keyEgen   = "egen"
	keyKey    = "key"
	keySeq    = "bundle_seq"
)

// Rotate makes a new server key, and new entropy for each client, and publishes them. Where an earlier rotation has not
// come to its end it makes nothing new, but brings that one to its end. A client that could not be published to is told of
// in the error; the others are done.
func (r *Rotator) Rotate(ctx context.Context) error { return r.rotate(ctx, 0) }

// rotate is Rotate for what is as old as that.
func (r *Rotator) rotate(ctx context.Context, age time.Duration) error {
	unlock, err := r.Storage.Lock(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(r.accept(ctx, age), unlock())
	// Who could not be given something new is still given what is there.
	return errors.Join(err, r.Publish(ctx))
}

// accept has the server take what is new.
func (r *Rotator) accept(ctx context.Context, age time.Duration) error {
	v, err := r.look()
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	newest := v.id.Keys[len(v.id.Keys)-1]
	pending := func(c *clientView) bool { return c.alive(now) && c.published.Since[newest.ID()].IsZero() }
	var errs []error
	if now.Sub(newest.NotBefore) >= age && !v.any(pending) {
		key, err := autoid.NewKey()
		if err != nil {
			return err
		}
		key.NotBefore = now
		v.id.Keys = append(v.id.Keys, key)
		if err := r.swapIdentity(ctx, v); err != nil {
			return err
		}
		r.log().Info("key accepted", keyKey, key.ID())
	}
	for _, c := range v.clients {
		if err := r.acceptEntropy(ctx, c, age, now); err != nil {
			errs = append(errs, fmt.Errorf("client %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Rotator) acceptEntropy(ctx context.Context, c *clientView, age time.Duration, now time.Time) error {
	last := c.last()
	switch {
	case !c.alive(now) || last == nil:
		return c.err
	case now.Sub(last.NotBefore) < age || c.published.Since[sinceOf(last.Egen)].IsZero():
		return nil
	}
	g := autoid.Generation{Egen: last.Egen + 1, File: randomName(), Period: autoid.Period{NotBefore: now}}
	// A file that a rotation left there before it was broken off has been seen by nobody, and is as good as a new one.
	name := autoid.EntropyName(c.name, g.Egen)
	if _, err := r.entropy(name); errors.Is(err, fs.ErrNotExist) {
		if err := r.Storage.Swap(ctx, name, nil, autoid.NewEntropy().File()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	c.file.Entropy = append(c.file.Entropy, g)
	if err := r.swapClient(ctx, c); err != nil {
		return err
	}
	r.log().Info("entropy accepted", keyClient, c.name, keyEgen, g.Egen)
	return nil
}

// Publish brings to each client's repositories what the server has taken, once it has settled there.
func (r *Rotator) Publish(ctx context.Context) error {
	v, err := r.look()
	if err != nil {
		return err
	}
	newest, wait := v.unsettled(time.Now(), r.settle())
	if wait > 0 {
		r.log().Info("waiting until each server has read what is new", "wait", wait.Round(time.Millisecond))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	unlock, err := r.Storage.Lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.publishAll(ctx, newest), unlock())
}

func (r *Rotator) publishAll(ctx context.Context, settled time.Time) error {
	p := publication{Rotator: r, settled: settled}
	var err error
	if p.signers, p.next, err = readSigners(r.Storage); err != nil {
		return err
	}
	v, err := r.look()
	if err != nil {
		return err
	}
	p.id = v.id
	errs := make([]error, len(v.clients))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, c := range v.clients {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := p.publish(ctx, c); err != nil {
				errs[i] = fmt.Errorf("client %s: %w", c.name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (r *Rotator) settle() time.Duration {
	if r.Settle == 0 {
		return DefaultSettle
	}
	return r.Settle
}

func (r *Rotator) overlap() time.Duration {
	if r.Overlap == 0 {
		return DefaultOverlap
	}
	return r.Overlap
}

func (r *Rotator) log() *slog.Logger {
	if r.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Log
}
