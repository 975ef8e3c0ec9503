// Package daemon runs other people's servers beside tests, and takes them down with them.
package daemon

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to come up, and a program to end, on a machine with other things to do.
const patience = time.Minute

// Need fails the test if a program is missing, with the words that say what to install.
func Need(t testing.TB, hint string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("no %s in PATH: packaging/deps.sh test installs it (%s)", p, hint)
		}
	}
}

// Start runs a program until the test is over, and returns a function that gives what it has said so far. The program
// also ends when the tests are killed: a shell waits for the end of our pipe to it.
func Start(t testing.TB, program string, args ...string) (said func() string) {
	t.Helper()
	const script = `"$@" </dev/null & child=$!; read -r _; kill -9 $child; wait $child`
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", program}, args...)...)
	out := new(output)
	cmd.Stdout, cmd.Stderr = out, out
	leash, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = leash.Close()
		_ = cmd.Wait() // the shell's own status: killed is how it ends
	})
	return out.String
}

// Await calls try until it succeeds; when it does not in time, the test fails with what said returns.
func Await(t testing.TB, what string, said func() string, try func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s is not up after %v: %v\n%s", what, patience, err, said())
		}
	}
}

// Run runs a program to its end and returns its standard output.
func Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// Address is a loopback address with a port that is free now.
func Address(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Dial is a try for Await: something listens.
func Dial(address string) func() error {
	return func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return fmt.Errorf("not listening: %w", err)
		}
		return c.Close()
	}
}

// An output may be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
