package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// standFlags are those of the commands that let something stand.
type standFlags struct {
	remote
	api.Request
	until, from string
}

func (s *standFlags) words(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&s.Reason, "reason", "", "why, in one line")
	c.Flags().StringVar(&s.Ticket, "ticket", "", "where it was agreed")
	return c
}

func ackCommand(stdout, stderr io.Writer) *cobra.Command {
	s := standFlags{remote: remote{stdout: stdout, stderr: stderr}}
	return s.words(s.command("ack FINDING", "Acknowledge a finding: it is known, and not told again in this episode", "", cobra.ExactArgs(1),
		func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
			s.Verb = access.VerbAcknowledge
			return s.of(ctx, c, args[0])
		}))
}

func snoozeCommand(stdout, stderr io.Writer) *cobra.Command {
	s := standFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := s.words(s.command("snooze FINDING --for 4h", "Be reminded of a finding later; nothing else waits for it", "", cobra.ExactArgs(1),
		func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
			if err := said("for", s.For); err != nil {
				return s.Request, err
			}
			s.Verb = access.VerbSnooze
			return s.of(ctx, c, args[0])
		}))
	c.Flags().StringVar(&s.For, "for", "", "for how long, such as 90m, 4h or 2d")
	return c
}

func waiveCommand(stdout, stderr io.Writer) *cobra.Command {
	s := standFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := s.words(s.command("waive FINDING --until WHEN --reason WHY", "Let a finding stand for a while: this resource with these values, and nothing else",
		"\n\nA waiver holds 1 day for a critical finding, 7 for a high, 30 for a medium, 90 for others at most. Who made the change cannot waive it.\n"+
			"It takes as many people as the response asks (quorum), within a day; it then ends when the first of them said that it should.\n"+
			"gatewarden waiver writes one for the configuration file, where others review it.", cobra.ExactArgs(1),
		func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
			if err := said("reason", s.Reason); err != nil {
				return s.Request, err
			}
			var err error
			if s.Until, err = instantOf("until", s.until, time.Now()); err != nil {
				return s.Request, err
			}
			s.Verb = access.VerbWaive
			return s.of(ctx, c, args[0])
		}))
	c.Flags().StringVar(&s.until, "until", "", "when it ends: a time such as 2026-12-31T18:00:00Z, a day such as 2026-12-31, or from now on 4h or 7d")
	c.AddCommand(waivers(stdout, stderr), unwaive(stdout, stderr))
	return c
}

// waivers lists what is let stand, and what is proposed to be.
func waivers(stdout, stderr io.Writer) *cobra.Command {
	r := remote{stdout: stdout, stderr: stderr}
	return r.flags(&cobra.Command{
		Use: "list", Short: "List the waivers, and those that wait for more people", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd, &r, func(ctx context.Context, c *api.Client) ([]api.Waiver, error) { return c.Waivers(ctx) }, func(p *report.Page, all []api.Waiver) {
				if len(all) == 0 {
					p.Text(0, "Nothing is waived.")
					return
				}
				p.Section("waivers", len(all))
				for _, w := range all {
					oneWaiver(p, w)
				}
			})
		},
	})
}

// unwaive ends a waiver.
func unwaive(stdout, stderr io.Writer) *cobra.Command {
	s := standFlags{remote: remote{stdout: stdout, stderr: stderr}}
	return s.words(s.command("end {WAIVER | FINDING} --reason WHY", "End a waiver that commands gave, before its time: what it let stand is judged again",
		"\n\nOne person is enough, who decides about the finding or gave the waiver. waive list lists them. One that stands in the configuration ends when\n"+
			"it is taken out of the file.", cobra.ExactArgs(1),
		func(ctx context.Context, c *api.Client, args []string) (api.Request, error) {
			if err := said("reason", s.Reason); err != nil {
				return s.Request, err
			}
			all, err := c.Waivers(ctx)
			if err != nil {
				return s.Request, err
			}
			s.Verb = access.VerbUnwaive
			if slices.ContainsFunc(all, func(w api.Waiver) bool { return w.ID == args[0] && w.Proposed == nil }) {
				s.Waiver = args[0]
				return s.Request, nil
			}
			f, err := findingNamed(ctx, c, args[0])
			if err != nil {
				return s.Request, err
			}
			s.Waiver, err = waiverOf(f, all, time.Now())
			return s.Request, err
		}))
}

// waiverOf is the one waiver by which commands let a finding stand now.
func waiverOf(f api.Finding, all []api.Waiver, now time.Time) (string, error) {
	var ids []string
	for _, w := range all {
		if w.Source == "" && w.Proposed == nil && now.Before(w.Until) && w.Waiver.Finding(f.Ref.Scope) == f.ID && w.Project == f.Ref.Scope.ID() {
			ids = append(ids, w.ID)
		}
	}
	switch len(ids) {
	case 0:
		return "", coded{exitUsage, fmt.Errorf("no waiver that a command gave holds for finding %s: waive list lists them; one of the configuration ends when it is taken out of the file", f.ID)}
	case 1:
		return ids[0], nil
	}
	return "", coded{exitUsage, fmt.Errorf("%d waivers hold for finding %s: name one of %s", len(ids), f.ID, strings.Join(ids, ", "))}
}

