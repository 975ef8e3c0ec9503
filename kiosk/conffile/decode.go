package conffile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A table declares what may stand in a table of the file. It is bound to the struct that the values go into.
type table struct {
	doc    string // for the sample and the reference
	keys   []key
	tables []entry
	// short is the key that a text in place of the table stands for: browser = "default".
	short string
	// later are keys and tables of versions to come; whoever read about them gets an honest answer.
	later []string
	// check looks at the table as a whole. Values that are missing or wrong are zero, and reported already.
	check func(n *node)
}

// An entry is a place for tables within a table.
type entry struct {
	name     string
	list     bool // a [[name]]: there may be several
	required bool // there must be one
	// open makes the struct that the next table of this name goes into.
	open func() table
}

// A key declares one key. All values are texts.
type key struct {
	name string
	doc  string
	// sample is a good value; fallback the one that a key left out has, "" if there is none.
	sample, fallback string
	required         bool
	shown            bool // in the sample, though it is not required
	set              func(value string) error
}

// into parses a value into a field.
func into[T any](field *T, parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		v, err := parse(value)
		if err == nil {
			*field = v
		}
		return err
	}
}

// A title is a table's full name, as a header gives it; the file itself has none.
type title struct {
	path string
	list bool
}

func (t title) String() string {
	switch {
	case t.path == "":
		return "the file"
	case t.list:
		return "[[" + t.path + "]]"
	}
	return "[" + t.path + "]"
}

func (t title) inner(e entry) title {
	return title{strings.TrimPrefix(t.path+"."+e.name, "."), e.list}
}

// A decoder puts the tree into the structs.
type decoder struct {
	problems *Problems
	broken   bool // parts of the file could not be read: what is missing may be there
}

func (d decoder) table(n *node, name title, t table) {
	for _, c := range n.children {
		if i := slices.IndexFunc(t.keys, func(k key) bool { return k.name == c.name }); i >= 0 {
			d.key(c, t.keys[i])
		} else if i := slices.IndexFunc(t.tables, func(e entry) bool { return e.name == c.name }); i >= 0 {
			d.entry(c, name.inner(t.tables[i]), t.tables[i])
		} else {
			d.unknown(c, n, name, t)
		}
	}
	for _, k := range t.keys {
		if k.required && !d.broken && n.lacks(k.name) {
			d.problems.add(n.at, fmt.Sprintf("%s is missing in %s", k.name, name), "add "+k.line(k.sample))
		}
	}
	for _, e := range t.tables {
		if e.required && !d.broken && n.lacks(e.name) {
			d.problems.add(n.at, fmt.Sprintf("%s is missing", name.inner(e)), "add it: kioskeeper generate config shows how")
		}
	}
	defaults(n, t)
	if t.check != nil {
		t.check(n)
	}
}

// defaults sets what n leaves out, in tables that n leaves out too.
func defaults(n *node, t table) {
	for _, k := range t.keys {
		if k.fallback != "" && n.child(k.name) == nil {
			if err := k.set(k.fallback); err != nil {
				panic(fmt.Sprintf("conffile: the default of %s: %v", k.name, err)) // a mistake in keys.go
			}
		}
	}
	for _, e := range t.tables {
		if !e.list && n.child(e.name) == nil {
			defaults(new(node), e.open())
		}
	}
}

func (d decoder) key(n *node, k key) {
	if n.kind != isText {
		d.problems.add(n.at, fmt.Sprintf("%s must be a text in quotes, not %s", k.name, n.kind), "write "+k.line(k.sample))
		return
	}
	if err := k.set(n.text); err != nil {
		what, hint := err.Error(), "write "+k.line(k.sample)
		if m, ok := errors.AsType[*mistake](err); ok {
			what, hint = m.what, m.hint
		}
		d.problems.add(n.at, k.name+" "+what, hint)
	}
}

func (d decoder) entry(n *node, name title, e entry) {
	switch {
	case e.list && n.kind == isList:
		for _, element := range n.children {
			d.table(element, name, e.open())
		}
	case !e.list && n.kind == isTable:
		d.table(n, name, e.open())
	case !e.list && n.kind == isText && e.open().short != "":
		only := *n
		only.name = e.open().short
		d.table(&node{at: n.at, children: []*node{&only}}, name, e.open())
	case e.list:
		d.problems.add(n.at, fmt.Sprintf("%s must be a list of tables, not %s", e.name, n.kind), "begin each with "+name.String())
	default:
		d.problems.add(n.at, fmt.Sprintf("%s must be one table, not %s", e.name, n.kind), "begin it with "+name.String())
	}
}

// unknown reports a name in a table that is not declared, with the one that may have been meant.
func (d decoder) unknown(n, in *node, name title, t table) {
	what := fmt.Sprintf("%s is not known in %s", shorten(n.name), name)
	var known []string
	for _, k := range t.keys {
		known = append(known, k.name)
	}
	for _, e := range t.tables {
		known = append(known, e.name)
	}
	switch near, home := nearest(n.name, known), homeOf(n.name); {
	case slices.Contains(t.later, n.name):
		d.problems.add(n.key, n.name+" is not yet supported in this version", "remove it")
	case near != "":
		in.meant = append(in.meant, near)
		d.problems.add(n.key, what, fmt.Sprintf("did you mean %s?", near))
	case home != "":
		d.problems.add(n.key, what, home)
	default:
		d.problems.add(n.key, what, "remove it; known here: "+strings.Join(known, ", "))
	}
}

// homeOf says where a key or table of this name would be right; "" if nowhere.
func homeOf(name string) string {
	for where, t := range tables() {
		if slices.ContainsFunc(t.keys, func(k key) bool { return k.name == name }) {
			return "it belongs to " + where.String()
		}
		for _, e := range t.tables {
			if e.name == name {
				return fmt.Sprintf("it is a table: begin it with %s on a line of its own", where.inner(e))
			}
		}
	}
	return ""
}
