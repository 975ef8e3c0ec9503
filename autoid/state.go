package autoid

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

const (
	// rereadAfter is how old the copy of a file may be when it is used. Nothing makes the server read a file more often:
	// not strangers with random names either.
	rereadAfter = 10 * time.Second
	maxState    = 1 << 20 // bytes of a keys.json or client.json
)

// A cached is a copy of something on disk; a failure is kept like a value. Its zero value has never been read.
type cached[T any] struct {
	entry atomic.Pointer[copyOf[T]]
	mu    sync.Mutex // held by the one who reads
}

type copyOf[T any] struct {
	value T
	err   error
	read  time.Time
}

// get returns the copy, which it renews when it is old. Others use the old one meanwhile, and if it cannot be renewed.
func (c *cached[T]) get(log *slog.Logger, load func() (T, error)) (T, error) {
	old := c.entry.Load()
	switch {
	case old != nil && time.Since(old.read) < rereadAfter:
		return old.value, old.err
	case old == nil:
		c.mu.Lock()
		if e := c.entry.Load(); e != nil { // read while we waited
			c.mu.Unlock()
			return e.value, e.err
		}
	case !c.mu.TryLock():
		return old.value, old.err
	}
	defer c.mu.Unlock()
	value, err := load()
	if err != nil {
		log.Warn("state not readable", keyError, err)
		if old != nil && old.err == nil {
			value, err = old.value, nil
		}
	}
	c.entry.Store(&copyOf[T]{value, err, time.Now()})
	return value, err
}

// expire makes the next get read.
func (c *cached[T]) expire() {
	if e := c.entry.Load(); e != nil {
		c.entry.Store(&copyOf[T]{value: e.value, err: e.err})
	}
}

// A state is the server's view of its files.
type state struct {
	fsys      fs.FS
	verifiers map[string]Verifier
	log       *slog.Logger

	identity cached[*Identity]
	// names holds the clients that there are: a name that is not among them costs no access to a file, and no memory.
	names cached[map[string]bool]

	mu      sync.Mutex // guards clients and what is reached through it, but not while a file is read
	clients map[string]*clientState
}

type clientState struct {
	file    cached[*ClientFile]
	entropy map[uint32]*cached[*Entropy] // by generation; guarded by state.mu
}

func (s *state) readIdentity() (*Identity, error) {
	return s.identity.get(s.log, func() (*Identity, error) {
		data, err := private.ReadFS(s.fsys, KeysName, maxState)
		if err != nil {
			return nil, err
		}
		return ParseIdentity(data)
	})
}

// client returns a client's file, nil for one that is unknown, revoked or expired.
func (s *state) client(name string, now time.Time) *ClientFile {
	names, err := s.names.get(s.log, func() (map[string]bool, error) {
		entries, err := fs.ReadDir(s.fsys, "clients")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		names := map[string]bool{}
		for _, e := range entries {
			names[e.Name()] = true
		}
		return names, nil
	})
	if err != nil || !names[name] {
		return nil
	}
	file, err := s.of(name).file.get(s.log, func() (*ClientFile, error) {
		data, err := private.ReadFS(s.fsys, ClientFileName(name), maxState)
		if err != nil {
			return nil, err
		}
		return ParseClientFile(data, s.verifiers)
	})
	if err != nil || !file.valid(now) {
		return nil
	}
	return file
}

// entropy returns the entropy of a generation; nil for one that is unknown or past its end.
func (s *state) entropy(name string, file *ClientFile, egen uint32, now time.Time) *Entropy {
	for _, g := range file.Entropy {
		if g.Egen != egen || (!g.NotAfter.IsZero() && now.After(g.NotAfter)) {
			continue
		}
		s.mu.Lock()
		c := s.clients[name]
		if c.entropy[egen] == nil {
			c.entropy[egen] = new(cached[*Entropy])
		}
		slot := c.entropy[egen]
		s.mu.Unlock()
		e, err := slot.get(s.log, func() (*Entropy, error) {
			data, err := private.ReadFS(s.fsys, EntropyName(name, egen), EntropySize)
			if err != nil {
				return nil, err
			}
			return ParseEntropy(data)
		})
		if err == nil {
			return e
		}
	}
	return nil
}

// of returns the slot of a client that is known.
func (s *state) of(name string) *clientState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[name] == nil {
		s.clients[name] = &clientState{entropy: map[uint32]*cached[*Entropy]{}}
	}
	return s.clients[name]
}

// expire has everything read again at its next use.
func (s *state) expire() {
	s.identity.expire()
	s.names.expire()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		c.file.expire()
		for _, e := range c.entropy {
			e.expire()
		}
	}
}
