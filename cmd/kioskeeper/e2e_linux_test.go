package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/internal/xvfb"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/chromium"
)

// The end-to-end tests run kioskeeper as it is shipped, a process of its own, before a virtual screen. They look at it from
// outside only: at its screen, its status page, its log, and at what the system tells of processes.

// patience is how long anything may take that has to happen. The machine may be busy with other tests.
const patience = 60 * time.Second

// A scene is a screen and the world around a wall.
type scene struct {
	*rehearsal
	screen *xvfb.Display
	dir    string // temporary: for all files but the program's
	config string
	binary string
}

// newScene sets one up with sessions of this life. Its dashboards are marked: each session fills the screen with a colour.
func newScene(t *testing.T, life time.Duration) *scene {
	t.Helper()
	s := &scene{dir: t.TempDir(), binary: shipped(t)}
	t.Setenv("TMPDIR", s.dir)
	var err error
	if s.screen, err = xvfb.Start(t.Context(), 1280, 720); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.screen.Close)
	t.Setenv("DISPLAY", s.screen.Name)
	aws := &standin.Server{Life: life, Marked: true, Hop: 50 * time.Millisecond}
	if s.rehearsal, err = rehearse(t.Context(), aws, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	s.config = filepath.Join(s.dir, "kioskeeper.toml")
	browser := ""
	if user := chromium.OrdinaryUser(); user != "" {
		browser = "[browser]\nuser = " + strconv.Quote(user) + "\n"
	}
	text := fmt.Sprintf(`
[credentials]
source = "autoid"
[credentials.autoid]
server = "http://localhost"
client = %q
bundle = %q
publisher = %q
credential = %q
[role]
arn = %q
[console]
sign_in = %q
address = %q
[status]
listen = "127.0.0.1:0"
[[display]]
name = "lobby"
[[display.view]]
cloudwatch = "payments"
region = "ap-southeast-2"
%s`, rehearsalClient, filepath.Join(s.folder, "bundle"), s.client.Publisher, rehearsalWant, standin.DefaultRole,
		s.at.SignIn, s.at.Console("{region}"), browser)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// shipped builds kioskeeper with the Makefile's flags.
func shipped(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kioskeeper")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// colour is what fills the screen in session n.
func colour(n int) uint32 {
	c := standin.SessionColor(n)
	return uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
}

// corner is the colour at the lower right of the screen, away from a marked dashboard's counter and from the pointer.
func (s *scene) corner() uint32 { return s.screen.At(s.screen.Width-10, s.screen.Height-10) }

// A daemon is a running kioskeeper.
type daemon struct {
	pid     int
	listen  string // where its status page is
	log     string // a file
	profile string // of its browser, the outer folder; learned by processes
	ended   chan struct{}
	err     error // how it ended, once it has
}

// start runs kioskeeper. It is stopped with the test, and must then leave nothing.
func (s *scene) start(t *testing.T) *daemon {
	t.Helper()
	log, err := os.CreateTemp(s.dir, "log-")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the process has its own
	d := &daemon{log: log.Name(), ended: make(chan struct{})}
	c := exec.Command(s.binary, "run", "--config", s.config)
	c.Stdout, c.Stderr = log, log
	c.Env = append(os.Environ(), "HOME="+s.dir, "AWS_ENDPOINT_URL_STS="+s.at.STS)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the test, which stops it
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d.pid = c.Process.Pid
	go func() { d.err = c.Wait(); close(d.ended) }()
	t.Cleanup(func() {
		d.stop(t)
		if t.Failed() {
			t.Logf("the log of kioskeeper:\n%s", d.lines())
		}
	})
	address := regexp.MustCompile(`msg=started status=http://(\S+)/`)
	eventually(t, "the status page", func() bool {
		if m := address.FindStringSubmatch(d.lines()); m != nil {
			d.listen = m[1]
		}
		return d.listen != ""
	})
	return d
}

// stop ends it as a service manager does.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	d.signal(t, syscall.SIGTERM)
	if d.err != nil && !d.killed() {
		t.Errorf("kioskeeper ended with %v", d.err)
	}
	if _, err := os.Stat(d.profile); d.profile != "" && !d.killed() && err == nil {
		t.Errorf("kioskeeper has left %s behind", d.profile)
	}
}

func (d *daemon) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	select {
	case <-d.ended:
		return
	default:
		_ = syscall.Kill(d.pid, s)
	}
	select {
	case <-d.ended:
	case <-time.After(patience):
		_ = syscall.Kill(d.pid, syscall.SIGKILL)
		t.Errorf("kioskeeper does not end by %s", s)
		<-d.ended
	}
}

