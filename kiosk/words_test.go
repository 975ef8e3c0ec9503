package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCausesHaveWords(t *testing.T) {
	unreachable := &url.Error{Op: "Post", URL: "https://sts.example.com", Err: &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}}
	for _, c := range []struct {
		why  Reason
		err  error
		want Cause
	}{
		{WhyDue, nil, Ended},
		{WhyClock, nil, Ended},
		{WhySignedOut, nil, LoggedOut},
		{WhyGone, nil, BrowserGone},
		{WhySignedOut, errors.New("status 400"), SignInFailed}, // the newest thing counts
		{WhyDue, fmt.Errorf("assume role: %w", unreachable), NoNetwork},
		{WhyDue, fmt.Errorf("assume role: %w", &net.DNSError{Err: "no such host"}), NoNetwork},
		{WhyDue, &net.DNSError{Err: "timed out", IsTimeout: true}, NoAnswer},
		{WhyDue, fmt.Errorf("%w: %w", errTooSlow, context.DeadlineExceeded), NoAnswer},
		{WhyDue, fmt.Errorf("%w: %w", errTooLate, context.Canceled), NoAnswer},
		{WhyDue, &url.Error{Op: "Post", Err: x509.CertificateInvalidError{Reason: x509.Expired}}, WrongClock},
		{WhyDue, fmt.Errorf("%w: %w", errTooSlow, &failure{ViewFailed, context.DeadlineExceeded}), ViewFailed},
		{WhyDue, &failure{BrowserGone, errors.New("exit status 127")}, BrowserGone},
	} {
		got := causeOf(Outage{Why: c.why, Err: c.err})
		if got != c.want {
			t.Errorf("%s, %v: %s, want %s", c.why, c.err, got, c.want)
		}
		if w := wording[got]; w.Title == "" || !strings.HasSuffix(w.Text, ".") {
			t.Errorf("%s: %+v", got, w)
		}
	}
}

func TestOnlySkewThatMattersIsSaid(t *testing.T) {
	for skew, want := range map[time.Duration]string{
		0: "", time.Minute: "", -time.Minute: "",
		90*time.Second + 7:         "This machine's clock is more than a minute ahead.",
		3*time.Minute + 5e9:        "This machine's clock is 3 minutes ahead.",
		-25 * time.Hour:            "This machine's clock is 25 hours behind.",
		-56 * 365 * 24 * time.Hour: "This machine's clock is 20440 days behind.",
	} {
		if got := skewText(skew); got != want {
			t.Errorf("%s: %q, want %q", skew, got, want)
		}
	}
}
