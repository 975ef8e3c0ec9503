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
	// DefaultReread is how old the copy of a file may be when it is used. Nothing makes the server read a file more often:
	// not strangers with random names either.
	DefaultReread = 10 * time.Second

	maxState = 1 << 20 // bytes of a keys.json or client.json
)

// A cached is a copy of something on disk; a failure is kept like a value.
type cached[T any] struct {
	load  func() (T, error)
	after time.Duration // see DefaultReread
	log   *slog.Logger
	entry atomic.Pointer[copyOf[T]]
	mu    sync.Mutex // held by the one who reads
}

type copyOf[T any] struct {
	value T
	err   error
	read  time.Time
}

func newCached[T any](log *slog.Logger, after time.Duration, load func() (T, error)) *cached[T] {
	return &cached[T]{log: log, after: after, load: load}
}

// get returns the copy, which it renews when it is old. Others use the old one meanwhile, and if it cannot be renewed.
func (c *cached[T]) get() (T, error) {
	old := c.entry.Load()
	switch {
	case old != nil && !c.old(old):
		return old.value, old.err
	case old == nil:
		c.mu.Lock()
	case !c.mu.TryLock():
		return old.value, old.err
	}
	defer c.mu.Unlock()
	return c.read()
}

// fresh is get for who has not found in the copy what he looks for: if the copy is old he waits until it is renewed.
func (c *cached[T]) fresh() (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

// read renews the copy, unless somebody has while the caller waited for mu, which he holds.
func (c *cached[T]) read() (T, error) {
	old := c.entry.Load()
	if old != nil && !c.old(old) {
		return old.value, old.err
	}
	start := time.Now()
	value, err := c.load()
	if err != nil {
		c.log.Warn("state not readable", keyError, err)
		if old != nil && old.err == nil {
			value, err = old.value, nil
		}
	}
	c.entry.Store(&copyOf[T]{value, err, start}) // what was written while we read may not be in it
	return value, err
}

// peek returns the copy however old it is, but for one that is expired.
func (c *cached[T]) peek() (T, error) {
	if e := c.entry.Load(); e != nil && !e.read.IsZero() {
		return e.value, e.err
	}
	return c.get()
}

// renewLater renews an old copy while nobody waits for it.
func (c *cached[T]) renewLater() {
	if e := c.entry.Load(); e != nil && c.old(e) {
		go func() { _, _ = c.get() }() // what went wrong is logged
	}
}

func (c *cached[T]) old(e *copyOf[T]) bool { return time.Since(e.read) >= c.after }

// expire makes the next get or peek read.
func (c *cached[T]) expire() {
	if e := c.entry.Load(); e != nil {
		c.entry.Store(&copyOf[T]{value: e.value, err: e.err})
	}
}

// A state is the server's view of its files.
//
// How long an answer takes must not tell strangers which clients there are. So until a request has proven itself, a
// client's files are taken as they were last read, and are read again only behind its back; what it has proven by them is
// then held against the file as it is now.
type state struct {
	fsys      fs.FS
	verifiers map[string]Verifier
	reread    time.Duration
	log       *slog.Logger

	identity *cached[*Identity]
	// names holds the clients that there are: a name that is not among them costs no access to a file, and no memory.
	names *cached[map[string]bool]

	mu      sync.Mutex // guards clients and what is in them, but not while a file is read
	clients map[string]*clientState
}

type clientState struct {
	file    *cached[*ClientFile]
	entropy map[uint32]*cached[*Entropy] // by generation
}

func newState(fsys fs.FS, verifiers map[string]Verifier, reread time.Duration, log *slog.Logger) *state {
	s := &state{fsys: fsys, verifiers: verifiers, reread: reread, log: log, clients: map[string]*clientState{}}
	s.identity = newCached(log, reread, func() (*Identity, error) {
		data, err := private.ReadFS(fsys, KeysName, maxState)
		if err != nil {
			return nil, err
		}
		return ParseIdentity(data)
	})
	s.names = newCached(log, reread, func() (map[string]bool, error) {
		entries, err := fs.ReadDir(fsys, "clients")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		names := map[string]bool{}
		for _, e := range entries {
			names[e.Name()] = true
		}
		return names, nil
	})
	return s
}

// of returns the slots of a client; nil for one that there is not.
func (s *state) of(name string) *clientState {
	if names, err := s.names.get(); err != nil || !names[name] {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[name]
	if c == nil {
		file := newCached(s.log, s.reread, func() (*ClientFile, error) {
			data, err := private.ReadFS(s.fsys, ClientFileName(name), maxState)
			if err != nil {
				return nil, err
			}
			return ParseClientFile(data, s.verifiers)
		})
		c = &clientState{file, map[uint32]*cached[*Entropy]{}}
		s.clients[name] = c
	}
	return c
}

// entropyOf returns the slot of a generation that the client's file lists.
func (s *state) entropyOf(name string, c *clientState, egen uint32) *cached[*Entropy] {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := c.entropy[egen]
	if slot == nil {
		slot = newCached(s.log, s.reread, func() (*Entropy, error) {
			data, err := private.ReadFS(s.fsys, EntropyName(name, egen), EntropySize)
			if err != nil {
				return nil, err
			}
			return ParseEntropy(data)
		})
		c.entropy[egen] = slot
	}
	return slot
}

// entropy returns what the client's tag is measured by; nil for a client or generation that is unknown, revoked or over.
func (s *state) entropy(name string, egen uint32, now time.Time) *Entropy {
	c := s.of(name)
	if c == nil {
		return nil
	}
	file, err := c.file.peek()
	if err == nil && file.generation(egen) == nil {
		file, err = c.file.fresh() // a rotation: its first request must not fail
	}
	if err != nil || !file.admits(egen, now) {
		return nil
	}
	e, err := s.entropyOf(name, c, egen).peek()
	if err != nil {
		return nil
	}
	return e
}

// client returns the file, as it is now, of a client who has proven himself by egen; nil if he is out by now.
func (s *state) client(name string, egen uint32, now time.Time) *ClientFile {
	c := s.of(name)
	if c == nil {
		return nil
	}
	file, err := c.file.get()
	if err != nil || !file.admits(egen, now) {
		return nil
	}
	return file
}

// standing returns the file, as it is now, of a client who is not out; nil for every other.
func (s *state) standing(name string, now time.Time) *ClientFile {
	c := s.of(name)
	if c == nil {
		return nil
	}
	file, err := c.file.get()
	if err != nil || file.out(now) {
		return nil
	}
	return file
}

// failed has the files renewed by which a client has failed.
func (s *state) failed(name string, egen uint32) {
	c := s.of(name)
	if c == nil {
		return
	}
	c.file.renewLater()
	s.mu.Lock()
	slot := c.entropy[egen]
	s.mu.Unlock()
	if slot != nil {
		slot.renewLater()
	}
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
