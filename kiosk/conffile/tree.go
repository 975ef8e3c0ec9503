package conffile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A node is a value of the document, and where it stands.
//
// go-toml's own decoder stops at the first wrong value and forgets the places of the right ones; both are needed to
// report everything at once. So its parser is used, and the tree is built here.
type node struct {
	name     string
	key, at  place // where its name stands, and its value
	kind     kind
	text     string   // of a text
	children []*node  // of a table by name, in the order of the file; of a list its tables
	implied  bool     // a table that so far is only a part of other tables' names
	meant    []string // in a table: names that a slip of the pen was reported for
}

// kind is what a value is, in the words of a message.
type kind string

const (
	isText  kind = "a text"
	isTable kind = "a table"
	isList  kind = "a list of tables"
	isOther kind = "a list"
)

// child finds a value of a table.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// lacks reports whether a name is missing from a table: one that is misspelt is not, and has been reported.
func (n *node) lacks(name string) bool {
	return n.child(name) == nil && !slices.Contains(n.meant, name)
}

// where is the place of the value behind the names, or of the nearest table around it that there is.
func (n *node) where(path ...string) place {
	for _, name := range path {
		c := n.child(name)
		if c == nil {
			break
		}
		n = c
	}
	return n.at
}

// maxSyntaxErrors ends the reading of what is not TOML at all.
const maxSyntaxErrors = 5

// A reader makes the tree.
type reader struct {
	data     []byte
	base     int // where in data the parser has begun
	parser   unstable.Parser
	problems *Problems
	broken   bool // there was text that is not TOML, so what seems to be missing may stand there
}

// tree reads the document, going on behind a line that it cannot read.
func (r *reader) tree() *node {
	root := &node{kind: isTable, at: place{1, 1}}
	if i := invalidUTF8(r.data); i >= 0 {
		r.broken = true
		r.problems.add(r.place(i), "the file is not UTF-8 text", "save it as UTF-8")
		return root
	}
	here := root
	for range maxSyntaxErrors {
		r.parser.Reset(r.data[r.base:])
		for r.parser.NextExpression() {
			here = r.expression(root, here, r.parser.Expression())
		}
		parse, failed := errors.AsType[*unstable.ParserError](r.parser.Error())
		if !failed {
			break
		}
		r.broken = true
		i := r.base + int(r.parser.Range(parse.Highlight).Offset)
		line, rest := r.line(i)
		r.problems.add(r.place(i), "this is not TOML: "+parse.Message, syntaxHint(line))
		if strings.HasPrefix(strings.TrimSpace(line), "[") {
			here = &node{kind: isTable} // whose keys follow is unknown: they are not looked at
		}
		r.base = rest
	}
	if !r.broken && len(r.problems.List) == 0 {
		r.ask()
	}
	return root
}

// ask lets go-toml's own decoder see the document, for the rules of TOML that the tree does not know.
func (r *reader) ask() {
	var anything map[string]any
	decode, failed := errors.AsType[*toml.DecodeError](toml.Unmarshal(r.data, &anything))
	if !failed {
		return
	}
	line, column := decode.Position()
	r.broken = true
	r.problems.add(place{max(line, 1), max(column, 1)},
		"this is not TOML: "+strings.TrimPrefix(decode.Error(), "toml: "), "give each table and key once")
}

// expression puts one header or one key and its value into the tree, and returns the table that the next key is for.
func (r *reader) expression(root, here *node, e *unstable.Node) *node {
	switch e.Kind {
	case unstable.Table:
		return r.header(root, e, false)
	case unstable.ArrayTable:
		return r.header(root, e, true)
	case unstable.KeyValue:
		r.keyValue(here, e)
	}
	return here
}

// header finds or makes the table that a [header] or [[header]] names.
func (r *reader) header(root *node, e *unstable.Node, list bool) *node {
	outer, last, ok := r.descend(root, e)
	if !ok {
		return &node{kind: isTable}
	}
	names := e.Key()
	names.Next()
	at := r.place(r.offset(names.Node().Raw)) // of the whole dotted name
	fresh := &node{name: string(last.Data), key: at, at: at, kind: isTable}
	found := outer.child(fresh.name)
	switch {
	case found == nil && list:
		outer.children = append(outer.children,
			&node{name: fresh.name, key: at, at: at, kind: isList, children: []*node{fresh}})
	case found == nil:
		outer.children = append(outer.children, fresh)
	case list && found.kind == isList:
		found.children = append(found.children, fresh)
	case !list && found.kind == isTable && found.implied:
		found.implied, found.key, found.at = false, at, at
		return found
	default:
		r.twice(at, found)
	}
	return fresh
}

