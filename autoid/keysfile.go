package autoid

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/kioskeeper/kioskeeper/autoid/internal/strictjson"
	"github.com/kioskeeper/kioskeeper/secret"
)

// KeysName is the name of the server's key file.
const KeysName = "server/keys.json"

// An Identity is the content of server/keys.json: who the server is.
type Identity struct {
	ServerName string
	Endpoints  []string // base addresses, to which /v2/credential is appended
	Keys       []Key    // in the order they were made; all of them are accepted
}

type identityFile struct {
	Version    int       `json:"version"`
	ServerName string    `json:"server_name"`
	Endpoints  []string  `json:"endpoints"`
	Keys       []keyFile `json:"keys"`
}

type keyFile struct {
	Private string `json:"private"` // padded standard base64 of the X-Wing seed
	Period
}

// Check tells what is wrong with a server's name and endpoints.
func (id *Identity) Check() error {
	errs := []error{CheckServerName(id.ServerName)}
	if len(id.Endpoints) == 0 {
		errs = append(errs, errors.New("endpoints: none"))
	}
	for _, e := range id.Endpoints {
		errs = append(errs, checkEndpoint(e))
	}
	return errors.Join(errs...)
}

func checkEndpoint(s string) error {
	u, err := url.Parse(s)
	// Plain http is no danger to a credential: the protocol brings its own sealing. TLS hides who talks to whom.
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("endpoint %q: not a base address such as https://id.example.com", s)
	}
	return nil
}

// ParseIdentity reads a keys.json strictly; its error lists everything that is wrong and quotes no key.
func ParseIdentity(data []byte) (*Identity, error) {
	var file identityFile
	f := strictjson.Decode(data, &file)
	if file.Version != 2 {
		f.Problem("version", errors.New("must be 2"))
	}
	id := &Identity{ServerName: file.ServerName, Endpoints: file.Endpoints}
	f.Problem("server_name", CheckServerName(id.ServerName))
	if len(id.Endpoints) == 0 {
		f.Problem("endpoints", errors.New("none: a base address such as https://id.example.com"))
	}
	for i, e := range id.Endpoints {
		f.Problem(fmt.Sprintf("endpoints[%d]", i), checkEndpoint(e))
	}
	if len(file.Keys) == 0 {
		f.Problem("keys", errors.New("none: autoid keys init makes one"))
	}
	for i, k := range file.Keys {
		seed, err := base64.StdEncoding.Strict().DecodeString(k.Private)
		var key Key
		if err == nil {
			key, err = parseKey(seed)
		}
		if err != nil {
			f.Problem(fmt.Sprintf("keys[%d].private", i), errors.New("not padded base64 of an X-Wing private key"))
			continue
		}
		key.Period = k.Period
		id.Keys = append(id.Keys, key)
	}
	return id, f.Err()
}

// Marshal writes the file as ParseIdentity reads it.
func (id *Identity) Marshal() (secret.Text, error) {
	file := identityFile{Version: 2, ServerName: id.ServerName, Endpoints: id.Endpoints}
	for _, k := range id.Keys {
		seed, err := k.private.Bytes()
		if err != nil {
			return secret.Text{}, err
		}
		file.Keys = append(file.Keys, keyFile{base64.StdEncoding.EncodeToString(seed), k.Period})
	}
	data, err := json.MarshalIndent(file, "", "  ")
	return secret.New(string(data) + "\n"), err
}

func (id *Identity) key(skid keyID) (Key, bool) {
	for _, k := range id.Keys {
		if k.id == skid {
			return k, true
		}
	}
	return Key{}, false
}
