package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/kiosk/conffile"
)

func checkCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "check",
		Short: "Say all that is wrong with the configuration, and what it comes to",
		Long: `Say all that is wrong with the configuration, and what it comes to.

Each problem comes with its line and column, and with what mends it. Of a file that is well it says what each display will
show, and how long a session lasts and why. Nothing is sent anywhere: whether AWS gives the role is seen by run or open.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			if err := describe(c.OutOrStdout(), file); err != nil {
				return err
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
	for _, d := range file.Displays {
		view, in, err := console(file, d, "", quiet())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "display %s shows %s\n", d.Name, view.Address); err != nil {
			return err
		}
		if file.Credentials.Source != conffile.SourceAutoID {
			continue // what the SDK's chain gives is known only once it is asked
		}
		plan, err := federation.Wish{Base: federation.Temporary, Role: in.role != nil, Session: in.wanted}.Plan()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "  %s\n", plan.Why); err != nil {
			return err
		}
	}
	return nil
}
