//go:build unix

package main

import (
	"fmt"
	"syscall"
)

func sameName(a, b string) bool { return a == b }

// become puts the program in this one's place. It returns only if that fails.
func become(path string, args, environment []string) error {
	return exitError{126, fmt.Errorf("%s: %w", path, syscall.Exec(path, args, environment))}
}
