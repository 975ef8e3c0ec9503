// Package private reads and writes files that hold secrets.
//
// Such a file is for its owner alone. One that others could have read is refused rather than mended: what was in it may
// already be known.
package private

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Write puts data at path, for the owner only, all of it or nothing: who reads path meanwhile sees the old content.
// Missing folders are made, for the owner only.
func Write(path string, data []byte) error { return put(path, data, os.Rename) }

// Create is Write for a file that is made once: of several who create it at the same time one succeeds, and the others get
// an error that is fs.ErrExist.
func Create(path string, data []byte) error {
	return put(path, data, func(from, to string) error { return errors.Join(os.Link(from, to), os.Remove(from)) })
}

// put writes data into a file of its own, which name then gives its name.
func put(path string, data []byte, name func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // 0600 by its contract
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	// Without the sync a power cut can leave the new name with no content, on a machine that is switched off at the wall.
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return name(f.Name(), path)
}

// ReadFile is [ReadFS] for a path.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return read(f, path, limit)
}

// ReadFS reads a file of at most limit bytes, and refuses one that others than its owner may touch.
func ReadFS(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return read(f, name, limit)
}

func read(f fs.File, path string, limit int64) ([]byte, error) {
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	// Windows has no such bits: the folder's access list guards there.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s: mode %#o lets others at it: chmod 600 %s", path, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: over %d bytes", path, limit)
	}
	return data, nil
}
