package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kioskeeper/kioskeeper/kiosk"
)

// statusLimit is how much of an answer is read.
const statusLimit = 1 << 20

func statusCommand() *cobra.Command {
	var config string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what the running kioskeeper shows",
		Long: `Say what the running kioskeeper shows.

It asks the status page of the kioskeeper that runs with the same configuration. It ends with 1 when none answers, or when a
display does not show its view.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			raw, all, err := fetchStatus(c.Context(), file.Status.Listen)
			if err != nil {
				return fmt.Errorf("the status page: %w (is kioskeeper running, with this configuration?)", err)
			}
			if asJSON {
				_, err = c.OutOrStdout().Write(raw)
			} else {
				err = printStatus(c.OutOrStdout(), all, time.Now())
			}
			if err != nil {
				return err
			}
			return darkness(all)
		},
	}
	configFlag(c, &config)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	return c
}

// fetchStatus asks the kioskeeper that listens there. What it answers comes raw and read.
func fetchStatus(ctx context.Context, listen string) (raw []byte, all []kiosk.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/status.json", nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, errors.Unwrap(err) // without the address, which is told twice otherwise
	}
	defer resp.Body.Close()
	var answer struct {
		Displays []kiosk.Status `json:"displays"`
	}
	raw, err = io.ReadAll(io.LimitReader(resp.Body, statusLimit))
	switch {
	case err != nil:
		return nil, nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("%s answers %s", listen, resp.Status)
	case json.Unmarshal(raw, &answer) != nil || answer.Displays == nil:
		return nil, nil, fmt.Errorf("what answers at %s is not kioskeeper", listen)
	}
	return raw, answer.Displays, nil
}

// darkness is an error that names the displays that do not show their views; nil: all do.
func darkness(all []kiosk.Status) error {
	var dark []string
	for _, s := range all {
		if !s.Shows() {
			dark = append(dark, s.Name)
		}
	}
	if dark == nil {
		return nil
	}
	return fmt.Errorf("without its view: %s", strings.Join(dark, ", "))
}

// printStatus says it for a person.
func printStatus(w io.Writer, all []kiosk.Status, now time.Time) error {
	var b strings.Builder
	for _, s := range all {
		if s.Shows() {
			fmt.Fprintf(&b, "%s: %s %s\n  session until %s (%s left), sign-ins so far: %d\n", s.Name, s.Phase, s.View,
				s.Expires.Local().Format(time.TimeOnly), s.Expires.Sub(now).Round(time.Second), s.Renewals)
		} else {
			fmt.Fprintf(&b, "%s: %s: %s\n  %s\n", s.Name, s.Phase, s.Title, s.Text)
		}
		if s.SkewText != "" {
			fmt.Fprintf(&b, "  %s\n", s.SkewText)
		}
		if s.Error != "" {
			fmt.Fprintf(&b, "  last error: %s (failed tries: %d)\n", s.Error, s.Tries)
		}
		if s.Next.IsZero() {
			b.WriteString("  signing in now\n")
		} else {
			fmt.Fprintf(&b, "  next sign-in in %s\n", (time.Duration(s.NextIn) * time.Millisecond).Round(time.Second))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
