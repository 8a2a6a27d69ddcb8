package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// decideFlags are those of decide, undo and release.
type decideFlags struct {
	remote
	sure
	reason, ticket string
}

func (d *decideFlags) words(c *cobra.Command) {
	c.Flags().StringVar(&d.reason, "reason", "", "why, in one line")
	c.Flags().StringVar(&d.ticket, "ticket", "", "where it was agreed")
	d.sure.flags(c)
}

func decideCommand(stdout, stderr io.Writer) *cobra.Command {
	d := decideFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := d.remote.flags(&cobra.Command{
		Use: "decide [ACTION [approve | deny]]", Short: "List what awaits a decision, show it, or decide", Args: cobra.MaximumNArgs(2),
		Long: "\n\nAn approval is of the plan that is shown, with its impact and what cannot be had back; of another plan it does not count.\n" +
			"A denial is a veto. The action is named by its id, by the beginning of it, or by its finding.",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return show(cmd, &d.remote, func(ctx context.Context, c *api.Client) ([]api.Action, error) {
					return c.Actions(ctx, url.Values{"state": {string(access.ActionAwaiting)}})
				}, listActions)
			case 1:
				return show(cmd, &d.remote, func(ctx context.Context, c *api.Client) (api.Action, error) { return actionNamed(ctx, c, args[0]) }, oneAction)
			}
			return d.vote(cmd, args[0], access.Vote(args[1]))
		},
	})
	d.words(c)
	return c
}

func (d *decideFlags) vote(cmd *cobra.Command, id string, vote access.Vote) error {
	if vote != access.VoteApprove && vote != access.VoteDeny {
		return coded{exitUsage, fmt.Errorf("%q: want approve or deny", string(vote))}
	}
	return d.about(cmd, id, func(a api.Action) (api.Request, string) {
		req := api.Request{Verb: access.VerbVote, Action: a.ID, PlanHash: a.PlanHash, Vote: vote, Reason: d.reason, Ticket: d.ticket}
		if vote == access.VoteDeny {
			return req, "" // it keeps things as they are: nobody is asked twice
		}
		return req, "Approve this plan?"
	})
}

// about shows an action, asks whether what is asked for is meant, and gives the command.
func (d *decideFlags) about(cmd *cobra.Command, id string, what func(api.Action) (api.Request, string)) error {
	ctx, stop, err := d.begun(cmd)
	if err != nil {
		return err
	}
	defer stop()
	c := d.client()
	a, err := actionNamed(ctx, c, id)
	if err != nil {
		return answered(err)
	}
	if a.PlanHash == "" {
		return coded{exitViolation, inert{fmt.Errorf("action %s is %s and has no plan%s: there is nothing to decide or to take back", a.ID, a.State, because(a.Why))}}
	}
	req, question := what(a)
	if question != "" {
		p := report.NewPage(d.stderr, report.Options{})
		describe(p, a)
		if req.Verb != access.VerbVote {
			p.Gap()
			p.Bold(0, "To take it back, these are written:")
			for _, o := range a.Plan.Inverse {
				p.Text(2, o.Describe())
			}
		}
		p.Gap()
		if _, err := p.WriteTo(d.stderr); err != nil {
			return coded{exitUnreadable, err}
		}
		d.on(cmd.InOrStdin())
		if err := d.ask(d.stderr, question); err != nil {
			return err
		}
	}
	return d.give(ctx, c, req)
}

func undoCommand(stdout, stderr io.Writer) *cobra.Command {
	return takeBack(stdout, stderr, access.VerbUndo, "Take back what an action did", "Take it back?",
		"\n\nWhat was closed is opened again, for a while: that takes somebody other than who made the change, and the quorum where there is one.")
}

func releaseCommand(stdout, stderr io.Writer) *cobra.Command {
	return takeBack(stdout, stderr, access.VerbRelease, "Give a database user in quarantine its roles back", "Release it?",
		"\n\nThe user gets the roles that it had: that takes somebody other than who made the change, and the quorum where there is one.")
}

func takeBack(stdout, stderr io.Writer, verb access.Verb, short, question, long string) *cobra.Command {
	d := decideFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := d.remote.flags(&cobra.Command{
		Use: string(verb) + " ACTION --reason WHY", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := said("reason", d.reason); err != nil {
				return err
			}
			return d.about(cmd, args[0], func(a api.Action) (api.Request, string) {
				return api.Request{Verb: verb, Action: a.ID, PlanHash: a.PlanHash, Reason: d.reason, Ticket: d.ticket}, question
			})
		},
	})
	d.words(c)
	return c
}

