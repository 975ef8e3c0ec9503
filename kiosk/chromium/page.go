package chromium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

var errCrashed = errors.New("the page's renderer has crashed")

// A page is one tab that we follow: what its main frame is, and what happened to it.
type page struct {
	c               *conn
	target, session string
	changed         chan struct{}       // has room for one: something below is new
	alive           context.Context     // ends with the renderer
	crash           context.CancelFunc  // ends it
	told            []kiosk.TroubleKind // by its watchers, one after the other

	mu       sync.Mutex // guards what follows
	frame    frame
	statuses map[string]int // of documents on their way, by loader
	crashed  bool
	calls    func(method, address string, status int) // told of the page's own calls, if set
}

// frame is the state of a page's main frame.
type frame struct {
	loader      string
	url         *url.URL
	status      int    // of the document; 0: it did not come over HTTP
	unreachable bool   // the browser's own error page shows
	reason      string // why a document did not load
	loaded      bool   // its load event has fired
	idle        bool   // its network has been (almost) idle since
}

// attach follows the target.
func attach(ctx context.Context, c *conn, target string) (*page, error) {
	var r struct{ SessionID string }
	if err := c.call(ctx, "", "Target.attachToTarget", params{"targetId": target, "flatten": true}, &r); err != nil {
		return nil, err
	}
	p := newFollower(c, target, r.SessionID)
	for _, enable := range []string{"Page.enable", "Network.enable", "Inspector.enable"} {
		if err := p.call(ctx, enable, nil, nil); err != nil {
			return nil, err
		}
	}
	for method, on := range map[string]params{
		"Page.setLifecycleEventsEnabled": {"enabled": true},
		// A tab in the background is hidden, draws nothing and has slow timers; with this it believes itself in front.
		"Emulation.setFocusEmulationEnabled": {"enabled": true},
	} {
		if err := p.call(ctx, method, on, nil); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// newFollower keeps what the session's events say of the target.
func newFollower(c *conn, target, session string) *page {
	p := &page{c: c, target: target, session: session, changed: make(chan struct{}, 1),
		frame: frame{url: &url.URL{Scheme: "about", Opaque: "blank"}}, statuses: map[string]int{}}
	p.alive, p.crash = context.WithCancel(context.Background())
	c.listen(session, p.event)
	return p
}

// call sends a command to the page. A renderer that crashes does not answer any more, so that is not waited for.
func (p *page) call(ctx context.Context, method string, params params, result any) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.alive, func() { cancel(errCrashed) })()
	return p.c.call(ctx, p.session, method, params, result)
}

// event is the sink of the page's events: it keeps what they say.
func (p *page) event(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Method {
	case "Network.responseReceived":
		var r struct {
			LoaderID, FrameID, Type string
			Response                struct {
				URL    string
				Status int
			}
		}
		e.decode(&r)
		switch {
		case r.Type == "Document" && r.FrameID == p.target: // a page's main frame bears the target's id
			p.statuses[r.LoaderID] = r.Response.Status
			if p.frame.loader == r.LoaderID {
				p.frame.status = r.Response.Status
			}
		case (r.Type == "Fetch" || r.Type == "XHR") && p.calls != nil:
			p.calls(r.Type, r.Response.URL, r.Response.Status)
		}
	case "Page.frameNavigated":
		var n struct {
			Frame struct{ ParentID, LoaderID, URL, UnreachableURL string }
		}
		e.decode(&n)
		if n.Frame.ParentID != "" {
			return
		}
		u, err := url.Parse(n.Frame.URL)
		if err != nil {
			u = &url.URL{Opaque: "unreadable"}
		}
		if n.Frame.UnreachableURL != "" {
			if wanted, err := url.Parse(n.Frame.UnreachableURL); err == nil {
				u = wanted
			}
		}
		p.frame = frame{loader: n.Frame.LoaderID, url: u, status: p.statuses[n.Frame.LoaderID],
			unreachable: n.Frame.UnreachableURL != "", reason: p.frame.reason}
		clear(p.statuses)
	case "Network.loadingFailed":
		var f struct {
			Type, ErrorText string
			Canceled        bool
		}
		e.decode(&f)
		if f.Type == "Document" && !f.Canceled {
			p.frame.reason = f.ErrorText
		}
		return
	case "Page.navigatedWithinDocument":
		var n struct{ FrameID, URL string }
		e.decode(&n)
		if u, err := url.Parse(n.URL); err == nil && n.FrameID == p.target {
			p.frame.url = u
		}
	case "Page.lifecycleEvent":
		var l struct{ FrameID, LoaderID, Name string }
		e.decode(&l)
		if l.LoaderID != p.frame.loader || l.FrameID != p.target {
			return
		}
		switch l.Name {
		case "load":
			p.frame.loaded = true
		case "networkAlmostIdle":
			p.frame.idle = true
		default:
			return
		}
	case "Inspector.targetCrashed":
		p.crashed = true
		p.crash()
	case "Page.javascriptDialogOpening":
		// Nobody stands at the wall to answer, and until then the page stands still. Not here: a sink must not call.
		go func() {
			_ = p.call(context.Background(), "Page.handleJavaScriptDialog", params{"accept": true}, nil)
		}()
		return
	default:
		return
	}
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// now returns the main frame's state, and whether the renderer has crashed.
func (p *page) now() (frame, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frame, p.crashed
}

// follow has f told of each of the page's own calls; nil ends that. f must not block.
func (p *page) follow(f func(method, address string, status int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = f
}

// navigate begins to load address.
func (p *page) navigate(ctx context.Context, address string) error {
	var r struct{ ErrorText string }
	if err := p.call(ctx, "Page.navigate", params{"url": address}, &r); err != nil {
		return err
	}
	if r.ErrorText != "" && r.ErrorText != "net::ERR_ABORTED" { // aborted: the page itself went on to somewhere else
		return fmt.Errorf("%s did not load: %s", where(address), r.ErrorText)
	}
	return nil
}

// eval evaluates a script in the page and waits for the promise if it gives one.
func (p *page) eval(ctx context.Context, script string, result any) error {
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	if err := p.call(ctx, "Runtime.evaluate",
		params{"expression": script, "returnByValue": true, "awaitPromise": true}, &r); err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return errors.New("the page's script failed: " + r.ExceptionDetails.Text)
	}
	if result == nil || r.Result.Value == nil {
		return nil
	}
	return json.Unmarshal(r.Result.Value, result)
}

// close ends the tab. The browser may be gone, or the tab: that is no error here.
func (p *page) close(ctx context.Context) {
	p.c.listen(p.session, nil)
	_ = p.c.call(ctx, "", "Target.closeTarget", params{"targetId": p.target}, nil)
}

// where is an address without what may be secret in it: its query and fragment, and the path but for its beginning, since
// the one-time addresses that sign in have their secret there.
func where(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an unreadable address"
	}
	return place(u)
}

func place(u *url.URL) string {
	switch {
	case u.Scheme == "about":
		return u.String()
	case u.Host == "":
		return u.Scheme + ":" // what follows may be the whole page
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if rest != "" {
		first += "/…"
	}
	return u.Host + "/" + first
}
