package kiosk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

func TestOfferEndsAfterAMinute(t *testing.T) {
	for after, want := range map[time.Duration]bool{59 * time.Second: true, 61 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			h := &Handoff{Base: "http://127.0.0.1:1"}
			address, err := h.Offer(Ticket{Address: "https://signin.example.com/", Fields: []Field{{"a", secret.New("b")}}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			synctest.Wait()
			if kept := len(h.offers) == 1; kept != want {
				t.Errorf("after %s in memory: %v", after, kept)
			}
			if _, ok := h.take(idOf(address[len(h.Base+signInPath):])); ok != want {
				t.Errorf("after %s: %v", after, ok)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(h.offers) != 0 {
				t.Errorf("%d offers are left", len(h.offers))
			}
		})
	}
}

func TestFetchedTellsWhetherTheTicketWasTaken(t *testing.T) {
	for _, c := range []struct {
		taken, patience, took time.Duration
		ok                    bool
	}{
		{0, time.Hour, 0, true}, // before anybody waits
		{20 * time.Second, time.Hour, 20 * time.Second, true},
		{70 * time.Second, time.Hour, time.Minute, false},
		{20 * time.Second, 10 * time.Second, 10 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &Handoff{Base: "http://127.0.0.1:1"}
			address, err := h.Offer(Ticket{Address: "https://signin.example.com/"})
			if err != nil {
				t.Fatal(err)
			}
			take := func() { h.take(idOf(address[len(h.Base+signInPath):])) }
			if c.taken == 0 {
				take()
			} else {
				time.AfterFunc(c.taken, take)
			}
			ctx, stop := context.WithTimeout(t.Context(), c.patience)
			defer stop()
			began := time.Now()
			if err, took := h.Fetched(ctx, address), time.Since(began); (err == nil) != c.ok || took != c.took {
				t.Errorf("taken after %s: %v after %s", c.taken, err, took)
			}
		})
	}
	if new(Handoff).Fetched(t.Context(), "http://127.0.0.1:1/elsewhere") == nil {
		t.Error("an address that was never offered has been fetched")
	}
}
