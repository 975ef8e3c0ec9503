package execstore

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/kioskeeper/kioskeeper/secret"
)

var (
	word = regexp.MustCompile(`[A-Za-z0-9+/=_.~-]{8,}`)
	// hexadecimal is long enough to be a key.
	hexadecimal = regexp.MustCompile(`^[0-9a-f]{32,}$|^[0-9A-F]{32,}$`)
)

const secretLength = 16 // of a word in capitals, small letters and digits

// redact makes what a program said fit for a log: one line, without what it printed as the credential, and without any
// word that has the look of a key. Programs should not say secrets on stderr; this is for those that do.
func redact(said, printed []byte) string {
	if whole := bytes.TrimSpace(printed); len(whole) > 0 {
		said = bytes.ReplaceAll(said, whole, []byte(secret.Redacted))
	}
	clean := word.ReplaceAllStringFunc(strings.ToValidUTF8(string(said), "?"), func(w string) string {
		if bytes.Contains(printed, []byte(w)) || hexadecimal.MatchString(w) || len(w) >= secretLength && mixed(w) {
			return secret.Redacted
		}
		return w
	})
	clean = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, clean)
	return strings.Join(strings.Fields(clean), " ")
}

func mixed(w string) bool {
	return strings.ContainsFunc(w, unicode.IsUpper) && strings.ContainsFunc(w, unicode.IsLower) &&
		strings.ContainsFunc(w, unicode.IsDigit)
}
