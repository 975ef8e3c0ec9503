// Package gitserver serves git repositories beside tests: git's own http-backend behind TLS, and OpenSSH's sshd.
package gitserver

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/daemon"
	"github.com/kioskeeper/kioskeeper/secret"
)

// Who may read and write over https.
const (
	User  = "x-access-token"
	Token = "token-for-tests"
)

// A Server serves bare repositories over both. Root is where they are.
type Server struct {
	Root string

	HTTPS string       // the address above the repositories
	HTTP  *http.Client // trusts the server's certificate

	SSH     string      // likewise
	Key     secret.Text // the private key of who may log in
	HostKey string      // the line that a client pins
	Other   string      // another host's line
}

// Start starts both servers.
func Start(t testing.TB) *Server {
	t.Helper()
	daemon.Need(t, "Debian: apt install git openssh-client", "git", "ssh-keygen")
	dir := t.TempDir()
	s := &Server{Root: filepath.Join(dir, "repositories")}
	if err := os.Mkdir(s.Root, 0o700); err != nil {
		t.Fatal(err)
	}
	s.startHTTPS(t)
	s.startSSH(t, dir)
	return s
}

// Create makes an empty repository.
func (s *Server) Create(t testing.TB, name string) {
	t.Helper()
	path := filepath.Join(s.Root, name)
	daemon.Run(t, "git", "init", "-q", "--bare", path)
	daemon.Run(t, "git", "-C", path, "config", "http.receivepack", "true")
}

func (s *Server) startHTTPS(t testing.TB) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Root: "/", Dir: s.Root,
		Stderr: t.Output(), Env: []string{"GIT_PROJECT_ROOT=" + s.Root, "GIT_HTTP_EXPORT_ALL=1"}, InheritEnv: []string{"PATH", "HOME"},
	}
	h := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, token, _ := r.BasicAuth()
		if name != User || subtle.ConstantTimeCompare([]byte(token), []byte(Token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	s.HTTPS, s.HTTP = h.URL, h.Client()
}

func (s *Server) startSSH(t testing.TB, dir string) {
	t.Helper()
	// Not on the PATH of an ordinary user, and to be called by its whole path.
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(sshd); err != nil {
		t.Fatal("no sshd: packaging/deps.sh test installs it (Debian: apt install openssh-server)")
	}
	public := func(name string) string {
		path := filepath.Join(dir, name)
		daemon.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
		return read(t, path+".pub")
	}
	s.HostKey, s.Other = public("host"), public("other")
	authorized := public("login")
	s.Key = secret.New(read(t, filepath.Join(dir, "login")) + "\n")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // as root it wants that folder
			t.Fatal(err)
		}
	}
	listen := daemon.Address(t)
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "sshd_config")
	write(t, filepath.Join(dir, "authorized_keys"), authorized+"\n")
	write(t, conf, strings.Join([]string{
		"ListenAddress " + host, "Port " + port, "HostKey " + filepath.Join(dir, "host"), "PidFile none",
		"AuthorizedKeysFile " + filepath.Join(dir, "authorized_keys"), "StrictModes no", "UsePAM no",
		"PasswordAuthentication no", "PermitRootLogin prohibit-password", "MaxStartups 100",
		"SetEnv HOME=" + dir, "", // a shell's own start-up file may take long, or print something
	}, "\n"))
	said := daemon.Start(t, sshd, "-D", "-e", "-f", conf)
	daemon.Await(t, "sshd", said, daemon.Dial(listen))
	s.SSH = "ssh://" + me.Username + "@" + listen + s.Root
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
