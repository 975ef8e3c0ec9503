package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kioskeeper/kioskeeper/internal/standin"
)

func TestVerbs(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(condition string) (bool, error) {
			if condition == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "bundle": bundle, "world": world, "await": await},
	})
}

// visit is a browser that loads the one page it is given, and runs none of its scripts. For a sign-in that is enough to
// count as picked up.
func visit() {
	// Before the page: once that is loaded, kioskeeper has done its work and the script goes on.
	if environ := os.Getenv("VISIT_ENVIRON"); environ != "" {
		_ = os.WriteFile(environ, []byte(strings.Join(os.Environ(), "\n")), 0o600)
	}
	resp, err := http.Get(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// exits CODE PROGRAM ARG...: runs the program, which ends with that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ends with %d, want %s", code, args[0])
	}
}

// bundle FOLDER: makes a folder that looks like a client's bundle.
func bundle(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Mkdir(ts.MkAbs(args[0]), 0o700))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "bundle.json"), nil, 0o600))
}

// world FILE: starts a stand-in for AWS and an auto-id server, and writes a configuration for them, whose browser is the
// default one. A script that also sets AWS_ENDPOINT_URL_STS to $STS is served by them alone.
func world(ts *testscript.TestScript, _ bool, args []string) {
	r, err := rehearse(context.Background(), &standin.Server{Life: time.Hour}, slog.New(slog.DiscardHandler))
	ts.Check(err)
	ts.Defer(func() { ts.Check(r.close()) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Check(l.Close()) // the port is kioskeeper's now
	ts.Setenv("STATUS", l.Addr().String())
	ts.Setenv("STS", r.at.STS)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(r.config("kind = \"default\"", l.Addr().String())), 0o600))
}

// config is the configuration file of a wall in the rehearsal's world.
func (r *rehearsal) config(browser, listen string) string {
	return fmt.Sprintf(`[credentials]
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
[browser]
%s
[[display]]
name = "lobby"
[[display.view]]
cloudwatch = "payments"
region = %q
[status]
listen = %q
`, rehearsalClient, filepath.Join(r.folder, "bundle"), r.client.Publisher, rehearsalWant, standin.DefaultRole, r.at.SignIn,
		r.at.Console("{region}"), browser, demoRegion, listen)
}

// await PHASE: until the display of the kioskeeper at $STATUS is in that phase.
func await(ts *testscript.TestScript, _ bool, args []string) {
	var seen string
	within(ts, func() bool {
		resp, err := http.Get("http://" + ts.Getenv("STATUS") + "/status.json")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var answer struct{ Displays []struct{ Phase string } }
		if json.NewDecoder(resp.Body).Decode(&answer) == nil && len(answer.Displays) == 1 {
			seen = answer.Displays[0].Phase
		}
		return seen == args[0]
	}, func() string { return "phase " + seen + ", want " + args[0] })
}

// within asks again and again until it is so; what says what else it was.
func within(t interface{ Fatalf(string, ...any) }, so func() bool, what func() string) {
	const limit = 30 * time.Second
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); !so(); <-tick.C {
		if time.Since(start) > limit {
			t.Fatalf("not in %v: %s", limit, what())
		}
	}
}
