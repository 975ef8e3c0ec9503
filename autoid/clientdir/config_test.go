package clientdir

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/autoid"
)

const (
	publisher = "ed25519:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	good      = `default = "work"
[profile.work]
server = "https://id.example.com:8443"
client = "anna"
bundle = "bundle"
publisher = "` + publisher + `"
credential = "sts/dev"
region = "eu-central-1"
min_seq = 3
[profile.work.role]
arn = "arn:aws:iam::111122223333:role/deploy"
external_id = "x"
session_name = "anna"
duration = "30m"
policy_file = "p.json"
tags = {team = "web"}
[profile.ci]
server = "id.example.com"
client = "ci"
bundle = "npm:@acme/ci"
token_file = "token"
host_key = "h"
kms_key = "k"
publisher = "` + publisher + `"
`
)

func TestAFileBecomesProfiles(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(good), "/home/anna")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{Default: "work", Profiles: map[string]Profile{
		"work": {Server: "https://id.example.com:8443", Client: "anna", Bundle: "/home/anna/bundle", Publisher: publisher,
			MinSeq: 3, Credential: "sts/dev", Region: "eu-central-1",
			Role: Role{ARN: "arn:aws:iam::111122223333:role/deploy", ExternalID: "x", SessionName: "anna",
				Duration: autoid.Duration(30 * time.Minute), PolicyFile: "/home/anna/p.json", Tags: map[string]string{"team": "web"}}},
		"ci": {Server: "id.example.com", Client: "ci", Bundle: "npm:@acme/ci", TokenFile: "/home/anna/token", HostKey: "h",
			KMSKey: "k", Publisher: publisher},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, client := range map[string]string{"": "anna", "work": "anna", "ci": "ci"} {
		if p, err := got.Profile(name); err != nil || p.Client != client {
			t.Errorf("Profile(%q) = %s, %v", name, p.Client, err)
		}
	}
	if _, err := got.Profile("home"); err == nil || !strings.Contains(err.Error(), "ci, work") {
		t.Errorf("Profile(home): %v", err)
	}
	got.Default = ""
	if _, err := got.Profile(""); err == nil || !strings.Contains(err.Error(), "--profile") {
		t.Errorf("one of two was chosen: %v", err)
	}
	delete(got.Profiles, "work")
	if p, err := got.Profile(""); err != nil || p.Client != "ci" {
		t.Errorf("the only one was not chosen: %v", err)
	}
}

func TestProblemsAreToldAtOnceWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":    {`min_seq = 3`, `tokenfile = "x"`, "line 9, column 1: profile.work.tokenfile: unknown key"},
		"no secret":      {`client = "anna"`, `secret = "x"`, "line 2, column 2: profile.work.client: missing"},
		"client":         {`client = "anna"`, `client = "Anna"`, `line 4, column 1: profile.work.client: client "Anna"`},
		"server":         {`"https://id.example.com:8443"`, `"https://ID.example.com"`, "line 3, column 1: profile.work.server"},
		"publisher":      {`publisher = "ed25519:MDE`, `publisher = "ed25519:`, "line 6, column 1: profile.work.publisher"},
		"want":           {`"sts/dev"`, `"sts"`, "line 7, column 1: profile.work.credential"},
		"role":           {`arn = "arn:aws:iam::111122223333:role/deploy"`, ``, "line 10, column 2: profile.work.role.arn: missing"},
		"duration":       {`"30m"`, `"soon"`, "line 14, column 12: "},
		"not TOML":       {`min_seq = 3`, `min_seq = `, "line 9, column "},
		"type":           {`min_seq = 3`, `min_seq = "3"`, "line 9, column 11: "},
		"profile's name": {`[profile.ci]`, `[profile."c i"]`, "line 17, column 2: profile.c i: not 1 to 64 letters"},
		"default":        {`default = "work"`, `default = "home"`, "line 1, column 1: default: there is no [profile.home]"},
		"nothing":        {good, "", "line 1, column 1: profile: missing"},
	} {
		_, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1)), "/")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
	two := strings.NewReplacer(`client = "anna"`, `client = "Anna"`, "min_seq", "minseq").Replace(good)
	if _, err := Parse([]byte(two), "/"); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not two problems: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("default = 1\n[profile]\n[[profile.x]]"))
	f.Add([]byte("[profile.\"\"]\nrole = {arn = 'x'}\r\n# ü"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, "/folder")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("no place in %v", err)
			}
			return
		}
		for name, p := range c.Profiles {
			if CheckProfile(name) != nil || p.Publisher.Check() != nil || autoid.CheckClient(p.Client) != nil {
				t.Errorf("%q: %+v was taken", name, p)
			}
		}
	})
}

// TestTheSampleInTheDocumentationIsRight reads it as it stands, but for the dots in the publisher.
func TestTheSampleInTheDocumentationIsRight(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	var sample strings.Builder
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(line, "    "); ok && !strings.HasPrefix(code, "autoid ") {
			sample.WriteString(code)
		}
	}
	c, err := Parse([]byte(strings.Replace(sample.String(), "ed25519:…", publisher, 1)), "/")
	if p := c.Profiles["work"]; err != nil || p.Role.Tags["team"] != "web" || p.MinSeq != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
