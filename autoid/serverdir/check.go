package serverdir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/private"
	"github.com/kioskeeper/kioskeeper/autoid/internal/strictjson"
)

// A Problem is one thing that is wrong with a server's files.
type Problem struct {
	File         string
	Line, Column int // from 1; 0: the whole file
	Text         string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Check tells all that is wrong with a server's files, in one go: what they say, who may read them, what is not published,
// and what is out of use. verifiers are those of the server. Overlap 0 is DefaultOverlap.
func Check(storage Storage, verifiers map[string]autoid.Verifier, overlap time.Duration) []Problem {
	c := &checker{Rotator: &Rotator{Storage: storage, Overlap: overlap}, verifiers: verifiers}
	c.modes()
	data, err := fs.ReadFile(storage, StoresName)
	if err == nil {
		c.stores, err = ParseStores(data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.add(StoresName, err)
	}
	if _, c.next, err = readSigners(storage); err != nil {
		c.unlessMode(publisherName, err)
	}
	entries, err := fs.ReadDir(storage, "clients")
	if !errors.Is(err, fs.ErrNotExist) {
		c.add("clients", err)
	}
	sound := map[string]bool{}
	for _, e := range entries {
		sound[e.Name()] = c.client(e.Name())
	}
	v, err := c.look()
	if err != nil {
		c.add(autoid.KeysName, err)
	} else {
		c.keys(v)
		for _, view := range v.clients {
			if sound[view.name] {
				c.published(v, view)
			}
		}
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.File, b.File) })
	return c.problems
}

type checker struct {
	*Rotator
	verifiers map[string]autoid.Verifier
	stores    Stores
	next      autoid.Publisher
	problems  []Problem
}

func (c *checker) say(file, format string, a ...any) {
	c.problems = append(c.problems, Problem{File: file, Text: fmt.Sprintf(format, a...)})
}

var located = regexp.MustCompile(`^line (\d+), column (\d+): (.*)$`)

// add takes an error apart that says lines and columns.
func (c *checker) add(file string, err error) {
	if err == nil {
		return
	}
	if all, ok := errors.AsType[strictjson.Problems](err); ok {
		for _, p := range all {
			c.problems = append(c.problems, Problem{file, p.Line, p.Column, p.Path + ": " + p.Text})
		}
		return
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimRight(line, "\n")
		p := Problem{File: file, Text: line}
		if m := located.FindStringSubmatch(line); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Column, _ = strconv.Atoi(m[2])
			p.Text = m[3]
		}
		c.problems = append(c.problems, p)
	}
}

// modes looks at every secret file, so that all of them are told of, and not the first that somebody wants to read.
func (c *checker) modes() {
	if runtime.GOOS == "windows" {
		return // has no such bits
	}
	for _, folder := range []string{"clients", "publisher", autoid.KeysName} {
		_ = fs.WalkDir(c.Storage, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // who reads it says why he cannot
			}
			if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
				c.say(name, "mode %#o lets others at it: chmod 600", info.Mode().Perm())
			}
			if strings.HasPrefix(d.Name(), ".new-") {
				c.say(name, "left by somebody who was killed while he wrote: delete it, unless somebody is writing")
			}
			return nil
		})
	}
}

