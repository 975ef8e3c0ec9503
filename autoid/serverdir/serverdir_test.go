package serverdir_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// The whole way in one process, as a demonstration runs it.
func TestFromNothingToACredential(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := &autoid.Server{
		State: os.DirFS(filepath.Join(dir, "srv")), Audit: t.Output(),
		Stores: map[string]autoid.Store{"file": filestore.Store{Folder: dir}},
	}
	s := httptest.NewServer(server)
	defer s.Close()
	if err := os.WriteFile(filepath.Join(dir, "wall"), []byte("a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	publisher, err := serverdir.Init(filepath.Join(dir, "srv"), "127.0.0.1", []string{s.URL})
	if err != nil {
		t.Fatal(err)
	}
	repo := folder.Repository{Path: filepath.Join(dir, "bundle")}
	e, err := serverdir.AddClient(t.Context(), filepath.Join(dir, "srv"), "lobby-tv",
		autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}}, repo)
	if err != nil || e.Publisher != publisher || e.Server != s.URL {
		t.Fatalf("%+v, %v", e, err)
	}
	client := &autoid.Client{Name: e.Client, Server: e.Server, Repository: repo, Publisher: e.Publisher, MinSeq: e.Seq}
	c, err := client.Credential(t.Context(), "file/wall")
	if err != nil || c.JSON.Reveal() != `"a token"` {
		t.Errorf("%v", err)
	}
}

// A broken repository publishes nothing.
type broken struct{ folder.Repository }

func (broken) Publish(context.Context, []autoid.Object) error { return errors.New("out of reach") }

func TestAddingAClientIsTakenUpAgainWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := serverdir.Init(dir, "id.example.com", []string{"https://id.example.com"}); err != nil {
		t.Fatal(err)
	}
	file := autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}}
	if _, err := serverdir.AddClient(t.Context(), dir, "hall", file, broken{}); err == nil {
		t.Fatal("no error")
	}
	repo := folder.Repository{Path: t.TempDir()}
	if _, err := serverdir.AddClient(t.Context(), dir, "hall", file, repo); err != nil {
		t.Fatal(err)
	}
	if _, err := serverdir.AddClient(t.Context(), dir, "hall", file, repo); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := serverdir.Init(dir, "id.example.com", []string{"https://id.example.com"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Init a second time: %v", err)
	}
}

