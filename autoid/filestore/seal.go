package filestore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	maxKey = 64 << 10
	// keyHeader begins a file that is sealed by a key file; nonce and AES-256-GCM's output follow, bound to the file's id.
	keyHeader  = "autoid sealed file 1\n"
	keySize    = 32
	ageHeader  = "age-encryption.org/v1\n"
	sealedRoom = 4 << 10 // what sealing adds, and armor a third
)

// A sealer seals the files of a store.
type sealer interface {
	seal(id string, content []byte) ([]byte, error)
	open(id string, sealed []byte) ([]byte, error)
}

// sealer reads the identity or key file anew; nil for a store of plain files.
func (s Store) sealer() (sealer, error) {
	switch {
	case s.Identity != "":
		data, err := private.ReadFile(s.Identity, maxKey)
		if err != nil {
			return nil, fmt.Errorf("identity: %w (age-keygen -o %s makes one)", err, s.Identity)
		}
		ids, err := age.ParseIdentities(bytes.NewReader(data))
		if err != nil { // not err: it may quote the file
			return nil, fmt.Errorf("identity %s: not a file of age identities", s.Identity)
		}
		return ageSealer(ids), nil
	case s.KeyFile != "":
		data, err := private.ReadFile(s.KeyFile, maxKey)
		if err != nil {
			return nil, fmt.Errorf("key file: %w (autoid store put makes one)", err)
		}
		key, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(data)))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("key file %s: not base64 of %d bytes", s.KeyFile, keySize)
		}
		return newKeySealer(key)
	}
	return nil, nil
}

// newKeyFile makes a key file unless there is one.
func newKeyFile(path string) error {
	if _, err := private.ReadFile(path, maxKey); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // never fails
	return private.Write(path, []byte(base64.StdEncoding.EncodeToString(key[:])+"\n"))
}

type ageSealer []age.Identity

func (s ageSealer) seal(_ string, content []byte) ([]byte, error) {
	var to []age.Recipient
	for _, id := range s {
		switch id := id.(type) {
		case *age.X25519Identity:
			to = append(to, id.Recipient())
		case *age.HybridIdentity:
			to = append(to, id.Recipient())
		}
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	err = errors.Join(err, w.Close()) // which writes the rest
	return sealed.Bytes(), err
}

func (s ageSealer) open(id string, sealed []byte) ([]byte, error) {
	r := io.Reader(bytes.NewReader(sealed))
	switch {
	case bytes.HasPrefix(sealed, []byte(armor.Header)):
		r = armor.NewReader(r)
	case !bytes.HasPrefix(sealed, []byte(ageHeader)):
		return nil, notSealed(id)
	}
	plain, err := age.Decrypt(r, s...)
	if err != nil {
		return nil, fmt.Errorf("%s: not sealed to the store's identity, or damaged", id)
	}
	content, err := io.ReadAll(plain)
	if err != nil {
		return nil, fmt.Errorf("%s: damaged", id)
	}
	return content, nil
}

type keySealer struct{ cipher.AEAD }

func newKeySealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return keySealer{gcm}, err
}

// bound is what a file's seal holds: a file under another's name does not open.
func bound(id string) []byte { return []byte(keyHeader + id) }

func (s keySealer) seal(id string, content []byte) ([]byte, error) {
	return s.Seal([]byte(keyHeader), nil, content, bound(id)), nil
}

func (s keySealer) open(id string, sealed []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(sealed, []byte(keyHeader))
	if !ok {
		return nil, notSealed(id)
	}
	content, err := s.Open(nil, nil, rest, bound(id))
	if err != nil {
		return nil, fmt.Errorf("%s: not sealed by the store's key under this name, or damaged", id)
	}
	return content, nil
}

func notSealed(id string) error {
	return fmt.Errorf("%s: not sealed, as this store's files are: autoid store put seals it", id)
}

// sealed reports whether a file of a plain store is one that must not be handed out as it is.
func sealed(data []byte) bool {
	for _, header := range []string{ageHeader, armor.Header, keyHeader} {
		if bytes.HasPrefix(data, []byte(header)) {
			return true
		}
	}
	return false
}

// Put seals a credential into the store, in place of the one that was there. A store with a key file gets one if it has none.
func (s Store) Put(id string, content secret.Text) error {
	if len(content.Reveal()) > maxFile {
		return fmt.Errorf("%s: over %d bytes", id, maxFile)
	}
	name, err := s.name(id)
	if err != nil {
		return err
	}
	if s.KeyFile != "" {
		if err := newKeyFile(s.KeyFile); err != nil {
			return err
		}
	}
	data := []byte(content.Reveal())
	seal, err := s.sealer()
	if err == nil && seal != nil {
		data, err = seal.seal(name, data)
	}
	if err != nil {
		return err
	}
	return s.write(name, data)
}
