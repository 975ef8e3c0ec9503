package chromium

import (
	"image"
	"image/color"
	"net/url"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/kiosk"
)

var consoleRules = Rules{SignIn: federation.IsSignIn, Expired: federation.Notices()}

func TestJudge(t *testing.T) {
	const dashboard = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home"
	view := kiosk.View{Address: dashboard + "?region=eu-west-1#dashboards:name=x", Ready: "canvas"}
	at := func(address string, change ...func(*frame)) frame {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		f := frame{url: u, status: 200, loaded: true}
		for _, c := range change {
			c(&f)
		}
		return f
	}
	well := sight{Ready: true, Phrase: -1, Complete: true}
	see := func(change func(*sight)) *sight { s := well; change(&s); return &s }
	for name, test := range map[string]struct {
		f       frame
		crashed bool
		s       *sight
		want    verdict
	}{
		"the view":                   {f: at(dashboard + "?region=eu-west-1#other"), s: &well, want: showing},
		"a slash more":               {f: at(dashboard + "/"), s: &well, want: showing},
		"a multi-session host":       {f: at("https://1-a.eu-west-1.console.aws.amazon.com/cloudwatch/home"), s: &well, want: showing},
		"another host":               {f: at("https://example.com/cloudwatch/home"), s: &well, want: strayed},
		"a host that ends alike":     {f: at("https://evileu-west-1.console.aws.amazon.com/cloudwatch/home"), s: &well, want: strayed},
		"another page":               {f: at("https://eu-west-1.console.aws.amazon.com/billing/home"), s: &well, want: strayed},
		"nothing yet":                {f: at("about:blank"), s: nil, want: strayed},
		"an answer is owed":          {f: at(dashboard), s: nil, want: loading},
		"it still loads":             {f: at(dashboard, func(f *frame) { f.loaded = false }), s: &well, want: loading},
		"not complete":               {f: at(dashboard), s: see(func(s *sight) { s.Complete = false }), want: loading},
		"not ready":                  {f: at(dashboard), s: see(func(s *sight) { s.Ready = false }), want: loading},
		"empty":                      {f: at(dashboard), s: see(func(s *sight) { s.Empty = true }), want: loading},
		"a password is asked for":    {f: at(dashboard), s: see(func(s *sight) { s.Password = true }), want: signIn},
		"the notice":                 {f: at(dashboard), s: see(func(s *sight) { s.Phrase = 0 }), want: sessions},
		"the sign-in host":           {f: at("https://signin.aws.amazon.com/oauth?x"), s: &well, want: signIn},
		"the sign-in host, 400":      {f: at("https://signin.aws.amazon.com/", func(f *frame) { f.status = 400 }), s: &well, want: signIn},
		"503":                        {f: at(dashboard, func(f *frame) { f.status = 503 }), s: &well, want: failed},
		"unreachable":                {f: at(dashboard, func(f *frame) { f.unreachable = true }), s: &well, want: failed},
		"crashed, whatever it shows": {f: at(dashboard), crashed: true, s: &well, want: failed},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(test.f, test.crashed, test.s, view, consoleRules)
			if got.verdict != test.want {
				t.Errorf("verdict %d (%s), want %d", got.verdict, got.detail, test.want)
			}
			if got.detail == "" || strings.Contains(got.detail, "region=") || strings.Contains(got.detail, "#") {
				t.Errorf("the detail says too little or too much: %q", got.detail)
			}
		})
	}
}

func TestSite(t *testing.T) {
	for host, want := range map[string]string{
		"eu-west-1.console.aws.amazon.com": "amazon.com", "localhost": "localhost", "a.localhost": "a.localhost", "": "",
	} {
		if got := site(host); got != want {
			t.Errorf("site(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestUniform(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	fill := func(c color.RGBA, r image.Rectangle) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				m.SetRGBA(x, y, c)
			}
		}
	}
	fill(color.RGBA{250, 250, 250, 255}, m.Bounds())
	fill(color.RGBA{248, 251, 250, 255}, image.Rect(0, 0, 320, 180)) // what compression does
	if !uniform(m) {
		t.Error("a white page is not uniform")
	}
	fill(color.RGBA{60, 60, 60, 255}, image.Rect(300, 100, 340, 110)) // a word
	if uniform(m) {
		t.Error("a page with a word on it is uniform")
	}
}
