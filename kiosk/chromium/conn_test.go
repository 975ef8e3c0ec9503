package chromium

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// peer is the browser's end of a connection.
type peer struct {
	in  *bufio.Reader
	out io.WriteCloser
}

func newPeer() (*conn, peer) {
	fromUs, toPeer := io.Pipe()
	fromPeer, toUs := io.Pipe()
	return newConn(fromPeer, toPeer), peer{bufio.NewReader(fromUs), toUs}
}

func (p peer) receive(t *testing.T) message {
	t.Helper()
	raw, err := p.in.ReadBytes(0)
	if err != nil {
		t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(raw[:len(raw)-1], &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (p peer) send(t *testing.T, s string) {
	t.Helper()
	if _, err := p.out.Write(append([]byte(s), 0)); err != nil {
		t.Fatal(err)
	}
}

func TestConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newPeer()
		var heard []string
		c.listen("S", func(e event) { heard = append(heard, e.Method) })

		result := make(chan error, 1)
		var got struct{ Value int }
		go func() { result <- c.call(t.Context(), "S", "Some.method", params{"a": 1}, &got) }()
		m := p.receive(t)
		if m.Method != "Some.method" || m.SessionID != "S" || string(m.Params) != `{"a":1}` {
			t.Errorf("sent %+v", m)
		}
		p.send(t, `{"method":"For.another","sessionId":"T"}`)
		p.send(t, `{"method":"For.us","sessionId":"S"}`)
		p.send(t, `not JSON`)
		p.send(t, `{"id":999,"result":{}}`)
		p.send(t, `{"id":1,"result":{"value":7}}`)
		if err := <-result; err != nil || got.Value != 7 {
			t.Errorf("call = %v, %+v", err, got)
		}
		if len(heard) != 1 || heard[0] != "For.us" {
			t.Errorf("heard %v", heard)
		}

		go func() { result <- c.call(t.Context(), "", "Page.navigate", params{"url": "http://secret"}, nil) }()
		p.receive(t)
		p.send(t, `{"id":2,"error":{"code":-32000,"message":"no such thing"}}`)
		if err := <-result; err == nil || !strings.Contains(err.Error(), "no such thing") || strings.Contains(err.Error(), "secret") {
			t.Errorf("a refused call: %v", err)
		}

		late, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { result <- c.call(late, "", "Never.answered", nil, nil) }()
		p.receive(t)
		if err := <-result; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without an answer: %v", err)
		}
		if len(c.calls) != 0 {
			t.Errorf("%d calls are still waited for", len(c.calls))
		}

		go func() { result <- c.call(t.Context(), "", "Last.words", nil, nil) }()
		p.receive(t)
		_ = p.out.Close()
		if err := <-result; !errors.Is(err, errClosed) {
			t.Errorf("a call to a browser that exits: %v", err)
		}
		<-c.closed
	})
}

func FuzzConn(f *testing.F) {
	f.Add([]byte("{\"id\":1,\"result\":{}}\x00"))
	f.Add([]byte("{\"method\":\"Page.frameNavigated\",\"sessionId\":\"S\",\"params\":{\"frame\":{\"url\":\"http://[\"}}}\x00"))
	f.Add([]byte("{\"method\":\"Network.responseReceived\",\"sessionId\":\"S\",\"params\":{\"type\":\"Document\",\"response\":{\"status\":1e9}}}\x00"))
	f.Add([]byte("{\"method\":\"Page.lifecycleEvent\",\"sessionId\":\"S\",\"params\":[]}\x00\x00{"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := newConn(bytes.NewReader(stream), io.Discard)
		p := newFollower(c, "T", "S")
		<-c.closed
		if state, _ := p.now(); state.url == nil {
			t.Error("the page has no address")
		}
	})
}