func TestStores(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sealed := serverdir.Stores{File: &serverdir.FileStore{
		Folder: filepath.Join(dir, "credentials"), KeyFile: filepath.Join(dir, "server/file.key")}}
	if s, err := serverdir.ReadStores(dir); err != nil || !cmp.Equal(s, sealed) {
		t.Errorf("without the file: %+v, %v", s, err)
	}
	for text, want := range map[string]bool{"": true, "[file]\nfolder = '/srv/x'\n": true, "[file]\nfolder = 'x'\n": false} {
		files := fstest.MapFS{}
		if text != "" {
			files[serverdir.StoresName] = &fstest.MapFile{Data: []byte(text)}
		}
		if s, err := serverdir.ReadStoresFrom(files, ""); (err == nil) != want || text == "" && s.File != nil {
			t.Errorf("in a bucket, %q: %+v, %v", text, s, err)
		}
	}
	path := filepath.Join(dir, serverdir.StoresName)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	const text = "[file]\nfolder = \"credentials\"\n[sts]\nregion = \"eu-central-1\"\n[sts.roles.wall]\n" +
		"arn = \"arn:aws-cn:iam::111122223333:role/path/wall\"\nexternal_id = \"x\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := serverdir.ReadStores(dir)
	want := serverdir.Stores{
		File: &serverdir.FileStore{Folder: filepath.Join(dir, "credentials")},
		STS: &serverdir.STSStore{Region: "eu-central-1", Roles: map[string]serverdir.Role{
			"wall": {ARN: "arn:aws-cn:iam::111122223333:role/path/wall", ExternalID: "x"}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestWhatIsWrongWithStoresIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[file]\nfoldr = 'x'\n[sts]\nregoin = 'y'\n[sts.roles.wall]\narn = 'arn:aws:iam::1:role/x'\n[sts.roles.hall]\n": `line 1, column 2: file.folder: missing: the folder of the credentials
line 2, column 1: file.foldr: unknown key
line 4, column 1: sts.regoin: unknown key
line 6, column 1: sts.roles.wall.arn: not a role's ARN, such as arn:aws:iam::111122223333:role/wall
line 7, column 2: sts.roles.hall.arn: not a role's ARN, such as arn:aws:iam::111122223333:role/wall`,
		"[file]\nfolder = 'x'\nidentity = 'a'\nkey_file = 'b'\n": "line 4, column 1: file.key_file: beside identity: one of the two seals the files",
		"[sts.roles.'a b']\narn = 'arn:aws:iam::111122223333:role/x'\n[sts.federation.a]\npolicy_arns = ['x']\n": `line 1, column 2: sts.roles.a b: not a name that a client can want: letters, digits and . _ + = - /
line 4, column 1: sts.federation.a.policy_arns: not a managed policy's ARN, such as arn:aws:iam::aws:policy/ReadOnlyAccess`,
		"[exec.x]\ncommand = ['cat', '/x']\noutput = 'json'\ntimeout = '1h'\nenv = {'A=B' = ''}\nshell = true\n": `line 2, column 1: exec.x.command: an absolute path and its arguments, such as ["/usr/local/bin/read-vault", "kv/wall"]
line 3, column 1: exec.x.output: "aws" or "raw"
line 4, column 1: exec.x.timeout: such as "10s", and 30s at most
line 5, column 1: exec.x.env: not the name of a variable, or a value with a NUL
line 6, column 1: exec.x.shell: unknown key`,
		"[v1]\nclient = 'Lobby'\nsource = []\n[v1.sources]\n'wall' = 'x'\n": `line 1, column 2: v1.entropy: missing: version 1's info2048.bin
line 1, column 2: v1.private_key: missing: version 1's private.pem
line 2, column 1: v1.client: client "Lobby": 1 to 63 of a-z 0-9 . _ -, the first and the last a letter or digit
line 3, column 1: v1.source: unknown key
line 5, column 1: v1.sources.wall: not as version 1 writes it: store,id[,version[,stage]]
line 5, column 1: v1.sources.wall: want "x": store/id[@version] in 512 of A-Z a-z 0-9 . _ + = @ - /`,
		"[sts]\n":             "line 1, column 2: sts.roles: missing: [sts.roles.NAME] with an arn",
		"file.folder = 1":     "line 1, column 15",
		"[file]\nfolder = 'x": "line 2, column",
		"[file]\n[file]\n":    "line 2, column",
	} {
		if _, err := serverdir.ParseStores([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n%v\nwant\n%s", text, err, want)
		}
	}
}

var tomlBlock = regexp.MustCompile("(?s)```toml\n(.*?)```")

func TestTheStoresInThePageAreTaken(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/autoid-stores.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := tomlBlock.FindAllSubmatch(page, -1)
	for _, block := range blocks {
		if _, err := serverdir.ParseStores(block[1]); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
	if len(blocks) < 2 {
		t.Errorf("%d examples in the page", len(blocks))
	}
}

func FuzzParseStores(f *testing.F) {
	f.Add([]byte("[file]\nfolder = 'x'\n[sts.roles.wall]\narn = 'arn:aws:iam::111122223333:role/wall'\n"))
	f.Add([]byte("[sts]\nroles = {wall = {arn = 1}}\n[other]\n"))
	f.Add([]byte("[ssm]\nprefix = '/x/'\n[exec.x]\ncommand = ['/bin/x']\ntimeout = '1s'\n"))
	f.Add([]byte("[v1]\nclient = 'a'\nprivate_key = 'k'\nentropy = 'e'\n[v1.sources]\n'a,b,,c' = 'a/b'\n"))
	f.Add([]byte("sts.roles.'a.b'.arn = ''\n[[file]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := serverdir.ParseStores(data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("%q: no line: %v", data, err)
			}
			return
		}
		if (s.File != nil && s.File.Folder == "") || (s.STS != nil && len(s.STS.Roles)+len(s.STS.Federation) == 0) {
			t.Fatalf("%q: %+v", data, s)
		}
	})
}
