// Package machine seals what stays on this machine's disk.
//
// On Windows the data protection API does it, for the user who runs the program. Elsewhere a key file does, 0600 and made
// once: a copy of the sealed files alone (a backup, a synchronised folder) opens nothing, while whoever reads as this user
// has the key as well. No TPM is used.
package machine

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// keySize is AES-256's, in bytes.
const keySize = 32

// errNotOurs is all that is said of what cannot be opened.
var errNotOurs = errors.New("sealed by another machine or user, or damaged")

// A keyFile seals with a key: AES-256-GCM, the nonce in front, the name as additional data.
type keyFile struct{ aead cipher.AEAD }

var _ autoid.Sealer = keyFile{}

// openKeyFile reads the key at path, and makes it if it is not there.
func openKeyFile(path string) (keyFile, error) {
	key, err := private.ReadFile(path, keySize)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails
		if err = private.Create(path, key); errors.Is(err, fs.ErrExist) {
			key, err = private.ReadFile(path, keySize) // another process was first
		}
	}
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("%s: not a key: remove it, and what it sealed is made anew", path)
	}
	if err != nil {
		return keyFile{}, fmt.Errorf("machine key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return keyFile{}, fmt.Errorf("machine key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return keyFile{aead}, err
}

// Seal implements [autoid.Sealer].
func (k keyFile) Seal(name string, data []byte) ([]byte, error) {
	return k.aead.Seal(nil, nil, data, []byte(name)), nil
}

// Open implements [autoid.Sealer].
func (k keyFile) Open(name string, sealed []byte) ([]byte, error) {
	data, err := k.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errNotOurs
	}
	return data, nil
}

// Format keeps the key out of whatever prints it.
func (keyFile) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("machine key")) }
