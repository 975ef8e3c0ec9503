package clientdir

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/secret"
)

// NewToken makes a token, and a file that tells it to the programs of this user until it is removed.
func (s State) NewToken() (token secret.Text, path string, remove func(), err error) {
	text := rand.Text() + rand.Text() // 260 bits
	path = filepath.Join(s.Dir, "tokens", rand.Text()[:16])
	if err := private.Write(path, []byte(text)); err != nil { // no line break: SDKs send what is there
		return secret.Text{}, "", nil, err
	}
	return secret.New(text), path, func() { _ = os.Remove(path) }, nil
}
