package autoid

import (
	"context"
	"errors"
	"time"
)

// leaseSlack is what the clocks of server and issuer may differ before a lease counts as longer than was asked.
const leaseSlack = time.Minute

// issue takes the credential from its store, and returns it in its form once the audit has it. That the file allows it,
// its caller has seen.
func (s *Server) issue(
	ctx context.Context, client string, want Want, file *ClientFile, line *record, form func(Credential) ([]byte, error),
) ([]byte, *Error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	store := s.Stores[want.Store]
	if store == nil {
		return nil, &Error{Code: NotFound, Message: "there is no store " + want.Store + " here"}
	}
	allow, _ := file.Policy.allowed(want.String(), line.Address)
	duration := allow.duration()
	c, err := store.Credential(ctx, Grant{client, want, duration, string(allow.SessionPolicy), allow.Tags})
	if told, ok := errors.AsType[*Error](err); ok {
		return nil, told
	}
	unavailable := &Error{Code: Unavailable, Message: "the server could not get the credential"}
	if err == nil && c.Expires.After(time.Now().Add(duration+leaseSlack)) {
		err = errors.New("lease longer than the policy allows")
	}
	if err == nil && !c.Expires.IsZero() && c.Expires.Before(time.Now().Add(-leaseSlack)) {
		err = errors.New("the store's credential has expired")
	}
	var content []byte
	if err == nil {
		content, err = form(c)
	}
	if err == nil && len(content) > maxContent {
		err = errors.New("credential too big for a response")
	}
	if err != nil {
		s.Log.Error("store failed", keyWant, want.String(), keyError, err)
		return nil, unavailable
	}
	line.Decision, line.Expires, line.Trail = decisionIssued, c.Expires, c.Trail
	if keys, err := c.AWS(); err == nil {
		line.AccessKeyID = keys.AccessKeyID
	}
	if err := s.audit.write(line); err != nil {
		s.Log.Error("audit not writable", keyError, err)
		return nil, unavailable
	}
	s.audit.count(decisionIssued)
	return content, nil
}

// tell seals an answer that is no credential.
func (s *Server) tell(seal *sealer, e *Error, seq uint64, line *record) ([]byte, error) {
	line.Decision, line.Expires, line.Trail = string(e.Code), time.Time{}, Trail{}
	s.audit.count(line.Decision)
	s.record(line)
	return seal.seal(answer{statusError, nowMilli(), seq, e.content()})
}

func nowMilli() uint64 {
	return uint64(max(time.Now().UnixMilli(), 0))
}
