package standin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// The sign-in service: the federation endpoint's two calls, and the hop between the sign-in's host and the console's.

const (
	tokenLife = 15 * time.Minute // of a sign-in token [D]

	credsCookie = "aws-creds"    // the session, at both hosts [I, holochrome]
	userCookie  = "aws-userInfo" // for scripts and extensions to read [I]
)

// What the real service says. [I, aws-vault#77; aws-vault#1191; granted#138; leapp#309]
const (
	textAdministrator = "Please contact your administrator."

	textInvalid     = "Invalid credentials parameter"
	textWrongKind   = "Only federation tokens or assume role tokens may be used for federated login. " + textAdministrator
	textInvalidLink = "The credentials in your login link were invalid. " + textAdministrator
	textOther       = "You must first log out before logging into a different AWS account"
)

func (s *Server) serveSignIn(w http.ResponseWriter, c *call) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case c.URL.Path == "/federation" && c.action == "getSigninToken":
		s.getSigninToken(w, c)
	case c.URL.Path == "/federation" && c.action == "login":
		s.login(w, c)
	case c.URL.Path == "/federation":
		http.Error(w, "Invalid action", http.StatusBadRequest)
	case c.URL.Path == "/oauth" && c.action == "logout":
		s.logout(w, c)
	case c.URL.Path == "/oauth":
		s.authorize(w, c)
	case c.URL.Path == "/signin": // there is no password that opens anything
		writeErrorPage(w, http.StatusBadRequest, "Your authentication information is incorrect. Please try again.", "")
	default:
		http.NotFound(w, c.Request)
	}
}

// getSigninToken trades credentials for a sign-in token, by GET or POST. [D]
func (s *Server) getSigninToken(w http.ResponseWriter, c *call) {
	refuse := func(text string) { http.Error(w, text, http.StatusBadRequest) } // not JSON [I, aws-vault#77]
	keyID, key, token, err := parseSession(c.Form.Get("Session"))
	if err != nil {
		refuse(textInvalid)
		return
	}
	who, known := s.credential(keyID)
	switch {
	case known && who.role == "":
		refuse(textWrongKind)
		return
	case !known, !who.secret.Equal(key), !who.token.Equal(token), who.expired(c.now),
		c.fault.Kind == Denied, c.fault.Kind == Expired:
		refuse(textInvalid)
		return
	}
	// Without SessionDuration the session ends with the credentials [D]. With it, the time counts from here or from the
	// login [?]: here is the sooner.
	ends := who.expires
	if c.Form.Has("SessionDuration") {
		wanted, err := sessionDuration(c.Form.Get("SessionDuration"), who.chained)
		if err != nil {
			refuse(textInvalid)
			return
		}
		ends = c.now.Add(s.shortened(wanted))
	}
	text := s.mint(signinToken{who, ends, c.now.Add(tokenLife)}, c.now)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": text})
}

// parseSession reads the Session parameter; its errors repeat nothing of it.
func parseSession(text string) (keyID string, key, token secret.Text, err error) {
	var session struct {
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}
	if err := json.Unmarshal([]byte(text), &session); err != nil {
		return "", secret.Text{}, secret.Text{}, errors.New("session: not JSON of three strings")
	}
	if session.ID == "" || session.Key == "" {
		return "", secret.Text{}, secret.Text{}, errors.New("session: sessionId or sessionKey is missing")
	}
	return session.ID, secret.New(session.Key), secret.New(session.Token), nil
}

// sessionDuration reads SessionDuration: 900 to 43200 s [D], not with chained credentials [D; I, leapp#563: 400].
// Odd values were refused too (7273 s [I, wnkz/aws-sso#11]); that whole minutes are what counts is [?].
func sessionDuration(text string, chained bool) (time.Duration, error) {
	seconds, err := strconv.Atoi(text)
	wanted := time.Duration(seconds) * time.Second
	if err != nil || chained || wanted < minSession || wanted > maxSession || wanted%time.Minute != 0 {
		return 0, errors.New("session duration: out of bounds")
	}
	return wanted, nil
}

