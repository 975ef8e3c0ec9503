package local

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const process = "/usr/bin/autoid credential-process --profile work"

func TestAProfileIsWrittenAndTheRestStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, profile, region, want string }{
		"no file": {"", "work", "", "[profile work]\ncredential_process = " + process + "\n"},
		"default": {"", "default", "eu-central-1",
			"[default]\ncredential_process = " + process + "\nregion = eu-central-1\n"},
		"others stay": {"# mine\n[profile home] ; x\nregion=a\n\n\n[services s]\ns3 =\n  x = 1\n", "work", "",
			"# mine\n[profile home] ; x\nregion=a\n\n\n[services s]\ns3 =\n  x = 1\n\n[profile work]\ncredential_process = " + process + "\n"},
		"no last line break": {"[default]\nregion = a", "work", "",
			"[default]\nregion = a\n\n[profile work]\ncredential_process = " + process + "\n"},
		"into a profile": {"[profile work]\n# mine\nregion = a\n\n[default]\nrole_arn = x\n", "work", "eu-central-1",
			"[profile work]\ncredential_process = " + process + "\n# mine\nregion = a\n\n[default]\nrole_arn = x\n"},
		"in place of an old one": {"[profile work]\noutput=json\nCredential_Process=/old/autoid credential-process --profile w\n#c\n", "work", "r",
			"[profile work]\noutput=json\ncredential_process = " + process + "\nregion = r\n#c\n"},
		"the last line": {"[profile work]\ncredential_process = x credential-process y", "work", "",
			"[profile work]\ncredential_process = " + process},
		"only a head":  {"[profile work]", "work", "", "[profile work]\ncredential_process = " + process + "\n"},
		"quoted name":  {"[ profile \"work\" ]\n", "work", "", "[ profile \"work\" ]\ncredential_process = " + process + "\n"},
		"Windows' way": {"[default]\r\nregion=a\r\n", "work", "", "[default]\r\nregion=a\r\n\r\n[profile work]\r\ncredential_process = " + process + "\r\n"},
		"not a profile": {"[work]\nrole_arn = x\n[profilework]\n", "work", "",
			"[work]\nrole_arn = x\n[profilework]\n\n[profile work]\ncredential_process = " + process + "\n"},
	} {
		p := Process{c.profile, process, c.region}
		got, err := SetProcess([]byte(c.config), p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if again, err := SetProcess(got, p); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: the second time %q, %v", name, again, err)
		}
	}
}

func TestAProfileOfSomebodyElsesIsRefused(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"[profile work]\nrole_arn = x\n":                                               "line 2: the profile work has its credentials by role_arn",
		"[profile work]\nsso_session=x\n":                                              "by sso_session",
		"[profile work]\ncredential_process = other\n":                                 "by credential_process",
		"[profile work]\n aws_access_key_id = x\n":                                     "indented",
		"[profile work]\n\n[profile work]\n":                                           "line 3: the profile work is there twice",
		"[profile work]\n" + strings.Repeat(processKey+"=a credential-process b\n", 2): "line 3: credential_process is there twice",
	} {
		if got, err := SetProcess([]byte(config), Process{"work", process, ""}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", config, got, err)
		}
	}
	for _, name := range []string{"", "a b", "a]", "-x", "a\nb"} {
		if _, err := SetProcess(nil, Process{name, process, ""}); err == nil {
			t.Errorf("the profile %q was written", name)
		}
	}
}

func TestTheFileKeepsItsModeAndItsLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real", "config"), filepath.Join(dir, "link")
	p := Process{"work", process, ""}
	if changed, err := WriteProcess(path, p); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	mode := func(want fs.FileMode) {
		t.Helper()
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, want)
		}
	}
	mode(0o600)
	if err := errors.Join(os.WriteFile(path, []byte("[default]\n"), 0o600), os.Chmod(path, 0o640), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := WriteProcess(link, p); changed != want || err != nil {
			t.Errorf("time %d: %v, %v", i, changed, err)
		}
	}
	mode(0o640)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("something is left behind: %v, %v", entries, err)
	}
	if err := CheckNoKeys(path, "default"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("keys were not seen: %v", err)
	}
	if err := errors.Join(CheckNoKeys(path, "work"), CheckNoKeys(dir+"/none", "work")); err != nil {
		t.Error(err)
	}
}

func TestCommandsAreReadTheSameEverywhere(t *testing.T) {
	t.Parallel()
	got, err := Command("/opt/my tools/autoid", Verb, "--profile", "work")
	if want := `"/opt/my tools/autoid" credential-process --profile work`; got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	for _, word := range []string{"", "a$b", "a\"b", "a'b", "a`b", "a\\b", "a;b", "a&b", "a#b", "a\nb", "a*", "ü"} {
		if got, err := Command("/bin/"+word, word); err == nil {
			t.Errorf("%q became %s", word, got)
		}
	}
}

func FuzzSetProcess(f *testing.F) {
	f.Add([]byte("# a\n[default]\nregion = x\n\n[profile work]\ncredential_process = a credential-process b\n  x\n[c]"))
	f.Add([]byte("[profile work]\r\n\r\n[profile  'work']"))
	f.Add([]byte("[profile work\n[default] x\n = \n[]"))
	f.Fuzz(func(t *testing.T, config []byte) {
		p := Process{"work", process, "eu-central-1"}
		got, err := SetProcess(bytes.Clone(config), p)
		if err != nil {
			return
		}
		if again, err := SetProcess(got, p); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q, then %q, %v", got, again, err)
		}
		// Without the lines that are ours nothing was added, and but for an old process nothing is gone.
		var rest []string
		for line := range strings.Lines(string(got)) {
			switch strings.TrimSpace(line) {
			case processKey + " = " + process, "region = eu-central-1", "[profile work]", "":
			default:
				rest = append(rest, strings.TrimSpace(line))
			}
		}
		for line := range strings.Lines(string(config)) {
			line = strings.TrimSpace(line)
			if len(rest) > 0 && rest[0] == line {
				rest = rest[1:]
			} else if line != "" && line != "[profile work]" && !strings.Contains(strings.ToLower(line), processKey) &&
				line != "region = eu-central-1" {
				t.Fatalf("%q became %q: %q is gone", config, got, line)
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%q became %q: %q is new", config, got, rest)
		}
	})
}
