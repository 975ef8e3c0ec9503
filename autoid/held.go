package autoid

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// A held is a verified bundle, whole: with the entropy file that it says to use.
type held struct {
	*Bundle
	generation *Generation // nil: evidence alone
	entropy    *Entropy
	trust      trust
	fetched    time.Time
	retry      time.Time // not before: the repository hung
	raw, sig   []byte
}

const (
	// repositoryPatience is for a repository when there is a bundle to go on with: one that hangs must not hold requests
	// up, nor a credential_process until it is killed.
	repositoryPatience = 10 * time.Second
	retryHung          = time.Minute
)

// A trust is what a client remembers of the bundles that it took: none older, and no other by the same number.
type trust struct {
	Pinned    Publisher `json:"pinned"` // with another pinned publisher the client has been enrolled anew
	Publisher Publisher `json:"publisher"`
	Seq       uint64    `json:"seq"`
	Sum       string    `json:"sha256"`
}

const (
	trustName    = "trust.json"
	cachedPrefix = "entropy-" // so that no name in a bundle can be one of the cache's own
)

// current returns the bundle to use, fetched anew if it is time.
func (c *Client) current(ctx context.Context) (*held, error) {
	h := c.held.Load()
	if h != nil && !c.due(h) {
		return h, nil
	}
	if h == nil {
		return c.fetch(ctx, nil)
	}
	hurried, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	fresh, err := c.fetch(hurried, h)
	if err != nil {
		c.Log.Warn("bundle not refreshed", keySeq, h.Seq, keyError, err)
		if hurried.Err() != nil {
			later := *h
			later.retry = c.now().Round(0).Add(retryHung)
			c.held.CompareAndSwap(h, &later)
		}
		return h, nil
	}
	return fresh, nil
}

// due by the wall clock, also after it was set back; and when another generation has come into its time.
func (c *Client) due(h *held) bool {
	every := c.Refresh
	if every == 0 {
		every = DefaultRefresh
	}
	now := c.now()
	if wait := h.retry.Sub(now.Round(0)); wait > 0 && wait <= retryHung {
		return false
	}
	age := now.Round(0).Sub(h.fetched)
	g := h.Bundle.generation(now)
	return age >= every || age < 0 || (g != nil && g.File != h.generation.File)
}

// fetch replaces old, which was found wanting, by what the repository has. One caller fetches; those who wait meanwhile
// take what it got.
func (c *Client) fetch(ctx context.Context, old *held) (*held, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if h := c.held.Load(); h != old {
		return h, nil
	}
	var t trust
	if old != nil {
		t = old.trust
	} else {
		t = c.readTrust(ctx)
	}
	var cached *held
	var cacheErr error
	reading := ctx
	if old == nil && c.Cache != "" {
		if cached, cacheErr = c.read(ctx, c.fetchCached, t); cacheErr == nil {
			var cancel context.CancelFunc
			reading, cancel = context.WithTimeout(ctx, c.patience)
			defer cancel()
		}
	}
	h, err := c.read(reading, c.Repository.Fetch, t)
	switch {
	case err != nil && cacheErr != nil:
		return nil, errors.Join(err, fmt.Errorf("cache: %w", cacheErr))
	case err != nil && cached != nil:
		c.Log.Warn("started from the cached bundle", keySeq, cached.Seq, keyError, err)
		cached.fetched = time.Time{} // so that the next request tries the repository again
		if reading.Err() != nil {
			cached.retry = c.now().Round(0).Add(retryHung)
		}
		c.held.Store(cached)
		return cached, nil
	case err != nil:
		return nil, err
	}
	if err := c.keep(ctx, h); err != nil {
		c.Log.Warn("bundle not cached", keyError, err)
	}
	c.held.Store(h)
	return h, nil
}

type fetcher func(ctx context.Context, name string, limit int64) ([]byte, error)

// errEntropy is in front of why the bundle's entropy file was not fetched. It may have been retired since we read the
// bundle.
var errEntropy = errors.New("entropy")