// login signs the browser in: three redirects, by way of both hosts, to the Destination. The Issuer may be left out. [D]
func (s *Server) login(w http.ResponseWriter, c *call) {
	destination, err := url.Parse(c.Form.Get("Destination"))
	if err != nil || !c.isConsole(destination) { // another partition's console [I, granted#138]
		writeErrorPage(w, http.StatusBadRequest, textInvalidLink, "")
		return
	}
	token, ok := s.redeem(c.Form.Get("SigninToken"), c.now)
	if !ok || c.fault.Kind == Denied || c.fault.Kind == Expired {
		writeErrorPage(w, http.StatusBadRequest, textInvalidLink, "")
		return
	}
	account := accountOf(token.who.arn)
	if live, alive := s.session(c); alive && live.Account != account {
		out := "http://us-east-1." + signinHost + c.port() + "/oauth?Action=logout&redirect_uri="
		writeErrorPage(w, http.StatusBadRequest, textOther, out)
		return
	}
	id := s.start(Session{
		Account: account, ARN: token.who.arn, Issuer: c.Form.Get("Issuer"), Started: c.now, Expires: token.session,
	}, c.now)
	c.setCookies(w, id, token.who.arn)
	s.redirect(w, c, authorizeAddress(c.Host, destination))
}

// authorizeAddress is where a console sends a browser that it does not know.
func authorizeAddress(host string, destination *url.URL) string {
	return "http://" + host + "/oauth?" + url.Values{
		"response_type": {"code"}, "client_id": {"arn:aws:signin:::console/cloudwatch"}, "redirect_uri": {destination.String()},
	}.Encode()
}

// authorize sends a browser that is signed in on to the console, with a code. All others get the sign-in page, with
// status 200 [D: it is an ordinary page]: whoever watches must know it by address and content.
func (s *Server) authorize(w http.ResponseWriter, c *call) {
	destination, err := url.Parse(c.Form.Get("redirect_uri"))
	if _, alive := s.session(c); err != nil || !alive || !c.isConsole(destination) {
		writePage(w, http.StatusOK, "signin.html", nil)
		return
	}
	text := s.carry(code{c.cookie(), destination.String()})
	s.redirect(w, c, "http://"+destination.Host+"/oauth?"+url.Values{"code": {text}, "state": {"stand-in"}}.Encode())
}

// logout ends the session, and goes on to redirect_uri: at the us-east-1 host only, the others forget it. [I, saml2aws#707]
func (s *Server) logout(w http.ResponseWriter, c *call) {
	s.end(c.cookie())
	c.clearCookies(w)
	next, err := url.Parse(c.Form.Get("redirect_uri"))
	if err != nil || next.Host == "" || c.region != "" && c.region != "us-east-1" {
		writePage(w, http.StatusOK, "signin.html", nil)
		return
	}
	if _, ours := under(next.Hostname(), signinHost); !ours && !c.isConsole(next) {
		writePage(w, http.StatusOK, "signin.html", nil)
		return
	}
	s.redirect(w, c, next.String())
}

// redirect answers 302, as slowly as Hop says.
func (s *Server) redirect(w http.ResponseWriter, c *call, to string) {
	wait(c.Context(), s.Hop)
	http.Redirect(w, c.Request, to, http.StatusFound)
}

// isConsole reports whether u is on this stand-in's console.
func (c *call) isConsole(u *url.URL) bool {
	_, ok := under(u.Hostname(), consoleHost)
	return ok && u.Scheme == "http" && u.Host == u.Hostname()+c.port()
}

// port is the port that the client uses, with a colon in front; "" when it names none.
func (c *call) port() string {
	if p := (&url.URL{Host: c.Host}).Port(); p != "" {
		return ":" + p
	}
	return ""
}
