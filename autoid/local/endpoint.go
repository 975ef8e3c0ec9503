package local

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
	"github.com/kioskeeper/kioskeeper/secret"
)

// EndpointPath is where an Endpoint answers.
const EndpointPath = "/credentials"

// An Endpoint gives credentials over HTTP as a container's does: to whoever knows the token, which a file tells that only
// this user can read. AWS SDKs find it by AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.
type Endpoint struct {
	// Host is its address and port. A request has to mean exactly that: a web page whose name leads to loopback does not.
	Host  string
	Token secret.Text
	Lease func(context.Context) (clientdir.Lease, error)
	Log   *slog.Logger
}

// container is the answer that the SDKs read. Some of them want an Expiration.
type container struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string `json:",omitempty"`
	Expiration      string
}

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	refuse := func(status int, code, message string) {
		e.Log.Warn("refused", keyPeer, r.RemoteAddr, keyReason, message)
		fail(w, status, code, message)
	}
	switch {
	case r.Host != e.Host:
		refuse(http.StatusMisdirectedRequest, "InvalidHost", "another host was meant")
		return
	case e.Token.Empty() || !e.Token.Equal(secret.New(r.Header.Get("Authorization"))):
		refuse(http.StatusUnauthorized, "InvalidToken", "wrong or missing authorization token")
		return
	case r.URL.Path != EndpointPath:
		refuse(http.StatusNotFound, "NotFound", "nothing is here")
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(http.StatusMethodNotAllowed, "InvalidMethod", "GET only")
		return
	}
	l, err := e.Lease(r.Context())
	if err != nil {
		e.Log.Warn("no credentials", keyError, err)
		fail(w, http.StatusServiceUnavailable, "Unavailable", "no credentials at the moment: see what autoid says")
		return
	}
	expires := l.Expires
	if expires.IsZero() {
		expires = time.Now().Add(longLife)
	}
	_ = json.NewEncoder(w).Encode(container{l.AccessKeyID, l.SecretAccessKey.Reveal(), l.SessionToken.Reveal(),
		expires.UTC().Format(time.RFC3339)})
}

// fail answers in the form whose code and message the SDKs show.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}
