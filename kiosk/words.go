package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"time"
)

// A Cause is what keeps the view from showing.
type Cause string

// The causes that the holding page has words for.
const (
	Starting     Cause = "starting"
	NoNetwork    Cause = "network"
	WrongClock   Cause = "clock"
	NoAnswer     Cause = "no answer"
	SignInFailed Cause = "sign-in"
	ViewFailed   Cause = "view"
	Ended        Cause = "ended"
	LoggedOut    Cause = "signed out"
	BrowserGone  Cause = "browser"
)

// words are what a person at the wall reads: what is wrong, and what it means.
type words struct{ Title, Text string }

var wording = map[Cause]words{
	Starting:     {"Starting", "The dashboard is being signed in and comes up by itself."},
	NoNetwork:    {"No network", "The sign-in service cannot be reached from this display."},
	WrongClock:   {"The clock is wrong", "Secure connections need the right time. They work as soon as the clock is set."},
	NoAnswer:     {"No answer", "The sign-in was begun but did not come to its end in time."},
	SignInFailed: {"The sign-in does not work", "The service that signs this display in has refused, or failed."},
	ViewFailed:   {"The dashboard does not come up", "The sign-in worked, but the page that should show did not."},
	Ended:        {"The session has ended", "A new one is on its way."},
	LoggedOut:    {"Signed out", "The session was ended before its time. A new one is on its way."},
	BrowserGone:  {"The browser does not run", "It is started again, and the dashboard comes back by itself."},
}

// What the holding page says when nothing is wrong, for whoever opened it by hand, and when nobody tells it anything.
var (
	shown  = words{"The dashboard shows", "This display is signed in."}
	silent = words{"Kioskeeper does not answer", "This machine starts it again, and the dashboard comes back by itself."}
)

// skewWorthSaying is how wrong a clock must be for the holding page to say so.
const skewWorthSaying = time.Minute

// causeOf finds the words for an outage.
func causeOf(o Outage) Cause {
	var (
		dns     *net.DNSError
		op      *net.OpError
		invalid x509.CertificateInvalidError
		slow    net.Error
		known   *failure
	)
	switch err := o.Err; {
	case err == nil && o.Why == WhyGone:
		return BrowserGone
	case err == nil && o.Why == WhySignedOut:
		return LoggedOut
	case err == nil:
		return Ended
	case errors.As(err, &known):
		return known.cause
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return WrongClock
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTooSlow), errors.Is(err, errTooLate),
		errors.As(err, &slow) && slow.Timeout():
		return NoAnswer
	case errors.As(err, &dns), errors.As(err, &op):
		return NoNetwork
	default:
		return SignInFailed
	}
}

// skewText says in words how wrong the clock is; nothing if it hardly is.
func skewText(skew time.Duration) string {
	switch {
	case skew > skewWorthSaying:
		return "This machine's clock is " + roughly(skew) + " ahead."
	case skew < -skewWorthSaying:
		return "This machine's clock is " + roughly(-skew) + " behind."
	}
	return ""
}

// roughly says a duration of a minute or more as one would.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, " days"}, {time.Hour, " hours"}, {time.Minute, " minutes"}} {
		if d >= 2*u.unit {
			return strconv.FormatInt(int64(d.Round(u.unit)/u.unit), 10) + u.name
		}
	}
	return "more than a minute"
}
