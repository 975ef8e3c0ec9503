package v1

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// A client is version 1's, written from its description and not from the server's code. It exists for tests only.
type client struct {
	t       testing.TB
	key     string
	entropy []byte
	public  *rsa.PublicKey
}

func number(t testing.TB, n int64) int {
	v, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		t.Fatal(err)
	}
	return int(v.Int64())
}

// ask makes a request for a source, as an honest client does.
func (c *client) ask(source string) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var key, known strings.Builder
	for range 16 {
		key.WriteByte(alphabet[number(c.t, int64(len(alphabet)))])
	}
	c.key = key.String()
	var parts []string
	for range 4 {
		a, b, line := number(c.t, 2048), number(c.t, 2047), number(c.t, 2048)
		if b >= a {
			b++
		}
		parts = append(parts, fmt.Sprintf("%d,%d,%d", a, b, line))
		known.Write(c.entropy[2048*line+min(a, b) : 2048*line+max(a, b)])
	}
	return c.send(strings.Join(parts, "|"), fmt.Sprintf("%x", sha256.Sum256([]byte(known.String()))), source)
}

// send seals whatever it is told to say.
func (c *client) send(intervals, hash, source string) string {
	plain, err := json.Marshal(map[string]string{"hashval": hash, "intervals": intervals, "credential_source": source})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sendPlain(plain)
}

func (c *client) sendPlain(plain []byte) string {
	data, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, c.public, []byte(c.key), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	payload, err := encrypt(c.key, plain)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"data": encode(data), "payload": encode(payload)})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// open opens an answer.
func (c *client) open(body string) (string, error) {
	var answer struct{ Message string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return "", err
	}
	text, err := hex.DecodeString(answer.Message)
	if err != nil {
		return "", err
	}
	sealed, err := decode(hex.EncodeToString(text))
	if err != nil {
		return "", err
	}
	plain, err := decrypt(c.key, sealed)
	return string(plain), err
}
