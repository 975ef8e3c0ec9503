package kiosk_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// A wall is a screen, a sign-in service and a watcher who notes what shows, all in the bubble's time.
type wall struct {
	t     *testing.T
	life  time.Duration
	began time.Time
	step  atomic.Int64 // how far the machine's wall clock was set ahead of the bubble's, in ns

	signInTakes, renewTakes time.Duration
	mints                   int // sign-ins that the screen needs for a renewal
	openFails               func() error
	signInFails             func() error // nil: it works
	renewFails              func() error
	reloadFails             func() error

	troubles chan kiosk.Trouble

	mu       sync.Mutex // guards what follows
	running  bool
	shows    string // "", "local" or "view"
	expires  time.Time
	shown    []interval
	busy     bool
	signIns  int
	opens    int
	renewals int
	reloads  int
	holds    int
	closed   bool
}

// An interval is how long something showed.
type interval struct {
	what     string
	from, to time.Time
	expires  time.Time // of the view's session
}

func newWall(t *testing.T, life time.Duration) *wall {
	return &wall{t: t, life: life, began: time.Now(), signInTakes: time.Second, renewTakes: 2 * time.Second, mints: 1,
		troubles: make(chan kiosk.Trouble, 1000)}
}

func (w *wall) display(seed uint64) *kiosk.Display {
	draws := rand.New(rand.NewPCG(seed, 0))
	return &kiosk.Display{
		Name: "lobby", View: kiosk.View{Address: "https://console.example.com/cloudwatch"}, SignIn: w.signIn, Screen: w,
		Handoff: &kiosk.Handoff{Base: "http://127.0.0.1:1"}, Rand: draws.Float64,
		Now: w.clock,
	}
}

// run keeps a display while scenario plays, then sees to it that all ends.
func (w *wall) run(d *kiosk.Display, scenario func()) {
	ctx, stop := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	scenario()
	synctest.Wait()
	stop()
	running.Wait()
	if !w.closed {
		w.t.Error("the screen was not closed")
	}
}

// sleep lets d of the bubble's time pass.
func (w *wall) sleep(d time.Duration) { time.Sleep(d); synctest.Wait() }

// clock is the machine's wall clock.
func (w *wall) clock() time.Time { return time.Now().Add(time.Duration(w.step.Load())) }

// now is the time that has passed since the start.
func (w *wall) now() time.Duration { return time.Since(w.began) }

func (w *wall) signIn(ctx context.Context) (kiosk.Ticket, error) {
	w.add(&w.signIns)
	if err := pause(ctx, w.signInTakes); err != nil {
		return kiosk.Ticket{}, err
	}
	if w.signInFails != nil {
		if err := w.signInFails(); err != nil {
			return kiosk.Ticket{}, err
		}
	}
	now := w.clock()
	return kiosk.Ticket{Address: "https://signin.example.com/federation",
		Lease: kiosk.Lease{Issued: now, Expires: now.Add(w.life)}}, nil
}

// count reads one of the counters while the display runs.
func (w *wall) count(n *int) int { w.mu.Lock(); defer w.mu.Unlock(); return *n }

func (w *wall) add(n *int) { w.mu.Lock(); defer w.mu.Unlock(); *n++ }

// showing is what shows now.
func (w *wall) showing() string { w.mu.Lock(); defer w.mu.Unlock(); return w.shows }

// only fails the test when two calls move the screen at once.
func (w *wall) only() func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		w.t.Error("two calls move the screen at once")
	}
	w.busy = true
	return func() { w.mu.Lock(); defer w.mu.Unlock(); w.busy = false }
}

func (w *wall) put(what string, expires time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note()
	w.shows, w.expires = what, expires
}

// note closes the last interval. The lock is held.
func (w *wall) note() {
	from := w.began
	if n := len(w.shown); n > 0 {
		from = w.shown[n-1].to
	}
	w.shown = append(w.shown, interval{w.shows, from, time.Now(), w.expires})
}

// intervals is what showed until now.
func (w *wall) intervals() []interval {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note()
	return w.shown
}

func (w *wall) Open(ctx context.Context, address string) error {
	defer w.only()()
	w.add(&w.opens)
	w.put("", time.Time{})
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	if w.openFails != nil {
		if err := w.openFails(); err != nil {
			return err
		}
	}
	if !strings.HasSuffix(address, "/displays/lobby/holding") {
		w.t.Errorf("opened on %s", address)
	}
	w.mu.Lock()
	w.running = true
	w.mu.Unlock()
	w.put("local", time.Time{})
	return nil
}

func (w *wall) Renew(ctx context.Context, v kiosk.View, mint func(context.Context) (string, error)) error {
	defer w.only()()
	if !w.running {
		return errors.New("the browser does not run")
	}
	var expires time.Time // of the first: this wall expects the worst
	for range w.mints {
		if _, err := mint(ctx); err != nil {
			return err
		}
		if expires.IsZero() {
			expires = time.Now().Add(w.life)
		}
	}
	if err := pause(ctx, w.renewTakes); err != nil {
		return err
	}
	if w.renewFails != nil {
		if err := w.renewFails(); err != nil {
			return err
		}
	}
	w.add(&w.renewals)
	w.put("view", expires)
	return nil
}

func (w *wall) Reload(ctx context.Context, v kiosk.View) error {
	defer w.only()()
	w.add(&w.reloads)
	if w.reloadFails != nil {
		return w.reloadFails()
	}
	return pause(ctx, time.Second)
}

func (w *wall) Hold(_ context.Context, address string) error {
	defer w.only()()
	if !w.running {
		return errors.New("the browser does not run")
	}
	w.add(&w.holds)
	w.put("local", time.Time{})
	return nil
}

func (w *wall) Troubles() <-chan kiosk.Trouble { return w.troubles }

func (w *wall) Screenshot(context.Context) ([]byte, error) { return []byte("\x89PNG"), nil }

func (w *wall) Close() error { w.closed = true; return nil }

// kill ends the browser.
func (w *wall) kill() {
	w.mu.Lock()
	w.running = false
	w.mu.Unlock()
	w.put("", time.Time{})
	w.troubles <- kiosk.Trouble{Kind: kiosk.Exited}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
