package s3repo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/secret"
)

func TestAddressesAreThoseOfAWS(t *testing.T) {
	t.Parallel()
	own := "https://s3.example.com:7480/"
	for want, x := range map[string]struct {
		bucket, region string
		endpoint       *string
	}{
		"https://acme.s3.eu-central-1.amazonaws.com/p/x%20y":    {"acme", "eu-central-1", nil},
		"https://acme.s3.cn-north-1.amazonaws.com.cn/p/x%20y":   {"acme", "cn-north-1", nil},
		"https://s3.us-east-1.amazonaws.com/acme.walls/p/x%20y": {"acme.walls", "us-east-1", nil},
		"https://s3.example.com:7480/acme/p/x%20y":              {"acme", "x", &own},
	} {
		b := &Bucket{Name: x.bucket, Prefix: "p/"}
		if got, err := b.address(x.region, x.endpoint, call{key: "x y"}); err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

func TestWhatFailsForAMomentIsCalledAgain(t *testing.T) {
	t.Parallel()
	const planted = "planted-secret"
	status, calls := 0, 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < attempts || status < 500 {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>Some</Code><StringToSign>" + planted + "</StringToSign></Error>"))
		}
	}))
	defer h.Close()
	b := &Bucket{Name: "acme", Account: &awscall.Account{Region: "eu-central-1", Endpoint: h.URL,
		Keys: autoid.AWSKeys{AccessKeyID: "AKIA", SecretAccessKey: secret.New(planted)}}}
	for s, want := range map[int]int{500: attempts, 503: attempts, 400: 1, 403: 1, 301: 1, 412: 1} {
		status, calls = s, 0
		_, _, err := b.get(context.Background(), "x", 10)
		if calls != want || (err == nil) != (s >= 500) || (err != nil && strings.Contains(err.Error(), planted)) {
			t.Errorf("%d: %d calls, %v", s, calls, err)
		}
		if errors.Is(err, errChanged) != (s == 412) {
			t.Errorf("%d: %v", s, err)
		}
	}
}
