package federation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/federation"
)

// kindOf is the kind of an error of this package, "" for nil and any other error.
func kindOf(err error) federation.Kind {
	if e, ok := errors.AsType[*federation.Error](err); ok {
		return e.Kind
	}
	return ""
}

func TestChooseGoesByRoleAndRegions(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/wall-viewer"
	tests := []struct {
		arn     string
		regions []string
		want    string // partition
		kind    federation.Kind
	}{
		{"", nil, "aws", ""},
		{role, nil, "aws", ""},
		{role, []string{"", "ap-southeast-2", "us-east-1"}, "aws", ""},
		{"", []string{"us-gov-west-1"}, "aws-us-gov", ""},
		{"arn:aws-cn:iam::111122223333:role/x", []string{"cn-northwest-1"}, "aws-cn", ""},
		{"", []string{"eusc-de-east-1"}, "aws-eusc", ""},
		{"", []string{"us-iso-west-1"}, "aws-iso", ""},
		{"", []string{"us-isob-east-1"}, "aws-iso-b", ""},
		{"", []string{"eu-isoe-west-1"}, "aws-iso-e", ""},
		{"", []string{"us-isof-south-1"}, "aws-iso-f", ""},
		{role, []string{"us-gov-west-1"}, "", federation.WrongPartition},
		{"", []string{"us-east-1", "cn-north-1"}, "", federation.WrongPartition},
		{"arn:aws-us-gov:iam::111122223333:role/x", []string{"us-east-1"}, "", federation.WrongPartition},
		{"arn:aws-moon:iam::111122223333:role/x", nil, "", federation.Invalid},
		{"wall-viewer", nil, "", federation.Invalid},
		{"", []string{"us-east-1.evil.example"}, "", federation.Invalid},
		{"", []string{"US-EAST-1"}, "", federation.Invalid},
	}
	for _, test := range tests {
		p, err := federation.Choose(test.arn, test.regions...)
		if p.ID != test.want || kindOf(err) != test.kind {
			t.Errorf("Choose(%q, %q) = %q, %v; want %q, %q", test.arn, test.regions, p.ID, err, test.want, test.kind)
		}
	}
}

func TestHostsAreThoseOfTheDocumentation(t *testing.T) {
	tests := []struct{ region, signIn, console string }{
		{"ap-southeast-2", "https://ap-southeast-2.signin.aws.amazon.com", "https://ap-southeast-2.console.aws.amazon.com"},
		{"cn-north-1", "https://cn-north-1.signin.amazonaws.cn", "https://console.amazonaws.cn"},
		{"us-gov-east-1", "https://us-gov-east-1.signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com"},
		{"eusc-de-east-1", "https://eusc-de-east-1.signin.amazonaws-eusc.eu", "https://console.amazonaws-eusc.eu"},
		{"us-iso-east-1", "https://signin.c2shome.ic.gov", ""},
		{"us-isob-east-1", "https://signin.sc2shome.sgov.gov", ""},
		{"eu-isoe-west-1", "https://signin.csphome.adc-e.uk", ""},
		{"us-isof-south-1", "https://signin.csphome.hci.ic.gov", ""},
	}
	for _, test := range tests {
		p, err := federation.Choose("", test.region)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.SignInBase(test.region); got != test.signIn || err != nil {
			t.Errorf("%s: sign-in at %q, %v; want %q", test.region, got, err, test.signIn)
		}
		if got, err := p.ConsoleBase(test.region); got != test.console || (err != nil) != (test.console == "") {
			t.Errorf("%s: console at %q, %v; want %q", test.region, got, err, test.console)
		}
	}
}

func TestAnEmptyRegionIsThePartitionsOwn(t *testing.T) {
	p, err := federation.Choose("arn:aws-cn:iam::111122223333:role/x")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.SignInBase(""); got != "https://cn-north-1.signin.amazonaws.cn" || err != nil {
		t.Errorf("SignInBase = %q, %v", got, err)
	}
	if _, err := p.SignInBase("us-east-1"); kindOf(err) != federation.WrongPartition {
		t.Errorf("a region of another partition: %v", err)
	}
}

func TestSecretsGoOnlyToHTTPSOrThisMachine(t *testing.T) {
	for _, base := range []string{"https://signin.example.com", "http://signin.localhost:8080", "http://localhost",
		"http://127.0.0.1:1", "http://[::1]:8080", "https://vpce-1.signin.example.com:8443/path"} {
		if err := federation.CheckBase(base); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	for _, base := range []string{"", "http://signin.example.com", "http://localhost.example.com", "http://10.0.0.1",
		"ftp://localhost", "https://user:pass@example.com", "https://example.com/?a=b", "https://example.com/#x", "%"} {
		if err := federation.CheckBase(base); err == nil {
			t.Errorf("%q was taken", base)
		} else if strings.Contains(err.Error(), "pass") {
			t.Errorf("a password is in %q", err)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("arn:aws:iam::111122223333:role/wall-viewer", "us-east-1")
	f.Add("arn:aws-cn:iam::1:role/x", "cn-north-1")
	f.Add("::::::", "us-gov-west-1")
	f.Add("", "a-b-1.evil.example/")
	f.Fuzz(func(t *testing.T, arn, region string) {
		p, err := federation.Choose(arn, region)
		if err != nil {
			return
		}
		base, err := p.SignInBase(region)
		if err != nil {
			t.Fatalf("no sign-in for what Choose took: %v", err)
		}
		host := strings.TrimPrefix(base, "https://")
		if strings.ContainsAny(host, "/@:?#% ") {
			t.Errorf("region %q made the host %q", region, host)
		}
	})
}
