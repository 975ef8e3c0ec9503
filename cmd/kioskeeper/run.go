package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

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

// load reads the configuration file, and refuses what can be seen to be wrong without asking anybody.
func load(path string) (*conffile.File, error) {
	file, err := conffile.Load(path)
	if errors.As(err, new(*conffile.Problems)) {
		return nil, usageError{fmt.Errorf("the configuration is wrong:\n%w", err)}
	}
	if err != nil {
		return nil, usageError{err}
	}
	var wrong []error
	for _, d := range file.Displays {
		if _, _, err := console(file, d, "", quiet()); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: display %s: %w", path, d.Name, err))
		}
	}
	if len(wrong) > 0 {
		return nil, usageError{fmt.Errorf("the configuration is wrong:\n%w", errors.Join(wrong...))}
	}
	return file, nil
}

// quiet are the options of a wall that is looked at, and never run.
func quiet() options { return options{log: slog.New(slog.DiscardHandler)} }

// A daemon that is idle for most of an hour has time to collect, and a Raspberry Pi has more use for the memory: collect at
// half of Go's own percentage, and give back what goes past a goal, which is soft and twice what one display needs.
const (
	gcPercent  = 50
	memoryGoal = 10 << 20 // bytes
)

func runCommand() *cobra.Command {
	var config string
	var allowRoot bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Keep the displays showing, until stopped",
		Long: `Keep the displays showing, until stopped.

Each display is signed in and shown, and signed in anew, unseen, before its session ends. What fails is tried again for as
long as it takes; meanwhile the old page stays, or a page that says what is wrong. The status page tells how it is going,
as does kioskeeper status. Ctrl-C or SIGTERM ends it, and leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			if err := keepFromDesktop(file); err != nil {
				return usageError{err}
			}
			debug.SetGCPercent(gcPercent)
			debug.SetMemoryLimit(memoryGoal)
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

// keepFromDesktop refuses keys in our environment where the desktop's browser would inherit it at each renewal.
func keepFromDesktop(file *conffile.File) error {
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if file.Browser.Kind == conffile.BrowserDefault && os.Getenv(name) != "" {
			return fmt.Errorf("%s is set, and the default browser would inherit it: unset it and name a profile "+
				"(credentials.aws.profile), or use the managed browser", name)
		}
	}
	return nil
}
