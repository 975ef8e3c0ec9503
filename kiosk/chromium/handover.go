package chromium

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// mint makes a one-time sign-in address.
type mint = func(context.Context) (address string, err error)

// A handover replaces what shows on the stage. On an error the stage shows what it showed before.
type handover interface {
	// renew signs in anew and puts the view on the stage.
	renew(ctx context.Context, s *stage, v kiosk.View, rules Rules, mint mint) error
	// put replaces what shows by the view, within the stage's session.
	put(ctx context.Context, s *stage, v kiosk.View, rules Rules) error
}

// A stage is what one browser process shows: a window, in it the page in front, and the cookie jar that it lives on.
type stage struct {
	c      *conn
	jar    string // the browser context of what shows
	screen size
	front  atomic.Pointer[page] // read by Screenshot too
	log    *slog.Logger
}

// newJar makes an off-the-record context: a cookie jar, with caches and storage that live in memory only.
func newJar(ctx context.Context, c *conn) (string, error) {
	var r struct{ BrowserContextID string }
	err := c.call(ctx, "", "Target.createBrowserContext", params{"disposeOnDetach": false}, &r)
	return r.BrowserContextID, err
}

// newPage makes a page in the jar; how says what kind of tab or window it is.
func newPage(ctx context.Context, c *conn, jar string, how params) (*page, error) {
	p := params{"url": "about:blank", "browserContextId": jar}
	for k, v := range how {
		p[k] = v
	}
	var r struct{ TargetID string }
	if err := c.call(ctx, "", "Target.createTarget", p, &r); err != nil {
		return nil, err
	}
	return attach(ctx, c, r.TargetID)
}

// restoreTime is how long it may take to undo a renewal.
const restoreTime = 10 * time.Second

// tabs is the handover between two tabs of one window, the way that leaves not a single frame without one or the other.
//
//	hidden page, own jar: sign in, verify ─▶ its cookies ─▶ background tab in the window's jar: load, verify, paint
//	─▶ bring to front ─▶ verify again ─▶ close the old tab
//
// A new window would not do: it covers the old one before it has anything to show.
type tabs struct{}

func (tabs) renew(ctx context.Context, s *stage, v kiosk.View, rules Rules, mint mint) error {
	fresh, err := s.signIn(ctx, v, rules, mint)
	if err != nil {
		return err
	}
	s.log.Info("verified out of sight")
	old, err := cookies(ctx, s.c, s.jar)
	if err != nil {
		return err
	}
	// From here on the old tab lives on the new session's cookies. It must not notice, or it would log itself out or put
	// up a notice.
	s.still(ctx, true)
	if err = setCookies(ctx, s.c, s.jar, fresh); err == nil {
		err = tabs{}.put(ctx, s, v, rules)
	}
	if err != nil && ctx.Err() == nil {
		// The hidden page did show the view: what signs in may keep more than cookies. One sign-in in the tab itself
		// settles it.
		s.log.Warn("the view does not show with the new session's cookies alone; signing in once more in the tab itself", "err", err)
		err = s.swap(ctx, v, rules, mint)
	}
	if err == nil {
		s.log.Info("painted, verified and swapped in")
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTime) // also when the time was up
	defer cancel()
	if back := setCookies(ctx, s.c, s.jar, old); back != nil {
		s.log.Warn("the old session's cookies could not be put back", "err", back)
	}
	s.still(ctx, false)
	return err
}

func (tabs) put(ctx context.Context, s *stage, v kiosk.View, rules Rules) error {
	return s.swap(ctx, v, rules, func(context.Context) (string, error) { return v.Address, nil })
}

// signIn signs in out of sight, in a jar of its own, and returns that jar's cookies once the view shows.
func (s *stage) signIn(ctx context.Context, v kiosk.View, rules Rules, mint mint) ([]cookie, error) {
	jar, err := newJar(ctx, s.c)
	if err != nil {
		return nil, err
	}
	defer s.dispose(ctx, jar)
	hidden, err := newPage(ctx, s.c, jar, params{"hidden": true, "background": true}) // makes no window
	if err != nil {
		return nil, err
	}
	defer hidden.close(context.WithoutCancel(ctx)) // before its jar: disposing alone leaks the page's process
	// It has no window to take its size from.
	if err := hidden.call(ctx, "Emulation.setDeviceMetricsOverride", params{"width": s.screen.Width, "height": s.screen.Height,
		"deviceScaleFactor": 1, "mobile": false}, nil); err != nil {
		return nil, err
	}
	address, err := mint(ctx)
	if err != nil {
		return nil, err
	}
	if err := hidden.navigate(ctx, address); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if err := hidden.await(ctx, v, rules, arrived); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return cookies(ctx, s.c, jar)
}

func (s *stage) dispose(ctx context.Context, jar string) {
	_ = s.c.call(context.WithoutCancel(ctx), "", "Target.disposeBrowserContext", params{"browserContextId": jar}, nil)
}

// still stops the front page's scripts, or lets them run again. The picture stays.
func (s *stage) still(ctx context.Context, on bool) {
	_ = s.front.Load().call(context.WithoutCancel(ctx), "Emulation.setScriptExecutionDisabled", params{"value": on}, nil)
}

// swap loads what address gives in a background tab, and brings that to the front when it shows the view.
func (s *stage) swap(ctx context.Context, v kiosk.View, rules Rules, address mint) (err error) {
	next, err := newPage(ctx, s.c, s.jar, params{"background": true})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			next.close(context.WithoutCancel(ctx))
		}
	}()
	to, err := address(ctx)
	if err != nil {
		return err
	}
	if err := next.navigate(ctx, to); err != nil {
		return err
	}
	if err := next.await(ctx, v, rules, painted); err != nil {
		return err
	}
	if err := next.call(ctx, "Page.bringToFront", nil, nil); err != nil {
		return err
	}
	if found, err := next.look(ctx, v, rules); err != nil || found.verdict != showing {
		_ = s.front.Load().call(context.WithoutCancel(ctx), "Page.bringToFront", nil, nil)
		if err == nil {
			err = found
		}
		return fmt.Errorf("after the swap: %w", err)
	}
	old := s.front.Swap(next)
	old.close(context.WithoutCancel(ctx))
	return nil
}
