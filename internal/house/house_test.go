// Package house holds the repository to its own rules: who may import whom, what each folder says of itself, and why
// each dependency is there. It has tests only.
package house

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kioskeeper/kioskeeper"

// root is the repository's root, seen from this folder.
const root = "../.."

// A source is one Go file, whatever system it is for.
type source struct {
	path   string // from the root, with slashes
	folder string
	test   bool
	file   *ast.File
}

// sources reads every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && rel != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		f, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(rel)
		all = append(all, source{slash, path.Dir(slash), strings.HasSuffix(base, "_test.go"), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files below %s: the wrong folder", len(all), root)
	}
	return all
}

// in reports whether folder is one of these, or below one that ends in "/...".
func in(folder string, these ...string) bool {
	return slices.ContainsFunc(these, func(one string) bool {
		if above, ok := strings.CutSuffix(one, "/..."); ok {
			return folder == above || strings.HasPrefix(folder, above+"/")
		}
		return folder == one
	})
}

// ours says which of our own packages a folder may import, the first line that fits. Only the commands join the parts.
var ours = []struct {
	folders []string
	may     []string
}{
	{[]string{"secret"}, nil},
	{[]string{"federation"}, []string{"secret"}},
	{[]string{"federation/..."}, []string{"federation/...", "secret"}},
	{[]string{"kiosk"}, []string{"secret"}},
	{[]string{"kiosk/conffile"}, nil},
	{[]string{"kiosk/..."}, []string{"kiosk", "secret"}},
	{[]string{"autoid/..."}, []string{"autoid/...", "secret"}},
	{[]string{"cmd/...", "windows/..."}, []string{"autoid/...", "federation/...", "kiosk/...", "secret", "internal/...", "cmd/..."}},
	{[]string{"internal/..."}, []string{"internal/...", "secret"}},
}

// theirs says where somebody else's packages may be imported. A dependency has one place, or its reason to have more.
var theirs = []struct {
	prefix  string
	folders []string
}{
	{"github.com/aws/", []string{"federation/awscreds", "autoid/awscall", "autoid/stsstore",
		"autoid/secretsmanagerstore", "autoid/ssmstore", "autoid/s3repo", "autoid/kmsrepo", "autoid/dynamoreplay", "autoid/lambdahttp"}},
	{"filippo.io/age", []string{"autoid/filestore"}},
	{"github.com/pelletier/go-toml/", []string{"kiosk/conffile", "autoid/serverdir", "autoid/internal/stricttoml"}},
	{"github.com/go-git/", []string{"autoid/gitrepo"}},
	{"github.com/pkg/browser", []string{"kiosk/opener"}},
	{"github.com/spf13/cobra", []string{"cmd/..."}},
	{"golang.org/x/term", []string{"cmd/..."}},
	{"golang.org/x/crypto/", []string{"autoid/..."}},
	{"golang.org/x/sys/", []string{"kiosk/...", "autoid/...", "cmd/...", "windows/...", "internal/..."}},
}

// TestNobodyImportsWhatTheMapForbids looks at what is built. Tests may join parts: that is what some are for.
func TestNobodyImportsWhatTheMapForbids(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := forbidden(s.folder, name); why != "" {
				t.Errorf("%s imports %s: %s", s.path, name, why)
			}
		}
	}
}

// forbidden says why a folder must not import a package; "" if it may.
func forbidden(folder, name string) string {
	if own, ok := strings.CutPrefix(name, module+"/"); ok {
		for _, rule := range ours {
			if !in(folder, rule.folders...) {
				continue
			}
			if in(own, rule.may...) {
				return ""
			}
			return "of ours it may import only " + strings.Join(rule.may, ", ")
		}
		return "the folder is not on the map: add it to the rules"
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, rule := range theirs {
		if strings.HasPrefix(name, rule.prefix) {
			if in(folder, rule.folders...) {
				return ""
			}
			return "only for " + strings.Join(rule.folders, ", ")
		}
	}
	return "the dependency is not on the map: add it to the rules"
}

func TestTheRulesForbidWhatTheyShould(t *testing.T) {
	t.Parallel()
	for folder, imports := range map[string][]string{
		"kiosk":            {module + "/federation", module + "/kiosk/chromium", "github.com/aws/aws-sdk-go-v2/aws"},
		"kiosk/conffile":   {module + "/federation", module + "/kiosk"},
		"federation":       {"github.com/aws/smithy-go", module + "/federation/awscreds", "golang.org/x/sys/unix"},
		"autoid":           {"github.com/aws/aws-sdk-go-v2/service/sts", module + "/federation"},
		"internal/standin": {"github.com/aws/aws-sdk-go-v2/aws", module + "/autoid"},
		"secret":           {module + "/kiosk", "golang.org/x/crypto/cryptobyte"},
		"elsewhere":        {module + "/secret"},
		"cmd/kioskeeper":   {"github.com/aws/aws-sdk-go-v2/aws", "example.com/unheard/of"},
	} {
		for _, name := range imports {
			if forbidden(folder, name) == "" {
				t.Errorf("%s may import %s", folder, name)
			}
		}
	}
}

// TestEachPackageSaysWhatItIs wants one package doc in each folder, with a plain first sentence.
func TestEachPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	docs := make(map[string][]string)  // by folder: what is said
	names := make(map[string][]string) // by folder: the package's name
	for _, s := range sources(t) {
		if s.test && s.folder != "internal/house" {
			continue
		}
		names[s.folder] = append(names[s.folder], s.file.Name.Name)
		if s.file.Doc != nil {
			docs[s.folder] = append(docs[s.folder], s.file.Doc.Text())
		}
	}
	for folder, name := range names {
		begin := "Package " + name[0] + " "
		if name[0] == "main" {
			begin = "Command " + path.Base(folder) + " "
		}
		switch said := docs[folder]; {
		case len(said) != 1:
			t.Errorf("%s has %d package docs, want one", folder, len(said))
		case !strings.HasPrefix(said[0], begin):
			t.Errorf("%s: its doc begins with %q, want %q", folder, new(doc.Package).Synopsis(said[0]), begin+"…")
		case !strings.HasSuffix(new(doc.Package).Synopsis(said[0]), "."):
			t.Errorf("%s: the first sentence of its doc has no end: %q", folder, new(doc.Package).Synopsis(said[0]))
		}
	}
}

// TestOnlyMainEndsTheProgram looks for what takes a decision out of the caller's hands.
func TestOnlyMainEndsTheProgram(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init: nobody calls it, so nobody can leave it out", s.path)
				}
			case *ast.SelectorExpr:
				of, _ := n.X.(*ast.Ident)
				if of == nil || s.test || in(s.folder, "cmd/...") {
					break
				}
				if of.Name == "os" && n.Sel.Name == "Exit" || of.Name == "log" && strings.HasPrefix(n.Sel.Name, "Fatal") {
					t.Errorf("%s calls %s.%s: return an error", s.path, of.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

var requirement = regexp.MustCompile(`^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+(?: // (.*))?$`)

// TestEachDependencyHasItsReason wants a comment behind each direct requirement: what it is for.
func TestEachDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for line := range strings.Lines(string(text)) {
		m := requirement.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || m[2] == "indirect" {
			continue
		}
		if direct++; len(strings.Fields(m[2])) < 2 {
			t.Errorf("go.mod: %s has no reason behind it: // what it is for", m[1])
		}
	}
	if direct == 0 {
		t.Error("go.mod: no direct requirement was found: has its form changed?")
	}
}
