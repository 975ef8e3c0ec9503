package chromium

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// Watch says how closely a page that shows is watched. Events of the browser are noticed at once in any case.
type Watch struct {
	Every time.Duration // between two looks at a page that nothing is heard of; 0: 5 s
	Hang  time.Duration // how long a page may owe an answer; 0: 10 s
}

const (
	// passing is how long a page may be something else on its way back to the view.
	passing = 500 * time.Millisecond
	// stalled is how long a view that has shown may be loading again.
	stalled = 30 * time.Second
	// hangs is how often a page may hang before it is loaded anew, rather than have its script terminated.
	hangs = 3
)

// A watcher looks at one page until something is wrong with it for good, and then says so.
type watcher struct {
	Watch
	p      *page
	view   kiosk.View
	rules  Rules
	denied chan string
	mended func(times int) // told that a page which hung goes on
}

// watch begins to watch what shows.
func (b *Browser) watch(v kiosk.View, rules Rules) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stage == nil {
		return
	}
	b.view, b.viewRules = v, rules
	p := b.stage.front.Load()
	w := &watcher{Watch: b.Watch, p: p, view: v, rules: rules, denied: make(chan string, 1), mended: func(times int) {
		b.Log.Warn("the page hung; its script was terminated", "page", where(v.Address), "times", times)
	}}
	if w.Every == 0 {
		w.Every = 5 * time.Second
	}
	if w.Hang == 0 {
		w.Hang = 10 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	b.unwatch = func() { cancel(); <-done }
	go func() {
		defer close(done)
		for {
			t, ok := w.run(ctx)
			if !ok {
				return
			}
			// Each page is told of once for each kind: whoever hears it mends it, and goes on trying by himself.
			if !slices.Contains(p.told, t.Kind) {
				p.told = append(p.told, t.Kind)
				select {
				case b.troubles <- t:
				default:
				}
			}
			if t.Kind != kiosk.Denied { // nothing more can be learned from this page
				return
			}
		}
	}()
}

// run watches until there is a trouble, or ctx ends.
func (w *watcher) run(ctx context.Context) (kiosk.Trouble, bool) {
	w.p.follow(w.call)
	defer w.p.follow(nil)
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	var last finding
	since, hung := time.Now(), 0
	for {
		f, err := w.look(ctx)
		switch {
		case ctx.Err() != nil:
			return kiosk.Trouble{}, false
		case errors.Is(err, errClosed):
			return kiosk.Trouble{Kind: kiosk.Exited, Detail: errClosed.Error()}, true
		case err != nil:
			if hung++; hung > hangs || !w.terminate(ctx) {
				return kiosk.Trouble{Kind: kiosk.Crashed, Detail: "the page hangs"}, true
			}
			w.mended(hung)
			continue
		}
		if f.verdict != last.verdict {
			since = time.Now()
		}
		last = f
		again := tick.C
		if kind, after := trouble(f); kind != "" {
			if _, crashed := w.p.now(); crashed || time.Since(since) >= after {
				return kiosk.Trouble{Kind: kind, Detail: f.detail}, true
			}
			again = time.After(min(after, w.Every))
		}
		select {
		case <-again:
		case <-w.p.changed:
		case detail := <-w.denied:
			return kiosk.Trouble{Kind: kiosk.Denied, Detail: detail}, true
		case <-w.p.c.closed:
		case <-ctx.Done():
		}
	}
}

// trouble says what a finding means for a page that has shown, once it has lasted.
func trouble(f finding) (kind kiosk.TroubleKind, after time.Duration) {
	switch f.verdict {
	case signIn, sessions:
		return kiosk.SignedOut, passing
	case failed, strayed:
		return kiosk.Crashed, passing
	case loading:
		return kiosk.Crashed, stalled
	}
	return "", 0
}

func (w *watcher) look(ctx context.Context) (finding, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Hang)
	defer cancel()
	return w.p.look(ctx, w.view, w.rules)
}

// terminate ends the script that keeps the page from answering, and reports whether it answers now.
func (w *watcher) terminate(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, w.Hang)
	defer cancel()
	return w.p.call(ctx, "Runtime.terminateExecution", nil, nil) == nil && w.p.eval(ctx, "1", nil) == nil
}

// call hears of the page's own calls. A refused one to the page's own site tells that the session is over: the picture
// may go on looking well, with data that no longer changes.
func (w *watcher) call(method, address string, status int) {
	if status != 401 && status != 403 {
		return
	}
	u, err := url.Parse(address)
	wanted, err2 := url.Parse(w.view.Address)
	if err != nil || err2 != nil || site(u.Hostname()) != site(wanted.Hostname()) {
		return
	}
	select {
	case w.denied <- place(u) + " answers with status " + strconv.Itoa(status):
	default:
	}
}

// site is the end of a host name that the hosts of one console share: its last two labels.
func site(host string) string {
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}
