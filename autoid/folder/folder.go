// Package folder is an auto-id repository in a folder: on a disk, a share, or whatever carries files to the client.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// A Repository is the folder at Path. The entropy file in it is the client's whole secret: all that is published is for
// its owner alone, and what others could read is refused.
type Repository struct{ Path string }

var (
	_ autoid.Repository = Repository{}
	_ autoid.Remover    = Repository{}
)

// Fetch implements [autoid.Repository].
func (r Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	path, err := r.path(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return private.ReadFile(path, limit)
}

// Publish implements [autoid.Repository]: each object appears whole, in the order given.
func (r Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	for _, o := range objects {
		path, err := r.path(o.Name)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := private.Write(path, o.Content); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements [autoid.Remover].
func (r Repository) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		path, err := r.path(name)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r Repository) path(name string) (string, error) {
	if !filepath.IsLocal(name) || filepath.Base(name) != name || name == "." {
		return "", fmt.Errorf("object %q: not a plain file name", name)
	}
	return filepath.Join(r.Path, name), nil
}
