// Package filestore is an auto-id store of files: each credential is a file in one folder.
package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// maxFile is what fits into a response however it is escaped.
const maxFile = 128 << 10

// A Store is the files of Folder: what "file/id" wants is the file of that id, read anew each time. A file is a JSON
// object, or else a text, which loses its last line break. It must be 0600. There are no versions and no leases.
type Store struct{ Folder string }

var _ autoid.Store = Store{}

// Credential implements [autoid.Store].
func (s Store) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	if err := ctx.Err(); err != nil {
		return autoid.Credential{}, err
	}
	if err := g.Whole(); err != nil {
		return autoid.Credential{}, err
	}
	if g.Want.Version != "" {
		return autoid.Credential{}, &autoid.Error{Code: autoid.BadRequest, Message: "files have no versions"}
	}
	name := filepath.FromSlash(g.Want.ID)
	if !filepath.IsLocal(name) || name == "." {
		return autoid.Credential{}, &autoid.Error{Code: autoid.BadRequest, Message: "not a file in the store's folder"}
	}
	// A root, so that no link in the folder leads out of it.
	root, err := os.OpenRoot(s.Folder)
	if err != nil {
		return autoid.Credential{}, err
	}
	defer func() { _ = root.Close() }()
	data, err := private.ReadFS(root.FS(), filepath.ToSlash(filepath.Clean(name)), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "the file store does not have it"}
	}
	if err != nil {
		return autoid.Credential{}, err
	}
	return autoid.NewCredential(data)
}
