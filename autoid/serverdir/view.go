package serverdir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
)

// A view is the server's files as they were read, with their bytes: what is to be replaced must still be those.
type view struct {
	id      *autoid.Identity
	idText  []byte
	clients []*clientView
}

type clientView struct {
	name          string
	file          *autoid.ClientFile
	text          []byte
	published     published
	publishedText []byte // nil: never published
	err           error  // why its files are not usable; nothing is done with it then
}

// published is clients/<client>/published.json: what the client's repositories hold, or are to hold next. It is written
// before they are, so that who is broken off comes back with the same bytes under the same number.
type published struct {
	Bundle string `json:"bundle"` // exactly what is signed
	// Since says from when on a key (by its id) and a generation were what a client finds in all of its repositories.
	Since map[string]time.Time `json:"since,omitempty"`
}

func publishedName(client string) string { return "clients/" + client + "/published.json" }

// sinceOf is a generation's name in published.Since.
func sinceOf(egen uint32) string { return "egen " + strconv.FormatUint(uint64(egen), 10) }

// bundle is what was marshalled; the zero Bundle if nothing was yet.
func (p published) bundle() (autoid.Bundle, error) {
	var b autoid.Bundle
	if p.Bundle == "" {
		return b, nil
	}
	return b, json.Unmarshal([]byte(p.Bundle), &b)
}

func (p published) marshal() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	return append(text, '\n'), err
}

// look reads everything. A client whose files are wrong has its error, and does not stand in the way of the others.
func (r *Rotator) look() (*view, error) {
	v := &view{}
	var err error
	if v.idText, err = private.ReadFS(r.Storage, autoid.KeysName, maxFile); err != nil {
		return nil, fmt.Errorf("%w (autoid keys init makes the keys)", err)
	}
	if v.id, err = autoid.ParseIdentity(v.idText); err != nil {
		return nil, fmt.Errorf("%s: %w", autoid.KeysName, err)
	}
	entries, err := fs.ReadDir(r.Storage, "clients")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		c := r.lookAt(e.Name())
		if errors.Is(c.err, fs.ErrNotExist) {
			continue // a client whose enrolment was broken off is none yet
		}
		v.clients = append(v.clients, c)
	}
	return v, nil
}

func (r *Rotator) lookAt(name string) *clientView {
	c := &clientView{name: name, file: new(autoid.ClientFile)}
	if c.text, c.err = private.ReadFS(r.Storage, autoid.ClientFileName(name), maxFile); c.err != nil {
		return c
	}
	// Only its form counts here: which kinds of evidence there are is the server's to know.
	if c.err = json.Unmarshal(c.text, c.file); c.err != nil {
		return c
	}
	text, err := private.ReadFS(r.Storage, publishedName(name), maxFile)
	switch {
	case err == nil:
		c.publishedText, c.err = text, json.Unmarshal(text, &c.published)
	case !errors.Is(err, fs.ErrNotExist):
		c.err = err
	}
	return c
}

// alive reports whether the client is one that is still to be served.
func (c *clientView) alive(now time.Time) bool {
	return c.err == nil && !c.file.Revoked && (c.file.Expires.IsZero() || now.Before(c.file.Expires))
}

// last is the client's last generation; nil: it has none.
func (c *clientView) last() *autoid.Generation { return c.newest(time.Unix(1<<40, 0)) }

// newest is the last generation that was made by then; nil: none was.
func (c *clientView) newest(settled time.Time) (g *autoid.Generation) {
	for i, x := range c.file.Entropy {
		if (g == nil || x.Egen > g.Egen) && !x.NotBefore.After(settled) {
			g = &c.file.Entropy[i]
		}
	}
	return g
}

func (v *view) any(holds func(*clientView) bool) bool { return slices.ContainsFunc(v.clients, holds) }

// unsettled finds what was made last, and how long it takes until each server has read it. A time in the future is that
// of a clock which was set back since: nothing more is known then than that the wait is no longer than the whole.
func (v *view) unsettled(now time.Time, settle time.Duration) (newest time.Time, wait time.Duration) {
	newest = now
	at := func(t time.Time) {
		if d := min(t.Add(settle).Sub(now), settle); d > 0 {
			wait = max(wait, d)
		}
		if t.After(newest) {
			newest = t
		}
	}
	for _, k := range v.id.Keys {
		at(k.NotBefore)
	}
	for _, c := range v.clients {
		for _, g := range c.file.Entropy {
			at(g.NotBefore)
		}
	}
	return newest, wait
}

func (r *Rotator) swapIdentity(ctx context.Context, v *view) error {
	text, err := v.id.Marshal()
	if err != nil {
		return err
	}
	if err := r.Storage.Swap(ctx, autoid.KeysName, v.idText, []byte(text.Reveal())); err != nil {
		return err
	}
	v.idText = []byte(text.Reveal())
	return nil
}

func (r *Rotator) swapClient(ctx context.Context, c *clientView) error {
	text, err := c.file.Marshal()
	if err != nil {
		return err
	}
	if err := r.Storage.Swap(ctx, autoid.ClientFileName(c.name), c.text, text); err != nil {
		return err
	}
	c.text = text
	return nil
}

func (r *Rotator) swapPublished(ctx context.Context, c *clientView) error {
	text, err := c.published.marshal()
	if err != nil {
		return err
	}
	if err := r.Storage.Swap(ctx, publishedName(c.name), c.publishedText, text); err != nil {
		return err
	}
	c.publishedText = text
	return nil
}

// entropy reads an entropy file.
func (r *Rotator) entropy(name string) (*autoid.Entropy, error) {
	data, err := private.ReadFS(r.Storage, name, autoid.EntropySize)
	if err != nil {
		return nil, err
	}
	return autoid.ParseEntropy(data)
}
