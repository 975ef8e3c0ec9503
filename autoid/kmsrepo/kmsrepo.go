// Package kmsrepo seals what lies in an auto-id repository with a key of AWS KMS, so that it opens only to those whom the
// key's policy lets: the machine's role, say.
//
// Each object has a data key of its own. Its encryption context names the client and the object, so that what was sealed
// as one opens as no other, and CloudTrail tells who opened what.
package kmsrepo

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/crypto/cryptobyte"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// A Repository is another one, sealed. Its objects are
//
//	"AIDK" ‖ u8 1 ‖ u16 length ‖ the data key, sealed by KMS ‖ nonce[12] ‖ AES-256-GCM of the content
type Repository struct {
	autoid.Repository
	// Key is the key's ARN, and no alias: an answer by another key is refused.
	Key     string
	Client  string
	Account *awscall.Account

	mu     sync.Mutex // held while the client is made
	client *kms.Client
}

var (
	_ autoid.Repository = (*Repository)(nil)
	_ autoid.Remover    = (*Repository)(nil)
)

var keyForm = regexp.MustCompile(`^arn:aws[a-z0-9-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`)

const (
	magic = "AIDK\x01"
	// overhead is what sealing adds at most: KMS's part is under 6,144 bytes, by its own limit.
	overhead = int64(len(magic)) + 2 + 6144 + 12 + 16
	keySize  = 32
)

// New seals what is in inner by the key, which lies in the region that its ARN says.
func New(inner autoid.Repository, key, client string) (*Repository, error) {
	m := keyForm.FindStringSubmatch(key)
	if m == nil {
		return nil, fmt.Errorf("KMS key %q: not a key's ARN, such as arn:aws:kms:eu-central-1:111122223333:key/…", key)
	}
	return &Repository{Repository: inner, Key: key, Client: client,
		Account: &awscall.Account{Region: m[1]}}, nil
}

// Fetch implements [autoid.Repository].
func (r *Repository) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	sealed, err := r.Repository.Fetch(ctx, name, limit+overhead)
	if err != nil {
		return nil, err
	}
	wrapped, nonce, box, err := parse(sealed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	client, err := r.kms(ctx)
	if err != nil {
		return nil, err
	}
	out, err := client.Decrypt(ctx, &kms.DecryptInput{
		CiphertextBlob: wrapped, KeyId: &r.Key, EncryptionContext: r.context(name),
		EncryptionAlgorithm: types.EncryptionAlgorithmSpecSymmetricDefault,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, awscall.Told("KMS Decrypt", err))
	}
	if out.KeyId == nil || *out.KeyId != r.Key {
		return nil, fmt.Errorf("%s: KMS opened it by another key", name)
	}
	aead, err := seal(out.Plaintext)
	if err != nil {
		return nil, err
	}
	content, err := aead.Open(nil, nonce, box, []byte(magic))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errMalformed)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s: over %d bytes", name, limit)
	}
	return content, nil
}

// Publish implements [autoid.Repository].
func (r *Repository) Publish(ctx context.Context, objects []autoid.Object) error {
	client, err := r.kms(ctx)
	if err != nil {
		return err
	}
	sealed := make([]autoid.Object, len(objects))
	for i, o := range objects {
		if err := autoid.CheckObject(o.Name); err != nil {
			return err
		}
		out, err := client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: &r.Key, KeySpec: types.DataKeySpecAes256, EncryptionContext: r.context(o.Name),
		})
		if err != nil {
			return fmt.Errorf("%s: %w", o.Name, awscall.Told("KMS GenerateDataKey", err))
		}
		if out.KeyId == nil || *out.KeyId != r.Key {
			return fmt.Errorf("%s: KMS answers with another key", o.Name)
		}
		aead, err := seal(out.Plaintext)
		if err != nil {
			return err
		}
		var nonce [12]byte
		_, _ = rand.Read(nonce[:]) // never fails
		b := cryptobyte.NewBuilder([]byte(magic))
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(out.CiphertextBlob) })
		b.AddBytes(nonce[:])
		head, err := b.Bytes()
		if err != nil {
			return err
		}
		sealed[i] = autoid.Object{Name: o.Name, Content: aead.Seal(head, nonce[:], o.Content, []byte(magic))}
	}
	return r.Repository.Publish(ctx, sealed)
}

// Remove implements [autoid.Remover], if what is inside does.
func (r *Repository) Remove(ctx context.Context, names ...string) error {
	if inner, ok := r.Repository.(autoid.Remover); ok {
		return inner.Remove(ctx, names...)
	}
	return nil // as for a caller who asks whether it is one
}

// context does not say which repository it is: client and publisher may reach it by different addresses.
func (r *Repository) context(name string) map[string]string {
	return map[string]string{"source": "autoid bundle", "client": r.Client, "name": name}
}

func (r *Repository) kms(ctx context.Context) (*kms.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		cfg, err := r.Account.Config(ctx)
		if err != nil {
			return nil, err
		}
		r.client = kms.NewFromConfig(cfg)
	}
	return r.client, nil
}

func seal(key []byte) (cipher.AEAD, error) {
	if len(key) != keySize {
		return nil, errors.New("KMS: not a data key of 256 bits")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

var errMalformed = errors.New("not sealed by KMS, or changed since (is kms_key right?)")

func parse(sealed []byte) (wrapped, nonce, box []byte, err error) {
	s := cryptobyte.String(sealed)
	var head []byte
	var key cryptobyte.String
	if !s.ReadBytes(&head, len(magic)) || string(head) != magic || !s.ReadUint16LengthPrefixed(&key) ||
		key.Empty() || !s.ReadBytes(&nonce, 12) {
		return nil, nil, nil, errMalformed
	}
	return key, nonce, s, nil
}
