//go:build !windows

package machine

import (
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// Sealer is this machine's, whose key is kept in dir.
func Sealer(dir string) (autoid.Sealer, error) { return openKeyFile(filepath.Join(dir, "machine.key")) }
