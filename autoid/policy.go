package autoid

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/internal/strictjson"
)

// A ClientFile is the content of clients/<client>/client.json: all that the server knows of a client but its entropy.
// A person may edit it; the server reads it again within 10 s of its next use.
type ClientFile struct {
	Revoked  bool         `json:"revoked"`
	Expires  time.Time    `json:"expires,omitzero"` // zero: never
	Policy   Policy       `json:"policy"`
	Evidence EvidenceRule `json:"evidence,omitzero"`
	// Repositories are where its bundle is published, in this order.
	Repositories []Place `json:"repositories,omitempty"`
	// BundleSeq is the newest published bundle's.
	BundleSeq uint64       `json:"bundle_seq"`
	Entropy   []Generation `json:"entropy,omitempty"`
}

// A Policy says what a client may ask for. What it does not name is denied.
type Policy struct {
	Allow []Allow `json:"allow,omitempty"`
	// PerHour is how many requests a client has in an hour, all at once if it likes; 0 is [DefaultPerHour].
	PerHour int `json:"per_hour,omitempty"`
}

// A Place is a repository in the words of a configuration. What is secret about it is in a file of its own.
type Place struct {
	Bundle    string `json:"bundle"` // such as /srv/bundles/lobby-tv or npm:@acme/lobby-tv
	TokenFile string `json:"token_file,omitempty"`
	HostKey   string `json:"host_key,omitempty"` // of an ssh server, as in its .pub file
	KMSKey    string `json:"kms_key,omitempty"`  // the ARN of the key that the objects are sealed with; "": they are not
	// Client is whose place it is, for who opens it: what KMS seals is sealed for a client. No file says it.
	Client string `json:"-"`
}

// DefaultPerHour is one request a minute, which is enough for a display that signs in anew every minute.
const DefaultPerHour = 60

// Allow is one thing that a client may ask for.
type Allow struct {
	Want string `json:"want"` // exactly: a version is allowed only where it is named
	// MaxDuration is the longest lease; 0 is [DefaultDuration].
	MaxDuration Duration `json:"max_duration,omitempty"`
	// Networks from which it may be asked for; none: from everywhere.
	Networks []netip.Prefix `json:"networks,omitempty"`
	// SessionPolicy narrows what AWS credentials may do: an IAM policy document, for a store that can pass it on.
	SessionPolicy json.RawMessage `json:"session_policy,omitempty"`
	// Tags are session tags for AWS credentials, likewise.
	Tags map[string]string `json:"tags,omitempty"`
}

// DefaultDuration of a lease.
const DefaultDuration = time.Hour

// A Duration is written as in "90m".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// An EvidenceRule says what a client has to show beside its entropy file, or alone.
type EvidenceRule struct {
	// Alone lets the client in without an entropy file (egen 0), by evidence that is bound to the request.
	Alone bool `json:"alone,omitempty"`
	// AnyOf lists rules of which one must hold; none: no evidence is asked for. Each is an object with a "kind" and what
	// the kind needs; for a device key {"kind":"device-ed25519","public":"<base64 of PKIX DER>"}.
	AnyOf []json.RawMessage `json:"any_of,omitempty"`
}

// A Generation is one issue of a client's entropy file.
type Generation struct {
	Egen uint32 `json:"egen"` // from 1
	File string `json:"file"` // its name in the repository, random
	// Period: the server refuses a generation after its end; the beginning is advice for the client.
	Period
}

