package v1

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	lines       = 2048
	lineSize    = 2048 // and a line break
	EntropySize = lines * (lineSize + 1)
	maxKeyFile  = 64 << 10

	// minKnown is how many characters of the file a request must show to know. An honest client's random intervals have
	// fewer four times in 10⁸; it asks again.
	minKnown  = 32
	intervals = 4
)

// An Entropy is the file that all of version 1's clients share: 2048 lines of 2048 characters of [A-Za-z0-9].
type Entropy struct{ file []byte }

// Format keeps the file out of whatever prints it.
func (*Entropy) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret.Redacted)) }

// ParseEntropy takes the content of an info2048.bin.
func ParseEntropy(data []byte) (*Entropy, error) {
	if len(data) != EntropySize {
		return nil, fmt.Errorf("entropy: %d bytes instead of %d", len(data), EntropySize)
	}
	for i, c := range data {
		if (i%(lineSize+1) == lineSize) != (c == '\n') || c != '\n' && !alphanumeric(c) {
			return nil, fmt.Errorf("entropy: byte %d is not what it has to be: 2048 lines of 2048 letters and digits", i)
		}
	}
	return &Entropy{bytes.Clone(data)}, nil
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// ReadEntropy reads an info2048.bin, which must be for its owner alone.
func ReadEntropy(path string) (*Entropy, error) {
	data, err := private.ReadFile(path, EntropySize)
	if err != nil {
		return nil, err
	}
	return ParseEntropy(data)
}

// ParseKey takes what ssh-keygen -t rsa wrote, in 2018 (PKCS#1 in PEM) or today (OPENSSH PRIVATE KEY).
func ParseKey(data []byte) (*rsa.PrivateKey, error) {
	raw, err := ssh.ParseRawPrivateKey(data)
	key, ok := raw.(*rsa.PrivateKey)
	if err != nil || !ok { // not err: it may tell of the bytes
		return nil, errors.New("private key: not an RSA key without a passphrase, as ssh-keygen -t rsa writes it")
	}
	if key.Size() < 256 {
		return nil, errors.New("private key: under 2048 bits")
	}
	return key, nil
}

// ReadKey reads a private.pem, which must be for its owner alone.
func ReadKey(path string) (*rsa.PrivateKey, error) {
	data, err := private.ReadFile(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	return ParseKey(data)
}

// A slice is a part of the file. Its offset ignores the line breaks, the file does not: that is how version 1 counts.
type slice struct{ from, to int }

// digest of the slices, one after the other.
func (e *Entropy) digest(slices [intervals]slice) [sha256.Size]byte {
	h := sha256.New()
	for _, s := range slices {
		h.Write(e.file[s.from:s.to])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// known counts the places that slices cover, without line breaks, which everybody knows, and each place once.
func known(all [intervals]slice) int {
	slices.SortFunc(all[:], func(a, b slice) int { return a.from - b.from })
	n, end := 0, 0
	for _, s := range all {
		s.from = max(s.from, end)
		if s.to > s.from {
			breaks := func(i int) int { return i / (lineSize + 1) } // in front of i
			n += s.to - s.from - (breaks(s.to) - breaks(s.from))
			end = s.to
		}
	}
	return n
}
