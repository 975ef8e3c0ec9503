// Package secret holds a text that does not print.
//
// Keys, tokens and sign-in fields travel through the program as [Text]. Whatever formats, logs or marshals one gets
// "[redacted]"; only [Text.Reveal] gives the content, so that the places where a secret leaves the program can be found
// by searching for one word.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a Text prints as.
const Redacted = "[redacted]"

// Text is a secret string. Its zero value is the empty secret.
//
// The content lies behind a pointer: fmt prints unexported fields of a struct without asking for their methods, and
// would otherwise show a Text inside one.
type Text struct{ content *string }

// New makes s a secret.
func New(s string) Text { return Text{&s} }

// Reveal gives the content, to be handed to the one who must have it and to nobody else.
func (t Text) Reveal() string {
	if t.content == nil {
		return ""
	}
	return *t.content
}

// Empty reports whether there is no content.
func (t Text) Empty() bool { return t.Reveal() == "" }

// Equal compares in constant time for contents of equal length.
func (t Text) Equal(u Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// String implements fmt.Stringer.
func (Text) String() string { return Redacted }

// GoString implements fmt.GoStringer.
func (Text) GoString() string { return Redacted }

// Format implements fmt.Formatter, for every verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// MarshalText implements encoding.TextMarshaler, and so JSON and TOML too.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
