package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
)

// Keys of log lines.
const (
	keyAddress = "address"
	keyError   = "error"
)

// drainTime is for requests that are under way when the server is told to stop: a store may take half a minute.
const drainTime = 40 * time.Second

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer clients",
		Long: "Answer clients until told to stop. SIGHUP has all files read again, and the audit file opened again.\n\n" +
			"The audit is a JSON line for each decision. What cannot be audited is not issued.",
		Example: "  autoid serve --dir /srv/autoid --listen 127.0.0.1:8740 --audit /var/log/autoid.jsonl --every 24h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return o.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.dir, "dir", "", "the server's folder, or s3://bucket/prefix")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8740", "address and port")
	flags.StringVar(&o.audit, "audit", "-", "file that audit lines are added to; - is stdout")
	flags.StringVar(&o.cert, "tls-cert", "", "certificate file, read again when it changes; without one, a proxy is to bring TLS")
	flags.StringVar(&o.key, "tls-key", "", "the certificate's key file")
	flags.StringVar(&o.status, "status", "", "loopback address and port of /healthz and /metrics (default none)")
	flags.StringVar(&o.replays, "replays", "", "memory of requests that servers share: dynamodb:TABLE (default each has its own)")
	flags.DurationVar(&o.every, "every", 0, "rotate keys and entropy that are as old as that, and retire what is out of use (default never)")
	flags.DurationVar(&o.overlap, "overlap", serverdir.DefaultOverlap, "how long old keys are taken then; thrice a client's refresh at least")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	required(cmd, "dir")
	return cmd
}

// serveOptions are what the flags of serve say.
type serveOptions struct {
	dir, listen, audit, cert, key, status, replays string
	every, overlap                                 time.Duration
}

func (o *serveOptions) run(ctx context.Context, stdout io.Writer, log *slog.Logger) (err error) {
	audit := &appender{path: o.audit, stdout: stdout}
	if err := audit.reopen(); err != nil {
		return err
	}
	defer func() { _ = audit.close() }()
	server, shelf, err := newServer(o.dir, o.replays, audit, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel() // before the wait
	if o.every > 0 {
		usage := new(serverdir.Usage)
		if o.audit != "-" {
			if err := readAudit(usage, o.audit, nil); err != nil {
				return err
			}
		}
		server.Audit = io.MultiWriter(audit, usage)
		if o.replays != "" { // other servers have audits of their own: only somebody who has all of them may retire
			usage = nil
		}
		storage, err := openStorage(o.dir)
		if err != nil {
			return err
		}
		r := &serverdir.Rotator{Storage: storage, Open: openPlace, Overlap: o.overlap, Log: log}
		background.Go(func() { r.Every(ctx, o.every, usage) })
	}
	again := []func() error{server.Reload, shelf.reload, audit.reopen}
	s := newHTTPServer(shelf.handler(server), log)
	page := &status{server: server, start: time.Now()}
	if o.cert != "" {
		if page.certificate, err = newCertificate(o.cert, o.key, log); err != nil {
			return err
		}
		s.TLSConfig = page.certificate.config()
		again = append(again, page.certificate.reload)
	}
	if o.status != "" {
		if err := checkLoopback(o.status); err != nil {
			return fmt.Errorf("--status: %w", err)
		}
		l, err := net.Listen("tcp", o.status)
		if err != nil {
			return err
		}
		inner := newHTTPServer(page, log)
		background.Go(func() { _ = inner.Serve(l) }) // it ends when it is closed
		defer func() { _ = inner.Close() }()
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	log.Info("listening", keyAddress, l.Addr().String())
	return serve(ctx, s, func() { readAgain(log, again) }, func() error {
		if o.cert != "" {
			return s.ServeTLS(l, "", "")
		}
		return s.Serve(l)
	})
}

// readAgain reads what it can, whatever else is wrong.
func readAgain(log *slog.Logger, parts []func() error) {
	var errs []error
	for _, part := range parts {
		errs = append(errs, part())
	}
	if err := errors.Join(errs...); err != nil {
		log.Error("not all read again", keyError, err)
		return
	}
	log.Info("read again")
}

// newHTTPServer has a limit on everything that a stranger could draw out. Bodies are limited by the handler.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute + 15*time.Second, // reading, evidence and store, each at its slowest
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // a broken connection is nobody's concern
	}
}

// serve runs listen until ctx is over, then lets what is under way come to its end.
func serve(ctx context.Context, s *http.Server, reload func(), listen func() error) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ended := make(chan error, 1)
	go func() { ended <- listen() }()
	for {
		select {
		case err := <-ended:
			return err
		case <-hangup:
			reload()
		case <-ctx.Done():
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
			defer cancel()
			err := s.Shutdown(drain)
			if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
				err = errors.Join(err, end)
			}
			return err
		}
	}
}
