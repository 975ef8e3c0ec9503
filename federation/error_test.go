package federation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/kioskeeper/kioskeeper/federation"
)

func TestNetworkErrorsSayWhatFailedAndQuoteNothing(t *testing.T) {
	t.Parallel()
	const planted = "plantedKeyWJalrXUtnFEMI"
	for _, test := range []struct {
		err  error
		kind federation.Kind
		says string
	}{
		{context.Canceled, federation.Unreachable, "given up"},
		{context.DeadlineExceeded, federation.Unreachable, "no answer in time"},
		{&net.DNSError{Name: "signin.example.com", IsNotFound: true}, federation.Unreachable, "signin.example.com was not resolved"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, federation.Unreachable, "refused"},
		{x509.CertificateInvalidError{Reason: x509.Expired, Detail: planted}, federation.ClockWrong, "timedatectl"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, federation.Unreachable, "AWS_CA_BUNDLE"},
		{tls.RecordHeaderError{Msg: planted}, federation.Unreachable, "does not speak TLS"},
		{io.ErrUnexpectedEOF, federation.Unreachable, "closed"},
		{errors.New(planted), federation.Unreachable, "broke"},
	} {
		err := federation.NetworkError("getSigninToken",
			&url.Error{Op: "Post", URL: "https://signin.example.com/?" + planted, Err: fmt.Errorf("%s: %w", planted, test.err)})
		said := fmt.Sprintf("%v %+v %#v", err, err, err)
		if err.Kind != test.kind || !strings.Contains(said, test.says) || strings.Contains(said, planted) {
			t.Errorf("%v became %s", test.err, said)
		}
	}
}
