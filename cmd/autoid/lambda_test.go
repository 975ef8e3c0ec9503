package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// A lambdaAPI is Lambda from a function's side: the runtime API, to which the function comes for its invocations, and in
// front the three kinds of HTTP that cause them.
type lambdaAPI struct {
	waiting chan invocation
	first   chan struct{} // closed when the function has come for the first time
	once    sync.Once

	mu      sync.Mutex
	started map[string]invocation
	number  int
}

type invocation struct {
	event  []byte
	answer chan []byte // nil: the function failed
}

const lambdaInvocations = "/2018-06-01/runtime/invocation/"

// ServeHTTP is the runtime API.
func (l *lambdaAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.Path, lambdaInvocations)
	if rest == "next" {
		l.once.Do(func() { close(l.first) })
		select {
		case i := <-l.waiting:
			l.mu.Lock()
			l.number++
			id := "request-" + strconv.Itoa(l.number)
			l.started[id] = i
			l.mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:autoid")
			_, _ = w.Write(i.event)
		case <-r.Context().Done():
		}
		return
	}
	id, what, _ := strings.Cut(rest, "/")
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	i, ok := l.started[id]
	l.mu.Unlock()
	if !ok {
		http.Error(w, "no such request", http.StatusBadRequest)
		return
	}
	if what != "response" {
		body = nil
	}
	i.answer <- body
	w.WriteHeader(http.StatusAccepted)
}

// front is the HTTP side: it makes an event of a request, and of the function's answer a response.
func (l *lambdaAPI) front(event func(*http.Request, []byte) map[string]any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, err := json.Marshal(event(r, body))
		i := invocation{text, make(chan []byte, 1)}
		if err == nil {
			l.waiting <- i
		}
		var answer struct {
			StatusCode      int
			Headers         map[string]string
			Body            string
			IsBase64Encoded bool
		}
		if err := json.Unmarshal(<-i.answer, &answer); err != nil {
			http.Error(w, "Internal Server Error", http.StatusBadGateway)
			return
		}
		content := []byte(answer.Body)
		if answer.IsBase64Encoded {
			content, _ = base64.StdEncoding.DecodeString(answer.Body)
		}
		for name, value := range answer.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(content)
	})
}

// version2 is what function URLs and HTTP APIs make of a request, version1 what REST APIs do.
func version2(r *http.Request, body []byte) map[string]any {
	return map[string]any{
		"version": "2.0", "rawPath": r.URL.Path, "headers": map[string]string{"content-type": r.Header.Get("Content-Type")},
		"requestContext": map[string]any{"http": map[string]string{"method": r.Method, "sourceIp": "192.0.2.1"}},
		"body":           base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true,
	}
}

func version1(r *http.Request, body []byte) map[string]any {
	return map[string]any{
		"httpMethod": r.Method, "path": r.URL.Path, "headers": map[string]string{"Content-Type": r.Header.Get("Content-Type")},
		"multiValueHeaders": map[string][]string{"Content-Type": r.Header["Content-Type"]},
		"requestContext":    map[string]any{"identity": map[string]string{"sourceIp": "192.0.2.1"}},
		"body":              base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true,
	}
}

// The program runs as Lambda runs it, with AWS's own runtime in it; a client asks through each kind of HTTP.
func TestStartedByLambdaItServesLambda(t *testing.T) {
	t.Parallel()
	api := &lambdaAPI{waiting: make(chan invocation), first: make(chan struct{}), started: map[string]invocation{}}
	runtime := httptest.NewServer(api)
	defer runtime.Close()
	fronts := map[string]*httptest.Server{
		"function URL and HTTP API": httptest.NewServer(api.front(version2)), "REST API": httptest.NewServer(api.front(version1)),
	}
	dir := filepath.Join(t.TempDir(), "srv")
	for name, content := range map[string]string{
		"server/stores.toml": "[file]\nfolder = 'credentials'\n", "credentials/wall": "PLANTED",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	publisher, err := serverdir.Init(dir, "127.0.0.1", []string{runtime.URL})
	if err != nil {
		t.Fatal(err)
	}
	repository := folder.Repository{Path: t.TempDir()}
	file := autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}}
	if _, err := serverdir.AddClient(t.Context(), dir, "lobby-tv", file, repository); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "autoid")
	cmd.Env = append(os.Environ(), envLambda+"="+strings.TrimPrefix(runtime.URL, "http://"), envDir+"="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-api.first:
		t.Logf("from the start to the first invocation: %v, in a build for tests", time.Since(start))
	case <-time.After(time.Minute):
		t.Fatal("the function has not come for an invocation")
	}
	for name, front := range fronts {
		defer front.Close()
		client := &autoid.Client{Name: "lobby-tv", Server: "127.0.0.1", Repository: repository, Publisher: publisher,
			HTTP: &http.Client{Transport: to(front.URL)}}
		c, err := client.Credential(t.Context(), "file/wall")
		if err != nil || c.JSON.Reveal() != `"PLANTED"` {
			t.Errorf("%s: %v", name, err)
		}
		r, err := http.Post(front.URL+autoid.Path, autoid.ContentType, strings.NewReader("AID2junk"))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusForbidden || string(text) != "refused\n" {
			t.Errorf("%s: a stranger got %d %q", name, r.StatusCode, text)
		}
	}
	cancel()
	_ = cmd.Wait() // it was killed, as Lambda does it
	if n := strings.Count(stdout.String(), `"decision":"issued"`); n != len(fronts) || !strings.Contains(stdout.String(), `"address":"192.0.2.1"`) {
		t.Errorf("the audit: %s", stdout.String())
	}
	if strings.Contains(stdout.String()+stderr.String(), "PLANTED") {
		t.Error("a secret in audit or log")
	}
}

// to sends every request to one server, whatever address the bundle says.
type to string

func (base to) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimPrefix(string(base), "http://")
	return http.DefaultTransport.RoundTrip(r)
}

func TestLambdaWithoutItsSettingsSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {envDir + "=s3:///x"}, {envDir + "=ftp://x"}, {envDir + "=x", envReplays + "=x"}} {
		cmd := exec.CommandContext(t.Context(), "autoid")
		cmd.Env = append(append(os.Environ(), envLambda+"=127.0.0.1:1"), env...)
		out, err := cmd.CombinedOutput()
		want := "--dir"
		switch len(env) {
		case 0:
			want = envDir
		case 2:
			want = "--replays"
		}
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, %s", env, err, out)
		}
	}
}