// ParseClientFile reads a client.json strictly. Its error lists everything that is wrong, with line and column.
// Kinds of evidence other than those of a device key are known by the verifiers.
func ParseClientFile(data []byte, verifiers map[string]Verifier) (*ClientFile, error) {
	c := new(ClientFile)
	f := strictjson.Decode(data, c)
	seen := map[string]bool{}
	for i, a := range c.Policy.Allow {
		at := fmt.Sprintf("policy.allow[%d]", i)
		_, err := ParseWant(a.Want)
		if err == nil && seen[a.Want] {
			err = errors.New("allowed twice")
		}
		seen[a.Want] = true
		f.Problem(at+".want", err)
		if d := time.Duration(a.MaxDuration); d < 0 || d > 0 && d < time.Minute {
			f.Problem(at+".max_duration", errors.New("a minute at least"))
		}
		f.Problem(at+".session_policy", c.Policy.Allow[i].shorten())
		f.Problem(at+".tags", checkTags(a.Tags))
	}
	if c.Policy.PerHour < 0 {
		f.Problem("policy.per_hour", errors.New("must not be negative"))
	}
	for i, p := range c.Repositories {
		if p.Bundle == "" {
			f.Problem(fmt.Sprintf("repositories[%d].bundle", i), errors.New("must say where the bundle is published"))
		}
	}
	bound := false
	for i, rule := range c.Evidence.AnyOf {
		v := verifierOf(verifiers, ruleKind(rule))
		if v == nil {
			f.Problem(fmt.Sprintf("evidence.any_of[%d]", i), fmt.Errorf("kind %q: unknown here", ruleKind(rule)))
			continue
		}
		f.Problem(fmt.Sprintf("evidence.any_of[%d]", i), v.Check(rule))
		bound = bound || v.Bound()
	}
	if c.Evidence.Alone && !bound {
		f.Problem("evidence.alone", errors.New("needs a kind in any_of that is bound to the request"))
	}
	for i, g := range c.Entropy {
		at := fmt.Sprintf("entropy[%d]", i)
		if slices.ContainsFunc(c.Entropy[:i], func(o Generation) bool { return o.Egen == g.Egen }) || g.Egen == 0 {
			f.Problem(at+".egen", errors.New("must be over 0 and given once"))
		}
		f.Problem(at+".file", checkFile(g.File))
	}
	return c, f.Err()
}

func verifierOf(verifiers map[string]Verifier, kind string) Verifier {
	if kind == DeviceEd25519 || kind == DeviceP256 {
		return deviceVerifier(kind)
	}
	return verifiers[kind]
}

func ruleKind(rule json.RawMessage) string {
	var r struct {
		Kind string `json:"kind"`
	}
	_ = json.Unmarshal(rule, &r) // no kind is the answer to what is no object
	return r.Kind
}

// allowed finds what lets the client ask for want from an address.
func (p Policy) allowed(want string, from netip.Addr) (Allow, bool) {
	i := slices.IndexFunc(p.Allow, func(a Allow) bool { return a.Want == want })
	if i < 0 {
		return Allow{}, false
	}
	a := p.Allow[i]
	if len(a.Networks) > 0 && !slices.ContainsFunc(a.Networks, func(n netip.Prefix) bool { return n.Contains(from) }) {
		return Allow{}, false
	}
	return a, true
}

// duration is how long the lease may be.
func (a Allow) duration() time.Duration {
	return time.Duration(cmp.Or(a.MaxDuration, Duration(DefaultDuration)))
}

func (p Policy) perHour() int {
	if p.PerHour == 0 {
		return DefaultPerHour
	}
	return p.PerHour
}

func (c *ClientFile) generation(egen uint32) *Generation {
	i := slices.IndexFunc(c.Entropy, func(g Generation) bool { return g.Egen == egen })
	if i < 0 {
		return nil
	}
	return &c.Entropy[i]
}

// out reports whether the client is revoked or past its end.
func (c *ClientFile) out(now time.Time) bool {
	return c.Revoked || (!c.Expires.IsZero() && !now.Before(c.Expires))
}

// admits reports whether the client is let in at all, by this generation; 0 is by evidence alone.
func (c *ClientFile) admits(egen uint32, now time.Time) bool {
	if c.out(now) {
		return false
	}
	if egen == 0 {
		return c.Evidence.Alone
	}
	g := c.generation(egen)
	return g != nil && (g.NotAfter.IsZero() || !now.After(g.NotAfter))
}

// Marshal writes the file as ParseClientFile reads it.
func (c *ClientFile) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	return append(data, '\n'), err
}

// EntropyName is the name of a generation's entropy file on the server's side.
func EntropyName(client string, egen uint32) string {
	return fmt.Sprintf("clients/%s/entropy-%d.bin", client, egen)
}

// ClientFileName is the name of a client's file on the server's side.
func ClientFileName(client string) string { return "clients/" + client + "/client.json" }
