package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// A hunt looks for secrets where none may be: whole or in part, as they are or encoded. A part is found from 31 bytes on,
// since each secret is cut into windows of 16. Secrets may be added at any time; all else is for one goroutine.
type hunt struct {
	mu    sync.Mutex  // guards fresh
	fresh [][2]string // what and secret, not learned yet

	known   map[string]string   // what each secret is
	needles map[uint64][]needle // by their first 8 bytes
	maybe   [1 << 17]uint64     // a bit for each hash of the first 8 bytes: most places can be passed over at once
}

type needle struct {
	what string // told when it is found, in place of the secret
	text string
}

const windowSize = 16

// secretShapes are secrets that are known by their form: hand-off addresses, each made for one sign-in.
var secretShapes = []*regexp.Regexp{
	regexp.MustCompile(`sign-in(?:/|%2[Ff])[A-Z2-7]{52}`),
	regexp.MustCompile(`s\x00i\x00g\x00n\x00-\x00i\x00n\x00/\x00(?:[A-Z2-7]\x00){52}`), // UTF-16
}

// add makes a secret known from the next look on. It may be added again. It takes no time: a sign-in waits for it.
func (h *hunt) add(what, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fresh = append(h.fresh, [2]string{what, secret})
}

// learn makes the needles for what was added.
func (h *hunt) learn() {
	h.mu.Lock()
	fresh := h.fresh
	h.fresh = nil
	h.mu.Unlock()
	for _, s := range fresh {
		h.cut(s[0], s[1])
	}
}

func (h *hunt) cut(what, secret string) {
	if h.known[secret] != "" || len(secret) < windowSize { // a shorter one would be found by chance
		return
	}
	if h.known == nil {
		h.known, h.needles = map[string]string{}, map[uint64][]needle{}
	}
	h.known[secret] = what
	for from := 0; from < len(secret); from += windowSize {
		window := secret[min(from, len(secret)-windowSize):][:windowSize]
		for _, form := range forms(window) {
			n := needle{what, form}
			k := key(form)
			if !slices.Contains(h.needles[k], n) {
				h.needles[k] = append(h.needles[k], n)
				bit := bitOf(k)
				h.maybe[bit/64] |= 1 << (bit % 64)
			}
		}
	}
}

// count says how many secrets of a kind are known.
func (h *hunt) count(what string) (n int) {
	h.learn()
	for _, kind := range h.known {
		if kind == what {
			n++
		}
	}
	return n
}

func key[T string | []byte](s T) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) }

func bitOf(k uint64) uint64 { return k * 0x9e3779b97f4a7c15 >> (64 - 23) }

// forms are a text as it is, and as it may have been written down.
func forms(text string) []string {
	all := []string{text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		url.QueryEscape(text), url.PathEscape(text)}
	for shift := range 3 { // where the text begins in what was encoded, in a group of three bytes
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := e.EncodeToString([]byte("\x00\x00"[:shift] + text))
			whole := (shift + len(text)) * 8 / 6 // letters after these hold bits of what follows
			all = append(all, encoded[(shift*8+5)/6:whole])
		}
	}
	for _, form := range all[:len(all):len(all)] {
		var wide []byte
		for _, unit := range utf16.Encode([]rune(form)) {
			wide = binary.LittleEndian.AppendUint16(wide, unit)
		}
		all = append(all, string(wide))
	}
	return all
}

// in says which secrets are in data.
func (h *hunt) in(data []byte) (found []string) {
	h.learn()
	for _, shape := range secretShapes {
		if shape.Match(data) {
			found = append(found, "hand-off address")
		}
	}
	for i := range max(0, len(data)-7) {
		k := key(data[i : i+8])
		if bit := bitOf(k); h.maybe[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, n := range h.needles[k] {
			if len(data)-i >= len(n.text) && string(data[i:i+len(n.text)]) == n.text && !slices.Contains(found, n.what) {
				found = append(found, n.what)
			}
		}
	}
	return found
}

// A spoor is where a hunt found what.
type spoor struct{ where, what string }

// processes looks at what every process below this one was started with, and says which it saw whole: the daemon, its browser
// and all of theirs, but not those of other tests, which have sign-ins of their own. Of another user's, or of one that hides
// its memory, only root sees the environment.
func (h *hunt) processes(t *testing.T) (found []spoor, whole map[string]bool) {
	t.Helper()
	whole = map[string]bool{}
	for _, p := range tree(processes(t), os.Getpid()) {
		folder, seen := filepath.Join("/proc", strconv.Itoa(p.pid)), true
		for _, name := range []string{"cmdline", "environ"} {
			path := filepath.Join(folder, name)
			data, err := os.ReadFile(path)
			if err != nil { // gone, or hidden
				seen = false
				continue
			}
			for _, what := range h.in(data) {
				found = append(found, spoor{path, what})
			}
		}
		if seen {
			whole[filepath.Base(folder)] = true
		}
	}
	return found, whole
}

// files looks at all files below folder, and at their names, but not into the folders to be left out.
func (h *hunt) files(t *testing.T, folder string, but ...string) (found []spoor, bytes int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone meanwhile
			return nil
		case err != nil:
			return err
		case slices.Contains(but, path):
			return fs.SkipDir
		}
		data := []byte(path)
		if e.Type()&fs.ModeSymlink != 0 {
			to, _ := os.Readlink(path)
			data = append(data, to...)
		}
		if e.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			data = append(append(data, '\n'), content...)
		}
		bytes += len(data)
		for _, what := range h.in(data) {
			found = append(found, spoor{path, what})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, bytes
}
