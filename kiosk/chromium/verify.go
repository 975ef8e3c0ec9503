package chromium

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"net/url"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// Rules tell a site's pages from the ones that it sends to a visitor who is not, or no longer, signed in.
type Rules struct {
	// SignIn reports whether an address belongs to a sign-in or sign-in error page; nil: none does. A page that asks for a
	// password is one at any address.
	SignIn func(*url.URL) bool
	// Expired are phrases of notices that say that the session is over, matched anywhere in a page's text.
	Expired []string
}

// A verdict is what a page turns out to be.
type verdict int

const (
	showing  verdict = iota // the wanted view, loaded
	loading                 // on its way: may yet become anything
	strayed                 // another page
	failed                  // an error: the document's status, unreachable, crashed
	signIn                  // a sign-in page
	sessions                // a notice that the session is over
)

// A finding is a verdict and what it rests on, in words without a secret.
type finding struct {
	verdict verdict
	detail  string
}

func (f finding) Error() string { return f.detail }

// sight is what the probe sees in a page.
type sight struct {
	Ready    bool // the view's selector matches something visible
	Password bool // a password field is visible
	Phrase   int  // which of Rules.Expired stands in the text; -1: none
	Empty    bool // there is nothing to be seen: no text, no picture, no frame
	Complete bool // the document and all that it names have loaded
}

// probe is evaluated in a page with (selector, phrases).
const probe = `((selector, phrases) => {
  const visible = e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0 && getComputedStyle(e).visibility !== 'hidden' };
  const any = s => [...document.querySelectorAll(s)].some(visible);
  const text = document.body ? document.body.innerText : '';
  return {
    Ready: selector === '' || any(selector),
    Password: any('input[type=password]'),
    Phrase: phrases.findIndex(p => text.includes(p)),
    Empty: text.trim() === '' && !any('img, svg, canvas, video, iframe, object, embed'),
    Complete: document.readyState === 'complete',
  };
})(%s, %s)`

func (p *page) sight(ctx context.Context, v kiosk.View, rules Rules) (sight, error) {
	selector, _ := json.Marshal(v.Ready) // strings always marshal
	phrases, _ := json.Marshal(append([]string{}, rules.Expired...))
	var s sight
	err := p.eval(ctx, fmt.Sprintf(probe, selector, phrases), &s)
	return s, err
}

// judge is the pure half of verification: what a page is, by its frame's state and what the probe saw (nil: nothing).
func judge(f frame, crashed bool, s *sight, v kiosk.View, rules Rules) finding {
	wanted, err := url.Parse(v.Address)
	switch {
	case err != nil:
		return finding{failed, "the view's address cannot be read"}
	case crashed:
		return finding{failed, errCrashed.Error()}
	case f.unreachable:
		return finding{failed, strings.TrimSpace(place(f.url) + " cannot be reached " + f.reason)}
	case rules.SignIn != nil && rules.SignIn(f.url):
		return finding{signIn, "a sign-in page shows: " + place(f.url)}
	case f.status >= 400:
		return finding{failed, fmt.Sprintf("%s answers with status %d", place(f.url), f.status)}
	case !sameSite(f.url, wanted):
		return finding{strayed, fmt.Sprintf("%s shows instead of %s", place(f.url), place(wanted))}
	case s == nil:
		return finding{loading, place(f.url) + " is loading"}
	case s.Password:
		return finding{signIn, place(f.url) + " asks for a password"}
	case s.Phrase >= 0 && s.Phrase < len(rules.Expired):
		return finding{sessions, fmt.Sprintf("the page says %q", rules.Expired[s.Phrase])}
	case !f.loaded || !s.Complete:
		return finding{loading, place(f.url) + " is loading"}
	case s.Empty:
		return finding{loading, place(f.url) + " is blank"}
	case !s.Ready:
		return finding{loading, fmt.Sprintf("nothing visible matches ready = %q", v.Ready)}
	}
	return finding{showing, place(f.url) + " shows"}
}

// sameSite reports whether a page at got is the wanted one: its host (or one below it, as where a console serves several
// sessions side by side) and its path.
func sameSite(got, wanted *url.URL) bool {
	host := got.Host == wanted.Host || strings.HasSuffix(got.Host, "."+wanted.Host)
	return host && strings.TrimSuffix(got.Path, "/") == strings.TrimSuffix(wanted.Path, "/")
}

