//go:build unix

package conffile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private refuses a secret file that somebody else could read, or has put there. Links are followed: what counts is
// the file that is read in the end.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return unreadable(path, err, "remove it, or mend the link")
	}
	owner := os.Geteuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	return exposed(path, info.Mode().Perm(), owner, os.Geteuid())
}

// exposed says what is wrong with a secret file's mode or owner, for a program that runs as user self.
func exposed(path string, mode fs.FileMode, owner, self int) error {
	switch {
	case mode&0o077 != 0:
		return wrong(fmt.Sprintf("holds a secret that others can reach: %s has mode %04o", path, mode), "chmod 600 "+path)
	case owner != self:
		return wrong(fmt.Sprintf("holds a secret of another user: %s belongs to user %d", path, owner),
			fmt.Sprintf("chown %d %s", self, path))
	}
	return nil
}

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }
