package autoid_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// The helpers of this file are the protocol page again, written from the page and not from package autoid: a mistake that
// client and server share shows here.

type recorded struct {
	Name         string
	ServerName   string `json:"server_name"`
	ServerKey    string `json:"server_key"`
	EphemeralKey string `json:"ephemeral_key"`
	EntropySeed  string `json:"entropy_seed"`
	Client       string
	Egen         uint32
	Want         string
	Kind         string `json:"evidence_kind"`
	Evidence     string
	UnixMilli    uint64 `json:"unix_milli"`
	Transcript   string
	Request      string
	Response     string
	Status       byte
	ServerMilli  uint64 `json:"server_unix_milli"`
	BundleSeq    uint64 `json:"bundle_seq"`
	Content      string
}

func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(data, &all); err != nil || len(all) < 6 {
		t.Fatalf("%d recordings, %v", len(all), err)
	}
	for _, r := range all {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			r.check(t)
		})
	}
}

func (r recorded) check(t *testing.T) {
	kem, kdf, aead := hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES256GCM()
	server, err := kem.NewPrivateKey(unhex(t, r.ServerKey))
	fatal(t, err)
	ephemeral, err := kem.NewPrivateKey(unhex(t, r.EphemeralKey))
	fatal(t, err)
	public, epk := server.PublicKey().Bytes(), ephemeral.PublicKey().Bytes()

	// hdr = "AID2" ‖ u8 1 ‖ skid[8] ‖ u64 unix-ms ‖ nonce[32]
	request := unhex(t, r.Request)
	hdr, enc, sealed := request[:53], request[53:53+1120], request[53+1120:]
	skid := sha256.Sum256(slices.Concat([]byte{1}, public))
	same(t, "hdr", hdr[:21], slices.Concat([]byte("AID2"), []byte{1}, skid[:8], u64(r.UnixMilli)))

	// enc, ctx = HPKE sender to the server key, info = "autoid/2 request" ‖ 0 ‖ hdr ‖ <server name>
	info := slices.Concat([]byte("autoid/2 request"), []byte{0}, hdr, length16(r.ServerName))
	ctx, err := hpke.NewRecipient(enc, server, kdf, aead, info)
	fatal(t, err)
	plain, err := ctx.Open(hdr, sealed)
	fatal(t, err)

	// head = <client> ‖ u32 egen ‖ <epk> ‖ <want> ‖ <evidence kind>
	head := slices.Concat(length16(r.Client), u64(uint64(r.Egen))[4:], length16(string(epk)), length16(r.Want), length16(r.Kind))
	// th = SHA-256("autoid/2 transcript" ‖ 0 ‖ hdr ‖ SHA-256(server public key) ‖ <server name> ‖ <enc> ‖ head)
	th := hash([]byte("autoid/2 transcript"), []byte{0}, hdr, hash(public), length16(r.ServerName), length16(string(enc)), head)
	same(t, "th", th, unhex(t, r.Transcript))

	// Kc = HKDF-Extract(salt = th, ikm = D ‖ X); egen 0: ikm = 32 zero bytes
	ikm := make([]byte, 32)
	if r.Egen != 0 {
		file := sha3.SumSHAKE256(unhex(t, r.EntropySeed), 65536)
		ikm = hash([]byte("autoid/2 entropy"), []byte{0}, file)
		pos := expand(t, extract(t, th, nil), "autoid/2 positions", 512)
		for len(pos) > 0 {
			at := binary.BigEndian.Uint64(pos) % (65536 - 31)
			ikm, pos = append(ikm, file[at:at+32]...), pos[8:]
		}
	}
	kc := extract(t, ikm, th)
	// tag = HMAC-SHA-256(HKDF-Expand(Kc, "autoid/2 client", 32), SHA-256(th ‖ <evidence>))
	evidence := length16(string(unhex(t, r.Evidence)))
	mac := hmac.New(sha256.New, expand(t, kc, "autoid/2 client", 32))
	mac.Write(hash(th, evidence))
	// head ‖ <evidence> ‖ tag ‖ zeros
	want := slices.Concat(head, evidence, mac.Sum(nil))
	for len(want)%256 != 0 {
		want = append(want, 0)
	}
	same(t, "plaintext of the request", plain, want)

	// encR, ctxR = HPKE sender to epk, info = "autoid/2 response" ‖ 0 ‖ th
	response := unhex(t, r.Response)
	encR, box := response[:1120], response[1120:]
	ctxR, err := hpke.NewRecipient(encR, ephemeral, kdf, aead, slices.Concat([]byte("autoid/2 response"), []byte{0}, th))
	fatal(t, err)
	// ikm = ctxR.Export("autoid/2", 32) ‖ ctx.Export("autoid/2", 32) ‖ HKDF-Expand(Kc, "autoid/2 server", 32)
	one, err := ctxR.Export("autoid/2", 32)
	fatal(t, err)
	two, err := ctx.Export("autoid/2", 32)
	fatal(t, err)
	// key ‖ iv = HKDF(ikm, salt = SHA-256(th ‖ encR), info = "autoid/2 key", 44)
	keyIV, err := hkdf.Key(sha256.New, slices.Concat(one, two, expand(t, kc, "autoid/2 server", 32)), hash(th, encR), "autoid/2 key", 44)
	fatal(t, err)
	block, err := aes.NewCipher(keyIV[:32])
	fatal(t, err)
	gcm, err := cipher.NewGCM(block)
	fatal(t, err)
	got, err := gcm.Open(nil, keyIV[32:], box, hdr)
	fatal(t, err)

	// u8 status ‖ u64 server unix-ms ‖ u64 bundle_seq ‖ u32 length ‖ JSON ‖ zeros
	wanted := slices.Concat([]byte{r.Status}, u64(r.ServerMilli), u64(r.BundleSeq), u64(uint64(len(r.Content)))[4:], []byte(r.Content))
	for len(wanted)%1024 != 0 {
		wanted = append(wanted, 0)
	}
	same(t, "plaintext of the response", got, wanted)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	fatal(t, err)
	return b
}

func length16(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func u64(x uint64) []byte { return binary.BigEndian.AppendUint64(nil, x) }

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}

func extract(t *testing.T, ikm, salt []byte) []byte {
	t.Helper()
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	fatal(t, err)
	return prk
}

func expand(t *testing.T, prk []byte, info string, n int) []byte {
	t.Helper()
	out, err := hkdf.Expand(sha256.New, prk, info, n)
	fatal(t, err)
	return out
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%s:\n got %x\nwant %x", what, got, want)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
