package autoid

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Store is where the server takes credentials from.
type Store interface {
	// Credential returns what the grant is for. A lease in it is never longer than the grant's duration. An [*Error]
	// tells the client what is wrong; of any other error it learns only that the store is unavailable.
	Credential(ctx context.Context, g Grant) (Credential, error)
}

// A Grant is what the policy has let a client have.
type Grant struct {
	Client   string
	Want     Want
	Duration time.Duration
}

// A Credential is whatever a store holds.
type Credential struct {
	// JSON is an object or a string. For AWS keys the object is that of a credential_process; see [Credential.AWS].
	JSON secret.Text
	// Expires is the end of the lease, in the issuer's time; zero: not a lease, or not known to be one.
	Expires time.Time
	// Skew is how far this machine's clock was ahead of the server's; known to a client only.
	Skew time.Duration
}

// AWSKeys are AWS credentials.
type AWSKeys struct {
	AccessKeyID     string
	SecretAccessKey secret.Text
	SessionToken    secret.Text // empty: long-term keys
	Expires         time.Time   // zero: never
}

// awsKeys is the form in which keys travel: what a credential_process prints.
type awsKeys struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string    `json:",omitempty"`
	Expiration      time.Time `json:",omitzero"`
}

// Credential puts the keys into the form in which they travel.
func (k AWSKeys) Credential() (Credential, error) {
	data, err := json.Marshal(awsKeys{1, k.AccessKeyID, k.SecretAccessKey.Reveal(), k.SessionToken.Reveal(), k.Expires.UTC()})
	return Credential{JSON: secret.New(string(data)), Expires: k.Expires}, err
}

// AWS takes the keys out of a credential that holds some.
func (c Credential) AWS() (AWSKeys, error) {
	var k awsKeys
	// The decoder's own errors may quote the credential.
	if err := json.Unmarshal([]byte(c.JSON.Reveal()), &k); err != nil || k.Version != 1 {
		return AWSKeys{}, errors.New("credential: not AWS keys in the form of a credential_process")
	}
	if k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return AWSKeys{}, errors.New("credential: AWS keys, but without AccessKeyId or SecretAccessKey")
	}
	return AWSKeys{k.AccessKeyID, secret.New(k.SecretAccessKey), secret.New(k.SessionToken), k.Expiration}, nil
}

// expiry finds the end of a lease in a credential that says one.
func expiry(credential secret.Text) time.Time {
	var lease struct{ Expiration time.Time }
	_ = json.Unmarshal([]byte(credential.Reveal()), &lease) // what does not say one has none
	return lease.Expiration
}
