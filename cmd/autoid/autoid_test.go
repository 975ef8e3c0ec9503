package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"autoid": main, "fetch": fetch})
}

func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"port": port, "await": await, "publisher": publisher, "private": private, "hangup": hangup, "serving": serving,
		"asked": asked, "stopped": stopped, "variables": variables, "filled": filled,
		"imitating": imitating, "page": page, "example": example, "pipeline": pipeline,
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands(),
	})
}

// port NAME: sets $NAME to a port that is free on loopback.
func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, p, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], p)
}

// await PORT [FILE TEXT]: until something listens there, and the file has the text.
func await(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			_ = c.Close()
			if len(args) == 1 {
				return
			}
			var text []byte
			text, err = os.ReadFile(ts.MkAbs(args[1]))
			if err == nil && strings.Contains(string(text), args[2]) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("await %v: not in 20 s (%v)", args, err)
		}
	}
}

// filled FILE: until the file has a whole line.
func filled(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.HasSuffix(string(text), "\n") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("filled %v: not in 20 s", args)
		}
	}
}

// publisher FILE: sets $PUBLISHER to what keys init printed there.
func publisher(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "publisher "); ok {
			ts.Setenv("PUBLISHER", p)
			return
		}
	}
	ts.Fatalf("no publisher in %s", args[0])
}

// private DIR: every file below it is for its owner alone.
func private(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.Walk(ts.MkAbs(args[0]), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 && path != ts.MkAbs(args[0]) {
			ts.Fatalf("%s: mode %v", path, info.Mode())
		}
		return err
	}))
}

// hangup: sends SIGHUP to the one background process.
func hangup(ts *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGHUP))
	}
}

// A pipeListener gives the server one connection, which lives within a test's bubble.
type pipeListener struct{ conns chan net.Conn }

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (pipeListener) Close() error   { return nil }
func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestASlowSenderIsCutOff(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"header": "POST /v2/credential HTTP/1.1\r\nHost: id",
		"body":   "POST /v2/credential HTTP/1.1\r\nHost: id\r\nContent-Length: 1000\r\n\r\nAID2",
		"idle":   "",
	} {
		synctest.Test(t, func(t *testing.T) {
			l := pipeListener{make(chan net.Conn, 1)}
			read := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
			s := newHTTPServer(http.HandlerFunc(read), slog.New(slog.DiscardHandler))
			go func() { _ = s.Serve(l) }()
			ours, theirs := net.Pipe()
			l.conns <- theirs
			start := time.Now()
			if _, err := io.WriteString(ours, sent); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, bufio.NewReader(ours)) // until the server hangs up
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s: cut off after %v", name, took)
			}
			close(l.conns)
			_ = s.Close()
			_ = ours.Close()
		})
	}
}
