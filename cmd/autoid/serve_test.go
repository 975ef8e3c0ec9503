package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// writeCertificate writes a certificate of that number and its key.
func writeCertificate(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACertificateIsReadAgainWhenItHasChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	synctest.Test(t, func(t *testing.T) { // for its clock, which looks at the files every 10 seconds
		// The files' times are the system's own; the bubble's clock says when they are looked at.
		c, err := newCertificate(cert, key, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		want := func(number int64) {
			t.Helper()
			got, err := c.config().GetCertificate(nil)
			if err != nil || got.Leaf.SerialNumber.Int64() != number {
				t.Errorf("certificate %v, %v, want %d", got.Leaf.SerialNumber, err, number)
			}
		}
		want(1)
		writeCertificate(t, cert, key, 2)
		want(1)
		time.Sleep(lookAgain)
		want(2)
		if err := os.Remove(key); err != nil { // between two writes
			t.Fatal(err)
		}
		time.Sleep(lookAgain)
		want(2)
		writeCertificate(t, cert, key, 3)
		if err := c.reload(); err != nil { // SIGHUP
			t.Fatal(err)
		}
		want(3)
	})
}

// listening runs serve for a handler on a real socket, and returns its address, how to end it, and its end.
func listening(t *testing.T, h http.Handler, c *certificate) (address string, stop func(), ended <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	s := newHTTPServer(h, slog.New(slog.DiscardHandler))
	listen := func() error { return s.Serve(l) }
	if c != nil {
		s.TLSConfig = c.config()
		listen = func() error { return s.ServeTLS(l, "", "") }
	}
	done := make(chan error, 1)
	go func() { done <- serve(ctx, s, func() {}, listen) }()
	return l.Addr().String(), cancel, done
}

func TestNothingBelowTLS13(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCertificate(t, filepath.Join(dir, "cert"), filepath.Join(dir, "key"), 1)
	c, err := newCertificate(filepath.Join(dir, "cert"), filepath.Join(dir, "key"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := listening(t, http.NotFoundHandler(), c)
	for version, ok := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestWhatIsUnderWayComesToItsEnd(t *testing.T) {
	t.Parallel()
	under, go1 := make(chan struct{}), make(chan struct{})
	address, stop, ended := listening(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(under)
		<-go1
		_, _ = io.WriteString(w, "whole")
	}), nil)
	answer := make(chan string, 1)
	go func() {
		r, err := http.Get("http://" + address)
		if err != nil {
			answer <- err.Error()
			return
		}
		text, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		answer <- string(text)
	}()
	<-under
	stop()
	for { // until nobody listens any more
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(go1)
	if got := <-answer; got != "whole" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Two hundred connections that send a byte now and then, and others that send too much, do not keep an honest one waiting.
func TestSlowAndHugeSendersOnRealSockets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "srv")
	if _, err := serverdir.Init(dir, "127.0.0.1", []string{"http://127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	server := &autoid.Server{State: serverdir.Folder{Path: dir}, Audit: io.Discard, FailuresPerMinute: 1 << 20}
	address, _, _ := listening(t, server, nil)
	var slow []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST "+autoid.Path+" HTTP/1.1\r\nHost: id\r\nX: "); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	raw := func(text string) (status int, took time.Duration) {
		start := time.Now()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, text) // it may hang up before all is sent
		var reply [12]byte
		_, _ = io.ReadFull(conn, reply[:])
		_, _ = fmt.Sscanf(string(reply[:]), "HTTP/1.1 %d", &status)
		return status, time.Since(start)
	}
	const head = "POST " + autoid.Path + " HTTP/1.1\r\nHost: id\r\nContent-Type: " + autoid.ContentType + "\r\n"
	for name, x := range map[string]struct {
		text   string
		status int
	}{
		"honest in form": {head + "Content-Length: 4\r\n\r\nAID2", http.StatusForbidden},
		"huge header":    {head + "X: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"huge length":    {head + "Content-Length: 1000000000000\r\n\r\n" + strings.Repeat("x", 66<<10), http.StatusForbidden},
		"huge chunk":     {head + "Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + strings.Repeat("x", 66<<10), http.StatusForbidden},
	} {
		status, took := raw(x.text)
		if (status != x.status && (name == "honest in form" || status != 0)) || took > 3*time.Second {
			t.Errorf("%s: %d after %v, want %d at once", name, status, took, x.status)
		}
	}
	for i, conn := range slow { // cut off, each for itself, though they go on sending
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the slow connection %d is still open", i)
		}
	}
}

func TestStatusIsForTheOperatorOnThisMachine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "srv")
	if _, err := serverdir.Init(dir, "127.0.0.1", []string{"http://127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	var audit bytes.Buffer
	server := &autoid.Server{State: serverdir.Folder{Path: dir}, Audit: &audit}
	writeCertificate(t, filepath.Join(dir, "cert"), filepath.Join(dir, "key"), 1)
	c, err := newCertificate(filepath.Join(dir, "cert"), filepath.Join(dir, "key"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&status{server: server, certificate: c, start: time.Now()})
	defer s.Close()
	server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) // a stranger
	get := func(method, path, host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode, string(text)
	}
	if code, text := get("GET", "/healthz", ""); code != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %q", code, text)
	}
	code, text := get("GET", "/metrics", "localhost:1")
	for _, want := range []string{"\nautoid_decisions_total{decision=\"refused\"} 1\n", "\nautoid_audit_failures_total 0\n", "\nautoid_ready 1\n",
		"\nautoid_certificate_expiry_time_seconds "} {
		if !strings.Contains(text, want) || code != http.StatusOK {
			t.Errorf("/metrics: %d, without %q:\n%s", code, want, text)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	for _, x := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/healthz", "evil.example.com:80", http.StatusForbidden}, {"POST", "/healthz", "", http.StatusMethodNotAllowed},
		{"GET", "/", "", http.StatusNotFound},
	} {
		if code, _ := get(x.method, x.path, x.host); code != x.want {
			t.Errorf("%s %s for %q: %d", x.method, x.path, x.host, code)
		}
	}
	if err := os.Remove(filepath.Join(dir, autoid.KeysName)); err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(&status{server: &autoid.Server{State: serverdir.Folder{Path: dir}}})
	defer gone.Close()
	r, err := http.Get(gone.URL + "/healthz")
	if err != nil || r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without keys: %v, %v", r.StatusCode, err)
	}
	_ = r.Body.Close()
	for address, ok := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, ":1": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "x": false} {
		if err := checkLoopback(address); (err == nil) != ok {
			t.Errorf("--status %s: %v", address, err)
		}
	}
}

func TestALineThatWasCutShortIsEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit")
	for i, want := range []string{"one\n", "one\nx\ntwo\n"} {
		a := &appender{path: path}
		if err := a.reopen(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write([]byte([]string{"one\n", "two\n"}[i])); err != nil {
			t.Fatal(err)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}
