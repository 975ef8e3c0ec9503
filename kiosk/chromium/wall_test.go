package chromium

import (
	"context"
	"image/color"
	"log/slog"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/internal/xvfb"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A testWall is a real browser on a virtual screen, and a stand-in for AWS to sign in to.
type testWall struct {
	*Browser
	t       *testing.T
	aws     *standin.Server
	at      standin.Addresses
	screen  *xvfb.Display
	view    kiosk.View
	site    string // the local pages
	handoff *kiosk.Handoff
}

// newWall brings up a browser that shows a local page.
func newWall(t *testing.T, aws *standin.Server) *testWall {
	t.Helper()
	screen, err := xvfb.Start(t.Context(), 1280, 720)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(screen.Close)
	t.Setenv("DISPLAY", screen.Name)
	t.Setenv("WAYLAND_DISPLAY", "")

	w := &testWall{t: t, aws: aws, screen: screen, handoff: new(kiosk.Handoff)}
	cloud := httptest.NewServer(aws)
	t.Cleanup(cloud.Close)
	w.at = standin.At(cloud.Listener.Addr())
	w.view.Address, err = federation.Dashboard{Name: "payments", Region: "ap-southeast-2"}.Address(w.partition())
	if err != nil {
		t.Fatal(err)
	}
	display := &kiosk.Display{Name: "test", View: w.view, Handoff: w.handoff}
	pages := httptest.NewServer((&kiosk.Site{Handoff: w.handoff, Displays: []*kiosk.Display{display}}).Handler())
	t.Cleanup(pages.Close)
	w.handoff.Base, w.site = pages.URL, pages.URL+"/displays/test/holding"

	// A folder of its own: other tests leave profiles behind on purpose, and look whether they are swept.
	memory, err := os.MkdirTemp("/dev/shm", "walltest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	if err := os.Chmod(memory, 0o711); err != nil {
		t.Fatal(err)
	}
	w.Browser = &Browser{User: OrdinaryUser(), Dir: memory, Rules: Rules{SignIn: federation.IsSignIn, Expired: federation.Notices()},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if uid := w.uid(); uid >= 0 {
		w.handoff.UIDs = []int{uid}
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Open(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *testWall) partition() federation.Partition {
	p, err := federation.Choose("", "ap-southeast-2")
	if err != nil {
		w.t.Fatal(err)
	}
	p.SignIn, p.Console = w.at.SignIn, w.at.Console("{region}")
	return p
}

func (w *testWall) uid() int {
	who, err := w.account()
	if err != nil {
		w.t.Fatal(err)
	}
	return who.uid
}

// mint makes a sign-in at the stand-in and an address for it.
func (w *testWall) mint(ctx context.Context) (string, error) {
	role := awscreds.Role{ARN: standin.DefaultRole, Duration: time.Hour, Region: "ap-southeast-2", Endpoint: w.at.STS}
	creds, err := role.Assume(ctx, federation.Credentials{
		AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)})
	if err != nil {
		return "", err
	}
	login, err := federation.SignIn{Partition: w.partition(), Region: "ap-southeast-2"}.Login(ctx, creds, 0, w.view.Address)
	if err != nil {
		return "", err
	}
	t := kiosk.Ticket{Address: login.Address}
	for _, f := range login.Fields {
		t.Fields = append(t.Fields, kiosk.Field(f))
	}
	return w.handoff.Offer(t)
}

// renew renews, and waits until the new session's dashboard is on the screen.
func (w *testWall) renew() {
	w.t.Helper()
	if err := w.Renew(w.t.Context(), w.view, w.mint); err != nil {
		w.t.Fatal(err)
	}
	w.shows(w.session())
}

// session is the number of the newest session.
func (w *testWall) session() int {
	all := w.aws.Sessions()
	return all[len(all)-1].Number
}

// shows waits until the marked dashboard of a session is on the screen.
func (w *testWall) shows(session int) {
	w.t.Helper()
	want := standin.SessionColor(session)
	w.until("the dashboard of the session is on the screen", func() bool { return w.sample() == want })
}

// until waits for a condition that another process brings about.
func (w *testWall) until(what string, condition func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within a minute: %s", what)
		}
		<-tick.C
	}
}

var (
	mixed color.RGBA                              // parts of two dashboards: a swap, caught in the act
	other = color.RGBA{R: 1, G: 2, B: 3, A: 0xff} // anything else
)

// sample looks at the screen through a grid of points: it is the colour of the session whose dashboard shows, mixed, or
// other. The mouse pointer and the dashboard's counter are passed over.
func (w *testWall) sample() color.RGBA {
	const columns, rows = 48, 27
	counts := map[color.RGBA]int{}
	all := 0
	for row := range rows {
		for column := range columns {
			x, y := (2*column+1)*w.screen.Width/(2*columns), (2*row+1)*w.screen.Height/(2*rows)
			if x < 330 && y < 80 {
				continue
			}
			c := w.screen.At(x, y)
			counts[color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff}]++
			all++
		}
	}
	palette := 0
	best := other
	for n := range standin.SessionColors {
		c := standin.SessionColor(n)
		palette += counts[c]
		if counts[c] > counts[best] {
			best = c
		}
	}
	const pointer = 3 // points that the mouse pointer may cover
	switch {
	case counts[best] >= all-pointer:
		return best
	case palette >= all-pointer:
		return mixed
	}
	return other
}

// A sighting is what a sampler saw over a time.
type sighting struct {
	samples, torn, bad int
	took, badTime, gap time.Duration // gap: the longest between two samples
	sequence           []color.RGBA  // the dashboards, in order
}

// observe samples the screen, as often as it can up to 500 times a second, until stop is called.
func (w *testWall) observe() (stop func() sighting) {
	var s sighting
	var watching sync.WaitGroup
	end := make(chan struct{})
	watching.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		began := time.Now()
		last, over := began, false
		for {
			seen := w.sample()
			now := time.Now()
			since := now.Sub(last)
			last = now
			s.samples++
			s.gap = max(s.gap, since)
			switch {
			case seen == mixed:
				s.torn++
			case seen == other:
				s.bad++
				s.badTime += since
			case len(s.sequence) == 0 || s.sequence[len(s.sequence)-1] != seen:
				s.sequence = append(s.sequence, seen)
			}
			if over {
				s.took = time.Since(began)
				return
			}
			select {
			case <-tick.C:
			case <-end:
				over = true // once more, to see what whoever ends it has seen
			}
		}
	})
	return func() sighting { close(end); watching.Wait(); return s }
}
