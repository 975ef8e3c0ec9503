package execstore

import (
	"strings"
	"testing"
	"unicode"

	"github.com/kioskeeper/kioskeeper/secret"
)

func FuzzRedact(f *testing.F) {
	f.Add([]byte("no token AbCdEf0123456789\x1b[31m"), []byte("AbCdEf0123456789"))
	f.Add([]byte("\xff\xfe"), []byte(nil))
	f.Fuzz(func(t *testing.T, said, printed []byte) {
		clean := redact(said, printed)
		if strings.ContainsFunc(clean, unicode.IsControl) {
			t.Errorf("%q has control characters", clean)
		}
		if whole := strings.TrimSpace(string(printed)); len(whole) > len(secret.Redacted) && strings.Contains(clean, whole) {
			t.Errorf("%q shows %q", clean, whole)
		}
		for _, w := range word.FindAllString(string(printed), -1) {
			if len(w) == len(printed) && strings.Contains(" "+clean+" ", " "+w+" ") {
				t.Errorf("%q shows %q", clean, w)
			}
		}
	})
}
