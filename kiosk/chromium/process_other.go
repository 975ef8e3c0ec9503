//go:build !linux

package chromium

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

type account struct {
	uid, gid int
	root     bool
}

func (b *Browser) account() (account, error) {
	return account{}, errors.New("the managed browser needs Linux so far, and this is " + runtime.GOOS + `; set browser = "default"`)
}

func (b *Browser) places() []string { return []string{b.Dir, os.TempDir()} }

func attributes(account) *syscall.SysProcAttr { return nil }

func (p *process) run(started chan<- error) {
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait()
	}
}

func killGroup(p *os.Process) { _ = p.Kill() }

func onDisk(string) bool { return true }

// OrdinaryUser is "": where the browser runs as the daemon's own user.
func OrdinaryUser() string { return "" }
