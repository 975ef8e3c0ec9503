package clientdir

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

const planted = "PLANTED/secret"

// A desk is a Leases with a clock that a test sets, and a server that it counts.
type desk struct {
	*Leases
	clock  time.Time
	asked  atomic.Int64
	fails  error
	life   time.Duration // 0: keys that never end
	skew   time.Duration
	logged bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	state, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), life: time.Hour}
	d.Leases = &Leases{State: state, Log: slog.New(slog.NewTextHandler(&d.logged, nil)), now: func() time.Time { return d.clock }}
	return d
}

func (d *desk) fetch(context.Context) (Lease, error) {
	d.asked.Add(1)
	if d.fails != nil {
		return Lease{}, d.fails
	}
	keys := autoid.AWSKeys{AccessKeyID: "ASIA", SecretAccessKey: secret.New(planted), SessionToken: secret.New(planted)}
	if d.life != 0 {
		keys.Expires = d.clock.Add(d.life - d.skew)
	}
	return Lease{AWSKeys: keys, Got: d.clock, Skew: d.skew}, nil
}

// want asks, and checks how often the server has been asked.
func (d *desk) want(t *testing.T, what string, asked int64) Lease {
	t.Helper()
	l, err := d.Get(t.Context(), "key", false, d.fetch)
	if err != nil || d.asked.Load() != asked {
		t.Fatalf("%s: %v; asked %d times, want %d", what, err, d.asked.Load(), asked)
	}
	return l
}

func TestALeaseIsKeptForTwoThirdsOfItsLife(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.want(t, "first", 1)
	d.clock = d.clock.Add(40*time.Minute - time.Second)
	if again := d.want(t, "fresh", 1); !again.Expires.Equal(first.Expires) || again.SecretAccessKey.Reveal() != planted {
		t.Errorf("%+v, then %+v", first, again)
	}
	d.clock = d.clock.Add(time.Second)
	d.want(t, "two thirds", 2)
	d.clock = d.clock.Add(-time.Minute)
	d.want(t, "the clock was set back", 3)
	if _, err := d.Get(t.Context(), "key", true, d.fetch); err != nil || d.asked.Load() != 4 {
		t.Errorf("anew: %v, asked %d times", err, d.asked.Load())
	}
	if _, err := d.Get(t.Context(), "another", false, d.fetch); err != nil || d.asked.Load() != 5 {
		t.Errorf("another key: %v, asked %d times", err, d.asked.Load())
	}
}

func TestAClockThatIsAheadDoesNotEndALease(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.skew = 5 * time.Hour
	d.want(t, "first", 1)
	d.clock = d.clock.Add(39 * time.Minute)
	d.want(t, "fresh by this clock", 1)
}

func TestKeysWithoutAnEndAreNotKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.life = 0
	d.want(t, "first", 1)
	d.want(t, "second", 2)
	if _, kept := d.Kept("key"); kept {
		t.Error("kept")
	}
}

func TestAnOldLeaseOutlivesAnOutageButNoRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		after time.Duration
		lives bool
	}{
		{errors.New("no route"), 50 * time.Minute, true},
		{&autoid.Error{Code: autoid.Unavailable}, 50 * time.Minute, true},
		{errors.New("no route"), time.Hour, false},
		{autoid.ErrRefused, 50 * time.Minute, false},
		{&autoid.Error{Code: autoid.Denied}, 50 * time.Minute, false},
	} {
		d := newDesk(t)
		d.want(t, "first", 1)
		d.clock, d.fails = d.clock.Add(c.after), c.err
		if _, err := d.Get(t.Context(), "key", false, d.fetch); (err == nil) != c.lives {
			t.Errorf("%v after %v: %v", c.err, c.after, err)
		}
		if strings.Contains(d.logged.String(), planted) {
			t.Error("a secret in the log")
		}
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := d.Get(t.Context(), "key", false, d.fetch); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := d.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWhatIsKeptIsSealedAndDamageIsForgotten(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.want(t, "first", 1)
	path := d.path("key")
	for name := range files(t, d.State.Dir) {
		content, err := os.ReadFile(name)
		if err != nil || bytes.Contains(content, []byte(planted)) || bytes.Contains(content, []byte("ASIA")) {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path("another"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Kept("another"); ok {
		t.Error("one lease was taken for another")
	}
	for asked, damaged := range [][]byte{nil, {}, sealed[1:], []byte("{}")} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		d.want(t, "damaged", int64(asked)+2)
	}
}

// files are all below dir, each of them private.
func files(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
		found[path] = true
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d files, %v", len(found), err)
	}
	return found
}

func FuzzParseLease(f *testing.F) {
	f.Add([]byte(`{"got":"2026-01-02T03:04:05Z","skew_ns":1,"keys":{"Version":1,"AccessKeyId":"A","SecretAccessKey":"` + planted +
		`","Expiration":"2026-01-02T04:04:05Z"}}`))
	f.Add([]byte(`{"keys":"` + planted + `"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLease(data)
		if err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("a secret in %v", err)
		}
		if err == nil && (l.Expires.IsZero() || l.SecretAccessKey.Empty()) {
			t.Errorf("taken: %+v", l)
		}
	})
}
