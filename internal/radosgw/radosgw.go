// Package radosgw runs a Ceph object gateway beside tests: S3, and STS with roles, that check signatures and policies.
//
// It is a whole cluster of one monitor, one store in memory and the gateway, on loopback, for any user.
package radosgw

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/daemon"
	"github.com/kioskeeper/kioskeeper/secret"
)

// Region is what requests are signed for; the gateway takes any.
const Region = "us-east-1"

// Keys are long-term keys of a user.
type Keys struct {
	AccessKeyID string
	Secret      secret.Text
}

// A Server is a running gateway. Roles and users are made by calls of the gateway's own administrator.
type Server struct {
	Endpoint string // for S3, with path-style addresses, and for STS
	Keys     Keys   // of a user who may do everything, here
	conf     string
}

const hint = "Debian: apt install radosgw ceph-mon ceph-osd ceph-common"

// Start brings a gateway up, in some ten seconds, and takes it down with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	daemon.Need(t, hint, "radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "monmaptool")
	// Not t.TempDir: sockets below it have long names, and the daemons may still write while it is removed.
	dir, err := os.MkdirTemp("", "radosgw-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	monitor, gateway := daemon.Address(t), daemon.Address(t)
	s := &Server{Endpoint: "http://" + gateway, conf: filepath.Join(dir, "ceph.conf")}
	cluster, store := uuid(), uuid()
	storeKey := cephKey()
	write(t, s.conf, strings.NewReplacer("DIR", dir, "FSID", cluster, "MONITOR", monitor, "GATEWAY", gateway,
		"STSKEY", rand.Text()[:16]).Replace(configuration))
	write(t, filepath.Join(dir, "keyring"), fmt.Sprintf(keyring, cephKey(), cephKey(), storeKey))
	for _, name := range []string{"mon", "osd"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	monmap := filepath.Join(dir, "monmap")
	daemon.Run(t, "monmaptool", "--create", "--addv", "a", "v2:"+monitor, "--fsid", cluster, monmap)
	daemon.Run(t, "ceph-mon", "-c", s.conf, "--mkfs", "-i", "a", "--monmap", monmap)
	daemon.Start(t, "ceph-mon", "-c", s.conf, "-f", "-i", "a")
	daemon.Run(t, "ceph", "-c", s.conf, "--connect-timeout", "60", "osd", "new", store, "0")
	daemon.Run(t, "ceph-osd", "-c", s.conf, "--mkfs", "-i", "0", "--osd-uuid", store, "--key", storeKey)
	daemon.Start(t, "ceph-osd", "-c", s.conf, "-f", "-i", "0")
	s.Keys = s.CreateUser(t, "root", "--caps=roles=*;oidc-provider=*;user-policy=*")
	said := daemon.Start(t, "radosgw", "-c", s.conf, "-f", "-n", "client.admin")
	daemon.Await(t, "radosgw", said, func() error {
		r, err := http.Get(s.Endpoint)
		if err != nil {
			return err
		}
		return r.Body.Close()
	})
	return s
}

// CreateUser makes a user, who owns what he creates and may do nothing else; flags are further ones of radosgw-admin.
// His ARN is arn:aws:iam:::user/NAME.
func (s *Server) CreateUser(t testing.TB, name string, flags ...string) Keys {
	t.Helper()
	out := s.admin(t, append([]string{"user", "create", "--uid=" + name, "--display-name=" + name}, flags...)...)
	var user struct {
		Keys []struct {
			ID     string `json:"access_key"`
			Secret string `json:"secret_key"`
		}
	}
	if err := json.Unmarshal([]byte(out), &user); err != nil || len(user.Keys) != 1 {
		t.Fatalf("radosgw-admin user create: %v", err)
	}
	return Keys{user.Keys[0].ID, secret.New(user.Keys[0].Secret)}
}

// CreateRole makes a role and returns its ARN. trust is its trust policy.
func (s *Server) CreateRole(t testing.TB, name, trust string) string {
	t.Helper()
	out := s.admin(t, "role", "create", "--role-name="+name, "--path=/", "--assume-role-policy-doc="+trust)
	var role struct{ Arn string }
	if err := json.Unmarshal([]byte(out), &role); err != nil || role.Arn == "" {
		t.Fatalf("radosgw-admin role create: %v\n%s", err, out)
	}
	return role.Arn
}

// PutRolePolicy says what a role may do.
func (s *Server) PutRolePolicy(t testing.TB, role, name, policy string) {
	t.Helper()
	s.admin(t, "role-policy", "put", "--role-name="+role, "--policy-name="+name, "--policy-doc="+policy)
}

func (s *Server) admin(t testing.TB, args ...string) string {
	t.Helper()
	return daemon.Run(t, "radosgw-admin", append([]string{"-c", s.conf}, args...)...)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// cephKey is a key as ceph-authtool makes it: a type, a time and a length before 16 random bytes.
func cephKey() string {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	text := binary.LittleEndian.AppendUint16(nil, 1)
	text = binary.LittleEndian.AppendUint64(text, 0)
	text = binary.LittleEndian.AppendUint16(text, uint16(len(key)))
	return base64.StdEncoding.EncodeToString(append(text, key[:]...))
}
