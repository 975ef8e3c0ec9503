// Package httpsrepo is an auto-id repository behind an address: objects are fetched with GET and published with PUT.
//
// Any server does that gives an ETag, and takes PUT and DELETE from those who publish: Apache and nginx with their WebDAV
// modules, for example. It must replace a file in one step and never show half of one.
package httpsrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A Repository is the folder at Address, an https address.
type Repository struct {
	Address string
	// Token shows who we are: USER:PASSWORD as Basic, anything else as a Bearer token. An empty one shows nothing.
	Token secret.Text
	HTTP  *http.Client // nil: one with a timeout; its redirects are ours in any case

	mu     sync.Mutex // guards cached
	cached map[string]entry
}

// An entry is what an object was when it was last fetched.
type entry struct {
	tag     string
	content []byte
}

var (
	_ autoid.Repository = (*Repository)(nil)
	_ autoid.Remover    = (*Repository)(nil)
)

const (
	timeout    = 30 * time.Second
	maxHops    = 5
	maxEntries = 16 // a client reads three objects
)

// Fetch implements [autoid.Repository]. What has not changed is not sent again.
func (r *Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	req, err := r.request(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	old, had := r.cached[name]
	r.mu.Unlock()
	if had {
		req.Header.Set("If-None-Match", old.tag)
	}
	res, err := r.do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var data []byte
	switch {
	case res.StatusCode == http.StatusNotModified && had:
		data = old.content
	case res.StatusCode == http.StatusOK:
		if data, err = io.ReadAll(io.LimitReader(res.Body, limit+1)); err != nil {
			return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), err)
		}
	default:
		return nil, refusal(req, res)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: over %d bytes", req.URL.Redacted(), limit)
	}
	r.keep(name, entry{res.Header.Get("ETag"), data})
	return bytes.Clone(data), nil
}

// keep remembers an object that has a tag. A weak one will do: whatever it stands for is a whole object.
func (r *Repository) keep(name string, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.tag == "" {
		delete(r.cached, name)
		return
	}
	if r.cached == nil || len(r.cached) >= maxEntries {
		r.cached = map[string]entry{}
	}
	r.cached[name] = e
}

// Publish implements [autoid.Repository].
func (r *Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	for _, o := range objects {
		if err := autoid.CheckObject(o.Name); err != nil {
			return err
		}
	}
	for _, o := range objects {
		if err := r.send(ctx, http.MethodPut, o.Name, o.Content); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements [autoid.Remover].
func (r *Repository) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := r.send(ctx, http.MethodDelete, name, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *Repository) send(ctx context.Context, method, name string, content []byte) error {
	req, err := r.request(ctx, method, name, content)
	if err != nil {
		return err
	}
	res, err := r.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		return refusal(req, res)
	}
	return nil
}

func (r *Repository) request(ctx context.Context, method, name string, content []byte) (*http.Request, error) {
	if err := autoid.CheckObject(name); err != nil {
		return nil, err
	}
	u, err := r.base()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.JoinPath(name).String(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if user, password, ok := strings.Cut(r.Token.Reveal(), ":"); ok {
		req.SetBasicAuth(user, password)
	} else if !r.Token.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.Token.Reveal())
	}
	return req, nil
}

// Check tells what is wrong with the address.
func (r *Repository) Check() error {
	_, err := r.base()
	return err
}

func (r *Repository) base() (*url.URL, error) {
	u, err := url.Parse(r.Address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("repository: not a plain https address, such as https://files.example.com/lobby-tv")
	}
	return u, nil
}

// do makes the call. A redirect is followed to the same host only, over https, and only where it does not write.
func (r *Repository) do(req *http.Request) (*http.Response, error) {
	client := http.Client{Timeout: timeout}
	if r.HTTP != nil {
		client = *r.HTTP
	}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if next.URL.Scheme != "https" || next.URL.Host != req.URL.Host || len(via) > maxHops || req.Method != http.MethodGet {
			return fmt.Errorf("redirected to %s://%s: configure the address that it is about", next.URL.Scheme, next.URL.Host)
		}
		return nil
	}
	return client.Do(req)
}

func refusal(req *http.Request, res *http.Response) error {
	where := req.Method + " " + req.URL.Redacted()
	switch res.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w", where, fs.ErrNotExist)
	case http.StatusUnauthorized:
		return fmt.Errorf("%s: 401: the token is not taken: look at token_file", where)
	case http.StatusForbidden:
		return fmt.Errorf("%s: 403: the token's owner may not", where)
	case http.StatusMethodNotAllowed:
		return fmt.Errorf("%s: 405: the server takes no %s here: it needs WebDAV, or the like", where, req.Method)
	}
	return fmt.Errorf("%s: status %d", where, res.StatusCode)
}
