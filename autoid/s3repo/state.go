package s3repo

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	maxState = 1 << 20
	// patience is for reads whose caller has no context: those of an fs.FS.
	patience = 20 * time.Second
)

// Open implements fs.FS, for the files of a server: a file is read whole, and a folder is what lies below its name. There
// are no modes in S3; the bucket's policy says who may read, and to the server all is its own.
func (b *Bucket) Open(name string) (fs.File, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name != "." {
		data, o, err := b.get(ctx, name, maxState)
		if err == nil {
			return &file{o.info, bytes.NewReader(data)}, nil
		}
		if entries, listErr := b.list(ctx, name); listErr != nil || len(entries) == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	entries, err := b.list(ctx, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &folder{info: info{name: name, dir: true}, entries: entries}, nil
}

// ReadDir implements fs.ReadDirFS, sparing a request. A folder that is not there is empty: S3 has none.
func (b *Bucket) ReadDir(name string) ([]fs.DirEntry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return b.list(ctx, name)
}

func (b *Bucket) list(ctx context.Context, name string) (entries []fs.DirEntry, err error) {
	prefix := b.Prefix
	if name != "." {
		prefix += name + "/"
	}
	query := url.Values{"list-type": {"2"}, "prefix": {prefix}, "delimiter": {"/"}}
	for {
		a, err := b.do(ctx, call{method: http.MethodGet, query: query, limit: maxListPage})
		if err != nil {
			return nil, err
		}
		var page listing
		if err := xml.Unmarshal(a.body, &page); err != nil {
			return nil, fmt.Errorf("list %s: %w", b.path(name), err)
		}
		for _, o := range page.Contents {
			if base := strings.TrimPrefix(o.Key, prefix); base != "" {
				// Only lists have parts of a second.
				entries = append(entries, info{base, o.Size, o.LastModified.UTC().Truncate(time.Second), false})
			}
		}
		for _, p := range page.CommonPrefixes {
			base := strings.TrimSuffix(strings.TrimPrefix(p.Prefix, prefix), "/")
			entries = append(entries, info{name: base, dir: true})
		}
		if !page.IsTruncated || page.NextContinuationToken == "" {
			break
		}
		query.Set("continuation-token", page.NextContinuationToken)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// A listing is a page of S3's answer to a list.
type listing struct {
	IsTruncated           bool
	NextContinuationToken string
	Contents              []struct {
		Key          string
		Size         int64
		LastModified time.Time
	}
	CommonPrefixes []struct{ Prefix string }
}

// info is both kinds of description that package fs has.
type info struct {
	name string
	size int64
	time time.Time
	dir  bool
}

func (i info) Name() string               { return path.Base(i.name) }
func (i info) Size() int64                { return i.size }
func (i info) ModTime() time.Time         { return i.time }
func (i info) IsDir() bool                { return i.dir }
func (i info) Sys() any                   { return nil }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
func (i info) Type() fs.FileMode          { return i.Mode().Type() }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}

type file struct {
	info info
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (*file) Close() error                 { return nil }

type folder struct {
	info    info
	entries []fs.DirEntry
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (*folder) Close() error                 { return nil }
func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	some := f.entries[:n]
	f.entries = f.entries[n:]
	return some, nil
}
