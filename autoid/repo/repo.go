// Package repo opens a repository by the words of a configuration.
//
//	/srv/bundles/lobby-tv                     a folder
//	s3://bucket/prefix                        a bucket; ?region= and ?endpoint= say where, if the SDK's default chain does not
//	npm:@acme/lobby-tv                        a scoped package; ?registry= says where, if NPM_CONFIG_REGISTRY does not
//	git+https://git.example.com/acme/lobby-tv.git#branch
//	git+ssh://git@git.example.com/acme/lobby-tv.git#branch
//	https://files.example.com/lobby-tv        files behind an address
//
// S3 and KMS take the SDK's default credentials. The others take what is in a token file: a token, USER:TOKEN, or for
// git+ssh the private key.
package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/gitrepo"
	"github.com/kioskeeper/kioskeeper/autoid/httpsrepo"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/autoid/kmsrepo"
	"github.com/kioskeeper/kioskeeper/autoid/npmrepo"
	"github.com/kioskeeper/kioskeeper/autoid/s3repo"
	"github.com/kioskeeper/kioskeeper/secret"
)

var (
	schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`) // two letters at least: C: is a drive
	// A bucket's name cannot be another one's; IP addresses and the like are for AWS to refuse.
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

const maxToken = 16 << 10

// IsPath reports whether the words of a place are a path on this machine, rather than another place's.
func IsPath(words string) bool { return !schemeForm.MatchString(words) }

// Open opens the repository of place.Client. Its token file is read again whenever the repository is used, so that tokens may
// be short-lived.
func Open(place autoid.Place) (autoid.Repository, error) {
	r := &repository{place: place}
	if _, err := r.opened(); err != nil {
		return nil, err
	}
	return r, nil
}

// A repository is opened anew when its token is another.
type repository struct {
	place autoid.Place

	mu    sync.Mutex // guards what follows
	token secret.Text
	inner autoid.Repository
}

var _ autoid.Remover = (*repository)(nil)

// Fetch implements [autoid.Repository].
func (r *repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	inner, err := r.opened()
	if err != nil {
		return nil, err
	}
	return inner.Fetch(ctx, name, limit)
}

// Publish implements [autoid.Repository].
func (r *repository) Publish(ctx context.Context, objects []autoid.Object) error {
	inner, err := r.opened()
	if err != nil {
		return err
	}
	return inner.Publish(ctx, objects)
}

// Remove implements [autoid.Remover].
func (r *repository) Remove(ctx context.Context, names ...string) error {
	inner, err := r.opened()
	if err != nil {
		return err
	}
	if remover, ok := inner.(autoid.Remover); ok {
		return remover.Remove(ctx, names...)
	}
	return nil // as for a caller who asks whether it is one
}

func (r *repository) opened() (autoid.Repository, error) {
	var token secret.Text
	if r.place.TokenFile != "" {
		text, err := private.ReadFile(r.place.TokenFile, maxToken)
		if errors.Is(err, fs.ErrNotExist) {
			// Not that error: who asks for an object would take it for the object's.
			return nil, fmt.Errorf("token file: there is no %s", r.place.TokenFile)
		}
		if err != nil {
			return nil, fmt.Errorf("token file: %w", err)
		}
		if token = secret.New(strings.TrimSpace(string(text))); token.Empty() {
			return nil, fmt.Errorf("token file: %s is empty", r.place.TokenFile)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inner != nil && r.token.Equal(token) {
		return r.inner, nil
	}
	inner, err := open(r.place, token)
	if err == nil && r.place.KMSKey != "" {
		inner, err = kmsrepo.New(inner, r.place.KMSKey, r.place.Client)
	}
	if err != nil {
		return nil, err
	}
	r.inner, r.token = inner, token
	return inner, nil
}

func open(place autoid.Place, token secret.Text) (autoid.Repository, error) {
	words := place.Bundle
	if strings.HasPrefix(words, "git+") {
		r := &gitrepo.Repository{Address: words, Secret: token, HostKey: place.HostKey}
		if !strings.HasPrefix(words, "git+ssh:") && place.HostKey != "" {
			return nil, errors.New("repository: host_key is for git+ssh")
		}
		return r, r.Check()
	}
	if place.HostKey != "" {
		return nil, errors.New("repository: host_key is for git+ssh")
	}
	if strings.HasPrefix(words, "https://") {
		r := &httpsrepo.Repository{Address: words, Token: token}
		return r, r.Check()
	}
	if words == "" {
		return nil, errors.New("repository: none is named")
	}
	if IsPath(words) {
		if !token.Empty() {
			return nil, errors.New("repository: a folder takes no token_file")
		}
		path, err := filepath.Abs(words)
		return folder.Repository{Path: path}, err
	}
	words, query, err := settings(words)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(words, "npm:"); ok {
		r := &npmrepo.Repository{Package: name, Token: token, Registry: query["registry"]}
		delete(query, "registry")
		return r, errors.Join(r.Check(), unknown(query))
	}
	if rest, ok := strings.CutPrefix(words, "s3://"); ok {
		if !token.Empty() {
			return nil, errors.New("repository: s3 takes the SDK's default credentials, no token_file")
		}
		b, err := bucket(rest, query)
		return s3repo.Repository{Bucket: b}, err
	}
	return nil, fmt.Errorf("repository %q: neither a folder nor s3://, npm:, git+https://, git+ssh:// or https://", place.Bundle)
}

func bucket(words string, query map[string]string) (*s3repo.Bucket, error) {
	name, prefix, _ := strings.Cut(words, "/")
	b := &s3repo.Bucket{Name: name, Account: &awscall.Account{Region: query["region"], Endpoint: query["endpoint"]}}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		b.Prefix = prefix + "/"
	}
	delete(query, "region")
	delete(query, "endpoint")
	if !bucketForm.MatchString(name) {
		return nil, fmt.Errorf("repository: bucket %q: not a bucket's name, as in s3://bucket/prefix", name)
	}
	return b, unknown(query)
}

// settings takes what stands behind a question mark off the words.
func settings(words string) (string, map[string]string, error) {
	words, text, _ := strings.Cut(words, "?")
	values, err := url.ParseQuery(text)
	if err != nil {
		return "", nil, errors.New("repository: what stands behind the ? is malformed")
	}
	query := map[string]string{}
	for name, v := range values {
		query[name] = v[len(v)-1]
	}
	return words, query, nil
}

func unknown(query map[string]string) error {
	for name := range query {
		return fmt.Errorf("repository: %q behind the ?: not known here", name)
	}
	return nil
}
