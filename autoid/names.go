package autoid

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The forms of names are the protocol's. Clients and wants become parts of file names on the server, which is why they
// are this narrow and why names that Windows keeps for devices are refused everywhere.
var (
	clientForm     = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)
	reservedForm   = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
	serverNameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	wantForm       = regexp.MustCompile(`^[A-Za-z0-9._+=@/-]{3,512}$`)
	kindForm       = regexp.MustCompile(`^[a-z0-9-]{0,32}$`)
	fileForm       = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
)

// CheckClient tells what is wrong with a client's name.
func CheckClient(name string) error {
	switch {
	case !clientForm.MatchString(name):
		return fmt.Errorf("client %q: 1 to 63 of a-z 0-9 . _ -, the first and the last a letter or digit", name)
	case reservedForm.MatchString(name):
		return fmt.Errorf("client %q: Windows keeps this name for a device", name)
	}
	return nil
}

// CheckServerName tells what is wrong with a server's name.
func CheckServerName(name string) error {
	if len(name) > 253 || !serverNameForm.MatchString(name) {
		return fmt.Errorf("server name %q: a host name in lower case, without port or last dot", name)
	}
	return nil
}

// A Want names a credential: "store/id" or "store/id@version".
type Want struct{ Store, ID, Version string }

// ParseWant reads a want. The version stands behind the last @.
func ParseWant(s string) (Want, error) {
	bad := func(why string) (Want, error) { return Want{}, fmt.Errorf("want %q: %s", s, why) }
	if !wantForm.MatchString(s) {
		return bad("store/id[@version] in 512 of A-Z a-z 0-9 . _ + = @ - /")
	}
	if strings.Contains(s, "..") {
		return bad("holds ..")
	}
	name, version := s, ""
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		name, version = s[:i], s[i+1:]
		if version == "" {
			return bad("no version behind the @")
		}
	}
	store, id, ok := strings.Cut(name, "/")
	if !ok {
		return bad("no store/ before the id")
	}
	// Looked at with and without the version: neither whole nor id may have a part that a file system reads as a folder.
	for part := range strings.SplitSeq(name+"/"+s, "/") {
		if part == "" || part == "." {
			return bad("an empty part, or the part .")
		}
	}
	return Want{store, id, version}, nil
}

func (w Want) String() string {
	if w.Version == "" {
		return w.Store + "/" + w.ID
	}
	return w.Store + "/" + w.ID + "@" + w.Version
}

func checkFile(name string) error {
	if !fileForm.MatchString(name) {
		return errors.New("not the form of a file's name")
	}
	return nil
}

// CheckObject refuses what is not the name of an object in a repository: a plain file's name.
func CheckObject(name string) error {
	if err := checkFile(name); err != nil {
		return fmt.Errorf("object %q: %w", name, err)
	}
	return nil
}
