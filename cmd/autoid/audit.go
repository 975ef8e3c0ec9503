package main

import (
	"errors"
	"io"
	"os"
	"sync"
)

// An appender adds to a file, which can be opened anew once something has moved the old one away.
type appender struct {
	path   string // "-" is stdout
	stdout io.Writer

	mu   sync.Mutex
	file *os.File
}

func (a *appender) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return a.stdout.Write(p)
	}
	return a.file.Write(p)
}

// reopen keeps the old file if the new one cannot be opened: an audit in the wrong place is better than none.
func (a *appender) reopen() error {
	if a.path == "-" {
		return nil
	}
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := endLine(f); err != nil {
		return errors.Join(err, f.Close())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.file
	a.file = f
	if old != nil {
		return old.Close()
	}
	return nil
}

// endLine ends a line that was cut short when the machine went down, so that the next one is not lost to it.
func endLine(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return nil // empty, or a pipe or terminal, which has no end to look at
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, end-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte("\n"))
	return err
}

func (a *appender) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
