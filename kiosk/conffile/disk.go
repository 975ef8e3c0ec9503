package conffile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
)

// nowhere is the disk of Parse: whatever a file names is fine.
type nowhere struct{}

func (nowhere) bundle(string) error  { return nil }
func (nowhere) secret(string) error  { return nil }
func (nowhere) program(string) error { return nil }
func (nowhere) user(string) error    { return nil }

// onDisk is the disk of Load.
type onDisk struct{}

// bundle looks at an auto-id bundle's folder. An entropy file in it is what shows who the client is, so all of it is for
// its owner alone, as autoid/folder has it.
func (onDisk) bundle(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unreadable(folder, err, "put the client's bundle there: autoid client add writes it")
	}
	if _, err := os.Stat(filepath.Join(folder, "bundle.json")); err != nil {
		return wrong(folder+" holds no bundle.json", "put the client's bundle there: autoid client add writes it")
	}
	for _, e := range entries {
		if path := filepath.Join(folder, e.Name()); !e.IsDir() {
			if err := private(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// secret looks at a file that holds one.
func (onDisk) secret(path string) error { return private(path) }

// program looks for the browser's program.
func (onDisk) program(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return unreadable(path, err, "remove path to take the browser that is found")
	case info.IsDir() || !executable(info):
		return wrong(path+" is not a program", "remove path to take the browser that is found")
	}
	return nil
}

// user looks for an ordinary user.
func (onDisk) user(name string) error {
	u, err := user.Lookup(name)
	switch {
	case err != nil:
		return wrong(fmt.Sprintf("%s is not a user of this machine", name), "adduser --system "+name+" makes one")
	case u.Uid == "0":
		return wrong(name+" is root by another name", "give an ordinary user")
	}
	return nil
}

// unreadable says why a path that the file names cannot be looked at.
func unreadable(path string, err error, hint string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wrong(path+" does not exist", hint)
	case errors.Is(err, fs.ErrPermission):
		return wrong(path+" may not be read by the user that kioskeeper runs as", "chown it to that user")
	}
	return wrong(path+" cannot be read", hint)
}