// read fetches a whole bundle and holds it against what is trusted.
func (c *Client) read(ctx context.Context, fetch fetcher, t trust) (*held, error) {
	h, err := c.readOnce(ctx, fetch, t)
	if errors.Is(err, errBadSignature) || errors.Is(err, errEntropy) { // we may have read while the publisher wrote
		h, err = c.readOnce(ctx, fetch, t)
	}
	return h, err
}

func (c *Client) readOnce(ctx context.Context, fetch fetcher, t trust) (*held, error) {
	h := &held{fetched: c.now().Round(0)}
	var next Publisher
	var err error
	if h.raw, err = fetch(ctx, BundleName, maxBundle); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if h.sig, err = fetch(ctx, SignatureName, maxSignature); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if h.Bundle, next, err = VerifyBundle(h.raw, h.sig, t.Publisher, c.Name, c.name); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(h.raw)
	h.trust = trust{c.Publisher, next, h.Seq, hex.EncodeToString(sum[:])}
	switch {
	case h.Seq < max(c.MinSeq, t.Seq):
		return nil, fmt.Errorf("bundle: number %d, older than %d: rolled back", h.Seq, max(c.MinSeq, t.Seq))
	case h.Seq == t.Seq && t.Sum != "" && h.trust.Sum != t.Sum:
		return nil, fmt.Errorf("bundle: number %d again, with other content", h.Seq)
	}
	if h.generation = h.Bundle.generation(c.now()); h.generation != nil {
		content, err := fetch(ctx, h.generation.File, EntropySize)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errEntropy, err)
		}
		if h.entropy, err = ParseEntropy(content); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// cached is the path of an object in the cache.
func (c *Client) cached(name string) string {
	if name != BundleName && name != SignatureName && name != trustName {
		name = cachedPrefix + name
	}
	return filepath.Join(c.Cache, name)
}

func (c *Client) fetchCached(_ context.Context, name string, limit int64) ([]byte, error) {
	data, err := private.ReadFile(c.cached(name), limit+sealMax)
	if err != nil || c.Sealer == nil {
		return data, err
	}
	return c.Sealer.Open(c.sealedAs(name), data)
}

func (c *Client) writeCached(name string, data []byte) (err error) {
	if c.Sealer != nil {
		if data, err = c.Sealer.Seal(c.sealedAs(name), data); err != nil {
			return err
		}
	}
	return private.Write(c.cached(name), data)
}

// sealedAs keeps what is sealed for one client or server from being taken for another's.
func (c *Client) sealedAs(name string) string { return "bundle " + c.name + "/" + c.Name + "/" + name }

// readTrust finds out what earlier runs took. A cache that cannot be read must not darken a wall: MinSeq still holds.
func (c *Client) readTrust(ctx context.Context) trust {
	pinned := trust{Pinned: c.Publisher, Publisher: c.Publisher}
	if c.Cache == "" {
		return pinned
	}
	var t trust
	data, err := c.fetchCached(ctx, trustName, maxSignature)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.Log.Warn("cache not readable", keyError, err)
	}
	if err != nil || t.Pinned != c.Publisher {
		return pinned
	}
	return t
}

// keep writes the bundle to the cache. What it trusts comes last: it must not know of a bundle that is not there.
func (c *Client) keep(ctx context.Context, h *held) error {
	if c.Cache == "" {
		return nil
	}
	t, err := json.Marshal(h.trust)
	if err != nil {
		return err
	}
	objects := []Object{{SignatureName, h.sig}, {BundleName, h.raw}, {trustName, t}}
	if h.generation != nil {
		objects = append([]Object{{h.generation.File, h.entropy.File()}}, objects...)
	}
	for _, o := range objects {
		if old, err := c.fetchCached(ctx, o.Name, maxBundle); err == nil && bytes.Equal(old, o.Content) {
			continue // spares the flash of a small board
		}
		if err := c.writeCached(o.Name, o.Content); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(c.Cache)
	if err != nil {
		return err
	}
	for _, e := range entries {
		file, ok := strings.CutPrefix(e.Name(), cachedPrefix)
		if ok && (h.generation == nil || file != h.generation.File) { // entropy of the past is a secret to lose
			err = errors.Join(err, os.Remove(filepath.Join(c.Cache, e.Name())))
		}
	}
	return err
}
