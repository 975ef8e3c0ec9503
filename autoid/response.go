package autoid

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	maxResponse   = 1 << 20
	responseBlock = 1024
	// maxContent leaves room in a response for what is around the JSON.
	maxContent = maxResponse - encSize - 2*responseBlock

	statusCredential = 0
	statusError      = 1
)

// An answer is the content of a response.
type answer struct {
	status    uint8
	milli     uint64 // the server's clock
	bundleSeq uint64 // the client's newest published bundle; 0 in every clock
	content   []byte // JSON, which holds the credential
}

// A Code says what became of a request that was understood.
type Code string

// The codes of the protocol.
const (
	Denied      Code = "denied"      // the policy or the evidence says no
	Clock       Code = "clock"       // the request's time is off by more than two minutes
	Unavailable Code = "unavailable" // the server or its store is in trouble: try again
	Throttled   Code = "throttled"   // too many requests
	NotFound    Code = "not_found"   // the store does not have it
	BadRequest  Code = "bad_request" // the store does not understand the want
)

// An Error is a server's answer that is no credential. A [Store] returns one to choose what the client is told; the
// message of any other error stays on the server.
type Error struct {
	Code       Code          `json:"code"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"-"` // zero: the server does not say
}

func (e *Error) Error() string {
	return fmt.Sprintf("server: %s: %s", e.Code, e.Message)
}

type errorContent struct {
	Error struct {
		*Error
		RetryAfterS float64 `json:"retry_after_s,omitempty"`
	} `json:"error"`
}

// credentialForm is the form in which a credential is sent.
func credentialForm(c Credential) ([]byte, error) { return credentialContent(c.JSON) }

func credentialContent(credential secret.Text) ([]byte, error) {
	content, err := json.Marshal(map[string]json.RawMessage{"credential": json.RawMessage(credential.Reveal())})
	if err != nil {
		return nil, errors.New("credential: not JSON") // not err: it may quote the credential
	}
	return content, nil
}

func (e *Error) content() []byte {
	var c errorContent
	c.Error.Error, c.Error.RetryAfterS = e, e.RetryAfter.Seconds()
	content, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	return content
}

// A sealer seals the answer to one request. It is made before the store is asked: what cannot be answered issues nothing.
type sealer struct {
	header  header
	encR    []byte
	key, iv []byte
}

func (r *request) sealer(kc []byte) (*sealer, error) {
	encR, sender, err := hpke.NewSender(r.epk, kdf(), aead(), responseInfo(r.th))
	if err != nil {
		return nil, err
	}
	key, iv, err := responseKey(sender, r.request, kc, r.th, encR)
	return &sealer{r.header, encR, key, iv}, err
}

// seal may be called once: a second answer would be under the same key and nonce.
func (s *sealer) seal(a answer) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(a.status)
	b.AddUint64(a.milli)
	b.AddUint64(a.bundleSeq)
	b.AddUint32LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.content) })
	plain, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(s.key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(slices.Clone(s.encR), s.iv, pad(plain, responseBlock), s.header.raw), nil
}

// open opens the response to the exchange.
func (x *exchange) open(body []byte) (answer, error) {
	if len(body) < encSize {
		return answer{}, errors.New("response: cut short")
	}
	encR := body[:encSize]
	recipient, err := hpke.NewRecipient(encR, x.private, kdf(), aead(), responseInfo(x.th))
	if err != nil {
		return answer{}, fmt.Errorf("response: %w", err)
	}
	key, iv, err := responseKey(recipient, x.request, x.kc, x.th, encR)
	if err != nil {
		return answer{}, fmt.Errorf("response: %w", err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return answer{}, err
	}
	plain, err := gcm.Open(nil, iv, body[encSize:], x.header.raw)
	if err != nil {
		return answer{}, errors.New("response: not from this server, or changed on its way")
	}
	return parseAnswer(plain)
}

// parseAnswer reads the plaintext of a response.
func parseAnswer(plain []byte) (answer, error) {
	var a answer
	s := cryptobyte.String(plain)
	var length uint32
	if !s.ReadUint8(&a.status) || !s.ReadUint64(&a.milli) || !s.ReadUint64(&a.bundleSeq) || !s.ReadUint32(&length) ||
		uint64(length) > uint64(len(s)) || !s.ReadBytes(&a.content, int(length)) {
		return answer{}, errors.New("response: cut short")
	}
	if err := checkPadding(plain, s, responseBlock); err != nil {
		return answer{}, fmt.Errorf("response: %w", err)
	}
	if a.status > statusError || a.milli >= maxTime {
		return answer{}, errors.New("response: unknown status, or an impossible time")
	}
	return a, nil
}

// result gives the credential, or the *Error that the server answered.
func (a answer) result() (secret.Text, error) {
	if a.status == statusError {
		c := errorContent{}
		c.Error.Error = new(Error)
		if err := json.Unmarshal(a.content, &c); err != nil || c.Error.Code == "" {
			return secret.Text{}, errors.New("response: malformed error")
		}
		// Bounded before it becomes a duration: the number is the server's.
		c.Error.RetryAfter = time.Duration(min(max(c.Error.RetryAfterS, 0), 86400) * float64(time.Second))
		return secret.Text{}, c.Error.Error
	}
	var c struct {
		Credential json.RawMessage `json:"credential"`
	}
	if err := json.Unmarshal(a.content, &c); err != nil || len(c.Credential) == 0 || bytes.Equal(c.Credential, []byte("null")) {
		return secret.Text{}, errors.New("response: no credential in it") // not err: it may quote the credential
	}
	return secret.New(string(c.Credential)), nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
