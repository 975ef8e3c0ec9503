package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/chromium"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
	"github.com/kioskeeper/kioskeeper/kiosk/opener"
)

// A wall is all that one configuration describes, joined.
type wall struct {
	listener net.Listener
	site     *kiosk.Site
	log      *slog.Logger
}

// options are what does not come from the configuration file.
type options struct {
	allowRoot bool
	windowed  bool            // in a window rather than full screen
	source    awscreds.Source // nil: the configuration's
	sts       string          // address; "": the SDK's setting, else AWS's own
	log       *slog.Logger
	recent    *kiosk.Recent
}

// build joins the parts. Nothing runs yet, but the port of the status page is taken.
func build(file *conffile.File, o options) (_ *wall, err error) {
	if o.source == nil {
		if o.source, err = source(file.Credentials, o.log); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", file.Status.Listen)
	if err != nil {
		return nil, fmt.Errorf("the status page: %w; kioskeeper status tells whether one runs already, and status.listen takes another port", err)
	}
	defer func() {
		if err != nil {
			_ = listener.Close()
		}
	}()
	handoff := &kiosk.Handoff{Base: "http://" + listener.Addr().String(), Log: o.log}
	if file.Browser.User != "" {
		uid, err := uidOf(file.Browser.User)
		if err != nil {
			return nil, usageError{err}
		}
		handoff.UIDs = []int{uid}
	}
	w := &wall{listener: listener, site: &kiosk.Site{Handoff: handoff, Recent: o.recent}, log: o.log}
	for _, d := range file.Displays {
		display, err := join(file, d, handoff, o)
		if err != nil {
			return nil, fmt.Errorf("display %s: %w", d.Name, err)
		}
		w.site.Displays = append(w.site.Displays, display)
	}
	return w, nil
}

// join makes a display of its part of the configuration.
func join(file *conffile.File, d conffile.Display, handoff *kiosk.Handoff, o options) (*kiosk.Display, error) {
	view, in, err := console(file, d, handoff.Base, o)
	if err != nil {
		return nil, err
	}
	display := &kiosk.Display{Name: d.Name, View: view, SignIn: in.ticket, Handoff: handoff, Log: o.log}
	if file.Browser.Kind == conffile.BrowserDefault {
		display.Screen = &opener.Screen{Fetched: handoff.Fetched}
		return display, nil
	}
	browser := &chromium.Browser{
		Path: file.Browser.Path, User: file.Browser.User, AllowRoot: o.allowRoot, Windowed: o.windowed,
		Rules: chromium.Rules{SignIn: federation.IsSignIn, Expired: federation.Notices()},
		Log:   o.log.With("display", d.Name),
	}
	if err := browser.Check(); err != nil {
		return nil, usageError{err} // trying again for ever would not mend it
	}
	display.Screen = browser
	return display, nil
}

// console works out what a display shows, and the way to sign in to it.
func console(file *conffile.File, d conffile.Display, base string, o options) (kiosk.View, *signIn, error) {
	v := d.Views[0]
	arn, region := "", ""
	if file.Role != nil {
		arn = file.Role.ARN
	}
	if v.CloudWatch != nil {
		region = v.CloudWatch.Region
	}
	partition, err := federation.Choose(arn, region)
	if err != nil {
		return kiosk.View{}, nil, err
	}
	partition.SignIn = cmp.Or(file.Console.SignIn, partition.SignIn)
	partition.Console = cmp.Or(file.Console.Address, partition.Console)
	view := kiosk.View{Address: v.URL, Ready: v.Ready}
	if c := v.CloudWatch; c != nil {
		view.Address, err = federation.Dashboard{Name: c.Dashboard, Region: c.Region, Range: c.Range, Refresh: c.Refresh}.Address(partition)
		if err != nil {
			return kiosk.View{}, nil, err
		}
	}
	if err := partition.CheckDestination(view.Address, region); err != nil {
		return kiosk.View{}, nil, err
	}
	in := &signIn{source: o.source, destination: view.Address, log: o.log.With("display", d.Name)}
	in.console = federation.SignIn{Partition: partition, Region: region, Issuer: base + "/displays/" + d.Name + "/", Log: in.log}
	if r := file.Role; r != nil {
		in.wanted = r.Duration
		in.role = &awscreds.Role{ARN: r.ARN, SessionName: cmp.Or(r.SessionName, d.Name), ExternalID: r.ExternalID, Region: region, Endpoint: o.sts}
		if err := in.role.Check(); err != nil {
			return kiosk.View{}, nil, err
		}
	}
	return view, in, nil
}

func uidOf(name string) (int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("browser.user: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return 0, fmt.Errorf("browser.user: users are not numbered on %s", runtime.GOOS)
	}
	return uid, nil
}

// server serves the wall's pages.
func (w *wall) server() *http.Server {
	return &http.Server{
		Handler: w.site.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug),
	}
}

// run keeps all displays until ctx ends, and then leaves nothing behind.
func (w *wall) run(ctx context.Context) error {
	server := w.server()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("the status page: %w", err))
		}
	})
	var mu sync.Mutex
	var left []error
	var displays sync.WaitGroup
	for _, d := range w.site.Displays {
		displays.Go(func() {
			if err := d.Run(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				left = append(left, fmt.Errorf("display %s: %w", d.Name, err))
			}
		})
	}
	displays.Wait()
	_ = server.Close() // after the displays: until then they show its pages
	parts.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		left = append(left, cause)
	}
	return errors.Join(left...)
}

// address is where the status page is.
func (w *wall) address() string { return w.site.Handoff.Base + "/" }

// logger writes to w for the journal and for people, and keeps the last lines for the status page.
func logger(recent *kiosk.Recent) *slog.Logger {
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(os.Stderr, nil), recent.Handler()))
}