// killed reports whether it was ended by force.
func (d *daemon) killed() bool {
	exit, ok := errors.AsType[*exec.ExitError](d.err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}

func (d *daemon) lines() string {
	text, _ := os.ReadFile(d.log) // missing text fails whoever looks for some
	return string(text)
}

// status is what the status page tells of the display.
func (d *daemon) status(t *testing.T) kiosk.Status {
	t.Helper()
	_, all, err := fetchStatus(t.Context(), d.listen)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d displays: %v", len(all), err)
	}
	return all[0]
}

// awaitShowing waits until a session later than the given one shows, on the screen and by the status, and returns its
// number. The next renewal is not under way then.
func (s *scene) awaitShowing(t *testing.T, d *daemon, after int) (n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a session after the %d. on the screen", after), func() bool {
		alive := s.aws.Sessions()
		if len(alive) == 0 || d.status(t).Phase != kiosk.PhaseShowing {
			return false
		}
		n = alive[len(alive)-1].Number
		return n > after && s.corner() == colour(n)
	})
	return n
}

// eventually waits for a condition, and fails the test when it does not come about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

// A proc is a process as /proc tells of it.
type proc struct {
	pid, parent int
	state       byte
	started     string // tells a pid from the same number used again
	args        string
}

// processes are all that run.
func processes(t *testing.T) []proc {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var all []proc
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		end := strings.LastIndexByte(string(stat), ')') // of the name, which may hold anything
		if err != nil || end < 0 {
			continue // it has gone
		}
		fields := strings.Fields(string(stat[end+1:]))
		p := proc{state: fields[0][0], started: fields[19]}
		p.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
		p.parent, _ = strconv.Atoi(fields[1])
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		p.args = strings.TrimRight(strings.ReplaceAll(string(args), "\x00", " "), " ")
		all = append(all, p)
	}
	return all
}

// tree are the processes below a pid, as far as they run.
func tree(all []proc, pid int) (below []proc) {
	for _, p := range all {
		if p.parent == pid && p.state != 'Z' {
			below = append(append(below, p), tree(all, p.pid)...)
		}
	}
	return below
}

// browser finds the browser's processes, its main one first.
func (d *daemon) browser(t *testing.T) []proc {
	t.Helper()
	below := tree(processes(t), d.pid)
	home := regexp.MustCompile(`--user-data-dir=(\S+)/home`)
	main := slices.IndexFunc(below, func(p proc) bool { return p.parent == d.pid && home.MatchString(p.args) })
	if main < 0 || len(below) < 3 {
		t.Fatalf("no browser among %d processes", len(below))
	}
	d.profile = home.FindStringSubmatch(below[main].args)[1]
	below[0], below[main] = below[main], below[0]
	return below
}

// field is the value of a key in the last line of the log that has this message; "" without one.
func (d *daemon) field(message, key string) (value string) {
	form := regexp.MustCompile(regexp.QuoteMeta("msg="+message+" ") + `.*\b` + key + `=(\S+)`)
	for lines := bufio.NewScanner(strings.NewReader(d.lines())); lines.Scan(); {
		if m := form.FindStringSubmatch(lines.Text()); m != nil {
			value = m[1]
		}
	}
	return value
}
