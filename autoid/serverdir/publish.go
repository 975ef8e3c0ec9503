package serverdir

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// A publication brings one client's repositories to hold its bundle.
type publication struct {
	*Rotator
	id      *autoid.Identity
	signers []ed25519.PrivateKey
	next    autoid.Publisher // "" unless the publisher is being replaced
	settled time.Time        // nothing that was made later is published
}

// A shelf is one of a client's repositories, and what it holds.
type shelf struct {
	autoid.Repository
	name        string
	bundle, sig []byte
}

func (p publication) publish(ctx context.Context, c *clientView) error {
	if c.err != nil || !c.alive(time.Now()) {
		return c.err
	}
	if len(c.file.Repositories) == 0 {
		return errors.New(`no repository: "repositories": [{"bundle": "…"}] in its client.json says where its bundle is published`)
	}
	var shelves []shelf
	for _, place := range c.file.Repositories {
		place.Client = c.name
		s, err := p.open(ctx, place)
		if err != nil {
			return fmt.Errorf("%s: %w", place.Bundle, err)
		}
		shelves = append(shelves, s)
	}
	b, err := p.number(ctx, c, p.heldSeq(c, shelves))
	if err != nil {
		return err
	}
	var entropy []autoid.Object
	for _, g := range b.Entropy {
		e, err := p.entropy(autoid.EntropyName(c.name, g.Egen))
		if err != nil {
			return err
		}
		entropy = append(entropy, autoid.Object{Name: g.File, Content: e.File()})
	}
	for _, s := range shelves {
		if string(s.bundle) == c.published.Bundle && p.signedByAll(c, s) {
			continue
		}
		if err := autoid.Republish(ctx, s, []byte(c.published.Bundle), entropy, p.signers...); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return p.note(ctx, c, b)
}

func (p publication) open(ctx context.Context, place autoid.Place) (shelf, error) {
	s := shelf{name: place.Bundle}
	var err error
	if s.Repository, err = p.Open(ctx, place); err != nil {
		return s, err
	}
	if s.bundle, err = s.Fetch(ctx, autoid.BundleName, maxFile); err == nil {
		s.sig, err = s.Fetch(ctx, autoid.SignatureName, maxFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return s, err
}

// heldSeq is the greatest number of a bundle of another content than ours that a repository holds. It is not below ours
// when the server's folder comes from a backup: clients have seen what the repository has, and take nothing older.
func (p publication) heldSeq(c *clientView, shelves []shelf) (seq uint64) {
	for _, s := range shelves {
		for _, key := range p.signers {
			b, _, err := autoid.VerifyBundle(s.bundle, s.sig, autoid.PublisherOf(key), c.name, p.id.ServerName)
			if err == nil && string(s.bundle) != c.published.Bundle {
				seq = max(seq, b.Seq)
			}
		}
	}
	return seq
}

func (p publication) signedByAll(c *clientView, s shelf) bool {
	return !slices.ContainsFunc(p.signers, func(key ed25519.PrivateKey) bool {
		_, _, err := autoid.VerifyBundle(s.bundle, s.sig, autoid.PublisherOf(key), c.name, p.id.ServerName)
		return err != nil
	})
}

// number gives the bundle its number, a new one if its content is new, and notes it before anybody can see it.
func (p publication) number(ctx context.Context, c *clientView, held uint64) (autoid.Bundle, error) {
	last, err := c.published.bundle()
	if err != nil {
		return last, err
	}
	b := bundleOf(p.id, c.name, c.newest(p.settled), p.next, p.settled)
	b.Seq = last.Seq
	text, err := b.Marshal()
	if err != nil || (string(text) == c.published.Bundle && held < b.Seq) {
		return b, err
	}
	b.Seq = max(last.Seq, held, c.file.BundleSeq) + 1
	if text, err = b.Marshal(); err != nil {
		return b, err
	}
	c.published.Bundle = string(text)
	return b, p.swapPublished(ctx, c)
}

// bundleOf is a client's bundle but for its number. It follows from the server's files alone: the newest key and generation
// that have settled. No times are in it: a client then uses what is there whatever its clock shows, and the server has
// taken that already.
func bundleOf(id *autoid.Identity, client string, g *autoid.Generation, next autoid.Publisher, settled time.Time) autoid.Bundle {
	key := id.Keys[0] // the oldest, if none has settled
	for _, k := range id.Keys {
		if !k.NotBefore.After(settled) {
			key = k
		}
	}
	b := autoid.Bundle{
		Version: 2, Client: client, ServerName: id.ServerName, Endpoints: id.Endpoints, NextPublisher: next,
		ServerKeys: []autoid.PublicKey{{Public: key.Public()}},
	}
	if g != nil {
		b.Entropy = []autoid.Generation{{Egen: g.Egen, File: g.File}}
	}
	return b
}

// note writes down that the bundle is in all repositories, for the client and for those who retire.
func (p publication) note(ctx context.Context, c *clientView, b autoid.Bundle) error {
	if since := sinceNow(p.id, c, b, time.Now().UTC()); !maps.Equal(since, c.published.Since) {
		c.published.Since = since
		if err := p.swapPublished(ctx, c); err != nil {
			return err
		}
	}
	if c.file.BundleSeq >= b.Seq {
		return nil
	}
	c.file.BundleSeq = b.Seq
	if err := p.swapClient(ctx, c); err != nil {
		return err
	}
	p.log().Info("bundle published", keyClient, c.name, keySeq, b.Seq)
	return nil
}

// sinceNow is since when what is still taken has been published, with what is in the bundle. A time in the future, of a
// clock that was set back, is now.
func sinceNow(id *autoid.Identity, c *clientView, b autoid.Bundle, now time.Time) map[string]time.Time {
	since := map[string]time.Time{}
	keep := func(name string, published bool) {
		if t := c.published.Since[name]; !t.IsZero() && !t.After(now) {
			since[name] = t
		} else if !t.IsZero() || published {
			since[name] = now
		}
	}
	if b.NextPublisher != "" {
		keep(string(b.NextPublisher), true)
	}
	for _, k := range id.Keys {
		keep(k.ID(), slices.ContainsFunc(b.ServerKeys, func(p autoid.PublicKey) bool { return p.ID() == k.ID() }))
	}
	for _, g := range c.file.Entropy {
		keep(sinceOf(g.Egen), slices.ContainsFunc(b.Entropy, func(p autoid.Generation) bool { return p.Egen == g.Egen }))
	}
	return since
}
