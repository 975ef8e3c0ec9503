package chromium

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// A Browser is a kiosk.Screen: one managed browser on one display. Its fields are set before Open.
type Browser struct {
	// Path is the browser's program; "" takes what Find finds.
	Path string
	// User is the ordinary user that the browser runs as where the daemon is root; "" for the daemon's own.
	User string
	// AllowRoot lets the browser run as root, without its sandbox.
	AllowRoot bool
	// Windowed shows a window of the desktop rather than a full screen.
	Windowed bool
	// Dir is where the throw-away profile goes; "" chooses a tmpfs.
	Dir string
	// Flags are passed to the browser as well.
	Flags []string
	// Rules tell sign-in pages and notices from views.
	Rules Rules
	// Watch says how closely a page that shows is watched; the zero value is right for a wall.
	Watch Watch
	// Log is told what is mended here.
	Log *slog.Logger

	once     sync.Once
	troubles chan kiosk.Trouble
	way      handover // nil: tabs

	mu      sync.Mutex // guards what follows; Screenshot comes from other goroutines
	process *process
	stage   *stage
	unwatch func()

	// What shows, for the one goroutine that puts it there.
	view      kiosk.View
	viewRules Rules
}

// openTime is how long the browser may take to start and show a local page.
const openTime = 60 * time.Second

var errNotOpen = errors.New("the browser is not running")

func (b *Browser) init() {
	b.once.Do(func() {
		b.troubles = make(chan kiosk.Trouble, 16)
		if b.way == nil {
			b.way = tabs{}
		}
		if b.Log == nil {
			b.Log = slog.New(slog.DiscardHandler)
		}
	})
}

// Check says what would keep Open from starting the browser, whatever page it was given.
func (b *Browser) Check() error {
	if _, err := b.account(); err != nil {
		return err
	}
	_, err := b.program()
	return err
}

// program is the browser's.
func (b *Browser) program() (string, error) {
	if b.Path == "" {
		return Find()
	}
	return exec.LookPath(b.Path)
}

// Troubles implements kiosk.Screen.
func (b *Browser) Troubles() <-chan kiosk.Trouble {
	b.init()
	return b.troubles
}

// Open implements kiosk.Screen.
func (b *Browser) Open(ctx context.Context, address string) error {
	return b.open(ctx, address, local(address), Rules{})
}

