package chromium

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// errClosed says that the browser has closed its end of the pipe: it has exited, or is about to.
var errClosed = errors.New("the browser has gone")

// params are the parameters of a DevTools command.
type params map[string]any

// event is a DevTools notification.
type event struct {
	Method string
	Params json.RawMessage
}

// decode reads the parameters. The browser is trusted to keep to its own protocol: what cannot be read stays zero.
func (e event) decode(v any) { _ = json.Unmarshal(e.Params, v) }

// message is what goes over the pipe, both ways, each followed by a zero byte.
type message struct {
	ID        int64           `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// conn is a DevTools connection. The browser itself is the session "".
type conn struct {
	closed chan struct{} // closed when the browser's end is

	writing sync.Mutex // one message at a time
	w       io.Writer

	mu    sync.Mutex // guards what follows
	last  int64
	calls map[int64]chan<- message
	sinks map[string]func(event)
}

// newConn reads r until it ends.
func newConn(r io.Reader, w io.Writer) *conn {
	c := &conn{closed: make(chan struct{}), w: w, calls: map[int64]chan<- message{}, sinks: map[string]func(event){}}
	go c.read(r)
	return c
}

func (c *conn) read(r io.Reader) {
	defer close(c.closed)
	for in := bufio.NewReader(r); ; {
		raw, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(raw[:len(raw)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		reply, sink := c.calls[m.ID], c.sinks[m.SessionID]
		delete(c.calls, m.ID)
		c.mu.Unlock()
		switch {
		case m.ID != 0 && reply != nil:
			reply <- m // has room: there is one answer to a call
		case m.ID == 0 && sink != nil:
			sink(event{m.Method, m.Params})
		}
	}
}

// listen gives the session's events to sink, in order. A sink must not block and must not call.
func (c *conn) listen(session string, sink func(event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sink == nil {
		delete(c.sinks, session)
		return
	}
	c.sinks[session] = sink
}

// call sends a command and waits for its answer, which goes to result unless that is nil. Its errors name the command and
// never its parameters, which may hold a sign-in address.
func (c *conn) call(ctx context.Context, session, method string, p params, result any) error {
	m := message{SessionID: session, Method: method}
	if p != nil {
		raw, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		m.Params = raw
	}
	reply := make(chan message, 1)
	c.mu.Lock()
	c.last++
	m.ID = c.last
	c.calls[m.ID] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, m.ID)
		c.mu.Unlock()
	}()

	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	c.writing.Lock()
	_, err = c.w.Write(append(raw, 0))
	c.writing.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, errClosed)
	}
	select {
	case m := <-reply:
		if m.Error != nil {
			return fmt.Errorf("%s: the browser says %q (%d)", method, m.Error.Message, m.Error.Code)
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		return nil
	case <-c.closed:
		return fmt.Errorf("%s: %w", method, errClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer: %w", method, context.Cause(ctx))
	}
}
