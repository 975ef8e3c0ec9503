package federation

import (
	"fmt"
	"time"
)

// Origin is how credentials came about. AWS makes the length of a console session depend on it.
type Origin string

// The origins of credentials.
const (
	LongTerm      Origin = "long-term keys"        // an IAM user's access key
	Temporary     Origin = "temporary credentials" // an assumed role's, whoever assumed it: auto-id, SSO, a profile …
	WebIdentity   Origin = "web identity"          // still to be had by AssumeRoleWithWebIdentity
	RolesAnywhere Origin = "roles anywhere"        // still to be had by CreateSession
	InstanceRole  Origin = "instance role"         // of EC2's metadata service
)

// The limits that AWS sets.
const (
	ShortestSession = 15 * time.Minute // AssumeRole, CreateSession and SessionDuration
	LongestSession  = 12 * time.Hour   // the same
	ChainedSession  = time.Hour        // a role assumed with a role's credentials
	SureRoleMax     = time.Hour        // every role allows this much
)

// A Wish is what a session is planned from.
type Wish struct {
	Base    Origin
	Role    bool          // a role is assumed with the base credentials
	Session time.Duration // what is wanted; 0: the longest that is sure to be given
	RoleMax time.Duration // the console role's maximum session duration; 0: not known
}

// A Plan is what to ask AWS for.
type Plan struct {
	// AssumeRole is the duration for the call that gives the console role: AssumeRole, AssumeRoleWithWebIdentity or
	// CreateSession. 0: there is no such call.
	AssumeRole time.Duration
	// SessionDuration goes to getSigninToken; 0: it is left out, and the session ends when the credentials do.
	SessionDuration time.Duration
	// Life is how long the session will last; 0: as long as the credentials that the source gives.
	Life time.Duration
	Why  string // for a person
}

// sessionStep is what SessionDuration is rounded down to: odd values have been refused where round ones were not.
const sessionStep = 15 * time.Minute

// Plan works out how a session can be had, or says why it cannot. It asks nobody.
func (w Wish) Plan() (Plan, error) {
	if w.Session != 0 && (w.Session < ShortestSession || w.Session > LongestSession) {
		return Plan{}, impossible("a console session lasts 15m to 12h", "set role.duration within that")
	}
	if w.RoleMax != 0 && (w.RoleMax < SureRoleMax || w.RoleMax > LongestSession) {
		return Plan{}, impossible("a role's maximum session duration is 1h to 12h", "see MaxSessionDuration in aws iam get-role")
	}
	switch {
	case w.Base == LongTerm && w.Role:
		return w.longTerm(), nil
	case w.Base == LongTerm:
		return Plan{}, &Error{Op: "session", Kind: WrongCredentials,
			Detail: "long-term keys alone cannot sign in to the console",
			Hint:   "set role.arn to the role that the display is to have"}
	case w.Base == InstanceRole && w.Role:
		// AWS says that an instance's role does not count as the first link of a chain, and elsewhere that only long-term
		// keys get past 1 h. So more than 1 h is tried when it is asked for, and never by itself.
		return w.first("AWS does not count an instance's role as chaining; if it refuses all the same, set role.duration to 1h")
	case w.Role:
		return w.chained()
	case w.Base == WebIdentity || w.Base == RolesAnywhere:
		return w.first("the console role is the first role, and the session lives as long as its credentials")
	case w.Base == Temporary || w.Base == InstanceRole:
		if w.Session != 0 {
			return Plan{}, impossible("the source decides how long its credentials last",
				"leave role.duration out, or set role.arn to the role that is to be assumed")
		}
		return Plan{Why: "no role is assumed: the session ends when the credentials do"}, nil
	default:
		return Plan{}, &Error{Op: "session", Kind: Invalid, Detail: "the origin of the credentials is not known"}
	}
}

// longTerm is the one case in which SessionDuration is of use: short credentials, and a session that outlives them.
func (w Wish) longTerm() Plan {
	wanted := w.Session
	if wanted == 0 {
		wanted = LongestSession
	}
	// A long AssumeRole costs nothing, and is what is left if SessionDuration is refused.
	p := Plan{AssumeRole: min(wanted, w.max())}
	p.Life = p.AssumeRole
	p.Why = "the role's credentials last as long as the session is to"
	if session := wanted.Truncate(sessionStep); session > p.AssumeRole {
		p.SessionDuration, p.Life = session, session
		p.Why = "long-term keys assumed the role, so SessionDuration makes the session outlive the role's credentials"
	}
	return p
}

// chained is a role assumed with a role's credentials. SessionDuration is answered with a 400 here.
func (w Wish) chained() (Plan, error) {
	if w.Session > ChainedSession {
		return Plan{}, impossible(
			fmt.Sprintf("a role that is assumed with %s lasts 1h at most, whatever the role allows", w.Base),
			"set role.duration to 1h: the session is renewed unseen; or get the console role directly from the source")
	}
	wanted := w.Session
	if wanted == 0 {
		wanted = ChainedSession
	}
	return Plan{AssumeRole: wanted, Life: wanted,
		Why: "the role is assumed with a role's credentials (chaining): AWS gives 1h at most, and no SessionDuration"}, nil
}

// first is a console role that nothing stands before. Its own maximum is the limit.
func (w Wish) first(why string) (Plan, error) {
	wanted := w.Session
	if w.RoleMax != 0 && wanted > w.RoleMax {
		return Plan{}, impossible(fmt.Sprintf("%v is more than the role's maximum of %v", wanted, w.RoleMax),
			"lower role.duration, or raise the role's MaxSessionDuration")
	}
	if wanted == 0 {
		wanted = w.max()
	}
	if w.Base == InstanceRole && w.Session == 0 {
		wanted = ChainedSession
	}
	return Plan{AssumeRole: wanted, Life: wanted, Why: why}, nil
}

// max is the longest AssumeRole that is sure not to be refused for the role's maximum.
func (w Wish) max() time.Duration {
	if w.RoleMax == 0 {
		return SureRoleMax
	}
	return w.RoleMax
}

func impossible(detail, hint string) error {
	return &Error{Op: "session", Kind: WrongDuration, Detail: detail, Hint: hint}
}
