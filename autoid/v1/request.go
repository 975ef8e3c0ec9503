package v1

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The forms of what an honest client sends.
var (
	keyForm       = regexp.MustCompile(`^[A-Za-z0-9]{16}$`)
	intervalsForm = regexp.MustCompile(`^[0-9]{1,4},[0-9]{1,4},[0-9]{1,4}(\|[0-9]{1,4},[0-9]{1,4},[0-9]{1,4}){3}$`)
	hashForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// A request is one that has shown that its sender knows the entropy file.
type request struct{ key, source string }

// An opener opens requests. To every request that it refuses it does the same work, on a decoy from where the request
// fails: one decryption with the private key, one of a payload, one digest. Who asks learns nothing from the time.
type opener struct {
	Settings
	data, payload []byte // of the decoy
}

const decoyKey = "0000000000000000"

// decoyPlain fails by its hash, at the last step.
const decoyPlain = `{"hashval": "0000000000000000000000000000000000000000000000000000000000000000", ` +
	`"intervals": "0,682,100|100,783,900|200,883,1400|300,983,2000", "credential_source": "decoy,decoy"}`

func newOpener(s Settings) (*opener, error) {
	data, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &s.Key.PublicKey, []byte(decoyKey), nil)
	if err != nil {
		return nil, err
	}
	payload, err := encrypt(decoyKey, []byte(decoyPlain))
	return &opener{s, data, payload}, err
}

// open takes the steps of the protocol. An error tells the audit which one failed; the sender must not know.
func (o *opener) open(body []byte) (request, error) {
	data, payload, refused := parseBody(body)
	if refused != nil {
		data, payload = o.data, o.payload
	}
	fail := func(step string) {
		if refused == nil {
			refused = errors.New(step)
		}
	}
	// A number that is none of this key's would not be decrypted at all.
	if len(data) != o.Key.Size() || new(big.Int).SetBytes(data).Cmp(o.Key.N) >= 0 {
		fail("data: not of this key's size")
		data = o.data
	}
	key, err := rsa.DecryptOAEP(sha1.New(), nil, o.Key, data, nil)
	if err != nil || !keyForm.Match(key) {
		fail("data: does not open")
		key, payload = []byte(decoyKey), o.payload
	}
	plain, err := decrypt(string(key), payload)
	if err != nil {
		fail("payload: does not open")
		plain = []byte(decoyPlain)
	}
	p, err := parsePlain(plain)
	if err != nil {
		fail(err.Error())
		if p, err = parsePlain([]byte(decoyPlain)); err != nil {
			return request{}, err
		}
	}
	digest := o.Entropy.digest(p.slices)
	if !hmac.Equal([]byte(hex.EncodeToString(digest[:])), []byte(p.hash)) {
		fail("hash: does not match the entropy")
	}
	return request{string(key), p.source}, refused
}

// parseBody reads {"data": D, "payload": P}, each hexadecimal of base64.
func parseBody(body []byte) (data, payload []byte, err error) {
	var b struct {
		Data    *string `json:"data"`
		Payload *string `json:"payload"`
	}
	if err := strict(body, &b); err != nil || b.Data == nil || b.Payload == nil {
		return nil, nil, errors.New("body: not an object of data and payload")
	}
	data, err = decode(*b.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	payload, err = decode(*b.Payload)
	if err != nil {
		return nil, nil, fmt.Errorf("payload: %w", err)
	}
	return data, payload, nil
}

func decode(s string) ([]byte, error) {
	text, err := hex.DecodeString(s)
	if err == nil {
		text, err = base64.StdEncoding.Strict().DecodeString(string(text))
	}
	if err != nil {
		return nil, errors.New("not hexadecimal of base64")
	}
	return text, nil
}

func encode(b []byte) string {
	return hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString(b)))
}

// strict decodes one object, with nothing unknown in it and nothing behind it.
func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end")
	}
	return nil
}

// A plain is what a payload holds.
type plain struct {
	hash   string
	slices [intervals]slice
	source string
}

func parsePlain(data []byte) (plain, error) {
	var p struct {
		Hash      string `json:"hashval"`
		Intervals string `json:"intervals"`
		Source    string `json:"credential_source"`
	}
	if err := strict(data, &p); err != nil || !hashForm.MatchString(p.Hash) || p.Source == "" {
		return plain{}, errors.New("payload: not an object of hashval, intervals and credential_source")
	}
	slices, err := parseIntervals(p.Intervals)
	return plain{p.Hash, slices, p.Source}, err
}

// parseIntervals reads "a,b,line|…". What selects nothing, or nearly nothing, proves nothing.
func parseIntervals(s string) ([intervals]slice, error) {
	var all [intervals]slice
	if !intervalsForm.MatchString(s) {
		return all, errors.New("intervals: not four of a,b,line")
	}
	for i, one := range strings.Split(s, "|") {
		var n [3]int
		for j, text := range strings.Split(one, ",") {
			n[j], _ = strconv.Atoi(text) // four digits at most
			if n[j] >= lines {
				return all, errors.New("intervals: beyond the file")
			}
		}
		if n[0] == n[1] {
			return all, errors.New("intervals: an empty one")
		}
		start := lineSize * n[2]
		all[i] = slice{start + min(n[0], n[1]), start + max(n[0], n[1])}
	}
	if known(all) < minKnown {
		return all, errors.New("intervals: too few different places")
	}
	return all, nil
}

func cbc(key string) (cipher.Block, error) {
	k := sha256.Sum256([]byte(key))
	return aes.NewCipher(k[:])
}

// decrypt opens IV ‖ AES-256-CBC(SHA-256(key), PKCS#7). The padding is looked at in constant time.
func decrypt(key string, sealed []byte) ([]byte, error) {
	block, err := cbc(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, errors.New("not whole blocks")
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	n := int(plain[len(plain)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		counts := subtle.ConstantTimeLessOrEq(i, n)
		same := subtle.ConstantTimeByteEq(plain[len(plain)-i], byte(n))
		good &= (1 ^ counts) | same
	}
	if good != 1 {
		return nil, errors.New("padding")
	}
	return plain[:len(plain)-n], nil
}

func encrypt(key string, plain []byte) ([]byte, error) {
	block, err := cbc(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	sealed := make([]byte, aes.BlockSize+len(padded))
	_, _ = rand.Read(sealed[:aes.BlockSize]) // never fails
	cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], padded)
	return sealed, nil
}

// seal makes the message of an answer.
func seal(key string, content []byte) (string, error) {
	sealed, err := encrypt(key, content)
	return encode(sealed), err
}
