// Package execstore is an auto-id store of programs: each credential is what a program prints, as a credential_process
// does. It is the way to add a store of one's own.
package execstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// DefaultTimeout is how long a program may take. The server itself waits half a minute for a store.
const DefaultTimeout = 20 * time.Second

const (
	maxOutput = 128 << 10 // what fits into a response however it is escaped
	maxStderr = 2 << 10
	// killWait is for a program's children, who may hold its output open after it has gone.
	killWait = time.Second
)

// A Program is what an id of the store stands for.
//
// It runs without a shell, in the folder for temporary files, with an environment of its own: PATH, Env, AUTOID_CLIENT, AUTOID_WANT
// and AUTOID_DURATION, the longest lease in seconds. What it prints is a credential_process's JSON, whose lease must not be
// longer than that. What it says on stderr is logged, shortened and without what looks like a secret.
type Program struct {
	Command []string          // the first is an absolute path
	Env     map[string]string // nothing secret: others on the machine may see it
	// Raw takes whatever the program prints: an object, or a text.
	Raw     bool
	Timeout time.Duration // 0 is DefaultTimeout
}

// A Store is programs by id.
type Store struct {
	Programs map[string]Program
	Log      *slog.Logger // gets what programs say on stderr; nil discards it
}

var _ autoid.Store = Store{}

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	none := autoid.Credential{}
	if err := g.Whole(); err != nil {
		return none, err
	}
	p, ok := s.Programs[g.Want.ID]
	switch {
	case !ok:
		return none, &autoid.Error{Code: autoid.NotFound, Message: "no program of this name is configured"}
	case g.Want.Version != "":
		return none, &autoid.Error{Code: autoid.BadRequest, Message: "programs have no versions"}
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	output, err := s.run(ctx, p, g)
	if err != nil {
		return none, fmt.Errorf("program %s: %w", g.Want.ID, err)
	}
	c, err := autoid.NewCredential(output)
	if err != nil {
		return none, fmt.Errorf("program %s: it printed nothing, or not a text", g.Want.ID)
	}
	if err := p.check(c, g.Duration); err != nil {
		return none, fmt.Errorf("program %s: %w", g.Want.ID, err)
	}
	return c, nil
}

// check holds what a program printed against what it had to print.
func (p Program) check(c autoid.Credential, granted time.Duration) error {
	if !p.Raw {
		keys, err := c.AWS()
		if err != nil {
			return errors.New("it did not print what a credential_process prints (output = \"raw\" takes anything)")
		}
		if keys.Expires.IsZero() && !keys.SessionToken.Empty() {
			return errors.New("it printed a session token without its Expiration")
		}
	}
	left := time.Until(c.Expires)
	switch {
	case c.Expires.IsZero(): // long-term keys, or no lease at all
	case left <= 0:
		return errors.New("it printed a credential that has expired")
	case left > granted:
		return fmt.Errorf("it printed a lease over the %v that were granted, which AUTOID_DURATION tells it", granted)
	}
	return nil
}

// run runs the program to its end. No error shows what it printed.
func (s Store) run(ctx context.Context, p Program, g autoid.Grant) ([]byte, error) {
	if err := trusted(p.Command[0]); err != nil {
		return nil, err
	}
	timeout := p.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took over %v", timeout))
	defer cancel()
	stdout, stderr := capped{limit: maxOutput, full: cancel}, capped{limit: maxStderr}
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = os.TempDir(), p.environment(g), &stdout, &stderr, killWait
	alone(cmd)
	err := cmd.Run()
	if said := redact(stderr.kept.Bytes(), stdout.kept.Bytes()); said != "" && s.Log != nil {
		s.Log.Warn("a store's program spoke", "want", g.Want.String(), "said", said)
	}
	switch cause := context.Cause(ctx); {
	case stdout.over:
		return nil, fmt.Errorf("it printed over %d bytes", maxOutput)
	case err != nil && cause != nil:
		return nil, cause
	case err != nil:
		return nil, err // how it ended; nothing of what it printed
	}
	return stdout.kept.Bytes(), nil
}

func (p Program) environment(g autoid.Grant) []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if runtime.GOOS == "windows" { // programs there do not start without it
		env = []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	}
	for name, value := range p.Env {
		env = append(env, name+"="+value)
	}
	slices.Sort(env[1:])
	// Last, since the last one counts.
	return append(env, "AUTOID_CLIENT="+g.Client, "AUTOID_WANT="+g.Want.String(),
		"AUTOID_DURATION="+strconv.FormatInt(int64(g.Duration/time.Second), 10))
}

// trusted refuses a program that others could have put there: what it prints is handed out as the server's word.
func trusted(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s: mode %#o lets others change it: chmod go-w %s", path, mode, path)
	}
	return nil
}

// A capped keeps the first limit bytes, and calls full when there are more. The buffer is no part of its face: io.Copy
// would fill it past all limits.
type capped struct {
	kept  bytes.Buffer
	limit int
	over  bool
	full  func()
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - c.kept.Len()
	if len(p) > room {
		if !c.over && c.full != nil {
			c.full()
		}
		c.over = true
	}
	_, _ = c.kept.Write(p[:min(len(p), room)])
	return len(p), nil // the program is not to fail by what it says on stderr
}
