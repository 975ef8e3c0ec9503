package serverdir

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// problems are what is wrong with a file, and where its keys stand.
type problems struct {
	positions map[string]unstable.Position
	all       []problem
}

type problem struct {
	line, column int
	text         string
}

func (p *problems) add(line, column int, text string) {
	p.all = append(p.all, problem{line, column, text})
}

// at adds a problem where key stands, or the nearest table around it that is there.
func (p *problems) at(key, text string) {
	near := key
	for near != "" && p.positions[near].Line == 0 {
		near = near[:max(strings.LastIndexByte(near, '.'), 0)]
	}
	where := p.positions[near]
	p.add(max(where.Line, 1), max(where.Column, 1), key+": "+text)
}

func (p *problems) err() error {
	slices.SortFunc(p.all, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), strings.Compare(a.text, b.text))
	})
	var errs []error
	for _, x := range p.all {
		errs = append(errs, fmt.Errorf("line %d, column %d: %s", x.line, x.column, x.text))
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
