package conffile

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Each function here takes a value as it stands in the file and returns what it means, or a mistake that reads on from
// the key's name: "server must be …".

// oneOf takes one of a few words.
func oneOf(choices, later []string) func(string) (string, error) {
	list := `"` + strings.Join(choices, `" or "`) + `"`
	return func(v string) (string, error) {
		switch near := nearest(v, choices); {
		case slices.Contains(choices, v):
			return v, nil
		case slices.Contains(later, v):
			return "", wrong(shorten(v)+" is not yet supported in this version", "write "+list)
		case near != "":
			return "", wrong("must be "+list, fmt.Sprintf("did you mean %q?", near))
		}
		return "", wrong("must be "+list, "choose one of them")
	}
}

// matching takes a text of some length that form matches; must and hint say what that is.
func matching(form *regexp.Regexp, least, most int, must, hint string) func(string) (string, error) {
	return func(v string) (string, error) {
		if len(v) < least || len(v) > most || !form.MatchString(v) {
			return "", wrong(must, hint)
		}
		return v, nil
	}
}

// upTo takes a text of at most so many bytes, without control characters.
func upTo(most int) func(string) (string, error) {
	return func(v string) (string, error) {
		if v == "" || len(v) > most || strings.ContainsFunc(v, unicode.IsControl) {
			return "", wrong(fmt.Sprintf("must be a text of 1 to %d bytes on one line", most), "shorten or remove it")
		}
		return v, nil
	}
}

var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// serverAddress takes the address of an auto-id server, with a host that the protocol takes for a server's name.
func serverAddress(v string) (string, error) {
	u, err := address(v)
	if err != nil {
		return "", err
	}
	switch {
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "", wrong("must begin with https://", "http:// is only for a server on this machine")
	case len(u.Hostname()) > 253 || !hostForm.MatchString(u.Hostname()):
		return "", wrong("must have a plain host name in small letters", "for example https://id.example.com")
	case u.RawQuery != "" || u.Fragment != "":
		return "", wrong("must end before any ? or #", "give the base address alone: https://host/")
	}
	return strings.TrimSuffix(v, "/"), nil
}

// serverTemplate takes the base address of a server that has a host for each region.
func serverTemplate(v string) (string, error) {
	if _, err := serverAddress(strings.ReplaceAll(v, "{region}", "us-east-1")); err != nil {
		return "", err
	}
	return strings.TrimSuffix(v, "/"), nil
}

// pageAddress takes the address of a page to show.
func pageAddress(v string) (string, error) {
	if _, err := address(v); err != nil {
		return "", err
	}
	return v, nil
}

// address takes a web address. It is not repeated in the mistake: there may be a password in it.
func address(v string) (*url.URL, error) {
	u, err := url.Parse(v)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, wrong("must be a web address", "for example https://host.example.com/")
	case u.User != nil:
		return nil, wrong("must not hold a user or a password", "remove what stands before the @")
	}
	return u, nil
}

// isLoopback reports whether host can only be this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// listenAddress takes host:port on loopback.
func listenAddress(v string) (string, error) {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return "", wrong("must be host:port", "for example 127.0.0.1:8780")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", wrong("must end with a port", "a number from 1 to 65535, or 0 for any that is free")
	}
	if !isLoopback(host) {
		return "", wrong("must be on loopback", "127.0.0.1, [::1] or localhost: the page has no password")
	}
	return v, nil
}

var (
	clientForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)
	reservedForm = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`) // Windows has no files of these names
	wantForm     = regexp.MustCompile(`^[A-Za-z0-9._+=@/-]+$`)
)

// clientName takes an auto-id client's name.
func clientName(v string) (string, error) {
	if !clientForm.MatchString(v) || reservedForm.MatchString(v) {
		return "", wrong("must be 1 to 63 of a-z 0-9 . _ -, with a letter or digit at both ends, and not a device's name",
			`for example "lobby-tv", as in autoid client add`)
	}
	return v, nil
}

// want takes the name of a credential on an auto-id server: store/id[@version], with the version behind the last @.
func want(v string) (string, error) {
	name := v
	if i := strings.LastIndexByte(v, '@'); i >= 0 && i < len(v)-1 {
		name = v[:i]
	}
	empty := func(part string) bool { return part == "" || part == "." }
	if len(v) > 512 || !wantForm.MatchString(v) || strings.HasSuffix(v, "@") || strings.Contains(v, "..") ||
		!strings.Contains(name, "/") || slices.ContainsFunc(strings.Split(name+"/"+v, "/"), empty) {
		return "", wrong("must be store/id or store/id@version", `for example "sts/wall"`)
	}
	return v, nil
}

// publisherKey takes the key that signs bundles.
func publisherKey(v string) (string, error) {
	text, ok := strings.CutPrefix(v, "ed25519:")
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize || strings.ContainsAny(text, "\r\n") {
		return "", wrong("must be ed25519: and 44 characters of base64", "autoid client add prints it")
	}
	return v, nil
}

var (
	sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)
	externalIDForm  = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	displayForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	userForm        = regexp.MustCompile(`^[a-z_][a-z0-9_.-]*$`)
	roleForm        = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::[0-9]{12}:role/(?:[!-.0-~]+/)*[\w+=,.@-]{1,64}$`)
	sessionForm     = regexp.MustCompile(`^arn:aws[a-z-]*:sts::[0-9]*:assumed-role/`)
	regionForm      = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

