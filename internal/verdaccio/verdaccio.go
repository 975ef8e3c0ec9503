// Package verdaccio runs an npm registry beside tests: packages are private, and who writes must show a token.
package verdaccio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/daemon"
	"github.com/kioskeeper/kioskeeper/secret"
)

// A Server is a running registry.
type Server struct{ Address string }

// configuration has no other registry behind it. Everybody who has registered reads and writes all scoped packages but
// those of @locked.
const configuration = `storage: %[1]s/storage
auth:
  htpasswd:
    file: %[1]s/htpasswd
    max_users: 100
    algorithm: sha1
uplinks: {}
packages:
  "@locked/*":
    access: $authenticated
    publish: nobody
  "@*/*":
    access: $authenticated
    publish: $authenticated
    unpublish: $authenticated
web:
  enable: false
max_body_size: 20mb
log: {type: stdout, format: json, level: warn}
`

// Start brings a registry up and takes it down with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	daemon.Need(t, "Debian: apt install nodejs npm", "node")
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(filepath.Dir(here), "testdata", "node_modules", "verdaccio", "bin", "verdaccio")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("no verdaccio: packaging/deps.sh test installs it (%v)", err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, configuration, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := daemon.Address(t)
	s := &Server{"http://" + listen}
	said := daemon.Start(t, "node", program, "--config", conf, "--listen", listen)
	daemon.Await(t, "verdaccio", said, func() error {
		r, err := http.Get(s.Address + "/-/ping")
		if err != nil {
			return err
		}
		return r.Body.Close()
	})
	return s
}

// Token registers a user and returns his token.
func (s *Server) Token(t testing.TB, user string) secret.Text {
	t.Helper()
	body := fmt.Sprintf(`{"name":%q,"password":"of-%s-for-tests"}`, user, user)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
		s.Address+"/-/user/org.couchdb.user:"+user, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct{ Token string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("verdaccio registers nobody: status %d, %v", res.StatusCode, err)
	}
	return secret.New(answer.Token)
}
