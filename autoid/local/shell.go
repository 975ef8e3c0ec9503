package local

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Shell is a command language that variables are set in.
type Shell string

// The shells. Bash is for every shell that knows POSIX's export.
const (
	Bash       Shell = "bash"
	Zsh        Shell = "zsh"
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
	Cmd        Shell = "cmd"
)

// ParseShell takes the name or the path of a shell.
func ParseShell(name string) (Shell, error) {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	switch s := Shell(strings.TrimSuffix(strings.ToLower(base), ".exe")); s {
	case Bash, Zsh, Fish, PowerShell, Cmd:
		return s, nil
	case "sh", "dash", "ash", "ksh", "mksh", "busybox":
		return Bash, nil
	case "pwsh":
		return PowerShell, nil
	default:
		return "", fmt.Errorf("shell %q: not one of bash, zsh, fish, powershell, cmd", name)
	}
}

// A Variable is set to a value, or taken out of the environment.
type Variable struct {
	Name  string
	Value *secret.Text // nil: taken out
}

// Set makes a Variable that is set.
func Set(name string, value secret.Text) Variable { return Variable{name, &value} }

var (
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// What goes through a pipe of PowerShell, whose encoding is the user's, and through the two readings of a line of cmd,
	// without being changed on the way. All AWS keys do.
	powershellForm = regexp.MustCompile(`^[ -~]*$`)
	cmdForm        = regexp.MustCompile(`^[ #-$'-;=?-\]_-{}~]*$`) // not "%&<>^|!, nor a control
)

// Script is what the shell has to run, for all variables or, if one cannot be said in it, for none. No error shows a value.
func (s Shell) Script(variables []Variable) (string, error) {
	var b strings.Builder
	for _, v := range variables {
		line, err := s.line(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", v.Name, err)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String(), nil
}

func (s Shell) line(v Variable) (string, error) {
	if !variableForm.MatchString(v.Name) {
		return "", errors.New("not a variable's name")
	}
	if v.Value == nil {
		return map[Shell]string{
			Bash: "unset -v " + v.Name, Zsh: "unset -v " + v.Name,
			Fish:       "set -e " + v.Name + "; or true", // which is no failure if there is none
			PowerShell: "$env:" + v.Name + " = $null", Cmd: `set "` + v.Name + `="`,
		}[s], nil
	}
	value := v.Value.Reveal()
	if strings.ContainsRune(value, 0) {
		return "", errors.New("no variable can have a zero byte in it")
	}
	switch s {
	case Bash, Zsh:
		return "export " + v.Name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'", nil
	case Fish:
		if !utf8.ValidString(value) {
			return "", errors.New("not UTF-8: fish would change it")
		}
		return "set -gx " + v.Name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'", nil
	case PowerShell:
		if !powershellForm.MatchString(value) {
			return "", errors.New("not plain ASCII: PowerShell might change it; use autoid exec")
		}
		return "$env:" + v.Name + " = '" + strings.ReplaceAll(value, "'", "''") + "'", nil
	case Cmd:
		if !cmdForm.MatchString(value) {
			return "", errors.New("a character in it has a meaning in cmd: use autoid exec")
		}
		return `set "` + v.Name + "=" + value + `"`, nil
	}
	return "", fmt.Errorf("shell %q: not known", string(s))
}
