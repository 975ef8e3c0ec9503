package serverdir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// StoresName is the name of the file that says where credentials come from.
const StoresName = "server/stores.toml"

// Stores is the content of server/stores.toml:
//
//	[file]
//	folder = "/srv/autoid/credentials"    # relative to the server's folder
//
//	[sts]
//	region = "eu-central-1"
//	[sts.roles.wall]                      # what "sts/wall" wants
//	arn = "arn:aws:iam::111122223333:role/wall-base"
//	external_id = "…"
//
// A part that is left out is a store that the server does not have.
type Stores struct {
	File *FileStore `toml:"file"`
	STS  *STSStore  `toml:"sts"`
}

// A FileStore says where the store "file" has its files.
type FileStore struct {
	Folder string `toml:"folder"`
}

// An STSStore says which roles the store "sts" assumes.
type STSStore struct {
	Region   string          `toml:"region"`
	Endpoint string          `toml:"endpoint"` // "" is AWS's own
	Roles    map[string]Role `toml:"roles"`
}

// A Role is one role of the store "sts".
type Role struct {
	ARN        string `toml:"arn"`
	ExternalID string `toml:"external_id"`
}

var arnForm = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`)

// ReadStores reads the stores of the server in dir. Without the file there are none.
func ReadStores(dir string) (Stores, error) {
	data, err := os.ReadFile(filepath.Join(dir, StoresName))
	if errors.Is(err, fs.ErrNotExist) {
		return Stores{}, nil
	}
	if err != nil {
		return Stores{}, err
	}
	s, err := ParseStores(data)
	if err != nil {
		return Stores{}, fmt.Errorf("%s:\n%w", filepath.Join(dir, StoresName), err)
	}
	if s.File != nil && !filepath.IsAbs(s.File.Folder) {
		s.File.Folder = filepath.Join(dir, s.File.Folder)
	}
	return s, nil
}

// ParseStores reads a stores.toml strictly. Its error lists what is wrong, a line each, with line and column.
func ParseStores(data []byte) (Stores, error) {
	var s Stores
	p := problems{positions: positionsOf(data)}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&s)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		for _, e := range strict.Errors {
			line, column := e.Position()
			p.add(line, column, strings.Join(e.Key(), ".")+": unknown key")
		}
	} else if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		p.add(line, column, e.Error())
		return Stores{}, p.err() // nothing after it was read
	} else if err != nil {
		return Stores{}, err
	}
	if s.File != nil && s.File.Folder == "" {
		p.at("file.folder", "missing: the folder of the credentials")
	}
	if s.STS != nil {
		if len(s.STS.Roles) == 0 {
			p.at("sts.roles", "missing: [sts.roles.NAME] with an arn")
		}
		for name, role := range s.STS.Roles {
			if !arnForm.MatchString(role.ARN) {
				p.at("sts.roles."+name+".arn", "not a role's ARN, such as arn:aws:iam::111122223333:role/wall")
			}
		}
	}
	return s, p.err()
}

type problems struct {
	positions map[string]unstable.Position
	all       []problem
}

type problem struct {
	line, column int
	text         string
}

func (p *problems) add(line, column int, text string) {
	p.all = append(p.all, problem{line, column, text})
}

// at adds a problem where key stands, or the nearest table around it that is there.
func (p *problems) at(key, text string) {
	near := key
	for near != "" && p.positions[near].Line == 0 {
		near = near[:max(strings.LastIndexByte(near, '.'), 0)]
	}
	where := p.positions[near]
	p.add(max(where.Line, 1), max(where.Column, 1), key+": "+text)
}

func (p *problems) err() error {
	slices.SortFunc(p.all, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), strings.Compare(a.text, b.text))
	})
	var errs []error
	for _, x := range p.all {
		errs = append(errs, fmt.Errorf("line %d, column %d: %s", x.line, x.column, x.text))
	}
	return errors.Join(errs...)
}

// positionsOf finds where each key stands, by its full dotted name.
func positionsOf(data []byte) map[string]unstable.Position {
	found := map[string]unstable.Position{}
	var parser unstable.Parser
	parser.Reset(data)
	table := ""
	for parser.NextExpression() {
		e := parser.Expression()
		name := ""
		if e.Kind == unstable.KeyValue {
			name = table
		}
		var start unstable.Position
		for it := e.Key(); it.Next(); {
			if start.Line == 0 {
				start = parser.Shape(it.Node().Raw).Start
			}
			name = strings.TrimPrefix(name+"."+string(it.Node().Data), ".")
		}
		if e.Kind != unstable.KeyValue {
			table = name
		}
		found[name] = start
	}
	return found
}
