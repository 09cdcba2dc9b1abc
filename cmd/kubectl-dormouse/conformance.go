package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dormouse-dev/dormouse/conformance"
)

// check is what the command conformance is asked to do.
type check struct {
	url, connect, output string
	insecure, slow       bool
	timeout              time.Duration
	except               []string

	out, progress io.Writer
}

// row is one line of the table: name, verdict, and what there is to say.
const row = "%-26s %-8s %s\n"

func conformanceCommand() *cobra.Command {
	var c check
	command := &cobra.Command{
		Use:   "conformance --url URL",
		Short: "Send a gateway what hostile clients send, and see what it does",
		Long: `Send a gateway what hostile clients send, and see what it does.

The URL is that of a session, which is woken. If its workload echoes what it sees, as docs/conformance.md
says, probes that look at that run too; if the key is the last segment of the URL's path, so do those that
look for another key there. The exit code is 0 if no probe fails but those of --except, else 1.`,
		Example: `  kubectl dormouse conformance --url https://echo.chess.example.com/
  kubectl dormouse conformance --url http://games.example.com/chess/echo/ --connect 10.0.0.7:8080 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.out, c.progress = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return c.run(cmd.Context())
		},
	}
	f := command.Flags()
	f.StringVar(&c.url, "url", "", "URL of a session, where its path / is")
	f.StringVar(&c.connect, "connect", "", "address to connect to, in the place of the URL's host")
	f.BoolVar(&c.insecure, "insecure-skip-tls-verify", false, "take any certificate")
	f.BoolVar(&c.slow, "slow", false, "also wait for the time-outs of the gateway: up to two minutes")
	f.DurationVar(&c.timeout, "timeout", conformance.DefaultTimeout, "how long an answer may take, that of a session that sleeps included")
	f.StringSliceVar(&c.except, "except", nil, "probes that may fail, as what a proxy before the gateway does itself")
	f.StringVarP(&c.output, "output", "o", "table", "table or json")
	_ = command.MarkFlagRequired("url") // there is such a flag
	return command
}

func (c *check) run(ctx context.Context) error {
	target, err := c.target(ctx)
	if err != nil {
		return err
	}
	probes := slices.DeleteFunc(conformance.Probes(), func(p conformance.Probe) bool { return p.Slow && !c.slow })
	results := make([]conformance.Result, 0, len(probes))
	for i, p := range probes {
		c.announce(i, len(probes), p)
		results = append(results, p.Run(ctx, target))
		if err := ctx.Err(); err != nil {
			return err
		}
		c.show(results[i])
	}
	return c.conclude(results)
}

func (c *check) target(ctx context.Context) (conformance.Target, error) {
	if c.output != "table" && c.output != "json" {
		return conformance.Target{}, fmt.Errorf("--output %s: want table or json", c.output)
	}
	t, err := conformance.Parse(c.url)
	if err != nil {
		return t, fmt.Errorf("--url: %w", err)
	}
	t.Timeout = c.timeout
	t.Dial = conformance.Dialer(t.URL, c.connect, &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.insecure, //nolint:gosec // who runs it says so
	})
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if t, err = t.Look(ctx); err == nil && !t.Echo {
		fmt.Fprintln(c.progress, "the workload does not echo what it sees: probes that need it are skipped")
	}
	return t, err
}

// announce tells of progress where the results do not.
func (c *check) announce(i, of int, p conformance.Probe) {
	if c.output == "json" {
		fmt.Fprintf(c.progress, "%d/%d %s\n", i+1, of, p.Name)
	}
}

// show prints a result of the table as soon as it is there.
func (c *check) show(r conformance.Result) {
	if c.output != "table" {
		return
	}
	detail := r.Detail
	if r.Verdict == conformance.Failed {
		detail += " (" + r.For + ")"
	}
	fmt.Fprintf(c.out, row, r.Name, c.verdict(r), detail)
}

// verdict is the word for a result: one that may fail is told apart.
func (c *check) verdict(r conformance.Result) string {
	if r.Verdict == conformance.Failed && slices.Contains(c.except, r.Name) {
		return "excepted"
	}
	return string(r.Verdict)
}

func (c *check) conclude(results []conformance.Result) error {
	counts := map[string]int{}
	for _, r := range results {
		counts[c.verdict(r)]++
	}
	if c.output == "json" {
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		if err := e.Encode(results); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	fmt.Fprintf(c.progress, "%d passed, %d failed, %d excepted, %d skipped\n", counts["passed"], counts["failed"], counts["excepted"], counts["skipped"])
	if counts["failed"] > 0 {
		return errors.New("the gateway does not conform")
	}
	return nil
}
