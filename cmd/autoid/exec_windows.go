package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

// become runs the program to its end: Windows puts none in another's place. A Ctrl-C reaches both, and is the program's to
// heed.
func become(path string, args, environment []string) error {
	signal.Ignore(os.Interrupt)
	c := exec.Command(path, args[1:]...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = environment, os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitError{exit.ExitCode(), nil}
	}
	if err != nil {
		return exitError{126, err}
	}
	return nil
}
