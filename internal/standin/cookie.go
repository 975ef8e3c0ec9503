package standin

import (
	"net/http"
	"net/url"
	"strings"
)

// The cookies that peers found in a signed-in browser [I, holochrome, granted]. credsCookie alone counts here. Console
// cookies belong to one host; the sign-in's are for all of its regions, since log-out is served by one of them.

// sessionCookie is a mark of a real console session; its prefix makes the browser insist on Secure.
const sessionCookie = "__Secure-aws-session-id-"

// setCookies signs the browser in at the host of the call. Secure ones work there without TLS: Chromium trusts
// *.localhost (seen with 156).
func (c *call) setCookies(w http.ResponseWriter, id, arn string) {
	account := accountOf(arn)
	for _, cookie := range []http.Cookie{
		{Name: credsCookie, Value: id, HttpOnly: true},
		{Name: userCookie, Value: url.QueryEscape(`{"arn":"` + arn + `","alias":""}`)},
		{Name: "noflush_awsccs_sid", Value: randomText(32), HttpOnly: true},
		{Name: sessionCookie + account, Value: randomText(32), HttpOnly: true},
	} {
		c.set(w, cookie)
	}
}

func (c *call) clearCookies(w http.ResponseWriter) {
	for _, cookie := range c.Cookies() {
		if cookie.Name == credsCookie || cookie.Name == userCookie || strings.HasPrefix(cookie.Name, sessionCookie) {
			c.set(w, http.Cookie{Name: cookie.Name, MaxAge: -1})
		}
	}
}

func (c *call) set(w http.ResponseWriter, cookie http.Cookie) {
	cookie.Path, cookie.Secure, cookie.SameSite = "/", true, http.SameSiteLaxMode
	if _, ok := under(c.host, signinHost); ok {
		cookie.Domain = signinHost
	}
	http.SetCookie(w, &cookie)
}

// cookie is the value that names the session, "" without one.
func (c *call) cookie() string {
	if cookie, err := c.Cookie(credsCookie); err == nil {
		return cookie.Value
	}
	return ""
}

// session is the session of the call's cookie.
func (s *Server) session(c *call) (Session, bool) { return s.signedIn(c.cookie(), c.now) }
