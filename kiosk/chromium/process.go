package chromium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// flags that every start has, and what they are for.
var flags = []string{
	// No TCP port: that would be open to every user of the machine.
	"--remote-debugging-pipe",
	// Nothing asks, and nothing overlays.
	"--no-first-run", "--no-default-browser-check", "--noerrdialogs", "--deny-permission-prompts",
	"--disable-session-crashed-bubble", "--hide-crash-restore-bubble", "--disable-infobars",
	"--disable-features=Translate,MediaRouter,GlobalMediaControls",
	// Nothing phones home.
	"--disable-background-networking", "--disable-component-update", "--disable-sync",
	// A crash dump holds cookies.
	"--disable-breakpad", "--disable-crash-reporter",
	// No keyring asks for its password.
	"--password-store=basic",
	"--window-position=0,0",
}

// inherited are the variables that the browser gets from us. It gets no others: they may hold secrets.
var inherited = []string{"DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE", "DBUS_SESSION_BUS_ADDRESS",
	"PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}

// A process is a running browser.
type process struct {
	*conn
	cmd     *exec.Cmd
	profile *profile
	done    chan struct{} // closed when it has been waited for
	last    *tail
}

// start runs the browser until stop, or until its own end.
func (b *Browser) start() (*process, error) {
	who, err := b.account()
	if err != nil {
		return nil, err
	}
	path, err := b.program()
	if err != nil {
		return nil, err
	}
	prof, err := newProfile(b.places(), who.uid, who.gid)
	if err != nil {
		return nil, err
	}
	theirs, ours, err := pipes()
	if err != nil {
		return nil, errors.Join(err, prof.remove())
	}
	args := append(flags[:len(flags):len(flags)], "--user-data-dir="+prof.home)
	if !b.Windowed {
		args = append(args, "--kiosk") // no frame, no address bar
	}
	if who.root {
		args = append(args, "--no-sandbox")
	}
	if os.Getenv("WAYLAND_DISPLAY") != "" && os.Getenv("DISPLAY") == "" {
		args = append(args, "--ozone-platform=wayland")
	}
	p := &process{profile: prof, done: make(chan struct{}), last: &tail{}}
	p.cmd = exec.Command(path, append(append(args, b.Flags...), "about:blank")...)
	p.cmd.ExtraFiles = theirs[:] // as descriptors 3 and 4, where the browser looks for them
	p.cmd.Stderr = p.last
	p.cmd.WaitDelay = time.Second // a grandchild may hold stderr open
	p.cmd.Dir = prof.home
	p.cmd.Env = append(environment(), "HOME="+prof.home, "TMPDIR="+prof.tmp())
	p.cmd.SysProcAttr = attributes(who)

	started := make(chan error, 1)
	go p.run(started) // one thread for the process's whole life: see run
	err = <-started
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		for _, f := range ours {
			_ = f.Close()
		}
		return nil, errors.Join(fmt.Errorf("start %s: %w", path, err), prof.remove())
	}
	p.conn = newConn(ours[0], ours[1])
	go func() { // the pipe's ends go when the process has
		<-p.done
		for _, f := range ours {
			_ = f.Close()
		}
	}()
	return p, nil
}

// pipes makes the two pipes of DevTools: the browser's ends (commands to read, answers to write) and ours (answers to
// read, commands to write).
func pipes() (theirs, ours [2]*os.File, err error) {
	if theirs[0], ours[1], err = os.Pipe(); err != nil {
		return theirs, ours, err
	}
	if ours[0], theirs[1], err = os.Pipe(); err != nil {
		_ = theirs[0].Close()
		_ = ours[1].Close()
	}
	return theirs, ours, err
}

func environment() (env []string) {
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// stop ends the browser and everything that it started, and removes its profile. It may be called twice.
func (p *process) stop() error {
	polite, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if p.call(polite, "", "Browser.close", nil, nil) == nil {
		select {
		case <-p.done:
		case <-polite.Done():
		}
	}
	killGroup(p.cmd.Process) // also what outlived the browser itself
	<-p.done
	return p.profile.remove()
}

// tail keeps the end of what the browser writes to its standard error, to be told when it does not start.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

// lastLine is the last line that was written.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	return strings.TrimSpace(string(lines[len(lines)-1]))
}
