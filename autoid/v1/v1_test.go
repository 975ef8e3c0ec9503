package v1

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/secret"
)

type vectors struct {
	Entropy struct {
		Seed, SHA256 string
		Alphabet     string
		Size         int
	}
	Keysets []keyset
}

type keyset struct {
	Name, Private, Public string
	Exchanges             []exchange
	Attacks               []attack
}

type exchange struct {
	Key, Request, Response, Plaintext string
	Source                            string `json:"credential_source"`
	Status                            int
}

type attack struct {
	Name, Request string
	Status        int `json:"reference_status"`
}

// recorded reads the vectors, and makes the entropy file that they tell how to make; once, since it takes its time.
var recorded = sync.OnceValues(func() (vectors, []byte) {
	var v vectors
	data, err := os.ReadFile("testdata/autoid-v1.json")
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		panic(err)
	}
	stream := sha3.NewSHAKE256()
	_, _ = stream.Write([]byte(v.Entropy.Seed))
	var file bytes.Buffer
	block := make([]byte, 4096)
	for n := 0; n < lines*lineSize; {
		_, _ = stream.Read(block)
		for _, c := range block {
			if c >= 248 || n == lines*lineSize {
				continue
			}
			file.WriteByte(v.Entropy.Alphabet[int(c)%62])
			if n++; n%lineSize == 0 {
				file.WriteByte('\n')
			}
		}
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(file.Bytes())); sum != v.Entropy.SHA256 {
		panic("the entropy file is not the recorded one")
	}
	return v, file.Bytes()
})

var parsed = sync.OnceValues(func() (*Entropy, error) {
	_, file := recorded()
	return ParseEntropy(file)
})

// A texts is a store of texts.
type texts map[string]string

func (s texts) Credential(_ context.Context, g autoid.Grant) (autoid.Credential, error) {
	text, ok := s[g.Want.ID]
	if !ok {
		return autoid.Credential{}, &autoid.Error{Code: autoid.NotFound, Message: "not here"}
	}
	return autoid.NewCredential([]byte(text))
}

// A world is a server with one client, "legacy", that answers version 1.
type world struct {
	*Handler
	t     testing.TB
	files fstest.MapFS
	audit *bytes.Buffer
	store texts
	key   *rsa.PrivateKey
}

