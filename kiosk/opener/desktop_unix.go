//go:build unix && !darwin

package opener

import (
	"errors"
	"os"
)

const launchHint = "install xdg-utils, and choose a browser with xdg-settings set default-web-browser"

// desktop says why no browser can show here. Without it a browser for terminals might be started, unseen.
func desktop() error {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("default browser: there is no desktop: neither DISPLAY nor WAYLAND_DISPLAY is set (run " +
			"kioskeeper in the desktop session, as a systemd user service for example)")
	}
	return nil
}
