package serverdir_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/internal/gitserver"
	"github.com/kioskeeper/kioskeeper/internal/radosgw"
	"github.com/kioskeeper/kioskeeper/internal/verdaccio"
)

var soak = flag.Bool("soak", false, "rotate under fire for a minute over each kind of repository, instead of seconds over a folder")

// Rotation under fire: what is asked of the rotation, at a pace at which a mistake shows.
const (
	fireClients = 50
	fireEvery   = time.Second // a rotation
	fireReread  = 200 * time.Millisecond
	fireSettle  = 400 * time.Millisecond
	fireOverlap = 4 * time.Second
	fireSlow    = 20 * time.Second      // the overlap where repositories are other programs, on a machine that is busy with all of them
	fireRestart = 7                     // a client that starts anew after so many requests has nothing to fall back upon
	firePause   = 80 * time.Millisecond // between a client's requests: a minute of them fits into the replay cache
)

// A fireKind is a kind of repository under fire. The rotator is another process, so a client's repositories are told to it
// in the words of a configuration, which openFire understands.
type fireKind struct {
	name  string
	start func(t *testing.T) (places func(client string) []autoid.Place)
}

var fireKinds = []fireKind{
	{"folder", func(t *testing.T) func(string) []autoid.Place {
		dir := t.TempDir()
		return func(client string) []autoid.Place { return []autoid.Place{{Bundle: filepath.Join(dir, client)}} }
	}},
	{"two folders", func(t *testing.T) func(string) []autoid.Place {
		one, two := t.TempDir(), t.TempDir()
		return func(client string) []autoid.Place {
			return []autoid.Place{{Bundle: filepath.Join(one, client)}, {Bundle: filepath.Join(two, client)}}
		}
	}},
	{"s3", func(t *testing.T) func(string) []autoid.Place {
		s := radosgw.Start(t)
		t.Setenv("AWS_ACCESS_KEY_ID", s.Keys.AccessKeyID)
		t.Setenv("AWS_SECRET_ACCESS_KEY", s.Keys.Secret.Reveal())
		cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &s.Endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(s.Keys.AccessKeyID, s.Keys.Secret.Reveal(), "")}
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bundles")}); err != nil {
			t.Fatal(err)
		}
		return func(client string) []autoid.Place {
			return []autoid.Place{{Bundle: "s3://bundles/" + client + "?region=us-east-1&endpoint=" + url.QueryEscape(s.Endpoint)}}
		}
	}},
	{"npm", func(t *testing.T) func(string) []autoid.Place {
		s := verdaccio.Start(t)
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte(s.Token(t, "publisher").Reveal()), 0o600); err != nil {
			t.Fatal(err)
		}
		return func(client string) []autoid.Place {
			return []autoid.Place{{Bundle: "npm:@acme/" + client + "?registry=" + url.QueryEscape(s.Address), TokenFile: token}}
		}
	}},
	{"git", func(t *testing.T) func(string) []autoid.Place {
		s := gitserver.Start(t)
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, []byte(s.Key.Reveal()), 0o600); err != nil {
			t.Fatal(err)
		}
		return func(client string) []autoid.Place {
			s.Create(t, client+".git")
			return []autoid.Place{{Bundle: "git+" + s.SSH + "/" + client + ".git", TokenFile: key, HostKey: s.HostKey}}
		}
	}},
}

func openFire(_ context.Context, place autoid.Place) (autoid.Repository, error) {
	return repo.Open(place)
}

