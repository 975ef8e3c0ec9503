// Package npmrepo is an auto-id repository in an npm registry: a scoped, private package, with no npm client.
//
// Each publication is a new version that holds all objects. Versions only go up, and the highest counts, whatever the
// registry's tags say: of two who publish at once, the registry takes one, and the other builds on it.
package npmrepo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A Repository is one package.
type Repository struct {
	Package  string // @scope/name
	Registry string // its address, https or on this machine; "" is npm's own setting, NPM_CONFIG_REGISTRY
	Token    secret.Text
	HTTP     *http.Client // nil: one with a timeout; it follows no redirect in any case

	mu     sync.Mutex // guards cached
	cached *release
}

var (
	_ autoid.Repository = (*Repository)(nil)
	_ autoid.Remover    = (*Repository)(nil)
)

const (
	timeout     = time.Minute
	maxManifest = 16 << 20 // a version takes half a kilobyte
	maxTarball  = 16 << 20
	attempts    = 10 // of publishers who meet others
)

var packageForm = regexp.MustCompile(`^@[a-z0-9~-][a-z0-9._~-]*/[a-z0-9~-][a-z0-9._~-]*$`)

// Check tells what is wrong with the package's name or the registry's address.
func (r *Repository) Check() error {
	if !packageForm.MatchString(r.Package) || len(r.Package) > 214 {
		return fmt.Errorf("npm package %q: not @scope/name", r.Package)
	}
	_, err := r.base()
	return err
}

// A release is one version, unpacked. What is in it is not changed any more.
type release struct {
	version   version
	integrity string
	objects   map[string][]byte
}

// Fetch implements [autoid.Repository].
func (r *Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := autoid.CheckObject(name); err != nil {
		return nil, err
	}
	last, err := r.latest(ctx)
	if err != nil {
		return nil, err
	}
	content, ok := last.objects[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s@%s: %s: %w", r.Package, last.version, name, fs.ErrNotExist)
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("%s@%s: %s: over %d bytes", r.Package, last.version, name, limit)
	}
	return bytes.Clone(content), nil
}

// Publish implements [autoid.Repository]. What was there before and is not replaced stays.
func (r *Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	for _, o := range objects {
		if err := autoid.CheckObject(o.Name); err != nil {
			return err
		}
		if o.Name == packageName {
			return fmt.Errorf("object %q: npm's own file", o.Name)
		}
	}
	return r.change(ctx, func(all map[string][]byte) bool {
		for _, o := range objects {
			all[o.Name] = o.Content
		}
		return true
	})
}

// Remove implements [autoid.Remover]. Earlier versions keep what they had: whoever may read the package had it anyway.
func (r *Repository) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := autoid.CheckObject(name); err != nil {
			return err
		}
	}
	return r.change(ctx, func(all map[string][]byte) (changed bool) {
		for _, name := range names {
			_, there := all[name]
			delete(all, name)
			changed = changed || there
		}
		return changed
	})
}

// change publishes what edit makes of the highest version, again on top of what somebody else has published meanwhile.
func (r *Repository) change(ctx context.Context, edit func(all map[string][]byte) bool) error {
	var err error
	for i := range attempts {
		if err := pause(ctx, i); err != nil {
			return err
		}
		releases, readErr := r.releases(ctx)
		if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
			return readErr
		}
		last, all := version{}, map[string][]byte{}
		if len(releases) > 0 {
			last = releases[0].version
			base, readErr := r.intact(ctx, releases)
			if readErr != nil {
				return readErr
			}
			maps.Copy(all, base.objects)
		}
		if !edit(all) {
			return nil
		}
		if err = r.publish(ctx, last.next(all[autoid.BundleName]), all); err == nil {
			// verdaccio, asked twice in the same moment for a version that is not there, takes one publisher's description
			// and now and then the other's tarball.
			_, err = r.latest(ctx)
		}
		if !errors.Is(err, errTaken) && !errors.Is(err, errSpoilt) {
			return err
		}
	}
	return err
}

// pause lets others go first: not at all before the first attempt, then up to a second.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(rand.N(min(10*time.Millisecond<<attempt, time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// intact is the highest of the releases whose tarball is what it should be; an empty one if a new package has none.
func (r *Repository) intact(ctx context.Context, releases []release) (*release, error) {
	const most = 3 // to look at
	var err error
	for _, one := range releases[:min(len(releases), most)] {
		var whole *release
		if whole, err = r.download(ctx, one); !errors.Is(err, errSpoilt) {
			return whole, err
		}
	}
	if len(releases) > most {
		return nil, err
	}
	return &release{}, nil
}

