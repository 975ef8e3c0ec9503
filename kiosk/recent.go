package kiosk

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
)

const (
	recentLines = 200
	recentWidth = 1000 // bytes of a line that are kept
)

// Recent keeps the last lines of the log for the status page. Its zero value is ready.
type Recent struct {
	mu    sync.Mutex // guards what follows
	lines []string   // a ring once it is full
	next  int
}

// Handler returns the slog.Handler to log to; slog.NewMultiHandler joins it with another.
func (r *Recent) Handler() slog.Handler { return slog.NewTextHandler(r, nil) }

// Write implements io.Writer for a handler that writes a line at a time.
func (r *Recent) Write(p []byte) (int, error) {
	line := bytes.TrimRight(p, "\n")
	text := string(line[:min(len(line), recentWidth)])
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < recentLines {
		r.lines = append(r.lines, text)
	} else {
		r.lines[r.next] = text
		r.next = (r.next + 1) % recentLines
	}
	return len(p), nil
}

// Lines returns what was kept, the oldest first.
func (r *Recent) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.lines[r.next:], r.lines[:r.next])
}