// partitions are AWS's parts by how their regions begin; every other region is in "aws".
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"}, {"us-iso-", "aws-iso"},
	{"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eu-isof-", "aws-iso-f"},
}

// partitionOf is the partition that a region is in.
func partitionOf(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

// roleARN takes the ARN of an IAM role in a partition that there is.
func roleARN(v string) (string, error) {
	const form = `arn:aws:iam::111122223333:role/name`
	m := roleForm.FindStringSubmatch(v)
	switch {
	case sessionForm.MatchString(v):
		return "", wrong("is a session's ARN, not a role's", "write "+form)
	case m == nil:
		return "", wrong("must be the ARN of an IAM role", "write "+form)
	case m[1] == "aws":
		return v, nil
	}
	known := []string{"aws"}
	for _, p := range partitions {
		if p.name == m[1] {
			return v, nil
		}
		known = append(known, p.name)
	}
	return "", wrong("names a partition that is not known", "known are "+strings.Join(slices.Compact(known), ", "))
}

// region takes an AWS region.
func region(v string) (string, error) {
	if !regionForm.MatchString(v) {
		return "", wrong("must be an AWS region", `for example "ap-southeast-2"`)
	}
	return v, nil
}

var longForm = regexp.MustCompile(`^([0-9]{1,4})([dw])$`)

// span takes a time in whole minutes between two limits: 90m, 3h, 7d, 2w.
func span(least, most time.Duration) func(string) (time.Duration, error) {
	return func(v string) (time.Duration, error) {
		d, err := time.ParseDuration(v)
		if m := longForm.FindStringSubmatch(v); m != nil {
			n, _ := strconv.Atoi(m[1]) // four digits
			d, err = time.Duration(n)*24*time.Hour, nil
			if m[2] == "w" {
				d *= 7
			}
		}
		switch {
		case err != nil:
			return 0, wrong(shorten(v)+" is not a time", `write a number and its unit: "15m", "3h", "7d"`)
		case d < least || d > most:
			return 0, wrong(fmt.Sprintf("must be from %s to %s", short(least), short(most)), "write a time between them")
		case d%time.Minute != 0:
			return 0, wrong("must be whole minutes", fmt.Sprintf("write %q", short(d.Round(time.Minute))))
		}
		return d, nil
	}
}

// refresh takes one of the intervals that CloudWatch offers.
func refresh(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	choices := []time.Duration{10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
	if err != nil || !slices.Contains(choices, d) {
		return 0, wrong("must be 10s, 1m, 2m, 5m or 15m", "CloudWatch offers no others: choose one of them")
	}
	return d, nil
}

// short writes a time without its zero parts, and in days where it is long.
func short(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`) // two letters at least: C: is a drive

var (
	repositoryForm = regexp.MustCompile(`^(s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/|\?|$)|npm:@[a-z0-9~-][a-z0-9._~-]*/[a-z0-9~-][a-z0-9._~-]*(\?|$)|` +
		`git\+https://[^/@]+/.|git\+ssh://[^/@:]+@[^/]+/.|https://[^/@]+(/|$))`)
	hostKeyForm = regexp.MustCompile(`^(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$`)
	kmsKeyForm  = regexp.MustCompile(`^arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
)

// repository takes where a bundle is: a folder, or an address, which stays as it is. Whether it is there shows when it is used.
func repository(folder func(string) (string, error)) func(string) (string, error) {
	return func(v string) (string, error) {
		switch {
		case !schemeForm.MatchString(v):
			return folder(v)
		case !repositoryForm.MatchString(v) || strings.ContainsFunc(v, unicode.IsControl):
			return "", wrong("must be a folder, s3://bucket/prefix, npm:@scope/name, git+https://host/path, git+ssh://user@host/path "+
				"or https://host/path", "write it as autoid client add printed it")
		}
		return v, nil
	}
}

// file takes a path, relative to folder if it is not absolute, and lets look answer for what is there.
func file(folder string, look func(path string) error) func(string) (string, error) {
	return func(v string) (string, error) {
		switch {
		case schemeForm.MatchString(v):
			return "", wrong("must be a path", "write a path on this machine")
		case v == "" || strings.ContainsFunc(v, unicode.IsControl):
			return "", wrong("must be a path", "write a path on this machine")
		case !filepath.IsAbs(v):
			v = filepath.Join(folder, v)
		}
		return filepath.Clean(v), look(filepath.Clean(v))
	}
}
