package autoid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

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
	// SessionPolicy and Tags narrow and mark AWS credentials; "" and nil do not. A store that cannot pass them on must
	// refuse a grant that has them: to drop a policy would hand out more than was allowed.
	SessionPolicy string
	Tags          map[string]string
}

// Whole is the refusal of a grant that is narrowed, for stores that cannot pass on what narrows it; nil for all others.
func (g Grant) Whole() error {
	if g.SessionPolicy == "" && len(g.Tags) == 0 {
		return nil
	}
	return &Error{Code: BadRequest, Message: "this store knows no session policy and no tags"}
}

// A Credential is whatever a store holds.
type Credential struct {
	// JSON is an object or a string. For AWS keys the object is that of a credential_process; see [Credential.AWS].
	JSON secret.Text
	// Expires is the end of the lease, in the issuer's time; zero: not a lease, or not known to be one.
	Expires time.Time
	// Trail is what the server's audit says of it.
	Trail Trail
	// Skew is how far this machine's clock was ahead of the server's; known to a client only.
	Skew time.Duration
}

// NewCredential makes a credential of what a store keeps: a JSON object stays one, with the end of its lease if it says
// one; everything else is a text, which loses its last line break.
func NewCredential(content []byte) (Credential, error) {
	trimmed := bytes.TrimSpace(content)
	if bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed) {
		object := secret.New(string(trimmed))
		return Credential{JSON: object, Expires: expiry(object)}, nil
	}
	if len(trimmed) == 0 || !utf8.Valid(content) {
		return Credential{}, errors.New("credential: empty, or not a text")
	}
	text, err := json.Marshal(string(bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))))
	return Credential{JSON: secret.New(string(text))}, err
}

// A Trail is how a credential is found again in CloudTrail. None of it is secret.
type Trail struct {
	AccessKeyID string `json:"access_key_id,omitempty"` // filled by the server
	Session     string `json:"session,omitempty"`       // the role session's name
	AWSRequest  string `json:"aws_request,omitempty"`   // the id of the call by which it was issued
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
