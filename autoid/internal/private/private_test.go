package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestWrittenFilesAreForTheOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "secret")
	for _, content := range []string{"first", "second"} {
		if err := Write(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path, 100)
		if err != nil || string(got) != content {
			t.Fatalf("ReadFile = %q, %v", got, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("Write left something behind: %v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || (runtime.GOOS != "windows" && info.Mode() != 0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAWideModeIsRefusedWithItsMend(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // no such bits there, see read
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o666} {
		if err := Write(path, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path, 10); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %v: %v", mode, err)
		}
		if _, err := ReadFS(os.DirFS(dir), "secret", 10); err == nil {
			t.Errorf("mode %v: read from the file system", mode)
		}
	}
	if _, err := ReadFile(dir, 10); err == nil {
		t.Error("a folder was read")
	}
}

func TestReadsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := Write(path, make([]byte, 11)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path, 10); err == nil {
		t.Error("11 bytes were read with a limit of 10")
	}
	if _, err := ReadFile(path, 11); err != nil {
		t.Error(err)
	}
}

func TestOneOfManyCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "key")
	made := make(chan error, 8)
	for i := range cap(made) {
		go func() { made <- Create(path, []byte{byte(i)}) }()
	}
	won := 0
	for range cap(made) {
		switch err := <-made; {
		case err == nil:
			won++
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	if got, err := ReadFile(path, 10); won != 1 || err != nil || len(got) != 1 {
		t.Errorf("%d created it; %v, %v", won, got, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("Create left something behind: %v, %v", entries, err)
	}
}
