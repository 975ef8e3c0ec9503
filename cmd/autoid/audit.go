package main

import (
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
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
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

func (a *appender) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
