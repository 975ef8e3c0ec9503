package dynamoreplay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/dynamoreplay"
	"github.com/kioskeeper/kioskeeper/autoid/filestore"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/internal/moto"
	"github.com/kioskeeper/kioskeeper/secret"
)

// dynalite starts somebody else's DynamoDB, which packaging/deps.sh test installs.
func dynalite(t *testing.T) *awscall.Account {
	t.Helper()
	program := filepath.Join("testdata", "node_modules", ".bin", "dynalite")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: packaging/deps.sh test installs it", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", program, "--host", "127.0.0.1", "--port", port, "--createTableMs", "0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &awscall.Account{Region: "eu-central-1", Endpoint: "http://127.0.0.1:" + port,
		Keys: autoid.AWSKeys{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: secret.New("example")}}
}

// newTable makes the table that the package's documentation asks for.
func newTable(t *testing.T, a *awscall.Account) dynamoreplay.Table {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := a.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg)
	table := dynamoreplay.Table{Account: a, Name: "autoid-replays"}
	in := &dynamodb.CreateTableInput{
		TableName:            &table.Name,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(dynamoreplay.Key), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(dynamoreplay.Key), AttributeType: types.ScalarAttributeTypeB}},
		BillingMode:          types.BillingModePayPerRequest,
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.CreateTable(ctx, in)
		_, exists := errors.AsType[*types.ResourceInUseException](err)
		if err == nil || exists {
			break
		}
		select {
		case <-tick.C: // the server is starting
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
	if err := dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table.Name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestOfManyAtOnceOneIsNew(t *testing.T) {
	t.Parallel()
	t.Run("dynalite", func(t *testing.T) { testAdd(t, newTable(t, dynalite(t))) })
	t.Run("moto", func(t *testing.T) {
		var table dynamoreplay.Table
		s := moto.Start(t, func(s *moto.Server) {
			table = newTable(t, &awscall.Account{Region: "eu-central-1", Endpoint: s.Endpoint,
				Keys: autoid.AWSKeys{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: secret.New("example")}})
		})
		if s == nil {
			return
		}
		table.Account = &awscall.Account{Region: "eu-central-1", Endpoint: s.Endpoint,
			Keys: autoid.AWSKeys{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret}}
		testAdd(t, table)
	})
}

func testAdd(t *testing.T, table dynamoreplay.Table) {
	for i := range 5 {
		var news atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				isNew, err := table.Add(t.Context(), [32]byte{byte(i)}, time.Now().Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				if isNew {
					news.Add(1)
				}
			})
		}
		group.Wait()
		if n := news.Load(); n != 1 {
			t.Errorf("%d: new %d times", i, n)
		}
	}
	table.Name = "no-such-table"
	if _, err := table.Add(t.Context(), [32]byte{}, time.Now()); err == nil {
		t.Error("without its table it knows")
	}
}

// A recorder keeps the requests that pass, as someone on the way could.
type recorder struct {
	mu     sync.Mutex
	bodies [][]byte
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, body)
	r.mu.Unlock()
	q.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(q)
}

func TestTwoServersRefuseEachOthersReplays(t *testing.T) {
	t.Parallel()
	table := newTable(t, dynalite(t))
	dir, credentials := filepath.Join(t.TempDir(), "srv"), t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "wall"), []byte("a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(replays autoid.Replays) *httptest.Server {
		s := httptest.NewServer(&autoid.Server{
			State: serverdir.Folder{Path: dir}, Audit: t.Output(), Replays: replays,
			Stores: map[string]autoid.Store{"file": filestore.Store{Folder: credentials}},
		})
		t.Cleanup(s.Close)
		return s
	}
	one, two, alone := start(table), start(table), start(nil)
	broken := start(dynamoreplay.Table{Account: table.Account, Name: "no-such-table"})
	publisher, err := serverdir.Init(dir, "127.0.0.1", []string{one.URL})
	if err != nil {
		t.Fatal(err)
	}
	repository := folder.Repository{Path: t.TempDir()}
	file := autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}}}
	if _, err := serverdir.AddClient(t.Context(), dir, "lobby-tv", file, repository); err != nil {
		t.Fatal(err)
	}
	var seen recorder
	client := &autoid.Client{Name: "lobby-tv", Server: "127.0.0.1", Repository: repository, Publisher: publisher,
		HTTP: &http.Client{Transport: &seen}}
	if _, err := client.Credential(t.Context(), "file/wall"); err != nil {
		t.Fatal(err)
	}
	replay := func(s *httptest.Server) int {
		r, err := http.Post(s.URL+autoid.Path, autoid.ContentType, bytes.NewReader(seen.bodies[0]))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		return r.StatusCode
	}
	if replay(one) != http.StatusForbidden || replay(two) != http.StatusForbidden {
		t.Error("a replay was answered")
	}
	// The test would prove nothing if another server refused it anyway.
	if got := replay(alone); got != http.StatusOK {
		t.Errorf("a server that shares nothing: %d", got)
	}
	if got := replay(broken); got != http.StatusOK { // sealed: unavailable
		t.Errorf("a server whose table is missing: %d", got)
	}
}
