package conffile

import (
	"fmt"
	"strings"
	"time"
)

// checkView settles which of the two a view is.
func (s *schema) checkView(n *node, v *View) {
	switch dashboard, page := n.child("cloudwatch"), n.child("url"); {
	case dashboard != nil && page != nil:
		s.problems.add(page.key, "url and cloudwatch exclude each other", "remove one, or give each a display of its own")
	case page != nil:
		for _, name := range []string{"region", "range", "refresh"} {
			if c := n.child(name); c != nil {
				s.problems.add(c.key, name+" has no use with url", "remove it: it belongs to cloudwatch")
			}
		}
		v.CloudWatch = nil
	case s.broken:
	case dashboard == nil && n.lacks("cloudwatch") && n.lacks("url"):
		s.problems.add(n.at, "the view shows nothing", `add cloudwatch = "…" and region = "…", or url = "…"`)
	case dashboard != nil && n.lacks("region"):
		s.problems.add(dashboard.key, "region is missing for cloudwatch", `add region = "ap-southeast-2"`)
	}
}

// checkPlace holds what is said about the bundle's place against what place it is.
func (s *schema) checkPlace(n *node) {
	a := &s.file.Credentials.AutoID
	ssh := strings.HasPrefix(a.Bundle, "git+ssh://")
	for _, x := range []struct {
		name string
		use  bool
	}{
		{"token_file", schemeForm.MatchString(a.Bundle) && !strings.HasPrefix(a.Bundle, "s3://")},
		{"host_key", ssh},
	} {
		if c := n.child(x.name); c != nil && !x.use && a.Bundle != "" {
			s.problems.add(c.key, x.name+" has no use with this bundle", "remove it, or change bundle")
		}
	}
	if ssh && (n.lacks("host_key") || n.lacks("token_file")) {
		s.problems.add(n.where("bundle"), "git+ssh needs token_file, the private key, and host_key",
			"ssh-keyscan shows a host's key, to be compared with what its owner says")
	}
}

// checkFile looks at what spans tables.
func (s *schema) checkFile(root *node) {
	if root.child("role") == nil {
		s.file.Role = nil // the defaults have made one
	}
	if s.file.Role != nil {
		s.checkRole(root)
	}
	first := make(map[string]int)
	for i, d := range s.file.Displays {
		n := root.child("display").children[i].child("name")
		// Without regard to case: a name becomes a file's, and Windows and macOS have no regard either.
		switch j, taken := first[strings.ToLower(d.Name)]; {
		case d.Name == "":
		case taken:
			s.problems.add(n.at, fmt.Sprintf("name is taken: %q is display number %d", d.Name, j+1), "give each display its own")
		default:
			first[strings.ToLower(d.Name)] = i
		}
	}
}

// checkRole holds the role against where the credentials come from and where the dashboards are.
func (s *schema) checkRole(root *node) {
	r := s.file.Role
	if s.file.Credentials.Source == SourceAutoID && r.Duration > time.Hour {
		s.problems.add(root.where("role", "duration"), `duration is over 1h with source = "autoid"`,
			"AWS ends a role that another role has assumed after 1h: write 1h, or use a source that assumes no role before")
	}
	if r.ARN == "" {
		return
	}
	partition := strings.Split(r.ARN, ":")[1]
	clash := func(at place, region string) {
		if region != "" && partitionOf(region) != partition {
			s.problems.add(at, fmt.Sprintf("region is in partition %s, the role in %s", partitionOf(region), partition),
				"a session reaches one partition only: change region or [role] arn")
		}
	}
	clash(root.where("credentials", "aws", "region"), s.file.Credentials.AWS.Region)
	for i, d := range s.file.Displays {
		for j, v := range d.Views {
			if v.CloudWatch != nil {
				clash(root.child("display").children[i].child("view").children[j].where("region"), v.CloudWatch.Region)
			}
		}
	}
}
