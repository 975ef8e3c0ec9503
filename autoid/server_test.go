package autoid

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

func TestIssuesWhatIsAllowedAndAuditsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := w.exchange(w.ask())
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.result()
	if err != nil || c.Reveal() != `{"token":"`+planted+`"}` || a.bundleSeq != 7 {
		t.Errorf("credential %s, %v, bundle_seq %d", c.Reveal(), err, a.bundleSeq)
	}
	line := w.lastLine()
	if line.Decision != decisionIssued || line.Client != testClient || *line.Egen != 1 || line.Want != testWant || line.Key == "" {
		t.Errorf("audit: %+v", line)
	}
	if s := w.audit.String() + w.log.String(); strings.Contains(s, planted) {
		t.Errorf("the credential is in audit or log: %s", s)
	}
}

func TestOneRefusalForWhoeverHasProvenNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expired := time.Now().Add(-time.Hour)
	other, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		file   ClientFile
		change func(*ask)
	}{
		{"wrong server key", ClientFile{}, func(q *ask) { q.serverPublic = other.Public() }},
		{"wrong server name", ClientFile{}, func(q *ask) { q.serverName = "other.example.com" }},
		{"foreign entropy", ClientFile{}, func(q *ask) { q.entropy = NewEntropy() }},
		{"empty entropy", ClientFile{}, func(q *ask) { q.entropy = new(Entropy) }},
		{"no entropy", ClientFile{}, func(q *ask) { q.entropy = nil }},
		{"unknown client", ClientFile{}, func(q *ask) { q.client = "lobby-tw" }},
		{"unknown client by the dummy", ClientFile{}, func(q *ask) { q.client, q.entropy = "lobby-tw", w.server.dummy }},
		{"unknown generation by the dummy", ClientFile{}, func(q *ask) { q.egen, q.entropy = 2, w.server.dummy }},
		{"generation without its file", ClientFile{Entropy: []Generation{{Egen: 3, File: "x"}}}, func(q *ask) { q.egen = 3 }},
		{"revoked, though the tag holds", ClientFile{Revoked: true}, func(*ask) {}},
		{"revoked by the dummy", ClientFile{Revoked: true}, func(q *ask) { q.entropy = w.server.dummy }},
		{"expired, though the tag holds", ClientFile{Expires: expired}, func(*ask) {}},
		{"generation past its end", ClientFile{Entropy: []Generation{{1, "x", Period{NotAfter: expired}}}}, func(*ask) {}},
		{"egen 0 without evidence alone", ClientFile{}, func(q *ask) { q.egen, q.entropy = 0, nil }},
		{"egen 0 of an unknown client", ClientFile{}, func(q *ask) { q.client, q.egen, q.entropy = "lobby-tw", 0, nil }},
		{"malformed client", ClientFile{}, func(q *ask) { q.client = "../lobby-tv" }},
		{"reserved client", ClientFile{}, func(q *ask) { q.client = "con.tv" }},
		{"malformed want", ClientFile{}, func(q *ask) { q.want = "file/../x" }},
		{"malformed kind", ClientFile{}, func(q *ask) { q.kind = "OIDC" }},
		{"time of 2^62", ClientFile{}, func(q *ask) { q.milli = 1 << 62 }},
		{"time of all ones", ClientFile{}, func(q *ask) { q.milli = 1<<64 - 1 }},
	} {
		w.set(x.file)
		q := w.ask()
		x.change(&q)
		body, _ := w.seal(q)
		wantRefusal(t, x.name, w.send(body), w.refusal())
	}
	w.set(ClientFile{})
	if got := w.code(w.ask()); got != decisionIssued {
		t.Errorf("the honest client: %s", got)
	}
}

func TestOneRefusalForWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, _ := w.seal(w.ask())
	send := func(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, r)
		return rec
	}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"GET":               send(http.MethodGet, Path, ContentType, nil),
		"PUT":               send(http.MethodPut, Path, ContentType, body),
		"OPTIONS":           send(http.MethodOptions, Path, ContentType, body),
		"other type":        send(http.MethodPost, Path, "application/json", body),
		"no type":           send(http.MethodPost, Path, "", body),
		"other path":        send(http.MethodPost, "/v1/credential", ContentType, body),
		"cut header":        w.send(body[:headerSize-1]),
		"header only":       w.send(body[:headerSize]),
		"cut enc":           w.send(body[:headerSize+encSize-1]),
		"no ciphertext":     w.send(body[:headerSize+encSize]),
		"cut ciphertext":    w.send(body[:len(body)-1]),
		"longer":            w.send(append(slices.Clone(body), 0)),
		"as long as it may": w.send(append(slices.Clone(body), make([]byte, maxRequest-len(body))...)),
		"too long":          w.send(append(slices.Clone(body), make([]byte, maxRequest-len(body)+1)...)),
	} {
		wantRefusal(t, name, got, w.refusal())
	}
	if got := w.send(body); got.Code != http.StatusOK {
		t.Errorf("the untouched body: %d", got.Code)
	}
}

// Headers such as Date are added below ServeHTTP, so the wire is looked at too.
func TestRefusalsAreTheSameBytesOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := httptest.NewServer(w.server)
	defer s.Close()
	var first string
	for _, change := range []func(*ask){
		func(q *ask) { q.client = "lobby-tw" }, func(q *ask) { q.entropy = NewEntropy() }, func(q *ask) { q.egen = 9 },
	} {
		q := w.ask()
		change(&q)
		body, _ := w.seal(q)
		r, err := s.Client().Post(s.URL+Path, ContentType, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if first == "" {
			first = b.String()
		}
		if b.String() != first || strings.Contains(first, "Date:") {
			t.Errorf("refusals differ, or tell the time:\n%s\n%s", first, b.String())
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, x := w.seal(w.ask())
	refused := w.refusal()
	flip := func(at int, bit byte) {
		b := slices.Clone(body)
		b[at] ^= bit
		wantRefusal(t, fmt.Sprintf("byte %d, bit %#x", at, bit), w.send(b), refused)
	}
	for at := range body[:headerSize] {
		for bit := range 8 {
			flip(at, 1<<bit)
		}
	}
	for at := headerSize; at < len(body); at += 37 {
		flip(at, 0x01)
		flip(at, 0x80)
	}
	response := w.send(body).Body.Bytes()
	for at := 0; at < len(response); at += 29 {
		b := slices.Clone(response)
		b[at] ^= 1 << (at % 8)
		if _, err := x.open(b); err == nil {
			t.Errorf("a response with byte %d changed was opened", at)
		}
	}
	if _, err := x.open(response); err != nil {
		t.Error(err)
	}
}

// sealPlain seals any plaintext in a well-made envelope.
func (w *world) sealPlain(plain []byte) []byte {
	w.t.Helper()
	h := newHeader(w.key.id, uint64(time.Now().UnixMilli()), [32]byte{1})
	enc, sender, err := hpke.NewSender(w.key.private.PublicKey(), kdf(), aead(), requestInfo(h, testServer))
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := sender.Seal(h.raw, plain)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.Concat(h.raw, enc, sealed)
}

// plainOf opens what the honest client sealed, so that a test can change it.
func (w *world) plainOf(body []byte) []byte {
	w.t.Helper()
	h, _ := parseHeader(body)
	r, err := hpke.NewRecipient(body[headerSize:headerSize+encSize], w.key.private, kdf(), aead(), requestInfo(h, testServer))
	if err != nil {
		w.t.Fatal(err)
	}
	plain, err := r.Open(h.raw, body[headerSize+encSize:])
	if err != nil {
		w.t.Fatal(err)
	}
	return plain
}

func TestPaddingIsTheOneThatIsNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, _ := w.seal(w.ask())
	plain := w.plainOf(body)
	if len(plain)%requestBlock != 0 {
		t.Fatalf("plaintext of %d bytes", len(plain))
	}
	if _, _, err := parseRequest(plain); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string][]byte{
		"one byte less":  plain[:len(plain)-1],
		"one byte more":  append(slices.Clone(plain), 0),
		"a block more":   append(slices.Clone(plain), make([]byte, requestBlock)...),
		"not zero":       append(slices.Clone(plain[:len(plain)-1]), 1),
		"not zero early": func() []byte { p := bytes.TrimRight(plain, "\x00"); return pad(append(slices.Clone(p), 0, 1), 256) }(),
		"empty":          {},
	} {
		if _, _, err := parseRequest(p); err == nil {
			t.Errorf("%s: parsed", name)
		}
		wantRefusal(t, name, w.send(w.sealPlain(p)), w.refusal())
	}
}

