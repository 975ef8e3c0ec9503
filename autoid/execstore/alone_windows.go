package execstore

import "os/exec"

// alone has nothing to do: the program itself is killed.
func alone(*exec.Cmd) {}
