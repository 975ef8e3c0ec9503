package autoid

import (
	"context"
	"crypto/hpke"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What docs/security/protocol.md says of each theft, tried with what the thief has.

// openAs opens a response as somebody with this private key in place of the client's.
func (x *exchange) openAs(private hpke.PrivateKey, body []byte) error {
	thief := *x
	thief.private = private
	return errOf(thief.open(body))
}

func ephemeral(t *testing.T) hpke.PrivateKey {
	t.Helper()
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func TestLaterTheftsOpenTheRequestAndNotTheCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, x := w.seal(w.ask())
	response := w.send(body).Body.Bytes()

	// The thief recorded both, and has the server's key and the entropy file now. He reads who asked for what ...
	h, _ := parseHeader(body)
	r, err := openRequest(body, h, w.key, testServer)
	if err != nil || r.client != testClient || r.want != testWant {
		t.Fatalf("%v", err)
	}
	// ... and has all that the answer's key is made of, but for the key that the client dropped.
	thief := &exchange{header: h, th: r.th, kc: clientKey(r.th, w.entropy), request: r.request}
	for name, private := range map[string]hpke.PrivateKey{"the server's": w.key.private, "a new one": ephemeral(t)} {
		if thief.openAs(private, response) == nil {
			t.Errorf("a past credential was opened with %s", name)
		}
	}
	if err := thief.openAs(x.private, response); err != nil {
		t.Errorf("with the client's key it should have been: %v", err)
	}
}

func TestAnEntropyFileDoesNotMakeAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, x := w.seal(w.ask())
	h, _ := parseHeader(body)
	own, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openRequest(body, h, own, testServer); err == nil {
		t.Fatal("a request to the server was opened with another key")
	}
	// Even if he were told all that the request says, what only the server's key yields is missing from his answer.
	r, err := openRequest(body, h, w.key, testServer)
	if err != nil {
		t.Fatal(err)
	}
	q := w.ask()
	q.serverPublic = own.Public()
	toHim, _ := w.seal(q)
	hisHeader, _ := parseHeader(toHim)
	his, err := openRequest(toHim, hisHeader, own, testServer)
	if err != nil {
		t.Fatal(err)
	}
	r.request = his.request
	seal, err := r.sealer(clientKey(r.th, w.entropy))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := seal.seal(answer{content: []byte(`{"credential":"forged"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.open(forged); err == nil {
		t.Error("an answer without the server's key was taken")
	}
}

func TestAPartOfTheEntropyFileIsWorthNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 64 {
		content := append([]byte(nil), w.entropy.File()...)
		content[i*1021] ^= 1 // all but one bit are right; nearly always no excerpt is at it
		part, err := ParseEntropy(content)
		if err != nil {
			t.Fatal(err)
		}
		q := w.ask()
		q.entropy = part
		body, _ := w.seal(q)
		wantRefusal(t, "all but one bit of the file", w.send(body), w.refusal())
	}
}

func TestAReplayElsewhereIsSealedToTheFirstSender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, x := w.seal(w.ask())
	first := w.send(body).Body.Bytes()
	w.server = &Server{State: w.files, Audit: w.audit, Stores: w.server.Stores} // another machine, that shares no memory
	again := w.send(body)
	if again.Code != http.StatusOK {
		t.Fatalf("a server that has not seen the request refuses it: %d", again.Code)
	}
	for _, response := range [][]byte{first, again.Body.Bytes()} {
		if x.openAs(ephemeral(t), response) == nil {
			t.Error("who replayed the request opened the answer")
		}
		if _, err := x.open(response); err != nil {
			t.Error(err)
		}
	}
}

func TestNobodyFallsBackToVersion1(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var asked []string
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, Path) {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(`{"message":"` + strings.Repeat("41", 80) + `"}`))
	}))
	t.Cleanup(old.Close)
	s.bundle.Endpoints, s.bundle.Seq = []string{old.URL}, 8
	s.publish(s.bundle, s.publisher)
	s.mustFail("a server of version 1 only", "no auto-id server")
	for _, a := range asked {
		if a != "POST "+Path {
			t.Errorf("the client asked %s", a)
		}
	}
	// And the server takes no request of version 1 for one of its own.
	for _, path := range []string{Path, "/Stage/verify"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"data":"41","payload":"41"}`))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		s.server.ServeHTTP(rec, r)
		wantRefusal(t, path, rec, s.refusal())
	}
}

func TestHeadersDoNotChangeWhoAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(ClientFile{Policy: Policy{PerHour: 100, Allow: []Allow{{Want: testWant, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}})
	send := func(address string, header http.Header) *httptest.ResponseRecorder {
		body, x := w.seal(w.ask())
		r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(string(body)))
		r.RemoteAddr = address
		r.Header.Set("Content-Type", ContentType)
		for name, values := range header {
			r.Header[name] = values
		}
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, r)
		if rec.Code == http.StatusOK {
			a, err := x.open(rec.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if a.status == statusCredential {
				rec.Code = http.StatusCreated // told apart from a denial
			}
		}
		return rec
	}
	if got := send("10.1.2.3:4", nil); got.Code != http.StatusCreated {
		t.Fatalf("from within: %d", got.Code)
	}
	for name, header := range map[string]http.Header{
		"forwarded":  {"X-Forwarded-For": {"10.1.2.3"}, "X-Real-Ip": {"10.1.2.3"}, "Forwarded": {"for=10.1.2.3"}},
		"overridden": {"X-Http-Method-Override": {"GET"}, "X-Original-Url": {"/healthz"}},
		"as another": {"X-Client": {"hall"}, "Authorization": {"Bearer hall"}, "Cookie": {"client=hall"}},
	} {
		if got := send("192.0.2.1:4", header); got.Code != http.StatusOK {
			t.Errorf("%s: %d", name, got.Code)
		}
		if line := w.lastLine(); line.Address.String() != "192.0.2.1" || line.Client != testClient || line.Decision != string(Denied) {
			t.Errorf("%s: %+v", name, line)
		}
	}
	for name, header := range map[string]http.Header{
		"type with a charset": {"Content-Type": {ContentType + "; charset=utf-8"}},
		"type in capitals":    {"Content-Type": {strings.ToUpper(ContentType)}},
		"another type first":  {"Content-Type": {"application/json", ContentType}},
	} {
		wantRefusal(t, name, send("10.1.2.3:4", header), w.refusal())
	}
}

// A witness is a store that remembers what it was granted.
type witness struct{ Grant }

func (s *witness) Credential(_ context.Context, g Grant) (Credential, error) {
	s.Grant = g
	return Credential{JSON: newSecret(`"x"`)}, nil
}

func TestWhatNarrowsACredentialReachesItsStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := new(witness)
	w.server.Stores["file"] = store
	w.set(ClientFile{Policy: Policy{Allow: []Allow{{Want: testWant, MaxDuration: Duration(20 * time.Minute),
		SessionPolicy: json.RawMessage("{ \"Statement\": [] }"), Tags: map[string]string{"wall": "lobby"}}}}})
	if got := w.code(w.ask()); got != decisionIssued {
		t.Fatal(got)
	}
	want := Grant{testClient, Want{"file", "wall", ""}, 20 * time.Minute, `{"Statement":[]}`, map[string]string{"wall": "lobby"}}
	if diff := cmp.Diff(want, store.Grant); diff != "" {
		t.Error(diff)
	}
	for name, a := range map[string]Allow{
		"a long policy": {SessionPolicy: json.RawMessage(`{"x":"` + strings.Repeat("x", maxSessionPolicy) + `"}`)},
		"no policy":     {SessionPolicy: json.RawMessage(`[]`)},
		"a bad tag":     {Tags: map[string]string{"wall": "lobby\n"}},
		"no tag":        {Tags: map[string]string{"": "lobby"}},
	} {
		a.Want = testWant
		text, err := (&ClientFile{Policy: Policy{Allow: []Allow{a}}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseClientFile(text, nil); err == nil || !strings.Contains(err.Error(), "policy.allow[0].") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExpiredCredentialIsNotHandedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Stores["file"] = mapStore{"wall": {JSON: newSecret(`"x"`), Expires: time.Now().Add(-time.Hour)}}
	if got := w.code(w.ask()); got != string(Unavailable) || !strings.Contains(w.log.String(), "has expired") {
		t.Errorf("%s; log: %s", got, w.log)
	}
}

func TestJSONTricksAreRefused(t *testing.T) {
	t.Parallel()
	const good = `{"policy":{"allow":[{"want":"file/wall"}]},"bundle_seq":1,"entropy":[{"egen":1,"file":"x"}]}`
	if _, err := ParseClientFile([]byte(good), nil); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"twice":           `{"revoked":true,"revoked":false}`,
		"in capitals":     `{"Revoked":false}`,
		"null":            `{"revoked":null}`,
		"unknown":         `{"policy":{"allowed":[]}}`,
		"a second object": good + `{"revoked":false}`,
		"number as text":  `{"bundle_seq":"1"}`,
		"policy as text":  `{"policy":{"allow":[{"want":"sts/wall","session_policy":"{}"}]}}`,
	} {
		if _, err := ParseClientFile([]byte(text), nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
