package main

import (
	"context"
	"sync/atomic"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
)

// The names of stores: what stands before the slash of a want.
const (
	storeFile = "file"
	storeSTS  = "sts"
)

// A shelf is the stores of a server's folder, which can be read again while the server answers.
type shelf struct {
	dir string
	now atomic.Pointer[map[string]autoid.Store]
}

func newShelf(dir string) (*shelf, error) {
	s := &shelf{dir: dir}
	return s, s.reload()
}

// reload keeps what is there if the file is wrong.
func (s *shelf) reload() error {
	file, err := serverdir.ReadStores(s.dir)
	if err != nil {
		return err
	}
	stores := map[string]autoid.Store{}
	if file.File != nil {
		stores[storeFile] = filestore.Store{Folder: file.File.Folder}
	}
	if file.STS != nil {
		sts := stsstore.Store{
			Account: &awscall.Account{Region: file.STS.Region, Endpoint: file.STS.Endpoint}, Roles: map[string]stsstore.Role{},
		}
		for id, role := range file.STS.Roles {
			sts.Roles[id] = stsstore.Role{ARN: role.ARN, ExternalID: role.ExternalID}
		}
		stores[storeSTS] = sts
	}
	s.now.Store(&stores)
	return nil
}

// stores is for a server: the shelf under every name that it may come to have.
func (s *shelf) stores() map[string]autoid.Store {
	return map[string]autoid.Store{storeFile: s, storeSTS: s}
}

// Credential implements autoid.Store.
func (s *shelf) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	store := (*s.now.Load())[g.Want.Store]
	if store == nil {
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "the store is not configured here"}
	}
	return store.Credential(ctx, g)
}
