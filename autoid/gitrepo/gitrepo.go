// Package gitrepo is an auto-id repository in git, over https or ssh, with no git on the machine.
//
// Each publication is one commit on top of the branch. It is pushed as "from this head to that one": where somebody else
// was faster the server refuses, and the commit is made anew on top of theirs. Only the newest commit is ever fetched, and
// nothing touches the disk.
package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A Repository is one branch. Objects are files at its root; whatever else is in it stays.
type Repository struct {
	// Address is git+https://host/path or git+ssh://user@host/path, and #branch unless it is main.
	Address string
	// Secret shows who we are. Over https it is a token, or USER:TOKEN where the host wants a name of its own; over ssh
	// it is the private key.
	Secret secret.Text
	// HostKey is the ssh server's public key, as in its .pub file; no other is taken.
	HostKey string
	HTTP    *http.Client // nil: one with a timeout

	mu     sync.Mutex // guards cached
	cached *snapshot
}

var (
	_ autoid.Repository = (*Repository)(nil)
	_ autoid.Remover    = (*Repository)(nil)
)

const (
	timeout  = time.Minute
	maxPack  = 64 << 20
	attempts = 20 // of publishers who meet others
)

// A snapshot is a commit with all that is in it; without a commit it is a branch that is not there yet. It is not changed
// any more.
type snapshot struct {
	commit  plumbing.Hash
	tree    plumbing.Hash
	entries map[string]object.TreeEntry
	store   *memory.Storage
}

// Fetch implements [autoid.Repository].
func (r *Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := autoid.CheckObject(name); err != nil {
		return nil, err
	}
	now, err := r.head(ctx)
	if err != nil {
		return nil, err
	}
	entry, ok := now.entries[name]
	if !ok || entry.Mode == filemode.Dir {
		return nil, fmt.Errorf("%s: %s: %w", r.Address, name, fs.ErrNotExist)
	}
	blob, err := object.GetBlob(now.store, entry.Hash)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", r.Address, name, err)
	}
	if blob.Size > limit {
		return nil, fmt.Errorf("%s: %s: over %d bytes", r.Address, name, limit)
	}
	in, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", r.Address, name, err)
	}
	defer func() { _ = in.Close() }()
	return io.ReadAll(in)
}

// Publish implements [autoid.Repository].
func (r *Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	for _, o := range objects {
		if err := autoid.CheckObject(o.Name); err != nil {
			return err
		}
	}
	return r.change(ctx, func(c *commit) error {
		for _, o := range objects {
			hash, err := c.add(plumbing.BlobObject, func(w io.Writer) error { _, err := w.Write(o.Content); return err })
			if err != nil {
				return err
			}
			c.entries[o.Name] = object.TreeEntry{Name: o.Name, Mode: filemode.Regular, Hash: hash}
		}
		return nil
	})
}

// Remove implements [autoid.Remover]. Earlier commits keep what they had: whoever may read the branch had it anyway.
func (r *Repository) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := autoid.CheckObject(name); err != nil {
			return err
		}
	}
	return r.change(ctx, func(c *commit) error {
		for _, name := range names {
			delete(c.entries, name)
		}
		return nil
	})
}

// change pushes what edit makes of the head, again on top of what somebody else has pushed meanwhile.
func (r *Repository) change(ctx context.Context, edit func(*commit) error) error {
	var pushErr error
	for i := range attempts {
		if err := pause(ctx, i); err != nil {
			return err
		}
		now, err := r.head(ctx)
		if err != nil {
			return err
		}
		c := &commit{entries: map[string]object.TreeEntry{}, store: memory.NewStorage()}
		maps.Copy(c.entries, now.entries)
		if err := edit(c); err != nil {
			return err
		}
		next, err := c.seal(now)
		if err != nil {
			return err
		}
		if next == now.commit {
			return nil // all is there already
		}
		if pushErr = r.push(ctx, now.commit, next, c); pushErr == nil {
			return nil
		}
		// The words for a stale push are each server's own, and a connection may break after it has come through.
		then, err := r.head(ctx)
		if err != nil {
			return errors.Join(pushErr, err)
		}
		switch then.commit {
		case next:
			return nil
		case now.commit:
			return pushErr
		}
	}
	return fmt.Errorf("others push all the time: %w", pushErr)
}

// pause lets others go first: not at all before the first attempt, then up to a second.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(rand.N(min(10*time.Millisecond<<attempt, time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A commit in the making: the files that it is to have, and the objects that are new.
type commit struct {
	entries map[string]object.TreeEntry
	store   *memory.Storage
	fresh   []plumbing.Hash
}

func (c *commit) add(kind plumbing.ObjectType, write func(io.Writer) error) (plumbing.Hash, error) {
	o := c.store.NewEncodedObject()
	o.SetType(kind)
	w, err := o.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if err := errors.Join(write(w), w.Close()); err != nil {
		return plumbing.ZeroHash, err
	}
	hash, err := c.store.SetEncodedObject(o)
	if err == nil && !slices.Contains(c.fresh, hash) {
		c.fresh = append(c.fresh, hash)
	}
	return hash, err
}

// seal makes the commit after parent; it is parent's own if nothing is different.
func (c *commit) seal(parent *snapshot) (plumbing.Hash, error) {
	tree := object.Tree{Entries: slices.Collect(maps.Values(c.entries))}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return bytes.Compare(treeKey(a), treeKey(b)) })
	encode := func(o interface {
		Encode(plumbing.EncodedObject) error
	}) func(io.Writer) error {
		return func(w io.Writer) error {
			var text plumbing.MemoryObject
			if err := o.Encode(&text); err != nil {
				return err
			}
			in, err := text.Reader()
			if err != nil {
				return err
			}
			_, err = io.Copy(w, in)
			return err
		}
	}
	hash, err := c.add(plumbing.TreeObject, encode(&tree))
	if err != nil || hash == parent.tree {
		return parent.commit, err
	}
	who := object.Signature{Name: "autoid", Email: "autoid@localhost", When: time.Now().UTC()}
	// Two publishers of the same content on the same head would make the same commit, and both think it theirs: it is.
	made := object.Commit{Author: who, Committer: who, Message: "Publish an auto-id bundle\n", TreeHash: hash}
	if !parent.commit.IsZero() {
		made.ParentHashes = []plumbing.Hash{parent.commit}
	}
	return c.add(plumbing.CommitObject, encode(&made))
}

// treeKey is what git sorts a tree by: a folder as if it had a slash at its end.
func treeKey(e object.TreeEntry) []byte {
	if e.Mode == filemode.Dir {
		return []byte(e.Name + "/")
	}
	return []byte(e.Name)
}
