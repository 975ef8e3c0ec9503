package autoid

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The kinds of evidence that a device key gives.
const (
	DeviceEd25519 = "device-ed25519"
	DeviceP256    = "device-p256"
)

// A Prover makes a client's evidence, beside its entropy file or in place of one.
type Prover interface {
	Kind() string
	// Prove makes evidence for the request with this transcript to the server of this name.
	Prove(ctx context.Context, serverName string, th [32]byte) ([]byte, error)
}

// A Verifier checks one kind of evidence on the server.
type Verifier interface {
	// Bound reports whether this kind is bound to its request. One that is not can be used again by whoever receives
	// it, and is accepted only beside an entropy file.
	Bound() bool
	// Check tells what is wrong with a rule, an object in a client's "any_of", when it is read.
	Check(rule json.RawMessage) error
	// Verify tells why the evidence is not what the rule asks for.
	Verify(ctx context.Context, rule json.RawMessage, e Evidence) error
}

// An Evidence is what a request brought.
type Evidence struct {
	Kind       string
	Content    []byte
	ServerName string
	Transcript [32]byte
}

// signed is what a device key signs.
func signed(kind string, th [32]byte) []byte {
	return slices.Concat([]byte(labelEvidence), []byte{0, byte(len(kind))}, []byte(kind), th[:])
}

// A Device proves with a key that stays on it: Ed25519, or ECDSA on P-256.
type Device struct{ Signer crypto.Signer }

// Kind implements [Prover].
func (d Device) Kind() string {
	if _, ok := d.Signer.Public().(ed25519.PublicKey); ok {
		return DeviceEd25519
	}
	return DeviceP256
}

// Prove implements [Prover].
func (d Device) Prove(_ context.Context, _ string, th [32]byte) ([]byte, error) {
	message := signed(d.Kind(), th)
	if d.Kind() == DeviceEd25519 {
		return d.Signer.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return d.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// deviceVerifier checks the kind that it names. Its rules are {"kind", "public"}.
type deviceVerifier string

func (deviceVerifier) Bound() bool { return true }

func (v deviceVerifier) Check(rule json.RawMessage) error {
	_, err := v.public(rule)
	return err
}

func (v deviceVerifier) Verify(_ context.Context, rule json.RawMessage, e Evidence) error {
	public, err := v.public(rule)
	if err != nil {
		return err
	}
	message, ok := signed(e.Kind, e.Transcript), false
	switch public := public.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(public, message, e.Content)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		ok = ecdsa.VerifyASN1(public, digest[:], e.Content)
	}
	if !ok {
		return errors.New("signature does not match")
	}
	return nil
}

func (v deviceVerifier) public(rule json.RawMessage) (crypto.PublicKey, error) {
	var r struct {
		Kind   string `json:"kind"`
		Public string `json:"public"`
	}
	dec := json.NewDecoder(bytes.NewReader(rule))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.Strict().DecodeString(r.Public)
	if err != nil {
		return nil, fmt.Errorf("public: %w", err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("public: not base64 of a public key in PKIX DER")
	}
	switch key := key.(type) {
	case ed25519.PublicKey:
		if v == DeviceEd25519 {
			return key, nil
		}
	case *ecdsa.PublicKey:
		if v == DeviceP256 && key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, fmt.Errorf("public: not a key for %s", string(v))
}
