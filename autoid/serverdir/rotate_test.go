package serverdir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
)

// A site is a server's folder with clients whose repositories are folders beside it.
type site struct {
	t         *testing.T
	dir       string
	publisher autoid.Publisher
	*Rotator
	broken map[string]bool // places out of reach
}

func newSite(t *testing.T, clients ...string) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "srv"), broken: map[string]bool{}}
	s.Rotator = &Rotator{Storage: Folder{s.dir}, Overlap: time.Hour, Open: func(_ context.Context, p autoid.Place) (autoid.Repository, error) {
		if s.broken[p.Bundle] {
			return nil, errors.New("out of reach")
		}
		return folder.Repository{Path: p.Bundle}, nil
	}}
	var err error
	if s.publisher, err = Init(s.dir, "id.example.com", []string{"https://id.example.com"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range clients {
		file := autoid.ClientFile{Policy: autoid.Policy{Allow: []autoid.Allow{{Want: "file/wall"}}},
			Repositories: []autoid.Place{{Bundle: s.place(name)}}}
		if _, err := AddClient(t.Context(), s.dir, name, file, folder.Repository{Path: s.place(name)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *site) place(client string) string { return filepath.Join(filepath.Dir(s.dir), client) }

// bundle is what the client finds, as its publisher signed it.
func (s *site) bundle(client string) *autoid.Bundle {
	s.t.Helper()
	r := folder.Repository{Path: s.place(client)}
	bundle, err := r.Fetch(s.t.Context(), autoid.BundleName, maxFile)
	if err != nil {
		s.t.Fatal(err)
	}
	sig, err := r.Fetch(s.t.Context(), autoid.SignatureName, maxFile)
	if err != nil {
		s.t.Fatal(err)
	}
	b, _, err := autoid.VerifyBundle(bundle, sig, s.publisher, client, "id.example.com")
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// state is how many keys, and how many generations of a client, the server takes.
func (s *site) state(client string) (keys, generations int) {
	s.t.Helper()
	v, err := s.look()
	s.must(err)
	i := slices.IndexFunc(v.clients, func(c *clientView) bool { return c.name == client })
	return len(v.id.Keys), len(v.clients[i].file.Entropy)
}

// used is an audit with a first line long ago, and a success with each key and generation that there is, just now.
func (s *site) used(u *Usage) {
	v, err := s.look()
	s.must(err)
	for _, k := range v.id.Keys {
		for _, c := range v.clients {
			for _, g := range c.file.Entropy {
				fmt.Fprintf(u, `{"timestamp":%q,"decision":"issued","key":%q,"client":%q,"egen":%d}`+"\n",
					time.Now().Format(time.RFC3339Nano), k.ID(), c.name, g.Egen)
			}
		}
	}
}

func TestARotationWaitsUntilServersTakeWhatItPublishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv")
		before := s.bundle("lobby-tv")
		done := make(chan error, 1)
		go func() { done <- s.Rotate(t.Context()) }()
		time.Sleep(DefaultSettle - time.Second)
		if keys, generations := s.state("lobby-tv"); keys != 2 || generations != 2 {
			t.Errorf("%d keys and %d generations are taken, before they are published", keys, generations)
		}
		if b := s.bundle("lobby-tv"); b.Seq != before.Seq {
			t.Error("published before servers take it")
		}
		s.must(<-done)
		b := s.bundle("lobby-tv")
		if b.Seq != before.Seq+1 || b.ServerKeys[0].ID() == before.ServerKeys[0].ID() || b.Entropy[0].Egen != 2 {
			t.Errorf("%+v after %+v", b, before)
		}
	})
}

func TestWhatIsOldGoesWhenNobodyUsesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv", "hall")
		usage := new(Usage)
		s.used(usage)
		s.must(s.Rotate(t.Context()))
		retire := func(wantGone, wantKept int, why string) {
			t.Helper()
			gone, kept, err := s.Retire(t.Context(), usage, false)
			if err != nil || len(gone) != wantGone || len(kept) != wantKept {
				t.Errorf("gone %v, kept %v, %v", gone, kept, err)
			}
			for _, o := range kept {
				if !strings.Contains(o.Why, why) {
					t.Errorf("%s: kept because %q, want %q", o, o.Why, why)
				}
			}
		}
		retire(0, 3, "the overlap lasts until")
		time.Sleep(30 * time.Minute)
		s.used(usage) // a client that has not fetched its bundle yet
		time.Sleep(31 * time.Minute)
		retire(0, 3, "last used")
		time.Sleep(30 * time.Minute)
		retire(3, 0, "")
		if keys, generations := s.state("hall"); keys != 1 || generations != 1 {
			t.Errorf("%d keys, %d generations", keys, generations)
		}
		entries, err := os.ReadDir(s.place("hall"))
		if err != nil || len(entries) != 3 {
			t.Errorf("the repository has %v, %v", entries, err)
		}
		// Nothing is known of what the audit does not reach back to.
		s.must(s.Rotate(t.Context()))
		time.Sleep(2 * time.Hour)
		usage = new(Usage)
		retire(0, 3, "does not reach back")
		s.used(usage)
		retire(0, 3, "does not reach back")
	})
}

