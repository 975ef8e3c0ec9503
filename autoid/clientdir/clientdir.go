// Package clientdir reads the configuration of an auto-id client, and keeps what the client got between two runs.
//
// The configuration is one file with a profile for each identity. What is kept is in a folder of its own, the state: the
// last bundle, and leases that still hold, all of it sealed to this machine. Losing the folder costs a request.
package clientdir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/machine"
)

const folderName = "autoid"

// DefaultConfig is where the configuration is if nothing else is said: ~/.config/autoid/config.toml, or its like.
func DefaultConfig() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", errors.Join(errors.New("configuration: say where it is with --config"), err)
	}
	return filepath.Join(dir, folderName, "config.toml"), nil
}

// DefaultState is where the state is if nothing else is said: ~/.local/state/autoid, or its like.
func DefaultState() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, folderName), nil
	}
	var dir string
	var err error
	if runtime.GOOS == "windows" {
		dir, err = os.UserCacheDir() // %LocalAppData%, which does not travel with the user
	} else if dir, err = os.UserHomeDir(); err == nil {
		dir = filepath.Join(dir, ".local", "state")
	}
	if err != nil {
		return "", errors.Join(errors.New("state: say where it is to be with --state"), err)
	}
	return filepath.Join(dir, folderName), nil
}

// A State is the folder in which a client keeps what it got.
type State struct {
	Dir    string
	Sealer autoid.Sealer
}

// OpenState opens the state in dir, and makes what is missing.
func OpenState(dir string) (State, error) {
	sealer, err := machine.Sealer(dir)
	return State{dir, sealer}, err
}

// Bundle is the folder for the bundle of one client of one server.
func (s State) Bundle(server, client string) string {
	return filepath.Join(s.Dir, "bundles", server, client)
}
