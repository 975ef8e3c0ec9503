// Package conffile reads kioskeeper's configuration file.
//
// The file is TOML, and reading it is strict: a key that is not known is a problem, not a comment. All problems are
// reported at once, each with its line, its column and what mends it, so that a wall is set up in one go. What comes out
// are plain structs; a key that was left out holds its documented default. Every key is declared once, in keys.go, and
// the sample file and docs/configuration.md are made from that.
package conffile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The ways to get credentials.
const (
	SourceAutoID = "autoid" // from an auto-id server
	SourceAWS    = "aws"    // the AWS SDK's default chain
)

// The kinds of browser.
const (
	BrowserManaged = "managed" // a Chromium of our own, kept and watched
	BrowserDefault = "default" // the desktop's default browser
)

// A File is a configuration file's content.
type File struct {
	Credentials Credentials
	// Role is nil where the credentials are the console role's already.
	Role     *Role
	Console  Console
	Browser  Browser
	Displays []Display // at least one
	Status   Status
}

// Credentials say where AWS credentials come from.
type Credentials struct {
	Source string // SourceAutoID or SourceAWS
	AutoID AutoID // set for SourceAutoID
	AWS    AWS    // set for SourceAWS
}

// AutoID is an auto-id client.
type AutoID struct {
	Server     string // an address, whose host is the server's name
	Client     string
	Bundle     string // a folder, made absolute, or the words for another repository, as they are
	TokenFile  string // made absolute; empty: none
	HostKey    string // of a git+ssh host, as in its .pub file
	KMSKey     string // the ARN of the key that seals the bundle; empty: none
	Publisher  string // "ed25519:" and the publisher's public key, padded base64 of 32 bytes
	Credential string // store/id[@version]
}

// AWS is the SDK's default chain; an empty string leaves the choice to it.
type AWS struct{ Profile, Region string }

// A Role is the IAM role that the console is opened with.
type Role struct {
	ARN string
	// SessionName is the same for every session of a display. Empty: the display's name.
	SessionName string
	ExternalID  string // empty: none
	// Duration is a whole number of minutes, from 15 minutes to 12 hours; 1 hour at most from SourceAutoID.
	Duration time.Duration
}

// Console is where the AWS console is; an empty string is the partition's own address. {region} stands for the region.
type Console struct{ SignIn, Address string }

// Browser says what shows the pages.
type Browser struct {
	Kind string // BrowserManaged or BrowserDefault
	Path string // the managed browser's program, made absolute; empty: one that is found
	User string // the ordinary user it runs as when kioskeeper runs as root; empty: none
}

// A Display is one screen.
type Display struct {
	Name  string
	Views []View // exactly one in this version
}

// A View is one page: either CloudWatch or URL is set.
type View struct {
	CloudWatch *CloudWatch
	URL        string
	Ready      string // a CSS selector that must match something visible; empty: none
}

// CloudWatch is a CloudWatch dashboard.
type CloudWatch struct {
	Dashboard, Region string
	// Range is the time that the graphs span, Refresh how often they are drawn anew: 10 s, 1, 2, 5 or 15 min.
	Range, Refresh time.Duration
}

// Status is the status page.
type Status struct{ Listen string } // host:port on loopback

// maxSize is far above what a wall needs; it keeps a wrong path from being read into memory.
const maxSize = 64 << 10

// Load reads the file at path, and looks at the files that it names: whether they are there, and that secret ones are
// private. Problems in the file come as *[Problems].
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w (kioskeeper generate config writes a sample)", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return parse(data, path, folder, onDisk{})
}

// Parse reads a file's content, and looks at nothing else. Relative paths in it are taken to be relative to folder; name
// is the file's name in problems, which come as *[Problems].
func Parse(data []byte, name, folder string) (*File, error) {
	return parse(data, name, folder, nowhere{})
}

// A disk answers for what a configuration file names outside itself. Parse has none.
type disk interface {
	bundle(folder string) error
	secret(path string) error
	program(path string) error
	user(name string) error
}

func parse(data []byte, name, folder string, d disk) (*File, error) {
	problems := &Problems{File: name}
	if len(data) > maxSize {
		problems.add(place{1, 1}, "the file is over 64 KiB", "give a configuration file")
		return nil, problems
	}
	r := &reader{data: bytes.TrimPrefix(data, []byte("\ufeff")), problems: problems} // Windows' editors write the mark
	root := r.tree()
	s := &schema{folder: folder, disk: d, file: new(File), problems: problems, broken: r.broken}
	decoder{problems, r.broken}.table(root, title{}, s.top())
	if err := problems.or(); err != nil {
		return nil, err
	}
	return s.file, nil
}
