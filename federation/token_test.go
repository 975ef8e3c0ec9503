package federation

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer feeds answers of every status: there is a token or an error, and no error quotes the answer.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"SigninToken":"abc"}`), false)
	f.Add(200, []byte(`{"SigninToken":null}`), false)
	f.Add(400, []byte("<html>Invalid credentials parameter plantedPLANTED"), true)
	f.Add(400, []byte("Only federation tokens or assume role tokens"), false)
	f.Add(503, []byte("Throttling"), false)
	f.Add(307, []byte{}, false)
	f.Fuzz(func(t *testing.T, status int, body []byte, expired bool) {
		if status != http.StatusOK {
			e := classify(status, append(body, "plantedPLANTED"...), expired)
			if e.Kind == "" || strings.Contains(e.Error(), "plantedPLANTED") {
				t.Errorf("%v", e)
			}
			return
		}
		if token, err := parseToken(body); (err == nil) == token.Empty() {
			t.Errorf("token and error, or neither: %v", err)
		}
	})
}

func TestSkewIsTheLeastThatTheDateAllows(t *testing.T) {
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	at := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		from, to time.Duration
		want     time.Duration
	}{
		{0, 0, 0},
		{900 * time.Millisecond, 900 * time.Millisecond, 0},
		{-time.Second, 30 * time.Second, 0},
		{time.Minute, time.Minute, 59 * time.Second},
		{-time.Minute, -time.Minute, -time.Minute},
	} {
		if got, ok := skew(date, at.Add(test.from), at.Add(test.to)); got != test.want || !ok {
			t.Errorf("%v to %v: %v, %v; want %v", test.from, test.to, got, ok, test.want)
		}
	}
	for _, wrong := range []string{"", "yesterday"} {
		if _, ok := skew(wrong, at, at); ok {
			t.Errorf("%q tells a time", wrong)
		}
	}
}
