package chromium

import "os"

// lockFile opens path for this process alone.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

// ours reports whether path is a folder of this user: the folder for temporary files is each user's own.
func ours(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
