package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// ask1 is a request of version 1 to a server with this key and entropy file.
func ask1(t *testing.T, key *rsa.PublicKey, entropy []byte, source string) string {
	t.Helper()
	const secret = "abcdefghijklmnop"
	encode := func(b []byte) string { return hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString(b))) }
	data, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, []byte(secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := sha256.Sum256(bytes.Join([][]byte{entropy[0:2047], entropy[2048:4095], entropy[4096:6143], entropy[6144:8191]}, nil))
	plain := fmt.Appendf(nil, `{"hashval": "%x", "intervals": "0,2047,0|0,2047,1|0,2047,2|0,2047,3", "credential_source": %q}`, known, source)
	n := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	k := sha256.Sum256([]byte(secret))
	block, err := aes.NewCipher(k[:])
	if err != nil {
		t.Fatal(err)
	}
	sealed := make([]byte, aes.BlockSize+len(plain))
	cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], plain)
	body, err := json.Marshal(map[string]string{"data": encode(data), "payload": encode(sealed)})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestVersion1IsServedWhereItIsSwitchedOn goes through the server's files, on, and off again.
func TestVersion1IsServedWhereItIsSwitchedOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := serverdir.Init(dir, "127.0.0.1", []string{"http://127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	policy := autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}
	_, err := serverdir.AddClient(t.Context(), dir, "partner", autoid.ClientFile{Policy: policy}, folder.Repository{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	entropy := bytes.Repeat(append(bytes.Repeat([]byte("a"), 2048), '\n'), 2048)
	write("server/private.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	write("server/info2048.bin", entropy)
	write("credentials/wall", []byte("PLANTED"))
	const off = "[file]\nfolder = 'credentials'\n"
	const on = off + "[v1]\nclient = 'partner'\nprivate_key = 'server/private.pem'\nentropy = 'server/info2048.bin'\n" +
		"[v1.sources]\n'aws,wall' = 'file/wall'\n'aws,hall' = 'file/hall'\n"
	var audit bytes.Buffer
	write(serverdir.StoresName, []byte(off))
	shelf, err := newShelf(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(shelf.handler(&autoid.Server{State: os.DirFS(dir), Stores: shelf.stores(), Audit: &audit}))
	defer s.Close()
	status := func(source string) int {
		resp, err := http.Post(s.URL+"/Stage/verify", "application/json", strings.NewReader(ask1(t, &key.PublicKey, entropy, source)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	for _, step := range []struct {
		stores string
		want   map[string]int
	}{
		{off, map[string]int{"aws,wall": http.StatusForbidden}},
		{on, map[string]int{"aws,wall": http.StatusCreated, "aws,hall": http.StatusNotFound, "aws,cellar": http.StatusNotFound}},
		{off, map[string]int{"aws,wall": http.StatusForbidden}},
	} {
		write(serverdir.StoresName, []byte(step.stores))
		if err := shelf.reload(); err != nil {
			t.Fatal(err)
		}
		for source, want := range step.want {
			if got := status(source); got != want {
				t.Errorf("%s: %d, want %d", source, got, want)
			}
		}
	}
	if text := audit.String(); !strings.Contains(text, `"decision":"issued","protocol":"1"`) || strings.Contains(text, "PLANTED") {
		t.Errorf("audit: %s", text)
	}
	write(serverdir.StoresName, []byte(strings.Replace(on, "info2048.bin", "private.pem", 1)))
	if err := shelf.reload(); err == nil || !strings.Contains(err.Error(), "version 1: entropy") {
		t.Errorf("another file in place of the entropy: %v", err)
	}
}
