package npmrepo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/npmrepo"
	"github.com/kioskeeper/kioskeeper/internal/verdaccio"
	"github.com/kioskeeper/kioskeeper/secret"
)

// TestPackage has one registry for all: each case has a package of its own.
func TestPackage(t *testing.T) {
	t.Parallel()
	s := verdaccio.Start(t)
	token := s.Token(t, "publisher")
	var n atomic.Int32
	open := func() *npmrepo.Repository {
		return &npmrepo.Repository{Package: fmt.Sprintf("@acme/wall-%d", n.Add(1)), Registry: s.Address, Token: token}
	}
	t.Run("is a repository", func(t *testing.T) {
		autoidtest.TestRepository(t, func(*testing.T) autoid.Repository { return open() })
	})
	t.Run("has the bundle's number in its version", func(t *testing.T) {
		r := open()
		for _, x := range []struct{ bundle, version string }{
			{`{"seq":7}`, "2.7.0"}, {`{"seq":7}`, "2.7.1"}, {`{"seq":9}`, "2.9.0"}, {`{"seq":8}`, "2.9.1"}, {`x`, "2.9.2"},
		} {
			if err := r.Publish(t.Context(), []autoid.Object{{Name: autoid.BundleName, Content: []byte(x.bundle)}}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Fetch(t.Context(), "none", 1); err == nil || !strings.Contains(err.Error(), "@"+x.version+":") {
				t.Errorf("%s is not %s: %v", x.bundle, x.version, err)
			}
		}
	})
	t.Run("refusals tell what to mend", func(t *testing.T) {
		published := open()
		if err := published.Publish(t.Context(), []autoid.Object{{Name: "x"}}); err != nil {
			t.Fatal(err)
		}
		const planted = "planted-token"
		for want, r := range map[string]*npmrepo.Repository{
			"look at token_file": {Package: published.Package, Registry: s.Address, Token: secret.New(planted)},
			": 401":              {Package: published.Package, Registry: s.Address},
			"not published":      open(),
			"@scope/name":        {Package: "unscoped", Registry: s.Address, Token: token},
			"plain https":        {Package: published.Package, Registry: "http://registry.example.com", Token: token},
		} {
			_, err := r.Fetch(t.Context(), "x", 10)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), planted) ||
				errors.Is(err, fs.ErrNotExist) != (want == "not published") {
				t.Errorf("%v, without %q", err, want)
			}
		}
		locked := &npmrepo.Repository{Package: "@locked/wall", Registry: s.Address, Token: token}
		if err := locked.Publish(t.Context(), []autoid.Object{{Name: "x"}}); err == nil || !strings.Contains(err.Error(), "may not publish") {
			t.Errorf("published what nobody may: %v", err)
		}
		if err := published.Publish(t.Context(), []autoid.Object{{Name: "package.json"}}); err == nil {
			t.Error("npm's own file was an object")
		}
	})
}

func TestNothingIsTakenOnTrust(t *testing.T) {
	t.Parallel()
	const version = `{"versions":{"2.1.0":{"dist":{"integrity":"%s","tarball":"%s/x.tgz"}}}}`
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	for want, answer := range map[string]http.HandlerFunc{
		"sends us elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
		"not what its sha512": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".tgz") {
				_, _ = w.Write([]byte("changed"))
				return
			}
			_, _ = fmt.Fprintf(w, version, "sha512-AAAA", other.URL)
		},
		"without a sha512": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, version, "sha1-AAAA", other.URL) },
		"no version":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) },
		"manifest":         func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[`)) },
		"over":             func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 17<<20)) },
		"status 503":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		registry := httptest.NewServer(answer)
		r := &npmrepo.Repository{Package: "@acme/wall", Registry: registry.URL, Token: secret.New("planted")}
		_, err := r.Fetch(t.Context(), "x", 10)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%v, without %q", err, want)
		}
		registry.Close()
	}
	if asked {
		t.Error("another host was asked")
	}
}
