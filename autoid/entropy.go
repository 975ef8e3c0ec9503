package autoid

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/kioskeeper/kioskeeper/secret"
)

// EntropySize is the size of an entropy file in bytes.
const EntropySize = 65536

// An Entropy is an entropy file: what a client and its server share.
type Entropy struct {
	file [EntropySize]byte
	// digest of the whole file. It is never published: whoever has it and most of the file can choose nonces whose
	// excerpts avoid what he lacks.
	digest [sha256.Size]byte
}

// NewEntropy makes one at random.
func NewEntropy() *Entropy {
	e := new(Entropy)
	_, _ = rand.Read(e.file[:]) // never fails
	e.digest = entropyDigest(&e.file)
	return e
}

// ParseEntropy takes the content of an entropy file.
func ParseEntropy(content []byte) (*Entropy, error) {
	if len(content) != EntropySize {
		return nil, fmt.Errorf("entropy: %d bytes instead of %d", len(content), EntropySize)
	}
	e := &Entropy{file: [EntropySize]byte(content)}
	e.digest = entropyDigest(&e.file)
	return e, nil
}

func entropyDigest(file *[EntropySize]byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("autoid/2 entropy\x00"), file[:]...))
}

// File returns the content of the file, to be written where only its owner reads.
func (e *Entropy) File() []byte { return e.file[:] }

// Format keeps the file out of whatever prints it.
func (*Entropy) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret.Redacted)) }
