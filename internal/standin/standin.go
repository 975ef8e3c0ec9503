// Package standin is a local imitation of AWS: STS, the console's sign-in, and a CloudWatch dashboard to sign in to.
//
// It serves the demo and the tests, and it refuses what AWS refuses: a wrong signature, a wrong clock, a session that is
// too long, a sign-in token that is too old. Each behaviour names what it rests on: [D] AWS's documentation, [S] source
// that was read, [I] an issue in which somebody met it, [?] nobody established it, and the stricter reading is taken.
//
// It is no AWS: there are no policies beyond a role's trust, of other services only what reads a secret, one partition, no multi-session, and the
// console's pages only look and fail like the real ones. Nothing that it hands out opens anything elsewhere. It must not
// be reachable from other machines, since anybody who reaches it may sign everybody out.
package standin

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// The credentials and the role of a Server whose Users and Roles are left out.
const (
	DefaultAccount     = "111122223333"
	DefaultAccessKeyID = "AKIASTANDINTEST00001"
	DefaultSecretKey   = "stand-in/test/secret/opens/nothing/at/al" // 40 characters, as AWS's have
	DefaultUser        = "arn:aws:iam::" + DefaultAccount + ":user/stand-in"
	DefaultRole        = "arn:aws:iam::" + DefaultAccount + ":role/wall-viewer"
)

// A Server is all of the stand-in. Its zero value is ready, with the default user and role and AWS's own times.
// The fields must not change once it serves.
//
// One listener serves everything, told apart by host: sts.localhost, [REGION.]signin.localhost and
// [REGION.]console.localhost, which Chromium finds on loopback by itself. At any other name (127.0.0.1, say) the path
// decides between STS (/; its JSON protocol's target, other services) and sign-in (/federation), for clients that resolve names less kindly.
type Server struct {
	Users      []User // nil: DefaultUser
	Roles      []Role // nil: DefaultRole, up to 12 h
	Secrets    []Secret
	Parameters []Parameter

	// Life shortens every session (credentials and console alike), also below the 900 s that are AWS's least, so that
	// an hour can be watched in a minute. What a caller may ask for stays AWS's, and so one who asks for a
	// SessionDuration is not told of the shortening: the credentials' Expiration tells. Zero leaves the times as they are.
	Life time.Duration
	// Hop is how long each of the three redirects of a sign-in takes.
	Hop time.Duration
	// Boot is how long the console is a white shell before the dashboard paints; zero is 300 ms, less is none.
	Boot time.Duration
	// Marked makes every dashboard one solid colour, SessionColor of its session, with a small counter at the top left:
	// a program that samples the screen can tell one session from the next, and both from anything else.
	Marked bool
	// Clock is the stand-in's time, in the Date header too; nil is time.Now.
	Clock func() time.Time

	mu       sync.Mutex // guards all that follows; never held while writing to a client
	issued   map[string]credential
	tokens   map[string]signinToken
	codes    map[string]code
	sessions map[string]Session // by cookie value
	number   int                // of the latest session
	faults   map[Part]Fault
	requests []Request
	counts   map[string]int
}

// A User has long-term credentials.
type User struct {
	AccessKeyID string
	Secret      secret.Text
	ARN         string
}

// A Role can be assumed.
type Role struct {
	ARN string
	// MaxSession is the longest that may be asked for; zero is 1 h, as for a new role [D].
	MaxSession time.Duration
	// Trusted are the ARNs of the users and roles that may assume it; nil is everybody in the role's own account.
	Trusted []string
	// ExternalID, when set, must be given by the caller [D].
	ExternalID string
}

// A Part is one of the services; those of AWS's JSON protocol have their names in json.go.
type Part string

// The parts.
const (
	STS        Part = "sts"
	Federation Part = "federation"
	Console    Part = "console"
)

// Addresses are where a Server is reached, to be written into a configuration.
type Addresses struct {
	STS     string // for AWS_ENDPOINT_URL_STS
	SignIn  string // both calls of /federation
	Control string // the page on which a person switches faults
	port    string
}

// At gives the addresses of a Server that listens at addr.
func At(addr net.Addr) Addresses {
	_, port, _ := net.SplitHostPort(addr.String())
	return Addresses{
		STS:     "http://127.0.0.1:" + port,
		SignIn:  "http://signin.localhost:" + port,
		Control: "http://127.0.0.1:" + port + "/_standin/",
		port:    port,
	}
}

