package chromium

import (
	"fmt"
	"os/exec"
	"strings"
)

// Names are the programs that Find looks for, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge-stable", "microsoft-edge"}

// Find returns the path of the first of Chromium, Chrome and Edge that is installed.
func Find() (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no browser found: none of %s is in PATH; install Chromium (Debian: apt install chromium) or name the browser's path in the configuration",
		strings.Join(names, ", "))
}
