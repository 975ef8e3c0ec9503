// Package serverdir makes and keeps the folder of an auto-id server: its keys, its publisher's key, its clients.
//
// The folder holds
//
//	server/keys.json                  who the server is, and its private keys
//	server/stores.toml                where credentials come from (see [Stores]); written by a person
//	clients/<client>/client.json      what a client may have
//	clients/<client>/entropy-<n>.bin  what it shares with the server
//	clients/<client>/published.json   what its repositories hold, and since when
//	publisher/key.pem                 the key that signs bundles; the server needs it only to rotate by itself
//	publisher/next.pem                the one after it, while it is being replaced
//
// All of it is secret, and none of it may be where clients read.
package serverdir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

const maxFile = 1 << 20

// Init makes the folder of a new server, reachable at the endpoints, and returns the publisher whom its clients trust. A
// folder that has keys is left as it is: new ones would lock its clients out.
func Init(dir, serverName string, endpoints []string) (autoid.Publisher, error) {
	id := &autoid.Identity{ServerName: serverName, Endpoints: endpoints}
	if err := id.Check(); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, autoid.KeysName)); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: has a server already (%w): choose another --dir", dir, errors.Join(fs.ErrExist, err))
	}
	key, err := autoid.NewKey()
	if err != nil {
		return "", err
	}
	id.Keys = []autoid.Key{key}
	keys, err := id.Marshal()
	if err != nil {
		return "", err
	}
	publisher, text, err := newPublisher()
	if err != nil {
		return "", err
	}
	if err := private.Write(filepath.Join(dir, publisherName), text); err != nil {
		return "", err
	}
	// The keys come last: with them the folder is a server's, and Init, broken off before, can be called again.
	return autoid.PublisherOf(publisher), private.Write(filepath.Join(dir, autoid.KeysName), []byte(keys.Reveal()))
}

// An Enrolment is what a new client has to be told, besides where its bundle is.
type Enrolment struct {
	Client    string
	Server    string // its first endpoint
	Publisher autoid.Publisher
	Seq       uint64 // of its first bundle
}

// AddClient enrols a client under the policy and rules of file, whose other fields it fills, and publishes its bundle.
func AddClient(
	ctx context.Context, dir, name string, file autoid.ClientFile, to autoid.Repository,
) (Enrolment, error) {
	none := Enrolment{}
	if err := autoid.CheckClient(name); err != nil {
		return none, err
	}
	unlock, err := Folder{dir}.Lock(ctx) // a rotation must see all of the client or nothing
	if err != nil {
		return none, fmt.Errorf("%w (autoid keys init makes the folder)", err)
	}
	defer func() { _ = unlock() }()
	clientPath := filepath.Join(dir, autoid.ClientFileName(name))
	if _, err := os.Stat(clientPath); !errors.Is(err, fs.ErrNotExist) {
		return none, fmt.Errorf("client %s: exists already (%w)", name, errors.Join(fs.ErrExist, err))
	}
	data, err := private.ReadFile(filepath.Join(dir, autoid.KeysName), maxFile)
	if err != nil {
		return none, fmt.Errorf("%w (autoid keys init makes the keys)", err)
	}
	id, err := autoid.ParseIdentity(data)
	if err != nil {
		return none, fmt.Errorf("%s: %w", autoid.KeysName, err)
	}
	p := publication{settled: time.Now().Add(-DefaultSettle), id: id}
	if p.signers, p.next, err = readSigners(Folder{dir}); err != nil {
		return none, err
	}
	generation := autoid.Generation{Egen: 1, File: randomName()}
	file.BundleSeq, file.Entropy = 1, []autoid.Generation{generation}
	text, err := file.Marshal()
	if err != nil {
		return none, err
	}
	if _, err := autoid.ParseClientFile(text, nil); err != nil {
		return none, fmt.Errorf("client %s: %w", name, err)
	}
	entropy := autoid.NewEntropy()
	if err := private.Write(filepath.Join(dir, autoid.EntropyName(name, 1)), entropy.File()); err != nil {
		return none, err
	}
	b := bundleOf(id, name, &generation, p.next, p.settled)
	b.Seq = file.BundleSeq
	if err := b.Publish(ctx, to, map[string]*autoid.Entropy{generation.File: entropy}, p.signers...); err != nil {
		return none, err
	}
	c := &clientView{name: name, file: &file}
	marshalled, err := b.Marshal()
	if err != nil {
		return none, err
	}
	c.published.Bundle = string(marshalled)
	c.published.Since = sinceNow(id, c, b, time.Now().UTC())
	publishedText, err := c.published.marshal()
	if err != nil {
		return none, err
	}
	if err := private.Write(filepath.Join(dir, publishedName(name)), publishedText); err != nil {
		return none, err
	}
	// The client's file comes last: with it the client exists, and AddClient, broken off before, can be called again.
	if err := private.Write(clientPath, text); err != nil {
		return none, err
	}
	return Enrolment{name, id.Endpoints[0], autoid.PublisherOf(p.signers[len(p.signers)-1]), b.Seq}, nil
}

// randomName names an entropy file by nothing that is in it.
func randomName() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
