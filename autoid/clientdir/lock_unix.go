//go:build unix

package clientdir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks the file if nobody else has; closing it, or the end of the process, unlocks.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return err == nil, err
}
