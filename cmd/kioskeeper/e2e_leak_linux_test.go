package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLeaksNoSecret(t *testing.T) {
	s := newScene(t, 15*time.Second)
	h := &hunt{}
	h.add("long-term key", s.aws.Users[0].Secret.Reveal())
	h.autoID(t, s.folder)
	// The stand-in has had no caller yet, so nobody sees its handler change.
	aws := s.servers[0]
	aws.Handler = h.record(aws.Handler)
	h.findsWhatIsPlanted(t)
	if found, _ := h.files(t, s.folder); len(found) < 3 { // the server's keys, and both copies of the entropy
		t.Fatalf("where the secrets are kept, the hunt finds %v only", found)
	}

	d := s.start(t)
	session := s.awaitShowing(t, d, 0)
	const renewals = 4
	looks, size := 0, 0
	for first := session; session < first+renewals; looks++ { // without a pause: what is there for a moment only is seen too
		size = d.mustBeClean(t, h, s)
		if alive := s.aws.Sessions(); len(alive) > 0 {
			session = alive[len(alive)-1].Number
		}
		if looks > 10_000 {
			t.Fatal("no renewal comes")
		}
	}
	s.awaitShowing(t, d, session-1)
	d.mustBeClean(t, h, s)
	t.Logf("%d secrets in %d renewals: none found in %d looks at every process, the log, the status pages and %.1f MB of files",
		len(h.known), renewals, looks, float64(size)/1e6)
	t.Logf("kioskeeper takes %.1f MB of memory after %d renewals", d.resident(t), renewals)
	for _, kind := range []string{"secret key", "session token", "sign-in token", "code", "cookie"} {
		if n := h.count(kind); n < renewals {
			t.Errorf("%d secrets of the kind %q were seen going through", n, kind)
		}
	}
	d.stop(t)
	if found, _ := h.files(t, s.dir, s.folder); len(found) > 0 { // the log's last lines too
		t.Errorf("found after the end: %v", found)
	}
}

// mustBeClean looks everywhere once, and says how many bytes the files had.
func (d *daemon) mustBeClean(t *testing.T, h *hunt, s *scene) (size int) {
	t.Helper()
	browser := d.browser(t)
	found, whole := h.processes(t)
	// Those of the browser that are not locked up in its sandbox tell their environment to their user.
	if !whole[strconv.Itoa(browser[0].pid)] || os.Geteuid() == 0 && !whole[strconv.Itoa(d.pid)] {
		t.Fatal("the processes cannot be looked at")
	}
	// The rehearsal's folder is the auto-id server's own, and the client's bundle.
	for _, folder := range []string{s.dir, d.profile} {
		f, n := h.files(t, folder, s.folder)
		found, size = append(found, f...), size+n
	}
	for _, page := range []string{"/", "/status.json", "/displays/lobby/state.json", "/displays/lobby/holding"} {
		for _, what := range h.in(get(t, "http://"+d.listen+page)) {
			found = append(found, spoor{page, what})
		}
	}
	if len(found) > 0 {
		t.Fatalf("found: %v", found)
	}
	return size
}

func get(t *testing.T, address string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, response.Status, err)
	}
	return text
}