func TestWhatCannotBePublishedHoldsTheKeyAndTheRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv", "hall")
		s.broken[s.place("hall")] = true
		for range 3 {
			if err := s.Rotate(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "client hall: ") {
				t.Fatalf("%v", err)
			}
		}
		if keys, generations := s.state("hall"); keys != 2 || generations != 2 {
			t.Errorf("%d keys and %d generations, each time another", keys, generations)
		}
		if b := s.bundle("lobby-tv"); b.Entropy[0].Egen != 4 {
			t.Errorf("the other client has generation %d", b.Entropy[0].Egen)
		}
		time.Sleep(2 * time.Hour)
		if gone, _, err := s.Retire(t.Context(), nil, true); err != nil || slices.ContainsFunc(gone, func(o Old) bool { return o.Client != "lobby-tv" }) {
			t.Errorf("retired %v though hall cannot know, %v", gone, err)
		}
		s.broken = nil
		s.must(s.Publish(t.Context()))
		if b := s.bundle("hall"); b.Entropy[0].Egen != 2 {
			t.Errorf("hall has generation %d", b.Entropy[0].Egen)
		}
		s.must(Revoke(t.Context(), s.Storage, "hall"))
		s.must(s.Rotate(t.Context()))
		if b := s.bundle("hall"); b.Entropy[0].Egen != 2 {
			t.Error("a revoked client is published to")
		}
	})
}

// Clients have seen what a repository has: after a backup is put back the numbers go on from there.
func TestAFolderFromABackupIsPublishedUnderANewerNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv")
		backup := filepath.Join(filepath.Dir(s.dir), "backup")
		s.must(os.CopyFS(backup, os.DirFS(s.dir)))
		for range 3 {
			s.must(s.Rotate(t.Context()))
		}
		before := s.bundle("lobby-tv")
		s.must(os.RemoveAll(s.dir))
		s.must(os.CopyFS(s.dir, os.DirFS(backup)))
		s.must(filepath.Walk(s.dir, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			return os.Chmod(path, 0o600)
		}))
		s.must(s.Publish(t.Context()))
		if b := s.bundle("lobby-tv"); b.Seq != before.Seq+1 || b.Entropy[0].Egen != 1 {
			t.Errorf("number %d after %d, generation %d", b.Seq, before.Seq, b.Entropy[0].Egen)
		}
		s.must(s.Publish(t.Context()))
		if b := s.bundle("lobby-tv"); b.Seq != before.Seq+1 {
			t.Errorf("published again, under %d, though nothing is new", b.Seq)
		}
	})
}

func TestEveryRotatesByTheFilesAndNotByRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv")
		run := func(d time.Duration) uint32 {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			done := make(chan struct{})
			for range 2 { // two servers
				go func() { s.Every(ctx, 24*time.Hour, nil); done <- struct{}{} }()
			}
			<-done
			<-done
			return s.bundle("lobby-tv").Entropy[0].Egen
		}
		if got := run(time.Minute); got != 2 {
			t.Errorf("at the start: generation %d", got)
		}
		for range 5 {
			if got := run(time.Hour); got != 2 {
				t.Errorf("after a restart: generation %d", got)
			}
		}
		if got := run(72*time.Hour + time.Minute); got != 5 && got != 4 {
			t.Errorf("three days later: generation %d", got)
		}
	})
}

func TestAPublisherIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "lobby-tv")
		next, err := s.NextPublisher(t.Context())
		s.must(err)
		if again, err := s.NextPublisher(t.Context()); again != next || err != nil {
			t.Errorf("taken up again: %s, %v", again, err)
		}
		s.must(s.Publish(t.Context()))
		if b := s.bundle("lobby-tv"); b.NextPublisher != next || b.Seq != 2 {
			t.Errorf("%+v", b)
		}
		time.Sleep(30 * time.Minute)
		if err := s.RetirePublisher(t.Context(), false); err == nil {
			t.Error("retired before the overlap is over")
		}
		s.must(s.Rotate(t.Context()))
		time.Sleep(31 * time.Minute)
		s.must(s.RetirePublisher(t.Context(), false))
		s.must(s.Publish(t.Context()))
		s.publisher = next
		if b := s.bundle("lobby-tv"); b.NextPublisher != "" || b.Seq != 4 {
			t.Errorf("%+v", b)
		}
	})
}

func TestARevocationIsNotLostToARotation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "lobby-tv")
	s.Settle = time.Nanosecond
	done := make(chan error, 1)
	go func() {
		for range 20 {
			// A rotation may find the client changed under it, and says so; it never writes over the change.
			if err := s.Rotate(context.Background()); err != nil && !errors.Is(err, ErrChanged) {
				done <- err
				return
			}
		}
		done <- nil
	}()
	s.must(Revoke(t.Context(), s.Storage, "lobby-tv"))
	s.must(<-done)
	data, err := os.ReadFile(filepath.Join(s.dir, autoid.ClientFileName("lobby-tv")))
	s.must(err)
	var file autoid.ClientFile
	s.must(json.Unmarshal(data, &file))
	if !file.Revoked {
		t.Error("the client is not revoked")
	}
}

func TestAFolderIsAStorage(t *testing.T) {
	t.Parallel()
	f := Folder{t.TempDir()}
	for _, x := range []struct {
		old, content, want string // "" is none
	}{{"", "a", ""}, {"", "b", "changed"}, {"b", "c", "changed"}, {"a", "b", ""}, {"a", "", "changed"}, {"b", "", ""}, {"b", "", "changed"}} {
		bytes := func(s string) []byte {
			if s == "" {
				return nil
			}
			return []byte(s)
		}
		err := f.Swap(t.Context(), "clients/x/y", bytes(x.old), bytes(x.content))
		if (x.want == "") != (err == nil) || (err != nil && !errors.Is(err, ErrChanged)) {
			t.Errorf("Swap(%q, %q): %v", x.old, x.content, err)
		}
	}
	for _, name := range []string{"../x", "/etc/x", ""} {
		if err := f.Swap(t.Context(), name, nil, []byte("x")); err == nil {
			t.Errorf("Swap(%q) succeeded", name)
		}
	}
}

func FuzzUsage(f *testing.F) {
	const line = `{"timestamp":"2026-01-02T03:04:05Z","decision":"issued","key":"0011223344556677","client":"lobby-tv","egen":3}`
	f.Add([]byte(line+"\n"), 10)
	f.Add([]byte("START RequestId: x\n"+line+"\n{\"timestamp\":1}\n"+line), 1)
	f.Add([]byte(strings.Repeat("x", 2*maxLine)+"\n"+line+"\n"), 5000)
	f.Fuzz(func(t *testing.T, text []byte, portion int) {
		whole, parts := new(Usage), new(Usage)
		if n, err := whole.Write(text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		for p := range slices.Chunk(text, max(portion, 1)) {
			if _, err := parts.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range []Old{{Name: "0011223344556677"}, {Client: "lobby-tv", Name: "egen 3"}} {
			used, from := whole.last(o)
			if u, f := parts.last(o); !u.Equal(used) || !f.Equal(from) {
				t.Fatalf("%s: in portions of %d: %v, %v; at once: %v, %v", o, portion, u, f, used, from)
			}
			if !used.IsZero() && used.Before(from) {
				t.Fatalf("%s: used %v, before the first line %v", o, used, from)
			}
		}
	})
}
