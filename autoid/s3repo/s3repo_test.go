package s3repo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/s3repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/internal/radosgw"
)

func account(s *radosgw.Server, k radosgw.Keys) *awscall.Account {
	return &awscall.Account{Region: radosgw.Region, Endpoint: s.Endpoint,
		Keys: autoid.AWSKeys{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.Secret}}
}

// gateway starts a gateway with one bucket in it, and gives AWS's own client for it.
func gateway(t *testing.T) (*radosgw.Server, *s3.Client) {
	t.Helper()
	s := radosgw.Start(t)
	client := s3.New(s3.Options{Region: radosgw.Region, BaseEndpoint: &s.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.Keys.AccessKeyID, s.Keys.Secret.Reveal(), "")})
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("acme")}); err != nil {
		t.Fatal(err)
	}
	return s, client
}

// TestBucket has one gateway for all: each case has a prefix of its own.
func TestBucket(t *testing.T) {
	t.Parallel()
	s, theirs := gateway(t)
	var n atomic.Int32
	bucket := func() *s3repo.Bucket {
		return &s3repo.Bucket{Name: "acme", Prefix: strings.Repeat("x", int(n.Add(1))) + "/", Account: account(s, s.Keys)}
	}
	t.Run("is a repository", func(t *testing.T) {
		autoidtest.TestRepository(t, func(*testing.T) autoid.Repository { return s3repo.Repository{Bucket: bucket()} })
	})
	t.Run("holds a server's files", func(t *testing.T) { holdsAServersFiles(t, bucket()) })
	t.Run("one of many swaps wins", func(t *testing.T) { oneSwapWins(t, bucket()) })
	t.Run("its lock is held by one", func(t *testing.T) { lockIsHeldByOne(t, bucket()) })
	t.Run("any prefix is where AWS's own client has it", func(t *testing.T) {
		b := bucket()
		b.Prefix = "a b+c/%2f/wänd&=?#/"
		content := strings.NewReader("theirs")
		if _, err := theirs.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.Name, Key: aws.String(b.Prefix + "x"), Body: content}); err != nil {
			t.Fatal(err)
		}
		if got, err := (s3repo.Repository{Bucket: b}).Fetch(t.Context(), "x", 10); err != nil || string(got) != "theirs" {
			t.Errorf("%q, %v", got, err)
		}
		if entries, err := b.ReadDir("."); err != nil || len(entries) != 1 || entries[0].Name() != "x" {
			t.Errorf("%v, %v", entries, err)
		}
	})
	t.Run("all pages of a list are read", func(t *testing.T) {
		b := bucket()
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for j := range 63 { // a page has 1000
					name := fmt.Sprintf("clients/c%02d%02d/client.json", i, j)
					if _, err := theirs.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.Name, Key: aws.String(b.Prefix + name)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if entries, err := fs.ReadDir(b, "clients"); err != nil || len(entries) != 16*63 || !entries[0].IsDir() {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	})
	t.Run("refusals tell what to mend", func(t *testing.T) {
		for want, b := range map[string]*s3repo.Bucket{
			"no such bucket": {Name: "other", Account: account(s, s.Keys)},
			"policy":         {Name: "acme", Account: account(s, s.CreateUser(t, "stranger"))},
		} {
			_, err := s3repo.Repository{Bucket: b}.Fetch(t.Context(), "x", 10)
			if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v, without %q", err, want)
			}
		}
	})
}

func holdsAServersFiles(t *testing.T, b *s3repo.Bucket) {
	if _, err := fs.Stat(b, "server/keys.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty bucket: %v", err)
	}
	for _, name := range []string{"server/keys.json", "clients/lobby-tv/client.json", "clients/hall/client.json"} {
		if err := b.Swap(t.Context(), name, nil, []byte(name)); err != nil {
			t.Fatal(err)
		}
		if err := b.Swap(t.Context(), name, nil, []byte("again")); !errors.Is(err, serverdir.ErrChanged) {
			t.Errorf("a file that is there was made anew: %v", err)
		}
	}
	if err := fstest.TestFS(b, "server/keys.json", "clients/lobby-tv/client.json", "clients/hall/client.json"); err != nil {
		t.Error(err)
	}
	const name = "clients/hall/client.json"
	for _, old := range []string{"other", ""} {
		if err := b.Swap(t.Context(), name, []byte(old), []byte("x")); !errors.Is(err, serverdir.ErrChanged) {
			t.Errorf("swapped for %q: %v", old, err)
		}
		if err := b.Swap(t.Context(), name, []byte(old), nil); !errors.Is(err, serverdir.ErrChanged) {
			t.Errorf("removed for %q: %v", old, err)
		}
	}
	if err := b.Swap(t.Context(), name, []byte(name), []byte("x")); err != nil {
		t.Error(err)
	}
	if err := b.Swap(t.Context(), name, []byte("x"), nil); err != nil {
		t.Error(err)
	}
	if err := b.Swap(t.Context(), name, []byte("x"), []byte("y")); !errors.Is(err, serverdir.ErrChanged) {
		t.Errorf("swapped what was gone: %v", err)
	}
}

func oneSwapWins(t *testing.T, b *s3repo.Bucket) {
	const name, writers = "server/keys.json", 8
	var old []byte
	for round := range 5 {
		var winners atomic.Int32
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				err := b.Swap(t.Context(), name, old, []byte{byte(round), byte(i)})
				if err == nil {
					winners.Add(1)
				} else if !errors.Is(err, serverdir.ErrChanged) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Errorf("%d swaps of the same content won", n)
		}
		var err error
		if old, err = fs.ReadFile(b, name); err != nil {
			t.Fatal(err)
		}
	}
}

func lockIsHeldByOne(t *testing.T, b *s3repo.Bucket) {
	unlock, err := b.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	free := make(chan struct{})
	got := make(chan error, 1)
	go func() {
		second, err := b.Lock(t.Context())
		select {
		case <-free:
		default:
			t.Error("locked twice")
		}
		if err == nil {
			err = second()
		}
		got <- err
	}()
	close(free)
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}
