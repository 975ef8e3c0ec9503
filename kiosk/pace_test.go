package kiosk

import (
	"math"
	"testing"
	"time"
)

func TestRenewAtTwoThirds(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		life time.Duration
		r    float64
		want time.Duration
	}{
		{time.Hour, 0.5, 40 * time.Minute},
		{time.Hour, 0, 36 * time.Minute},
		{time.Minute, 0.5, 40 * time.Second},
		{12 * time.Hour, 0.5, 8 * time.Hour},
	} {
		if got := renewAt(from, from.Add(c.life), c.r).Sub(from).Round(time.Microsecond); got != c.want {
			t.Errorf("renewAt(%s, %v) = %s, want %s", c.life, c.r, got, c.want)
		}
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	for _, c := range []struct {
		life        time.Duration
		failures    int
		least, most time.Duration
	}{
		{time.Hour, 1, time.Second, 2 * time.Second},
		{time.Hour, 3, time.Second, 8 * time.Second},
		{time.Hour, 1000, time.Second, 2 * time.Minute},
		{12 * time.Hour, 1000, time.Second, 2 * time.Minute},
		{0, 1000, time.Second, 2 * time.Minute},
		{time.Minute, 1, time.Second, 2 * time.Second},
		{time.Minute, 1000, time.Second, 2 * time.Second},
	} {
		least, most := backoff(c.life, c.failures, 0), backoff(c.life, c.failures, 1)
		if least != c.least || most != c.most {
			t.Errorf("backoff(%s, %d) = %s … %s, want %s … %s", c.life, c.failures, least, most, c.least, c.most)
		}
	}
}

func FuzzPace(f *testing.F) {
	f.Add(int64(time.Hour), 1, 0.5)
	f.Add(int64(time.Minute), 40, 0.0)
	f.Add(int64(0), 0, 0.999)
	f.Add(int64(math.MaxInt64), math.MaxInt, 0.999)
	f.Add(int64(-time.Hour), -3, 0.1)
	f.Fuzz(func(t *testing.T, nanoseconds int64, failures int, r float64) {
		if !(r >= 0 && r < 1) {
			return
		}
		life := time.Duration(nanoseconds)
		if wait := backoff(life, failures, r); wait <= 0 || wait > 2*time.Minute {
			t.Errorf("backoff(%s, %d, %v) = %s", life, failures, r, wait)
		}
		if life < leastLife {
			return // refused before it is planned with
		}
		from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		expires := from.Add(life)
		at := renewAt(from, expires, r)
		if at.Before(from.Add(life/2)) || at.After(expires.Add(-margin(life))) {
			t.Errorf("renewAt(%s, %v) = %s", life, r, at.Sub(from))
		}
		if settle(life) >= at.Sub(from) || margin(life) >= life-at.Sub(from) {
			t.Errorf("%s: settles after %s, is renewed after %s, is over %s early", life, settle(life), at.Sub(from), margin(life))
		}
	})
}

func TestReasonAnswersWhatItMends(t *testing.T) {
	all := []Reason{WhyDue, WhyHint, WhyBroken, WhyClock, WhyAsked, WhyDenied, WhySignedOut, WhyGone}
	for _, why := range all {
		if why.String() == "unknown" {
			t.Errorf("reason %d has no name", why)
		}
		if why.answers(WhyGone) || why.answers(WhyClock) {
			t.Errorf("%s answers a browser that is gone, or a clock", why)
		}
		if !why.answers(WhyBroken) || !why.answers(WhyHint) {
			t.Errorf("%s does not answer a broken page", why)
		}
		if got, want := why.answers(WhySignedOut), why != WhyBroken; got != want {
			t.Errorf("%s answers signed out: %v", why, got)
		}
	}
	if Reason(0).String() != "unknown" || Reason(99).String() != "unknown" {
		t.Error("what is no reason has a name")
	}
}
