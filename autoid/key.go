package autoid

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Sizes in bytes of an X-Wing key pair (MLKEM768-X25519) and of what is encapsulated to one.
const (
	publicSize = 1184 + 32
	encSize    = 1088 + 32
)

type keyID [8]byte

// idOf computes a skid; one that somebody says is never believed.
func idOf(public []byte) keyID {
	sum := sha256.Sum256(append([]byte{1}, public...))
	return keyID(sum[:8])
}

// A Key is a server's X-Wing key pair.
type Key struct {
	// Period is what bundles say of the key. The server itself accepts every key it has, so that clocks do not matter.
	Period
	private hpke.PrivateKey
	public  []byte
	id      keyID
}

// NewKey makes a key pair.
func NewKey() (Key, error) {
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return Key{}, fmt.Errorf("server key: %w", err)
	}
	return keyOf(private), nil
}

// parseKey takes the private half, which is a seed of 32 bytes.
func parseKey(seed []byte) (Key, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return Key{}, errors.New("not an X-Wing private key") // not err: it may tell of the bytes
	}
	return keyOf(private), nil
}

func keyOf(private hpke.PrivateKey) Key {
	public := private.PublicKey().Bytes()
	return Key{private: private, public: public, id: idOf(public)}
}

// Public returns the public half.
func (k Key) Public() []byte { return k.public }

// ID tells keys apart, in audit lines too: a digest of the public half in hex.
func (k Key) ID() string { return hex.EncodeToString(k.id[:]) }

// Format keeps the private half out of whatever prints a key.
func (k Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "server key %x", k.id) }

// parseEphemeral takes a public key from a stranger. A low-order X25519 half would take that half's share out of the
// secret unnoticed until the server encapsulates, so it is refused here, by the very multiplication that would show it.
func parseEphemeral(public []byte) (hpke.PublicKey, error) {
	key, err := hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	point, err := ecdh.X25519().NewPublicKey(public[publicSize-32:])
	if err != nil {
		return nil, err
	}
	scalar, err := ecdh.X25519().NewPrivateKey(make([]byte, 32)) // any scalar does: clamping makes it a multiple of 8
	if err != nil {
		return nil, err
	}
	if _, err := scalar.ECDH(point); err != nil {
		return nil, err
	}
	return key, nil
}

// A Period is a time of validity; a zero end is open.
type Period struct {
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
}

func (p Period) holds(t time.Time) bool {
	return !t.Before(p.NotBefore) && (p.NotAfter.IsZero() || !t.After(p.NotAfter))
}
