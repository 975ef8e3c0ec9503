package chromium

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/kiosk"
)

// trouble waits for the next trouble of the browser.
func (w *testWall) trouble() kiosk.Trouble {
	w.t.Helper()
	select {
	case t := <-w.Troubles():
		return t
	case <-time.After(time.Minute):
		w.t.Fatal("no trouble was noticed within a minute")
		return kiosk.Trouble{}
	}
}

// TestWhatIsNoticed makes each thing go wrong with a page that shows, for real, and has it mended as a display would.
func TestWhatIsNoticed(t *testing.T) {
	w := newWall(t, &standin.Server{Marked: true, Boot: -1})
	w.Watch = Watch{Every: 500 * time.Millisecond, Hang: 4 * time.Second}
	w.renew()
	fault := func(f standin.Fault) {
		t.Helper()
		if err := w.aws.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	front := func() *page { return w.stage.front.Load() }
	expect := func(t *testing.T, kind kiosk.TroubleKind, detail string) {
		t.Helper()
		if got := w.trouble(); got.Kind != kind || !strings.Contains(got.Detail, detail) {
			t.Errorf("noticed %q: %s; want %q: …%s…", got.Kind, got.Detail, kind, detail)
		}
	}
	reload := func(t *testing.T) {
		t.Helper()
		if err := w.Reload(t.Context(), w.view); err != nil {
			t.Fatal(err)
		}
		w.shows(w.session())
	}

	t.Run("the page leaves for the sign-in", func(t *testing.T) {
		if err := front().navigate(t.Context(), w.at.SignIn+"/"); err != nil && !strings.Contains(err.Error(), "did not load") {
			t.Fatal(err)
		}
		expect(t, kiosk.SignedOut, "signin")
		w.renew()
	})
	t.Run("the session is over, and the page says so", func(t *testing.T) {
		fault(standin.Fault{Part: standin.Console, Kind: standin.Expired})
		// Either may be seen first: the refused call, or the notice that the page puts up about it.
		if got := w.trouble(); got.Kind != kiosk.SignedOut && got.Kind != kiosk.Denied {
			t.Errorf("noticed %q: %s", got.Kind, got.Detail)
		}
		w.renew()
		w.drain()
	})
	t.Run("the page's calls are refused", func(t *testing.T) {
		fault(standin.Fault{Part: standin.Console, Kind: standin.Denied})
		expect(t, kiosk.Denied, "403")
		w.aws.ClearFaults()
		w.renew()
		w.drain()
	})
	t.Run("the renderer is killed", func(t *testing.T) {
		for _, pid := range w.processes(t, "renderer") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		expect(t, kiosk.Crashed, "crashed")
		reload(t)
	})
	t.Run("the page turns into an error", func(t *testing.T) {
		fault(standin.Fault{Part: standin.Console, Kind: standin.Unavailable, Action: "page"})
		if err := front().call(t.Context(), "Page.reload", nil, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, kiosk.Crashed, "503")
		w.aws.ClearFaults()
		reload(t)
	})
	t.Run("the page goes somewhere else", func(t *testing.T) {
		if err := front().navigate(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		expect(t, kiosk.Crashed, "instead of")
		reload(t)
	})
	t.Run("a hang is ended in the page itself", func(t *testing.T) {
		looping := make(chan error, 1)
		go func() { looping <- front().eval(context.WithoutCancel(t.Context()), `for (;;);`, nil) }()
		if err := <-looping; err == nil { // it comes back when the script has been terminated
			t.Error("a script that loops for ever came to its end")
		}
		w.until("the page answers again", func() bool { return front().eval(t.Context(), "1", nil) == nil })
		if n := len(w.Troubles()); n != 0 {
			t.Errorf("%d troubles were told of a hang that was mended", n)
		}
	})
	t.Run("a dialog is answered", func(t *testing.T) {
		var said bool
		if err := front().eval(t.Context(), `confirm("stay?")`, &said); err != nil || !said {
			t.Errorf("confirm() = %v, %v", said, err)
		}
	})
	t.Run("a window that the page opens is closed", func(t *testing.T) {
		var opened bool
		err := front().call(t.Context(), "Runtime.evaluate",
			params{"expression": `window.popup = window.open("about:blank", "", "width=300,height=300"); true`, "userGesture": true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.until("the window is closed", func() bool {
			return front().eval(t.Context(), "window.popup === null || window.popup.closed", &opened) == nil && opened
		})
	})
	t.Run("the browser is killed", func(t *testing.T) {
		killGroup(w.process.cmd.Process)
		expect(t, kiosk.Exited, "gone")
		if err := w.Renew(t.Context(), w.view, w.mint); err == nil {
			t.Error("a browser that is gone renewed")
		}
		if err := w.Open(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		w.renew()
	})
	outer := w.process.profile.outer
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outer); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the profile was left behind: %v", err)
	}
}

// drain forgets troubles that came beside the expected one.
func (w *testWall) drain() {
	for len(w.Troubles()) > 0 {
		<-w.Troubles()
	}
}

// processes are the browser's processes of a kind.
func (w *testWall) processes(t *testing.T, kind string) (pids []int) {
	t.Helper()
	var r struct {
		ProcessInfo []struct {
			Type string
			ID   int
		}
	}
	if err := w.process.call(t.Context(), "", "SystemInfo.getProcessInfo", nil, &r); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.ProcessInfo {
		if p.Type == kind {
			pids = append(pids, p.ID)
		}
	}
	return pids
}

// TestFailedRenewalsAreInvisible has renewals fail in each way, at each step, and looks at the screen all the while.
func TestFailedRenewalsAreInvisible(t *testing.T) {
	w := newWall(t, &standin.Server{Marked: true, Boot: -1})
	w.renew()
	stop := w.observe()
	noTicket := errors.New("no ticket")
	for name, test := range map[string]struct {
		fault standin.Fault
		mint  mint
		want  string
	}{
		"no ticket":           {mint: func(context.Context) (string, error) { return "", noTicket }, want: noTicket.Error()},
		"sign-in refused":     {fault: standin.Fault{Part: standin.Federation, Kind: standin.Broken, Action: "login"}, want: "sign-in page"},
		"blank page":          {fault: standin.Fault{Part: standin.Console, Kind: standin.Blank}, want: "blank"},
		"a form in its place": {fault: standin.Fault{Part: standin.Console, Kind: standin.SignInPage}, want: "password"},
		"503":                 {fault: standin.Fault{Part: standin.Console, Kind: standin.Unavailable}, want: "503"},
		"dropped":             {fault: standin.Fault{Part: standin.Console, Kind: standin.Dropped}, want: "cannot be reached"},
		// Only the second page, the one in the window, fails: the cookies have moved by then.
		"the swap fails": {fault: standin.Fault{}, mint: w.onlyOnce(), want: "only once"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.fault.Part != "" {
				if err := w.aws.SetFault(test.fault); err != nil {
					t.Fatal(err)
				}
				defer w.aws.ClearFaults()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			mint := test.mint
			if mint == nil {
				mint = w.mint
			}
			if err := w.Renew(ctx, w.view, mint); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the renewal gave %v; want something about %q", err, test.want)
			}
		})
	}
	s := stop()
	if s.bad != 0 || len(s.sequence) != 1 {
		t.Errorf("%d of %d samples were bad, %d dashboards showed", s.bad, s.samples, len(s.sequence))
	}
	w.renew() // nothing that failed stands in the way
}

// onlyOnce signs in for the hidden page, has the next page fail, and then has no ticket for the second way.
func (w *testWall) onlyOnce() mint {
	var calls atomic.Int32
	return func(ctx context.Context) (string, error) {
		if calls.Add(1) > 1 {
			w.aws.ClearFaults()
			return "", errors.New("only once")
		}
		address, err := w.mint(ctx)
		go func() { // as soon as the hidden page has been served
			seen := func() (n int) {
				for _, r := range w.aws.Requests() {
					if r.Part == standin.Console && r.Action == "page" {
						n++
					}
				}
				return n
			}
			for before := seen(); seen() == before && ctx.Err() == nil; {
				time.Sleep(time.Millisecond)
			}
			_ = w.aws.SetFault(standin.Fault{Part: standin.Console, Kind: standin.Unavailable, Action: "page"})
		}()
		return address, err
	}
}

// TestStorageBesideCookies signs in to a site that keeps its session where cookies do not reach: the one sign-in in the
// tab itself makes up for it.
func TestStorageBesideCookies(t *testing.T) {
	w := newWall(t, &standin.Server{})
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		page := `<script>sessionStorage.session = "1"; location.replace("/view")</script>`
		if r.URL.Path == "/view" {
			page = `<body style="background:#123456"><script>
				document.write(sessionStorage.session ? "<h1 id=view>A view</h1>" : "<h1>Who are you?</h1>")</script>`
		}
		_, _ = rw.Write([]byte(page))
	}))
	defer site.Close()
	minted := 0
	mint := func(context.Context) (string, error) { minted++; return site.URL + "/login", nil }
	view := kiosk.View{Address: site.URL + "/view", Ready: "#view"}
	if err := w.Renew(t.Context(), view, mint); err != nil {
		t.Fatal(err)
	}
	if minted != 2 {
		t.Errorf("signed in %d times, want the hidden one and the one in the tab", minted)
	}
	w.until("the view is on the screen", func() bool { return w.screen.At(640, 600) == 0x123456 })
}
