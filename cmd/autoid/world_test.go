package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	// deployRole may be assumed by the role that the server gives, with an external id.
	deployRole = "arn:aws:iam::" + standin.DefaultAccount + ":role/deploy"
	// partnerRole is that of docs/third-party.md.
	partnerRole = "arn:aws:iam::" + standin.DefaultAccount + ":role/partner-read"
)

// A world is what a client's verbs talk to: an auto-id server and AWS.
type world struct {
	served *httptest.Server
	asked  atomic.Int64
	// account is AWS's place, if it is not the stand-in; roles and policy are then what "sts/wall" is.
	account *awscall.Account
	roles   map[string]stsstore.Role
	policy  string
}

type worldKey struct{}

// setup gives each script a home of its own, and nothing of this machine's AWS settings.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	autoid, err := exec.LookPath("autoid") // which testscript has put on the path
	if err != nil {
		return err
	}
	env.Setenv("AUTOID", autoid)
	env.Setenv("XDG_CONFIG_HOME", "")
	env.Setenv("XDG_STATE_HOME", "")
	env.Setenv("AWS_CONFIG_FILE", filepath.Join(home, ".aws", "config"))
	env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, ".aws", "credentials"))
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Values[worldKey{}] = new(world)
	return os.MkdirAll(home, 0o700)
}

func worldOf(ts *testscript.TestScript) *world {
	w, _ := ts.Value(worldKey{}).(*world)
	return w
}

// serving CLIENT: starts an auto-id server with stores, and AWS behind it; the client's profile is in ~/.config. $ID and
// $STS, $SIGNIN, $CONSOLE are the addresses.
func serving(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.account == nil {
		imitating(ts, false, nil)
	}
	w.served = httptest.NewUnstartedServer(nil)
	ts.Defer(w.served.Close)
	dir, bundle, id := ts.MkAbs("srv"), ts.MkAbs("bundle"), "http://"+w.served.Listener.Addr().String()
	publisher, err := serverdir.Init(dir, "127.0.0.1", []string{id})
	ts.Check(err)
	wants := []string{"sts/wall", "sts/base", "file/npm", "file/object", "file/umlaut", "file/wall"}
	var file autoid.ClientFile
	file.Policy.PerHour = 1000
	for _, want := range wants {
		file.Policy.Allow = append(file.Policy.Allow, autoid.Allow{Want: want, MaxDuration: autoid.Duration(time.Hour)})
	}
	file.Policy.Allow[0].SessionPolicy = []byte(w.policy)
	_, err = serverdir.AddClient(context.Background(), dir, args[0], file, folder.Repository{Path: bundle})
	ts.Check(err)
	files := ts.MkAbs("credentials")
	for name, text := range map[string]string{
		"npm": `it's $a "token"`, "object": `{"user":"u"}`, "umlaut": "ü", "denied": "x",
	} {
		put(ts, filepath.Join(files, name), text)
	}
	sts := stsstore.Store{Account: w.account, Roles: w.roles}
	server := &autoid.Server{State: os.DirFS(dir), Audit: io.Discard, Stores: map[string]autoid.Store{
		"sts": sts, "file": filestore.Store{Folder: files}}}
	ts.Check(server.Reload())
	w.served.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		server.ServeHTTP(rw, r)
	})
	w.served.Start()
	put(ts, ts.MkAbs("home/.config/autoid/config.toml"), fmt.Sprintf("[profile.%s]\nserver = %q\nclient = %[1]q\nbundle = %[3]q\n"+
		"publisher = %q\ncredential = \"sts/wall\"\nregion = \"eu-central-1\"\n", args[0], id, bundle, publisher))
	ts.Setenv("ID", id)
	ts.Setenv("PUBLISHER", string(publisher))
}

// imitating: the stand-in takes AWS's place. $OWNER and $OWNERS_SECRET are keys there.
func imitating(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	aws := httptest.NewServer(&standin.Server{Roles: []standin.Role{
		{ARN: standin.DefaultRole, MaxSession: time.Hour}, {ARN: deployRole, ExternalID: "abc", MaxSession: time.Hour},
		{ARN: partnerRole, MaxSession: time.Hour}}})
	ts.Defer(aws.Close)
	at := standin.At(aws.Listener.Addr())
	w.account = &awscall.Account{Region: "eu-central-1", Endpoint: at.STS, Keys: autoid.AWSKeys{
		AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)}}
	w.roles = map[string]stsstore.Role{"wall": {ARN: standin.DefaultRole}, "base": {ARN: standin.DefaultRole}}
	for name, value := range map[string]string{"STS": at.STS, "AWS_ENDPOINT_URL_STS": at.STS, "SIGNIN": at.SignIn,
		"CONSOLE": at.Console(""), "OWNER": standin.DefaultAccessKeyID, "OWNERS_SECRET": standin.DefaultSecretKey} {
		ts.Setenv(name, value)
	}
}

func put(ts *testscript.TestScript, path, text string) {
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

// fetch ADDRESS [TOKEN-FILE]: a program that prints what is at an address, with its status; a redirect is printed too.
func fetch() {
	r, err := http.NewRequest(http.MethodGet, os.Args[1], nil)
	if err == nil && len(os.Args) > 2 {
		var token []byte
		token, err = os.ReadFile(os.Args[2])
		r.Header.Set("Authorization", strings.TrimSpace(string(token)))
	}
	var answer *http.Response
	if err == nil {
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err = client.Do(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer.Status, answer.Header.Get("Location"))
	_, _ = io.Copy(os.Stdout, answer.Body)
}

// variables FILE: sets the variables that NAME=VALUE lines of the file say.
func variables(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			ts.Setenv(name, value)
		}
	}
}

// asked N: so often has the server been asked.
func asked(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.FormatInt(worldOf(ts).asked.Load(), 10); got != args[0] {
		ts.Fatalf("the server was asked %s times, not %s", got, args[0])
	}
}

// stopped: the server is out of reach from now on.
func stopped(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).served.Close() }
