package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := load(config)
			if err != nil {
				return err
			}
			raw, err := fetchStatus(c.Context(), "http://"+file.Status.Listen+"/status.json")
			if err != nil {
				return fmt.Errorf("kioskeeper does not answer at %s: is it running? %w", file.Status.Listen, err)
			}
			if asJSON {
				_, err := c.OutOrStdout().Write(raw)
				return err
			}
			return printStatus(c.OutOrStdout(), raw, time.Now())
		},
	}
	configFlag(c, &config)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, for programs")
	return c
}

func fetchStatus(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("it answers " + resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, statusLimit))
}

// printStatus says it for a person. A display that does not show its view makes it an error.
func printStatus(w io.Writer, raw []byte, now time.Time) error {
	var all struct {
		Displays []kiosk.Status `json:"displays"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("the answer is not a status: %w", err)
	}
	dark := 0
	for _, s := range all.Displays {
		var err error
		if s.Shows() {
			_, err = fmt.Fprintf(w, "%s: %s %s\n  session until %s (%s left), %d sign-ins, next in %s\n", s.Name, s.Phase, s.View,
				s.Expires.Local().Format(time.TimeOnly), s.Expires.Sub(now).Round(time.Second), s.Renewals,
				(time.Duration(s.NextIn) * time.Millisecond).Round(time.Second))
		} else {
			dark++
			_, err = fmt.Fprintf(w, "%s: %s: %s\n  %s\n", s.Name, s.Phase, s.Title, s.Text)
		}
		if err == nil && s.Error != "" {
			_, err = fmt.Fprintf(w, "  last error: %s (%d tries)\n", s.Error, s.Tries)
		}
		if err != nil {
			return err
		}
	}
	if dark > 0 {
		return fmt.Errorf("%d of %d displays do not show their view", dark, len(all.Displays))
	}
	return nil
}
