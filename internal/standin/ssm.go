package standin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Parameter is one of Systems Manager's.
type Parameter struct {
	Name     string
	Type     string         // "" is SecureString
	Versions []secret.Text  // the first has number 1, the last is the current one
	Labels   map[string]int // of versions
}

var parameterName = regexp.MustCompile(`^(/[\w.-]+)+$|^[\w.-]+$`)

// getParameter answers GetParameter. Codes and texts [D], [?] where they are left out.
func (s *Server) getParameter(c *call, _ credential) (any, *stsError) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	if refusal := c.decode(&in); refusal != nil {
		return nil, refusal
	}
	name, selector, selected := strings.Cut(in.Name, ":")
	if !parameterName.MatchString(name) || selected && selector == "" {
		return nil, &stsError{code: "ValidationException", message: "Parameter name: can't be prefixed with \"ssm\" " +
			"(case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be " +
			"formed as a mix of letters, numbers and the following 3 symbols .-_"}
	}
	i := slices.IndexFunc(s.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return nil, &stsError{code: "ParameterNotFound"}
	}
	p := s.Parameters[i]
	version := len(p.Versions)
	if selected {
		n, err := strconv.Atoi(selector)
		if err != nil {
			n = p.Labels[selector]
		}
		if version = n; n < 1 || n > len(p.Versions) {
			return nil, &stsError{code: "ParameterVersionNotFound",
				message: "Systems Manager could not find version " + selector + " of " + name + ". Verify the version and try again."}
		}
	}
	kind, value := p.Type, p.Versions[version-1].Reveal()
	if kind == "" {
		kind = "SecureString"
	}
	if kind == "SecureString" && !in.WithDecryption {
		value = "AQICAHsealed" // what a caller gets who does not ask for the decryption: of no use
	}
	answer := map[string]any{"Name": name, "Type": kind, "Value": value, "Version": version, "DataType": "text"}
	if selected {
		answer["Selector"] = ":" + selector
	}
	return map[string]any{"Parameter": answer}, nil
}
