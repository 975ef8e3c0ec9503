package serverdir

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/internal/stricttoml"
)

// maxTimeout is how long the server waits for any store.
const maxTimeout = 30 * time.Second

var (
	roleForm   = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`)
	policyForm = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$`)
	envForm    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	sourceForm = regexp.MustCompile(`^[^,]+,[^,]+(,[^,]*){0,2}$`)
)

// problems are what is wrong with a stores.toml.
type problems struct{ *stricttoml.File }

func (p problems) at(key, text string) { p.Problem(key, "%s", text) }

// checkStores adds what is wrong with the values of s.
func (p problems) checkStores(s Stores) {
	if f := s.File; f != nil {
		if f.Folder == "" {
			p.at("file.folder", "missing: the folder of the credentials")
		}
		if f.Identity != "" && f.KeyFile != "" {
			p.at("file.key_file", "beside identity: one of the two seals the files")
		}
	}
	if s.STS != nil {
		p.checkSTS(*s.STS)
	}
	for name, program := range s.Exec {
		p.checkProgram("exec."+name, name, program)
	}
	if s.V1 != nil {
		p.checkV1(*s.V1)
	}
}

// id adds a problem with a name that no want can have.
func (p problems) id(key, store, name string) {
	if want, err := autoid.ParseWant(store + "/" + name); err != nil || want.ID != name {
		p.at(key, "not a name that a client can want: letters, digits and . _ + = - /")
	}
}

func (p problems) checkSTS(s STSStore) {
	if len(s.Roles)+len(s.Federation) == 0 {
		p.at("sts.roles", "missing: [sts.roles.NAME] with an arn")
	}
	for name, role := range s.Roles {
		key := "sts.roles." + name
		p.id(key, "sts", name)
		if !roleForm.MatchString(role.ARN) {
			p.at(key+".arn", "not a role's ARN, such as arn:aws:iam::111122223333:role/wall")
		}
		p.policies(key, role.PolicyARNs)
	}
	for name, federation := range s.Federation {
		key := "sts.federation." + name
		p.id(key, "sts", name)
		if _, ok := s.Roles[name]; ok {
			p.at(key, "a role has this name too")
		}
		p.policies(key, federation.PolicyARNs)
	}
}

func (p problems) policies(key string, arns []string) {
	for _, arn := range arns {
		if !policyForm.MatchString(arn) {
			p.at(key+".policy_arns", "not a managed policy's ARN, such as arn:aws:iam::aws:policy/ReadOnlyAccess")
		}
	}
	if len(arns) > 10 {
		p.at(key+".policy_arns", "AWS takes ten at most")
	}
}

func (p problems) checkProgram(key, name string, program Program) {
	p.id(key, "exec", name)
	if len(program.Command) == 0 || !filepath.IsAbs(program.Command[0]) {
		p.at(key+".command", "an absolute path and its arguments, such as [\"/usr/local/bin/read-vault\", \"kv/wall\"]")
	}
	for _, word := range program.Command {
		if strings.ContainsRune(word, 0) {
			p.at(key+".command", "a word with a NUL")
		}
	}
	if o := program.Output; o != "" && o != "aws" && o != "raw" {
		p.at(key+".output", "\"aws\" or \"raw\"")
	}
	if d, err := time.ParseDuration(program.Timeout); program.Timeout != "" && (err != nil || d <= 0 || d > maxTimeout) {
		p.at(key+".timeout", "such as \"10s\", and "+maxTimeout.String()+" at most")
	}
	for variable, value := range program.Env {
		if !envForm.MatchString(variable) || strings.ContainsRune(value, 0) {
			p.at(key+".env", "not the name of a variable, or a value with a NUL")
		}
	}
}

func (p problems) checkV1(v V1) {
	if err := autoid.CheckClient(v.Client); err != nil {
		p.at("v1.client", err.Error())
	}
	if v.PrivateKey == "" {
		p.at("v1.private_key", "missing: version 1's private.pem")
	}
	if v.Entropy == "" {
		p.at("v1.entropy", "missing: version 1's info2048.bin")
	}
	if len(v.Sources) == 0 {
		p.at("v1.sources", "missing: what may be asked for, such as \"secretsmanager,wall\" = \"secretsmanager/wall\"")
	}
	for source, want := range v.Sources {
		if !sourceForm.MatchString(source) {
			p.at("v1.sources."+source, "not as version 1 writes it: store,id[,version[,stage]]")
		}
		if _, err := autoid.ParseWant(want); err != nil {
			p.at("v1.sources."+source, err.Error())
		}
	}
}
