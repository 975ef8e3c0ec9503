// Package filelock holds a lock between processes by a file, which is free again when its holder dies.
package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// retry is how often a lock that somebody has is tried for.
const retry = 20 * time.Millisecond

var errHeld = errors.New("held by somebody")

// Lock waits until nobody else holds the lock at path, whose file stays there. The missing folder is made.
func Lock(ctx context.Context, path string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		switch err := try(f); {
		case err == nil:
			return f.Close, nil // which lets go of it
		case !errors.Is(err, errHeld):
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		}
	}
}
