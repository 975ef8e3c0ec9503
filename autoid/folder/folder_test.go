package folder_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/autoidtest"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
)

func TestFolderIsARepository(t *testing.T) {
	t.Parallel()
	autoidtest.TestRepository(t, func(t *testing.T) autoid.Repository {
		return folder.Repository{Path: filepath.Join(t.TempDir(), "bundles", "lobby-tv")}
	})
}

func TestWhatOthersCouldReadIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	dir := t.TempDir()
	r := folder.Repository{Path: dir}
	if err := r.Publish(t.Context(), []autoid.Object{{Name: "x", Content: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), "x", 10); err == nil {
		t.Error("fetched a file that others could read")
	}
}