func TestEphemeralKeysThatAreNoneOfTheClientsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	lowOrder := func(x25519 ...byte) []byte {
		p := slices.Clone(good.Public())
		copy(p[publicSize-32:], append(x25519, make([]byte, 32-len(x25519))...))
		return p
	}
	p := bytes.Repeat([]byte{0xff}, 32) // 2^255-19 is 0 again
	p[0], p[31] = 0xed, 0x7f
	for name, epk := range map[string][]byte{
		"none": nil, "short": good.Public()[1:], "low order 0": lowOrder(0), "low order 1": lowOrder(1),
		"low order p": lowOrder(p...), "not reduced": bytes.Repeat([]byte{0xff}, publicSize), "the server's": w.key.Public(),
	} {
		asked, err := head{testClient, 1, epk, testWant, ""}.marshal()
		if err != nil {
			t.Fatal(err)
		}
		plain := pad(append(asked, make([]byte, 2+tagSize)...), requestBlock)
		if _, _, err := parseRequest(plain); (err == nil) != (name == "the server's") {
			t.Errorf("%s: %v", name, err)
		}
		got := w.send(w.sealPlain(plain))
		if reason := w.lastLine().Reason; !strings.Contains(reason, "ephemeral key: ") {
			t.Errorf("%s: refused for %q", name, reason)
		}
		wantRefusal(t, name, got, w.refusal())
	}
}

func TestAReplayIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, _ := w.seal(w.ask())
	if got := w.send(body).Code; got != http.StatusOK {
		t.Fatal(got)
	}
	wantRefusal(t, "replay", w.send(body), w.refusal())
}

func TestAReplayIsRememberedLongerThanItsTimeHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.ask()
		q.milli += uint64(timeWindow.Milliseconds()) // as late as may be
		body, _ := w.seal(q)
		if got := w.send(body).Code; got != http.StatusOK {
			t.Fatal(got)
		}
		for range 2 * timeWindow / time.Second {
			time.Sleep(time.Second) // of the bubble's clock
			wantRefusal(t, "replay", w.send(body), w.refusal())
		}
		time.Sleep(time.Second)
		w.send(body)
		if got := w.lastLine().Decision; got != string(Clock) {
			t.Errorf("after the window: %s", got)
		}
	})
}

func TestReplayCacheIsCappedForEachClient(t *testing.T) {
	t.Parallel()
	var r replays
	now := time.Now()
	add := func(client string, i int, now time.Time) replayed {
		return r.add(client, [32]byte{byte(i), byte(i >> 8)}, now, now)
	}
	for i := range maxReplays {
		if got := add("a", i, now); got != isNew {
			t.Fatalf("%d: %v", i, got)
		}
	}
	if add("a", maxReplays, now) != isFull || add("b", 0, now) != isNew || add("a", 0, now) != isReplay {
		t.Error("the cap is not the client's own")
	}
	if got := add("a", maxReplays, now.Add(replayKeep+time.Second)); got != isNew {
		t.Errorf("after their time: %v", got)
	}
}

func TestResponsesCannotBeSwapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, x1 := w.seal(w.ask())
	two, x2 := w.seal(w.ask())
	r1, r2 := w.send(one).Body.Bytes(), w.send(two).Body.Bytes()
	for _, err := range []error{errOf(x1.open(r2)), errOf(x2.open(r1))} {
		if err == nil {
			t.Error("another request's response was opened")
		}
	}
	for _, err := range []error{errOf(x1.open(r1)), errOf(x2.open(r2))} {
		if err != nil {
			t.Error(err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// Who stole the server's key opens the request; without the client's entropy it still cannot answer.
func TestAServerWithoutTheEntropyCannotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, x := w.seal(w.ask())
	h, _ := parseHeader(body)
	r, err := openRequest(body, h, w.key, testServer)
	if err != nil {
		t.Fatal(err)
	}
	for name, kc := range map[string][]byte{
		"no entropy": clientKey(r.th, nil), "other entropy": clientKey(r.th, NewEntropy()), "the right one": clientKey(r.th, w.entropy),
	} {
		seal, err := r.sealer(kc)
		if err != nil {
			t.Fatal(err)
		}
		response, err := seal.seal(answer{content: []byte(`{"credential":"forged"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.open(response); (err == nil) != (name == "the right one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClockIsToldToWhomItMayConcern(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, off := range []time.Duration{timeWindow + time.Second, -timeWindow - time.Second, -100 * 365 * 24 * time.Hour} {
		q := w.ask()
		q.milli = uint64(max(time.Now().Add(off).UnixMilli(), 0))
		a, err := w.exchange(q)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := errors.AsType[*Error](errOf(a.result()))
		if e == nil || e.Code != Clock || a.bundleSeq != 0 || time.Since(time.UnixMilli(int64(a.milli))).Abs() > time.Minute {
			t.Errorf("%v off: %+v", off, a)
		}
	}
	for _, client := range []string{testClient, "lobby-tw"} { // at egen 0 the tag shows nothing: known and unknown look alike
		q := w.ask()
		q.client, q.egen, q.entropy, q.milli = client, 0, nil, 0
		if got := w.code(q); got != string(Clock) {
			t.Errorf("%s at egen 0: %s", client, got)
		}
	}
	q := w.ask()
	q.milli -= uint64((timeWindow - 5*time.Second).Milliseconds())
	if got := w.code(q); got != decisionIssued {
		t.Errorf("within the window: %s", got)
	}
}

func TestThePolicyDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := func(s string) ask { q := w.ask(); q.want = s; return q }
	for _, x := range []struct {
		name string
		file ClientFile
		q    ask
		code string
	}{
		{"another's credential", ClientFile{}, want("file/other"), "denied"},
		{"a version that is not named", ClientFile{}, want(testWant + "@1"), "denied"},
		{"a longer name", ClientFile{}, want(testWant + "/x"), "denied"},
		{"not in its store", ClientFile{Policy: Policy{Allow: []Allow{{Want: "file/none"}}}}, want("file/none"), "not_found"},
		{"no such store", ClientFile{Policy: Policy{Allow: []Allow{{Want: "sts/wall"}}}}, want("sts/wall"), "not_found"},
		{"from its network", ClientFile{Policy: Policy{Allow: []Allow{
			{Want: testWant, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}}}, w.ask(), "issued"},
		{"from elsewhere", ClientFile{Policy: Policy{Allow: []Allow{
			{Want: testWant, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}}, w.ask(), "denied"},
	} {
		w.set(x.file)
		if got := w.code(x.q); got != x.code {
			t.Errorf("%s: %s, want %s", x.name, got, x.code)
		}
	}
}

func TestALeaseLongerThanThePolicyIsNotHandedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for d, want := range map[time.Duration]string{59 * time.Minute: "issued", 2 * time.Hour: "unavailable"} {
		w.server.Stores["file"] = mapStore{"wall": {JSON: secret.New(`{}`), Expires: time.Now().Add(d)}}
		if got := w.code(w.ask()); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
	for name, c := range map[string]string{"no JSON": planted, "too big": `"` + strings.Repeat("x", maxResponse) + `"`} {
		w.server.Stores["file"] = mapStore{"wall": {JSON: secret.New(c)}}
		if got := w.code(w.ask()); got != "unavailable" || strings.Contains(w.log.String(), planted) {
			t.Errorf("%s: %s, log %s", name, got, w.log)
		}
	}
}

func TestNothingIsIssuedWithoutAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Audit = failingWriter{}
	if got := w.code(w.ask()); got != "unavailable" {
		t.Error(got)
	}
	w = newWorld(t)
	w.server.Audit = nil
	if got := w.code(w.ask()); got != "unavailable" {
		t.Error(got)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestAClientHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.set(ClientFile{Policy: Policy{PerHour: 3}})
		for i, want := range []string{"issued", "issued", "issued", "throttled", "throttled"} {
			if got := w.code(w.ask()); got != want {
				t.Errorf("request %d: %s", i, got)
			}
		}
		time.Sleep(20 * time.Minute)
		for i, want := range []string{"issued", "throttled"} {
			if got := w.code(w.ask()); got != want {
				t.Errorf("20 minutes later, request %d: %s", i, got)
			}
		}
	})
}

func TestAnAddressThatFailsIsNotListenedTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.FailuresPerMinute = 3
		late := w.ask()
		late.milli = 0
		wrong := w.ask()
		wrong.entropy = NewEntropy()
		for range 5 {
			if got := w.code(w.ask()); got != "issued" { // what succeeds does not count
				t.Fatal(got)
			}
		}
		for i, q := range []ask{late, wrong, late} {
			if got, want := w.code(q), []string{"clock", "refused", "clock"}[i]; got != want {
				t.Fatalf("failure %d: %s", i, got)
			}
		}
		lines := w.audit.Len()
		w.send([]byte("junk"))
		if got := w.code(w.ask()); got != "refused" || w.audit.Len() != lines {
			t.Errorf("over the limit: %s, and %d bytes more of audit", got, w.audit.Len()-lines)
		}
		time.Sleep(21 * time.Second)
		if got := w.code(w.ask()); got != "issued" {
			t.Errorf("a third of a minute later: %s", got)
		}
	})
}

func TestLimitsHoldWhenTheMapIsFull(t *testing.T) {
	t.Parallel()
	var l limiter[int]
	now := time.Now()
	allowed := 0
	for i := range maxBuckets + 1000 {
		if l.take(i, 2, time.Minute, now) {
			allowed++
		}
	}
	if allowed != maxBuckets+2 || len(l.buckets) != maxBuckets {
		t.Errorf("%d allowed, %d buckets", allowed, len(l.buckets))
	}
	if !l.take(-1, 2, time.Minute, now.Add(2*time.Minute)) || len(l.buckets) != 1 {
		t.Errorf("buckets that have filled again are kept: %d", len(l.buckets))
	}
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2:1")
	if prefixOf(a) != prefixOf(b) || prefixOf(netip.Addr{}).IsValid() {
		t.Error("IPv6 senders are not counted by their /64")
	}
}

// device makes a key pair and the rule that asks for it.
func device(t *testing.T, p256 bool) (Device, json.RawMessage) {
	t.Helper()
	var d Device
	if p256 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d.Signer = key
	} else {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d.Signer = key
	}
	der, err := x509.MarshalPKIXPublicKey(d.Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	return d, json.RawMessage(fmt.Sprintf(`{"kind":%q,"public":%q}`, d.Kind(), base64.StdEncoding.EncodeToString(der)))
}

// codeWith sends a request with evidence.
func (w *world) codeWith(q ask, p Prover) string {
	w.t.Helper()
	q.kind = p.Kind()
	body, x, err := q.seal(func(th [32]byte) ([]byte, error) { return p.Prove(w.t.Context(), q.serverName, th) })
	if err != nil {
		w.t.Fatal(err)
	}
	rec := w.send(body)
	if rec.Code != http.StatusOK {
		return decisionRefused
	}
	a, err := x.open(rec.Body.Bytes())
	if err != nil {
		w.t.Fatal(err)
	}
	if e, ok := errors.AsType[*Error](errOf(a.result())); ok {
		return string(e.Code)
	}
	return decisionIssued
}

func TestDeviceEvidence(t *testing.T) {
	t.Parallel()
	for _, p256 := range []bool{false, true} {
		d, rule := device(t, p256)
		thief, _ := device(t, p256)
		otherKind, _ := device(t, !p256)
		w := newWorld(t)
		w.set(ClientFile{Evidence: EvidenceRule{AnyOf: []json.RawMessage{rule}}})
		alone := w.ask()
		alone.egen, alone.entropy = 0, nil
		for name, x := range map[string]struct{ got, want string }{
			"right":         {w.codeWith(w.ask(), d), "issued"},
			"none":          {w.code(w.ask()), "denied"},
			"another key's": {w.codeWith(w.ask(), thief), "denied"},
			"another kind":  {w.codeWith(w.ask(), otherKind), "denied"},
			"alone":         {w.codeWith(alone, d), "refused"},
		} {
			if x.got != x.want {
				t.Errorf("%s: %s: %s, want %s", d.Kind(), name, x.got, x.want)
			}
		}
		w.set(ClientFile{Evidence: EvidenceRule{Alone: true, AnyOf: []json.RawMessage{rule}}})
		for name, x := range map[string]struct{ got, want string }{
			"right":         {w.codeWith(alone, d), "issued"},
			"none":          {w.code(alone), "refused"},
			"another key's": {w.codeWith(alone, thief), "refused"},
		} {
			if x.got != x.want {
				t.Errorf("%s alone: %s: %s, want %s", d.Kind(), name, x.got, x.want)
			}
		}
	}
}

func TestEvidenceNobodyAskedForIsIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, _ := device(t, false)
	if got := w.codeWith(w.ask(), d); got != "issued" {
		t.Error(got)
	}
}

// A bearer is evidence that is not bound to its request.
type bearer struct{}

func (bearer) Kind() string                                                  { return "bearer" }
func (bearer) Prove(context.Context, string, [32]byte) ([]byte, error)       { return []byte("token"), nil }
func (bearer) Bound() bool                                                   { return false }
func (bearer) Check(json.RawMessage) error                                   { return nil }
func (bearer) Verify(_ context.Context, _ json.RawMessage, e Evidence) error { return check(e) }

func check(e Evidence) error {
	if string(e.Content) != "token" {
		return errors.New("another token")
	}
	return nil
}

func TestUnboundEvidenceIsNeverEnoughAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Verifiers = map[string]Verifier{"bearer": bearer{}}
	_, rule := device(t, false)
	rules := []json.RawMessage{json.RawMessage(`{"kind":"bearer"}`), rule}
	w.set(ClientFile{Evidence: EvidenceRule{Alone: true, AnyOf: rules}})
	alone := w.ask()
	alone.egen, alone.entropy = 0, nil
	if got := w.codeWith(alone, bearer{}); got != "refused" {
		t.Errorf("alone: %s", got)
	}
	if got := w.codeWith(w.ask(), bearer{}); got != "issued" {
		t.Errorf("beside entropy: %s", got)
	}
	text := `{"policy":{"allow":[]},"bundle_seq":1,"evidence":{"alone":true,"any_of":[{"kind":"bearer"}]}}`
	if _, err := ParseClientFile([]byte(text), w.server.Verifiers); err == nil {
		t.Error("a rule of unbound evidence alone was taken")
	}
}

// countingFS counts how often each file is opened.
type countingFS struct {
	fstest.MapFS
	mu     *sync.Mutex
	opened map[string]int
}

func (c countingFS) count(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened[name]++
}

func (c countingFS) Open(name string) (fs.File, error) {
	c.count(name)
	return c.MapFS.Open(name)
}

func (c countingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	c.count(name)
	return c.MapFS.ReadDir(name)
}

func TestFilesAreReadAtMostOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		files := countingFS{w.files, new(sync.Mutex), map[string]int{}}
		w.server.State = files
		for i := range 200 {
			q := w.ask()
			switch i % 4 {
			case 0:
				q.client = fmt.Sprintf("nobody-%d", i) // never the same
			case 1:
				q.egen = uint32(i)
			case 2:
				other, err := NewKey()
				if err != nil {
					t.Fatal(err)
				}
				q.serverPublic = other.Public()
			}
			w.code(q)
			time.Sleep(100 * time.Millisecond) // of the bubble's clock: 20 s in all
		}
		for name, n := range files.opened {
			if n > 2 {
				t.Errorf("%s: opened %d times in 20 s", name, n)
			}
			if strings.Contains(name, "nobody") {
				t.Errorf("%s: looked for", name)
			}
		}
	})
}

func TestRevocationHoldsWithinTenSecondsAndSurvivesABadEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if got := w.code(w.ask()); got != "issued" {
			t.Fatal(got)
		}
		w.files[ClientFileName(testClient)] = &fstest.MapFile{Data: []byte(`{"revoked": tru`)}
		time.Sleep(DefaultReread)
		if got := w.code(w.ask()); got != "issued" || !strings.Contains(w.log.String(), "state not readable") {
			t.Errorf("a bad edit: %s, log %s", got, w.log)
		}
		w.files[ClientFileName(testClient)] = &fstest.MapFile{Data: []byte(`{"revoked":true,"policy":{"allow":[]},"bundle_seq":1}`)}
		time.Sleep(DefaultReread)
		if got := w.code(w.ask()); got != "refused" {
			t.Errorf("revoked: %s", got)
		}
	})
}

// Known and unknown clients must cost the same: who has proven nothing has no file read in his time.
func TestAClientsFilesAreReadBehindTheBackOfWhoHasProvenNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if got := w.code(w.ask()); got != "issued" {
			t.Fatal(got)
		}
		time.Sleep(DefaultReread)
		next := NewEntropy() // the client was enrolled anew under its old name
		w.files[EntropyName(testClient, 1)] = &fstest.MapFile{Data: next.File()}
		q := w.ask()
		q.entropy = next
		if got := w.code(q); got != "refused" {
			t.Errorf("the file was read for a request that had proven nothing: %s", got)
		}
		synctest.Wait()
		if got := w.code(q); got != "issued" {
			t.Errorf("after the renewal: %s", got)
		}
		// A new generation is looked for at once: the first request of a rotation must not fail.
		w.files[EntropyName(testClient, 2)] = w.files[EntropyName(testClient, 1)]
		w.files[ClientFileName(testClient)] = &fstest.MapFile{Data: []byte(
			`{"policy":{"allow":[{"want":"file/wall"}]},"bundle_seq":2,"entropy":[{"egen":2,"file":"x"}]}`)}
		time.Sleep(DefaultReread)
		q.egen = 2
		if got := w.code(q); got != "issued" {
			t.Errorf("a new generation: %s", got)
		}
	})
}

func TestTwoServerKeysAreTakenWhileOneReplacesTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	q := w.ask()
	q.serverPublic = next.Public()
	for _, x := range []struct {
		keys     []Key
		old, new string
	}{
		{[]Key{w.key}, "issued", "refused"}, {[]Key{w.key, next}, "issued", "issued"}, {[]Key{next}, "refused", "issued"},
	} {
		w.setKeys(x.keys...)
		if err := w.server.Reload(); err != nil {
			t.Fatal(err)
		}
		if old, new := w.code(w.ask()), w.code(q); old != x.old || new != x.new {
			t.Errorf("%d keys: %s by the old, %s by the new", len(x.keys), old, new)
		}
	}
}

func TestParsedTimesStayBelowTheirLimit(t *testing.T) {
	t.Parallel()
	h := newHeader(keyID{}, 1<<62-1, [32]byte{})
	if _, ok := parseHeader(h.raw); !ok {
		t.Error("2^62-1 was refused")
	}
	binary.BigEndian.PutUint64(h.raw[13:], 1<<62)
	if _, ok := parseHeader(h.raw); ok {
		t.Error("2^62 was taken")
	}
}

// A slow kind is bound, and takes until it is let go.
type slow struct {
	bearer
	inside chan struct{}
	let    chan struct{}
}

func (slow) Bound() bool { return true }

func (s slow) Verify(context.Context, json.RawMessage, Evidence) error {
	s.inside <- struct{}{}
	<-s.let
	return nil
}

func TestStrangersCauseFewCallsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const strangers = 2 * maxOutside
		v := slow{inside: make(chan struct{}, strangers), let: make(chan struct{})}
		w.server.Verifiers = map[string]Verifier{"bearer": v}
		w.set(ClientFile{Evidence: EvidenceRule{Alone: true, AnyOf: []json.RawMessage{json.RawMessage(`{"kind":"bearer"}`)}}})
		alone := w.ask()
		alone.egen, alone.entropy = 0, nil
		for range strangers {
			go func() {
				if got := w.codeWith(alone, v); got != "issued" {
					t.Error(got)
				}
			}()
		}
		synctest.Wait()
		if got := len(v.inside); got != maxOutside {
			t.Errorf("%d verifications at once", got)
		}
		close(v.let)
		synctest.Wait()
		if got := len(v.inside); got != strangers {
			t.Errorf("%d verified in the end", got)
		}
	})
}
