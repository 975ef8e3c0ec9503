package autoid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// The bounds of session policies and tags are AWS's: what it would refuse is told while the file is read.
const (
	maxSessionPolicy = 2048
	maxTags          = 50
)

var (
	tagKeyForm   = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+@-]{1,128}$`)
	tagValueForm = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+@-]{0,256}$`)
)

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
		if !tagKeyForm.MatchString(key) || !tagValueForm.MatchString(value) {
			return fmt.Errorf("%q: 128 and 256 characters at most, of letters, digits, spaces and _.:/=+-@", key)
		}
	}
	if len(tags) > maxTags {
		return fmt.Errorf("AWS takes %d at most", maxTags)
	}
	return nil
}
