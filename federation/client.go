package federation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// newClient makes a client for one sign-in. Nothing of it stays: the next one is most of an hour away.
func newClient() (*http.Client, error) {
	roots, err := caBundle()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: func(r *http.Request) (*url.URL, error) {
				if onLoopback(r.URL.Hostname()) {
					return nil, nil
				}
				return http.ProxyFromEnvironment(r)
			},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, loopbackAddress(address))
			},
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: tokenAnswerMax,
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
		},
		// A redirect could carry the credentials to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// caBundle holds the certificates of AWS_CA_BUNDLE, as in the AWS SDK, so that one setting serves the whole way to the
// console; nil: the system's.
func caBundle() (*x509.CertPool, error) {
	name := os.Getenv("AWS_CA_BUNDLE")
	if name == "" {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(name); err != nil || !roots.AppendCertsFromPEM(pem) {
		return nil, &Error{Op: opToken, Kind: Invalid, Detail: "AWS_CA_BUNDLE names no readable file of PEM certificates",
			Hint: "mend or unset AWS_CA_BUNDLE"}
	}
	return roots, nil
}
