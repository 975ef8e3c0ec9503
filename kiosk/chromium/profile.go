package chromium

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	profilePrefix = "kioskeeper-"
	lockName      = "lock"
)

// A profile is the browser's folder, thrown away with it. It lies on a tmpfs where there is one: cookies of off-the-record
// contexts are kept in memory, but caches, crash reports and shared memory are not.
//
// Its outer folder belongs to us and holds a lock that ends with this process, however it ends: so the next start can tell
// the folder of a killed daemon from one in use.
type profile struct {
	outer, home string
	lock        *os.File
}

// newProfile makes an empty profile below one of dirs, the first that works, for the browser to run as uid and gid, -1
// meaning as us. It removes the profiles that daemons of this user left behind there when they were killed.
func newProfile(dirs []string, uid, gid int) (*profile, error) {
	var failed error
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		sweep(dir)
		p, err := makeProfile(dir, uid, gid)
		if err == nil {
			return p, nil
		}
		failed = err
	}
	return nil, fmt.Errorf("no place for the browser's throw-away profile: %w", failed)
}

func makeProfile(dir string, uid, gid int) (_ *profile, err error) {
	// It gets the name that sweep looks for once it is locked: two daemons may start at the same moment.
	unlocked, err := os.MkdirTemp(dir, "."+profilePrefix)
	if err != nil {
		return nil, err
	}
	outer := filepath.Join(dir, strings.TrimPrefix(filepath.Base(unlocked), "."))
	defer func() {
		if err != nil {
			_ = os.RemoveAll(unlocked)
			_ = os.RemoveAll(outer)
		}
	}()
	lock, err := lockFile(filepath.Join(unlocked, lockName))
	if err != nil {
		return nil, err
	}
	if err := os.Rename(unlocked, outer); err != nil {
		return nil, err
	}
	p := &profile{outer: outer, home: filepath.Join(outer, "home"), lock: lock}
	for _, d := range []string{p.home, p.tmp()} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
		if uid >= 0 {
			if err := os.Chown(d, uid, gid); err != nil {
				return nil, err
			}
		}
	}
	if uid >= 0 { // the browser's user has to pass through
		if err := os.Chmod(outer, 0o711); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *profile) tmp() string { return filepath.Join(p.home, "tmp") }

// remove deletes the profile.
func (p *profile) remove() error {
	err := os.RemoveAll(p.outer)
	_ = p.lock.Close()
	return err
}

// sweep removes the profiles in dir whose daemon is gone. What it cannot remove is left: it is not ours, or in use.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, profilePrefix+"*"))
	for _, outer := range left {
		if !ours(outer) {
			continue
		}
		lock, err := lockFile(filepath.Join(outer, lockName))
		if err != nil {
			continue
		}
		_ = os.RemoveAll(outer)
		_ = lock.Close()
	}
}
