package clientdir

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/stricttoml"
)

// A Config is the content of the configuration:
//
//	default = "work"                          # the profile that is taken if none is named
//
//	[profile.work]
//	server     = "https://id.example.com"
//	client     = "lobby-tv"
//	bundle     = "bundle"                     # a folder, relative to this file; or s3://, npm:, git+ssh://, https:// …
//	token_file = "token"                      # what the repository asks for: a token, or an ssh key
//	host_key   = "ssh-ed25519 AAAA…"          # of git+ssh's host
//	kms_key    = "arn:aws:kms:…"              # that the repository's objects are sealed with
//	publisher  = "ed25519:…"
//	credential = "sts/dev"
//	region     = "eu-central-1"
//
//	[profile.work.role]                       # left out: the credential is used as it is
//	arn          = "arn:aws:iam::111122223333:role/deploy"
//	external_id  = "…"
//	session_name = "lobby-tv"                 # left out: the client's name
//	duration     = "1h"
//	policy_file  = "session-policy.json"      # what the session may do at most; relative to this file
//	tags         = {team = "web"}
//
// There is no secret in it, and no key takes one.
type Config struct {
	Default  string             `toml:"default"`
	Profiles map[string]Profile `toml:"profile"`
}

// A Profile is one identity, and what it asks for.
type Profile struct {
	Server     string           `toml:"server"`
	Client     string           `toml:"client"`
	Bundle     string           `toml:"bundle"`
	TokenFile  string           `toml:"token_file"`
	HostKey    string           `toml:"host_key"`
	KMSKey     string           `toml:"kms_key"`
	Publisher  autoid.Publisher `toml:"publisher"`
	MinSeq     uint64           `toml:"min_seq"`
	Credential string           `toml:"credential"`
	Region     string           `toml:"region"`
	Role       Role             `toml:"role"`
}

// A Role is assumed with the credential that the server gave. Without an ARN none is.
type Role struct {
	ARN         string            `toml:"arn"`
	ExternalID  string            `toml:"external_id"`
	SessionName string            `toml:"session_name"`
	Duration    autoid.Duration   `toml:"duration"`
	PolicyFile  string            `toml:"policy_file"`
	Tags        map[string]string `toml:"tags"`
}

var profileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// CheckProfile refuses a profile's name that would not be the same everywhere.
func CheckProfile(name string) error {
	if !profileForm.MatchString(name) {
		return fmt.Errorf("profile %q: not 1 to 64 letters, digits, _ or -", name)
	}
	return nil
}

// Load reads the configuration at path.
func Load(path string) (Config, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Config{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := Parse(data, filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return c, nil
}

// Parse reads a configuration strictly. Paths in it become absolute, seen from folder. Its error lists what is wrong, a line
// each, with line and column.
func Parse(data []byte, folder string) (Config, error) {
	var c Config
	f, err := stricttoml.Read(data, &c)
	if err != nil {
		return Config{}, err
	}
	if _, ok := c.Profiles[c.Default]; c.Default != "" && !ok {
		f.Problem("default", "there is no [profile.%s]", c.Default)
	}
	if len(c.Profiles) == 0 {
		f.Problem("profile", "missing: [profile.NAME] with server, client, bundle and publisher")
	}
	for name, p := range c.Profiles {
		at := "profile." + name
		if err := CheckProfile(name); err != nil {
			f.Problem(at, "not 1 to 64 letters, digits, _ or -")
		}
		check := func(key string, value string, check func() error) {
			if value == "" {
				f.Problem(at+"."+key, "missing")
			} else if err := check(); err != nil {
				f.Problem(at+"."+key, "%v", err)
			}
		}
		check("server", p.Server, func() error { _, err := autoid.ServerNameOf(p.Server); return err })
		check("client", p.Client, func() error { return autoid.CheckClient(p.Client) })
		check("bundle", p.Bundle, func() error { return nil })
		check("publisher", string(p.Publisher), p.Publisher.Check)
		if p.Credential != "" {
			check("credential", p.Credential, func() error { _, err := autoid.ParseWant(p.Credential); return err })
		}
		if f.Has(at+".role") && p.Role.ARN == "" {
			f.Problem(at+".role.arn", "missing: which role to assume")
		}
		p.Bundle, p.TokenFile = seenFrom(folder, p.Bundle), seenFrom(folder, p.TokenFile)
		p.Role.PolicyFile = seenFrom(folder, p.Role.PolicyFile)
		c.Profiles[name] = p
	}
	return c, f.Err()
}

// seenFrom makes a path absolute. What has a scheme in front is the name of something else.
func seenFrom(folder, path string) string {
	if path == "" || filepath.IsAbs(path) || schemeForm.MatchString(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// schemeForm has two letters at least: one would be a drive of Windows.
var schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// Profile returns the profile of this name; for "" the default one, or else the only one.
func (c Config) Profile(name string) (Profile, error) {
	names := slices.Sorted(maps.Keys(c.Profiles))
	switch {
	case name != "":
	case c.Default != "":
		name = c.Default
	case len(names) == 1:
		name = names[0]
	default:
		return Profile{}, errors.New("which profile? Say --profile, or default in the configuration: there are " +
			strings.Join(names, ", "))
	}
	p, ok := c.Profiles[name]
	if !ok {
		return Profile{}, fmt.Errorf("profile %q: not in the configuration: there are %s", name, strings.Join(names, ", "))
	}
	return p, nil
}
