package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/execstore"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/secretsmanagerstore"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/autoid/ssmstore"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/autoid/v1"
)

// The names of stores: what stands before the slash of a want.
const (
	storeFile           = "file"
	storeSecretsManager = "secretsmanager"
	storeSSM            = "ssm"
	storeSTS            = "sts"
	storeExec           = "exec"
)

// A shelf is the stores of a server's folder, which can be read again while the server answers.
type shelf struct {
	files fs.FS
	dir   string // what paths in them are relative to
	log   *slog.Logger
	now   atomic.Pointer[map[string]autoid.Store]
	v1    v1.Handler
}

func newShelf(dir string, log *slog.Logger) (*shelf, error) {
	storage, err := openStorage(dir)
	if err != nil {
		return nil, err
	}
	s := &shelf{files: storage, dir: dir, log: log, v1: v1.Handler{Log: log}}
	if strings.Contains(dir, "://") {
		s.dir = "" // a bucket has no paths
	}
	return s, s.reload()
}

// reload keeps what is there if the file is wrong.
func (s *shelf) reload() error {
	file, err := serverdir.ReadStoresFrom(s.files, s.dir)
	if err != nil {
		return err
	}
	settings, err := settingsV1(file.V1)
	if err == nil {
		err = s.v1.Set(settings)
	}
	if err != nil {
		return fmt.Errorf("version 1: %w", err)
	}
	stores := storesOf(file, s.log)
	s.now.Store(&stores)
	return nil
}

// storesOf makes the stores that a file describes.
func storesOf(file serverdir.Stores, log *slog.Logger) map[string]autoid.Store {
	stores := map[string]autoid.Store{}
	if f := file.File; f != nil {
		stores[storeFile] = fileStore(*f)
	}
	if n := file.SecretsManager; n != nil {
		stores[storeSecretsManager] = secretsmanagerstore.Store{Account: account(n.Region, n.Endpoint), Prefix: n.Prefix}
	}
	if n := file.SSM; n != nil {
		stores[storeSSM] = ssmstore.Store{Account: account(n.Region, n.Endpoint), Prefix: n.Prefix}
	}
	if f := file.STS; f != nil {
		sts := stsstore.Store{Account: account(f.Region, f.Endpoint),
			Roles: map[string]stsstore.Role{}, Federation: map[string]stsstore.Federation{}}
		for id, role := range f.Roles {
			sts.Roles[id] = stsstore.Role(role)
		}
		for id, federation := range f.Federation {
			sts.Federation[id] = stsstore.Federation(federation)
		}
		stores[storeSTS] = sts
	}
	if file.Exec != nil {
		programs := execstore.Store{Programs: map[string]execstore.Program{}, Log: log}
		for id, p := range file.Exec {
			timeout, _ := time.ParseDuration(p.Timeout) // serverdir has seen that it is one; without one it is 0
			programs.Programs[id] = execstore.Program{Command: p.Command, Env: p.Env, Raw: p.Output == "raw", Timeout: timeout}
		}
		stores[storeExec] = programs
	}
	return stores
}

func account(region, endpoint string) *awscall.Account {
	return &awscall.Account{Region: region, Endpoint: endpoint}
}

func fileStore(f serverdir.FileStore) filestore.Store {
	return filestore.Store{Folder: f.Folder, Identity: f.Identity, KeyFile: f.KeyFile}
}

// stores is for a server: the shelf under every name that it may come to have.
func (s *shelf) stores() map[string]autoid.Store {
	return map[string]autoid.Store{storeFile: s, storeSecretsManager: s, storeSSM: s, storeSTS: s, storeExec: s}
}

// Credential implements autoid.Store.
func (s *shelf) Credential(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	store := (*s.now.Load())[g.Want.Store]
	if store == nil {
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "the store is not configured here"}
	}
	return store.Credential(ctx, g)
}
