package kiosk

import "time"

// A Phase is what a display is at.
type Phase string

// The phases. The view shows in Showing and Renewing, and only then.
const (
	PhaseStarting  Phase = "starting"
	PhaseSigningIn Phase = "signing in"
	PhaseShowing   Phase = "showing"
	PhaseRenewing  Phase = "renewing"
	PhaseHolding   Phase = "holding"
)

// A Status is how a display is at one moment.
type Status struct {
	Name  string    `json:"name"`
	View  string    `json:"view"`
	Phase Phase     `json:"phase"`
	Dark  time.Time `json:"dark_since,omitzero"` // since when the view does not show; zero: it shows

	// Why the view does not show, in words; empty while it does.
	Cause Cause  `json:"cause,omitempty"`
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	// Error is the last attempt's, also while the view still shows; empty after a success.
	Error string `json:"error,omitempty"`
	Tries int    `json:"tries"` // failed attempts since the last success

	Began    time.Time `json:"began,omitzero"`   // when the session that shows began to
	Expires  time.Time `json:"expires,omitzero"` // when it ends; zero: there is none
	Renewals int       `json:"renewals"`         // sign-ins that worked since the start
	Next     time.Time `json:"next,omitzero"`    // when the next attempt is planned; zero: one is under way
	// Skew is by how much this machine's clock is ahead, where a sign-in told; negative: behind.
	Skew time.Duration `json:"skew_ns"`

	// The same for a page whose clock may be another: milliseconds from now.
	NextIn int64 `json:"next_in_ms"`
	// SkewText says a skew that matters; empty otherwise.
	SkewText string `json:"skew,omitempty"`
}

// Shows reports whether the view shows, as far as the screen has proven it.
func (s Status) Shows() bool { return s.Dark.IsZero() }
