package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how often, at most, the files of a certificate are looked at for a change.
const lookAgain = 10 * time.Second

// A certificate is read from its files again when they have changed. While they cannot be read, or do not fit each other
// because only one is replaced yet, the old one stays.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	now    *tls.Certificate
	read   [2]time.Time // the files' times of change
	looked time.Time
}

func newCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	return c, c.reload()
}

// config is TLS 1.3 alone: clients are our own.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if time.Since(c.looked) >= lookAgain && c.changed() != c.read {
				if err := c.load(); err != nil {
					c.log.Warn("certificate not read again", keyError, err)
				}
			}
			return c.now, nil
		},
	}
}

func (c *certificate) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

func (c *certificate) load() error {
	read := c.changed()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.now, c.read = &pair, read
	return nil
}

// changed finds when the files were changed; zero for one that is not there.
func (c *certificate) changed() (t [2]time.Time) {
	c.looked = time.Now()
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			t[i] = info.ModTime()
		}
	}
	return t
}

// expires is the end of the certificate's time.
func (c *certificate) expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.Leaf.NotAfter
}