// look says what the page is now.
func (p *page) look(ctx context.Context, v kiosk.View, rules Rules) (finding, error) {
	s, err := p.sight(ctx, v, rules)
	f, crashed := p.now()
	if crashed {
		return judge(f, crashed, nil, v, rules), nil
	}
	if err != nil {
		return finding{loading, place(f.url) + " does not answer"}, err
	}
	return judge(f, crashed, &s, v, rules), nil
}

const (
	lookEvery = 50 * time.Millisecond
	// settleTime is how long a page must stand there as an error before it counts as one: on its way to the view it may
	// pass a sign-in host, and an error page may send itself on.
	settleTime = 3 * time.Second
	// quietTime is how long a page that shows may still be loading data before it is taken as it is.
	quietTime = 8 * time.Second
	// idleTime is how long a page that has loaded all it wants may take to show the view.
	idleTime = 15 * time.Second
	// awaitTime is how long a page may take in all.
	awaitTime = 60 * time.Second
	// frameTime is how long a page may take to draw two frames.
	frameTime = 5 * time.Second
)

// A proof is how much await asks of a page.
type proof bool

const (
	// arrived: the page is there and has loaded. More cannot be asked of a hidden page: it draws nothing.
	arrived proof = false
	// painted: also, what is ready in the view is there, and the page has drawn it.
	painted proof = true
)

// await waits until the page shows the view, to the proof asked for. When it turns out to be something else for good, or
// does not come about in time, the error is a finding.
func (p *page) await(ctx context.Context, v kiosk.View, rules Rules, proof proof) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTime)
	defer cancel()
	if proof == arrived {
		v.Ready = ""
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last finding
	var since time.Time
	for {
		f, err := p.look(ctx, v, rules)
		switch {
		case errors.Is(err, errClosed):
			return err
		case err != nil && ctx.Err() != nil && last.detail != "":
			return last // it says more than that there was no time left
		}
		if f.verdict != last.verdict {
			since = time.Now()
		}
		last = f
		state, _ := p.now()
		switch {
		case f.verdict == showing && (state.idle || time.Since(since) > quietTime):
			if proof == arrived {
				return nil
			}
			if err := p.paint(ctx); err == nil {
				return nil
			}
			last.detail = place(state.url) + " is blank"
		case f.verdict > strayed && time.Since(since) > settleTime:
			return f
		case (f.verdict == loading || f.verdict == strayed) && state.loaded && state.idle && time.Since(since) > idleTime:
			return f
		}
		select {
		case <-p.changed:
		case <-tick.C:
		case <-p.c.closed:
			return errClosed
		case <-ctx.Done():
			return last
		}
	}
}

var errBlank = errors.New("the page is blank")

// paint waits until the page has drawn two frames, and fails when they show nothing but one colour.
func (p *page) paint(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, frameTime)
	defer cancel()
	// A tab in the background hands no frames on, and a screenshot of it waits for seconds, unless somebody watches.
	if err := p.call(ctx, "Page.startScreencast", params{"format": "jpeg", "maxWidth": 64, "maxHeight": 64}, nil); err != nil {
		return err
	}
	defer func() { _ = p.call(ctx, "Page.stopScreencast", nil, nil) }()
	var window size
	if err := p.eval(ctx, `new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() =>
		r({Width: innerWidth, Height: innerHeight}))))`, &window); err != nil {
		return err
	}
	raw, err := p.screenshot(ctx, params{"format": "jpeg", "quality": 60, "optimizeForSpeed": true, // small: it is only judged
		"clip": params{"x": 0, "y": 0, "width": window.Width, "height": window.Height, "scale": 0.25}})
	if err != nil {
		return err
	}
	picture, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("screenshot: %w", err)
	}
	if uniform(picture) {
		return errBlank
	}
	return nil
}

func (p *page) screenshot(ctx context.Context, format params) ([]byte, error) {
	var r struct{ Data []byte }
	err := p.call(ctx, "Page.captureScreenshot", format, &r)
	return r.Data, err
}

// uniform reports whether a picture has one colour only, but for what compression does to it.
func uniform(m image.Image) bool {
	const tolerance = 0x0c00 // of 0xffff
	b := m.Bounds()
	r0, g0, b0, _ := m.At(b.Min.X, b.Min.Y).RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > tolerance }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, bl, _ := m.At(x, y).RGBA(); far(r, r0) || far(g, g0) || far(bl, b0) {
				return false
			}
		}
	}
	return true
}
