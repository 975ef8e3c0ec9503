package autoid

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The names of a bundle's two parts in a repository.
const (
	BundleName    = "bundle.json"
	SignatureName = "bundle.sig"
)

const (
	maxBundle    = 1 << 18
	maxSignature = 1 << 12
	labelBundle  = "autoid/2 bundle\x00"
)

// A Repository is where the bundle of one client is published.
type Repository interface {
	// Fetch returns an object; an error that is fs.ErrNotExist if there is none. More than limit bytes are an error.
	Fetch(ctx context.Context, name string, limit int64) ([]byte, error)
	// Publish puts the objects there, in this order or all at once: whoever sees one sees those before it.
	Publish(ctx context.Context, objects []Object) error
}

// An Object is one part of what a repository holds. An entropy file is one: the repository is for its client alone.
type Object struct {
	Name    string
	Content []byte
}

// A Bundle is what a client fetches: where its server is, the server's keys, and which entropy file is whose.
type Bundle struct {
	Version    int          `json:"version"`
	Seq        uint64       `json:"seq"`
	Client     string       `json:"client"`
	ServerName string       `json:"server_name"`
	Endpoints  []string     `json:"endpoints"`
	ServerKeys []PublicKey  `json:"server_keys"`
	Entropy    []Generation `json:"entropy"`
	// NextPublisher replaces the publisher that signed this bundle, which must bear both signatures.
	NextPublisher Publisher `json:"next_publisher,omitempty"`
}

// A PublicKey is a server's key as bundles have it.
type PublicKey struct {
	Public []byte `json:"public"` // padded standard base64
	Period
}

// ID is that of the key's [Key].
func (k PublicKey) ID() string {
	id := idOf(k.Public)
	return hex.EncodeToString(id[:])
}

// A Publisher is the public key that signs bundles, as "ed25519:" and padded base64.
type Publisher string

const publisherPrefix = "ed25519:"

// PublisherOf is the publisher that signs with the key.
func PublisherOf(key ed25519.PrivateKey) Publisher {
	public, _ := key.Public().(ed25519.PublicKey) // always is one
	return Publisher(publisherPrefix + base64.StdEncoding.EncodeToString(public))
}

func (p Publisher) key() (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(string(p), publisherPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("publisher %q: not ed25519:BASE64", string(p))
	}
	return key, nil
}

// Check refuses what is not a publisher.
func (p Publisher) Check() error {
	_, err := p.key()
	return err
}

// signedBy reports whether one of the lines of sig is the publisher's signature over the bundle.
func (p Publisher) signedBy(bundle, sig []byte) bool {
	key, err := p.key()
	if err != nil {
		return false
	}
	message := append([]byte(labelBundle), bundle...)
	for line := range bytes.Lines(sig) {
		s, err := base64.StdEncoding.Strict().DecodeString(strings.TrimRight(string(line), "\r\n"))
		if err == nil && ed25519.Verify(key, message, s) {
			return true
		}
	}
	return false
}

// errBadSignature is also what a client sees that reads while a publisher writes.
var errBadSignature = errors.New("bundle: not signed by its publisher")

// VerifyBundle reads a bundle that is signed by its publisher and is meant for this client of this server. next is who
// must sign the bundles after it.
func VerifyBundle(bundle, sig []byte, p Publisher, client, serverName string) (b *Bundle, next Publisher, err error) {
	if _, err := p.key(); err != nil {
		return nil, "", err
	}
	if !p.signedBy(bundle, sig) {
		return nil, "", errBadSignature
	}
	if b, err = parseBundle(bundle); err != nil {
		return nil, "", err
	}
	switch {
	case b.Client != client:
		return nil, "", fmt.Errorf("bundle: for the client %q, not %q", b.Client, client)
	case b.ServerName != serverName:
		return nil, "", fmt.Errorf("bundle: for the server %q, not %q", b.ServerName, serverName)
	case b.NextPublisher == "":
		return b, p, nil
	case !b.NextPublisher.signedBy(bundle, sig):
		return nil, "", errors.New("bundle: names a next publisher, who did not sign it")
	}
	return b, b.NextPublisher, nil
}

