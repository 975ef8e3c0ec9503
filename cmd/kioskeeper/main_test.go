package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test's own program serve as kioskeeper, for whoever starts it by that name, and as the launcher of
// the default browser, so that no test opens a real one on a developer's desktop by mistake.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kioskeeper": main, "xdg-open": visit})
}
