package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

const hooksLong = `Atlas can push a few access changes at the moment that they happen: changes of the IP access list, of a project's
members and of its tags. For that each project needs a WEBHOOK integration that points to atlas.webhook.url, and one
alert configuration an event type. These commands show what there is to do, do it, and take it away again. Without
them everything is found by polling, only later.

Gatewarden knows what is its own by the URL, of which Atlas shows the host and stars for the rest: give it a host of
its own. An integration that points elsewhere is left alone; the alert configurations then carry the URL and the
secret themselves. The write credentials need the roles Project Owner (integrations) and Project Alerts Manager (alert
configurations).`

func hooksCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use: "hooks", Short: "Have Atlas wake the daemon by webhooks", Long: hooksLong,
		Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("say hooks plan, hooks install or hooks remove")
		},
	}
	c.AddCommand(
		hooksVerb(stdout, "plan", "Show what install would do, and write nothing", func(*daemon.HookOptions) {}),
		hooksVerb(stdout, "install", "Create what is missing, and read it back; doing it twice changes nothing", func(o *daemon.HookOptions) { o.Install = true }),
		hooksVerb(stdout, "remove", "Delete what is Gatewarden's own", func(o *daemon.HookOptions) { o.Remove = true }),
	)
	return c
}

func hooksVerb(stdout io.Writer, verb, short string, set func(*daemon.HookOptions)) *cobra.Command {
	var file, output string
	o := daemon.HookOptions{Version: version}
	set(&o)
	c := &cobra.Command{
		Use: verb + " --config FILE", Short: short, Long: hooksLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if output != "table" && output != "json" {
				return fmt.Errorf("-o %s: want table or json", output)
			}
			if o.File, err = load(file); err != nil {
				return err
			}
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			steps, err := daemon.Hooks(ctx, o)
			if printed := printSteps(stdout, output, o.Install || o.Remove, steps, err); printed != nil {
				return coded{exitUnreadable, printed}
			}
			return hooksError(err)
		},
	}
	configFlag(c, &file)
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	c.Flags().StringArrayVar(&o.Projects, "project", nil, "only this project, by `NAME` or id; may be repeated")
	if o.Install {
		c.Flags().BoolVar(&o.Renew, "renew-secret", false, "write the secret anew everywhere, as after its rotation")
	}
	if o.Install || o.Remove {
		c.Flags().BoolVar(&o.EvenInDryRun, "even-in-dry-run", false, "write integrations and alert configurations though the configuration says dry run")
	}
	return c
}

// hooksError gives the error its exit code.
func hooksError(err error) error {
	switch {
	case err == nil:
		return nil
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case daemon.IsUnverified(err):
		return coded{exitViolation, err}
	}
	return coded{exitUnreadable, err}
}

// printSteps prints nothing where nothing could be planned: then the error says it all.
func printSteps(w io.Writer, output string, writes bool, steps []daemon.HookStep, err error) error {
	if err != nil && len(steps) == 0 {
		return nil
	}
	if output == "json" {
		if steps == nil {
			steps = []daemon.HookStep{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(steps)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PROJECT\tDO\tDONE\tWHAT\tEVENT\tWHY")
	for _, s := range steps {
		done := map[bool]string{true: "yes", false: "no"}[s.Done]
		if s.Do == daemon.HookLeave || !writes {
			done = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Project, s.Do, done, s.What, cmp.Or(s.Event, "-"), s.Why)
	}
	return t.Flush()
}
