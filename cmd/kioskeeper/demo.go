package main

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/internal/xvfb"
	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/chromium"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

// demoRegion is where the demo's dashboard is.
const demoRegion = "ap-southeast-2"

func demoCommand() *cobra.Command {
	d := demo{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show a wall on this machine, with a stand-in for AWS and sessions of a minute",
		Long: `Show a wall on this machine, with a stand-in for AWS and sessions of a minute.

The whole way is walked: an auto-id server, a client that proves itself, the roles, the sign-in, the browser. Where there
is no screen, the wall is a virtual one, and pictures of it are written into a folder. Ctrl-C ends it, and leaves nothing
but those pictures.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c) },
	}
	c.Flags().DurationVar(&d.life, "session", time.Minute, "how long a session lasts")
	c.Flags().DurationVar(&d.limit, "for", 0, "end by itself after this time; 0: never")
	c.Flags().StringVar(&d.pictures, "pictures", "demo", "the `folder` for pictures of a virtual screen")
	c.Flags().BoolVar(&d.virtual, "virtual", false, "use a virtual screen even where there is a real one")
	return c
}

type demo struct {
	life, limit time.Duration
	pictures    string
	virtual     bool
}

func (d *demo) run(c *cobra.Command) (err error) {
	ctx := c.Context()
	if d.limit > 0 {
		limited, cancel := context.WithTimeout(ctx, d.limit)
		defer cancel()
		ctx = limited
	}
	scene := make(chan string, 16)
	recent := new(kiosk.Recent)
	log := slog.New(slog.NewMultiHandler(recent.Handler(), newNarrator(c.OutOrStdout(), func(message string) {
		select {
		case scene <- message:
		default: // a picture less
		}
	})))

	if !desktop() || d.virtual {
		screen, err := xvfb.Start(ctx, 1920, 1080)
		if err != nil {
			return err
		}
		defer screen.Close()
		if err := os.Setenv("DISPLAY", screen.Name); err != nil {
			return err
		}
		if err := os.Unsetenv("WAYLAND_DISPLAY"); err != nil {
			return err
		}
		log.Info("no screen here, so the wall is virtual", "pictures", filepath.Join(d.pictures, "*.png"))
		album, err := newAlbum(d.pictures, screen)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, album.take("last")) }()
		stop := album.follow(ctx, scene)
		defer stop()
		d.virtual = true
	}

	r, err := rehearse(ctx, &standin.Server{Life: d.life}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	log.Info("a stand-in for AWS and an auto-id server run on this machine", "faults to play with", r.at.Control)

	w, err := r.wall(options{windowed: !d.virtual, log: log, recent: recent})
	if err != nil {
		return err
	}
	log.Info("started", "status page", w.address(), "sessions of", d.life)
	if err := w.run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil // the limit was asked for
}

// desktop reports whether there is a screen to show a window on.
func desktop() bool { return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" }

// wall is a wall in the rehearsal's world, with one display.
func (r *rehearsal) wall(o options) (*wall, error) {
	o.source = autoIDSource(r.client, rehearsalWant)
	o.sts = r.at.STS
	file := &conffile.File{
		Credentials: conffile.Credentials{Source: conffile.SourceAutoID},
		Role:        &conffile.Role{ARN: standin.DefaultRole, SessionName: rehearsalClient, Duration: time.Hour},
		Console:     conffile.Console{SignIn: r.at.SignIn, Address: r.at.Console("{region}")},
		Browser:     conffile.Browser{Kind: conffile.BrowserManaged, User: chromium.OrdinaryUser()},
		Displays: []conffile.Display{{Name: "demo", Views: []conffile.View{{
			CloudWatch: &conffile.CloudWatch{Dashboard: "payments", Region: demoRegion, Range: 3 * time.Hour, Refresh: time.Minute},
		}}}},
		Status: conffile.Status{Listen: "127.0.0.1:0"},
	}
	return build(file, o)
}

// An album keeps pictures of a screen: the latest, and one of each scene.
type album struct {
	folder string
	screen *xvfb.Display
	taken  int
}

const (
	// albumSize is how many scenes are kept; a demo may run for days.
	albumSize = 20
	// pictureEvery is the age of the latest picture at most.
	pictureEvery = 5 * time.Second
)

func newAlbum(folder string, screen *xvfb.Display) (*album, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.png"))
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	return &album{folder: folder, screen: screen}, err
}

// follow takes pictures until it is stopped or ctx ends.
func (a *album) follow(ctx context.Context, scenes <-chan string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pictureEvery)
		defer tick.Stop()
		for {
			name := "wall"
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case message := <-scenes:
				if a.taken++; a.taken > albumSize {
					continue
				}
				name = fmt.Sprintf("%02d-%s", a.taken, slug(message))
			}
			if err := a.take(name); err != nil {
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// take writes a picture of what shows now.
func (a *album) take(name string) error {
	path := filepath.Join(a.folder, name+".png")
	f, err := os.CreateTemp(a.folder, ".picture-")
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(0o644), png.Encode(f, a.screen.Image()), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path) // whoever looks sees a whole one
}

// slug makes a file name of a message.
func slug(message string) string {
	words := strings.FieldsFunc(strings.ToLower(message), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := strings.Join(words, "-")
	return name[:min(len(name), 40)]
}