// findsWhatIsPlanted proves that the hunt would find a secret at each place and in each form, also a part of one.
func (h *hunt) findsWhatIsPlanted(t *testing.T) {
	t.Helper()
	const planted, raw = "planted-QMZ7T4X2VYB5K3NDWJ6RHP8LC9FSGEA", "planted \x00\xff\x80 bytes 0123456789 abcdefghij"
	h.add("planted text", planted)
	h.add("planted bytes", raw)
	nonce := "http://127.0.0.1:1/sign-in/" + strings.Repeat("QMZ7", 13)
	part := planted[4:36]
	dir := t.TempDir()
	for name, content := range map[string]string{
		"plain": "x" + planted, "part": part, "percent": url.QueryEscape(raw), "hex": hex.EncodeToString([]byte(planted)),
		"HEX":    strings.ToUpper(hex.EncodeToString([]byte(raw))),
		"base64": base64.StdEncoding.EncodeToString([]byte(planted)), "base64+1": base64.StdEncoding.EncodeToString([]byte("x" + raw)),
		"base64+2": base64.URLEncoding.EncodeToString([]byte("xx" + raw + "y")),
		"utf-16":   forms(planted[:32])[len(forms(planted))/2], "hand-off": nonce, "hand-off escaped": url.QueryEscape(nonce),
		"log line": `time=2026-01-01T00:00:00Z level=INFO msg="signed in" token=` + planted + "\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, _ := h.files(t, path); len(found) == 0 {
			t.Fatalf("the hunt does not find what is planted as %s", name)
		}
	}
	for place, plant := range map[string]func(*exec.Cmd){
		"cmdline": func(c *exec.Cmd) { c.Args = append(c.Args, "--token="+planted) },
		"environ": func(c *exec.Cmd) { c.Env = []string{"TOKEN=" + planted} },
	} {
		c := exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo; read wait")
		plant(c)
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // it runs, and is itself by now
			t.Fatal(err)
		}
		found, _ := h.processes(t)
		_ = in.Close()
		_ = c.Wait() // read found no line
		if want := (spoor{"/proc/" + strconv.Itoa(c.Process.Pid) + "/" + place, "planted text"}); len(found) != 1 || found[0] != want {
			t.Fatalf("the hunt finds %v instead of %v", found, want)
		}
	}
}

// autoID makes known what the auto-id server and its client keep secret: entropy and private keys.
func (h *hunt) autoID(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		switch {
		case err != nil:
		case strings.HasSuffix(path, ".bin"):
			h.add("entropy", string(data))
		case strings.HasSuffix(path, "keys.json"):
			var file struct{ Keys []struct{ Private []byte } }
			err = json.Unmarshal(data, &file)
			for _, k := range file.Keys {
				h.add("auto-id server key", string(k.Private))
			}
		case strings.HasSuffix(path, ".pem"):
			block, _ := pem.Decode(data)
			h.add("publisher key", string(block.Bytes[len(block.Bytes)-32:])) // before it stand names, no secrets
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"entropy", "auto-id server key", "publisher key"} {
		if h.count(kind) == 0 {
			t.Fatalf("no %s in %s", kind, folder)
		}
	}
}

// record makes known each secret that a request to AWS or its answer holds.
func (h *hunt) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		for _, c := range r.Cookies() {
			h.add("cookie", c.Value)
		}
		form, _ := url.ParseQuery(string(body)) // what cannot be read holds nothing that could be looked for
		for _, values := range []url.Values{form, r.URL.Query()} {
			h.add("sign-in token", values.Get("SigninToken"))
			h.add("code", values.Get("code"))
			h.session(values.Get("Session"))
		}
		h.add("session token", r.Header.Get("X-Amz-Security-Token"))

		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		h.answer(answer)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (h *hunt) session(text string) {
	var s struct{ SessionKey, SessionToken string }
	if json.Unmarshal([]byte(text), &s) == nil {
		h.add("secret key", s.SessionKey)
		h.add("session token", s.SessionToken)
	}
}

func (h *hunt) answer(r *httptest.ResponseRecorder) {
	for _, c := range r.Result().Cookies() {
		h.add("cookie", c.Value)
	}
	if to, err := url.Parse(r.Header().Get("Location")); err == nil {
		h.add("code", to.Query().Get("code"))
	}
	var token struct{ SigninToken string }
	if json.Unmarshal(r.Body.Bytes(), &token) == nil {
		h.add("sign-in token", token.SigninToken)
	}
	var keys struct {
		Key   string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	if xml.Unmarshal(r.Body.Bytes(), &keys) == nil {
		h.add("secret key", keys.Key)
		h.add("session token", keys.Token)
	}
}
