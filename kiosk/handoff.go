package kiosk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// offerLife is how long a sign-in waits to be picked up.
const offerLife = 60 * time.Second

// A Handoff carries tickets to the browser: each gets an address on loopback that answers once, with a form that submits
// itself. So a sign-in is in no argument, no address and no file. Its zero value and a Base are ready.
type Handoff struct {
	// Base is where the pages of this package are reached, such as http://127.0.0.1:8080; the port is the listener's.
	Base string
	// UIDs are the users, besides root and our own, that the browser may run as. Checked on Linux.
	UIDs []int
	Log  *slog.Logger // nil: none

	mu     sync.Mutex // guards offers and what they hold
	offers map[offerID]*offer
}

// An offer is kept for a minute, its ticket only until it is taken.
type offer struct {
	ticket *Ticket       // nil: taken
	done   chan struct{} // closed when the ticket is taken, or its time is over
}

// Offer keeps the ticket for a minute, for the first who asks for the address it returns. The address signs in whoever
// opens it: it is a secret until then.
func (h *Handoff) Offer(t Ticket) (address string, err error) {
	if err := postable(t.Address); err != nil {
		return "", err
	}
	nonce := rand.Text() + rand.Text() // 260 bits
	id, o := idOf(nonce), &offer{&t, make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.offers == nil {
		h.offers = make(map[offerID]*offer)
	}
	h.offers[id] = o
	time.AfterFunc(offerLife, func() { h.end(id) })
	return h.Base + signInPath + nonce, nil
}

// postable refuses what a form must not be posted to, such as a javascript: address. The error leaves the address out.
func postable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("ticket: the sign-in address is not an http or https one")
	}
	return nil
}

// An offerID is what an address is looked up by: a hash, so that how long the look-up takes tells nothing of the nonces.
type offerID [sha256.Size]byte

func idOf(nonce string) offerID { return sha256.Sum256([]byte(nonce)) }

// take gives the ticket to the first who comes.
func (h *Handoff) take(id offerID) (Ticket, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.offers[id]
	if o == nil || o.ticket == nil {
		return Ticket{}, false
	}
	t := *o.ticket
	o.ticket = nil
	close(o.done)
	return t, true
}

// end takes an offer back.
func (h *Handoff) end(id offerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.offers[id]; o.ticket != nil {
		close(o.done)
	}
	delete(h.offers, id)
}

// Fetched waits until the sign-in at an address that Offer gave has been picked up.
func (h *Handoff) Fetched(ctx context.Context, address string) error {
	id := idOf(strings.TrimPrefix(address, h.Base+signInPath))
	h.mu.Lock()
	o := h.offers[id]
	h.mu.Unlock()
	if o == nil {
		return errNotFetched
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-o.done:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.ticket != nil {
		return errNotFetched
	}
	return nil
}

var errNotFetched = errors.New("the browser did not pick up the sign-in within " + offerLife.String())

// serve answers an address made by Offer. What is refused leaves the offer as it was: only its owner uses it up.
func (h *Handoff) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Sec-Purpose") != "" { // a browser that looks ahead
		http.Error(w, "not ahead of time", http.StatusForbidden)
		return
	}
	if !h.peerAllowed(r) {
		http.NotFound(w, r)
		return
	}
	t, ok := h.take(idOf(r.PathValue("nonce")))
	if !ok {
		http.NotFound(w, r)
		return
	}
	fields := make([]field, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = field{f.Name, f.Value.Reveal()}
	}
	// No form-action: Chromium holds redirects of the post against it, and a sign-in redirects to other hosts.
	render(w, signInPage, map[string]any{"Address": t.Address, "Fields": fields})
}

type field struct{ Name, Value string }

// peerAllowed holds the user at the other end of the connection against those who may sign in. Where the system does not
// tell, the nonce alone has to do.
func (h *Handoff) peerAllowed(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if local == nil || err != nil {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	uid, err := peerUID(remote, here)
	if errors.Is(err, errNoPeers) {
		return true
	}
	if err == nil && (uid == 0 || uid == os.Getuid() || slices.Contains(h.UIDs, uid)) {
		return true
	}
	log := orDiscard(h.Log).With(keyPeer, r.RemoteAddr)
	if err != nil {
		log = log.With(keyError, err)
	} else {
		log = log.With(keyUID, uid)
	}
	log.Warn("another user's program asked for a sign-in and got none")
	return false
}

const signInPath = "/sign-in/"

//go:embed signin.html
var signInSource string

var signInPage = template.Must(template.New("sign-in").Parse(signInSource))

// render answers with a page of our own: nothing from elsewhere, no script or style but the page's own, nothing kept.
func render(w http.ResponseWriter, page *template.Template, data map[string]any) {
	nonce := rand.Text()
	data["Nonce"] = nonce
	var b strings.Builder
	if err := page.Execute(&b, data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "+
		"frame-ancestors 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+"'")
	private(h)
	_, _ = w.Write([]byte(b.String()))
}

func private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
