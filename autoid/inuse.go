package autoid

import (
	"context"
	"encoding/hex"
	"time"
)

// InUse is what a client goes by.
type InUse struct {
	Server    string // its name
	Seq       uint64
	Key       string    // the id of the server's key: 16 hex digits
	KeyUntil  time.Time // zero: open
	Egen      uint32    // 0: evidence alone
	EgenUntil time.Time // zero: open
}

// InUse tells what the client goes by, and fetches its bundle if it has none. The server is not asked.
func (c *Client) InUse(ctx context.Context) (InUse, error) {
	if err := c.start(); err != nil {
		return InUse{}, err
	}
	h, err := c.current(ctx)
	if err != nil {
		return InUse{}, err
	}
	key := h.key(c.now())
	id := idOf(key.Public)
	u := InUse{Server: c.name, Seq: h.Seq, Key: hex.EncodeToString(id[:]), KeyUntil: key.NotAfter}
	if h.generation != nil {
		u.Egen, u.EgenUntil = h.generation.Egen, h.generation.NotAfter
	}
	return u, nil
}
