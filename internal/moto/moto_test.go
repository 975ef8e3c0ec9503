package moto_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/moto"
)

// A second opinion that believes everybody would be none.
func TestSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	s := moto.Start(t, func(*moto.Server) {})
	if s == nil {
		return // said so
	}
	form := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.AccessKeyID+"/20260101/us-east-1/sts/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong signature: %s", resp.Status)
	}
}
