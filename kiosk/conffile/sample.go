package conffile

import (
	"strconv"
	"strings"
)

// Sample is a configuration file to begin with: every key with what it means. What may be left out is behind a #, with
// its default, or an example where there is none.
func Sample() string {
	var b strings.Builder
	b.WriteString(comment("Kioskeeper's configuration. What stands behind a # may be left out: it shows the default, " +
		"or an example."))
	for name, t := range tables() {
		if name.path == "" {
			continue
		}
		live := false
		for _, k := range t.keys {
			live = live || k.live()
		}
		b.WriteString("\n" + comment(t.doc) + off(live) + name.String() + "\n")
		for _, k := range t.keys {
			b.WriteString(comment(k.doc) + off(k.live()) + k.line(k.sample) + "\n")
		}
	}
	return b.String()
}

// live reports whether the key is set in the sample.
func (k key) live() bool { return k.required || k.shown }

// line sets the key to a value.
func (k key) line(value string) string { return k.name + " = " + strconv.Quote(value) }

func off(live bool) string {
	if live {
		return ""
	}
	return "#"
}

// comment breaks a text into comment lines of at most 110 letters.
func comment(text string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		if width == 0 || width+1+len(word) > 110 {
			if width > 0 {
				b.WriteByte('\n')
			}
			b.WriteByte('#')
			width = 1
		}
		b.WriteString(" " + word)
		width += 1 + len(word)
	}
	b.WriteByte('\n')
	return b.String()
}
