package autoid

import (
	"crypto/hpke"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// Recording anew is for a change of the protocol: go test ./autoid -run TestRecord -update
var update = flag.Bool("update", false, "record testdata/exchanges.json anew")

// A recording is one exchange and all that is needed to open it. Bytes are in hex; names as they are. The keys are of
// the recording alone.
type recording struct {
	Name         string `json:"name"`
	ServerName   string `json:"server_name"`
	ServerKey    string `json:"server_key"`    // the X-Wing seed
	EphemeralKey string `json:"ephemeral_key"` // likewise, of epk
	EntropySeed  string `json:"entropy_seed"`  // the entropy file is SHAKE256 of it; "" with egen 0
	Client       string `json:"client"`
	Egen         uint32 `json:"egen"`
	Want         string `json:"want"`
	Kind         string `json:"evidence_kind"`
	Evidence     string `json:"evidence"`
	UnixMilli    uint64 `json:"unix_milli"`
	Transcript   string `json:"transcript"` // th, for who looks for a difference
	Request      string `json:"request"`
	Response     string `json:"response"`
	Status       uint8  `json:"status"`
	ServerMilli  uint64 `json:"server_unix_milli"`
	BundleSeq    uint64 `json:"bundle_seq"`
	Content      string `json:"content"` // the JSON
}

func TestRecord(t *testing.T) {
	if !*update {
		return // the recordings are held against the protocol page by TestRecordedExchanges
	}
	var all []recording
	for i, x := range []struct {
		name, client, want string
		egen               uint32
		device, p256       bool
		answer             answer
	}{
		{name: "a credential", client: "lobby-tv", want: "sts/wall", egen: 1, answer: answer{content: must(credentialContent(
			secret.New(`{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"example","SessionToken":"example"}`))), bundleSeq: 7}},
		{name: "a longer want, a version, a later generation", client: "a", want: "file/x/y.z+1=2@3", egen: 4_000_000_000,
			answer: answer{content: must(credentialContent(secret.New(`"text"`))), bundleSeq: 1 << 40}},
		{name: "clock", client: "lobby-tv", want: "sts/wall", egen: 1,
			answer: answer{status: statusError, content: (&Error{Code: Clock, Message: "the request's time is off"}).content()}},
		{name: "throttled", client: "lobby-tv", want: "sts/wall", egen: 1, answer: answer{status: statusError, bundleSeq: 7,
			content: (&Error{Code: Throttled, Message: "later", RetryAfter: 90 * time.Second}).content()}},
		{name: "device-ed25519 beside entropy", client: "lobby-tv", want: "sts/wall", egen: 2, device: true,
			answer: answer{content: []byte(`{"credential":{}}`), bundleSeq: 7}},
		{name: "device-p256 alone", client: "lobby-tv", want: "sts/wall", device: true, p256: true,
			answer: answer{content: []byte(`{"credential":{}}`), bundleSeq: 7}},
	} {
		key := must(NewKey())
		private := must(hpke.MLKEM768X25519().GenerateKey())
		r := recording{Name: x.name, ServerName: "id.example.com", Client: x.client, Egen: x.egen, Want: x.want,
			ServerKey: hex.EncodeToString(must(key.private.Bytes())), EphemeralKey: hex.EncodeToString(must(private.Bytes())),
			UnixMilli: 1_800_000_000_000 + uint64(i), Status: x.answer.status, BundleSeq: x.answer.bundleSeq, Content: string(x.answer.content)}
		q := ask{serverName: r.ServerName, serverPublic: key.Public(), client: x.client, want: x.want, egen: x.egen, milli: r.UnixMilli}
		if x.egen != 0 {
			seed := fmt.Appendf(nil, "entropy of recording %d", i)
			r.EntropySeed = hex.EncodeToString(seed)
			q.entropy = must(ParseEntropy(sha3.SumSHAKE256(seed, EntropySize)))
		}
		d, _ := device(t, x.p256)
		if x.device {
			q.kind = d.Kind()
		}
		r.Kind = q.kind
		body, ex, err := q.sealTo(private, func(th [32]byte) ([]byte, error) {
			evidence, err := d.Prove(t.Context(), r.ServerName, th)
			r.Evidence = hex.EncodeToString(evidence)
			return evidence, err
		})
		if err != nil {
			t.Fatal(err)
		}
		h, _ := parseHeader(body)
		opened := must(openRequest(body, h, key, r.ServerName))
		r.ServerMilli = r.UnixMilli + 5
		x.answer.milli = r.ServerMilli
		response := must(must(opened.sealer(ex.kc)).seal(x.answer))
		r.Transcript, r.Request, r.Response = hex.EncodeToString(ex.th[:]), hex.EncodeToString(body), hex.EncodeToString(response)
		all = append(all, r)
	}
	data := must(json.MarshalIndent(all, "", "  "))
	if err := os.WriteFile("testdata/exchanges.json", append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
