package httpsrepo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/httpsrepo"
	"github.com/kioskeeper/kioskeeper/secret"
)

const token = "planted-token"

// A server is files behind GET, PUT and DELETE, for those who have the token.
type server struct {
	mu       sync.Mutex
	files    map[string][]byte
	sent     int // contents that were sent
	statuses map[string]int
	redirect string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redirect != "" && !strings.HasPrefix(r.URL.Path, "/new/") {
		http.Redirect(w, r, s.redirect+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/new")
	if status := s.statuses[name]; status != 0 {
		http.Error(w, "no", status)
		return
	}
	switch r.Method {
	case http.MethodPut:
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "half", http.StatusBadRequest)
			return
		}
		s.files[name] = data
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		delete(s.files, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		data, ok := s.files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(data)
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		s.sent++
		_, _ = w.Write(data)
	}
}

func open(t *testing.T) (*httpsrepo.Repository, *server) {
	t.Helper()
	s := &server{files: map[string][]byte{}, statuses: map[string]int{}}
	h := httptest.NewTLSServer(s)
	t.Cleanup(h.Close)
	return &httpsrepo.Repository{Address: h.URL + "/bundles/lobby-tv", Token: secret.New(token), HTTP: h.Client()}, s
}

func TestAnAddressIsARepository(t *testing.T) {
	t.Parallel()
	autoidtest.TestRepository(t, func(t *testing.T) autoid.Repository {
		r, _ := open(t)
		return r
	})
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	r, s := open(t)
	for _, content := range []string{"one", "two"} {
		if err := r.Publish(t.Context(), []autoid.Object{{Name: "x", Content: []byte(content)}}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			got, err := r.Fetch(t.Context(), "x", 10)
			if err != nil || string(got) != content {
				t.Fatalf("%q, %v", got, err)
			}
			clear(got) // is the caller's own
		}
		if _, err := r.Fetch(t.Context(), "x", 2); err == nil {
			t.Error("a limit does not hold for what is remembered")
		}
	}
	if s.sent != 2 {
		t.Errorf("sent %d times", s.sent)
	}
}

func TestTheTokenGoesToNoOtherHost(t *testing.T) {
	t.Parallel()
	r, s := open(t)
	var got bytes.Buffer
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.WriteString(r.Host + r.Header.Get("Authorization"))
	}))
	defer other.Close()
	plain := strings.Replace(r.Address[:strings.Index(r.Address, "/bundles")], "https", "http", 1)
	for _, target := range []string{other.URL, plain} {
		s.redirect = target
		if _, err := r.Fetch(t.Context(), "x", 10); err == nil || !strings.Contains(err.Error(), "redirected") {
			t.Errorf("fetched through %s: %v", target, err)
		}
		if err := r.Publish(t.Context(), []autoid.Object{{Name: "x"}}); err == nil {
			t.Errorf("published through %s", target)
		}
	}
	if got.Len() > 0 {
		t.Errorf("the other host was asked: %s", &got)
	}
	s.redirect = "/new"
	s.files["/bundles/lobby-tv/x"] = []byte("moved")
	if got, err := r.Fetch(t.Context(), "x", 10); err != nil || string(got) != "moved" {
		t.Errorf("within the host: %q, %v", got, err)
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	t.Parallel()
	r, s := open(t)
	for status, want := range map[int]string{401: "token_file", 403: "may not", 405: "WebDAV", 404: "not exist", 500: "500", 304: "304"} {
		s.statuses["/bundles/lobby-tv/x"] = status
		for _, err := range []error{r.Publish(t.Context(), []autoid.Object{{Name: "x"}}), fetch(t, r)} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) ||
				errors.Is(err, fs.ErrNotExist) != (status == 404) {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
	for _, address := range []string{"http://x.example", "https://u:p@x.example", "https://x.example?a", "x", "https://"} {
		r.Address = address
		if err := fetch(t, r); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func fetch(t *testing.T, r autoid.Repository) error {
	t.Helper()
	_, err := r.Fetch(t.Context(), "x", 10)
	return err
}
