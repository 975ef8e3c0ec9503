package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

const processKey = "credential_process"

// others are the keys of a profile by which it would have its credentials from elsewhere: AWS's tools do not agree on which
// of two they take.
var others = []string{
	"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "role_arn", "source_profile", "credential_source",
	"web_identity_token_file", "sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "login_session",
}

var (
	awsProfileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)
	sectionForm    = regexp.MustCompile(`^\[[ \t]*([^\]]*?)[ \t]*\]`)
	propertyForm   = regexp.MustCompile(`^([^\s=:#;\[][^=:]*?)[ \t]*[=:][ \t]*(.*?)[ \t]*$`)
)

// A Process is a profile of the AWS configuration that has its credentials from a command.
type Process struct {
	Profile string
	Command string // see [Command]
	Region  string // written if the profile has none; "" writes none
}

// SetProcess puts the profile into a configuration, and leaves every other byte as it is. What is right already is not
// written anew; a profile that has its credentials from elsewhere is an error.
func SetProcess(config []byte, p Process) ([]byte, error) {
	if !awsProfileForm.MatchString(p.Profile) {
		return nil, fmt.Errorf("AWS profile %q: not 1 to 64 letters, digits or any of ._@+-", p.Profile)
	}
	lines := slices.Collect(bytes.Lines(config))
	start, end, err := section(lines, p.Profile)
	if err != nil {
		return nil, err
	}
	process, region := processKey+" = "+p.Command, ""
	if p.Region != "" {
		region = "region = " + p.Region
	}
	if start < 0 {
		head := "[profile " + p.Profile + "]"
		if p.Profile == "default" {
			head = "[default]"
		}
		if len(lines) == 0 {
			return []byte(behind("\n", head, process, region)), nil
		}
		return append(bytes.Clone(config), behind(string(lines[len(lines)-1]), "", head, process, region)...), nil
	}

	at := -1 // the line of the process that is there
	for i := start + 1; i < end; i++ {
		line := cutEnd(string(lines[i]))
		property := propertyForm.FindStringSubmatch(strings.TrimLeft(line, " \t"))
		if property == nil {
			continue
		}
		key := strings.ToLower(property[1])
		ours := key == processKey && strings.Contains(property[2], " "+Verb+" ")
		if (key == processKey || slices.Contains(others, key)) && (line[0] == ' ' || line[0] == '\t') {
			return nil, fmt.Errorf("line %d: %s is indented: mend it by hand", i+1, key)
		}
		switch {
		case slices.Contains(others, key), key == processKey && !ours:
			return nil, fmt.Errorf("line %d: the profile %s has its credentials by %s: remove that, or choose another profile",
				i+1, p.Profile, key)
		case key == processKey && at >= 0:
			return nil, fmt.Errorf("line %d: %s is there twice: remove one", i+1, key)
		case key == processKey:
			at = i
		case key == "region":
			region = ""
		}
	}
	if at < 0 {
		lines[start] = append(bytes.Clone(lines[start]), behind(string(lines[start]), process, region)...)
		return bytes.Join(lines, nil), nil
	}
	was := string(lines[at])
	if text := cutEnd(was); text != process {
		was = process + was[len(text):]
	}
	if region != "" {
		was += behind(was, region)
	}
	lines[at] = []byte(was)
	return bytes.Join(lines, nil), nil
}

// cutEnd takes the line break off a line.
func cutEnd(line string) string {
	if text, ok := strings.CutSuffix(line, "\n"); ok {
		return strings.TrimSuffix(text, "\r")
	}
	return line
}

// behind is the text of more lines behind one, ended as that one is. An empty line is none, but for the first.
func behind(line string, more ...string) string {
	eol := line[len(cutEnd(line)):]
	var b strings.Builder
	if eol == "" {
		eol = "\n"
		b.WriteString(eol)
	}
	for i, text := range more {
		if text != "" || i == 0 {
			b.WriteString(text + eol)
		}
	}
	return b.String()
}

// section finds the lines of the profile: that of its head, and the one behind its last; -1 if there is none.
func section(lines [][]byte, profile string) (start, end int, err error) {
	start, end = -1, len(lines)
	for i, line := range lines {
		head := sectionForm.FindSubmatch(line)
		if head == nil {
			continue
		}
		if start >= 0 && end == len(lines) {
			end = i
		}
		if !isProfile(string(head[1]), profile) {
			continue
		}
		if start >= 0 {
			return 0, 0, fmt.Errorf("line %d: the profile %s is there twice: make it one", i+1, profile)
		}
		start = i
	}
	return start, end, nil
}

// isProfile reports whether a section of ~/.aws/config is the profile: [profile x], and [default] without the word.
func isProfile(section, profile string) bool {
	if section == profile {
		return profile == "default"
	}
	name, ok := strings.CutPrefix(section, "profile")
	return ok && name != strings.TrimLeft(name, " \t") && strings.Trim(strings.TrimSpace(name), `"'`) == profile
}

// WriteProcess puts the profile into the file at path, all or nothing, and keeps the file's mode. It tells whether that
// changed anything. A link stays one.
func WriteProcess(path string, p Process) (changed bool, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := fs.FileMode(0o600)
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	default:
		info, err := os.Stat(path)
		if err != nil {
			return false, err
		}
		mode = info.Mode().Perm()
	}
	fresh, err := SetProcess(old, p)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, fresh) {
		return false, nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, ".config-*")
	if err != nil {
		return false, err
	}
	_, err = f.Write(fresh)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(f.Name()))
	}
	return true, nil
}

// CheckNoKeys refuses a profile that has keys in the shared credentials file at path, which come before a process.
func CheckNoKeys(path, profile string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, line := range slices.Collect(bytes.Lines(data)) {
		if head := sectionForm.FindSubmatch(line); head != nil && string(head[1]) == profile {
			return fmt.Errorf("%s, line %d: has keys for %s, which AWS's tools take first: remove them", path, i+1, profile)
		}
	}
	return nil
}

// Verb is the command of autoid that a credential_process calls.
const Verb = "credential-process"

var (
	plainWord  = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)
	quotedWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,~() -]+$`)
)

// Command makes a command line of a program and its arguments that all AWS SDKs read the same: some split it themselves,
// others give it to a shell. What they could read differently is refused.
func Command(words ...string) (string, error) {
	quoted := make([]string, len(words))
	for i, word := range words {
		looked := word
		if runtime.GOOS == "windows" {
			looked = strings.ReplaceAll(word, `\`, "/")
		}
		switch {
		case plainWord.MatchString(looked):
			quoted[i] = word
		case quotedWord.MatchString(looked):
			quoted[i] = `"` + word + `"`
		default:
			return "", fmt.Errorf("%q: a sign in it is not safe in a credential_process: use another path or name", word)
		}
	}
	return strings.Join(quoted, " "), nil
}
