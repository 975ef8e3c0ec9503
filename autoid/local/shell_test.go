package local

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/secret"
)

// nasty are values that a careless quoting gets wrong.
func nasty() []string {
	all := []string{
		"", " ", "plain", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEX==", "it's", "''", `'"'`, `\`, `\\'`, `a\`, "$HOME ${HOME} $(id) `id`",
		"two\nlines\n", "\r\n", "\t", "*?[a]~{a,b}", "!!", "!$", "a;b&c|d>e<f", "%PATH%", "^", "#", "-n", "=", "ünïcödé ’‘‚‛“”",
		"\x01\x1b\x7f", "'; exit 3; '", "\\'; exit 3; #",
	}
	const signs = `'"\$!` + "`\n ;#%a"
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var b strings.Builder
		for range random.IntN(24) {
			b.WriteByte(signs[random.IntN(len(signs))])
		}
		all = append(all, b.String())
	}
	return all
}

func script(t *testing.T, s Shell, variables []Variable) string {
	t.Helper()
	text, err := s.Script(variables)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRealShellsSetWhatWasMeant runs the scripts as the documentation has them run, and looks at a child's environment.
func TestRealShellsSetWhatWasMeant(t *testing.T) {
	t.Parallel()
	for program, c := range map[string]struct {
		shell Shell
		run   string
	}{
		"bash": {Bash, `script=$(cat "$S") && eval "$script"`},
		"sh":   {Bash, `script=$(cat "$S") && eval "$script"`},
		"zsh":  {Zsh, `setopt rc_quotes sh_word_split glob_subst; script=$(cat "$S") && eval "$script"`},
		"fish": {Fish, `cat $S | source`},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			found, err := exec.LookPath(program)
			if err != nil {
				t.Fatalf("%v (apt-get install %s)", err, program)
			}
			variables := []Variable{{Name: "GONE"}, {Name: "NEVER_THERE"}}
			want := map[string]string{}
			for i, value := range nasty() {
				name := fmt.Sprintf("V%d", i)
				variables, want[name] = append(variables, Set(name, secret.New(value))), value
			}
			path := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(path, []byte(script(t, c.shell, variables)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(found, "-c", c.run+" && env -0")
			cmd.Env = append(os.Environ(), "S="+path, "GONE=there", "HOME="+t.TempDir())
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, cmd.Stderr)
			}
			got := map[string]string{}
			for line := range bytes.SplitSeq(out, []byte{0}) {
				name, value, _ := strings.Cut(string(line), "=")
				if name == "GONE" {
					t.Error("GONE is there")
				}
				if _, ours := want[name]; ours {
					got[name] = value
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// For PowerShell and cmd, which this machine need not have: the text itself, and that what is doubtful is refused.
func TestPowerShellAndCmdGetPlainTextOrNothing(t *testing.T) {
	t.Parallel()
	variables := []Variable{{Name: "AWS_PROFILE"}, Set("AWS_SECRET_ACCESS_KEY", secret.New("wJalr/K7+MDENG=")), Set("X", secret.New("a b"))}
	for shell, want := range map[Shell]string{
		PowerShell: "$env:AWS_PROFILE = $null\n$env:AWS_SECRET_ACCESS_KEY = 'wJalr/K7+MDENG='\n$env:X = 'a b'\n",
		Cmd:        "set \"AWS_PROFILE=\"\nset \"AWS_SECRET_ACCESS_KEY=wJalr/K7+MDENG=\"\nset \"X=a b\"\n",
	} {
		if diff := cmp.Diff(want, script(t, shell, variables)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", shell, diff)
		}
	}
	if got := script(t, PowerShell, []Variable{Set("X", secret.New("it's $HOME `a"))}); got != "$env:X = 'it''s $HOME `a'\n" {
		t.Error(got)
	}
	// In single quotes PowerShell knows one sign: five characters that all end the text.
	good := map[Shell]*regexp.Regexp{
		PowerShell: regexp.MustCompile(`^\$env:X = '([ -&(-~]|'')*'\n$`),
		Cmd:        regexp.MustCompile(`^set "X=[^"%!^&|<>\x00-\x1f\x7f-\x{10ffff}]*"\n$`),
	}
	for _, value := range nasty() {
		for shell, form := range good {
			text, err := shell.Script([]Variable{Set("X", secret.New(value))})
			if err == nil && !form.MatchString(text) {
				t.Errorf("%s: %q", shell, text)
			}
		}
	}
}

func TestWhatCannotBeSaidIsRefusedWithoutTheValue(t *testing.T) {
	t.Parallel()
	for _, shell := range []Shell{Bash, Zsh, Fish, PowerShell, Cmd} {
		for name, value := range map[string]string{"X": "PLANTED\x00", "a b": "PLANTED", "": "PLANTED", "X;id": "PLANTED"} {
			text, err := shell.Script([]Variable{Set("FIRST", secret.New("x")), Set(name, secret.New(value))})
			if err == nil || text != "" || strings.Contains(err.Error(), "PLANTED") {
				t.Errorf("%s, %q: %q, %v", shell, name, text, err)
			}
		}
	}
	if _, err := Fish.Script([]Variable{Set("X", secret.New("\xff"))}); err == nil || utf8.ValidString("\xff") {
		t.Error("fish was given what is not UTF-8")
	}
}

func TestShellsAreKnownByNameAndPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Shell{
		"bash": Bash, "/bin/zsh": Zsh, "/usr/bin/fish": Fish, "/bin/sh": Bash, "pwsh": PowerShell, "cmd": Cmd,
		`C:\Windows\System32\cmd.exe`: Cmd, `C:\Program Files\PowerShell\7\pwsh.exe`: PowerShell, "csh": "", "": "",
	} {
		if got, err := ParseShell(name); got != want || (err == nil) != (want != "") {
			t.Errorf("ParseShell(%q) = %q, %v", name, got, err)
		}
	}
}
