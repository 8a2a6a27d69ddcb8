package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// haltFlags are those of the commands that hold for an org or a project.
type haltFlags struct {
	remote
	api.Request
}

func (h *haltFlags) where(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.StringVar(&h.Org, "org", "", "the org, by id; with neither this nor --project the one org that there is")
	f.StringVar(&h.Project, "project", "", "the project, by name or id")
	f.StringVar(&h.Reason, "reason", "", "why, in one line")
	f.StringVar(&h.Ticket, "ticket", "", "where it was agreed")
	return c
}

// reasoned is the request with its verb, if it says why.
func (h *haltFlags) reasoned(v access.Verb) (api.Request, error) {
	h.Verb = v
	return h.Request, said("reason", h.Reason)
}

func freezeCommand(stdout, stderr io.Writer) *cobra.Command {
	h := haltFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := h.where(h.command("freeze --reason WHY", "Keep everything from being written to Atlas, until somebody unfreezes it", "", cobra.NoArgs,
		func(context.Context, *api.Client, []string) (api.Request, error) {
			return h.reasoned(access.VerbFreeze)
		}))
	r := remote{stdout: stdout, stderr: stderr}
	c.AddCommand(r.flags(&cobra.Command{
		Use: "list", Short: "List what is frozen", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd, &r, func(ctx context.Context, c *api.Client) ([]api.Freeze, error) { return c.Freezes(ctx) }, func(p *report.Page, all []api.Freeze) {
				if len(all) == 0 {
					p.Text(0, "Nothing is frozen.")
				}
				for _, f := range all {
					p.Warn(0, fmt.Sprintf("%s: frozen by %s at %s%s", placeOf(f.Place), f.By, access.Stamp(f.At), because(f.Reason)))
				}
			})
		},
	}))
	return c
}

func unfreezeCommand(stdout, stderr io.Writer) *cobra.Command {
	h := haltFlags{remote: remote{stdout: stdout, stderr: stderr}}
	var s sure
	c := h.where(h.command("unfreeze --reason WHY", "End a freeze: what waited goes on, judged anew", "", cobra.NoArgs, nil))
	s.flags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		req, err := h.reasoned(access.VerbUnfreeze)
		if err != nil {
			return err
		}
		ctx, stop, err := h.begun(cmd)
		if err != nil {
			return err
		}
		defer stop()
		s.on(cmd.InOrStdin())
		if err := s.ask(stderr, "What waited is written then. Unfreeze?"); err != nil {
			return err
		}
		return h.give(ctx, h.client(), req)
	}
	return c
}

func incidentCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use: "incident", Short: "Have nothing reverted unasked for the time of an incident", Args: cobra.NoArgs,
		Long: "Have nothing reverted unasked for the time of an incident. At its end every change since is told, to keep or to take back.\nWho opened it cannot extend it, nor open another one in its place before it has been over for as long as it had lasted.\nEnding it early is open to all who may open one.",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("say incident start, incident extend, incident end, incident show or incident list")
		},
	}
	c.AddCommand(
		incidentVerb(stdout, stderr, "start", "Open an incident: reverts become questions until it ends"),
		incidentVerb(stdout, stderr, "extend", "Extend an incident that somebody else opened"),
		incidentEnd(stdout, stderr),
		incidentList(stdout, stderr, "show NAME", "Show an incident", cobra.ExactArgs(1)),
		incidentList(stdout, stderr, "list", "List the incidents", cobra.NoArgs),
	)
	return c
}

func incidentVerb(stdout, stderr io.Writer, verb, short string) *cobra.Command {
	h := haltFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := h.where(h.command(verb+" NAME --for 2h --reason WHY", short, "", cobra.ExactArgs(1), func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
		h.Incident = args[0]
		if err := said("for", h.For); err != nil {
			return h.Request, err
		}
		req, err := h.reasoned(access.VerbIncident)
		if err != nil {
			return req, err
		}
		all, err := c.Incidents(ctx)
		if err != nil {
			return req, err
		}
		if verb == "extend" {
			return running(req, all)
		}
		return req, free(req.Incident, all)
	}))
	c.Flags().StringVar(&h.For, "for", "", "for how long from now on, such as 90m or 2h")
	return c
}

