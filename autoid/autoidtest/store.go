package autoidtest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// A Store is a store under test, and what is in it.
type Store struct {
	Store     autoid.Store
	Has       string            // an id that it has
	Content   string            // what Has is, as JSON; "" if it is another each time
	Versions  map[string]string // of Has, and what they are
	HasNot    string            // an id in its form that it does not have
	Malformed []string          // ids that it must not take, besides those of the suite
	Secrets   []string          // what no error may show
	Leases    bool              // it gives leases: they end
	Duration  time.Duration     // that it can give; zero: an hour
	Narrows   bool              // it passes on session policies
	Break     func()            // from now on, what is behind it fails; nil if nothing is
}

// A tester asks one store, and reads each error for secrets.
type tester struct {
	*testing.T
	Store
}

// TestStore runs the suite of stores.
func TestStore(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(tester){
		"it gives what it has":                           tester.gives,
		"a lease is never longer than granted":           tester.leases,
		"each version is its own":                        tester.versions,
		"what it has not is not found":                   tester.hasNot,
		"nothing outside is reached":                     tester.outside,
		"many may ask at once":                           tester.concurrent,
		"a session policy is passed on or refused":       tester.narrows,
		"a context that is over ends it":                 tester.over,
		"what fails behind it is not for the client":     tester.broken,
		"a version that is not there is not the new one": tester.noVersion,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.Duration = cmp.Or(s.Duration, time.Hour)
			test(tester{t, s})
		})
	}
}

func (t tester) grant(id, version string) autoid.Grant {
	return autoid.Grant{Client: "lobby-tv", Want: autoid.Want{Store: "x", ID: id, Version: version}, Duration: t.Duration}
}

func (t tester) get(ctx context.Context, g autoid.Grant) (autoid.Credential, error) {
	t.Helper()
	c, err := t.Store.Store.Credential(ctx, g)
	for _, secret := range t.Secrets {
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("a secret in the error: %v", err)
		}
	}
	if err != nil && !c.JSON.Empty() {
		t.Error("an error, and a credential beside it")
	}
	return c, err
}

// credential gets what must be there.
func (t tester) credential(g autoid.Grant) autoid.Credential {
	t.Helper()
	asked := time.Now()
	c, err := t.get(t.Context(), g)
	if err != nil {
		t.Fatalf("Credential(%s) = %v", g.Want, err)
	}
	text := []byte(c.JSON.Reveal())
	if !json.Valid(text) || (text[0] != '{' && text[0] != '"') {
		t.Error("a credential that is neither a JSON object nor a string")
	}
	if t.Leases && (c.Expires.Before(asked) || c.Expires.After(time.Now().Add(g.Duration))) {
		t.Errorf("a lease of %v was granted; it ends after %v", g.Duration, c.Expires.Sub(asked))
	}
	if keys, err := c.AWS(); err == nil && !keys.Expires.Equal(c.Expires) {
		t.Errorf("the credential says that it expires %v, the store %v", keys.Expires, c.Expires)
	}
	return c
}

func (t tester) refused(g autoid.Grant, codes ...autoid.Code) {
	t.Helper()
	_, err := t.get(t.Context(), g)
	e, ok := errors.AsType[*autoid.Error](err)
	if !ok {
		t.Errorf("Credential(%s) = %v, no answer for the client", g.Want, err)
	} else if !slices.Contains(codes, e.Code) {
		t.Errorf("Credential(%s) = %v, want one of %v", g.Want, e, codes)
	}
}

func (t tester) gives() {
	c := t.credential(t.grant(t.Has, ""))
	if t.Content != "" && c.JSON.Reveal() != t.Content {
		t.Error("another credential than the one that is there")
	}
}

func (t tester) leases() {
	for _, d := range []time.Duration{t.Duration, t.Duration + time.Second, 2 * t.Duration, 48 * time.Hour} {
		g := t.grant(t.Has, "")
		g.Duration = d
		t.credential(g)
	}
	g := t.grant(t.Has, "")
	g.Duration = time.Second
	if c, err := t.get(t.Context(), g); err == nil && t.Leases && c.Expires.After(time.Now().Add(time.Second)) {
		t.Errorf("a lease until %v where a second was granted", c.Expires)
	}
}

func (t tester) versions() {
	for version, want := range t.Versions {
		if got := t.credential(t.grant(t.Has, version)); got.JSON.Reveal() != want {
			t.Errorf("version %s is another's content", version)
		}
	}
}

func (t tester) noVersion() {
	for _, version := range []string{"no-such-version", "99999", "0", "-1", "latest", "stage=none", "stage="} {
		t.refused(t.grant(t.Has, version), autoid.NotFound, autoid.BadRequest)
	}
}

func (t tester) hasNot() {
	t.refused(t.grant(t.HasNot, ""), autoid.NotFound)
	t.refused(t.grant(t.HasNot, "99999"), autoid.NotFound, autoid.BadRequest)
}

func (t tester) outside() {
	for _, id := range append([]string{"", ".", "..", "../" + t.Has, "/etc/hostname", "a/../../b"}, t.Malformed...) {
		t.refused(t.grant(id, ""), autoid.NotFound, autoid.BadRequest)
	}
}

func (t tester) concurrent() {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2 {
				c, err := t.get(t.Context(), t.grant(t.Has, ""))
				if err != nil || t.Content != "" && c.JSON.Reveal() != t.Content {
					t.Errorf("one of many at once got another answer: %v", err)
				}
				if _, err := t.get(t.Context(), t.grant(t.HasNot, "")); err == nil {
					t.Error("one of many at once got what is not there")
				}
			}
		})
	}
	all.Wait()
}

func (t tester) narrows() {
	policy, tags := t.grant(t.Has, ""), t.grant(t.Has, "")
	policy.SessionPolicy = `{"Version":"2012-10-17","Statement":[]}`
	tags.Tags = map[string]string{"wall": "lobby"}
	if !t.Narrows {
		t.refused(policy, autoid.BadRequest)
		t.refused(tags, autoid.BadRequest)
		return
	}
	t.credential(policy)
}

func (t tester) over() {
	if _, err := t.get(over(), t.grant(t.Has, "")); !errors.Is(err, context.Canceled) {
		t.Fatalf("Credential = %v", err)
	}
}

func (t tester) broken() {
	if t.Break == nil {
		return
	}
	t.Break()
	_, err := t.get(t.Context(), t.grant(t.Has, ""))
	if err == nil {
		t.Fatal("no error")
	}
	if e, ok := errors.AsType[*autoid.Error](err); ok && e.Code != autoid.Throttled && e.Code != autoid.Unavailable {
		t.Errorf("the client is told %v", e)
	}
}