// parseBundle reads the JSON. Unknown members are ignored, so that later versions can add to it.
func parseBundle(data []byte) (*Bundle, error) {
	b := new(Bundle)
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if b.Version != 2 {
		return nil, fmt.Errorf("bundle: version %d: this program knows 2", b.Version)
	}
	errs := []error{CheckClient(b.Client), CheckServerName(b.ServerName)}
	if len(b.Endpoints) == 0 || len(b.ServerKeys) == 0 {
		errs = append(errs, errors.New("no endpoint, or no server key"))
	}
	for _, e := range b.Endpoints {
		errs = append(errs, checkEndpoint(e))
	}
	for _, k := range b.ServerKeys {
		if len(k.Public) != publicSize {
			errs = append(errs, fmt.Errorf("server key: %d bytes instead of %d", len(k.Public), publicSize))
		}
	}
	for _, g := range b.Entropy {
		if err := checkFile(g.File); err != nil || g.Egen == 0 {
			errs = append(errs, errors.New("entropy: malformed file name, or generation 0"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return b, nil
}

// Marshal writes the bundle as it is signed.
func (b *Bundle) Marshal() ([]byte, error) {
	bundle, err := json.MarshalIndent(b, "", "  ")
	if err == nil {
		_, err = parseBundle(bundle)
	}
	return bundle, err
}

// Sign makes the two parts of the bundle. While a publisher is replaced, both keys sign.
func (b *Bundle) Sign(keys ...ed25519.PrivateKey) (bundle, sig []byte, err error) {
	if bundle, err = b.Marshal(); err != nil {
		return nil, nil, err
	}
	return bundle, sign(bundle, keys), nil
}

func sign(bundle []byte, keys []ed25519.PrivateKey) (sig []byte) {
	for _, key := range keys {
		s := ed25519.Sign(key, append([]byte(labelBundle), bundle...))
		sig = append(base64.StdEncoding.AppendEncode(sig, s), '\n')
	}
	return sig
}

// Publish signs the bundle and puts it, with the entropy files by their names, where its client fetches it.
func (b *Bundle) Publish(ctx context.Context, to Repository, entropy map[string]*Entropy, keys ...ed25519.PrivateKey) error {
	bundle, err := b.Marshal()
	if err != nil {
		return err
	}
	var objects []Object
	for _, g := range b.Entropy {
		if e := entropy[g.File]; e != nil { // the others are there already
			objects = append(objects, Object{g.File, e.File()})
		}
	}
	return publish(ctx, to, bundle, sign(bundle, keys), objects)
}

// Republish publishes a marshalled bundle where one may be already: clients refuse other bytes under the same number, so
// who was broken off must publish those that he began with.
func Republish(ctx context.Context, to Repository, bundle []byte, entropy []Object, keys ...ed25519.PrivateKey) error {
	sig := sign(bundle, keys)
	// The signatures of the bundle that is there stay until it is replaced: a publisher may die between his two writes, and
	// clients read on. What cannot be read is no reason not to publish.
	if old, err := to.Fetch(ctx, BundleName, maxBundle); err == nil && !bytes.Equal(old, bundle) {
		if lines, err := to.Fetch(ctx, SignatureName, maxSignature); err == nil {
			sig = append(sig, signaturesOf(old, lines, keys)...)
		}
	}
	return publish(ctx, to, bundle, sig, entropy)
}

func publish(ctx context.Context, to Repository, bundle, sig []byte, entropy []Object) error {
	// A client that reads meanwhile must never find a bundle whose parts are not there yet.
	objects := append(slices.Clone(entropy), Object{SignatureName, sig}, Object{BundleName, bundle})
	if err := to.Publish(ctx, objects); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// signaturesOf picks the lines of sig by which one of keys signed the bundle.
func signaturesOf(bundle, sig []byte, keys []ed25519.PrivateKey) (lines []byte) {
	for line := range bytes.Lines(sig) {
		for _, key := range keys {
			if PublisherOf(key).signedBy(bundle, line) {
				lines = append(append(lines, bytes.TrimRight(line, "\r\n")...), '\n')
				break
			}
		}
	}
	return lines
}

// A Remover is a repository that can drop objects: entropy files of the past.
type Remover interface {
	// Remove removes the objects; one that is not there is no error.
	Remove(ctx context.Context, names ...string) error
}

// key is the server key to send to: the first that is valid by this clock, which may be wrong, or else the first.
func (b *Bundle) key(now time.Time) PublicKey {
	for _, k := range b.ServerKeys {
		if k.holds(now) {
			return k
		}
	}
	return b.ServerKeys[0]
}

// generation is chosen likewise; nil means that there is no entropy, only evidence.
func (b *Bundle) generation(now time.Time) *Generation {
	for i := range b.Entropy {
		if b.Entropy[i].holds(now) {
			return &b.Entropy[i]
		}
	}
	if len(b.Entropy) == 0 {
		return nil
	}
	return &b.Entropy[0]
}
