package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// Keys of log lines.
const (
	keyAddress = "address"
	keyError   = "error"
)

// drainTime is for requests that are under way when the server is told to stop: a store may take half a minute.
const drainTime = 40 * time.Second

func newServe() *cobra.Command {
	var dir, listen, auditPath, cert, key string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer clients",
		Long: "Answer clients until told to stop. SIGHUP has all files read again, and the audit file opened again.\n\n" +
			"The audit is a JSON line for each decision. What cannot be audited is not issued.",
		Example: "  autoid serve --dir /srv/autoid --listen 127.0.0.1:8740 --audit /var/log/autoid.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			shelf, err := newShelf(dir, log)
			if err != nil {
				return err
			}
			audit := &appender{path: auditPath, stdout: cmd.OutOrStdout()}
			if err := audit.reopen(); err != nil {
				return err
			}
			defer func() { _ = audit.close() }()
			server := &autoid.Server{State: os.DirFS(dir), Stores: shelf.stores(), Audit: audit, Log: log}
			if err := server.Reload(); err != nil {
				return err
			}
			reload := func() {
				err := errors.Join(server.Reload(), shelf.reload(), audit.reopen())
				if err != nil {
					log.Error("not all read again", keyError, err)
					return
				}
				log.Info("read again")
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			log.Info("listening", keyAddress, l.Addr().String())
			s := newHTTPServer(server, log)
			return serve(cmd.Context(), s, reload, func() error {
				if cert != "" || key != "" {
					return s.ServeTLS(l, cert, key)
				}
				return s.Serve(l)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "the server's folder")
	flags.StringVar(&listen, "listen", "127.0.0.1:8740", "address and port")
	flags.StringVar(&auditPath, "audit", "-", "file that audit lines are added to; - is stdout")
	flags.StringVar(&cert, "tls-cert", "", "certificate file; without one, a proxy is to bring TLS")
	flags.StringVar(&key, "tls-key", "", "the certificate's key file")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	required(cmd, "dir")
	return cmd
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
