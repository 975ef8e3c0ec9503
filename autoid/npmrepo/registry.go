package npmrepo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// errTaken is that somebody else has published a version meanwhile, or is at it.
var errTaken = errors.New("others publish all the time")

// call makes one call. Redirects are not followed: where a registry sends us is nobody who should see the token.
func (r *Repository) call(ctx context.Context, method, path string, body []byte, limit int64) ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if !r.Token.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.Token.Reveal())
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: timeout}
	if r.HTTP != nil {
		client = *r.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		return nil, r.refusal(method, base.Host, res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", r.Package, base.Host, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s at %s: over %d bytes", r.Package, base.Host, limit)
	}
	return data, nil
}

func (r *Repository) refusal(method, host string, status int) error {
	where := r.Package + " at " + host
	switch {
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s: 401: the token is not taken: look at token_file", where)
	case status == http.StatusConflict:
		return fmt.Errorf("%s: 409: %w", where, errTaken)
	case status == http.StatusInternalServerError && method == http.MethodPut: // verdaccio's word for it, now and then
		return fmt.Errorf("%s: 500 (%w?)", where, errTaken)
	case status == http.StatusForbidden && method == http.MethodGet:
		return fmt.Errorf("%s: 403: the token's owner may not read the package", where)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: 403: the token's owner may not publish, or the version was there before", where)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s: 404: not published, or the token's owner may not see it: %w", where, fs.ErrNotExist)
	case status/100 == 3:
		return fmt.Errorf("%s: %d: the registry sends us elsewhere: configure its own address", where, status)
	}
	return fmt.Errorf("%s: status %d", where, status)
}

// A manifest is what npm publish sends: the version's description, and its tarball.
type manifest struct {
	ID          string                `json:"_id"`
	Name        string                `json:"name"`
	Access      string                `json:"access"`
	DistTags    map[string]string     `json:"dist-tags"`
	Versions    map[string]any        `json:"versions"`
	Attachments map[string]attachment `json:"_attachments"`
}

type attachment struct {
	ContentType string `json:"content_type"`
	Data        []byte `json:"data"`
	Length      int    `json:"length"`
}

func (r *Repository) publish(ctx context.Context, v version, objects map[string][]byte) error {
	about := map[string]any{"name": r.Package, "version": v.String(), "description": "An auto-id bundle"}
	tarball, err := pack(about, objects)
	if err != nil {
		return err
	}
	file := r.Package + "-" + v.String() + ".tgz"
	base, err := r.base()
	if err != nil {
		return err
	}
	sum := sha1.Sum(tarball) // for old registries; what counts is the integrity
	about["_id"] = r.Package + "@" + v.String()
	about["dist"] = map[string]string{
		"integrity": integrity(tarball), "shasum": hex.EncodeToString(sum[:]),
		"tarball": strings.TrimSuffix(base.String(), "/") + "/" + r.Package + "/-/" + file,
	}
	body, err := json.Marshal(manifest{
		ID: r.Package, Name: r.Package, Access: "restricted", DistTags: map[string]string{"latest": v.String()},
		Versions:    map[string]any{v.String(): about},
		Attachments: map[string]attachment{file: {"application/octet-stream", tarball, len(tarball)}},
	})
	if err != nil {
		return err
	}
	_, err = r.call(ctx, http.MethodPut, r.packagePath(), body, maxManifest)
	if err == nil || errors.Is(err, errTaken) || ctx.Err() != nil {
		return err
	}
	// npmjs.org says 403 of a version that is there, and a connection may break after the registry has taken ours.
	if last, readErr := r.latest(ctx); readErr == nil && !last.version.less(v) {
		if last.version == v && last.integrity == integrity(tarball) {
			return nil
		}
		return errTaken
	}
	return err
}

const folder = "package/" // where npm's own tarballs have their files

// pack makes the same tarball of the same objects.
func pack(about map[string]any, objects map[string][]byte) ([]byte, error) {
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	add := func(name string, content []byte) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + name, Mode: 0o600, Size: int64(len(content))}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	err = add(packageName, text)
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		err = errors.Join(err, add(name, objects[name]))
	}
	err = errors.Join(err, w.Close(), z.Close()) // in this order, and before the bytes are taken
	return buf.Bytes(), err
}

// packageName is npm's own file in a tarball; no object can be called so.
const packageName = "package.json"

// unpack takes the objects out of a tarball. Other files are none of ours; a bomb is cut off.
func unpack(tarball []byte) (map[string][]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return nil, fmt.Errorf("tarball: %w", err)
	}
	left := &io.LimitedReader{R: z, N: maxTarball}
	objects := map[string][]byte{}
	for r := tar.NewReader(left); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) && left.N > 0 {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("tarball: %w", err)
		}
		name, ok := strings.CutPrefix(h.Name, folder)
		if !ok || name == packageName || h.Typeflag != tar.TypeReg || autoid.CheckObject(name) != nil {
			continue
		}
		if objects[name], err = io.ReadAll(r); err != nil {
			return nil, fmt.Errorf("tarball: %w", err)
		}
	}
}
