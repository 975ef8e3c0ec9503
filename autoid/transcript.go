package autoid

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// The labels that keep each use of a hash or key apart from every other. Those with a zero byte are prefixes.
const (
	labelRequest    = "autoid/2 request\x00"
	labelResponse   = "autoid/2 response\x00"
	labelTranscript = "autoid/2 transcript\x00"
	labelEvidence   = "autoid/2 evidence\x00"
	labelPositions  = "autoid/2 positions"
	labelClient     = "autoid/2 client"
	labelServer     = "autoid/2 server"
	labelExport     = "autoid/2"
	labelKey        = "autoid/2 key"
)

const (
	headerSize = 4 + 1 + 8 + 8 + 32
	magic      = "AID2\x01" // and the one cipher suite
	maxTime    = 1 << 62    // times from here on are refused: they overflow in somebody's arithmetic

	excerpts    = 64
	excerptSize = 32
)

// kdf and aead are those of every HPKE context; the KEM comes with the key.
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// An exporter is either side of an HPKE context.
type exporter interface {
	Export(label string, length int) ([]byte, error)
}

// A header is what a request shows in the clear.
type header struct {
	raw   []byte // the bytes as sent
	id    keyID
	milli uint64 // Unix time in milliseconds, by the sender's clock
}

func newHeader(id keyID, milli uint64, nonce [32]byte) header {
	raw := append([]byte(magic), id[:]...)
	raw = binary.BigEndian.AppendUint64(raw, milli)
	return header{append(raw, nonce[:]...), id, milli}
}

// parseHeader reads the header that begins a body.
func parseHeader(body []byte) (header, bool) {
	if len(body) < headerSize || string(body[:len(magic)]) != magic {
		return header{}, false
	}
	raw := body[:headerSize]
	h := header{raw, keyID(raw[5:13]), binary.BigEndian.Uint64(raw[13:21])}
	return h, h.milli < maxTime
}

// requestInfo binds the sealed request to its header and to the server it is meant for.
func requestInfo(h header, serverName string) []byte {
	b := cryptobyte.NewBuilder(slices.Concat([]byte(labelRequest), h.raw))
	addBytes(b, []byte(serverName))
	return b.BytesOrPanic() // a server name has 253 bytes at most
}

func responseInfo(th [32]byte) []byte { return append([]byte(labelResponse), th[:]...) }

// transcript is th: everything that both sides must agree on, but for the evidence, which signs it.
func transcript(h header, serverPublic []byte, serverName string, enc, head []byte) [32]byte {
	sum := sha256.Sum256(serverPublic)
	b := cryptobyte.NewBuilder(slices.Concat([]byte(labelTranscript), h.raw, sum[:]))
	addBytes(b, []byte(serverName))
	addBytes(b, enc)
	b.AddBytes(head)
	return sha256.Sum256(b.BytesOrPanic()) // neither a server name nor an enc comes near 64 KiB
}

func addBytes(b *cryptobyte.Builder, x []byte) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(x) })
}

// clientKey is Kc: only who has the client's entropy file can compute it. No entropy (nil) means egen 0.
func clientKey(th [32]byte, e *Entropy) []byte {
	ikm := make([]byte, 32)
	if e != nil {
		ikm = append(ikm[:0], e.digest[:]...)
		at := expand(extract(th[:], nil), labelPositions, excerpts*8)
		for i := range excerpts {
			pos := binary.BigEndian.Uint64(at[8*i:]) % (EntropySize - (excerptSize - 1))
			ikm = append(ikm, e.file[pos:pos+excerptSize]...)
		}
	}
	return extract(ikm, th[:])
}

// clientTag shows that its maker has Kc, and covers the evidence.
func clientTag(kc []byte, th [32]byte, evidence []byte) []byte {
	b := cryptobyte.NewBuilder(slices.Clone(th[:]))
	addBytes(b, evidence)
	sum := sha256.Sum256(b.BytesOrPanic()) // evidence came from, or went through, the same length
	mac := hmac.New(sha256.New, expand(kc, labelClient, 32))
	mac.Write(sum[:])
	return mac.Sum(nil)
}

// responseKey takes all three: the client's ephemeral key (who steals the rest later cannot read), the server's key (who
// has the client's file cannot pose as the server) and Kc (nor can he who stole the server's key).
func responseKey(response, request exporter, kc []byte, th [32]byte, encR []byte) (key, iv []byte, err error) {
	fromEphemeral, err := response.Export(labelExport, 32)
	if err != nil {
		return nil, nil, err
	}
	fromServer, err := request.Export(labelExport, 32)
	if err != nil {
		return nil, nil, err
	}
	salt := sha256.Sum256(slices.Concat(th[:], encR))
	ikm := slices.Concat(fromEphemeral, fromServer, expand(kc, labelServer, 32))
	out := expand(extract(ikm, salt[:]), labelKey, 32+12)
	return out[:32], out[32:], nil
}

// extract and expand are HKDF-SHA-256, whose errors (FIPS mode with short keys, too much output) cannot happen here.
func extract(ikm, salt []byte) []byte {
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		panic(err)
	}
	return prk
}

func expand(prk []byte, info string, length int) []byte {
	out, err := hkdf.Expand(sha256.New, prk, info, length)
	if err != nil {
		panic(err)
	}
	return out
}
