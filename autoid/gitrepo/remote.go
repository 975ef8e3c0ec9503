package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/memory"
	"golang.org/x/crypto/ssh"
)

// head fetches the branch as it is now, from memory if it is what we have.
func (r *Repository) head(ctx context.Context) (*snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // a connection over ssh is made without asking
	}
	at, err := r.remote()
	if err != nil {
		return nil, err
	}
	session, err := at.client.NewUploadPackSession(at.endpoint, at.auth)
	if err != nil {
		return nil, r.told(ctx, err)
	}
	defer func() { _ = session.Close() }() // the server has nothing more to say to us
	refs, err := session.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &snapshot{}, nil
	}
	if err != nil {
		return nil, r.told(ctx, err)
	}
	hash, ok := refs.References[at.branch.String()]
	if !ok {
		return &snapshot{}, nil
	}
	r.mu.Lock()
	cached := r.cached
	r.mu.Unlock()
	if cached != nil && cached.commit == hash {
		return cached, nil
	}
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{hash}
	if refs.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
	}
	pack, err := session.UploadPack(ctx, req)
	if err != nil {
		return nil, r.told(ctx, err)
	}
	defer func() { _ = pack.Close() }()
	store := memory.NewStorage()
	if err := packfile.UpdateObjectStorage(store, io.LimitReader(inBand(req.Capabilities, pack), maxPack)); err != nil {
		return nil, r.told(ctx, err)
	}
	return r.keep(store, hash)
}

// inBand takes the pack out of what the server sends, where its progress is between.
func inBand(agreed *capability.List, r io.Reader) io.Reader {
	switch {
	case agreed.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case agreed.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// keep reads the commit's tree and remembers it.
func (r *Repository) keep(store *memory.Storage, hash plumbing.Hash) (*snapshot, error) {
	made, err := object.GetCommit(store, hash)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Address, err)
	}
	tree, err := object.GetTree(store, made.TreeHash)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Address, err)
	}
	s := &snapshot{hash, made.TreeHash, map[string]object.TreeEntry{}, store}
	for _, e := range tree.Entries {
		s.entries[e.Name] = e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cached = s
	return s, nil
}

// push moves the branch from one commit to the next, if it is still there.
func (r *Repository) push(ctx context.Context, from, to plumbing.Hash, c *commit) error {
	at, err := r.remote()
	if err != nil {
		return err
	}
	session, err := at.client.NewReceivePackSession(at.endpoint, at.auth)
	if err != nil {
		return r.told(ctx, err)
	}
	defer func() { _ = session.Close() }()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return r.told(ctx, err)
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, c.store, false).Encode(c.fresh, 0); err != nil {
		return err
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	req.Commands = []*packp.Command{{Name: at.branch, Old: from, New: to}}
	req.Packfile = io.NopCloser(&pack)
	report, err := session.ReceivePack(ctx, req)
	if err != nil {
		return r.told(ctx, err)
	}
	if report == nil {
		return nil // a server that reports nothing
	}
	if err := report.Error(); err != nil {
		return fmt.Errorf("%s: push refused: %w", r.Address, err)
	}
	return nil
}

// A remote is where and how.
type remote struct {
	client   transport.Transport
	endpoint *transport.Endpoint
	auth     transport.AuthMethod
	branch   plumbing.ReferenceName
}

// Check tells what is wrong with the address, the host key or the ssh key.
func (r *Repository) Check() error {
	_, err := r.remote()
	return err
}

func (r *Repository) remote() (remote, error) {
	text, isGit := strings.CutPrefix(r.Address, "git+")
	u, err := url.Parse(text)
	if !isGit || err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" || u.RawQuery != "" {
		return remote{}, errors.New("git repository: neither git+https://host/path nor git+ssh://user@host/path")
	}
	branch := plumbing.NewBranchReferenceName("main")
	if u.Fragment != "" {
		branch = plumbing.NewBranchReferenceName(u.Fragment)
		if err := branch.Validate(); err != nil {
			return remote{}, fmt.Errorf("git repository: branch %q: %w", u.Fragment, err)
		}
	}
	u.Fragment = ""
	endpoint, err := transport.NewEndpoint(u.String())
	if err != nil {
		return remote{}, errors.New("git repository: malformed address")
	}
	_, password := u.User.Password()
	switch {
	case u.Scheme == "https" && u.User == nil:
		return remote{r.https(), endpoint, r.basic(), branch}, nil
	case u.Scheme == "ssh" && u.User.Username() != "" && !password:
		auth, err := r.sshKeys(u.User.Username())
		return remote{gitssh.NewClient(nil), endpoint, auth, branch}, err
	}
	return remote{}, errors.New("git repository: git+https has no user, git+ssh has one, and the secret is in a file of its own")
}

func (r *Repository) https() transport.Transport {
	client := &http.Client{Timeout: timeout}
	if r.HTTP != nil {
		client = r.HTTP
	}
	return githttp.NewClientWithOptions(client, &githttp.ClientOptions{RedirectPolicy: githttp.NoFollowRedirects})
}

// basic is how git hosts take tokens. Most do not look at the name; this is GitHub's word for it.
func (r *Repository) basic() transport.AuthMethod {
	token := r.Secret.Reveal()
	if token == "" {
		return nil
	}
	if name, token, ok := strings.Cut(token, ":"); ok {
		return &githttp.BasicAuth{Username: name, Password: token}
	}
	return &githttp.BasicAuth{Username: "x-access-token", Password: token}
}

func (r *Repository) sshKeys(name string) (transport.AuthMethod, error) {
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(r.HostKey))
	if err != nil {
		return nil, errors.New(`git repository: host key: not a line such as "ssh-ed25519 AAAA…" (ssh-keyscan HOST shows a host's, to be compared)`)
	}
	signer, err := ssh.ParsePrivateKey([]byte(r.Secret.Reveal()))
	if err != nil {
		return nil, errors.New("git repository: token file: not an ssh private key without a passphrase") // err may quote it
	}
	algorithms := []string{pinned.Type()}
	if pinned.Type() == ssh.KeyAlgoRSA { // the same key signs in better ways now
		algorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return patient{&gitssh.PublicKeys{User: name, Signer: signer, HostKeyCallbackHelper: gitssh.HostKeyCallbackHelper{
		HostKeyCallback: ssh.FixedHostKey(pinned), HostKeyAlgorithms: algorithms,
	}}}, nil
}

// patient has an end: a host that says nothing would otherwise hold us for ever.
type patient struct{ *gitssh.PublicKeys }

// ClientConfig implements go-git's AuthMethod.
func (p patient) ClientConfig() (*ssh.ClientConfig, error) {
	c, err := p.PublicKeys.ClientConfig()
	if err == nil {
		c.Timeout = timeout
	}
	return c, err
}

// told says what mends an error. go-git wraps a context's end in its own words.
func (r *Repository) told(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", r.Address, ctx.Err())
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fmt.Errorf("%s: the token is not taken: look at token_file", r.Address)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%s: the token's owner may not", r.Address)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%s: no such repository, or the token's owner may not see it", r.Address)
	case strings.Contains(err.Error(), "host key mismatch"), strings.Contains(err.Error(), "no common algorithm for host key"):
		return fmt.Errorf("%s: the host shows another key than host_key: has it a new one, or is it another?", r.Address)
	}
	return fmt.Errorf("%s: %w", r.Address, err)
}
