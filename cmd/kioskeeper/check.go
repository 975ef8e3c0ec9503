package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

func checkCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "check",
		Short: "Say all that is wrong with the configuration, and what it comes to",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			if err := describe(c.OutOrStdout(), file); err != nil {
				return usageError{fmt.Errorf("%s: %w", config, err)}
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is well.\n", config)
			return err
		},
	}
	configFlag(c, &config)
	return c
}

// describe says what each display will show, and for how long a session lasts and why.
func describe(w io.Writer, file *conffile.File) error {
	base := federation.Temporary // what auto-id gives; of the SDK's chain it is known only once it is asked
	for _, d := range file.Displays {
		view, in, err := console(file, d, "http://"+file.Status.Listen, options{log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return fmt.Errorf("display %s: %w", d.Name, err)
		}
		if _, err := fmt.Fprintf(w, "display %s shows %s\n", d.Name, view.Address); err != nil {
			return err
		}
		if file.Credentials.Source != conffile.SourceAutoID {
			continue
		}
		plan, err := federation.Wish{Base: base, Role: in.role != nil, Session: in.wanted}.Plan()
		if err != nil {
			return fmt.Errorf("display %s: %w", d.Name, err)
		}
		if _, err := fmt.Fprintf(w, "  %s\n", plan.Why); err != nil {
			return err
		}
	}
	return nil
}
