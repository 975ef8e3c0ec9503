package awscreds

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/secret"
)

// Fetch gets the credential called want, in the JSON that the AWS SDKs take from a credential_process.
type Fetch func(ctx context.Context, want string) (secret.Text, error)

// AutoID is the auto-id server as a source.
type AutoID struct {
	Want  string // such as "sts/wall"
	Fetch Fetch
}

// Credentials implements Source. Errors of Fetch are passed on as they are.
func (a AutoID) Credentials(ctx context.Context) (federation.Credentials, error) {
	text, err := a.Fetch(ctx, a.Want)
	if err != nil {
		return federation.Credentials{}, err
	}
	return parse(text)
}

const (
	opAutoID      = "auto-id credential"
	credentialMax = 64 << 10
)

// AWS's own form of an access key id.
var keyIDForm = regexp.MustCompile(`^\w{16,128}$`)

// parse reads credential_process JSON, and takes nothing that is doubtful: no unknown or repeated member, no other
// capitals (which encoding/json would let pass into a struct), nothing behind the object. No error quotes the text.
func parse(text secret.Text) (federation.Credentials, error) {
	var c federation.Credentials
	refuse := func(detail string) (federation.Credentials, error) {
		return federation.Credentials{}, &federation.Error{Op: opAutoID, Kind: federation.Invalid, Detail: detail,
			Hint: "store what aws configure export-credentials --format process prints, or see credentials.autoid.credential"}
	}
	content := text.Reveal()
	if len(content) > credentialMax {
		return refuse("it is longer than 64 KiB")
	}
	d := json.NewDecoder(strings.NewReader(content))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return refuse("it is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return refuse("it is not well-formed JSON")
		}
		value, err := d.Token()
		member := name.(string) // in an object the decoder gives nothing else here
		if err != nil {
			return refuse("it is not well-formed JSON")
		}
		if seen[member] {
			return refuse("it has a member twice")
		}
		seen[member] = true
		if member == "Version" {
			if value != float64(1) {
				return refuse("its Version is not 1")
			}
			continue
		}
		s, ok := value.(string)
		if !ok {
			return refuse("a member is not a string")
		}
		switch member {
		case "AccessKeyId":
			c.AccessKeyID = s
		case "SecretAccessKey":
			c.SecretAccessKey = secret.New(s)
		case "SessionToken":
			c.SessionToken = secret.New(s)
		case "Expiration":
			if c.Expires, err = time.Parse(time.RFC3339, s); err != nil || c.Expires.IsZero() {
				return refuse("its Expiration is not a time as in 2006-01-02T15:04:05Z")
			}
		case "AccountId": // the SDKs know it; nothing here needs it
		default:
			return refuse("it has a member that is not known")
		}
	}
	if _, err := d.Token(); err != nil {
		return refuse("it is not well-formed JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse("something follows it")
	}
	switch {
	case !seen["Version"]:
		return refuse("it has no Version")
	case !keyIDForm.MatchString(c.AccessKeyID):
		return refuse("its AccessKeyId is missing or malformed")
	case c.SecretAccessKey.Empty():
		return refuse("it has no SecretAccessKey")
	case strings.HasPrefix(c.AccessKeyID, "ASIA") && c.SessionToken.Empty():
		return refuse("its keys are temporary (ASIA…), but it has no SessionToken")
	case !c.SessionToken.Empty() && c.Expires.IsZero():
		return refuse("it does not say when its session ends")
	}
	return c, nil
}
