package kiosk

// A Reason is why a renewal is made. A greater one asks for a deeper mend, and covers the lesser ones.
type Reason int

// The reasons, from the mildest to the deepest.
const (
	WhyDue       Reason = iota + 1 // most of the session's life is over, or there was none yet
	WhyHint                        // the world has changed (network up, resumed): a failed attempt is made again now
	WhyBroken                      // the page broke within its session
	WhyClock                       // the clock was set or the machine slept: the session's end is uncertain
	WhyAsked                       // somebody asked
	WhyDenied                      // the page's calls are refused
	WhySignedOut                   // the session is over before its time
	WhyGone                        // the browser is gone, and the session with it
)

var reasonNames = [...]string{
	WhyDue: "due", WhyHint: "hint", WhyBroken: "page broken", WhyClock: "clock jumped", WhyAsked: "asked",
	WhyDenied: "calls denied", WhySignedOut: "signed out", WhyGone: "browser gone",
}

// String names the reason for the log.
func (r Reason) String() string {
	if r < WhyDue || int(r) >= len(reasonNames) {
		return "unknown"
	}
	return reasonNames[r]
}

// ends reports whether the session is lost with it.
func (r Reason) ends() bool { return r >= WhySignedOut }

// urges reports whether it is a hint that an attempt which failed a moment ago could work now.
func (r Reason) urges() bool { return r == WhyHint || r == WhyClock || r == WhyAsked }

// answers reports whether a renewal made for r, once it has worked, has also seen to what came up meanwhile. A new page
// in a new session mends all but a browser that is gone; a page loaded anew within the old session mends only itself.
func (r Reason) answers(meanwhile Reason) bool {
	if r == WhyBroken {
		return meanwhile <= WhyBroken
	}
	return meanwhile <= WhySignedOut && meanwhile != WhyClock
}
