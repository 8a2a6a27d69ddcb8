package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// adoptFlags are those of adopt.
type adoptFlags struct {
	haltFlags
	sure
	hash string
}

func adoptCommand(stdout, stderr io.Writer) *cobra.Command {
	a := adoptFlags{haltFlags: haltFlags{remote: remote{stdout: stdout, stderr: stderr}}}
	c := a.where(a.remote.flags(&cobra.Command{
		Use: "adopt RULE --project P", Short: "Make what a rule found before it was watched actionable", Args: cobra.ExactArgs(1),
		Long: "\n\nWhat was there when watching began is never reverted by itself. Adopting a rule in a project puts right all that it found\n" +
			"there. Without --reason it shows what would be done, and to what. It takes two operators who ask for the same list, and\n" +
			"then it is written without another question. If the list changes in between, what the first one asked for counts no more.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(a.Reason) == "" {
				return show(cmd, &a.remote, func(ctx context.Context, c *api.Client) (api.Adoptable, error) {
					return c.Adoptable(ctx, args[0], a.Org, a.Project)
				}, func(p *report.Page, l api.Adoptable) {
					adoptable(p, l, a.place(l))
					if slices.ContainsFunc(l.Findings, func(f api.Adopted) bool { return f.Left == "" }) {
						p.Gap()
						p.Faint(0, "gatewarden adopt with --reason asks for it")
					}
				})
			}
			return a.run(cmd, args[0])
		},
	}))
	a.sure.flags(c)
	c.Flags().StringVar(&a.hash, "hash", "", "the list that was looked at: if it is another one by now, nothing is asked for")
	return c
}

func (a *adoptFlags) run(cmd *cobra.Command, rule string) error {
	ctx, stop, err := a.begun(cmd)
	if err != nil {
		return err
	}
	defer stop()
	c := a.client()
	list, err := c.Adoptable(ctx, rule, a.Org, a.Project)
	if err != nil {
		return answered(err)
	}
	if a.hash != "" && a.hash != list.Hash {
		return coded{exitViolation, fmt.Errorf("the list has changed since: it is %s now, look at it again", list.Hash)}
	}
	p := report.NewPage(a.stderr, report.Options{})
	adoptable(p, list, a.place(list))
	p.Gap()
	if _, err := p.WriteTo(a.stderr); err != nil {
		return coded{exitUnreadable, err}
	}
	a.on(cmd.InOrStdin())
	if err := a.ask(a.stderr, "Adopt this list?"); err != nil {
		return err
	}
	a.Verb, a.Rule, a.PlanHash = access.VerbAdopt, rule, list.Hash
	return a.give(ctx, c, a.Request)
}

// place is the scope of a list as it was named.
func (a *adoptFlags) place(l api.Adoptable) string {
	return cmp.Or(a.Project, a.Org, string(l.Scope))
}

func adoptable(p *report.Page, l api.Adoptable, where string) {
	p.Bold(0, fmt.Sprintf("%s in %s: %s", l.Rule, where, l.Says))
	for _, f := range l.Findings {
		p.Text(2, f.Name)
		if f.Left != "" {
			p.Faint(4, "is left alone: "+f.Left)
			continue
		}
		for _, o := range f.Plan.Operations {
			p.Text(4, o.Describe())
		}
		p.Text(4, impact(f.Plan))
		if f.Plan.Reversible != "" {
			p.Text(4, "taken back: "+f.Plan.Reversible)
		}
	}
	if len(l.Asked) > 0 {
		p.Text(0, "Asked for this list already: "+strings.Join(l.Asked, ", "))
	}
	p.Faint(0, "list "+l.Hash)
}
