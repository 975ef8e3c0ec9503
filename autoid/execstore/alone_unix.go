//go:build unix

package execstore

import (
	"os/exec"
	"syscall"
)

// alone gives the program a process group of its own, which ends as a whole: a child that it has left behind would go on
// with a credential in its hands.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
