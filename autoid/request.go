package autoid

import (
	"bytes"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

const (
	maxRequest   = 65536
	requestBlock = 256
	tagSize      = 32
)

// A head is what a request asks, and to whom the answer goes.
type head struct {
	client string
	egen   uint32
	epk    []byte
	want   string
	kind   string
}

func (h head) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addBytes(b, []byte(h.client))
	b.AddUint32(h.egen)
	addBytes(b, h.epk)
	addBytes(b, []byte(h.want))
	addBytes(b, []byte(h.kind))
	return b.Bytes()
}

// An exchange is the client's side of one request until its answer has come.
type exchange struct {
	header  header
	th      [32]byte
	kc      []byte
	private hpke.PrivateKey // of epk; dropped with the exchange
	request exporter
}

// An ask is all that a request is made of.
type ask struct {
	serverName   string
	serverPublic []byte
	client, want string
	egen         uint32
	entropy      *Entropy // nil with egen 0
	kind         string   // of the evidence; "" is none
	milli        uint64
}

// seal makes the request. prove is asked for the evidence once the transcript is known.
func (a ask) seal(prove func(th [32]byte) ([]byte, error)) (body []byte, x *exchange, err error) {
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	return a.sealTo(private, prove)
}

func (a ask) sealTo(private hpke.PrivateKey, prove func(th [32]byte) ([]byte, error)) ([]byte, *exchange, error) {
	server, err := hpke.MLKEM768X25519().NewPublicKey(a.serverPublic)
	if err != nil {
		return nil, nil, fmt.Errorf("server key: %w", err)
	}
	var nonce [32]byte
	_, _ = rand.Read(nonce[:]) // never fails
	h := newHeader(idOf(a.serverPublic), a.milli, nonce)
	enc, sender, err := hpke.NewSender(server, kdf(), aead(), requestInfo(h, a.serverName))
	if err != nil {
		return nil, nil, fmt.Errorf("server key: %w", err)
	}
	asked, err := head{a.client, a.egen, private.PublicKey().Bytes(), a.want, a.kind}.marshal()
	if err != nil {
		return nil, nil, err
	}
	th := transcript(h, a.serverPublic, a.serverName, enc, asked)
	var evidence []byte
	if a.kind != "" {
		if evidence, err = prove(th); err != nil {
			return nil, nil, fmt.Errorf("evidence %s: %w", a.kind, err)
		}
	}
	x := &exchange{h, th, clientKey(th, a.entropy), private, sender}
	b := cryptobyte.NewBuilder(asked)
	addBytes(b, evidence)
	b.AddBytes(clientTag(x.kc, th, evidence))
	plain, err := b.Bytes()
	if err != nil {
		return nil, nil, fmt.Errorf("evidence %s: %w", a.kind, err)
	}
	sealed, err := sender.Seal(h.raw, pad(plain, requestBlock))
	if err != nil {
		return nil, nil, err
	}
	body := slices.Concat(h.raw, enc, sealed)
	if len(body) > maxRequest {
		return nil, nil, fmt.Errorf("request: %d bytes, over %d: the evidence is too long", len(body), maxRequest)
	}
	return body, x, nil
}

// A request is the server's side of an exchange: opened, its names in form, nothing proven yet.
type request struct {
	head
	header   header
	th       [32]byte
	ask      Want
	evidence []byte
	tag      []byte
	epk      hpke.PublicKey
	request  exporter
}

// openRequest opens a body whose header is h, sent to k. Its errors are for the server's own log, not for the sender.
func openRequest(body []byte, h header, k Key, serverName string) (*request, error) {
	body = body[headerSize:]
	if len(body) < encSize {
		return nil, errors.New("cut short")
	}
	enc := body[:encSize]
	recipient, err := hpke.NewRecipient(enc, k.private, kdf(), aead(), requestInfo(h, serverName))
	if err != nil {
		return nil, err
	}
	plain, err := recipient.Open(h.raw, body[encSize:])
	if err != nil {
		return nil, err
	}
	r, asked, err := parseRequest(plain)
	if err != nil {
		return nil, err
	}
	r.header, r.request = h, recipient
	r.th = transcript(h, k.public, serverName, enc, asked)
	return r, nil
}

// parseRequest reads the plaintext of a request; asked is the head as it stood there.
func parseRequest(plain []byte) (r *request, asked []byte, err error) {
	r = new(request)
	s := cryptobyte.String(plain)
	var client, epk, want, kind, evidence cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&client) || !s.ReadUint32(&r.egen) || !s.ReadUint16LengthPrefixed(&epk) ||
		!s.ReadUint16LengthPrefixed(&want) || !s.ReadUint16LengthPrefixed(&kind) {
		return nil, nil, errors.New("head: cut short")
	}
	asked = plain[:len(plain)-len(s)]
	if !s.ReadUint16LengthPrefixed(&evidence) || !s.ReadBytes(&r.tag, tagSize) {
		return nil, nil, errors.New("evidence or tag: cut short")
	}
	if err := checkPadding(plain, s, requestBlock); err != nil {
		return nil, nil, err
	}
	r.client, r.head.epk, r.want, r.kind, r.evidence = string(client), epk, string(want), string(kind), evidence
	if err := CheckClient(r.client); err != nil {
		return nil, nil, err
	}
	if r.ask, err = ParseWant(r.want); err != nil {
		return nil, nil, err
	}
	if !kindForm.MatchString(r.kind) || (r.kind == "" && len(evidence) > 0) {
		return nil, nil, errors.New("evidence kind: malformed")
	}
	if r.epk, err = parseEphemeral(epk); err != nil {
		return nil, nil, fmt.Errorf("ephemeral key: %w", err)
	}
	return r, asked, nil
}

// pad adds zeros up to a multiple of block.
func pad(plain []byte, block int) []byte {
	return append(plain, make([]byte, (block-len(plain)%block)%block)...)
}

// checkPadding demands that rest, the end of plain, is what pad added.
func checkPadding(plain, rest []byte, block int) error {
	if len(plain)%block != 0 || len(rest) >= block || len(bytes.Trim(rest, "\x00")) > 0 {
		return errors.New("padding: malformed")
	}
	return nil
}
