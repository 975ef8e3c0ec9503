package serverdir

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

const (
	publisherName = "publisher/key.pem"
	// nextName is there while the publisher is being replaced: bundles bear both signatures then.
	nextName = "publisher/next.pem"
)

// NextPublisher begins to replace the publisher's key: from the next Publish on bundles name the new one, and bear both
// signatures. It returns who is pinned from now on. A replacement under way is taken up again.
func (r *Rotator) NextPublisher(ctx context.Context) (autoid.Publisher, error) {
	if _, next, err := readSigners(r.Storage); err != nil || next != "" {
		return next, err
	}
	key, text, err := newPublisher()
	if err != nil {
		return "", err
	}
	return autoid.PublisherOf(key), r.Storage.Swap(ctx, nextName, nil, text)
}

// RetirePublisher ends the replacement: bundles bear the new signature alone. Who pinned the old publisher, and has not
// fetched a bundle since or remembers none, takes none of them: his configuration must name the new one by now. It waits
// for the overlap, unless it is forced.
func (r *Rotator) RetirePublisher(ctx context.Context, force bool) error {
	unlock, err := r.Storage.Lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.retirePublisher(ctx, force), unlock())
}

func (r *Rotator) retirePublisher(ctx context.Context, force bool) error {
	old, err := private.ReadFS(r.Storage, publisherName, maxFile)
	if err != nil {
		return err
	}
	text, err := private.ReadFS(r.Storage, nextName, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("publisher: it is not being replaced: autoid keys rotate --publisher")
	}
	if err != nil {
		return err
	}
	key, err := parsePublisher(text, nextName)
	if err != nil {
		return err
	}
	v, err := r.look()
	if err != nil {
		return err
	}
	for _, c := range v.clients {
		since := c.published.Since[string(autoid.PublisherOf(key))]
		if now := time.Now(); !force && c.alive(now) && (since.IsZero() || now.Sub(since) < r.overlap()) {
			return fmt.Errorf("publisher: client %s has not had a whole overlap (%v) to learn of the new one, or --force", c.name, r.overlap())
		}
	}
	if string(old) != string(text) {
		if err := r.Storage.Swap(ctx, publisherName, old, text); err != nil {
			return err
		}
	}
	return r.Storage.Swap(ctx, nextName, text, nil)
}

// readSigners reads who signs bundles, and who alone will; "" if the publisher is not being replaced.
func readSigners(fsys fs.FS) (signers []ed25519.PrivateKey, next autoid.Publisher, err error) {
	for _, name := range []string{publisherName, nextName} {
		text, err := private.ReadFS(fsys, name, maxFile)
		if name == nextName && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, "", err
		}
		key, err := parsePublisher(text, name)
		if err != nil {
			return nil, "", err
		}
		if len(signers) == 0 {
			signers = append(signers, key)
		} else if !key.Equal(signers[0]) { // else a retirement was broken off at its last step
			signers, next = append(signers, key), autoid.PublisherOf(key)
		}
	}
	return signers, next, nil
}

func newPublisher() (ed25519.PrivateKey, []byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func parsePublisher(text []byte, name string) (ed25519.PrivateKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: not a PEM file with an Ed25519 key", name)
}
