package execstore_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/execstore"
)

const planted = "plantedSECRET0123456789"

// TestMain makes this test's own binary the program that the tests run: on every system, without a shell.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "print" {
		print(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

func print(what string) {
	seconds, _ := strconv.Atoi(os.Getenv("AUTOID_DURATION"))
	keys := func(lease time.Duration) {
		fmt.Printf(`{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":%q,"SessionToken":"t","Expiration":%q}`,
			planted, time.Now().Add(lease).UTC().Format(time.RFC3339))
	}
	switch what {
	case "lease":
		keys(time.Duration(seconds) * time.Second)
	case "too long":
		keys(time.Duration(seconds)*time.Second + time.Hour)
	case "expired":
		keys(-time.Second)
	case "no expiration":
		fmt.Printf(`{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":%q,"SessionToken":"t"}`, planted)
	case "long-term":
		fmt.Printf(`{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":%q}`, planted)
	case "version 2":
		fmt.Printf(`{"Version":2,"AccessKeyId":"AKIA","SecretAccessKey":%q}`, planted)
	case "text":
		fmt.Println(planted)
	case "much":
		fmt.Print(strings.Repeat(planted, 1<<15))
	case "fail":
		fmt.Print(planted)
		fmt.Fprintln(os.Stderr, "cannot:\x1b[31m no token", planted, "AbCdEf0123456789aaaa at /etc/thing")
		os.Exit(3)
	case "hang":
		signal.Notify(make(chan os.Signal, 1), os.Interrupt) // or Go would see that nothing can ever happen
		select {}
	case "environment":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	}
}

func program(t *testing.T, what string) execstore.Program {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(self, 0o755); err != nil {
		t.Fatal(err)
	}
	// The race detector would have each program wait a second before its end.
	return execstore.Program{Command: []string{self, "print", what}, Env: map[string]string{"GORACE": "atexit_sleep_ms=0"}}
}

func get(t *testing.T, p execstore.Program) (string, string, error) {
	var log bytes.Buffer
	s := execstore.Store{Programs: map[string]execstore.Program{"x": p}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	c, err := s.Credential(t.Context(), autoid.Grant{
		Client: "lobby-tv", Want: autoid.Want{Store: "exec", ID: "x"}, Duration: time.Hour})
	if strings.Contains(fmt.Sprint(err, log.String()), planted) {
		t.Errorf("a secret in error or log: %v %s", err, log.String())
	}
	return c.JSON.Reveal(), log.String(), err
}

func TestProgramsAreAStore(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		programs := map[string]execstore.Program{"wall": program(t, "lease")}
		return autoidtest.Store{
			Store: execstore.Store{Programs: programs}, Has: "wall", HasNot: "hall", Secrets: []string{planted}, Leases: true,
			Break: func() { programs["wall"] = program(t, "fail") },
		}
	})
}

func TestTextsOfProgramsAreAStoreToo(t *testing.T) {
	t.Parallel()
	autoidtest.TestStore(t, func(t *testing.T) autoidtest.Store {
		p := program(t, "text")
		p.Raw = true
		return autoidtest.Store{
			Store: execstore.Store{Programs: map[string]execstore.Program{"wall": p}},
			Has:   "wall", Content: `"` + planted + `"`, HasNot: "hall", Secrets: []string{planted},
		}
	})
}

func TestWhatAProgramPrintsIsChecked(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"too long": "AUTOID_DURATION", "expired": "has expired", "no expiration": "without its Expiration",
		"version 2": "credential_process", "text": "credential_process", "nothing": "printed nothing",
		"much": "over 131072 bytes", "fail": "exit status 3",
	} {
		if _, _, err := get(t, program(t, what)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	if got, _, err := get(t, program(t, "long-term")); err != nil || !strings.Contains(got, planted) {
		t.Errorf("long-term keys: %v", err)
	}
}

func TestAProgramThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	p := program(t, "hang")
	p.Timeout = 50 * time.Millisecond
	if _, _, err := get(t, p); err == nil || !strings.Contains(err.Error(), "it took over 50ms") {
		t.Errorf("%v", err)
	}
}

func TestAProgramSeesNothingOfTheServersEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", planted)
	p := program(t, "environment")
	p.Raw, p.Env["HOME"], p.Env["AUTOID_CLIENT"] = true, "/nowhere", "another"
	got, _, err := get(t, p)
	if err != nil || strings.Contains(got, planted) {
		t.Fatalf("%v %s", err, got)
	}
	for _, want := range []string{"HOME=/nowhere", "AUTOID_CLIENT=lobby-tv", "AUTOID_WANT=exec/x", "AUTOID_DURATION=3600"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "another") {
		t.Error("a setting took the client's name away")
	}
}

func TestWhatAProgramSaysIsLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	_, log, err := get(t, program(t, "fail"))
	if err == nil || !strings.Contains(log, "cannot: [31m no token [redacted] [redacted] at /etc/thing") {
		t.Errorf("%v %s", err, log)
	}
}

func TestAProgramThatOthersMayChangeIsNotRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o772); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, execstore.Program{Command: []string{path}}); err == nil || !strings.Contains(err.Error(), "chmod go-w "+path) {
		t.Errorf("%v", err)
	}
}