// Console gives the console's address in a region, without a slash at the end; region may be "".
func (a Addresses) Console(region string) string {
	if region != "" {
		region += "."
	}
	return "http://" + region + consoleHost + ":" + a.port
}

const (
	stsHost     = "sts.localhost"
	signinHost  = "signin.localhost"
	consoleHost = "console.localhost"

	maxBody = 64 << 10
)

// A call is one request, read and sorted.
type call struct {
	*http.Request
	now    time.Time
	part   Part
	host   string // without the port
	region string // of the host; "" when it has none
	action string // a name of ours or of AWS's, never the client's own text
	body   []byte // STS signs it
	fault  Fault  // the zero Fault when all is well
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, now: s.now()}
	// Clients correct their clocks by this header; net/http would fill in the machine's own time.
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	if strings.HasPrefix(r.URL.Path, controlPath) {
		s.serveControl(w, c)
		return
	}
	if r.URL.Path == "/favicon.ico" { // browsers ask by themselves: not a request to remember, nor one to fail
		w.WriteHeader(http.StatusNoContent)
		return
	}
	seen := &statusWriter{ResponseWriter: w}
	defer func() { s.record(c, seen.status) }() // also when a fault drops the connection: the status is then 0

	if !c.sort() {
		http.NotFound(seen, r)
		return
	}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(seen, r.Body, maxBody)); err != nil {
		http.Error(seen, "request body too large", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	if err := r.ParseForm(); err != nil {
		http.Error(seen, "malformed form", http.StatusBadRequest)
		return
	}
	c.name()
	if c.fault = s.takeFault(c.part, c.action); s.failAtOnce(seen, c) {
		return
	}
	switch c.part {
	case STS:
		s.serveSTS(seen, c)
	case Federation:
		s.serveSignIn(seen, c)
	case Console:
		s.serveConsole(seen, c)
	default:
		s.serveJSON(seen, c)
	}
}

// sort finds which service is asked.
func (c *call) sort() bool {
	c.host = c.Host
	if h, _, err := net.SplitHostPort(c.Host); err == nil {
		c.host = h
	}
	c.host = strings.ToLower(c.host)
	for host, part := range map[string]Part{stsHost: STS, signinHost: Federation, consoleHost: Console} {
		if region, ok := under(c.host, host); ok {
			c.part, c.region = part, region
			return true
		}
	}
	if part := jsonPart(c.Request); c.URL.Path == "/" && part != "" {
		c.part = part
		return true
	}
	switch c.URL.Path {
	case "/":
		c.part = STS
	case "/federation", "/oauth":
		c.part = Federation
	default:
		return false
	}
	return true
}

// under reports whether host is base or a name below it, and the region in front.
func under(host, base string) (region string, ok bool) {
	if host == base {
		return "", true
	}
	return strings.CutSuffix(host, "."+base)
}

// name gives the call its action. A name that is not known stays out of the log: a client may have put a secret there.
func (c *call) name() {
	_, target, _ := strings.Cut(c.Header.Get("X-Amz-Target"), ".")
	switch wanted := c.Form.Get("Action"); {
	case slices.Contains(jsonServices()[c.part].actions, target):
		c.action = target
	case c.part == Console:
		c.action = map[string]string{"/oauth": "oauth", pagePath: "page", dataPath: "data"}[c.URL.Path]
	case slices.Contains(c.part.actions(), wanted):
		c.action = wanted
	case c.URL.Path == "/oauth":
		c.action = "authorize"
	}
}

// now is by the wall: sessions go on ending while the machine sleeps.
func (s *Server) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now().Round(0)
}

// shortened is d, or Life when that is set and shorter.
func (s *Server) shortened(d time.Duration) time.Duration {
	if s.Life > 0 {
		return min(d, s.Life)
	}
	return d
}

func (s *Server) users() []User {
	if s.Users == nil {
		return []User{{DefaultAccessKeyID, secret.New(DefaultSecretKey), DefaultUser}}
	}
	return s.Users
}

func (s *Server) roles() []Role {
	if s.Roles == nil {
		return []Role{{ARN: DefaultRole, MaxSession: 12 * time.Hour}}
	}
	return s.Roles
}

// wait is a sleep that ends with its caller.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