func newWorld(t testing.TB, set keyset) *world {
	t.Helper()
	key, err := ParseKey([]byte(set.Private))
	if err != nil {
		t.Fatal(err)
	}
	entropy, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	serverKey, err := autoid.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	identity, err := (&autoid.Identity{ServerName: "id.example.com", Endpoints: []string{"https://id.example.com"},
		Keys: []autoid.Key{serverKey}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, files: fstest.MapFS{}, audit: new(bytes.Buffer), store: texts{}, key: key}
	w.files[autoid.KeysName] = &fstest.MapFile{Data: []byte(identity.Reveal())}
	settings := &Settings{Client: "legacy", Key: key, Entropy: entropy, Sources: map[string]autoid.Want{}}
	file2 := autoid.ClientFile{BundleSeq: 1, Policy: autoid.Policy{PerHour: 1 << 30}}
	for _, x := range set.Exchanges {
		_, id, _ := strings.Cut(x.Source, ",")
		w.store[id] = x.Plaintext
		if _, ok := settings.Sources[x.Source]; !ok {
			settings.Sources[x.Source] = autoid.Want{Store: "secretsmanager", ID: id}
			file2.Policy.Allow = append(file2.Policy.Allow, autoid.Allow{Want: "secretsmanager/" + id})
		}
	}
	settings.Sources["secretsmanager,not-allowed"] = autoid.Want{Store: "secretsmanager", ID: "not-allowed"}
	settings.Sources["secretsmanager,not-there"] = autoid.Want{Store: "secretsmanager", ID: "not-there"}
	file2.Policy.Allow = append(file2.Policy.Allow, autoid.Allow{Want: "secretsmanager/not-there"})
	w.store["not-allowed"] = "another's"
	w.Handler = &Handler{Server: &autoid.Server{State: w.files, Audit: w.audit, FailuresPerMinute: 1 << 30,
		Stores: map[string]autoid.Store{"secretsmanager": w.store}}}
	w.setClient(file2)
	if err := w.Set(settings); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) setClient(f autoid.ClientFile) {
	text, err := f.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	w.files[autoid.ClientFileName("legacy")] = &fstest.MapFile{Data: text}
	if err := w.Server.Reload(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(method, path, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	return rec
}

func (w *world) post(body string) *httptest.ResponseRecorder {
	return w.send(http.MethodPost, Path, body)
}

func dump(rec *httptest.ResponseRecorder) string {
	var b strings.Builder
	_ = rec.Header().Write(&b)
	return fmt.Sprint(rec.Code, "\n", b.String(), rec.Body.String())
}

// refusal is the one answer, as the reference gives it to a wrong hash.
func (w *world) wantRefused(what string, got *httptest.ResponseRecorder) {
	w.t.Helper()
	want := w.send(http.MethodGet, "/", "")
	if got.Code != http.StatusNotFound || got.Body.String() != `{"message":"not found"}` || dump(got) != dump(want) {
		w.t.Errorf("%s: not the one refusal:\n%s", what, dump(got))
	}
}

func everyKeyset(t *testing.T, test func(t *testing.T, set keyset)) {
	v, _ := recorded()
	for _, set := range v.Keysets {
		t.Run(set.Name, func(t *testing.T) {
			t.Parallel()
			test(t, set)
		})
	}
}

func TestEveryRecordedExchangeIsAnswered(t *testing.T) {
	t.Parallel()
	everyKeyset(t, func(t *testing.T, set keyset) {
		w := newWorld(t, set)
		for _, x := range set.Exchanges {
			got := w.post(x.Request)
			c := client{t: t, key: x.Key}
			plain, err := c.open(got.Body.String())
			if got.Code != x.Status || err != nil || plain != x.Plaintext {
				t.Errorf("%s: %d %v", x.Source, got.Code, err)
			}
			if old, err := c.open(x.Response); err != nil || old != x.Plaintext {
				t.Errorf("%s: the recorded answer does not open: %v", x.Source, err)
			}
		}
		if audit := w.audit.String(); strings.Count(audit, `"decision":"issued","protocol":"1"`) != len(set.Exchanges) ||
			!strings.Contains(audit, `"client":"legacy"`) || strings.Contains(audit, "EXAMPLEKEY") {
			t.Errorf("audit: %s", audit)
		}
	})
}

func TestEveryRecordedAttackIsRefusedAlike(t *testing.T) {
	t.Parallel()
	everyKeyset(t, func(t *testing.T, set keyset) {
		w := newWorld(t, set)
		if len(set.Attacks) < 20 {
			t.Fatal("the attacks are gone")
		}
		for _, a := range set.Attacks {
			w.wantRefused(a.Name, w.post(a.Request))
		}
		if strings.Contains(w.audit.String(), "issued") {
			t.Errorf("audit: %s", w.audit.String())
		}
	})
}

func TestClientsAndServerUnderstandEachOther(t *testing.T) {
	t.Parallel()
	everyKeyset(t, func(t *testing.T, set keyset) {
		w := newWorld(t, set)
		_, file := recorded()
		// The client has the public half as the reference gives it out: a line of authorized_keys.
		line, _, _, _, err := ssh.ParseAuthorizedKey([]byte(set.Public))
		if err != nil {
			t.Fatal(err)
		}
		public := line.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey)
		c := &client{t: t, entropy: file, public: public}
		for range 20 {
			got := w.post(c.ask("secretsmanager,wall-viewer"))
			if plain, err := c.open(got.Body.String()); err != nil || !strings.HasPrefix(plain, "AKIA") {
				t.Errorf("%d %v", got.Code, err)
			}
		}
		foreign := bytes.ToUpper(file)
		for what, got := range map[string]*httptest.ResponseRecorder{
			"another's source": w.post(c.ask("secretsmanager,other")),
			"not allowed":      w.post(c.ask("secretsmanager,not-allowed")),
			"not there":        w.post(c.ask("secretsmanager,not-there")),
			"a foreign file":   w.post((&client{t: t, entropy: foreign, public: public}).ask("secretsmanager,wall-viewer")),
			"another path":     w.send(http.MethodPost, "/Stage/other", c.ask("secretsmanager,wall-viewer")),
			"another method":   w.send(http.MethodPut, Path, c.ask("secretsmanager,wall-viewer")),
			"more than fits":   w.post(c.ask("secretsmanager,wall-viewer") + strings.Repeat(" ", maxBody)),
			"something behind": w.post(c.ask("secretsmanager,wall-viewer") + "{}"),
		} {
			w.wantRefused(what, got)
		}
	})
}

func TestTheOneClientsPolicyHolds(t *testing.T) {
	t.Parallel()
	v, file := recorded()
	w := newWorld(t, v.Keysets[0])
	c := &client{t: t, entropy: file, public: &w.key.PublicKey}
	ask := func() int { return w.post(c.ask("secretsmanager,wall-viewer")).Code }
	allow := autoid.Policy{Allow: []autoid.Allow{{Want: "secretsmanager/wall-viewer"}}, PerHour: 2}
	for _, x := range []struct {
		name string
		file autoid.ClientFile
		want int
	}{
		{"allowed", autoid.ClientFile{Policy: allow}, http.StatusCreated},
		{"revoked", autoid.ClientFile{Revoked: true, Policy: allow}, http.StatusNotFound},
		{"expired", autoid.ClientFile{Expires: time.Now().Add(-time.Second), Policy: allow}, http.StatusNotFound},
		{"allowed nothing", autoid.ClientFile{}, http.StatusNotFound},
		{"beyond its limit", autoid.ClientFile{Policy: allow}, http.StatusNotFound},
	} {
		w.setClient(x.file)
		if got := ask(); got != x.want {
			t.Errorf("%s: %d", x.name, got)
		}
	}
	if !strings.Contains(w.audit.String(), `"throttled"`) {
		t.Errorf("audit: %s", w.audit.String())
	}
}

func TestAnAddressThatFailsIsNotHeard(t *testing.T) {
	t.Parallel()
	v, file := recorded()
	w := newWorld(t, v.Keysets[0])
	w.Server.FailuresPerMinute = 3
	c := &client{t: t, entropy: file, public: &w.key.PublicKey}
	for range 3 {
		w.wantRefused("junk", w.post("junk"))
	}
	w.wantRefused("an honest request from there", w.post(c.ask("secretsmanager,wall-viewer")))
}

func TestItIsOffUntilItIsSet(t *testing.T) {
	t.Parallel()
	v, _ := recorded()
	w := newWorld(t, v.Keysets[0])
	if err := w.Set(nil); err != nil || w.On() {
		t.Fatal("still on")
	}
	for _, x := range v.Keysets[0].Exchanges {
		w.wantRefused(x.Source, w.post(x.Request))
	}
}

func TestAWSKeysTravelAsVersion1WritesThem(t *testing.T) {
	t.Parallel()
	long, err := autoid.AWSKeys{AccessKeyID: "AKIA", SecretAccessKey: secret.New("key")}.Credential()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := content(long); err != nil || string(got) != "AKIA,key" {
		t.Errorf("%s %v", got, err)
	}
	short, err := autoid.AWSKeys{AccessKeyID: "ASIA", SecretAccessKey: secret.New("key"), SessionToken: secret.New("t")}.Credential()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := content(short); err == nil {
		t.Errorf("a session token was lost: %s", got)
	}
}

func TestKeysAndEntropyThatAreNone(t *testing.T) {
	t.Parallel()
	v, file := recorded()
	bent := bytes.Clone(file)
	bent[5000] = '\n'
	for name, data := range map[string][]byte{"short": file[1:], "bent": bent, "none": nil} {
		if _, err := ParseEntropy(data); err == nil {
			t.Errorf("entropy: %s was taken", name)
		}
	}
	for name, data := range map[string]string{"public": v.Keysets[0].Public, "none": "", "cut": v.Keysets[1].Private[:500]} {
		if _, err := ParseKey([]byte(data)); err == nil || strings.Contains(err.Error(), "b3Bl") {
			t.Errorf("key: %s: %v", name, err)
		}
	}
}

func TestOverlapsAndLineBreaksDoNotCount(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"0,8,0|8,16,0|16,24,0|24,32,0":                           true,
		"0,8,0|8,16,0|16,24,0|24,31,0":                           false,
		"0,31,0|0,31,0|1,30,0|31,0,0":                            false,
		"2040,2047,0|0,8,1|8,16,1|16,24,1":                       false, // 31, over the first line break
		"2047,2046,2047|2046,2045,2047|2045,2044,2047|0,40,2046": true,
		"0,0,0|0,2047,1|0,2047,2|0,2047,3":                       false,
		"0,2048,0|0,2047,1|0,2047,2|0,2047,3":                    false,
		"-1,40,0|0,2047,1|0,2047,2|0,2047,3":                     false,
		"0,2047,0|0,2047,1|0,2047,2":                             false,
		"0,2047,0|0,2047,1|0,2047,2|0,2047,3|0,2047,4":           false,
	} {
		if _, err := parseIntervals(s); (err == nil) != want {
			t.Errorf("%s: %v", s, err)
		}
	}
}
