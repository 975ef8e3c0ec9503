package federation_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
)

func aws(t testing.TB) federation.Partition {
	t.Helper()
	p, err := federation.Choose("", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDashboardAddresses(t *testing.T) {
	const console = "https://ap-southeast-2.console.aws.amazon.com/cloudwatch/home?region=ap-southeast-2#"
	tests := []struct {
		d    federation.Dashboard
		want string
	}{
		{federation.Dashboard{Name: "payments"}, "dashboards:name=payments;expand=true"},
		{federation.Dashboard{Name: "payments", Range: 3 * time.Hour, Refresh: time.Minute},
			"dashboards:name=payments;expand=true;autoRefresh=60;start=PT3H"},
		{federation.Dashboard{Name: "payments", Range: 90 * time.Minute, Refresh: 10 * time.Second},
			"dashboards:name=payments;expand=true;autoRefresh=10;start=PT90M"},
		{federation.Dashboard{Name: "a b#c/d;e=f:g&h?i+j%k", Range: 168 * time.Hour},
			"dashboards:name=a%20b%23c%2Fd%3Be%3Df%3Ag%26h%3Fi%2Bj%25k;expand=true;start=PT168H"},
		{federation.Dashboard{Name: "Lösung", Refresh: 15 * time.Minute},
			"dashboards:name=L%C3%B6sung;expand=true;autoRefresh=900"},
		{federation.Dashboard{Name: "payments", Form: federation.NewForm, Range: time.Hour},
			"dashboards/dashboard/payments?expand=true&start=PT1H&end=null"},
		{federation.Dashboard{Name: "a/b c", Form: federation.NewForm, Refresh: 2 * time.Minute},
			"dashboards/dashboard/a%2Fb%20c?expand=true&autoRefresh=120"},
	}
	for _, test := range tests {
		test.d.Region = "ap-southeast-2"
		if got, err := test.d.Address(aws(t)); got != console+test.want || err != nil {
			t.Errorf("%+v:\n got %s, %v\nwant %s", test.d, got, err, console+test.want)
		}
	}
}

func TestDashboardsThatCannotBeAreRefused(t *testing.T) {
	tests := []struct {
		d    federation.Dashboard
		hint string
	}{
		{federation.Dashboard{Region: "us-east-1"}, "set cloudwatch"},
		{federation.Dashboard{Name: "a"}, "set region"},
		{federation.Dashboard{Name: "a", Region: "us-east-1", Refresh: 30 * time.Second}, "10s, 1m, 2m, 5m or 15m"},
		{federation.Dashboard{Name: "a", Region: "us-east-1", Range: 90 * time.Second}, "set range"},
		{federation.Dashboard{Name: "a", Region: "us-east-1", Range: -time.Hour}, "set range"},
		{federation.Dashboard{Name: "a", Region: "us-east-1", Range: 11000 * time.Hour}, "set range"},
		{federation.Dashboard{Name: "a", Region: "us-east-1", Form: "newer"}, "form"},
		{federation.Dashboard{Name: "a", Region: "cn-north-1"}, "region of aws"},
		{federation.Dashboard{Name: "a", Region: "us-east-1/"}, "us-east-1"},
	}
	for _, test := range tests {
		got, err := test.d.Address(aws(t))
		if err == nil || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%+v = %q, %v; want an error that says %q", test.d, got, err, test.hint)
		}
	}
}

func FuzzDashboardAddress(f *testing.F) {
	f.Add("payments", int64(3*time.Hour), int64(time.Minute), false)
	f.Add("a b#c/d;e=f", int64(0), int64(0), true)
	f.Add("\x00\xff%2F", int64(time.Minute), int64(10*time.Second), false)
	f.Fuzz(func(t *testing.T, name string, within, refresh int64, newer bool) {
		d := federation.Dashboard{Name: name, Region: "us-east-1", Range: time.Duration(within), Refresh: time.Duration(refresh)}
		if newer {
			d.Form = federation.NewForm
		}
		address, err := d.Address(aws(t))
		if err != nil {
			return
		}
		// What the console's router finds between the marks must be the name, whatever is in it.
		u, err := url.Parse(address)
		if err != nil || u.Host != "us-east-1.console.aws.amazon.com" || u.Path != "/cloudwatch/home" {
			t.Fatalf("%q made %q: %v", name, address, err)
		}
		start, end := "dashboards:name=", ";"
		if newer {
			start, end = "dashboards/dashboard/", "?"
		}
		rest, ok := strings.CutPrefix(u.EscapedFragment(), start)
		escaped, _, found := strings.Cut(rest, end)
		if back, err := url.PathUnescape(escaped); !ok || !found || err != nil || back != name {
			t.Errorf("%q came back as %q from %q", name, back, address)
		}
	})
}