// latest reads the highest version; fs.ErrNotExist if there is none.
func (r *Repository) latest(ctx context.Context) (*release, error) {
	releases, err := r.releases(ctx)
	if err != nil {
		return nil, err
	}
	return r.download(ctx, releases[0])
}

// releases lists the versions, without what is in them, the highest first.
func (r *Repository) releases(ctx context.Context) ([]release, error) {
	text, err := r.call(ctx, http.MethodGet, r.packagePath(), nil, maxManifest)
	if err != nil {
		return nil, err
	}
	releases, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Package, err)
	}
	return releases, nil
}

// download gets what is in a release, from memory if it is the one that we had last.
func (r *Repository) download(ctx context.Context, one release) (*release, error) {
	r.mu.Lock()
	cached := r.cached
	r.mu.Unlock()
	if cached != nil && cached.version == one.version && cached.integrity == one.integrity {
		return cached, nil
	}
	// Not the address that the registry names: its host may be another one, or what it was called behind a proxy.
	path := r.packagePath() + "/-/" + strings.SplitN(r.Package, "/", 2)[1] + "-" + one.version.String() + ".tgz"
	tarball, err := r.call(ctx, http.MethodGet, path, nil, maxTarball)
	if err != nil {
		return nil, err
	}
	if integrity(tarball) != one.integrity {
		return nil, fmt.Errorf("%s@%s: %w", r.Package, one.version, errSpoilt)
	}
	if one.objects, err = unpack(tarball); err != nil {
		return nil, fmt.Errorf("%s@%s: %w", r.Package, one.version, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cached = &one
	return &one, nil
}

// errSpoilt is that a tarball is not the one that its publisher sent.
var errSpoilt = errors.New("the tarball is not what its sha512 says")

// A version is major.minor.patch. Ours are 2.SEQ.N, so that a person sees which bundle is in it.
type version struct{ major, minor, patch uint64 }

var versionForm = regexp.MustCompile(`^(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})$`)

func parseVersion(s string) (v version, ok bool) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return v, false // a pre-release, say
	}
	for i, part := range []*uint64{&v.major, &v.minor, &v.patch} {
		*part, _ = strconv.ParseUint(m[i+1], 10, 64) // 16 digits always fit
	}
	return v, true
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v version) compare(w version) int {
	return cmp.Or(cmp.Compare(v.major, w.major), cmp.Compare(v.minor, w.minor), cmp.Compare(v.patch, w.patch))
}

func (v version) less(w version) bool { return v.compare(w) < 0 }

// next is the version after v for a bundle: of its number if that is a higher one.
func (v version) next(bundle []byte) version {
	var b struct{ Seq uint64 }
	_ = json.Unmarshal(bundle, &b) // what is no bundle has no number
	const greatest = 1 << 53       // beyond it, npm's own clients count no more
	if first := (version{2, b.Seq, 0}); v.less(first) && b.Seq < greatest {
		return first
	}
	v.patch++
	return v
}

// parseManifest finds the versions in a package's manifest, the highest first; there is one at least.
func parseManifest(text []byte) (releases []release, err error) {
	var m struct {
		Versions map[string]struct {
			Dist struct{ Integrity string }
		}
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	for name, about := range m.Versions {
		if v, ok := parseVersion(name); ok {
			releases = append(releases, release{version: v, integrity: about.Dist.Integrity})
		}
	}
	slices.SortFunc(releases, func(a, b release) int { return b.version.compare(a.version) })
	switch {
	case len(releases) == 0:
		return nil, fmt.Errorf("manifest: no version: %w", fs.ErrNotExist)
	case !strings.HasPrefix(releases[0].integrity, "sha512-"):
		return nil, fmt.Errorf("manifest: version %s without a sha512", releases[0].version)
	}
	return releases, nil
}

func integrity(tarball []byte) string {
	sum := sha512.Sum512(tarball)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// packagePath is the package's path in the registry, in which the slash of its name is none.
func (r *Repository) packagePath() string { return "/" + strings.Replace(r.Package, "/", "%2f", 1) }

func (r *Repository) base() (*url.URL, error) {
	address := cmp.Or(r.Registry, os.Getenv("NPM_CONFIG_REGISTRY"), os.Getenv("npm_config_registry"))
	if address == "" {
		return nil, errors.New("npm registry: none is named: put ?registry=https://… behind the package, or set NPM_CONFIG_REGISTRY")
	}
	u, err := url.Parse(address)
	if err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1") {
		return u, nil
	}
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("npm registry: not a plain https address")
	}
	return u, nil
}
