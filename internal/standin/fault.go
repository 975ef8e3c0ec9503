package standin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Kind is one way to go wrong.
type Kind string

// The kinds of fault, and what each does.
const (
	Slow      Kind = "slow"       // every part: answers after Delay
	Broken    Kind = "5xx"        // every part: status 500
	Throttled Kind = "throttled"  // STS and other services: 400 Throttling; else 429
	Dropped   Kind = "dropped"    // every part: the connection is closed without an answer
	Denied    Kind = "denied"     // STS: AccessDenied; Federation: 400; Console: 403 to the page's own calls
	Expired   Kind = "expired"    // STS: ExpiredToken; Federation: 400; Console: all sessions expire now
	SignedOut Kind = "signed-out" // Console: all sessions end now, without trace

	// Of the console's pages only.
	Blank       Kind = "blank"       // 200 and nothing in it
	SignInPage  Kind = "signin-page" // the sign-in form, 200, at the dashboard's own address
	Unavailable Kind = "503"         // status 503
	Hang        Kind = "hang"        // the script of the page loops for ever, also on a page that is up already
)

// kinds are all, for the page on which they are chosen.
func kinds() []Kind {
	return []Kind{Slow, Broken, Throttled, Dropped, Denied, Expired, SignedOut, Blank, SignInPage, Unavailable, Hang}
}

// A Fault is something that is to go wrong.
type Fault struct {
	Part Part
	Kind Kind
	// Action narrows it to one: AssumeRole, GetCallerIdentity; getSigninToken, login, authorize, logout; page, data, oauth.
	// "" is every one that the kind can hit.
	Action string
	Count  int           // how many requests it hits; 0 is all, until cleared
	Delay  time.Duration // of Slow
}

// actions are what a fault of this part and kind can hit; with none it cannot happen.
func (f Fault) actions() []string {
	switch f.Kind {
	case Slow, Broken, Throttled, Dropped:
		return f.Part.actions()
	case Denied, Expired:
		switch f.Part {
		case Federation:
			return []string{"getSigninToken", "login"}
		case Console:
			return []string{"data"}
		default:
			return f.Part.actions()
		}
	}
	if f.Part != Console {
		return nil
	}
	switch f.Kind {
	case Blank, SignInPage, Unavailable:
		return []string{"page"}
	case Hang, SignedOut:
		return []string{"data"}
	}
	return nil
}

// actions are the names of all that a part answers; none for a part that there is not.
func (p Part) actions() []string {
	switch p {
	case STS:
		return []string{"AssumeRole", "GetCallerIdentity", "GetFederationToken"}
	case Federation:
		return []string{"getSigninToken", "login", "authorize", "logout"}
	case Console:
		return []string{"page", "data", "oauth"}
	}
	return jsonServices()[p].actions
}

// signed reports whether the part is a service to which calls are signed.
func (p Part) signed() bool { return p == STS || jsonServices()[p].actions != nil }

// SetFault makes f happen from now on, in place of the part's earlier one. SignedOut, and Expired at the console, happen
// to the sessions of this moment, and to none that begin later.
func (s *Server) SetFault(f Fault) error {
	switch actions := f.actions(); {
	case actions == nil:
		return fmt.Errorf("fault: %q cannot be %q", f.Part, f.Kind)
	case f.Action != "" && !slices.Contains(actions, f.Action):
		return fmt.Errorf("fault: %s of %s hits %s, not %q", f.Kind, f.Part, strings.Join(actions, ", "), f.Action)
	case f.Count < 0, f.Delay < 0:
		return errors.New("fault: count and delay cannot be negative")
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.Kind == SignedOut:
		clear(s.sessions)
	case f.Kind == Expired && f.Part == Console:
		for id, session := range s.sessions {
			session.Expires = now
			s.sessions[id] = session
		}
	default:
		put(&s.faults, f.Part, f)
	}
	return nil
}

// ClearFaults ends the faults of the given parts, or of all when none is given.
func (s *Server) ClearFaults(parts ...Part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for part := range s.faults {
		if len(parts) == 0 || slices.Contains(parts, part) {
			delete(s.faults, part)
		}
	}
}

// takeFault gives the fault that hits an action, and counts it.
func (s *Server) takeFault(part Part, action string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[part]
	if f.Action != "" && f.Action != action || !slices.Contains(f.actions(), action) {
		return Fault{}
	}
	switch f.Count {
	case 0:
	case 1:
		delete(s.faults, part)
	default:
		left := f
		left.Count--
		s.faults[part] = left
	}
	return f
}

// failAtOnce does the faults that need no look at the call, and reports whether it has answered.
func (s *Server) failAtOnce(w http.ResponseWriter, c *call) bool {
	refuse := func(e stsError) bool {
		if c.part == STS {
			writeSTSError(w, e)
		} else if c.part.signed() {
			writeJSONError(w, e)
		} else {
			http.Error(w, e.message, e.status)
		}
		return true
	}
	switch c.fault.Kind {
	case Slow:
		wait(c.Context(), c.fault.Delay)
	case Dropped:
		panic(http.ErrAbortHandler) // the way to make net/http close the connection
	case Broken:
		return refuse(stsError{http.StatusInternalServerError, "InternalFailure",
			"The request processing has failed because of an unknown error, exception or failure."})
	case Throttled:
		if !c.part.signed() {
			return refuse(stsError{status: http.StatusTooManyRequests, message: "Too Many Requests"})
		}
		return refuse(stsError{http.StatusBadRequest, "Throttling", "Rate exceeded"})
	case Denied:
		if c.part.signed() {
			return refuse(stsError{http.StatusForbidden, "AccessDenied",
				fmt.Sprintf("User is not authorized to perform: %s:%s", c.part, c.action)})
		}
	case Expired:
		if c.part.signed() {
			return refuse(*errExpired())
		}
	}
	return false
}
