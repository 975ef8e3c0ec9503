package serverdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// An Old is a key or a generation that has a successor.
type Old struct {
	Client string // "" for the server's key
	Name   string // a key's id, or a generation as in "egen 3"
	Why    string // it is kept
}

func (o Old) String() string {
	if o.Client == "" {
		return "server key " + o.Name
	}
	return "client " + o.Client + ": " + o.Name
}

// Retire has the server forget what was replaced a whole overlap ago and has not been used for as long, which the audit
// must show. Force retires all that was replaced: a client that has not fetched its bundle since is refused until it does.
// It returns what is gone, and what is kept and why.
func (r *Rotator) Retire(ctx context.Context, u *Usage, force bool) (gone, kept []Old, err error) {
	unlock, err := r.Storage.Lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	v, err := r.look()
	if err == nil {
		gone, kept, err = r.retire(ctx, v, u, force)
	}
	return gone, kept, errors.Join(err, unlock())
}

func (r *Rotator) retire(ctx context.Context, v *view, u *Usage, force bool) (gone, kept []Old, err error) {
	now := time.Now()
	goes := func(o Old, replaced time.Time) bool {
		o.Why = r.stays(o, replaced, u, force, now)
		if o.Why != "" {
			kept = append(kept, o)
		} else {
			gone = append(gone, o)
		}
		return o.Why == ""
	}
	keys := v.id.Keys
	v.id.Keys = nil
	for i, k := range keys {
		if i == len(keys)-1 || !goes(Old{Name: k.ID()}, v.replaced(keys[i+1:], now)) {
			v.id.Keys = append(v.id.Keys, k)
		}
	}
	if len(v.id.Keys) < len(keys) {
		if err := r.swapIdentity(ctx, v); err != nil {
			return nil, nil, err
		}
	}
	var errs []error
	for _, c := range v.clients {
		err := c.err
		if err == nil {
			err = r.forget(ctx, c, func(egen uint32) bool {
				return goes(Old{Client: c.name, Name: sinceOf(egen)}, c.replaced(func(name string) bool {
					return slices.ContainsFunc(c.file.Entropy, func(g autoid.Generation) bool {
						return g.Egen > egen && sinceOf(g.Egen) == name
					})
				}))
			})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("client %s: %w", c.name, err))
		}
	}
	return gone, kept, errors.Join(errs...)
}

// stays says why something old is still taken; "" if it may go.
func (r *Rotator) stays(o Old, replaced time.Time, u *Usage, force bool, now time.Time) string {
	begin := now.Add(-r.overlap())
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch used, from := u.last(o); {
	case replaced.IsZero():
		return "its successor is not published everywhere: autoid keys publish"
	case force:
		return ""
	case replaced.After(begin):
		return "the overlap lasts until " + stamp(replaced.Add(r.overlap()))
	case from.IsZero() || from.After(begin):
		return "the audit does not reach back to " + stamp(begin) + ": an older --audit too, or --force"
	case used.After(begin):
		return "last used " + stamp(used)
	}
	return ""
}

// replaced is since when every client in use finds one of the newer keys; zero: not yet.
func (v *view) replaced(newer []autoid.Key, now time.Time) time.Time {
	at := newer[0].NotBefore
	for _, c := range v.clients {
		if c.err == nil && !c.alive(now) {
			continue
		}
		t := c.replaced(func(name string) bool {
			return slices.ContainsFunc(newer, func(k autoid.Key) bool { return k.ID() == name })
		})
		if t.IsZero() {
			return t
		}
		if t.After(at) {
			at = t
		}
	}
	return at
}

// replaced is since when the client finds one of the newer; zero: not yet.
func (c *clientView) replaced(newer func(name string) bool) (first time.Time) {
	for name, t := range c.published.Since {
		if newer(name) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// forget removes a client's generations that go: from its repositories, from its file, and then what is left of them, now
// or when it was broken off earlier.
func (r *Rotator) forget(ctx context.Context, c *clientView, goes func(egen uint32) bool) error {
	var kept []autoid.Generation
	var gone []string
	last := c.last()
	for _, g := range c.file.Entropy {
		if g.Egen != last.Egen && goes(g.Egen) {
			gone = append(gone, g.File)
		} else {
			kept = append(kept, g)
		}
	}
	if len(gone) > 0 {
		for _, place := range c.file.Repositories {
			place.Client = c.name
			repository, err := r.Open(ctx, place)
			if remover, ok := repository.(autoid.Remover); ok && err == nil {
				err = remover.Remove(ctx, gone...)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", place.Bundle, err)
			}
		}
		c.file.Entropy = kept
		if err := r.swapClient(ctx, c); err != nil {
			return err
		}
	}
	return r.sweep(ctx, c)
}

// sweep removes the entropy files of generations that the client's file no longer lists. A newer one than it lists is that
// of a rotation under way.
func (r *Rotator) sweep(ctx context.Context, c *clientView) error {
	entries, err := fs.ReadDir(r.Storage, "clients/"+c.name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		var egen uint32
		name := "clients/" + c.name + "/" + e.Name()
		if _, err := fmt.Sscanf(e.Name(), "entropy-%d.bin", &egen); err != nil || autoid.EntropyName(c.name, egen) != name {
			continue
		}
		if last := c.last(); last == nil || egen > last.Egen || slices.ContainsFunc(c.file.Entropy, func(g autoid.Generation) bool { return g.Egen == egen }) {
			continue
		}
		content, err := private.ReadFS(r.Storage, name, autoid.EntropySize)
		if err == nil {
			err = r.Storage.Swap(ctx, name, content, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
