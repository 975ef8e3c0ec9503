package chromium

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/internal/xvfb"
	"github.com/kioskeeper/kioskeeper/kiosk"
)

func TestSmoke(t *testing.T) {
	d, err := xvfb.Start(t.Context(), 1280, 720)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	t.Setenv("DISPLAY", d.Name)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<body style="background:%s"><h1>hello</h1>`, r.FormValue("c"))
	}))
	defer srv.Close()
	b := &Browser{User: "nobody", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	defer b.Close()
	ctx := t.Context()
	if err := b.Open(ctx, srv.URL+"/hold?c=blue"); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%06x %06x %06x\n", d.At(600, 600), d.At(1279, 719), d.At(0, 0))
	v := kiosk.View{Address: srv.URL + "/view?c=lime"}
	ctx, cancel := context.WithTimeout(ctx, 12*time.Second)
	defer cancel()
	if err := b.Renew(ctx, v, func(context.Context) (string, error) { return v.Address, nil }); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%06x %06x %06x\n", d.At(600, 600), d.At(1279, 719), d.At(0, 0))
}