func oneWaiver(p *report.Page, w api.Waiver) {
	p.Bold(2, w.ID)
	row(p, "  what", strings.TrimSpace(w.Rule+" "+string(w.Kind)+" "+w.Name+" "+w.Key))
	row(p, "  where", strings.TrimSpace(w.Project+" "+w.Environment))
	row(p, "  until", access.Stamp(w.Until)+endedBy(w.EndedBy))
	row(p, "  why", w.Reason+because(w.Ticket))
	row(p, "  owner", w.Owner)
	row(p, "  agreed", strings.Join(w.Agreed, ", "))
	row(p, "  stands in", w.Source)
	if x := w.Proposed; x != nil {
		p.Warn(4, fmt.Sprintf("proposed by %s: it holds once %d more ask for it with gatewarden waive %s, by %s", strings.Join(x.By, ", "), x.Needs, x.Finding, access.Stamp(x.Lapses)))
	}
}

// of is the request about a finding, which is named as people do.
func (s *standFlags) of(ctx context.Context, c *api.Client, id string) (api.Request, error) {
	f, err := findingNamed(ctx, c, id)
	s.Finding = f.ID
	return s.Request, err
}

func expectCommand(stdout, stderr io.Writer) *cobra.Command {
	s := standFlags{remote: remote{stdout: stdout, stderr: stderr}}
	var kind string
	c := s.words(s.command("expect --project P {--actor WHO | --name WHAT} --until WHEN --reason WHY", "Announce a change of somebody else: what matches is recorded and not reverted", "", cobra.NoArgs,
		func(context.Context, *api.Client, []string) (api.Request, error) {
			for flag, text := range map[string]string{"project": s.Project, "reason": s.Reason} {
				if err := said(flag, text); err != nil {
					return s.Request, err
				}
			}
			var err error
			if s.Until, err = instantOf("until", s.until, time.Now()); err != nil {
				return s.Request, err
			}
			if s.from != "" {
				if s.From, err = instantOf("from", s.from, time.Now()); err != nil {
					return s.Request, err
				}
			}
			s.Verb, s.Kind = access.VerbExpect, access.Kind(kind)
			return s.Request, nil
		}))
	f := c.Flags()
	f.StringVar(&s.Project, "project", "", "the project, by name or id")
	f.StringVar(&s.Actor, "actor", "", "who will make it: a principal's id, or a pattern of names in Atlas")
	f.StringVar(&s.Name, "name", "", "what will be changed: a pattern of the resource's name")
	f.StringVar(&kind, "kind", "", "its kind, such as ip_access_entry")
	f.StringVar(&s.Rule, "rule", "", "the rule that will find it: its id or a pattern")
	f.StringVar(&s.from, "from", "", "when it may begin; left out: now")
	f.StringVar(&s.until, "until", "", "when it is over: a time such as 2026-12-31T18:00:00Z, a day such as 2026-12-31, or from now on 4h or 2d")
	c.AddCommand(s.expected(stdout, stderr))
	return c
}

// expected lists what was announced.
func (s *standFlags) expected(stdout, stderr io.Writer) *cobra.Command {
	r := remote{stdout: stdout, stderr: stderr}
	return r.flags(&cobra.Command{
		Use: "list", Short: "List the changes that were announced", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd, &r, func(ctx context.Context, c *api.Client) ([]access.Expectation, error) { return c.Expectations(ctx) }, func(p *report.Page, all []access.Expectation) {
				if len(all) == 0 {
					p.Text(0, "Nothing is announced.")
					return
				}
				p.Section("announced", len(all))
				for _, e := range all {
					p.Bold(2, e.ID)
					row(p, "  who, what", strings.TrimSpace(e.Actor+" "+string(e.Kind)+" "+e.Name))
					row(p, "  where", e.Project)
					row(p, "  when", access.Stamp(e.From)+" to "+access.Stamp(e.Until))
					row(p, "  why", e.Reason+because(e.Ticket))
					row(p, "  approved", e.Approved)
				}
			})
		},
	})
}

// instantOf is a time as people write it: a time, a day, or how long from now on.
func instantOf(flag, text string, now time.Time) (time.Time, error) {
	if err := said(flag, text); err != nil {
		return time.Time{}, err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16)
	var d time.Duration
	if err == nil && rest != "" {
		d, err = time.ParseDuration(rest)
	}
	if d += time.Duration(n) * 24 * time.Hour; err != nil || d <= 0 {
		return time.Time{}, coded{exitUsage, fmt.Errorf("--%s %s: want a time such as 2026-12-31T18:00:00Z, a day such as 2026-12-31, or how long from now on, such as 4h or 7d", flag, text)}
	}
	return now.Add(d).UTC().Truncate(time.Second), nil
}