// open starts a browser at an address that leads to the view.
func (b *Browser) open(ctx context.Context, address string, v kiosk.View, rules Rules) error {
	b.init()
	if err := b.Close(); err != nil {
		b.Log.Warn("the old browser was not cleaned up", "err", err)
	}
	for len(b.troubles) > 0 { // they were about the browser that is gone
		<-b.troubles
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	p, err := b.start()
	if err != nil {
		return err
	}
	s, err := b.raise(ctx, p, address, v, rules)
	if err != nil {
		stopped := p.stop() // and waited for, so that its last words have come
		if last := p.last.lastLine(); errors.Is(err, errClosed) && last != "" {
			err = fmt.Errorf("%w; its last words: %s", err, last)
		}
		return errors.Join(fmt.Errorf("open the browser: %w", err), stopped)
	}
	if onDisk(p.profile.outer) {
		b.Log.Warn("the browser's profile lies on a disk, for want of a tmpfs", "folder", p.profile.outer)
	}
	b.mu.Lock()
	b.process, b.stage = p, s
	b.mu.Unlock()
	b.watch(v, rules)
	return nil
}

// raise brings up the one window of a browser that has just started, with the view in it.
func (b *Browser) raise(ctx context.Context, p *process, address string, v kiosk.View, rules Rules) (*stage, error) {
	screen, err := screenSize(ctx, p.conn)
	if err != nil {
		return nil, err
	}
	jar, err := newJar(ctx, p.conn)
	if err != nil {
		return nil, err
	}
	// Full screen is for a window manager to grant. Where there is none, the size has to do it, and the browser makes
	// windows one pixel smaller than it is told.
	window := params{"newWindow": true, "windowState": "fullscreen",
		"left": 0, "top": 0, "width": screen.Width + 1, "height": screen.Height + 1}
	if b.Windowed {
		window = params{"newWindow": true, "width": screen.Width * 3 / 4, "height": screen.Height * 3 / 4}
	}
	front, err := newPage(ctx, p.conn, jar, window)
	if err != nil {
		return nil, err
	}
	s := &stage{c: p.conn, jar: jar, screen: screen, log: b.Log}
	s.front.Store(front)
	if err := closeOthers(ctx, s); err != nil {
		return nil, err
	}
	if err := front.navigate(ctx, address); err != nil {
		return nil, err
	}
	if err := front.await(ctx, v, rules, painted); err != nil {
		return nil, err
	}
	return s, nil
}

// size is in CSS pixels.
type size struct{ Width, Height int }

// screenSize asks the first page, which a browser opens by itself.
func screenSize(ctx context.Context, c *conn) (s size, err error) {
	var all struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	for len(all.TargetInfos) == 0 {
		if err := c.call(ctx, "", "Target.getTargets", params{"filter": []params{{"type": "page"}}}, &all); err != nil {
			return s, err
		}
	}
	p, err := attach(ctx, c, all.TargetInfos[0].TargetID)
	if err != nil {
		return s, err
	}
	defer c.listen(p.session, nil)
	return s, p.eval(ctx, `({Width: screen.width, Height: screen.height})`, &s)
}

// closeOthers closes the pages that the browser opened by itself, and from now on each that a page opens: on a wall a
// second window would stand in front of the first.
func closeOthers(ctx context.Context, s *stage) error {
	s.c.listen("", func(e event) {
		var t struct {
			TargetInfo struct{ TargetID, Type, OpenerID string }
		}
		if e.decode(&t); e.Method == "Target.targetCreated" && t.TargetInfo.Type == "page" && t.TargetInfo.OpenerID != "" {
			go func() { // a sink must not call
				_ = s.c.call(context.Background(), "", "Target.closeTarget", params{"targetId": t.TargetInfo.TargetID}, nil)
			}()
		}
	})
	if err := s.c.call(ctx, "", "Target.setDiscoverTargets", params{"discover": true}, nil); err != nil {
		return err
	}
	var all struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	if err := s.c.call(ctx, "", "Target.getTargets", nil, &all); err != nil {
		return err
	}
	for _, t := range all.TargetInfos {
		if t.Type == "page" && t.TargetID != s.front.Load().target {
			if err := s.c.call(ctx, "", "Target.closeTarget", params{"targetId": t.TargetID}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// local is the view that one of our own pages is.
func local(address string) kiosk.View { return kiosk.View{Address: address} }

// Renew implements kiosk.Screen.
func (b *Browser) Renew(ctx context.Context, v kiosk.View, mint func(context.Context) (string, error)) error {
	return b.change(v, b.Rules, func(s *stage) error { return b.way.renew(ctx, s, v, b.Rules, mint) })
}

// Reload implements kiosk.Screen.
func (b *Browser) Reload(ctx context.Context, v kiosk.View) error {
	return b.change(v, b.Rules, func(s *stage) error { return b.way.put(ctx, s, v, b.Rules) })
}

// Hold implements kiosk.Screen.
func (b *Browser) Hold(ctx context.Context, address string) error {
	v := local(address)
	return b.change(v, Rules{}, func(s *stage) error { return b.way.put(ctx, s, v, Rules{}) })
}

// change has f put the view on the stage, and watches what shows from then on. While f is at work what shows is not
// watched: a page that is made to stand still would look like one that hangs.
func (b *Browser) change(v kiosk.View, rules Rules, f func(*stage) error) error {
	b.mu.Lock()
	s, unwatch := b.stage, b.unwatch
	b.mu.Unlock()
	if s == nil {
		return errNotOpen
	}
	unwatch()
	front := s.front.Load()
	err := f(s)
	if s.front.Load() == front { // the old page stayed, and is what it was
		v, rules = b.view, b.viewRules
	}
	b.watch(v, rules)
	return err
}

// Screenshot implements kiosk.Screen.
func (b *Browser) Screenshot(ctx context.Context) ([]byte, error) {
	b.mu.Lock()
	s := b.stage
	b.mu.Unlock()
	if s == nil {
		return nil, errNotOpen
	}
	return s.front.Load().screenshot(ctx, params{"format": "png", "optimizeForSpeed": true})
}

// Close implements kiosk.Screen.
func (b *Browser) Close() error {
	b.mu.Lock()
	p, unwatch := b.process, b.unwatch
	b.process, b.stage, b.unwatch = nil, nil, nil
	b.mu.Unlock()
	if unwatch != nil {
		unwatch()
	}
	if p == nil {
		return nil
	}
	return p.stop()
}
