package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/folder"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/autoid/stsstore"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

// What the rehearsal's wall asks for.
const (
	rehearsalClient = "demo-wall"
	rehearsalWant   = "sts/wall"
	rehearsalBase   = "arn:aws:iam::" + standin.DefaultAccount + ":role/wall-base"
)

// A rehearsal is the world around a wall, on this machine: a stand-in for AWS, and an auto-id server that leases the base
// role to one enrolled client.
type rehearsal struct {
	aws    *standin.Server
	at     standin.Addresses
	folder string // all that it keeps on disk
	client *autoid.Client

	servers []*http.Server
	serving sync.WaitGroup
}

// rehearse starts one; aws is given its roles, and a user whose keys are nobody else's.
func rehearse(ctx context.Context, aws *standin.Server, log *slog.Logger) (_ *rehearsal, err error) {
	dir, err := os.MkdirTemp("", "kioskeeper-demo-")
	if err != nil {
		return nil, err
	}
	r := &rehearsal{aws: aws, folder: dir}
	defer func() {
		if err != nil {
			_ = r.close()
		}
	}()
	owner := standin.User{AccessKeyID: standin.DefaultAccessKeyID, Secret: secret.New(rand.Text() + rand.Text()), ARN: standin.DefaultUser}
	aws.Users = []standin.User{owner}
	aws.Roles = []standin.Role{
		{ARN: rehearsalBase},
		{ARN: standin.DefaultRole, MaxSession: 12 * time.Hour, Trusted: []string{rehearsalBase}},
	}
	address, err := r.serve(aws, log)
	if err != nil {
		return nil, err
	}
	r.at = standin.At(address)

	server := filepath.Join(dir, "server")
	id := &autoid.Server{
		State: os.DirFS(server), Audit: io.Discard, Log: log,
		Stores: map[string]autoid.Store{"sts": stsstore.Store{
			Account: &awscall.Account{
				Region: demoRegion, Endpoint: r.at.STS,
				Keys: autoid.AWSKeys{AccessKeyID: owner.AccessKeyID, SecretAccessKey: owner.Secret},
			},
			Roles: map[string]stsstore.Role{"wall": {ARN: rehearsalBase}},
		}},
	}
	if address, err = r.serve(id, log); err != nil {
		return nil, err
	}
	endpoint := "http://" + address.String()
	publisher, err := serverdir.Init(server, "localhost", []string{endpoint})
	if err != nil {
		return nil, err
	}
	repository := folder.Repository{Path: filepath.Join(dir, "bundle")}
	policy := autoid.Policy{Allow: []autoid.Allow{{Want: rehearsalWant}}, PerHour: 3600}
	if _, err := serverdir.AddClient(ctx, server, rehearsalClient, autoid.ClientFile{Policy: policy}, repository); err != nil {
		return nil, err
	}
	r.client = &autoid.Client{Name: rehearsalClient, Server: "localhost", Repository: repository, Publisher: publisher, Log: log}
	return r, nil
}

// serve serves h on a free port of loopback.
func (r *rehearsal) serve(h http.Handler, log *slog.Logger) (net.Addr, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	r.servers = append(r.servers, s)
	r.serving.Go(func() { _ = s.Serve(l) }) // ends by Close only
	return l.Addr(), nil
}

// close ends the servers and removes the folder.
func (r *rehearsal) close() error {
	for _, s := range r.servers {
		_ = s.Close()
	}
	r.serving.Wait()
	return os.RemoveAll(r.folder)
}
