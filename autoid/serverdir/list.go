package serverdir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// A KeyState is a server key and how far its rotation is.
type KeyState struct {
	ID    string
	Made  time.Time // zero: with the server
	State string    // accepted, published or replaced
}

// A ClientState is a client as the server's files tell of it.
type ClientState struct {
	Name string
	File *autoid.ClientFile
	Err  error // why its files are not readable
}

// State tells how the client stands.
func (c ClientState) State(now time.Time) string {
	switch {
	case c.Err != nil:
		return "unreadable"
	case c.File.Revoked:
		return "revoked"
	case !c.File.Expires.IsZero() && !now.Before(c.File.Expires):
		return "expired"
	}
	return "ok"
}

// List reads a server's keys and clients.
func List(storage Storage) (keys []KeyState, clients []ClientState, err error) {
	v, err := (&Rotator{Storage: storage}).look()
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	for i, k := range v.id.Keys {
		state := KeyState{ID: k.ID(), Made: k.NotBefore, State: "accepted"}
		if !v.replaced(v.id.Keys[i:], now).IsZero() {
			state.State = "published"
		}
		if i+1 < len(v.id.Keys) && !v.replaced(v.id.Keys[i+1:], now).IsZero() {
			state.State = "replaced"
		}
		keys = append(keys, state)
	}
	for _, c := range v.clients {
		clients = append(clients, ClientState{c.name, c.file, c.err})
	}
	return keys, clients, nil
}

// Revoke has the server refuse a client from now on, whatever it shows.
func Revoke(ctx context.Context, storage Storage, name string) error {
	if err := autoid.CheckClient(name); err != nil {
		return err
	}
	for {
		text, err := private.ReadFS(storage, autoid.ClientFileName(name), maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("client %s: there is none (autoid client list)", name)
		}
		if err != nil {
			return err
		}
		file := new(autoid.ClientFile)
		if err := json.Unmarshal(text, file); err != nil {
			return fmt.Errorf("client %s: %w: set \"revoked\": true by hand, or delete its folder", name, err)
		}
		file.Revoked = true
		revoked, err := file.Marshal()
		if err != nil {
			return err
		}
		// A rotation may have changed it meanwhile; a revocation must not be lost to that.
		if err := storage.Swap(ctx, autoid.ClientFileName(name), text, revoked); !errors.Is(err, ErrChanged) {
			return err
		}
	}
}
