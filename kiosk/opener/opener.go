// Package opener shows pages in the desktop's default browser.
//
// That browser is somebody else's: it can be asked to open an address, in a tab of its own choosing, and no more. So a
// page here counts as showing when the browser has picked up its sign-in; whether it then paints, crashes or is closed
// nobody tells. Earlier tabs stay. What must be proven is for kiosk/chromium.
package opener

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pkg/browser"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// patience is how long a launcher may take. One that runs on is no launcher but the browser itself, which xdg-open starts
// in the foreground where there is no desktop environment.
const patience = 10 * time.Second

// A Screen is the default browser. Its zero value is ready.
//
// The browser's arguments, which every user of the machine can read, hold nothing but the address to open: for a sign-in
// the one-time address that mint gave. The browser inherits the environment of this program, and keeps running after it:
// whoever has keys in the environment takes them out before.
type Screen struct {
	// Fetched waits until the sign-in at the address that mint gave has been picked up. Nil: a browser that was asked
	// to open it is believed to have done so.
	Fetched func(ctx context.Context, address string) error

	launch func(address string) error // nil: the default browser
}

var _ kiosk.Screen = (*Screen)(nil)

// Open shows the local page at address.
func (s *Screen) Open(ctx context.Context, address string) error { return s.show(ctx, address, nil) }

// Hold shows the local page at address, in a new tab before whatever shows.
func (s *Screen) Hold(ctx context.Context, address string) error { return s.show(ctx, address, nil) }

// Reload opens the view once more, within the session that there is.
func (s *Screen) Reload(ctx context.Context, v kiosk.View) error {
	return s.show(ctx, v.Address, nil)
}

// Renew opens a new sign-in, which leads to the view by itself.
func (s *Screen) Renew(ctx context.Context, _ kiosk.View, mint func(context.Context) (string, error)) error {
	if err := desktop(); err != nil {
		return err // before a sign-in is made for nothing
	}
	address, err := mint(ctx)
	if err != nil {
		return err
	}
	return s.show(ctx, address, s.Fetched)
}

// Troubles never tells anything: the default browser does not.
func (s *Screen) Troubles() <-chan kiosk.Trouble { return nil }

// Screenshot is not to be had.
func (s *Screen) Screenshot(context.Context) ([]byte, error) {
	return nil, errors.New(`default browser: it gives no pictures of its pages (kind = "managed" under [browser] does)`)
}

// Close leaves the browser alone: it is the user's, with tabs that are the user's too.
func (s *Screen) Close() error { return nil }

// show asks the browser for a page. It is there when it was fetched, or if nobody can tell, when the launcher has done
// its work.
func (s *Screen) show(ctx context.Context, address string, fetched func(context.Context, string) error) error {
	if err := desktop(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	launched, shown := make(chan error, 1), make(chan error, 1) // each may be filled when nobody waits any more
	go func() { launched <- s.run(address) }()
	var patient <-chan time.Time
	if fetched != nil {
		go func() { shown <- fetched(ctx, address) }()
	} else {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		patient = timer.C
	}
	for {
		select {
		case err := <-launched:
			if err != nil {
				return fmt.Errorf("default browser: %w (%s)", err, launchHint)
			}
			if fetched == nil {
				return nil
			}
			launched = nil
		case err := <-shown:
			if err != nil {
				return fmt.Errorf("default browser: the sign-in was not picked up: %w (xdg-open or its like may have "+
					"opened another program)", err)
			}
			return nil
		case <-patient:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("default browser: %w", context.Cause(ctx))
		}
	}
}

func (s *Screen) run(address string) error {
	if s.launch != nil {
		return s.launch(address)
	}
	quiet()
	return browser.OpenURL(address)
}

// quiet keeps what the launcher prints out of our output: it may repeat the address. Nil is the null device; any writer
// would be a pipe, which breaks under a browser that outlives us. The two writers are pkg/browser's
// own globals, and are set once, before the first use.
var quiet = sync.OnceFunc(func() { browser.Stdout, browser.Stderr = nil, nil })
