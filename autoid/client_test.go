package autoid

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// A shop is a world whose server is on loopback and whose client's bundle is in a repository.
type shop struct {
	*world
	client    *Client
	repo      *memory
	publisher ed25519.PrivateKey
	bundle    Bundle
	mu        sync.Mutex
	requests  int
	logged    bytes.Buffer
}

// A memory is a repository; before is called ahead of each fetch.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	fetched map[string]int
	before  func(name string)
	broken  error
	hangs   bool // until the caller has enough
}

func (m *memory) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	if m.before != nil {
		m.before(name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fetched[name]++
	if m.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	object, ok := m.objects[name]
	switch {
	case m.broken != nil:
		return nil, m.broken
	case !ok:
		return nil, fs.ErrNotExist
	case int64(len(object)) > limit:
		return nil, errors.New("over the limit")
	}
	return object, ctx.Err()
}

func (m *memory) Publish(_ context.Context, objects []Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range objects {
		m.objects[o.Name] = o.Content
	}
	return nil
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{world: newWorld(t)}
	s.repo = &memory{objects: map[string][]byte{}, fetched: map[string]int{}}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.publisher = key
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests++
		s.mu.Unlock()
		s.server.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.bundle = Bundle{
		Version: 2, Seq: 7, Client: testClient, ServerName: testServer, Endpoints: []string{server.URL + "/"},
		ServerKeys: []PublicKey{{Public: s.key.Public()}}, Entropy: []Generation{{Egen: 1, File: "entropy1"}},
	}
	s.publish(s.bundle, key)
	s.client = s.newClient()
	return s
}

func (s *shop) newClient() *Client {
	return &Client{Name: testClient, Server: "https://" + testServer + ":8443/x", Repository: s.repo,
		Publisher: PublisherOf(s.publisher), Log: slog.New(slog.NewJSONHandler(&s.logged, nil))}
}

func (s *shop) publish(b Bundle, keys ...ed25519.PrivateKey) {
	s.t.Helper()
	if err := b.Publish(s.t.Context(), s.repo, map[string]*Entropy{"entropy1": s.entropy}, keys...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) mustGet(what string) Credential {
	s.t.Helper()
	c, err := s.client.Credential(s.t.Context(), testWant)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	return c
}

func (s *shop) mustFail(what, words string) {
	s.t.Helper()
	_, err := s.client.Credential(s.t.Context(), testWant)
	if err == nil || !strings.Contains(err.Error(), words) {
		s.t.Errorf("%s: %v, want an error with %q", what, err, words)
	}
}

func TestClientGetsItsCredential(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.mustGet("first")
	if c.JSON.Reveal() != `{"token":"`+planted+`"}` || c.Skew.Abs() > time.Minute {
		t.Errorf("%s, skew %v", c.JSON.Reveal(), c.Skew)
	}
	s.mustGet("second")
	if s.requests != 2 || s.repo.fetched[BundleName] != 1 {
		t.Errorf("%d requests, %d fetches", s.requests, s.repo.fetched[BundleName])
	}
	if _, err := s.client.Credential(t.Context(), "file/other"); asError[*Error](err) == nil {
		t.Errorf("a denial is not an *Error: %v", err)
	}
	if _, err := s.client.Credential(t.Context(), "../x"); err == nil || s.requests != 3 {
		t.Errorf("a malformed want was asked for: %v", err)
	}
	if strings.Contains(s.logged.String(), planted) {
		t.Error("the credential was logged")
	}
}

func asError[E error](err error) E {
	e, _ := errors.AsType[E](err)
	return e
}

func TestAWrongClockIsHealedForTheRequest(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{3 * time.Minute, -3 * time.Minute, -30 * 365 * 24 * time.Hour} {
		s := newShop(t)
		s.client.now = func() time.Time { return time.Now().Add(off) }
		c := s.mustGet("clock")
		if s.requests != 2 || (c.Skew-off).Abs() > time.Minute {
			t.Errorf("%v off: %d requests, skew %v", off, s.requests, c.Skew)
		}
	}
}

func TestASlowAnswerSaysNothingOfTheClock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	// Between two looks at it this clock goes on by more than a round trip may take.
	start := time.Now().Add(-time.Hour).Round(0)
	s.client.now = func() time.Time { start = start.Add(clockTrip + time.Second); return start }
	s.mustFail("slow", "clock")
	if s.requests != 1 {
		t.Errorf("%d requests", s.requests)
	}
}

func TestARefusedClientLooksForANewBundleOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.mustGet("first")
	s.set(ClientFile{Revoked: true})
	if _, err := s.client.Credential(t.Context(), testWant); !errors.Is(err, ErrRefused) {
		t.Errorf("revoked: %v", err)
	}
	if s.requests != 3 || s.repo.fetched[BundleName] != 2 {
		t.Errorf("%d requests, %d fetches", s.requests, s.repo.fetched[BundleName])
	}
}

func TestRotatedEntropyIsFoundAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.mustGet("first")
	next := NewEntropy()
	s.files[EntropyName(testClient, 2)] = &fstest.MapFile{Data: next.File()}
	s.set(ClientFile{BundleSeq: 8, Entropy: []Generation{{Egen: 2, File: "entropy2"}}})
	b := s.bundle
	b.Seq, b.Entropy = 8, []Generation{{Egen: 2, File: "entropy2"}}
	if err := b.Publish(t.Context(), s.repo, map[string]*Entropy{"entropy2": next}, s.publisher); err != nil {
		t.Fatal(err)
	}
	s.mustGet("after the rotation")
	if s.requests != 3 {
		t.Errorf("%d requests", s.requests)
	}
}

func TestANewerBundleIsFetchedWhenTheServerTells(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.set(ClientFile{BundleSeq: 8})
	b := s.bundle
	s.mustGet("the repository lags")
	b.Seq = 8
	s.publish(b, s.publisher)
	s.mustGet("told")
	if got := s.client.held.Load().Seq; got != 8 {
		t.Errorf("holds %d", got)
	}
	fetched := s.repo.fetched[BundleName]
	s.mustGet("nothing newer")
	if s.repo.fetched[BundleName] != fetched {
		t.Error("fetched again")
	}
}

func TestABundleIsFetchedEveryDay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var off time.Duration
	s.client.now = func() time.Time { return time.Now().Add(off) }
	for _, x := range []struct {
		off     time.Duration
		fetched int
	}{{0, 1}, {23 * time.Hour, 1}, {24*time.Hour + time.Second, 2}, {25 * time.Hour, 2}, {0, 3}} {
		off = x.off
		s.mustGet("day")
		if got := s.repo.fetched[BundleName]; got != x.fetched {
			t.Errorf("%v later: fetched %d times, want %d", x.off, got, x.fetched)
		}
	}
	off = 50 * time.Hour
	s.repo.broken = errors.New("out of reach")
	s.mustGet("without the repository")
}

func TestAnotherGenerationIsFetchedInItsTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	noon := time.Now().Add(time.Hour).UTC()
	next := NewEntropy()
	s.files[EntropyName(testClient, 2)] = &fstest.MapFile{Data: next.File()}
	generations := []Generation{{1, "entropy1", Period{NotAfter: noon}}, {2, "entropy2", Period{NotBefore: noon}}}
	s.set(ClientFile{Entropy: []Generation{{Egen: 1, File: "entropy1"}, {Egen: 2, File: "entropy2"}}})
	b := s.bundle
	b.Seq, b.Entropy = 8, generations
	if err := b.Publish(t.Context(), s.repo, map[string]*Entropy{"entropy2": next}, s.publisher); err != nil {
		t.Fatal(err)
	}
	for off, egen := range map[time.Duration]uint32{0: 1, 2 * time.Hour: 2} {
		s.client = s.newClient()
		s.client.now = func() time.Time { return time.Now().Add(off) }
		s.mustGet("generation")
		if got := *s.lastLine().Egen; got != egen {
			t.Errorf("%v later: generation %d", off, got)
		}
	}
}

