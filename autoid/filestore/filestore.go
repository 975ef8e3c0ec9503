// Package filestore is an auto-id store of files: each credential is a file in one folder, sealed or plain.
package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// maxFile is what fits into a response however it is escaped.
const maxFile = 128 << 10

// A Store is the files of Folder: what "file/id" wants is the file of that id, read anew each time. A file is a JSON
// object, or else a text, which loses its last line break. It must be 0600. There are no versions, and no leases but for
// an object that says its own Expiration.
//
// With one of Identity and KeyFile all files are sealed, and one that is not is refused: by age, or by a key of our own
// that also holds each file to its name.
type Store struct {
	Folder   string
	Identity string // path of age identities
	KeyFile  string // path of a key that [Store.Put] makes
}

var _ autoid.Store = Store{}

// name is the path of an id below the folder, with slashes.
func (s Store) name(id string) (string, error) {
	name := filepath.FromSlash(id)
	if !filepath.IsLocal(name) || name == "." {
		return "", &autoid.Error{Code: autoid.BadRequest, Message: "not a file in the store's folder"}
	}
	return path.Clean(filepath.ToSlash(name)), nil
}

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	none := autoid.Credential{}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if err := g.Whole(); err != nil {
		return none, err
	}
	if g.Want.Version != "" {
		return none, &autoid.Error{Code: autoid.BadRequest, Message: "files have no versions"}
	}
	name, err := s.name(g.Want.ID)
	if err != nil {
		return none, err
	}
	data, err := s.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return none, &autoid.Error{Code: autoid.NotFound, Message: "the file store does not have it"}
	}
	if err != nil {
		return none, err
	}
	seal, err := s.sealer()
	switch {
	case err != nil:
		return none, err
	case seal != nil:
		if data, err = seal.open(name, data); err != nil {
			return none, err
		}
	case sealed(data):
		return none, fmt.Errorf("%s: sealed: say identity or key_file in stores.toml", name)
	}
	return autoid.NewCredential(data)
}

// read reads below a root, so that no link in the folder leads out of it.
func (s Store) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(s.Folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	return private.ReadFS(root.FS(), name, maxFile*4/3+sealedRoom)
}

// write refuses a place that a link makes one outside.
func (s Store) write(name string, data []byte) error {
	target := filepath.Join(s.Folder, filepath.FromSlash(name))
	if root, err := os.OpenRoot(s.Folder); err == nil {
		_, err = root.Stat(name)
		_ = root.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return private.Write(target, data)
}
