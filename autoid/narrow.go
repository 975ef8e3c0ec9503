package autoid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// The bounds of session policies and tags are AWS's: what it would refuse is told while the file is read.
const (
	maxSessionPolicy = 2048
	maxTags          = 50
	maxTagKey        = 128 // characters
	maxTagValue      = 256
)

// tagForm leaves the length to be counted: {0,256} would unroll the classes of Unicode 256 times, 15 MB in every program.
var tagForm = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+@-]*$`)

// shorten takes the white space out of a session policy: it counts against AWS's limit, and some gateways misread it.
func (a *Allow) shorten() error {
	policy := bytes.TrimSpace(a.SessionPolicy)
	if len(policy) == 0 {
		return nil
	}
	if policy[0] != '{' {
		return errors.New("not a policy document, which is an object")
	}
	var short bytes.Buffer
	if err := json.Compact(&short, policy); err != nil {
		return err
	}
	if short.Len() > maxSessionPolicy {
		return fmt.Errorf("%d characters without white space; AWS takes %d", short.Len(), maxSessionPolicy)
	}
	a.SessionPolicy = short.Bytes()
	return nil
}

func checkTags(tags map[string]string) error {
	for key, value := range tags {
		if key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue ||
			!tagForm.MatchString(key) || !tagForm.MatchString(value) {
			return fmt.Errorf("%q: %d and %d characters at most, of letters, digits, spaces and _.:/=+-@", key, maxTagKey, maxTagValue)
		}
	}
	if len(tags) > maxTags {
		return fmt.Errorf("AWS takes %d at most", maxTags)
	}
	return nil
}
