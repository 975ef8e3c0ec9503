package autoid

import (
	"context"
	"fmt"
	"time"
)

// admit checks evidence, replay, the client's limit and the policy. What it returns first is sealed to the client; an
// error means the 403.
func (s *Server) admit(
	ctx context.Context, q *request, file *ClientFile, serverName string, sent time.Time, line *record,
) (*Error, error) {
	if q.egen == 0 {
		// Before the replay cache: nobody has proven anything yet, and could fill it.
		if err := s.verifyAlone(ctx, q, file, serverName); err != nil {
			return nil, fmt.Errorf("evidence alone: %w", err)
		}
	}
	switch s.replays.add(q.client, q.th, sent, line.Time) {
	case isReplay:
		return nil, refusal("replay")
	case isFull:
		return &Error{Code: Throttled, Message: "too many requests in the last minutes", RetryAfter: replayKeep}, nil
	case isNew:
		if told, err := s.addShared(ctx, q, sent); told != nil || err != nil {
			return told, err
		}
	}
	if q.egen != 0 && len(file.Evidence.AnyOf) > 0 {
		if err := s.verify(ctx, q, file, serverName, false); err != nil {
			line.Reason = "evidence: " + err.Error()
			return &Error{Code: Denied, Message: "the evidence is not what this client has to show"}, nil
		}
	}
	return s.within(q.client, q.want, file, line), nil
}

// within holds a request against the client's own limit and policy; nil if it may be answered.
func (s *Server) within(client, want string, file *ClientFile, line *record) *Error {
	perHour := file.Policy.perHour()
	if !s.clients.take(client, perHour, time.Hour, line.Time) {
		wait := time.Hour / time.Duration(perHour)
		return &Error{Code: Throttled, Message: fmt.Sprintf("over %d requests an hour", perHour), RetryAfter: wait}
	}
	if _, ok := file.Policy.allowed(want, line.Address); !ok {
		return &Error{Code: Denied, Message: "this client may not ask for " + want + " from here"}
	}
	return nil
}

// addShared adds the request to the memory that servers share.
func (s *Server) addShared(ctx context.Context, q *request, sent time.Time) (*Error, error) {
	if s.Replays == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	isNew, err := s.Replays.Add(ctx, q.th, sent.Add(replayKeep))
	if err != nil {
		s.Log.Error("replays not known", keyError, err)
		return &Error{Code: Unavailable, Message: "the server cannot tell whether this is a replay"}, nil
	}
	if !isNew {
		return nil, refusal("replay, at another server")
	}
	return nil, nil
}

func (s *Server) verifyAlone(ctx context.Context, q *request, file *ClientFile, serverName string) error {
	select {
	case s.outside <- struct{}{}:
		defer func() { <-s.outside }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.verify(ctx, q, file, serverName, true)
}

// verify wants one of the client's rules to hold.
func (s *Server) verify(ctx context.Context, q *request, file *ClientFile, serverName string, boundOnly bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	v := verifierOf(s.Verifiers, q.kind)
	if v == nil || (boundOnly && !v.Bound()) {
		return fmt.Errorf("kind %q: not accepted", q.kind)
	}
	errs := []error{fmt.Errorf("kind %q: not asked for", q.kind)}
	for _, rule := range file.Evidence.AnyOf {
		if ruleKind(rule) != q.kind {
			continue
		}
		err := v.Verify(ctx, rule, Evidence{q.kind, q.evidence, serverName, q.th})
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errs[len(errs)-1]
}
