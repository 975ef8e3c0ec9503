package clientdir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/filelock"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/secret"
)

// maxLease is far above any AWS keys, sealed.
const maxLease = 256 << 10

// A Lease is AWS keys that end, and when they were got, by this machine's clock.
type Lease struct {
	autoid.AWSKeys
	Got  time.Time
	Skew time.Duration // how far this machine's clock was ahead of the issuer's
}

// Ends is when the keys end by this machine's clock; zero: never.
func (l Lease) Ends() time.Time {
	if l.Expires.IsZero() {
		return time.Time{}
	}
	return l.Expires.Add(l.Skew)
}

// holds reports whether the keys can be used at a time; not if the clock has been set back since, as nobody knows then.
func (l Lease) holds(now time.Time) bool { return !now.Before(l.Got) && now.Before(l.Ends()) }

// RenewAt is when to get new keys: at two thirds of their life, so that who takes them can use them for a while, and an
// outage has to last for the other third.
func (l Lease) RenewAt() time.Time { return l.Got.Add(l.Ends().Sub(l.Got) / 3 * 2) }

// fresh reports whether the keys need not be renewed yet.
func (l Lease) fresh(now time.Time) bool { return l.holds(now) && now.Before(l.RenewAt()) }

// A Leases keeps leases of AWS keys, for all processes of this user: of many that want the same at once, one asks.
type Leases struct {
	State State
	Log   *slog.Logger // nil: none
	now   func() time.Time
}

// Get returns the lease that is known as key: the one that is kept while it is fresh and anew is not wished, else what fetch
// gets. If that fails and the old one still holds, it is what there is. Keys that never end are not kept: whoever revokes
// them must not be too late.
func (s *Leases) Get(ctx context.Context, key string, anew bool, fetch func(context.Context) (Lease, error)) (Lease, error) {
	path := s.path(key)
	if old, ok := s.read(path, key); ok && old.fresh(s.time()) && !anew {
		return old, nil
	}
	unlock, err := filelock.Lock(ctx, path+".lock")
	if err != nil {
		return Lease{}, fmt.Errorf("lease: lock: %w", err)
	}
	defer func() { _ = unlock() }()
	old, ok := s.read(path, key)
	if ok && old.fresh(s.time()) && !anew {
		return old, nil // somebody else got it meanwhile
	}
	l, err := fetch(ctx)
	if err != nil {
		if ok && old.holds(s.time()) && !refused(err) && !anew {
			s.log().Warn("not renewed: using what there is", "expires", old.Ends(), "error", err)
			return old, nil
		}
		return Lease{}, err
	}
	if l.Expires.IsZero() {
		return l, nil
	}
	if err := s.write(path, key, l); err != nil {
		s.log().Warn("not kept", "error", err)
	}
	return l, nil
}

// refused tells the server's no from trouble on the way to it.
func refused(err error) bool {
	e, ok := errors.AsType[*autoid.Error](err)
	return errors.Is(err, autoid.ErrRefused) ||
		ok && (e.Code == autoid.Denied || e.Code == autoid.NotFound || e.Code == autoid.BadRequest)
}

// Kept returns the lease that is kept under the key, if it holds.
func (s *Leases) Kept(key string) (Lease, bool) {
	l, ok := s.read(s.path(key), key)
	return l, ok && l.holds(s.time())
}

func (s *Leases) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.State.Dir, "leases", hex.EncodeToString(sum[:16]))
}

// kept is the form in which a lease is sealed.
type kept struct {
	Got  time.Time       `json:"got"`
	Skew time.Duration   `json:"skew_ns"`
	Keys json.RawMessage `json:"keys"`
}

// read has no errors: what cannot be read is as good as not there.
func (s *Leases) read(path, key string) (Lease, bool) {
	sealed, err := private.ReadFile(path, maxLease)
	var data []byte
	if err == nil {
		data, err = s.State.Sealer.Open("lease "+key, sealed)
	}
	var l Lease
	if err == nil {
		l, err = parseLease(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log().Warn("kept lease not readable", "error", err)
	}
	return l, err == nil
}

func parseLease(data []byte) (Lease, error) {
	var k kept
	if json.Unmarshal(data, &k) != nil {
		return Lease{}, errors.New("lease: not in the form that is kept") // json's own errors may quote it
	}
	keys, err := autoid.Credential{JSON: secret.New(string(k.Keys))}.AWS()
	if err == nil && keys.Expires.IsZero() {
		err = errors.New("lease: without an end")
	}
	return Lease{keys, k.Got, k.Skew}, err
}

func (s *Leases) write(path, key string, l Lease) error {
	c, err := l.Credential()
	if err != nil {
		return err
	}
	data, err := json.Marshal(kept{l.Got, l.Skew, json.RawMessage(c.JSON.Reveal())})
	if err != nil {
		return err
	}
	sealed, err := s.State.Sealer.Seal("lease "+key, data)
	if err != nil {
		return err
	}
	return private.Write(path, sealed)
}

func (s *Leases) time() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now().Round(0) // the wall's: the other one stands still in suspend, and is not kept
}

func (s *Leases) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
