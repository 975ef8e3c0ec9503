// Package federation turns AWS credentials into a console sign-in.
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
	// Expires is in AWS's time; zero: never.
	Expires time.Time
	// Skew is how far this machine's clock was ahead of AWS's when the credentials were made, where that is known.
	Skew time.Duration
}
