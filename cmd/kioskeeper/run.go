package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/kiosk"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

// defaultConfig is where the configuration is on an installed system.
const defaultConfig = "/etc/kioskeeper/kioskeeper.toml"

// configFlag gives a command the flag --config.
func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVarP(path, "config", "c", defaultConfig, "the configuration `file`")
}

// load reads the configuration file.
func load(path string) (*conffile.File, error) {
	file, err := conffile.Load(path)
	if errors.As(err, new(*conffile.Problems)) {
		return nil, usageError{err}
	}
	return file, err
}

func runCommand() *cobra.Command {
	var config string
	var allowRoot bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Keep the displays showing, until stopped",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			recent := new(kiosk.Recent)
			log := logger(recent)
			w, err := build(file, options{allowRoot: allowRoot, log: log, recent: recent})
			if err != nil {
				return err
			}
			log.Info("started", "status", w.address())
			return w.run(c.Context())
		},
	}
	configFlag(c, &config)
	c.Flags().BoolVar(&allowRoot, "allow-root", false, "let the browser run as root, without its sandbox")
	return c
}