// client looks at what a person may have edited, and reports whether it makes a client.
func (c *checker) client(name string) (sound bool) {
	if err := autoid.CheckClient(name); err != nil {
		c.add("clients/"+name, err)
		return false
	}
	file := autoid.ClientFileName(name)
	data, err := private.ReadFS(c.Storage, file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		c.say("clients/"+name, "no client.json: its enrolment was broken off: autoid client add, or delete the folder")
		return false
	}
	if err != nil {
		c.unlessMode(file, err)
		return false
	}
	parsed, err := autoid.ParseClientFile(data, c.verifiers)
	if err != nil {
		c.add(file, err)
		return false
	}
	f := strictjson.Decode(data, new(autoid.ClientFile)) // for the places
	for i, a := range parsed.Policy.Allow {
		f.Problem(fmt.Sprintf("policy.allow[%d].want", i), c.hasStore(a.Want))
	}
	if len(parsed.Policy.Allow) == 0 {
		f.Problem("policy", errors.New("allows nothing"))
	}
	if len(parsed.Repositories) == 0 {
		f.Problem("repositories", errors.New("none: its bundle cannot be published"))
	}
	if len(parsed.Entropy) == 0 && !parsed.Evidence.Alone {
		f.Problem("entropy", errors.New("none, and evidence alone is not enough: the client cannot prove itself"))
	}
	for i, g := range parsed.Entropy {
		_, err := c.entropy(autoid.EntropyName(name, g.Egen))
		if err != nil && !strings.Contains(err.Error(), "chmod") {
			f.Problem(fmt.Sprintf("entropy[%d]", i), err)
		}
	}
	c.add(file, f.Err())
	return true
}

// unlessMode is for who has told of the modes already.
func (c *checker) unlessMode(file string, err error) {
	if !strings.Contains(err.Error(), "chmod") {
		c.add(file, err)
	}
}

// hasStore tells that there is nothing behind a want.
func (c *checker) hasStore(text string) error {
	want, err := autoid.ParseWant(text)
	if err != nil {
		return err
	}
	s, has := c.stores, map[string]bool{}
	has["file"], has["secretsmanager"], has["ssm"] = s.File != nil, s.SecretsManager != nil, s.SSM != nil
	if s.STS != nil {
		_, role := s.STS.Roles[want.ID]
		_, federation := s.STS.Federation[want.ID]
		has["sts"] = role || federation
	}
	_, has["exec"] = s.Exec[want.ID]
	if !has[want.Store] {
		return fmt.Errorf("nothing in %s stands for %s", StoresName, want)
	}
	return nil
}

// keys tells of server keys that are out of use.
func (c *checker) keys(v *view) {
	for i, k := range v.id.Keys[:len(v.id.Keys)-1] {
		if t := v.replaced(v.id.Keys[i+1:], time.Now()); !t.IsZero() && time.Since(t) > 2*c.overlap() {
			c.say(autoid.KeysName, "key %s was replaced on %s: autoid keys retire", k.ID(), t.Format(time.DateOnly))
		}
	}
}

// published tells what clients do not find in their repositories as it should be, and what is left of the past.
func (c *checker) published(v *view, view *clientView) {
	file := publishedName(view.name)
	if view.err != nil || !view.alive(time.Now()) {
		return // said already, or not to be published to
	}
	last, err := view.published.bundle()
	if err != nil {
		c.add(file, err)
		return
	}
	b := bundleOf(v.id, view.name, view.last(), c.next, time.Now())
	b.Seq = last.Seq
	text, err := b.Marshal()
	switch {
	case err != nil:
		c.add(file, err)
	case string(text) != view.published.Bundle || view.file.BundleSeq != last.Seq:
		c.say(file, "the newest bundle is not published: autoid keys publish")
	}
	newest := view.last()
	for _, g := range view.file.Entropy {
		t := view.replaced(func(name string) bool { return newest.Egen > g.Egen && name == sinceOf(newest.Egen) })
		if !t.IsZero() && time.Since(t) > 2*c.overlap() {
			c.say(autoid.ClientFileName(view.name), "egen %d was replaced on %s: autoid keys retire", g.Egen, t.Format(time.DateOnly))
		}
	}
	c.orphans(view)
}

// orphans tells of entropy that no generation names.
func (c *checker) orphans(view *clientView) {
	names := map[string]bool{"client.json": true, "published.json": true}
	for _, g := range view.file.Entropy {
		names[fmt.Sprintf("entropy-%d.bin", g.Egen)] = true
	}
	entries, _ := fs.ReadDir(c.Storage, "clients/"+view.name)
	for _, e := range entries {
		if !names[e.Name()] && !strings.HasPrefix(e.Name(), ".new-") {
			c.say("clients/"+view.name+"/"+e.Name(), "named by nothing; there are %s", strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
}
