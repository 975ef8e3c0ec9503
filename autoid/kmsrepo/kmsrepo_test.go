package kmsrepo_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/kmsrepo"
	"github.com/kioskeeper/kioskeeper/internal/moto"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A service is a KMS with two keys.
type service struct {
	endpoint   string
	signer     autoid.AWSKeys
	key, other string
}

func (s service) open(t *testing.T, inner autoid.Repository, key, client string) *kmsrepo.Repository {
	t.Helper()
	r, err := kmsrepo.New(inner, key, client)
	if err != nil {
		t.Fatal(err)
	}
	r.Account.Endpoint, r.Account.Keys = s.endpoint, s.signer // the region is that of the key
	return r
}

func TestSealedObjectsAreARepository(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(new(standin.Server))
	t.Cleanup(h.Close)
	signer := autoid.AWSKeys{AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)}
	keepsItsPromises(t, service{h.URL, signer, standin.DefaultKMSKey, standin.OtherKMSKey})
}

// moto has a KMS of its own, which shares nothing with ours.
func TestWithMotoToo(t *testing.T) {
	t.Parallel()
	var s service
	m := moto.Start(t, func(m *moto.Server) {
		for _, key := range []*string{&s.key, &s.other} {
			var made struct{ KeyMetadata struct{ Arn string } }
			if err := json.Unmarshal(m.Call(t, "kms", "TrentService.CreateKey", "{}"), &made); err != nil {
				t.Fatal(err)
			}
			*key = made.KeyMetadata.Arn
		}
	})
	if m != nil {
		s.endpoint, s.signer = m.Endpoint, autoid.AWSKeys{AccessKeyID: m.AccessKeyID, SecretAccessKey: m.Secret}
		keepsItsPromises(t, s)
	}
}

func keepsItsPromises(t *testing.T, s service) {
	autoidtest.TestRepository(t, func(t *testing.T) autoid.Repository {
		return s.open(t, folder.Repository{Path: t.TempDir()}, s.key, "lobby-tv")
	})
	t.Run("what was sealed as one opens as no other", func(t *testing.T) {
		inner := folder.Repository{Path: t.TempDir()}
		const planted = "planted content"
		ours := s.open(t, inner, s.key, "lobby-tv")
		if err := ours.Publish(t.Context(), []autoid.Object{{Name: "x", Content: []byte(planted)}}); err != nil {
			t.Fatal(err)
		}
		sealed, err := inner.Fetch(t.Context(), "x", 1<<20)
		if err != nil || strings.Contains(string(sealed), planted) {
			t.Fatalf("not sealed, %v", err)
		}
		changed := append([]byte(nil), sealed...)
		changed[len(changed)-1] ^= 1
		put := func(name string, content []byte) {
			if err := inner.Publish(context.Background(), []autoid.Object{{Name: name, Content: content}}); err != nil {
				t.Fatal(err)
			}
		}
		for what, try := range map[string]func() ([]byte, error){
			"as another object": func() ([]byte, error) {
				put("y", sealed)
				return ours.Fetch(t.Context(), "y", 100)
			},
			"for another client": func() ([]byte, error) { return s.open(t, inner, s.key, "hall").Fetch(t.Context(), "x", 100) },
			"by another key":     func() ([]byte, error) { return s.open(t, inner, s.other, "lobby-tv").Fetch(t.Context(), "x", 100) },
			"changed": func() ([]byte, error) {
				put("z", changed)
				return ours.Fetch(t.Context(), "z", 100)
			},
			"not sealed at all": func() ([]byte, error) {
				put("plain", []byte(planted))
				return ours.Fetch(t.Context(), "plain", 100)
			},
		} {
			if got, err := try(); err == nil || strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %q, %v", what, got, err)
			}
		}
	})
}

func TestOnlyAnARNNamesAKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "alias/wall", "arn:aws:kms:us-east-1:111122223333:alias/wall", "1234"} {
		if _, err := kmsrepo.New(folder.Repository{}, key, "lobby-tv"); err == nil {
			t.Errorf("%q was taken", key)
		}
	}
}
