// Package federation turns AWS credentials into a console sign-in.
//
// [Choose] finds the partition and its hosts, [Wish.Plan] how long a session can last and what has to be asked for it,
// [Dashboard.Address] what is to be shown, and [SignIn.Login] makes the form that signs a browser in. Nothing here
// imports the AWS SDK: package awscreds gets the credentials.
package federation

import (
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// Credentials are AWS credentials and their expiry: a lease, in the words of the design.
type Credentials struct {
	AccessKeyID     string // not secret: AWS writes it into its own logs
	SecretAccessKey secret.Text
	SessionToken    secret.Text // empty: long-term credentials
	// Origin is how they came about, as far as whoever got them knows; "" is told from the session token.
	Origin Origin
	// Expires is in AWS's time; zero: never, or not known.
	Expires time.Time
	// Skew is how far this machine's clock was ahead of AWS's when the credentials were made, where that is known.
	Skew time.Duration
}

// LocalExpiry is Expires as this machine's clock will show it; zero if Expires is.
func (c Credentials) LocalExpiry() time.Time {
	if c.Expires.IsZero() {
		return c.Expires
	}
	return c.Expires.Add(c.Skew)
}

// Kind is Origin, or what the session token tells where that is not set.
func (c Credentials) Kind() Origin {
	switch {
	case c.Origin != "":
		return c.Origin
	case c.SessionToken.Empty():
		return LongTerm
	default:
		return Temporary
	}
}
