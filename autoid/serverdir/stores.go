package serverdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kioskeeper/kioskeeper/autoid/internal/stricttoml"
)

// StoresName is the name of the file that says where credentials come from.
const StoresName = "server/stores.toml"

// Stores is the content of server/stores.toml:
//
//	[file]
//	folder   = "/srv/autoid/credentials"  # paths are relative to the server's folder
//	key_file = "server/file.key"          # or identity = an age identity file; without either the files are plain
//
//	[secretsmanager]                      # "secretsmanager/id@version" or "…@stage=AWSPREVIOUS"
//	region = "eu-central-1"
//	prefix = "autoid/"                    # of the names
//
//	[ssm]                                 # "ssm/id@3" or "…@label"
//	prefix = "/autoid/"
//
//	[sts]
//	region = "eu-central-1"
//	[sts.roles.wall]                      # what "sts/wall" wants
//	arn = "arn:aws:iam::111122223333:role/wall-base"
//	external_id = "…"
//	source_identity = true
//	[sts.federation.partner]              # what "sts/partner" wants
//	policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
//
//	[exec.vault]                          # what "exec/vault" wants
//	command = ["/usr/local/bin/read-vault", "kv/wall"]
//	output  = "raw"                       # anything; "aws" or left out: as a credential_process prints
//	timeout = "10s"
//	env     = { HOME = "/srv/autoid" }
//
//	[v1]                                  # also answers clients of protocol version 1, see package v1
//	client      = "partner"
//	private_key = "server/v1/private.pem"
//	entropy     = "server/v1/info2048.bin"
//	[v1.sources]
//	"secretsmanager,wall" = "secretsmanager/wall"
//
// A part that is left out is a store that the server does not have.
type Stores struct {
	File           *FileStore         `toml:"file"`
	SecretsManager *NamedStore        `toml:"secretsmanager"`
	SSM            *NamedStore        `toml:"ssm"`
	STS            *STSStore          `toml:"sts"`
	Exec           map[string]Program `toml:"exec"`
	V1             *V1                `toml:"v1"`
}

// A FileStore says where the store "file" has its files, and what seals them.
type FileStore struct {
	Folder   string `toml:"folder"`
	Identity string `toml:"identity"`
	KeyFile  string `toml:"key_file"`
}

// A NamedStore says where an AWS store looks up the names that its wants have.
type NamedStore struct {
	Region   string `toml:"region"`
	Endpoint string `toml:"endpoint"` // "" is AWS's own
	Prefix   string `toml:"prefix"`
}

// An STSStore says what the store "sts" gives.
type STSStore struct {
	Region     string                `toml:"region"`
	Endpoint   string                `toml:"endpoint"` // "" is AWS's own
	Roles      map[string]Role       `toml:"roles"`
	Federation map[string]Federation `toml:"federation"`
}

// A Role is one role of the store "sts".
type Role struct {
	ARN            string   `toml:"arn"`
	ExternalID     string   `toml:"external_id"`
	SourceIdentity bool     `toml:"source_identity"`
	PolicyARNs     []string `toml:"policy_arns"`
}

// A Federation is one kind of federation token of the store "sts".
type Federation struct {
	PolicyARNs []string `toml:"policy_arns"`
}

// A Program is one program of the store "exec".
type Program struct {
	Command []string          `toml:"command"`
	Env     map[string]string `toml:"env"`
	Output  string            `toml:"output"`
	Timeout string            `toml:"timeout"`
}

// A V1 says who is answered in protocol version 1, and with what.
type V1 struct {
	Client     string            `toml:"client"` // whose policy holds for all of them
	PrivateKey string            `toml:"private_key"`
	Entropy    string            `toml:"entropy"`
	Sources    map[string]string `toml:"sources"` // wants, by what the clients call them
}

// defaultStores are those of a server to which nobody has said anything: autoid store put fills them.
const defaultStores = "[file]\nfolder = 'credentials'\nkey_file = 'server/file.key'\n"

// ReadStores reads the stores of the server in dir. Without the file there is one, of sealed files below dir.
func ReadStores(dir string) (Stores, error) { return ReadStoresFrom(os.DirFS(dir), dir) }

// ReadStoresFrom is ReadStores for files that are elsewhere. Paths in them are relative to dir; with "" they must be
// absolute, and without the file there are no stores.
func ReadStoresFrom(fsys fs.FS, dir string) (Stores, error) {
	data, err := fs.ReadFile(fsys, StoresName)
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir == "":
		return Stores{}, nil
	case errors.Is(err, fs.ErrNotExist):
		data = []byte(defaultStores)
	case err != nil:
		return Stores{}, err
	}
	s, err := ParseStores(data)
	if err != nil {
		return Stores{}, fmt.Errorf("%s:\n%w", filepath.Join(dir, StoresName), err)
	}
	var paths []*string
	if s.File != nil {
		paths = append(paths, &s.File.Folder, &s.File.Identity, &s.File.KeyFile)
	}
	if s.V1 != nil {
		paths = append(paths, &s.V1.PrivateKey, &s.V1.Entropy)
	}
	for _, path := range paths {
		if *path == "" || filepath.IsAbs(*path) {
			continue
		}
		if dir == "" {
			return Stores{}, fmt.Errorf("%s: %s: not absolute, and the server's files have no folder", StoresName, *path)
		}
		*path = filepath.Join(dir, *path)
	}
	return s, nil
}

// ParseStores reads a stores.toml strictly. Its error lists what is wrong, a line each, with line and column.
func ParseStores(data []byte) (Stores, error) {
	var s Stores
	f, err := stricttoml.Read(data, &s)
	if err != nil {
		return Stores{}, err
	}
	problems{f}.checkStores(s)
	return s, f.Err()
}
