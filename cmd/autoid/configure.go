package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/autoid/clientdir"
	"github.com/kioskeeper/kioskeeper/autoid/local"
)

func newConfigure() *cobra.Command {
	var who identity
	var awsProfile string
	cmd := &cobra.Command{
		Use:   "configure",
		Short: "Write a profile into ~/.aws/config that gets its credentials from autoid",
		Long: `Write a profile into ~/.aws/config that gets its credentials from autoid.

No keys are written: AWS's tools call autoid credential-process when they need some. The rest of the file stays as it is,
byte for byte; a profile that has its credentials from elsewhere is left alone. AWS_CONFIG_FILE names another file.`,
		Example: "  autoid configure --profile work --aws-profile work\n  aws s3 ls --profile work",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := who.customer(cmd, slog.LevelWarn) // to find out now what would fail later
			if err != nil {
				return err
			}
			if c.Credential == "" {
				return errNoCredential
			}
			words, err := who.words()
			if err != nil {
				return err
			}
			process, err := local.Command(words...)
			if err != nil {
				return err
			}
			config, err := awsFile("AWS_CONFIG_FILE", "config")
			if err != nil {
				return err
			}
			keys, err := awsFile("AWS_SHARED_CREDENTIALS_FILE", "credentials")
			if err != nil {
				return err
			}
			if err := local.CheckNoKeys(keys, awsProfile); err != nil {
				return err
			}
			changed, err := local.WriteProcess(config, local.Process{Profile: awsProfile, Command: process, Region: c.Region})
			if err != nil {
				return err
			}
			verb := "is right already"
			if changed {
				verb = "written"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: profile %s %s\n", config, awsProfile, verb)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&who.config, "config", "", "the configuration (default ~/.config/autoid/config.toml, or its like)")
	f.StringVar(&who.profile, "profile", "", "the profile in it (default: its default, or the only one)")
	f.StringVar(&who.state, "state", "", "the folder for what is kept, sealed (default ~/.local/state/autoid, or its like)")
	f.StringVar(&awsProfile, "aws-profile", "default", "the profile in ~/.aws/config")
	return cmd
}

// words are the command that AWS's tools have to call. They call it from anywhere, so paths are absolute.
func (i *identity) words() ([]string, error) {
	program, err := myself()
	if err != nil {
		return nil, err
	}
	config := i.config
	if config == "" {
		config, err = clientdir.DefaultConfig()
	} else {
		config, err = filepath.Abs(config)
	}
	words := []string{program, local.Verb, "--config", config}
	if i.profile != "" {
		words = append(words, "--profile", i.profile)
	}
	if i.state != "" && err == nil {
		var state string
		state, err = filepath.Abs(i.state)
		words = append(words, "--state", state)
	}
	return words, err
}

// myself is where this program is found: by its name if that leads here, since the name stays when a new version comes.
func myself() (string, error) {
	real, err := os.Executable()
	if err != nil {
		return "", err
	}
	if named, err := exec.LookPath("autoid"); err == nil {
		a, errA := os.Stat(named)
		b, errB := os.Stat(real)
		if errors.Join(errA, errB) == nil && os.SameFile(a, b) {
			return filepath.Abs(named)
		}
	}
	return real, nil
}

// awsFile is a file of AWS's tools.
func awsFile(variable, name string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w (%s says where the file is)", err, variable)
	}
	return filepath.Join(home, ".aws", name), nil
}
