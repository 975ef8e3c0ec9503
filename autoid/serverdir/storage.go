package serverdir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid/internal/filelock"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// A Storage is where a server's files are: a folder, or a bucket with the same names. As an fs.FS it is the State of a
// server.
type Storage interface {
	fs.FS
	// Swap puts content under name if what is there still is old, and fails with [ErrChanged] if it is not. A nil old
	// stands for no file; a nil content removes it.
	Swap(ctx context.Context, name string, old, content []byte) error
	// Lock waits until nobody else holds the storage's one lock, which is free again some time after its holder has died.
	// It keeps rotations from doing each other's work twice; what they must not harm is kept by Swap.
	Lock(ctx context.Context) (unlock func() error, err error)
}

// ErrChanged is that somebody else has changed a file since it was read.
var ErrChanged = errors.New("changed by somebody else meanwhile")

// Names of locks in a folder.
const (
	lockName = ".lock"      // the storage's
	swapName = ".swap-lock" // held while a file is compared and replaced
)

// A Folder is a Storage on disk.
type Folder struct{ Path string }

var _ Storage = Folder{}

// Open implements fs.FS.
func (f Folder) Open(name string) (fs.File, error) { return os.DirFS(f.Path).Open(name) }

// Lock implements [Storage]. It needs the folder to be there: a server is made by Init alone.
func (f Folder) Lock(ctx context.Context) (func() error, error) {
	if _, err := os.Stat(f.Path); err != nil {
		return nil, err
	}
	return filelock.Lock(ctx, filepath.Join(f.Path, lockName))
}

// Swap implements [Storage].
func (f Folder) Swap(ctx context.Context, name string, old, content []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("file %q: not in the server's folder", name)
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(f.Path, swapName))
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // closing is all that can fail, and the lock is free then too
	path := filepath.Join(f.Path, filepath.FromSlash(name))
	now, err := private.ReadFile(path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		now = nil
	case err != nil:
		return err
	case now == nil:
		now = []byte{}
	}
	if (now == nil) != (old == nil) || !bytes.Equal(now, old) {
		return fmt.Errorf("%s: %w", name, ErrChanged)
	}
	if content == nil {
		return os.Remove(path)
	}
	return private.Write(path, content)
}
