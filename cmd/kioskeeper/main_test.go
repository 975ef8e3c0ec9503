package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test's own program serve as kioskeeper, for whoever starts it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kioskeeper": main})
}
