package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// docs is where what is documented lies, seen from this folder.
const docs = "../../docs"

// document reads one, with old texts replaced: OLD=>NEW.
func document(ts *testscript.TestScript, name string, replaced []string) string {
	text, err := os.ReadFile(filepath.Join(docs, name))
	ts.Check(err)
	for _, one := range replaced {
		old, fresh, ok := strings.Cut(one, "=>")
		if !ok || !strings.Contains(string(text), old) {
			ts.Fatalf("%s: there is no %q to be replaced", name, one)
		}
		text = []byte(strings.ReplaceAll(string(text), old, fresh))
	}
	return string(text)
}

// page FILE [OLD=>NEW…]: writes the commands of a page, which are indented, to part1, part2 …: the server, which runs on, is
// a part of its own.
func page(ts *testscript.TestScript, _ bool, args []string) {
	var parts []string
	next, part := true, ""
	for line := range strings.Lines(document(ts, args[0], args[1:])) {
		command, ok := strings.CutPrefix(line, "    ")
		if !ok {
			// A heading ends a part.
			if strings.HasPrefix(line, "#") && part != "" {
				parts, part = append(parts, part), ""
			}
			next = true
			continue
		}
		if next && strings.HasPrefix(command, "autoid serve ") {
			parts, part = append(parts, part, "exec "+command), ""
			continue
		}
		next = false
		part += command
	}
	if part != "" {
		parts = append(parts, part)
	}
	for i, text := range parts {
		put(ts, ts.MkAbs(fmt.Sprintf("part%d", i+1)), text)
	}
}

// A step is one of a build: a script, or a checkout of a repository into a folder.
type step struct{ script, repository, folder string }

// example FILE TO [OLD=>NEW…]: writes an example.
func example(ts *testscript.TestScript, _ bool, args []string) {
	put(ts, ts.MkAbs(args[1]), document(ts, filepath.Join("examples", args[0]), args[2:]))
}

// pipeline FILE: runs the scripts of a build's description in the current folder, each as its build system does. A checkout
// of another repository is made from $BUNDLES.
func pipeline(ts *testscript.TestScript, _ bool, args []string) {
	text := document(ts, filepath.Join("examples", args[0]), nil)
	var steps []step
	switch {
	case strings.Contains(args[0], "github"):
		steps = githubSteps(ts, text)
	case strings.Contains(args[0], "gitlab"):
		steps = gitlabSteps(ts, text)
	default:
		steps = circleSteps(ts, text)
	}
	if len(steps) == 0 {
		ts.Fatalf("%s: no steps were found", args[0])
	}
	for i, s := range steps {
		if s.repository != "" {
			ts.Check(ts.Exec("git", "clone", "--quiet", ts.Getenv("BUNDLES"), s.folder))
			continue
		}
		path := ts.MkAbs(fmt.Sprintf("step%d", i))
		put(ts, path, s.script)
		ts.Check(ts.Exec("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", path))
	}
}

func decode(ts *testscript.TestScript, text string, v any) {
	d := yaml.NewDecoder(strings.NewReader(text))
	ts.Check(d.Decode(v))
}

func githubSteps(ts *testscript.TestScript, text string) (steps []step) {
	var file struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses, Run, Shell string
				With             struct{ Repository, Path string }
			}
		}
	}
	decode(ts, text, &file)
	for _, s := range file.Jobs["deploy"].Steps {
		switch {
		case s.Run != "" && s.Shell != "bash":
			ts.Fatalf("without shell: bash a failure in a pipe goes unseen: %s", s.Run)
		case s.Run != "" || s.With.Repository != "":
			steps = append(steps, step{s.Run, s.With.Repository, s.With.Path})
		}
	}
	return steps
}

// gitlabSteps are one script: its lines share a shell.
func gitlabSteps(ts *testscript.TestScript, text string) []step {
	var file struct {
		Deploy struct {
			Before []string `yaml:"before_script"`
			Script []string
		}
	}
	decode(ts, text, &file)
	all := append(file.Deploy.Before, file.Deploy.Script...)
	return []step{{script: strings.Join(all, "\n") + "\n"}}
}

func circleSteps(ts *testscript.TestScript, text string) (steps []step) {
	var file struct {
		Jobs map[string]struct{ Steps []yaml.Node }
	}
	decode(ts, text, &file)
	for _, node := range file.Jobs["deploy"].Steps {
		var s struct{ Run struct{ Command string } }
		if node.Kind == yaml.MappingNode {
			ts.Check(node.Decode(&s))
		}
		if s.Run.Command != "" {
			steps = append(steps, step{script: s.Run.Command})
		}
	}
	return steps
}