func TestBundlesThatAreTooOldAreRefused(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"running", "restarted with its cache", "restarted with a least number"} {
		s := newShop(t)
		s.client.Cache = t.TempDir()
		b := s.bundle
		b.Seq = 9
		s.publish(b, s.publisher)
		s.mustGet(how)
		cache := s.client.Cache
		restart := func() {
			switch how {
			case "running":
				s.client.Refresh = time.Nanosecond
			case "restarted with its cache":
				s.client = s.newClient()
				s.client.Cache = cache
			default:
				s.client = s.newClient()
				s.client.MinSeq = 9
			}
		}
		s.publish(s.bundle, s.publisher) // number 7
		restart()
		_, err := s.client.Credential(t.Context(), testWant)
		if told := s.logged.String() + errText(err); !strings.Contains(told, "rolled back") {
			t.Errorf("%s: an older bundle: %s", how, told)
		}
		if (err == nil) != (how != "restarted with a least number") { // the others have number 9 still
			t.Errorf("%s: %v", how, err)
		}
		s.logged.Reset()
		b.Endpoints = append(b.Endpoints, "https://two.example.com")
		s.publish(b, s.publisher)
		restart()
		_, err = s.client.Credential(t.Context(), testWant)
		told := s.logged.String() + errText(err)
		if remembers := how != "restarted with a least number"; remembers != strings.Contains(told, "with other content") {
			t.Errorf("%s: number 9 with other content: %s", how, told)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestHalfABundleIsNotTaken(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.mustGet("whole")
	b := s.bundle
	b.Seq, b.Entropy = 8, []Generation{{Egen: 2, File: "not-there"}}
	s.publish(b, s.publisher)
	s.client.Refresh = time.Nanosecond
	s.mustGet("half: the old one goes on")
	if s.client.held.Load().Seq != 7 {
		t.Error("took half a bundle")
	}
	s.client = s.newClient()
	s.mustFail("half at the start", "entropy: file does not exist")
	s.repo.objects["not-there"] = make([]byte, EntropySize-1)
	s.mustFail("entropy cut short", "65535 bytes")
	delete(s.repo.objects, SignatureName)
	s.mustFail("no signature", "file does not exist")
	delete(s.repo.objects, BundleName)
	s.mustFail("nothing", "file does not exist")
}

func TestReadingWhileThePublisherWrites(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	b := s.bundle
	b.Seq = 8
	bundle, sig, err := b.Sign(s.publisher)
	if err != nil {
		t.Fatal(err)
	}
	s.repo.before = func(name string) { // the new pair appears after the old bundle.json was read
		if name == SignatureName {
			s.repo.objects[BundleName], s.repo.objects[SignatureName] = bundle, sig
		}
	}
	s.mustGet("between two writes")
	if s.client.held.Load().Seq != 8 || s.repo.fetched[BundleName] != 2 {
		t.Errorf("holds %d after %d fetches", s.client.held.Load().Seq, s.repo.fetched[BundleName])
	}
	s.repo.objects[SignatureName] = sig[:20]
	s.client = s.newClient()
	s.repo.before = nil
	s.mustFail("bad for good", "not signed by its publisher")
	if s.repo.fetched[BundleName] != 4 {
		t.Errorf("read %d times", s.repo.fetched[BundleName]-2)
	}
}

func TestThePublisherIsReplacedByBothSignatures(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, next, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.client.Cache = t.TempDir()
	s.client.Refresh = time.Nanosecond
	take := func(what string, seq uint64, taken bool, keys ...ed25519.PrivateKey) {
		t.Helper()
		s.bundle.Seq = seq
		s.publish(s.bundle, keys...)
		s.mustGet(what)
		if got := s.client.held.Load().Seq == seq; got != taken {
			t.Errorf("%s: taken: %v", what, got)
		}
	}
	take("the first", 8, true, s.publisher)
	s.bundle.NextPublisher = PublisherOf(next)
	take("only the old one signed", 9, false, s.publisher)
	take("only the new one signed", 10, false, next)
	take("both signed", 11, true, s.publisher, next)
	s.bundle.NextPublisher = ""
	take("the old one signs again", 12, false, s.publisher)
	take("the new one signs", 13, true, next)
	restarted := s.newClient() // pinned to the old publisher still
	restarted.Cache, restarted.Refresh, s.client = s.client.Cache, time.Nanosecond, restarted
	take("after a restart", 14, true, next)
	s.client = s.newClient()
	s.mustFail("without the cache", "not signed")
}

func TestBundlesForSomebodyElseAreRefused(t *testing.T) {
	t.Parallel()
	for words, change := range map[string]func(*Bundle){
		`for the client "hall"`:        func(b *Bundle) { b.Client = "hall" },
		`for the server "two.example"`: func(b *Bundle) { b.ServerName = "two.example" },
		"version 3":                    func(b *Bundle) { b.Version = 3 },
		"malformed file name":          func(b *Bundle) { b.Entropy = []Generation{{Egen: 1, File: "../x"}} },
		"generation 0":                 func(b *Bundle) { b.Entropy = []Generation{{Egen: 0, File: "x"}} },
		"no server key":                func(b *Bundle) { b.ServerKeys = nil },
		"bytes instead of 1216":        func(b *Bundle) { b.ServerKeys = []PublicKey{{Public: []byte("x")}} },
		"not a base address":           func(b *Bundle) { b.Endpoints = []string{"file:///etc/passwd"} },
	} {
		s := newShop(t)
		change(&s.bundle)
		bundle, sig := signAnything(t, s.bundle, s.publisher)
		s.repo.objects[BundleName], s.repo.objects[SignatureName] = bundle, sig
		s.mustFail(words, words)
	}
}

func TestTheCacheServesWithoutTheRepository(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cache := filepath.Join(t.TempDir(), "cache")
	s.client.Cache = cache
	s.mustGet("first")
	s.client = s.newClient()
	s.client.Cache = cache
	s.repo.broken = errors.New("out of reach")
	s.mustGet("from the cache")
	s.repo.broken = nil
	fetched := s.repo.fetched[BundleName]
	s.mustGet("the repository is back")
	if s.repo.fetched[BundleName] != fetched+1 {
		t.Error("the repository was not tried again")
	}
	b := s.bundle
	b.Seq, b.Entropy = 8, []Generation{{Egen: 1, File: "renamed"}}
	if err := b.Publish(t.Context(), s.repo, map[string]*Entropy{"renamed": s.entropy}, s.publisher); err != nil {
		t.Fatal(err)
	}
	s.client.Refresh = time.Nanosecond
	s.mustGet("renamed")
	if _, err := os.Stat(filepath.Join(cache, "entropy-entropy1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("old entropy is kept: %v", err)
	}
	for _, name := range []string{"trust.json", "bundle.json"} { // damage must not darken the wall
		if err := os.WriteFile(filepath.Join(cache, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.client = s.newClient()
	s.client.Cache = cache
	s.mustGet("damaged cache")
}

func TestManyAtOnceFetchOneBundle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.client.Log = nil
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.client.Credential(t.Context(), testWant); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s.repo.fetched[BundleName] != 1 {
		t.Errorf("fetched %d times", s.repo.fetched[BundleName])
	}
}

func TestEndpointsAreTriedInTurnAndNotFollowed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	good := s.bundle.Endpoints[0]
	answer := func(status int, header, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", header)
			w.Header().Set("Location", good)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + l.Addr().String()
	_ = l.Close()
	for name, endpoint := range map[string]string{
		"dead": dead, "redirect": answer(307, "", ""), "portal": answer(200, "text/html", "<h1>Sign in to WiFi</h1>"),
		"junk": answer(200, ContentType, strings.Repeat("x", 3000)), "huge": answer(200, ContentType, strings.Repeat("x", maxResponse+1)),
		"error": answer(502, "text/plain", ""), "short": answer(200, ContentType, "x"),
	} {
		s.bundle.Seq++
		s.bundle.Endpoints = []string{endpoint}
		s.publish(s.bundle, s.publisher)
		s.client = s.newClient()
		s.requests = 0
		s.mustFail(name, endpoint)
		if s.requests != 0 {
			t.Errorf("%s: the redirect was followed", name)
		}
		s.bundle.Seq++
		s.bundle.Endpoints = []string{endpoint, good}
		s.publish(s.bundle, s.publisher)
		s.client = s.newClient()
		s.mustGet(name)
	}
}

// The certificate begins tomorrow; the machine believes it is today, a day before the program was built.
func TestAClockBeforeTheBuildGoesOnWithoutTheCertificate(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: time.Now().Add(24 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s.server)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	defer server.Close()
	s.bundle.Seq, s.bundle.Endpoints = 8, []string{server.URL}
	s.publish(s.bundle, s.publisher)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	for name, x := range map[string]struct {
		built time.Time
		roots *x509.CertPool
		words string
	}{
		"built before now":    {time.Now().Add(-time.Hour), roots, "expired or is not yet valid"},
		"built after now":     {time.Now().Add(36 * time.Hour), roots, ""},
		"not known when":      {time.Time{}, roots, "expired or is not yet valid"},
		"nobody's, after now": {time.Now().Add(36 * time.Hour), x509.NewCertPool(), ""},
	} {
		s.client = s.newClient()
		s.client.Built = x.built
		s.client.HTTP = &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: x.roots, MinVersion: tls.VersionTLS13}, DisableKeepAlives: true}}
		if x.words == "" {
			s.mustGet(name)
		} else {
			s.mustFail(name, x.words)
		}
	}
}

func TestAWS(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	c, err := AWSKeys{"ASIA", newSecret("key"), newSecret("token"), at}.Credential()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"key","SessionToken":"token","Expiration":"2026-03-04T05:06:07Z"}`
	if c.JSON.Reveal() != want || !expiry(c.JSON).Equal(at) {
		t.Errorf("%s", c.JSON.Reveal())
	}
	k, err := c.AWS()
	if err != nil || k.AccessKeyID != "ASIA" || k.SecretAccessKey.Reveal() != "key" ||
		k.SessionToken.Reveal() != "token" || !k.Expires.Equal(at) {
		t.Errorf("%v, %v", k, err)
	}
	for _, text := range []string{
		`"` + planted + `"`, `{"Version":2,"AccessKeyId":"` + planted + `"}`, `{"Version":1,"SecretAccessKey":"` + planted + `"}`,
		`{"Version":1,"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"` + planted + `"}`,
	} {
		if _, err := (Credential{JSON: newSecret(text)}).AWS(); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A rot is a Sealer that everybody can tell from an open file, and from one under another name.
type rot struct{}

func (rot) Seal(name string, data []byte) ([]byte, error) {
	sealed := []byte(name + "\x00")
	for _, b := range data {
		sealed = append(sealed, b^0x5a)
	}
	return sealed, nil
}

func (rot) Open(name string, sealed []byte) ([]byte, error) {
	data, ok := bytes.CutPrefix(sealed, []byte(name+"\x00"))
	if !ok {
		return nil, errors.New("sealed under another name")
	}
	open := make([]byte, len(data))
	for i, b := range data {
		open[i] = b ^ 0x5a
	}
	return open, nil
}

func TestTheCacheIsSealed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cache := filepath.Join(t.TempDir(), "cache")
	restart := func() { s.client = s.newClient(); s.client.Cache, s.client.Sealer = cache, rot{} }
	restart()
	s.mustGet("first")
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(cache, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, s.entropy.File()[:32]) || bytes.Contains(content, []byte(testServer+`"`)) {
			t.Errorf("%s is open", e.Name())
		}
	}
	s.repo.broken = errors.New("out of reach")
	restart()
	s.mustGet("from the sealed cache")

	// What is sealed under one name is not taken under another.
	bundle, err := os.ReadFile(filepath.Join(cache, BundleName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, SignatureName), bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	restart()
	s.mustFail("swapped", "another name")
}

func TestAClientTellsWhatItGoesBy(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	until := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	b := s.bundle
	b.Seq, b.Entropy = 8, []Generation{{Egen: 3, File: "entropy1", Period: Period{NotAfter: until}}}
	s.publish(b, s.publisher)
	u, err := s.client.InUse(t.Context())
	want := InUse{Server: testServer, Seq: 8, Key: hex.EncodeToString(s.key.id[:]), Egen: 3, EgenUntil: until}
	if err != nil || u != want || s.requests != 0 {
		t.Errorf("%+v, %v, %d requests; want %+v", u, err, s.requests, want)
	}
}

func TestARepositoryThatHangsHoldsUpOneRequestAMinute(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.client.Cache = filepath.Join(t.TempDir(), "cache")
	s.mustGet("first")
	cache := s.client.Cache
	s.repo.hangs = true
	for _, restart := range []bool{false, true} { // when the bundle is due, and at the start
		if restart {
			s.client = s.newClient()
			s.client.Cache = cache
		}
		off := 25 * time.Hour
		s.client.patience = 10 * time.Millisecond
		s.client.now = func() time.Time { return time.Now().Add(off) }
		asked := s.repo.fetched[BundleName]
		for range 3 {
			s.mustGet("while it hangs")
		}
		if got := s.repo.fetched[BundleName] - asked; got != 1 {
			t.Errorf("asked %d times in a moment, after a restart: %v", got, restart)
		}
		off += 61 * time.Second
		s.mustGet("a minute later")
		if got := s.repo.fetched[BundleName] - asked; got != 2 {
			t.Errorf("asked %d times in a minute, after a restart: %v", got, restart)
		}
	}
	s.repo.hangs = false
	off := 26 * time.Hour
	s.client.now = func() time.Time { return time.Now().Add(off) }
	s.mustGet("it is back")
	if h := s.client.held.Load(); !h.retry.IsZero() || h.fetched.IsZero() {
		t.Error("the bundle was not refreshed")
	}
}
