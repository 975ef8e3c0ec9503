// Package v1 answers clients of auto-id's protocol version 1, the 2018 reference implementation's, which are out there.
//
// It is off unless it is configured, serves the sources that are named and no other, and closes what can be closed
// without changing what an honest client sends: a request must show that it knows a good part of the entropy file, all
// refusals are one answer at one cost, and the policy of one client holds for all of them, since nothing tells them apart.
//
// What cannot be mended: a recorded answer opens for whoever gets the private key later (no forward secrecy); a recorded
// request is good for ever, for whoever can open its answer; a request can be bent on its way to ask for another of the
// named sources, an answer to say something else (nothing authenticates either); one file is shared by all. Move clients
// to version 2, which shares no file and no key with this.
package v1

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// Path is appended to an endpoint's address.
const Path = "/Stage/verify"

const (
	protocol   = "1"      // in the audit
	maxBody    = 16 << 10 // an honest request has some 1,700 bytes
	maxContent = 64 << 10 // of a credential
)

// Settings are who is answered, and with what.
type Settings struct {
	Client  string // whose policy holds
	Sources map[string]autoid.Want
	Key     *rsa.PrivateKey
	Entropy *Entropy
}

// A Handler answers version 1. While it has no settings it refuses everything.
type Handler struct {
	Server *autoid.Server // has the client's file, the stores, the limits and the audit
	Log    *slog.Logger   // nil discards
	now    atomic.Pointer[opener]
}

// Set has the handler answer by these settings from now on; nil has it refuse everything.
func (h *Handler) Set(s *Settings) error {
	if s == nil {
		h.now.Store(nil)
		return nil
	}
	o, err := newOpener(*s)
	if err == nil {
		h.now.Store(o)
	}
	return err
}

// On reports whether there are settings.
func (h *Handler) On() bool { return h.now.Load() != nil }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := h.now.Load()
	if o == nil || !h.Server.Heeds(r) {
		refuse(w)
		return
	}
	var body []byte
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, Path) {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			body = nil
		}
	}
	q, err := o.open(body)
	if err != nil {
		h.Server.Refuse(r, protocol, err.Error())
		refuse(w)
		return
	}
	answer, err := h.answer(r.Context(), r, o, q)
	if err != nil {
		if h.Log != nil {
			h.Log.Warn("version 1 refused", "error", err)
		}
		refuse(w)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
}

func (h *Handler) answer(ctx context.Context, r *http.Request, o *opener, q request) ([]byte, error) {
	want, ok := o.Sources[q.source]
	if !ok {
		h.Server.Refuse(r, protocol, "source: not one of those that are named")
		return nil, errors.New("source: not one of those that are named")
	}
	sum := sha256.Sum256([]byte(q.key))
	content, err := h.Server.Answer(ctx, r, autoid.Arrival{
		Protocol: protocol, Client: o.Client, Want: want, Request: hex.EncodeToString(sum[:12]),
	}, content)
	if err != nil {
		return nil, err
	}
	message, err := seal(q.key, content)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"message": message})
}

// content is a credential as version 1 has it: a text, or AWS keys as ACCESS_KEY_ID,SECRET_ACCESS_KEY.
func content(c autoid.Credential) ([]byte, error) {
	text := c.JSON.Reveal()
	if keys, err := c.AWS(); err == nil {
		if !keys.SessionToken.Empty() {
			return nil, errors.New("version 1 cannot carry a session token: it has no place for one")
		}
		text = keys.AccessKeyID + "," + keys.SecretAccessKey.Reveal()
	} else if strings.HasPrefix(text, `"`) {
		if json.Unmarshal([]byte(c.JSON.Reveal()), &text) != nil {
			return nil, errors.New("credential: not JSON")
		}
	}
	if len(text) > maxContent {
		return nil, errors.New("credential: too big for version 1")
	}
	return []byte(text), nil
}

// refuse sends the one refusal, which is the reference's to a wrong hash. Not even the time is in it.
func refuse(w http.ResponseWriter) {
	const text = `{"message":"not found"}`
	h := w.Header()
	h["Date"] = nil
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, text)
}
