package autoid

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// An Arrival is a request that came by another protocol. That protocol has its own proof of who sends; what he may have is
// decided here, by the same files, limits and audit.
type Arrival struct {
	Protocol string // its name in the audit
	Client   string
	Want     Want
	Request  string // tells equal requests in the audit; not secret
}

// Heeds reports whether the sender's address is within its limit of failures: one beyond it is refused unheard.
func (s *Server) Heeds(r *http.Request) bool {
	s.start()
	return !s.addresses.spent(prefixOf(addressOf(r)), s.failuresPerMinute(), time.Minute, time.Now())
}

// Refuse counts and audits a request that has proven nothing. What it claims is not in the audit.
func (s *Server) Refuse(r *http.Request, protocol, reason string) {
	s.start()
	line := &record{Time: time.Now().UTC(), Protocol: protocol, Address: addressOf(r), Reason: reason, Decision: decisionRefused}
	s.audit.count(decisionRefused)
	if s.fail(line) {
		s.record(line)
	}
}

// Answer is for a request that has proven whose it is: what protocol 2 does from there on, but for replays, which only it
// can tell. form makes of the credential what will be sent. The error is for the log; the audit has it already.
func (s *Server) Answer(
	ctx context.Context, r *http.Request, a Arrival, form func(Credential) ([]byte, error),
) ([]byte, error) {
	s.start()
	line := &record{Time: time.Now().UTC(), Protocol: a.Protocol, Address: addressOf(r), Client: a.Client,
		Want: a.Want.String(), Request: a.Request}
	file := s.state.standing(a.Client, line.Time)
	if file == nil {
		line.Decision, line.Reason = decisionRefused, "client: unknown, revoked or expired"
		s.audit.count(line.Decision)
		s.record(line)
		return nil, errors.New(line.Reason)
	}
	told := s.within(a.Client, line.Want, file, line)
	if told == nil {
		var content []byte
		if content, told = s.issue(ctx, a.Client, a.Want, file, line, form); told == nil {
			return content, nil
		}
	}
	line.Decision, line.Expires, line.Trail = string(told.Code), time.Time{}, Trail{}
	s.audit.count(line.Decision)
	s.record(line)
	return nil, told
}
