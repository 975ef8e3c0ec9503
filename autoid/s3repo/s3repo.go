// Package s3repo keeps auto-id's files in S3, or in what speaks like it: a client's repository, and a server's own files.
package s3repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// A Bucket is a place in S3. How objects are encrypted there is the bucket's own setting.
type Bucket struct {
	Name   string
	Prefix string // before each name, with its own slash at the end; "" for the bucket's root
	// Account says who calls. An endpoint of one's own is addressed by path, since few of them have a name for each bucket.
	Account *awscall.Account

	mu     sync.Mutex // held while the client is made
	client *s3.Client
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
		if err := r.put(ctx, o.Name, o.Content, &s3.PutObjectInput{}); err != nil {
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

func (b *Bucket) s3(ctx context.Context) (*s3.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client != nil {
		return b.client, nil
	}
	if b.Account == nil {
		b.Account = new(awscall.Account)
	}
	cfg, err := b.Account.Config(ctx)
	if err != nil {
		return nil, err
	}
	b.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// The signature covers the content; the further checksums that the SDK adds are unknown to many S3-like servers.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return b.client, nil
}

// object is something that is there: its tag is another for each content.
type object struct {
	tag  string
	info info
}

func (b *Bucket) get(ctx context.Context, name string, limit int64) ([]byte, object, error) {
	client, err := b.s3(ctx)
	if err != nil {
		return nil, object{}, err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Name, Key: aws.String(b.Prefix + name)})
	if err != nil {
		return nil, object{}, b.told("get", name, err)
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err != nil {
		return nil, object{}, b.told("get", name, err)
	}
	if int64(len(data)) > limit {
		return nil, object{}, fmt.Errorf("%s: over %d bytes", b.path(name), limit)
	}
	return data, object{aws.ToString(out.ETag), info{name, int64(len(data)), seconds(out.LastModified), false}}, nil
}

func (b *Bucket) put(ctx context.Context, name string, content []byte, in *s3.PutObjectInput) error {
	client, err := b.s3(ctx)
	if err != nil {
		return err
	}
	in.Bucket, in.Key, in.Body = &b.Name, aws.String(b.Prefix+name), bytes.NewReader(content)
	if _, err := client.PutObject(ctx, in); err != nil {
		return b.told("put", name, err)
	}
	return nil
}

func (b *Bucket) remove(ctx context.Context, name string) error {
	client, err := b.s3(ctx)
	if err != nil {
		return err
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Name, Key: aws.String(b.Prefix + name)}); err != nil {
		return b.told("remove", name, err)
	}
	return nil
}

func (b *Bucket) path(name string) string { return "s3://" + b.Name + "/" + b.Prefix + name }

// errChanged is that a condition of a call did not hold.
var errChanged = errors.New("the object is another by now")

// told is what may be known of an error. AWS's own text stays in here: that of a signature which does not match quotes
// the session token. S3-like servers give codes of their own, so that the status decides.
func (b *Bucket) told(call, name string, err error) error {
	path := b.path(name)
	r, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		return fmt.Errorf("%s %s: %w", call, path, err)
	}
	code := r.HTTPStatusCode()
	switch api, _ := errors.AsType[smithy.APIError](err); {
	case api != nil && api.ErrorCode() == "NoSuchBucket":
		return fmt.Errorf("%s %s: there is no such bucket", call, path)
	case code == http.StatusNotFound:
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s %s: access denied: the caller's policy and the bucket's must allow it "+
			"(without s3:ListBucket, AWS says so of what is not there too)", call, path)
	case code == http.StatusPreconditionFailed, code == http.StatusConflict:
		return fmt.Errorf("%s %s: %w", call, path, errChanged)
	}
	return fmt.Errorf("%s %s: status %d", call, path, code)
}
