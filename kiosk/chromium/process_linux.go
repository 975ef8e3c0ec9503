package chromium

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// account is who the browser runs as; uid and gid are -1 for the user that the daemon is.
type account struct {
	uid, gid int
	root     bool
}

var errRoot = errors.New("the browser does not run as root: a page that breaks out of it would own the machine, and its sandbox would be off; " +
	"run kioskeeper as an ordinary user, or name one for the browser (user under [browser] in the configuration), or accept the risk with --allow-root")

// account decides who the browser runs as.
func (b *Browser) account() (account, error) {
	self := account{uid: -1, gid: -1}
	if b.User == "" {
		self.root = os.Geteuid() == 0
		return self, b.checkRoot(self.root)
	}
	u, err := user.Lookup(b.User)
	if err != nil {
		return self, fmt.Errorf("the browser's user: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid) // always numbers on Linux
	gid, _ := strconv.Atoi(u.Gid)
	switch {
	case uid == os.Geteuid():
		self.root = uid == 0
		return self, b.checkRoot(self.root)
	case os.Geteuid() != 0:
		return self, fmt.Errorf("the browser's user is %s, but only root can start it as another user; run kioskeeper as %s", b.User, b.User)
	}
	return account{uid: uid, gid: gid}, nil
}

func (b *Browser) checkRoot(root bool) error {
	if root && !b.AllowRoot {
		return errRoot
	}
	return nil
}

// places are where the profile may lie, the best first. A browser that is another user than we are cannot use our runtime
// directory.
func (b *Browser) places() []string {
	if b.Dir != "" {
		return []string{b.Dir}
	}
	shared := []string{"/dev/shm", os.TempDir()}
	if b.User != "" && os.Geteuid() == 0 {
		return shared
	}
	return append([]string{os.Getenv("RUNTIME_DIRECTORY"), os.Getenv("XDG_RUNTIME_DIR")}, shared...)
}

func attributes(who account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Setpgid:   true,            // killed as a group
		Pdeathsig: syscall.SIGKILL, // a killed daemon leaves no browser behind
	}
	if who.uid >= 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(who.uid), Gid: uint32(who.gid)}
	}
	return attr
}

// run starts the process, tells so, and waits for it. Pdeathsig comes when the *thread* that started the process ends, so
// that thread is kept for as long.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // however it ended, it is started anew
	}
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// onDisk reports whether path lies on something else than a tmpfs.
func onDisk(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type != unix.TMPFS_MAGIC
}

// OrdinaryUser is a user whom a demo or a test that runs as root can start the browser as: the one who called sudo, or
// else nobody. For any other user it is "", themselves.
func OrdinaryUser() string {
	switch by := os.Getenv("SUDO_USER"); {
	case os.Geteuid() != 0:
		return ""
	case by != "" && by != "root":
		return by
	}
	return "nobody"
}