func newFireRotator(dir string, log io.Writer) *serverdir.Rotator {
	overlap := fireOverlap
	if *soak {
		overlap = fireSlow
	}
	return &serverdir.Rotator{
		Storage: serverdir.Folder{Path: dir}, Open: openFire, Settle: fireSettle, Overlap: overlap,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

// The rotator's process is this test's own program, called anew with these in its environment.
const (
	envRotate = "KIOSKEEPER_TEST_ROTATE" // the server's folder
	envAudit  = "KIOSKEEPER_TEST_AUDIT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envRotate); dir != "" {
		flag.Parse()
		if err := rotateForever(dir, os.Getenv(envAudit)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func rotateForever(dir, audit string) error {
	r := newFireRotator(dir, io.Discard)
	lines, err := os.Open(audit)
	if err != nil {
		return err
	}
	usage := new(serverdir.Usage)
	for tick := time.NewTicker(fireEvery); ; <-tick.C {
		if err := r.Rotate(context.Background()); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
		if _, err := io.Copy(usage, lines); err != nil { // from where the last one ended
			return err
		}
		if _, _, err := r.Retire(context.Background(), usage, false); err != nil {
			return fmt.Errorf("retire: %w", err)
		}
	}
}

func TestRotationUnderFire(t *testing.T) {
	unlessSoak(t)
	fireAll(t, func(ctx context.Context, t *testing.T, start func() *exec.Cmd) {
		cmd := start()
		<-ctx.Done()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func TestRotationUnderFireWithTheRotatorKilled(t *testing.T) {
	unlessSoak(t)
	fireAll(t, func(ctx context.Context, t *testing.T, start func() *exec.Cmd) {
		kills := 0
		for ; ctx.Err() == nil; kills++ {
			cmd := start()
			// Seldom long enough for a whole rotation, so that most of them are broken off.
			timer := time.NewTimer(time.Duration(50+rand.IntN(1500)) * time.Millisecond)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		t.Logf("killed %d times", kills)
	})
}

// Two rotators at once do each other no harm, even without the lock that spares them the work.
func TestTwoRotatorsUnderFire(t *testing.T) {
	unlessSoak(t)
	fireAll(t, func(ctx context.Context, _ *testing.T, start func() *exec.Cmd) {
		one, two := start(), start()
		<-ctx.Done()
		for _, cmd := range []*exec.Cmd{one, two} {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// unlessSoak lets short tests run at the same time; a minute over each repository has the machine for itself.
func unlessSoak(t *testing.T) {
	if !*soak {
		t.Parallel()
	}
}

func fireAll(t *testing.T, drive func(context.Context, *testing.T, func() *exec.Cmd)) {
	kinds, length := fireKinds[:1], 6*time.Second
	if *soak {
		kinds, length = fireKinds, time.Minute
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) { fire(t, kind, length, drive) })
	}
}

func fire(t *testing.T, kind fireKind, length time.Duration, drive func(context.Context, *testing.T, func() *exec.Cmd)) {
	w := newFireWorld(t, kind)
	var children bytes.Buffer
	var childrenMu sync.Mutex
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^$", fmt.Sprintf("-soak=%v", *soak))
		cmd.Env = append(os.Environ(), envRotate+"="+w.dir, envAudit+"="+w.audit)
		cmd.Stderr = writer(func(p []byte) (int, error) {
			childrenMu.Lock()
			defer childrenMu.Unlock()
			return children.Write(p)
		})
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var asked, failed atomic.Int64
	var group sync.WaitGroup
	for _, client := range w.clients {
		group.Go(func() {
			tick := time.NewTicker(firePause)
			defer tick.Stop()
			for n := 1; ctx.Err() == nil; n++ {
				if n%fireRestart == 0 {
					client = anew(client, 0)
				}
				// Not ctx: a request under way when the time is over must succeed too.
				asked.Add(1)
				if _, err := client.Credential(t.Context(), "file/wall"); err != nil && failed.Add(1) < 5 {
					t.Errorf("%s: %v", client.Name, err)
				}
				<-tick.C
			}
		})
	}
	drive(ctx, t, start)
	group.Wait()
	if children.Len() > 0 {
		t.Errorf("a rotator's own words: %s", children.String())
	}
	rotations := w.settles(t)
	t.Logf("%s: %d requests, %d failed, %d rotations in %v", kind.name, asked.Load(), failed.Load(), rotations, length)
	if failed.Load() != 0 || rotations < 2 {
		t.Errorf("%d requests failed over %d rotations", failed.Load(), rotations)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

type fireWorld struct {
	dir, audit string
	clients    []*autoid.Client
	places     []autoid.Place
	publisher  autoid.Publisher
}

func newFireWorld(t *testing.T, kind fireKind) *fireWorld {
	w := &fireWorld{dir: filepath.Join(t.TempDir(), "srv")}
	w.audit = filepath.Join(filepath.Dir(w.dir), "audit.jsonl")
	audit, err := os.OpenFile(w.audit, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = audit.Close() })
	held := t.TempDir()
	if err := os.WriteFile(filepath.Join(held, "wall"), []byte("a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&autoid.Server{
		State: serverdir.Folder{Path: w.dir}, Audit: audit, Reread: fireReread,
		Stores: map[string]autoid.Store{"file": filestore.Store{Folder: held}},
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	t.Cleanup(s.Close)
	if w.publisher, err = serverdir.Init(w.dir, "127.0.0.1", []string{s.URL}); err != nil {
		t.Fatal(err)
	}
	places := kind.start(t)
	pool := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fireClients}}
	for i := range fireClients {
		name := fmt.Sprintf("wall-%d", i)
		file := autoid.ClientFile{
			Policy:       autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}, PerHour: 1 << 20},
			Repositories: places(name),
		}
		first, err := openFire(t.Context(), file.Repositories[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := serverdir.AddClient(t.Context(), w.dir, name, file, first); err != nil {
			t.Fatal(err)
		}
		last := file.Repositories[len(file.Repositories)-1]
		w.places = append(w.places, last)
		repository, err := openFire(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		w.clients = append(w.clients, &autoid.Client{Name: name, Server: s.URL, Repository: repository, Publisher: w.publisher, HTTP: pool})
	}
	// Brings the second repositories what the first have.
	if err := newFireRotator(w.dir, t.Output()).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// anew is the client as it is after a restart, with nothing kept.
func anew(c *autoid.Client, minSeq uint64) *autoid.Client {
	return &autoid.Client{Name: c.Name, Server: c.Server, Repository: c.Repository, Publisher: c.Publisher, HTTP: c.HTTP, MinSeq: minSeq}
}

// settles brings what was broken off to its end, and wants it to be what an undisturbed rotation leaves. It returns how
// many rotations there were.
func (w *fireWorld) settles(t *testing.T) uint32 {
	t.Helper()
	r := newFireRotator(w.dir, t.Output())
	r.Log = nil
	if err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, kept, err := r.Retire(t.Context(), nil, true); err != nil || len(kept) > 0 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	data, err := os.ReadFile(filepath.Join(w.dir, autoid.KeysName))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := autoid.ParseIdentity(data); err != nil || len(id.Keys) != 1 {
		t.Fatalf("%d keys are left, %v", len(id.Keys), err)
	}
	var rotations uint32
	for i, c := range w.clients {
		data, err := os.ReadFile(filepath.Join(w.dir, autoid.ClientFileName(c.Name)))
		if err != nil {
			t.Fatal(err)
		}
		file, err := autoid.ParseClientFile(data, nil)
		if err != nil || len(file.Entropy) != 1 {
			t.Fatalf("%s: %d generations are left, %v", c.Name, len(file.Entropy), err)
		}
		g := file.Entropy[0]
		rotations = max(rotations, g.Egen-1)
		want := []string{"client.json", fmt.Sprintf("entropy-%d.bin", g.Egen), "published.json"}
		sameNames(t, filepath.Join(w.dir, "clients", c.Name), want)
		if strings.HasPrefix(w.places[i].Bundle, "/") {
			sameNames(t, w.places[i].Bundle, []string{autoid.BundleName, autoid.SignatureName, g.File})
		}
		if _, err := anew(c, file.BundleSeq).Credential(t.Context(), "file/wall"); err != nil {
			t.Errorf("%s, started anew: %v", c.Name, err)
		}
	}
	return rotations
}

// sameNames wants these files in the folder, but for what a killed writer had not given a name yet.
func sameNames(t *testing.T, dir string, want []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, name := range want {
		left[name] = true
	}
	for _, e := range entries {
		if !left[e.Name()] && !strings.HasPrefix(e.Name(), ".new-") {
			t.Errorf("%s has %s", dir, e.Name())
		}
		delete(left, e.Name())
	}
	if len(left) > 0 {
		t.Errorf("%s lacks %v", dir, left)
	}
}
