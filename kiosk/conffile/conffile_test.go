package conffile

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// good is the file that the tables below break.
const good = `[credentials]
source = "autoid"
[credentials.autoid]
server = "https://id.example.com"
client = "lobby-tv"
bundle = "bundle"
publisher = "ed25519:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
credential = "sts/wall"
[role]
arn = "arn:aws:iam::111122223333:role/wall-viewer"
[[display]]
name = "lobby"
[[display.view]]
cloudwatch = "payments"
region = "ap-southeast-2"
`

func TestAWholeFileBecomesPlainStructs(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(`
browser = "default"

[credentials]
source = "aws"
[credentials.aws]
profile = "wall"
region = "cn-north-1"

[role]
arn = 'arn:aws-cn:iam::111122223333:role/walls/viewer'
session_name = "lobby-tv"
external_id = "a:b/c"
duration = "12h"

[status]
listen = "[::1]:0"

[[display]]
name = "lobby"
view = [{cloudwatch = "payments & refunds", region = "cn-north-1", range = "1w", refresh = "60s", ready = "canvas"}]

[[display]]
name = "hall"
[[display.view]]
url = "https://status.example.com/?wall=1#top"
`), "kiosk.toml", "/etc/kioskeeper")
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Credentials: Credentials{Source: SourceAWS, AWS: AWS{Profile: "wall", Region: "cn-north-1"}},
		Role: &Role{ARN: "arn:aws-cn:iam::111122223333:role/walls/viewer", SessionName: "lobby-tv", ExternalID: "a:b/c",
			Duration: 12 * time.Hour},
		Browser: Browser{Kind: BrowserDefault},
		Status:  Status{Listen: "[::1]:0"},
		Displays: []Display{
			{Name: "lobby", Views: []View{{Ready: "canvas", CloudWatch: &CloudWatch{Dashboard: "payments & refunds",
				Region: "cn-north-1", Range: 7 * 24 * time.Hour, Refresh: time.Minute}}}},
			{Name: "hall", Views: []View{{URL: "https://status.example.com/?wall=1#top"}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsLeftOutHoldsItsDefault(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(good), "kiosk.toml", "/etc/kioskeeper")
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Credentials: Credentials{Source: SourceAutoID, AutoID: AutoID{
			Server: "https://id.example.com", Client: "lobby-tv",
			Bundle: "/etc/kioskeeper/bundle", Credential: "sts/wall",
			Publisher: "ed25519:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}},
		Role:    &Role{ARN: "arn:aws:iam::111122223333:role/wall-viewer", Duration: time.Hour},
		Browser: Browser{Kind: BrowserManaged},
		Status:  Status{Listen: "127.0.0.1:8780"},
		Displays: []Display{{Name: "lobby", Views: []View{{CloudWatch: &CloudWatch{Dashboard: "payments",
			Region: "ap-southeast-2", Range: 3 * time.Hour, Refresh: time.Minute}}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	noRole := strings.Replace(good, "[role]\narn = \"arn:aws:iam::111122223333:role/wall-viewer\"\n", "", 1)
	if got, err = Parse([]byte(noRole), "kiosk.toml", "/"); err != nil || got.Role != nil {
		t.Errorf("without [role]: %+v, %v", got, err)
	}
	windows := "\ufeff" + strings.ReplaceAll(good, "\n", "\r\n")
	if got, err = Parse([]byte(windows), "kiosk.toml", "/etc/kioskeeper"); err != nil || !cmp.Equal(want, got) {
		t.Errorf("with a byte order mark and CRLF: %+v, %v", got, err)
	}
}

func TestFiveMistakesAreFiveProblems(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`[credentials]
source = "autoid"
[credentials.autoid]
sever = "https://id.example.com"
client = "lobby-tv"
bundle = "bundle"
publisher = "ed25519:AAAA"
credential = "sts/wall"
[role]
arn = "arn:aws:iam::111122223333:role/wall-viewer"
  duration = "2h"
[[display]]
name = "lobby"
[[display.view]]
cloudwatch = payments
region = "ap-southeast-2"
refresh = 30
`), "kiosk.toml", "/")
	const want = `kiosk.toml:4:1: "sever" is not known in [credentials.autoid] (did you mean server?)
kiosk.toml:7:13: publisher must be ed25519: and 44 characters of base64 (autoid client add prints it)
kiosk.toml:11:14: duration is over 1h with source = "autoid" (AWS ends a role that another role has assumed after 1h: write 1h, or use a source that assumes no role before)
kiosk.toml:15:14: this is not TOML: unexpected character U+0070 'p' at start of value (write cloudwatch = "…", the quotes on the same line)
kiosk.toml:17:11: refresh must be a text in quotes, not a number (write refresh = "1m")`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// problems are the lines of an error, without the file's name.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	all, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("not *Problems: %v", err)
	}
	var lines []string
	for _, p := range all.List {
		lines = append(lines, p.Error())
	}
	return lines
}

func TestProblemsSayWhereWhatAndHow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		old, new string // in good; old "" adds new at the end
		want     []string
	}{
		// The shape of the file.
		{`source = "autoid"`, `Source = "autoid"`, []string{
			`2:1: "Source" is not known in [credentials] (did you mean source?)`}},
		{`[credentials.autoid]`, "[credentials.autid]", []string{
			`3:2: "autid" is not known in [credentials] (did you mean autoid?)`}},
		{`[[display.view]]`, "[[display.viwe]]", []string{
			`13:3: "viwe" is not known in [[display]] (did you mean view?)`}},
		{`cloudwatch`, "Cloud-Watch", []string{
			`14:1: "Cloud-Watch" is not known in [[display.view]] (did you mean cloudwatch?)`}},
		{`[role]`, "[rolle]", []string{`9:2: "rolle" is not known in the file (did you mean role?)`}},
		{`[[display]]`, "[display]", []string{
			`11:2: display must be a list of tables, not a table (begin each with [[display]])`}},
		{`[role]`, "[[role]]", []string{`9:3: role must be one table, not a list of tables (begin it with [role])`}},
		{``, "[status]\nlisten = \"localhost:1\"\n[status]\n", []string{
			`18:2: "status" is given twice: first on line 16 (keep one of them)`}},
		{`client = "lobby-tv"`, "client = \"lobby-tv\"\nclient = \"hall-tv\"", []string{
			`6:1: "client" is given twice: first on line 5 (keep one of them)`}},
		{`arn = "arn:aws:iam::111122223333:role/wall-viewer"`, ``, []string{
			`9:2: arn is missing in [role] (add arn = "arn:aws:iam::111122223333:role/wall-viewer")`}},
		{``, "role = {}\n", []string{
			`16:1: "role" is not known in [[display.view]] (it is a table: begin it with [role] on a line of its own)`}},
		{``, "zzzzzz = 1\n", []string{
			`16:1: "zzzzzz" is not known in [[display.view]] (remove it; known here: cloudwatch, region, range, refresh, url, ready)`}},
		{``, "external_id = \"x1\"\n", []string{
			`16:1: "external_id" is not known in [[display.view]] (it belongs to [role])`}},
		{``, "dwell = \"30s\"\n", []string{`16:1: dwell is not yet supported in this version (remove it)`}},
		{``, "[[display.view]]\nurl = \"https://a.example/\"\n", []string{
			`16:3: several views on one display are not yet supported in this version (remove it, or give it a display of its own)`}},
		{``, "[browser\nkind = \"managed\"\n", []string{
			`16:9: this is not TOML: expected ']' to close table name (a table begins with [name], a table of a list with [[name]], on a line of its own)`}},
		{`"bundle"`, `"C:\Users\kiosk"`, []string{
			`6:15: this is not TOML: invalid hexadecimal digit in unicode escape sequence (in "double quotes" \ is special: write 'single quotes' around the value, or / for \)`}},
		{`"lobby"`, "\"\xff\"", []string{`12:9: the file is not UTF-8 text (save it as UTF-8)`}},
		{`name = "lobby"`, `"ßß" = "ü" 1`, []string{
			`12:12: this is not TOML: expected newline but got U+0031 '1' (write "ßß" = "…", the quotes on the same line)`}},
		{`[credentials]`, "role.arn = 'x'\n[credentials]", []string{
			`1:12: arn must be the ARN of an IAM role (write arn:aws:iam::111122223333:role/name)`,
			`11:1: "arn" is given twice: first on line 1 (keep one of them)`}},
		{`[credentials]`, "role.duration = '1h'\n[credentials]", []string{
			`10:2: this is not TOML: table role already exists as defined by a dotted key (give each table and key once)`}},

		// Values.
		{`"autoid"`, `"autoidd"`, []string{`2:10: source must be "autoid" or "aws" (did you mean "autoid"?)`}},
		{`"autoid"`, `"ssm"`, []string{`2:10: source "ssm" is not yet supported in this version (write "autoid" or "aws")`}},
		{`"autoid"`, `"aws"`, []string{
			`3:2: [credentials.autoid] has no use with source = "aws" (remove it, or change source)`}},
		{`https://id.example.com`, `http://id.example.com`, []string{
			`4:10: server must begin with https:// (http:// is only for a server on this machine)`}},
		{`https://id.example.com`, `http://127.0.0.1:8080/`, nil},
		{`https://id.example.com`, `https://wall:hunter2@id.example.com`, []string{
			`4:10: server must not hold a user or a password (remove what stands before the @)`}},
		{`https://id.example.com`, `id.example.com`, []string{
			`4:10: server must be a web address (for example https://host.example.com/)`}},
		{`https://id.example.com`, `https://ID.example.com`, []string{
			`4:10: server must have a plain host name in small letters (for example https://id.example.com)`}},
		{`"lobby-tv"`, `"con.tv"`, []string{
			`5:10: client must be 1 to 63 of a-z 0-9 . _ -, with a letter or digit at both ends, and not a device's name (for example "lobby-tv", as in autoid client add)`}},
		{`"bundle"`, `"npm:lobby-tv"`, []string{
			`6:10: bundle must be a folder, s3://bucket/prefix, npm:@scope/name, git+https://host/path, ` +
				`git+ssh://user@host/path or https://host/path (write it as autoid client add printed it)`}},
		{`"bundle"`, `"git+ssh://git@git.example.com/x.git"`, []string{
			`6:10: git+ssh needs token_file, the private key, and host_key (ssh-keyscan shows a host's key, to be compared with what its owner says)`}},
		{`"bundle"`, "\"bundle\"\ntoken_file = \"t\"", []string{
			`7:1: token_file has no use with this bundle (remove it, or change bundle)`}},
		{`"bundle"`, "\"https://x.example/y\"\nhost_key = \"AAAA\"", []string{
			`7:1: host_key has no use with this bundle (remove it, or change bundle)`,
			`7:12: host_key must be a host's public key (take the line of its .pub file)`}},
		{`"bundle"`, "\"s3://x.example/y\"\nkms_key = \"alias/wall\"", []string{
			`7:11: kms_key must be a KMS key's ARN (no alias: autoid client add --kms-key had it)`}},
		{`MDEyMzQ1`, `MDEy`, []string{
			`7:13: publisher must be ed25519: and 44 characters of base64 (autoid client add prints it)`}},
		{`"sts/wall"`, `"sts/../wall"`, []string{
			`8:14: credential must be store/id or store/id@version (for example "sts/wall")`}},
		{`iam::111122223333:role/wall-viewer`, `sts::111122223333:assumed-role/wall-viewer/x`, []string{
			`10:7: arn is a session's ARN, not a role's (write arn:aws:iam::111122223333:role/name)`}},
		{`arn:aws:`, `arn:aws-moon:`, []string{
			`10:7: arn names a partition that is not known (known are aws, aws-cn, aws-us-gov, aws-eusc, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f)`}},
		{`arn:aws:`, `arn:aws-us-gov:`, []string{
			`15:10: region is in partition aws, the role in aws-us-gov (a session reaches one partition only: change region or [role] arn)`}},
		{`[[display]]`, "session_name = \"x y\"\nexternal_id = \"!\"\nduration = \"10m\"\n[[display]]", []string{
			`11:16: session_name must be 2 to 64 of A-Z a-z 0-9 _ + = , . @ - (CloudTrail shows it: name the wall)`,
			`12:15: external_id must be 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / - (take it from the role's trust policy)`,
			`13:12: duration must be from 15m to 12h (write a time between them)`}},
		{`[[display]]`, "duration = \"an hour\"\n[[display]]", []string{
			`11:12: duration "an hour" is not a time (write a number and its unit: "15m", "3h", "7d")`}},
		{`[[display]]`, "duration = \"59m30s\"\n[[display]]", []string{
			`11:12: duration must be whole minutes (write "1h")`}},
		{``, "range = \"500d\"\nrefresh = \"30s\"\nready = \"\"\n", []string{
			`16:9: range must be from 1m to 455d (write a time between them)`,
			`17:11: refresh must be 10s, 1m, 2m, 5m or 15m (CloudWatch offers no others: choose one of them)`,
			`18:9: ready must be a text of 1 to 1000 bytes on one line (shorten or remove it)`}},
		{`"ap-southeast-2"`, `"Sydney"`, []string{
			`15:10: region must be an AWS region (for example "ap-southeast-2")`}},
		{`region = "ap-southeast-2"`, ``, []string{
			`14:1: region is missing for cloudwatch (add region = "ap-southeast-2")`}},
		{`cloudwatch = "payments"`, `url = "https://status.example.com"`, []string{
			`15:1: region has no use with url (remove it: it belongs to cloudwatch)`}},
		{``, "url = \"https://status.example.com\"\n", []string{
			`16:1: url and cloudwatch exclude each other (remove one, or give each a display of its own)`}},
		{"cloudwatch = \"payments\"\nregion = \"ap-southeast-2\"\n", ``, []string{
			`13:3: the view shows nothing (add cloudwatch = "…" and region = "…", or url = "…")`}},
		{``, "[[display]]\nname = \"Lobby\"\nview = [{url = \"http://a.example\"}]\n", []string{
			`17:8: name is taken: "Lobby" is display number 1 (give each display its own)`}},
		{`"lobby"`, `"the lobby"`, []string{
			`12:8: name must be 2 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit (for example "lobby")`}},
		{``, "[browser]\nkind = \"default\"\npath = \"/usr/bin/chromium\"\nuser = \"kiosk\"\n", []string{
			`18:1: path has no use with kind = "default" (remove it, or change kind)`,
			`19:1: user has no use with kind = "default" (remove it, or change kind)`}},
		{``, "[browser]\nuser = \"root\"\n", []string{
			`17:8: user must be an ordinary user (adduser --system kiosk makes one)`}},
		{``, "[status]\nlisten = \"0.0.0.0:80\"\n", []string{
			`17:10: listen must be on loopback (127.0.0.1, [::1] or localhost: the page has no password)`}},
		{``, "[status]\nlisten = \"localhost:http\"\n", []string{
			`17:10: listen must end with a port (a number from 1 to 65535, or 0 for any that is free)`}},
	}
	for _, test := range tests {
		text := strings.Replace(good, test.old, test.new, 1)
		if test.old == "" {
			text = good + test.new
		}
		_, err := Parse([]byte(text), "kiosk.toml", "/")
		if diff := cmp.Diff(test.want, problems(t, err)); diff != "" {
			t.Errorf("%q for %q: -want +got:\n%s", test.new, test.old, diff)
		}
	}
}

func TestAnEmptyFileLacksItsTables(t *testing.T) {
	t.Parallel()
	_, err := Parse(nil, "kiosk.toml", "/")
	want := []string{
		"1:1: [credentials] is missing (add it: kioskeeper generate config shows how)",
		"1:1: [[display]] is missing (add it: kioskeeper generate config shows how)",
	}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsNotTOMLAtAllIsGivenUpEarly(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(strings.Repeat("<p>hello\n", 1000)), "kiosk.toml", "/")
	if got := len(problems(t, err)); got != maxSyntaxErrors {
		t.Errorf("%d problems, want %d", got, maxSyntaxErrors)
	}
}

// TestEverySampleAndDefaultIsGood goes through the declarations: the sample file as it is, and with everything in it
// that may be switched on.
func TestEverySampleAndDefaultIsGood(t *testing.T) {
	t.Parallel()
	f, err := Parse([]byte(Sample()), "sample.toml", "/etc/kioskeeper")
	if err != nil {
		t.Fatalf("%v\n%s", err, Sample())
	}
	if f.Role == nil || f.Credentials.Source != SourceAutoID || len(f.Displays) != 1 {
		t.Errorf("the sample is %+v", f)
	}
	for where, table := range tables() {
		for _, k := range table.keys {
			if err := k.set(k.sample); err != nil {
				t.Errorf("%s %s: sample: %v", where, k.name, err)
			}
			if k.fallback != "" && (k.fallback != k.sample || k.required || k.set(k.fallback) != nil) {
				t.Errorf("%s %s: a default is good, shown in the sample, and not for a key that must be there", where, k.name)
			}
			if k.doc == "" || !strings.HasSuffix(k.doc, ".") {
				t.Errorf("%s %s: a key has a sentence that explains it, not %q", where, k.name, k.doc)
			}
		}
	}
}

// reference is the table of docs/configuration.md.
func reference() string {
	var b strings.Builder
	for where, table := range tables() {
		if where.path == "" {
			continue
		}
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", where, table.doc)
		if len(table.keys) > 0 {
			b.WriteString("\n| key | | default | example |\n|---|---|---|---|\n")
		}
		for _, k := range table.keys {
			fallback := "–"
			switch {
			case k.required:
				fallback = "must be given"
			case k.fallback != "":
				fallback = "`" + k.fallback + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", k.name, k.doc, fallback, k.sample)
		}
	}
	return b.String()
}

func TestTheReferenceIsWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "configuration.md")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "<!-- From here on made by go test ./kiosk/conffile -update -->\n"
	head, tail, ok := strings.Cut(string(old), mark)
	if !ok {
		t.Fatalf("%s lacks its mark %q", path, mark)
	}
	_, block, _ := strings.Cut(head, "```toml\n")
	if block, _, ok = strings.Cut(block, "```"); !ok {
		t.Errorf("%s lacks its smallest file", path)
	} else if _, err := Parse([]byte(block), path, "/"); err != nil {
		t.Errorf("the smallest file: %v", err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+mark+reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(reference(), tail); diff != "" {
		t.Errorf("%s is not what keys.go says (go test ./kiosk/conffile -update): -want +got:\n%s", path, diff)
	}
}

func TestEveryKindOfPlaceIsABundles(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"s3://bundles", "s3://bundles/lobby-tv?region=eu-central-1", "npm:@acme/lobby-tv",
		"npm:@acme/lobby-tv?registry=https://npm.example.com", "git+https://git.example.com/acme/lobby-tv.git#walls",
		"https://files.example.com/lobby-tv", "https://files.example.com:8443"} {
		f, err := Parse([]byte(strings.Replace(good, `"bundle"`, `"`+place+`"`, 1)), "kiosk.toml", "/etc/kioskeeper")
		if err != nil || f.Credentials.AutoID.Bundle != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	f, err := Parse([]byte(strings.Replace(good, `"bundle"`, "\"git+ssh://git@git.example.com/acme/lobby-tv.git\"\n"+
		`token_file = "key"`+"\nhost_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5vdCBhIGtleSBidXQgMzIgYnl0ZXMgb2YgdGV4dCEh\"", 1)),
		"kiosk.toml", "/etc/kioskeeper")
	if err != nil || f.Credentials.AutoID.TokenFile != filepath.FromSlash("/etc/kioskeeper/key") {
		t.Errorf("git+ssh: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(Sample()))
	f.Add([]byte("display = [{view = [{url = \"https://a.example\"}]}]\nrole.arn = 1\n[role]\n[display.view]\n"))
	f.Add([]byte("a = \"\"\"\n[b\nc = 1979-99-99\nbrowser = \"default\"\n[browser]\n[[browser]]\n"))
	f.Add([]byte("\ufeff[[display]]\r\nname = '\x00'\r\n[display.name.x]\n[[display.view.view]]\n\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data, "kiosk.toml", "/etc/kioskeeper")
		if err == nil {
			if len(file.Displays) == 0 || file.Credentials.Source == "" || file.Status.Listen == "" || file.Browser.Kind == "" {
				t.Errorf("accepted, but not whole: %+v", file)
			}
			return
		}
		all, ok := errors.AsType[*Problems](err)
		if !ok || len(all.List) == 0 {
			t.Fatalf("not *Problems with problems: %v", err)
		}
		lines := strings.Split(string(data), "\n")
		for _, p := range all.List {
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 || p.What == "" || p.Hint == "" {
				t.Errorf("a problem without place, text or hint: %+v", p)
			}
		}
	})
}
