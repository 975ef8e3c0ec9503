package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// A narrator is a log for somebody who watches: a line for each thing that happens, with the time since the start.
type narrator struct {
	mu    *sync.Mutex
	w     io.Writer
	began time.Time
	attrs []slog.Attr
	heard func(message string) // told each message, on the goroutine that logs; must not block
}

func newNarrator(w io.Writer, heard func(string)) *narrator {
	return &narrator{mu: new(sync.Mutex), w: w, began: time.Now(), heard: heard}
}

// Enabled implements slog.Handler.
func (n *narrator) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (n *narrator) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	fmt.Fprintf(&line, "%6.1fs  ", r.Time.Sub(n.began).Seconds())
	if r.Level > slog.LevelInfo {
		line.WriteString(r.Level.String() + ": ")
	}
	line.WriteString(r.Message)
	separator := ":  "
	add := func(a slog.Attr) bool {
		if a.Key == "display" || a.Equal(slog.Attr{}) { // the demo has one display
			return true
		}
		line.WriteString(separator + a.Key + " " + said(r.Time, a.Value.Resolve()))
		separator = ", "
		return true
	}
	for _, a := range n.attrs {
		add(a)
	}
	r.Attrs(add)
	line.WriteByte('\n')
	n.mu.Lock()
	_, err := io.WriteString(n.w, line.String())
	n.mu.Unlock()
	n.heard(r.Message)
	return err
}

// said is a value as one would say it: a time by how far off it is.
func said(now time.Time, v slog.Value) string {
	if v.Kind() != slog.KindTime {
		return v.String()
	}
	switch d := v.Time().Sub(now).Round(time.Second); {
	case v.Time().IsZero():
		return "unknown"
	case d < 0:
		return (-d).String() + " ago"
	default:
		return "in " + d.String()
	}
}

// WithAttrs implements slog.Handler.
func (n *narrator) WithAttrs(attrs []slog.Attr) slog.Handler {
	m := *n
	m.attrs = append(m.attrs[:len(m.attrs):len(m.attrs)], attrs...)
	return &m
}

// WithGroup implements slog.Handler. A narrator has no use for groups.
func (n *narrator) WithGroup(string) slog.Handler { return n }