// said refuses a flag that says nothing.
func said(flag, text string) error {
	if strings.TrimSpace(text) == "" {
		return coded{exitUsage, fmt.Errorf("--%s is required", flag)}
	}
	return nil
}

func listActions(p *report.Page, all []api.Action) {
	if len(all) == 0 {
		p.Text(0, "Nothing awaits a decision.")
		return
	}
	slices.SortStableFunc(all, func(a, b api.Action) int { return a.Ask.Deadline.Compare(b.Ask.Deadline) })
	p.Section("awaits a decision", len(all))
	for _, a := range all {
		p.Graded(2, a.Severity, fmt.Sprintf("%s  %s  %s", a.Severity, a.Rule, whereOf(a.Project, a.Ref.Scope, a.Environment)))
		p.Text(4, string(a.Ref.Kind)+" "+a.Ref.Name+because(a.Plan.Why))
		if a.Plan.Impact.Says != "" {
			p.Text(4, a.Plan.Impact.Says)
		}
		p.Faint(4, a.ID+"  "+question(a))
	}
	p.Gap()
	p.Faint(0, "gatewarden decide ACTION shows the plan; gatewarden decide ACTION approve or deny decides")
}

// question is who is asked, and until when.
func question(a api.Action) string {
	var out []string
	if n := len(a.Ask.Approvers); n > 0 {
		out = append(out, "asked: "+strings.Join(a.Ask.Approvers, ", "))
	}
	if a.Ask.Quorum > 1 {
		out = append(out, fmt.Sprintf("%d of %d votes", len(a.Votes), a.Ask.Quorum))
	}
	if !a.Ask.Deadline.IsZero() {
		out = append(out, "until "+access.Stamp(a.Ask.Deadline))
	}
	return strings.Join(out, ", ")
}

func oneAction(p *report.Page, a api.Action) {
	describe(p, a)
	row(p, "next", next(a))
}

// describe is an action, its plan and what came of it.
func describe(p *report.Page, a api.Action) {
	p.Graded(0, a.Severity, fmt.Sprintf("%s  %s  %s", a.Severity, a.Rule, whereOf(a.Project, a.Ref.Scope, a.Environment)))
	p.Bold(0, string(a.Ref.Kind)+" "+a.Ref.Name)
	row(p, "id", a.ID)
	row(p, "state", string(a.State)+because(a.Why))
	row(p, "guard", a.Guard)
	row(p, "for", string(a.Purpose))
	row(p, "question", question(a))
	for _, v := range a.Votes {
		row(p, "vote", fmt.Sprintf("%s by %s at %s%s", v.Vote, v.By, access.Stamp(v.At), because(v.Reason)))
	}
	row(p, "plan", a.Plan.Why)
	for _, o := range a.Plan.Operations {
		row(p, "  writes", o.Describe())
	}
	for _, o := range a.Plan.Inverse {
		row(p, "  undo", o.Describe())
	}
	row(p, "taken back", a.Plan.Reversible)
	row(p, "impact", impact(a.Plan))
	for _, w := range a.Plan.Impact.Ways {
		row(p, "  remains", w)
	}
	row(p, "  owner", a.Plan.Impact.Owner)
	for _, s := range a.Outcome.Requests {
		row(p, "wrote", s)
	}
	if !a.UndoUntil.IsZero() {
		row(p, "undo until", access.Stamp(a.UndoUntil))
	}
}

// impact says what is known, and that nothing is where nothing is.
func impact(p access.Plan) string {
	switch {
	case len(p.Operations) == 0:
		return ""
	case p.Impact.Says != "":
		return p.Impact.Says
	}
	return "unknown: who uses what it closes could not be found out"
}

// next is what may be done about an action now.
func next(a api.Action) string {
	switch {
	case a.State == access.ActionAwaiting:
		return fmt.Sprintf("gatewarden decide %s approve, or deny", a.ID)
	case a.State == access.ActionProposed:
		return fmt.Sprintf("gatewarden decide %s deny keeps it from being done", a.ID)
	case a.State == access.ActionVerified && a.Purpose == "" && len(a.Plan.Inverse) > 0 && !a.UndoUntil.IsZero():
		return fmt.Sprintf("gatewarden undo %s --reason WHY takes it back", a.ID)
	}
	return ""
}
