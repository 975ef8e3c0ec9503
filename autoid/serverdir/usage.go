package serverdir

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// maxLine is what an audit line is shorter than.
const maxLine = 1 << 16

// A Usage is what the audit shows of keys and generations: when each was last used. Audit lines are written to it; what is
// no audit line is passed over, since nothing is issued whose line was not written whole.
type Usage struct {
	mu   sync.Mutex
	from time.Time // the first line's
	used map[string]time.Time
	rest []byte // a line's beginning
	long bool   // it is too long for an audit line
}

// Write implements io.Writer, for lines in any portions.
func (u *Usage) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(p)
	for {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		if u.long = u.long || len(u.rest)+len(line) > maxLine; !u.long {
			u.rest = append(u.rest, line...)
		}
		if !whole {
			return n, nil
		}
		if !u.long {
			u.line(u.rest)
		}
		u.rest, u.long, p = u.rest[:0], false, rest
	}
}

func (u *Usage) line(text []byte) {
	var l struct {
		Time     time.Time `json:"timestamp"`
		Decision string    `json:"decision"`
		Key      string    `json:"key"`
		Client   string    `json:"client"`
		Egen     uint32    `json:"egen"`
	}
	if json.Unmarshal(text, &l) != nil || l.Time.IsZero() || l.Decision == "" {
		return
	}
	if u.from.IsZero() || l.Time.Before(u.from) {
		u.from = l.Time
	}
	// Who was refused has proven nothing; nor has, without entropy, who was only told the time.
	if l.Decision == "refused" || (l.Decision == "clock" && l.Egen == 0) {
		return
	}
	if u.used == nil {
		u.used = map[string]time.Time{}
	}
	for _, o := range []Old{{Name: l.Key}, {Client: l.Client, Name: sinceOf(l.Egen)}} {
		if name := o.String(); l.Time.After(u.used[name]) {
			u.used[name] = l.Time
		}
	}
}

// last is when something was last used, and from when on that is known.
func (u *Usage) last(o Old) (used, from time.Time) {
	if u == nil {
		return used, from
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.used[o.String()], u.from
}
