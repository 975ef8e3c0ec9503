package house

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var testName = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9]*)`")

// TestThePageOnTheProtocolNamesTestsThatExist keeps docs/security/protocol.md from promising what nothing shows: each row
// of its tables names a test, and each test that it names is there.
func TestThePageOnTheProtocolNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				there[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(root + "/docs/security/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	rows := 0
	for line := range strings.Lines(string(page)) {
		found := testName.FindAllStringSubmatch(line, -1)
		for _, m := range found {
			named = append(named, m[1])
		}
		row := strings.HasPrefix(line, "| ") && !strings.HasSuffix(line, "| shown by |\n")
		if row {
			rows++
		}
		if row && found == nil {
			t.Errorf("a row that no test shows: %s", line)
		}
	}
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		if !there[name] {
			t.Errorf("%s is named, and is not there", name)
		}
	}
	if rows < 15 {
		t.Errorf("only %d rows were found: has the page's form changed?", rows)
	}
}
