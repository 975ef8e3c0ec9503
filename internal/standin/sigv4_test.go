package standin

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestVerifiesAWSsOwnVectors: requests and signatures of AWS's published Signature Version 4 test suite, and the worked
// example of its documentation (ListUsers).
func TestVerifiesAWSsOwnVectors(t *testing.T) {
	const secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, v := range []struct {
		name, method, target, body string
		header                     http.Header
		service, signed, signature string
	}{
		{"get-vanilla", "GET", "/", "", nil, "service", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", nil, "service", "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-utf8-query", "GET", "/?%E1%88%B4=bar", "", nil, "service", "host;x-amz-date",
			"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-header-value-trim", "GET", "/", "", http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}},
			"service", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"get-header-key-duplicate", "GET", "/", "", http.Header{"My-Header1": {"value2", "value2", "value1"}},
			"service", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
		{"post-vanilla", "POST", "/", "", nil, "service", "host;x-amz-date",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-x-www-form-urlencoded", "POST", "/", "Param1=value1", form, "service", "content-type;host;x-amz-date",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"ListUsers", "GET", "/?Action=ListUsers&Version=2010-05-08", "",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, "iam", "content-type;host;x-amz-date",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	} {
		t.Run(v.name, func(t *testing.T) {
			r := httptest.NewRequest(v.method, v.target, strings.NewReader(v.body))
			r.Host = "example.amazonaws.com"
			if v.service == "iam" {
				r.Host = "iam.amazonaws.com"
			}
			for name, values := range v.header {
				r.Header[name] = values
			}
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			auth, problem := parseAuthorization("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + v.service +
				"/aws4_request, SignedHeaders=" + v.signed + ", Signature=" + v.signature)
			if problem != "" {
				t.Fatal(problem)
			}
			if !auth.verify(r, []byte(v.body), secretKey) {
				t.Error("AWS's signature is refused")
			}
			if auth.verify(r, []byte(v.body+"x"), secretKey) || auth.verify(r, []byte(v.body), secretKey+"x") {
				t.Error("another body or key is accepted")
			}
			r.Host = "sts.example.com"
			if auth.verify(r, []byte(v.body), secretKey) {
				t.Error("another host is accepted")
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	const good = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature="
	signature := strings.Repeat("0f", 32)
	f.Add(good + signature)
	f.Add(good + "zz")
	f.Add(strings.ReplaceAll(good, ", ", ",") + signature)
	f.Add(strings.Replace(good, "/sts", "", 1) + signature)
	f.Add(strings.Replace(good, "host;x-amz-date", "x-amz-date;host", 1) + signature)
	f.Add("AWS4-HMAC-SHA256 Signature=,,==,Credential=////")
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, header string) {
		a, problem := parseAuthorization(header)
		if problem != "" {
			return
		}
		// What is accepted says the same when it is written again.
		again := "AWS4-HMAC-SHA256 Credential=" + strings.Join([]string{a.keyID, a.date, a.region, a.service, a.end}, "/") +
			", SignedHeaders=" + strings.Join(a.signed, ";") + ", Signature=" + hex.EncodeToString(a.signature)
		b, problem := parseAuthorization(again)
		if problem != "" || b.keyID != a.keyID || !bytes.Equal(b.signature, a.signature) {
			t.Errorf("%q was read as %+v, and that as %+v (%s)", header, a, b, problem)
		}
	})
}
