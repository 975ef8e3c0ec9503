package autoid

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"
)

// trustless reports whether a request that failed may go on without trusting the server's certificate: the certificate
// is not valid yet by a clock that is before this program was built, as on a board without a battery. The protocol does
// not need TLS, and its sealed answer is what puts the time right.
func (c *Client) trustless(err error) bool {
	now := c.now()
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !now.Before(c.built()) {
		return false
	}
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore)
}

func (c *Client) built() time.Time {
	if !c.Built.IsZero() {
		return c.Built
	}
	var built time.Time
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				built, _ = time.Parse(time.RFC3339, s.Value) // the zero time trusts every clock
			}
		}
	}
	return built
}

// untrusting is the transport without its trust in certificates.
func untrusting(t http.RoundTripper) (http.RoundTripper, error) {
	if t == nil {
		t = http.DefaultTransport
	}
	transport, ok := t.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("transport %T: cannot go on without a valid certificate; set this machine's clock", t)
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = true // nobody closes its connections later
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = new(tls.Config)
	}
	transport.TLSClientConfig.InsecureSkipVerify = true
	return transport, nil
}
