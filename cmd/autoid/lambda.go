package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
	"github.com/kioskeeper/kioskeeper/autoid/dynamoreplay"
	"github.com/kioskeeper/kioskeeper/autoid/lambdahttp"
	"github.com/kioskeeper/kioskeeper/autoid/s3repo"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// The environment of a Lambda function. It has no arguments, and these hold no secret.
const (
	envLambda  = "AWS_LAMBDA_RUNTIME_API" // set by Lambda, and by nobody else
	envDir     = "AUTOID_DIR"             // as --dir of serve
	envReplays = "AUTOID_REPLAYS"         // as --replays of serve
)

// bare is the program without a verb: started by Lambda it serves Lambda.
func bare(cmd *cobra.Command, args []string) error {
	if os.Getenv(envLambda) != "" {
		return serveLambda(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return help(cmd, args)
}

// serveLambda answers invocations. Audit and log are stdout and stderr, which Lambda puts into CloudWatch Logs.
func serveLambda(ctx context.Context, stdout, stderr io.Writer) error {
	dir := os.Getenv(envDir)
	if dir == "" {
		return fmt.Errorf("%s: missing: where the server's files are, such as s3://bucket/prefix", envDir)
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	server, shelf, err := newServer(dir, os.Getenv(envReplays), stdout, log)
	if err != nil {
		return err
	}
	lambdahttp.Serve(ctx, shelf.handler(server))
	return errors.New("lambda: no more invocations")
}

// newServer makes the server of the files in dir, with its stores.
func newServer(dir, replays string, audit io.Writer, log *slog.Logger) (*autoid.Server, *shelf, error) {
	storage, err := openStorage(dir)
	if err != nil {
		return nil, nil, err
	}
	shelf, err := newShelf(dir, log)
	if err != nil {
		return nil, nil, err
	}
	server := &autoid.Server{State: storage, Stores: shelf.stores(), Audit: audit, Log: log}
	if server.Replays, err = openReplays(replays); err != nil {
		return nil, nil, err
	}
	return server, shelf, server.Reload()
}

// openStorage finds where a server's files are: a folder, or s3://bucket/prefix.
func openStorage(dir string) (serverdir.Storage, error) {
	place, ok := strings.CutPrefix(dir, "s3://")
	if !ok {
		if strings.Contains(dir, "://") {
			return nil, fmt.Errorf("--dir %q: a folder, or s3://bucket/prefix", dir)
		}
		return serverdir.Folder{Path: dir}, nil
	}
	name, prefix, _ := strings.Cut(place, "/")
	if name == "" {
		return nil, fmt.Errorf("--dir %q: no bucket", dir)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &s3repo.Bucket{Name: name, Prefix: prefix, Account: new(awscall.Account)}, nil
}

// openReplays finds the memory of requests that several servers share; "" is none.
func openReplays(place string) (autoid.Replays, error) {
	if place == "" {
		return nil, nil
	}
	table, ok := strings.CutPrefix(place, "dynamodb:")
	if !ok || table == "" {
		return nil, fmt.Errorf("--replays %q: dynamodb:TABLE", place)
	}
	return dynamoreplay.Table{Account: new(awscall.Account), Name: table}, nil
}
