package repo_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/internal/verdaccio"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The whole way through a registry: published by one who may, fetched by another, whose token changes meanwhile.
func TestFromAPrivatePackageToACredential(t *testing.T) {
	t.Parallel()
	npm := verdaccio.Start(t)
	dir := t.TempDir()
	srv := filepath.Join(dir, "srv")
	s := httptest.NewServer(&autoid.Server{State: os.DirFS(srv), Audit: t.Output(),
		Stores: map[string]autoid.Store{"file": filestore.Store{Folder: dir}}})
	defer s.Close()
	write(t, filepath.Join(dir, "wall"), "a token")
	if _, err := serverdir.Init(srv, "127.0.0.1", []string{s.URL}); err != nil {
		t.Fatal(err)
	}
	place := autoid.Place{Bundle: "npm:@acme/lobby-tv?registry=" + npm.Address, Client: "lobby-tv"}
	open := func(user string) (autoid.Repository, string) {
		place := place
		place.TokenFile = write(t, filepath.Join(dir, user), npm.Token(t, user).Reveal()+"\n")
		r, err := repo.Open(place)
		if err != nil {
			t.Fatal(err)
		}
		return r, place.TokenFile
	}
	to, _ := open("publisher")
	e, err := serverdir.AddClient(t.Context(), srv, "lobby-tv",
		autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}}, to)
	if err != nil {
		t.Fatal(err)
	}
	from, tokenFile := open("reader")
	client := &autoid.Client{Name: e.Client, Server: e.Server, Repository: from, Publisher: e.Publisher, MinSeq: e.Seq}
	c, err := client.Credential(t.Context(), "file/wall")
	if err != nil || c.JSON.Reveal() != `"a token"` {
		t.Errorf("%v", err)
	}
	const planted = "planted-token"
	write(t, tokenFile, planted)
	if _, err := from.Fetch(t.Context(), autoid.BundleName, 1<<20); err == nil || strings.Contains(err.Error(), planted) {
		t.Errorf("with a token of nobody: %v", err)
	}
	write(t, tokenFile, npm.Token(t, "another").Reveal())
	if _, err := from.Fetch(t.Context(), autoid.BundleName, 1<<20); err != nil {
		t.Errorf("with the next token: %v", err)
	}
}

func TestWordsAreToldWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, empty := write(t, filepath.Join(dir, "token"), "t"), write(t, filepath.Join(dir, "empty"), " \n")
	wide := write(t, filepath.Join(dir, "wide"), "t")
	if err := os.Chmod(wide, 0o640); err != nil {
		t.Fatal(err)
	}
	const key = "arn:aws:kms:eu-central-1:111122223333:key/1f2e3d4c-0000-4000-8000-000000000000"
	for _, x := range []struct {
		place autoid.Place
		want  string // "": nothing is wrong
	}{
		{autoid.Place{Bundle: dir}, ""},
		{autoid.Place{Bundle: "s3://acme/lobby-tv?region=eu-central-1"}, ""},
		{autoid.Place{Bundle: "npm:@acme/lobby-tv?registry=https://npm.example.com", TokenFile: token}, ""},
		{autoid.Place{Bundle: "git+https://git.example.com/acme/lobby-tv.git#walls", TokenFile: token}, ""},
		{autoid.Place{Bundle: "https://files.example.com/lobby-tv", TokenFile: token, KMSKey: key}, ""},
		{autoid.Place{}, "none is named"},
		{autoid.Place{Bundle: "ftp://x.example/y"}, "neither a folder nor s3://"},
		{autoid.Place{Bundle: "http://x.example/y"}, "neither a folder nor s3://"},
		{autoid.Place{Bundle: "npm:lobby-tv"}, "not @scope/name"},
		{autoid.Place{Bundle: "npm:@acme/x?registry=http://x.example"}, "not a plain https address"},
		{autoid.Place{Bundle: "npm:@acme/x?regstry=x"}, `"regstry" behind the ?`},
		{autoid.Place{Bundle: "s3:///x"}, "not a bucket's name"},
		{autoid.Place{Bundle: "s3://acme?%"}, "malformed"},
		{autoid.Place{Bundle: "s3://acme", TokenFile: token}, "no token_file"},
		{autoid.Place{Bundle: dir, TokenFile: token}, "takes no token_file"},
		{autoid.Place{Bundle: dir, HostKey: "x"}, "host_key is for git+ssh"},
		{autoid.Place{Bundle: "https://u:planted@x.example/y"}, "not a plain https address"},
		{autoid.Place{Bundle: "git+ssh://git@x.example/y", TokenFile: token}, "host key: not a line"},
		{autoid.Place{Bundle: "git+http://x.example/y"}, "git+https has no user"},
		{autoid.Place{Bundle: dir, KMSKey: "alias/x"}, "not a key's ARN"},
		{autoid.Place{Bundle: "npm:@acme/x", TokenFile: filepath.Join(dir, "none")}, "there is no"},
		{autoid.Place{Bundle: "npm:@acme/x", TokenFile: empty}, "is empty"},
		{autoid.Place{Bundle: "npm:@acme/x", TokenFile: wide}, "chmod 600"},
	} {
		_, err := repo.Open(x.place)
		if (err == nil) != (x.want == "") || (err != nil && !strings.Contains(err.Error(), x.want)) ||
			(err != nil && strings.Contains(err.Error(), "planted")) {
			t.Errorf("%+v: %v, want %q", x.place, err, x.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, words := range []string{"s3://acme/x?region=y", "npm:@acme/x", "npm:@acme/x?registry=https://npm.example.com", "git+https://x/y#z", "https://x/y", "x", "C:\\x"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		r, err := repo.Open(autoid.Place{Bundle: words, Client: "lobby-tv"})
		if (r == nil) != (err != nil) {
			t.Fatalf("%q: %v, %v", words, r, err)
		}
	})
}
