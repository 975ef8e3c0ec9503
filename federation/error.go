package federation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Kind says what sort of failure an [Error] is, for callers that act on it.
type Kind string

// The kinds of failure. The first four can pass by themselves; the others need a change of clock, credentials or settings.
const (
	Throttled        Kind = "throttled"
	Unreachable      Kind = "unreachable"
	Unavailable      Kind = "unavailable"       // AWS failed: 5xx
	Unexpected       Kind = "unexpected answer" // not what AWS would say: a proxy, a captive portal
	ClockWrong       Kind = "this machine's clock is wrong"
	Expired          Kind = "credentials have expired"
	Refused          Kind = "refused"
	WrongCredentials Kind = "wrong kind of credentials"
	NoCredentials    Kind = "no credentials"
	WrongPartition   Kind = "wrong partition"
	WrongDuration    Kind = "impossible duration"
	Invalid          Kind = "invalid"
)

// Error is a failure on the way to a sign-in. It never holds a secret: what a server, a proxy or the SDK said is
// classified and dropped, since any of them may quote the request.
type Error struct {
	Op     string // what was tried: "getSigninToken", "AssumeRole", "partition" …
	Kind   Kind
	Status int    // HTTP status; 0: none
	Detail string // what was seen
	Hint   string // what mends it
	Cause  error  // nil, or the context's error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause, so that a cancelled context is known as one.
func (e *Error) Unwrap() error { return e.Cause }

// NetworkError makes an Error of what a round trip failed with. It never quotes err itself: net/http, for one, prints the
// first line of a malformed answer, and that line may be an echo of the request.
func NetworkError(op string, err error) *Error {
	e := &Error{Op: op, Kind: Unreachable, Detail: "the connection broke", Hint: "check the network and the proxy"}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			e.Cause = cause
		}
	}
	if cert, ok := errors.AsType[x509.CertificateInvalidError](err); ok && cert.Reason == x509.Expired {
		// Far more often the clock of a small machine without a battery than AWS's certificate.
		e.Kind, e.Hint = ClockWrong, "set the clock, for example with timedatectl set-ntp true"
		e.Detail = fmt.Sprintf("by a clock of %s the server's certificate is not valid", time.Now().UTC().Format(time.RFC3339))
		return e
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		e.Detail = "the name " + dns.Name + " was not resolved"
	} else if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Detail, e.Hint = "the server's certificate is not trusted", "if a proxy opens TLS, name its CA in AWS_CA_BUNDLE"
	} else if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		e.Detail = "the server does not speak TLS"
	} else if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || e.Cause == context.DeadlineExceeded {
		e.Detail = "no answer in time"
	} else if e.Cause == context.Canceled {
		e.Detail, e.Hint = "given up", ""
	} else if reason, ok := errors.AsType[syscall.Errno](err); ok {
		e.Detail = reason.Error()
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Detail = "the connection was closed before the answer"
	}
	return e
}
