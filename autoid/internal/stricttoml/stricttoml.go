// Package stricttoml reads TOML in which nothing may be wrong, and says where what is wrong stands.
package stricttoml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A File is a text that has been read, and what is wrong with it.
type File struct {
	positions map[string]unstable.Position
	problems  []problem
}

type problem struct {
	line, column int
	text         string
}

// Read puts the text into v, a pointer to a struct. An error means that the text is not TOML, and that nothing behind the
// mistake was read; keys that v does not know, and what the caller finds wrong, are told by Err.
func Read(data []byte, v any) (*File, error) {
	f := &File{positions: positionsOf(data)}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(v)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		for _, e := range strict.Errors {
			line, column := e.Position()
			f.problems = append(f.problems, problem{line, column, strings.Join(e.Key(), ".") + ": unknown key"})
		}
		return f, nil
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		return nil, fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(e.Error(), "toml: "))
	}
	return f, err
}

// Has reports whether the file has the key, or the table.
func (f *File) Has(key string) bool { return f.positions[key].Line != 0 }

// Problem adds a problem where key stands, or the nearest table around it that is there.
func (f *File) Problem(key, format string, args ...any) {
	near := key
	for near != "" && !f.Has(near) {
		near = near[:max(strings.LastIndexByte(near, '.'), 0)]
	}
	where := f.positions[near]
	f.problems = append(f.problems,
		problem{max(where.Line, 1), max(where.Column, 1), key + ": " + fmt.Sprintf(format, args...)})
}

// Err lists what is wrong, a line each, in the order of the file; nil if nothing is.
func (f *File) Err() error {
	slices.SortFunc(f.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), strings.Compare(a.text, b.text))
	})
	var errs []error
	for _, p := range f.problems {
		errs = append(errs, fmt.Errorf("line %d, column %d: %s", p.line, p.column, p.text))
	}
	return errors.Join(errs...)
}

// positionsOf finds where each key stands, by its full dotted name.
func positionsOf(data []byte) map[string]unstable.Position {
	found := map[string]unstable.Position{}
	var parser unstable.Parser
	parser.Reset(data)
	table := ""
	for parser.NextExpression() {
		e := parser.Expression()
		name := ""
		if e.Kind == unstable.KeyValue {
			name = table
		}
		var start unstable.Position
		for it := e.Key(); it.Next(); {
			if start.Line == 0 {
				start = parser.Shape(it.Node().Raw).Start
			}
			name = strings.TrimPrefix(name+"."+string(it.Node().Data), ".")
		}
		if e.Kind != unstable.KeyValue {
			table = name
		}
		found[name] = start
	}
	return found
}
