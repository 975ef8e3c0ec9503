// Package moto starts moto_server, somebody else's imitation of AWS, for tests that want a second opinion of our own.
//
// It cannot be installed everywhere, so no test can rely on it: each says in its output whether it ran.
package moto

import (
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Server is a running moto_server. It checks signatures, and what the user of its keys is allowed to do.
type Server struct {
	Endpoint    string
	AccessKeyID string
	Secret      secret.Text
}

// startTime is for Python to load all of it on a busy machine.
const startTime = 60 * time.Second

// Start starts one that ends with the test; nil, and a line in the test's output, where there is none. prepare, with
// [Server.Query] and [Server.Call], puts into it what is to be there, before it begins to check signatures.
func Start(t testing.TB, prepare func(*Server)) *Server {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Log("moto_server: not on the PATH; this ran against our stand-in only")
		return nil
	}
	port := freePort(t)
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := &Server{Endpoint: "http://127.0.0.1:" + port}
	s.await(t, port)
	prepare(s)
	s.checkSignatures(t)
	t.Log("moto_server: this ran against it")
	return s
}

func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (s *Server) await(t testing.TB, port string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startTime)
	for {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("moto_server: not up after %v", startTime)
		}
	}
}

// checkSignatures makes a user who may do everything, and has signatures checked from then on.
func (s *Server) checkSignatures(t testing.TB) {
	s.Query(t, "iam", url.Values{"Action": {"CreateUser"}, "Version": {"2010-05-08"}, "UserName": {"auto-id"}})
	s.Query(t, "iam", url.Values{"Action": {"PutUserPolicy"}, "Version": {"2010-05-08"}, "UserName": {"auto-id"},
		"PolicyName":     {"everything"},
		"PolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	var made struct {
		ID  string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Key string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	answer := s.Query(t, "iam", url.Values{"Action": {"CreateAccessKey"}, "Version": {"2010-05-08"}, "UserName": {"auto-id"}})
	if err := xml.Unmarshal(answer, &made); err != nil || made.ID == "" {
		t.Fatalf("moto_server: no access key: %v", err)
	}
	s.AccessKeyID, s.Secret = made.ID, secret.New(made.Key)
	s.post(t, "/moto-api/reset-auth", "iam", "text/plain", "", "0")
}

// Query makes a call of the Query protocol.
func (s *Server) Query(t testing.TB, service string, form url.Values) []byte {
	t.Helper()
	return s.post(t, "/", service, "application/x-www-form-urlencoded", "", form.Encode())
}

// Call makes a call of the JSON protocol.
func (s *Server) Call(t testing.TB, service, target, body string) []byte {
	t.Helper()
	return s.post(t, "/", service, "application/x-amz-json-1.1", target, body)
}

func (s *Server) post(t testing.TB, path, service, contentType, target, body string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Amz-Target", target)
	// It finds the service in the scope, and does not look at the rest yet.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/"+service+"/aws4_request, "+
		"SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("moto_server: %s %s: %s %v", service, target, resp.Status, err)
	}
	return answer
}