// keyValue puts a key's value into a table.
func (r *reader) keyValue(table *node, e *unstable.Node) {
	outer, last, ok := r.descend(table, e)
	if !ok {
		return
	}
	at := r.place(r.offset(last.Raw))
	if found := outer.child(string(last.Data)); found != nil {
		r.twice(at, found)
		return
	}
	n := &node{name: string(last.Data), key: at, at: at}
	r.value(n, e.Value())
	outer.children = append(outer.children, n)
}

// descend goes to the table that the last part of a dotted name is in; tables on the way are made.
func (r *reader) descend(n *node, e *unstable.Node) (*node, *unstable.Node, bool) {
	for names := e.Key(); names.Next(); {
		part := names.Node()
		if names.IsLast() {
			return n, part, true
		}
		at := r.place(r.offset(part.Raw))
		next := n.child(string(part.Data))
		switch {
		case next == nil:
			next = &node{name: string(part.Data), key: at, at: at, kind: isTable, implied: true}
			n.children = append(n.children, next)
		case next.kind == isList:
			next = next.children[len(next.children)-1]
		case next.kind != isTable:
			r.twice(at, next)
			return nil, nil, false
		}
		n = next
	}
	return nil, nil, false
}

// value fills n with what stands behind the equals sign.
func (r *reader) value(n *node, v *unstable.Node) {
	if v.Raw.Length > 0 {
		n.at = r.place(r.offset(v.Raw))
	}
	switch v.Kind {
	case unstable.String:
		n.kind, n.text = isText, string(v.Data)
	case unstable.InlineTable:
		n.kind = isTable
		for it := v.Children(); it.Next(); {
			r.keyValue(n, it.Node())
		}
	case unstable.Array:
		n.kind = isOther
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.InlineTable {
				n.kind, n.children = isOther, nil
				return
			}
			element := &node{name: n.name, key: n.key}
			r.value(element, it.Node())
			n.kind, n.children = isList, append(n.children, element)
		}
	case unstable.Bool:
		n.kind = "true or false"
	case unstable.Integer, unstable.Float:
		n.kind = "a number"
	default:
		n.kind = "a date or time"
	}
}

// twice reports a name that is taken already.
func (r *reader) twice(at place, first *node) {
	r.problems.add(at, fmt.Sprintf("%q is given twice: first on line %d", first.name, first.key.line), "keep one of them")
}

// offset is where in data a part of the parser's text begins.
func (r *reader) offset(part unstable.Range) int { return r.base + int(part.Offset) }

// place counts lines and characters up to byte i of data.
func (r *reader) place(i int) place {
	before := r.data[:i]
	return place{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1}
}

// line is the line around byte i of data, and where the next one begins.
func (r *reader) line(i int) (line string, next int) {
	start, end := bytes.LastIndexByte(r.data[:i], '\n')+1, len(r.data)
	if length := bytes.IndexByte(r.data[i:], '\n'); length >= 0 {
		end = i + length
	}
	return string(r.data[start:end]), min(end+1, len(r.data))
}

// syntaxHint says what most often is wrong with a line that is not TOML.
func syntaxHint(line string) string {
	name, value, ok := strings.Cut(line, "=")
	switch {
	case strings.HasPrefix(strings.TrimSpace(line), "["):
		return "a table begins with [name], a table of a list with [[name]], on a line of its own"
	case !ok:
		return `a line is a [table], or name = "value", or a # comment`
	case strings.Contains(value, `\`):
		return `in "double quotes" \ is special: write 'single quotes' around the value, or / for \`
	}
	return fmt.Sprintf(`write %s = "…", the quotes on the same line`, strings.TrimSpace(name))
}

// invalidUTF8 is where data stops being UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
