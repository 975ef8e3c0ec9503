package standin

import (
	"image/color"
	"maps"
	"slices"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A credential is one pair of keys that STS knows.
type credential struct {
	keyID         string
	secret, token secret.Text
	arn, userID   string
	role          string    // ARN of the role, for temporary ones; "" for a user's own
	chained       bool      // the caller of AssumeRole was itself a role's session
	expires       time.Time // zero: never
}

func (c credential) expired(now time.Time) bool { return !c.expires.IsZero() && !now.Before(c.expires) }

// A signinToken stands for credentials on the way to the console.
type signinToken struct {
	who     credential
	session time.Time // when the console session will end
	usable  time.Time // until when it signs in
}

// A code carries a session from the sign-in host to a console host, once.
type code struct {
	session, destination string
}

// A Session is somebody signed in to the console.
type Session struct {
	Number           int    // of the sign-in, from 1
	Account          string // of the role
	ARN              string // of the role's session
	Issuer           string // whom the expired notice names
	Started, Expires time.Time
}

// Sessions are those that are alive, in the order of their sign-ins.
func (s *Server) Sessions() []Session {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var alive []Session
	for _, session := range s.sessions {
		if now.Before(session.Expires) {
			alive = append(alive, session)
		}
	}
	slices.SortFunc(alive, func(a, b Session) int { return a.Number - b.Number })
	return alive
}

// SessionColors is how many colours there are; SessionColor begins anew after them.
const SessionColors = 6

// SessionColor is what fills a marked dashboard in session n. All differ from each other, and from white, black, grey
// and the colours of the other pages.
func SessionColor(n int) color.RGBA {
	palette := [SessionColors]color.RGBA{
		{0x00, 0x00, 0xc8, 0xff}, {0x00, 0xa0, 0x00, 0xff}, {0xa0, 0x00, 0xa0, 0xff},
		{0x00, 0x80, 0x80, 0xff}, {0x80, 0x60, 0x00, 0xff}, {0x30, 0x40, 0x80, 0xff},
	}
	return palette[max(n, 0)%SessionColors]
}

// credential finds a user's keys or temporary ones.
func (s *Server) credential(keyID string) (credential, bool) {
	for _, user := range s.users() {
		if user.AccessKeyID == keyID {
			return credential{keyID: keyID, secret: user.Secret, arn: user.ARN, userID: "AIDA" + keyID[min(4, len(keyID)):]}, true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.issued[keyID]
	return who, ok
}

// issue keeps a credential; those that ended long ago are forgotten, so that a stand-in can run for weeks.
func (s *Server) issue(who credential, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.issued, func(_ string, c credential) bool { return c.expired(now.Add(-time.Hour)) })
	put(&s.issued, who.keyID, who)
}

// mint keeps a sign-in token and returns its text.
func (s *Server) mint(t signinToken, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tokens, func(_ string, t signinToken) bool { return !now.Before(t.usable) })
	text := randomText(400)
	put(&s.tokens, text, t)
	return text
}

// redeem takes a sign-in token out. Whether AWS's serve twice is [?]; these do not.
func (s *Server) redeem(text string, now time.Time) (signinToken, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[text]
	delete(s.tokens, text)
	return t, ok && now.Before(t.usable) && now.Before(t.session)
}

// start begins a console session and returns the cookie value that is it.
func (s *Server) start(session Session, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, old Session) bool { return old.Expires.Before(now.Add(-time.Hour)) })
	s.number++
	session.Number = s.number
	id := randomText(52)
	put(&s.sessions, id, session)
	return id
}

// signedIn finds the session of a cookie value. An expired one is returned too, with alive false.
func (s *Server) signedIn(id string, now time.Time) (session Session, alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session = s.sessions[id]
	return session, now.Before(session.Expires)
}

// carry makes a code for a session.
func (s *Server) carry(c code) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := randomText(52)
	put(&s.codes, text, c)
	return text
}

// arrive takes a code out.
func (s *Server) arrive(text string) (code, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes[text]
	delete(s.codes, text)
	return c, ok
}

// end signs one session out.
func (s *Server) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

// put writes into a map that may not be there yet: the zero Server has none.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}