func incidentEnd(stdout, stderr io.Writer) *cobra.Command {
	h := haltFlags{remote: remote{stdout: stdout, stderr: stderr}}
	return h.where(h.command("end NAME --reason WHY", "End an incident before its time: what came about in it and still stands is listed", "", cobra.ExactArgs(1),
		func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
			h.Incident = args[0]
			req, err := h.reasoned(access.VerbEndIncident)
			if err != nil {
				return req, err
			}
			all, err := c.Incidents(ctx)
			if err != nil {
				return req, err
			}
			return running(req, all)
		}))
}

// free refuses to start what runs: incidents are told apart by their names.
func free(name string, all []api.Incident) error {
	for _, i := range all {
		if i.Name == name && i.Running {
			return coded{exitUsage, inert{fmt.Errorf("incident %s runs in %s until %s: somebody else than %s extends it with incident extend", name, placeOf(i.Place), access.Stamp(i.Until), i.By)}}
		}
	}
	return nil
}

// running is the request about an incident where it runs: to extend it anywhere else, or by a
// name that was mistyped, would open another one.
func running(req api.Request, all []api.Incident) (api.Request, error) {
	asked, in := cmp.Or(req.Project, req.Org), ""
	if asked != "" {
		in = " in " + asked
	}
	var there []string
	var here []api.Incident
	for _, i := range all {
		if !i.Running {
			continue
		}
		there = append(there, i.Name+" in "+placeOf(i.Place))
		if i.Name == req.Incident && (asked == "" || i.Scope.IsOrg() == (req.Project == "") && (asked == i.Title || asked == i.Scope.ID())) {
			here = append(here, i)
		}
	}
	switch {
	case len(here) == 0:
		return req, coded{exitUsage, inert{fmt.Errorf("no incident %s runs%s; there run: %s", req.Incident, in, cmp.Or(strings.Join(there, ", "), "none"))}}
	case len(here) > 1:
		return req, coded{exitUsage, inert{fmt.Errorf("%d incidents are called %s: say which by --project or --org; there run: %s", len(here), req.Incident, strings.Join(there, ", "))}}
	case here[0].Scope.IsOrg():
		req.Org = here[0].Scope.ID()
	default:
		req.Project = here[0].Scope.ID()
	}
	return req, nil
}

// placeOf is a place for people.
func placeOf(p api.Place) string { return cmp.Or(p.Title, string(p.Scope)) }

func incidentList(stdout, stderr io.Writer, use, short string, args cobra.PositionalArgs) *cobra.Command {
	r := remote{stdout: stdout, stderr: stderr}
	return r.flags(&cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd, &r, func(ctx context.Context, c *api.Client) ([]api.Incident, error) {
				all, err := c.Incidents(ctx)
				if err != nil || len(args) == 0 {
					return all, err
				}
				named := []api.Incident{}
				for _, i := range all {
					if i.Name == args[0] {
						named = append(named, i)
					}
				}
				if len(named) == 0 {
					return nil, coded{exitUsage, fmt.Errorf("there is no incident %s: incident list lists them", args[0])}
				}
				return named, nil
			}, incidents)
		},
	})
}

func incidents(p *report.Page, all []api.Incident) {
	if len(all) == 0 {
		p.Text(0, "There is no incident.")
		return
	}
	for _, i := range all {
		head := fmt.Sprintf("%s  %s", i.Name, placeOf(i.Place))
		if i.Running {
			p.Warn(0, head+"  runs until "+access.Stamp(i.Until))
		} else {
			p.Bold(0, head+"  is over since "+access.Stamp(i.Until)+endedBy(i.EndedBy))
		}
		row(p, "opened", fmt.Sprintf("by %s at %s%s", i.By, access.Stamp(i.From), because(i.Reason)))
		row(p, "extended", strings.Join(i.Extended, ", "))
	}
}

// endedBy says who ended something before its time.
func endedBy(who string) string {
	if who == "" {
		return ""
	}
	return ", ended by " + who
}
