package lambdahttp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid/lambdahttp"
)

// The shapes are those of AWS's documentation, cut to what differs.
const (
	functionURL = `{"version":"2.0","rawPath":"/v2/credential","rawQueryString":"a=1","headers":{"content-type":"application/x","host":"id.example.com",
		"x-forwarded-for":"192.0.2.66"},"cookies":["a=1","b=2"],"requestContext":{"http":{"method":"POST","sourceIp":"192.0.2.1"}},
		"body":%q,"isBase64Encoded":%v}`
	restAPI = `{"httpMethod":"POST","path":"/v2/credential","headers":{"Content-Type":"application/x","Host":"id.example.com"},
		"multiValueHeaders":{"Content-Type":["application/x"],"Host":["id.example.com"]},
		"requestContext":{"identity":{"sourceIp":"192.0.2.1"}},"body":%q,"isBase64Encoded":%v}`
)

func TestEachKindOfCallerIsTheSameRequest(t *testing.T) {
	t.Parallel()
	binary := string([]byte{0, 0xff, 'x'})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/y")
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("Late", "not sent")
		_, _ = fmt.Fprintf(w, "%s %s %s %s %s\xff%s", r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Host, r.RemoteAddr, body)
	})
	for name, shape := range map[string]string{"function URL": functionURL, "REST API": restAPI} {
		for _, coded := range []bool{true, false} {
			body, want := "plain", "plain"
			if coded {
				body, want = base64.StdEncoding.EncodeToString([]byte(binary)), binary
			}
			r, err := lambdahttp.Handle(t.Context(), h, fmt.Appendf(nil, shape, body, coded))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := base64.StdEncoding.DecodeString(r.Body)
			want = "POST /v2/credential application/x id.example.com 192.0.2.1:0\xff" + want
			if err != nil || string(got) != want || !r.IsBase64Encoded || r.StatusCode != http.StatusTeapot {
				t.Errorf("%s: %q, want %q; %+v", name, got, want, r)
			}
			if len(r.Headers) != 1 || r.Headers["Content-Type"] != "application/y" || len(r.MultiHeaders["Content-Type"]) != 1 {
				t.Errorf("%s: headers %v, %v", name, r.Headers, r.MultiHeaders)
			}
		}
	}
}

func TestATextGoesAsText(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "refused\n")
	})
	r, err := lambdahttp.Handle(t.Context(), h, fmt.Appendf(nil, functionURL, "", false))
	if err != nil || r.Body != "refused\n" || r.IsBase64Encoded || r.StatusCode != http.StatusOK {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsNotHTTPIsAnErrorThatQuotesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `{"Records":[{"PLANTED":1}]}`, `{"version":"PLANTED"}`, `{"httpMethod":{"PLANTED":1}}`,
		`{"httpMethod":"POST","body":"PLANTED","isBase64Encoded":true}`, `{"version":"2.0","httpMethod":"POST"}`} {
		r, err := lambdahttp.Handle(t.Context(), http.NotFoundHandler(), []byte(text))
		if err == nil || strings.Contains(err.Error(), "PLANTED") {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(fmt.Appendf(nil, functionURL, "AA==", true))
	f.Add(fmt.Appendf(nil, restAPI, "x", false))
	f.Add([]byte(`{"httpMethod":"\n","path":"%zz","multiValueHeaders":{"":null}}`))
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := lambdahttp.Handle(t.Context(), echo, text)
		if (r == nil) == (err == nil) {
			t.Fatalf("%v, %v", r, err)
		}
		if r == nil {
			return
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		if _, err := base64.StdEncoding.DecodeString(r.Body); r.IsBase64Encoded && err != nil {
			t.Fatal(err)
		}
	})
}
