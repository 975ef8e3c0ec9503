package autoid

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// plainRequest is the plaintext of an honest request, as a seed.
func plainRequest(f *testing.F) []byte {
	w := newWorld(f)
	body, _ := w.seal(w.ask())
	return w.plainOf(body)
}

// What parses is what it would be made of: there is one encoding of each request.
func FuzzParseRequest(f *testing.F) {
	plain := plainRequest(f)
	f.Add(plain)
	f.Add(plain[:100])
	f.Add(make([]byte, requestBlock))
	f.Add(bytes.Repeat([]byte{0xff}, requestBlock))
	f.Fuzz(func(t *testing.T, plain []byte) {
		r, asked, err := parseRequest(plain)
		if err != nil {
			return
		}
		again, err := r.head.marshal()
		if err != nil || !bytes.Equal(again, asked) {
			t.Fatalf("head %x became %x, %v", asked, again, err)
		}
		again = append(again, byte(len(r.evidence)>>8), byte(len(r.evidence)))
		again = pad(slices.Concat(again, r.evidence, r.tag), requestBlock)
		if !bytes.Equal(again, plain) {
			t.Fatalf("%x became %x", plain, again)
		}
		if r.ask.String() != r.want || strings.Contains(r.want, "..") || CheckClient(r.client) != nil {
			t.Fatalf("client %q wants %q", r.client, r.want)
		}
	})
}

// Whatever is sent, the server answers, and only an honest request gets more than the 403.
func FuzzServer(f *testing.F) {
	w := newWorld(f)
	body, _ := w.seal(w.ask())
	f.Add(body)
	f.Add(body[:headerSize])
	f.Add(body[:headerSize+encSize])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if rec := w.send(sent); rec.Code != 403 && !bytes.Equal(sent, body) {
			t.Fatalf("status %d", rec.Code)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	plain := func(a answer) []byte {
		b := append([]byte{a.status}, make([]byte, 16)...)
		b = append(b, 0, 0, byte(len(a.content)>>8), byte(len(a.content)))
		return pad(append(b, a.content...), responseBlock)
	}
	f.Add(plain(answer{content: []byte(`{"credential":{"a":1}}`)}))
	f.Add(plain(answer{content: []byte(`{"credential":null}`)}))
	f.Add(plain(answer{status: 1, content: []byte(`{"error":{"code":"throttled","message":"x","retry_after_s":1e99}}`)}))
	f.Add(plain(answer{status: 1, content: []byte(`{"error":null}`)}))
	f.Add(plain(answer{status: 2}))
	f.Add(bytes.Repeat([]byte{0xff}, responseBlock))
	f.Fuzz(func(t *testing.T, plain []byte) {
		a, err := parseAnswer(plain)
		if err != nil {
			return
		}
		credential, err := a.result()
		if (err == nil) == credential.Empty() {
			t.Fatalf("credential and error: %v", err)
		}
		if err == nil && !json.Valid([]byte(credential.Reveal())) {
			t.Fatal("a credential that is not JSON")
		}
		if e := asError[*Error](err); e != nil && (e.Code == "" || e.RetryAfter < 0) {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	key := must(NewKey())
	b := Bundle{Version: 2, Seq: 7, Client: testClient, ServerName: testServer, Endpoints: []string{"https://" + testServer},
		ServerKeys: []PublicKey{{Public: key.Public()}}, Entropy: []Generation{{Egen: 1, File: "entropy1"}}}
	text := must(json.Marshal(b))
	f.Add(text)
	f.Add(bytes.ReplaceAll(text, []byte("entropy1"), []byte("../x")))
	f.Add(bytes.ReplaceAll(text, []byte(`"seq":7`), []byte(`"seq":-1,"later":[{}]`)))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`null`))
	_, signer, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parseBundle(data)
		if err != nil {
			return
		}
		again, sig, err := b.Sign(signer)
		if err != nil {
			t.Fatalf("%s is not signed: %v", data, err)
		}
		if b.NextPublisher != "" {
			return // names a key whose signature we do not have
		}
		if _, _, err := VerifyBundle(again, sig, PublisherOf(signer), b.Client, b.ServerName); err != nil {
			t.Fatalf("%s became %s: %v", data, again, err)
		}
	})
}

func FuzzSignatures(f *testing.F) {
	_, signer, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	bundle := []byte("bundle")
	_, sig := signAnything(f, Bundle{}, signer)
	f.Add(sig)
	f.Add([]byte("\n\n=\n"))
	f.Fuzz(func(t *testing.T, sig []byte) {
		if PublisherOf(signer).signedBy(bundle, sig) {
			t.Fatal("a signature of something else")
		}
	})
}

// What parses, and is written again, says the same.
func FuzzParseClientFile(f *testing.F) {
	f.Add([]byte(`{"policy":{"allow":[{"want":"sts/wall","max_duration":"1h","networks":["10.0.0.0/8"]}],"per_hour":5},"bundle_seq":1}`))
	f.Add([]byte(`{"revoked":true,"expires":"2026-01-02T03:04:05Z","policy":{"allow":[]},"entropy":[{"egen":1,"file":"x"}]}`))
	f.Add([]byte(`{"evidence":{"alone":true,"any_of":[{"kind":"device-ed25519","public":"x"},null,1]}}`))
	f.Add([]byte(`{"policy":{"allow":[{"want":1,"wont":2},3]},"policy":{}}{`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseClientFile(data, nil)
		if err != nil {
			if !strings.Contains(err.Error(), "line ") {
				t.Fatalf("no line: %v", err)
			}
			return
		}
		once, err := c.Marshal()
		if err != nil {
			return // a time that JSON cannot say
		}
		again, err := ParseClientFile(once, nil)
		if err != nil {
			t.Fatalf("%s became %s: %v", data, once, err)
		}
		if twice := must(again.Marshal()); !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	id := Identity{ServerName: testServer, Endpoints: []string{"https://" + testServer}, Keys: []Key{must(NewKey())}}
	f.Add([]byte(must(id.Marshal()).Reveal()))
	f.Add([]byte(`{"version":2,"server_name":"X","endpoints":["x"],"keys":[{"private":"planted-private-key"}]}`))
	f.Add([]byte(`{"version":2,"server_name":"0","keys":[{"private":"0000000000000000000000000000000000000000000="}]}`))
	f.Add([]byte(`{"version":"2","keys":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ParseIdentity(data)
		if err != nil {
			if strings.Contains(err.Error(), "planted") {
				t.Fatalf("a key in the error: %v", err)
			}
			return
		}
		if again, err := ParseIdentity([]byte(must(id.Marshal()).Reveal())); err != nil || again.Keys[0].id != id.Keys[0].id {
			t.Fatalf("%s: %v", data, err)
		}
	})
}

func FuzzParseWant(f *testing.F) {
	for _, s := range []string{
		"sts/wall", "file/a/b@1", "a@b/c", "x/@", "x/.", "x/..", "x//y", "x/a@b/c", strings.Repeat("x/", 256), "x/a@.", "x/.@y",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWant(s)
		if err != nil {
			return
		}
		if w.String() != s || len(s) > 512 || w.Store == "" || w.ID == "" || strings.Contains(w.Store, "@") {
			t.Fatalf("%q is %+v", s, w)
		}
		for part := range strings.SplitSeq(w.ID, "/") {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("%q has the id %q", s, w.ID)
			}
		}
	})
}
