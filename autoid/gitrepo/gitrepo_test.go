package gitrepo_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/gitrepo"
	"github.com/kioskeeper/kioskeeper/internal/daemon"
	"github.com/kioskeeper/kioskeeper/internal/gitserver"
	"github.com/kioskeeper/kioskeeper/secret"
)

// TestBranch has one server for all: each case has a repository of its own.
func TestBranch(t *testing.T) {
	t.Parallel()
	s := gitserver.Start(t)
	var n atomic.Int32
	create := func(t *testing.T) string {
		name := fmt.Sprintf("wall-%d.git", n.Add(1))
		s.Create(t, name)
		return "/" + name
	}
	https := func(name string) *gitrepo.Repository {
		return &gitrepo.Repository{Address: "git+" + s.HTTPS + name, Secret: secret.New(gitserver.Token), HTTP: s.HTTP}
	}
	ssh := func(name string) *gitrepo.Repository {
		return &gitrepo.Repository{Address: "git+" + s.SSH + name, Secret: s.Key, HostKey: s.HostKey}
	}
	t.Run("is a repository over https", func(t *testing.T) {
		t.Parallel()
		autoidtest.TestRepository(t, func(t *testing.T) autoid.Repository { return https(create(t)) })
	})
	t.Run("is a repository over ssh", func(t *testing.T) {
		t.Parallel()
		autoidtest.TestRepository(t, func(t *testing.T) autoid.Repository { return ssh(create(t)) })
	})
	t.Run("a publication is one commit beside what is there", func(t *testing.T) {
		name := create(t)
		work, bare := t.TempDir(), filepath.Join(s.Root, name)
		git := func(args ...string) string { return daemon.Run(t, "git", append([]string{"-C", work}, args...)...) }
		git("init", "-q", "-b", "bundles")
		daemon.Run(t, "mkdir", filepath.Join(work, "a"))
		daemon.Run(t, "touch", filepath.Join(work, "a", "file"), filepath.Join(work, "a-b"))
		git("add", ".")
		git("-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "-m", "x")
		git("push", "-q", bare, "bundles")
		r := ssh(name + "#bundles")
		for range 2 { // the second changes nothing
			if err := r.Publish(t.Context(), []autoid.Object{{Name: "a.b", Content: []byte("x")}, {Name: "z"}}); err != nil {
				t.Fatal(err)
			}
		}
		got := daemon.Run(t, "git", "-C", bare, "ls-tree", "-r", "--name-only", "bundles")
		if got != "a-b\na.b\na/file\nz" {
			t.Errorf("the branch has\n%s", got)
		}
		if n := daemon.Run(t, "git", "-C", bare, "rev-list", "--count", "bundles"); n != "2" {
			t.Errorf("%s commits", n)
		}
		daemon.Run(t, "git", "-C", bare, "fsck", "--strict")
		if _, err := r.Fetch(t.Context(), "a", 10); err == nil {
			t.Error("fetched a folder")
		}
	})
	t.Run("refusals tell what to mend", func(t *testing.T) {
		name := create(t)
		const planted = "planted-token"
		for want, edit := range map[string]func() *gitrepo.Repository{
			"look at token_file": func() *gitrepo.Repository {
				r := https(name)
				r.Secret = secret.New(planted)
				return r
			},
			"no such repository": func() *gitrepo.Repository { return https("/none.git") },
			"another key than host_key": func() *gitrepo.Repository {
				r := ssh(name)
				r.HostKey = s.Other
				return r
			},
			"host key: not a line": func() *gitrepo.Repository {
				r := ssh(name)
				r.HostKey = ""
				return r
			},
			"not an ssh private key": func() *gitrepo.Repository {
				r := ssh(name)
				r.Secret = secret.New(planted)
				return r
			},
			"unable to authenticate": func() *gitrepo.Repository {
				r := ssh(name)
				r.Address = strings.Replace(r.Address, "ssh://", "ssh://not-", 1)
				return r
			},
			"neither":      func() *gitrepo.Repository { return &gitrepo.Repository{Address: "git+file:///x"} },
			"has no user,": func() *gitrepo.Repository { return &gitrepo.Repository{Address: "git+https://x@y/z"} },
			"branch":       func() *gitrepo.Repository { return https(name + "#..") },
		} {
			r := edit()
			_, err := r.Fetch(t.Context(), "x", 10)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), planted) {
				t.Errorf("%v, without %q", err, want)
			}
			if err := r.Publish(t.Context(), []autoid.Object{{Name: "x"}}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Publish: %v, without %q", err, want)
			}
		}
	})
}
