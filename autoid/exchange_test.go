package autoid

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	testClient = "lobby-tv"
	testServer = "id.example.com"
	testWant   = "file/wall"
	planted    = "planted-credential"
)

// A mapStore holds credentials by id.
type mapStore map[string]Credential

func (m mapStore) Credential(_ context.Context, g Grant) (Credential, error) {
	c, ok := m[g.Want.ID]
	if !ok {
		return Credential{}, &Error{Code: NotFound, Message: "not here"}
	}
	return c, nil
}

// A world is a server with one client, whose files a test may change.
type world struct {
	t       testing.TB
	server  *Server
	filesMu sync.Mutex // for put, which may come while the server reads behind somebody's back
	files   fstest.MapFS
	audit   *bytes.Buffer
	log     *bytes.Buffer
	key     Key
	entropy *Entropy
}

func newWorld(t testing.TB) *world {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, files: fstest.MapFS{}, audit: new(bytes.Buffer), log: new(bytes.Buffer), key: key, entropy: NewEntropy()}
	w.setKeys(key)
	w.set(ClientFile{})
	w.files[EntropyName(testClient, 1)] = &fstest.MapFile{Data: w.entropy.File()}
	w.server = &Server{
		State: worldFS{w}, Audit: w.audit, FailuresPerMinute: 1 << 30,
		Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Stores: map[string]Store{"file": mapStore{
			"wall":  {JSON: secret.New(`{"token":"` + planted + `"}`)},
			"other": {JSON: secret.New(`"other"`)},
		}},
	}
	return w
}

func (w *world) setKeys(keys ...Key) {
	text, err := (&Identity{ServerName: testServer, Endpoints: []string{"https://" + testServer}, Keys: keys}).Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(KeysName, []byte(text.Reveal()))
}

// worldFS is a world's files as the server sees them.
type worldFS struct{ *world }

func (w worldFS) Open(name string) (fs.File, error) {
	w.filesMu.Lock()
	files := w.files
	w.filesMu.Unlock()
	return files.Open(name)
}

// put replaces a file. Who reads meanwhile goes on with the files that there were.
func (w *world) put(name string, data []byte) {
	w.filesMu.Lock()
	defer w.filesMu.Unlock()
	w.files = maps.Clone(w.files)
	w.files[name] = &fstest.MapFile{Data: data}
}

// set writes the client's file; what it leaves empty lets the client have testWant by its first generation.
func (w *world) set(f ClientFile) {
	if f.Policy.Allow == nil {
		f.Policy.Allow = []Allow{{Want: testWant}}
	}
	if f.Policy.PerHour == 0 {
		f.Policy.PerHour = 1 << 20
	}
	if f.Entropy == nil {
		f.Entropy = []Generation{{Egen: 1, File: "entropy1"}}
	}
	if f.BundleSeq == 0 {
		f.BundleSeq = 7
	}
	text, err := f.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(ClientFileName(testClient), text)
	if w.server != nil {
		if err := w.server.Reload(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// ask is an honest request of the client, to be changed by a test.
func (w *world) ask() ask {
	return ask{
		serverName: testServer, serverPublic: w.key.Public(), client: testClient, want: testWant, egen: 1,
		entropy: w.entropy, milli: uint64(time.Now().UnixMilli()),
	}
}

func (w *world) seal(q ask) ([]byte, *exchange) {
	w.t.Helper()
	body, x, err := q.seal(func([32]byte) ([]byte, error) { return []byte("evidence"), nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return body, x
}

func (w *world) send(body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(body))
	r.Header.Set("Content-Type", ContentType)
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return rec
}

// exchange sends the request and opens the answer.
func (w *world) exchange(q ask) (answer, error) {
	w.t.Helper()
	body, x := w.seal(q)
	rec := w.send(body)
	if rec.Code != http.StatusOK {
		return answer{}, ErrRefused
	}
	return x.open(rec.Body.Bytes())
}

// code is the server's answer in short: "issued", "refused", or a code.
func (w *world) code(q ask) string {
	w.t.Helper()
	a, err := w.exchange(q)
	if errors.Is(err, ErrRefused) {
		return decisionRefused
	}
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = a.result()
	if e, ok := errors.AsType[*Error](err); ok {
		return string(e.Code)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return decisionIssued
}

// lastLine is the newest line of the audit.
func (w *world) lastLine() record {
	w.t.Helper()
	lines := strings.Split(strings.TrimSpace(w.audit.String()), "\n")
	var r record
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// refusal is the answer to a request that is nothing of the kind: all others must be like it.
func (w *world) refusal() *httptest.ResponseRecorder { return w.send(nil) }

func wantRefusal(t testing.TB, what string, got, want *httptest.ResponseRecorder) {
	t.Helper()
	g, e := dump(t, got), dump(t, want)
	if got.Code != http.StatusForbidden || g != e {
		t.Errorf("%s: not the one refusal:\n%s", what, g)
	}
}

func dump(t testing.TB, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var b strings.Builder
	if err := rec.Header().Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String() + rec.Body.String()
}

func newSecret(s string) secret.Text { return secret.New(s) }

// signAnything signs a bundle that Sign would refuse.
func signAnything(t testing.TB, b Bundle, key ed25519.PrivateKey) (bundle, sig []byte) {
	t.Helper()
	bundle, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	sig = base64.StdEncoding.AppendEncode(nil, ed25519.Sign(key, append([]byte(labelBundle), bundle...)))
	return bundle, sig
}
