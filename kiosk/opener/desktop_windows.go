package opener

import (
	"fmt"

	"golang.org/x/sys/windows"
)

const launchHint = "choose a default browser in Settings, Apps, Default apps"

// desktop says why no browser can show here: services run in session 0, which has no screen.
func desktop() error {
	var session uint32
	if err := windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &session); err != nil {
		return fmt.Errorf("default browser: the session cannot be told: %w", err)
	}
	if session == 0 {
		return fmt.Errorf("default browser: this is session 0, a service's, which has no screen (run kioskeeper as a " +
			"task at logon)")
	}
	return nil
}
