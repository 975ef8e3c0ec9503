// Package serverdir makes and keeps the folder of an auto-id server: its keys, its publisher's key, its clients.
//
// The folder holds
//
//	server/keys.json                  who the server is, and its private keys
//	server/stores.toml                where credentials come from (see [Stores]); written by a person
//	clients/<client>/client.json      what a client may have
//	clients/<client>/entropy-<n>.bin  what it shares with the server
//	publisher/key.pem                 the key that signs bundles; the server itself never needs it
//
// All of it is secret, and none of it may be where clients read.
package serverdir

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

const (
	publisherName = "publisher/key.pem"
	maxFile       = 1 << 20
)

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
	publisher, err := newPublisher(filepath.Join(dir, publisherName))
	if err != nil {
		return "", err
	}
	// The keys come last: with them the folder is a server's, and Init, broken off before, can be called again.
	return publisher, private.Write(filepath.Join(dir, autoid.KeysName), []byte(keys.Reveal()))
}

func newPublisher(path string) (autoid.Publisher, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return autoid.PublisherOf(key), private.Write(path, text)
}

func readPublisher(path string) (ed25519.PrivateKey, error) {
	data, err := private.ReadFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: not a PEM file with an Ed25519 key", path)
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
	publisher, err := readPublisher(filepath.Join(dir, publisherName))
	if err != nil {
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
	b := &autoid.Bundle{
		Version: 2, Seq: file.BundleSeq, Client: name, ServerName: id.ServerName, Endpoints: id.Endpoints,
		Entropy: file.Entropy,
	}
	for _, k := range id.Keys {
		b.ServerKeys = append(b.ServerKeys, autoid.PublicKey{Public: k.Public(), Period: k.Period})
	}
	if err := b.Publish(ctx, to, map[string]*autoid.Entropy{generation.File: entropy}, publisher); err != nil {
		return none, err
	}
	// The client's file comes last: with it the client exists, and AddClient, broken off before, can be called again.
	if err := private.Write(clientPath, text); err != nil {
		return none, err
	}
	return Enrolment{name, id.Endpoints[0], autoid.PublisherOf(publisher), b.Seq}, nil
}

// randomName names an entropy file by nothing that is in it.
func randomName() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
