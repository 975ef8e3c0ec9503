package conffile

import (
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong in a configuration file.
type Problem struct {
	// Line and Column count from 1; a column is a character, whatever its width.
	Line, Column int
	What         string // what is wrong, in one line
	Hint         string // what mends it
}

// Error gives the place, the problem and the hint in one line.
func (p Problem) Error() string {
	return fmt.Sprintf("%d:%d: %s (%s)", p.Line, p.Column, p.What, p.Hint)
}

// Problems is all that is wrong in a file, in its order: the error of [Load] and [Parse].
type Problems struct {
	File string // as it was given to Load or Parse
	List []Problem
}

// Error gives a line for each problem, in the form file:line:column that editors and terminals can jump to.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = p.File + ":" + one.Error()
	}
	return strings.Join(lines, "\n")
}

// place is a position in the file.
type place struct{ line, column int }

// add notes a problem.
func (p *Problems) add(at place, what, hint string) {
	p.List = append(p.List, Problem{Line: at.line, Column: at.column, What: what, Hint: hint})
}

// or is nil where nothing is wrong: a nil *Problems in an error would not be a nil error.
func (p *Problems) or() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return p
}

// A mistake is what is wrong with a value, before its place is known.
type mistake struct{ what, hint string }

func (m *mistake) Error() string { return m.what + " (" + m.hint + ")" }

// wrong makes a mistake; the one that looks at a value says what it must be, and how to get there.
func wrong(what, hint string) *mistake { return &mistake{what, hint} }
