// Package kiosk keeps signed-in pages on wall displays.
//
// It knows nothing of AWS: it asks a [SignIn] for a [Ticket], puts the [View] behind it on a [Screen], and does so again,
// unseen, before the ticket's [Lease] ends. The pages that show something else than the view (starting, waiting, signing
// in again) are its own, served on loopback.
package kiosk

import (
	"context"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Lease is the life of a signed-in session.
type Lease struct {
	// Issued and Expires are in this machine's time, corrected by Skew already.
	Issued, Expires time.Time
	// Skew is how far this machine's clock is ahead of the issuer's; negative when it is behind.
	Skew time.Duration
}

// A Field is one field of a sign-in form.
type Field struct {
	Name  string
	Value secret.Text
}

// A Ticket is one sign-in: a form to post, and the session that the post starts. It is used once.
type Ticket struct {
	Address string // where the form is posted; not secret
	Fields  []Field
	Lease   Lease
}

// A SignIn makes a new ticket. Its errors are for a person at the wall: what happened, without a secret. A ticket that
// comes with an error may still tell the Skew of its lease, where that was learned.
type SignIn func(ctx context.Context) (Ticket, error)

// A View is one page on a display.
type View struct {
	// Address is the page that is to show. What shows is held against its host and path.
	Address string
	// Ready is a CSS selector that must match something visible before the view counts as showing; "" asks for nothing.
	Ready string
}

// A Screen puts pages on one display. All methods but Troubles and Screenshot are called by one goroutine. A context
// bounds the call, not what the call starts.
type Screen interface {
	// Open starts what the screen needs (a browser, say; one that still runs is ended first) and shows the local page
	// at address.
	Open(ctx context.Context, address string) error
	// Renew signs in unseen, and swaps the view in when it is proven to show. Whoever opens an address given by mint
	// is signed in by it, once; Renew calls mint when it is about to open it, at most twice. On an error the screen
	// shows what it showed before.
	Renew(ctx context.Context, v View, mint func(context.Context) (address string, err error)) error
	// Reload loads the view anew within the session that there is, to mend a page that broke.
	Reload(ctx context.Context, v View) error
	// Hold shows the local page at address in place of whatever shows.
	Hold(ctx context.Context, address string) error
	// Troubles tells what has gone wrong since with a page that had been proven. It is never closed.
	Troubles() <-chan Trouble
	// Screenshot returns what shows, as PNG.
	Screenshot(ctx context.Context) ([]byte, error)
	// Close ends everything that Open started and leaves nothing behind.
	Close() error
}

// A Trouble is something that a screen noticed.
type Trouble struct {
	Kind   TroubleKind
	Detail string // for the log: what was seen, without a secret
}

// TroubleKind says what is to be done: see each.
type TroubleKind string

// The kinds of trouble, from the mildest mend to the deepest.
const (
	// Crashed: the page's renderer has gone, it hangs for good, or the page is now an error. Reload mends it.
	Crashed TroubleKind = "crashed"
	// Denied: the page's own calls are refused (401, 403): signed out, or a permission is missing. A renewal tells which.
	Denied TroubleKind = "denied"
	// SignedOut: the page has left for a sign-in page, or says that its session has expired. A renewal mends it.
	SignedOut TroubleKind = "signed out"
	// Exited: the browser is gone. Open and a renewal mend it.
	Exited TroubleKind = "browser exited"
)
