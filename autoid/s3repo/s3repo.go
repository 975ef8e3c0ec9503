// Package s3repo keeps auto-id's files in S3, or in what speaks like it: a client's repository, and a server's own files.
package s3repo

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"sync"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// A Bucket is a place in S3. How objects are encrypted there is the bucket's own setting.
type Bucket struct {
	Name   string
	Prefix string // before each name, with its own slash at the end; "" for the bucket's root
	// Account says who calls. An endpoint of one's own is addressed by path, since few of them have a name for each bucket.
	Account *awscall.Account

	mu sync.Mutex // held while an account is made
}

// A Repository is a client's repository in a bucket. Each object appears whole, and S3 shows at once what it has taken.
type Repository struct{ *Bucket }

var (
	_ autoid.Repository = Repository{}
	_ autoid.Remover    = Repository{}
)

// Fetch implements [autoid.Repository].
func (r Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := autoid.CheckObject(name); err != nil {
		return nil, err
	}
	data, _, err := r.get(ctx, name, limit)
	return data, err
}

// Publish implements [autoid.Repository].
func (r Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	for _, o := range objects {
		if err := autoid.CheckObject(o.Name); err != nil {
			return err
		}
	}
	for _, o := range objects {
		if err := r.put(ctx, o.Name, o.Content, "", ""); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements [autoid.Remover].
func (r Repository) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := autoid.CheckObject(name); err != nil {
			return err
		}
		if err := r.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// object is something that is there: its tag is another for each content.
type object struct {
	tag  string
	info info
}

func (b *Bucket) get(ctx context.Context, name string, limit int64) ([]byte, object, error) {
	a, err := b.do(ctx, call{method: http.MethodGet, key: name, limit: limit})
	if err != nil {
		return nil, object{}, err
	}
	changed, _ := http.ParseTime(a.header.Get("Last-Modified")) // is for people only
	return a.body, object{a.header.Get("ETag"), info{name, int64(len(a.body)), changed.UTC(), false}}, nil
}

// put writes under a condition: a header and its value, or "" for none.
func (b *Bucket) put(ctx context.Context, name string, content []byte, condition, value string) error {
	c := call{method: http.MethodPut, key: name, body: content}
	if condition != "" {
		c.headers = map[string]string{condition: value}
	}
	_, err := b.do(ctx, c)
	return err
}

func (b *Bucket) remove(ctx context.Context, name string) error {
	_, err := b.do(ctx, call{method: http.MethodDelete, key: name})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // AWS does not say so, others do
	}
	return err
}

func (b *Bucket) path(name string) string { return "s3://" + b.Name + "/" + b.Prefix + name }
