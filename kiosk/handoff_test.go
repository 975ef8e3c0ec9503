package kiosk

import (
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
			if _, ok := h.take(offerKey(address[len(h.Base+signInPath):])); ok != want {
				t.Errorf("after %s: %v", after, ok)
			}
		})
	}
}
