package federation

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// TokenLife is how long a sign-in token can be used. Whether it can be used twice is not documented: make one for each
// navigation.
const TokenLife = 15 * time.Minute

// SignIn signs in to the console of one partition. Its zero value needs Partition only.
type SignIn struct {
	Partition Partition
	// Region names the sign-in host. It serves both calls: a token is good at the host that gave it. "" is the
	// partition's own region.
	Region string
	// Issuer is the page that the console links to when the session has expired; "" is the program's name.
	Issuer string
	// Log hears of what went otherwise than asked; nil: nobody does.
	Log *slog.Logger
}

// A Field is one field of a form.
type Field struct {
	Name  string
	Value secret.Text
}

// A Login is a form that signs in the browser that posts it. All times are in this machine's time, corrected by Skew.
type Login struct {
	Address string // where to post; not secret
	Fields  []Field
	// TokenExpires is when the form has to have been posted.
	TokenExpires time.Time
	// Issued and Expires are the life of the session. It is counted from here and not from the post: AWS does not say
	// which, and this one is the earlier.
	Issued, Expires time.Time
	// Skew is how far this machine's clock is ahead of AWS's.
	Skew time.Duration
}

// Log keys.
const (
	keyError   = "error"
	keySession = "session"
	keyExpires = "expires"
)

// Login makes the form that leads to destination, a page of the console. The session lasts for the given duration if AWS
// agrees, else (and for 0) as long as the credentials: see [Wish.Plan].
func (s SignIn) Login(ctx context.Context, c Credentials, session time.Duration, destination string) (Login, error) {
	base, err := s.Partition.SignInBase(s.Region)
	if err != nil {
		return Login{}, err
	}
	switch {
	case session != 0 && (session < ShortestSession || session > LongestSession):
		return Login{}, impossible("SessionDuration is 15m to 12h", "set role.duration within that")
	case c.SessionToken.Empty():
		return Login{}, &Error{Op: opToken, Kind: WrongCredentials,
			Detail: "long-term keys alone cannot sign in to the console",
			Hint:   "set role.arn to the role that the display is to have"}
	case session == 0 && c.Expires.IsZero():
		return Login{}, &Error{Op: opToken, Kind: WrongCredentials, Detail: "it is not known when the credentials end",
			Hint: "set role.arn, or use a source that tells"}
	}
	if err := s.Partition.CheckDestination(destination, s.Region); err != nil {
		return Login{}, err
	}

	endpoint := base + "/federation"
	client, err := newClient()
	if err != nil {
		return Login{}, err
	}
	t, err := getSigninToken(ctx, client, endpoint, c, session)
	refused, _ := errors.AsType[*Error](err)
	if refused != nil && refused.Kind == Refused && refused.Status == http.StatusBadRequest &&
		session != 0 && !c.Expires.IsZero() {
		// Chained credentials are refused so, and so are some durations that the documentation allows.
		if t, err = getSigninToken(ctx, client, endpoint, c, 0); err == nil && s.Log != nil {
			s.Log.WarnContext(ctx, "signed in without SessionDuration: the session ends with the credentials",
				keyError, refused, keySession, session, keyExpires, c.LocalExpiry())
		}
		session = 0
	}
	if err != nil {
		return Login{}, err
	}

	if !t.dated {
		t.skew = c.Skew
	}
	l := Login{Address: endpoint, Issued: t.asked, TokenExpires: t.asked.Add(TokenLife), Skew: t.skew}
	l.Expires = c.Expires.Add(t.skew)
	if session != 0 {
		l.Expires = t.asked.Add(session)
	}
	l.Fields = []Field{{"Action", secret.New("login")}, {"Issuer", secret.New(cmp.Or(s.Issuer, "kioskeeper"))},
		{"Destination", secret.New(destination)}, {"SigninToken", t.value}}
	return l, nil
}
