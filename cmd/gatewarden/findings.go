package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// findingsFlags are the filters of findings.
type findingsFlags struct {
	remote
	states, rules, severities, environments, projects, owners []string
}

func findingsCommand(stdout, stderr io.Writer) *cobra.Command {
	f := findingsFlags{remote: remote{stdout: stdout, stderr: stderr}}
	c := f.flags(&cobra.Command{
		Use: "findings [ID]", Short: "List what the daemon found, or show one finding", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return show(cmd, &f.remote, func(ctx context.Context, c *api.Client) (api.Finding, error) { return findingNamed(ctx, c, args[0]) }, oneFinding)
			}
			return show(cmd, &f.remote, func(ctx context.Context, c *api.Client) ([]api.Finding, error) { return c.Findings(ctx, f.query()) }, listFindings)
		},
	})
	s := c.Flags()
	s.StringSliceVar(&f.states, "state", nil, "open, waived, acknowledged, resolved or all; left out: those that stand")
	s.StringSliceVar(&f.rules, "rule", nil, "these rules only; * stands for any run of characters")
	s.StringSliceVar(&f.severities, "severity", nil, "these severities only")
	s.StringSliceVar(&f.environments, "environment", nil, "these environments only")
	s.StringSliceVar(&f.projects, "project", nil, "these projects only, by name or id; * stands for any run of characters")
	s.StringSliceVar(&f.owners, "owner", nil, "what these own only")
	return c
}

func (f *findingsFlags) query() url.Values {
	q := url.Values{}
	for name, values := range map[string][]string{"state": f.states, "rule": f.rules, "severity": f.severities, "environment": f.environments, "project": f.projects, "owner": f.owners} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	return q
}

// leastPrefix is how much of an id is enough to name it.
const leastPrefix = 6

// findingNamed is the finding of an id, or of the beginning of one.
func findingNamed(ctx context.Context, c *api.Client, id string) (api.Finding, error) {
	if len(id) == len(access.Hash()) {
		return c.Finding(ctx, id)
	}
	all, err := c.Findings(ctx, url.Values{"state": {"all"}})
	if err != nil {
		return api.Finding{}, err
	}
	return begins("finding", id, all, func(f api.Finding) string { return f.ID }, "gatewarden findings --state all lists them")
}

// actionNamed is the action of an id, of the beginning of one, or the last one of a finding.
func actionNamed(ctx context.Context, c *api.Client, id string) (api.Action, error) {
	finding, _, whole := strings.Cut(id, "-")
	if whole && len(finding) == len(access.Hash()) {
		return c.Action(ctx, id)
	}
	all, err := c.Actions(ctx, url.Values{"state": {"all"}})
	if err != nil {
		return api.Action{}, err
	}
	var found []api.Action
	for _, a := range all { // the oldest first
		found = slices.DeleteFunc(found, func(b api.Action) bool { return b.Finding == a.Finding && b.Purpose == "" && a.Purpose == "" && !whole })
		found = append(found, a)
	}
	if !whole {
		found = slices.DeleteFunc(found, func(a api.Action) bool { return a.Purpose != "" })
	}
	return begins("action", id, found, func(a api.Action) string { return a.ID }, "gatewarden decide lists those that await a decision")
}

// begins is the one thing whose id begins so.
func begins[T any](what, id string, all []T, of func(T) string, next string) (T, error) {
	var found []T
	for _, x := range all {
		if of(x) == id {
			return x, nil
		}
		if len(id) >= leastPrefix && strings.HasPrefix(of(x), id) {
			found = append(found, x)
		}
	}
	var none T
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return none, coded{exitUsage, fmt.Errorf("%d %ss begin with %s: give more of the id", len(found), what, id)}
	case len(id) < leastPrefix:
		return none, coded{exitUsage, fmt.Errorf("%q is no id: give %d characters of one at least; %s", id, leastPrefix, next)}
	}
	return none, coded{exitUsage, fmt.Errorf("there is no %s %q within the token's scope: %s", what, id, next)}
}

func listFindings(p *report.Page, all []api.Finding) {
	if len(all) == 0 {
		p.Text(0, "There is no such finding.")
		return
	}
	grades := access.Severities()
	slices.SortStableFunc(all, func(a, b api.Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(grades, a.Severity), slices.Index(grades, b.Severity)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Ref.Name, b.Ref.Name))
	})
	last, head := access.Severity(""), ""
	for i, f := range all {
		if f.Severity != last || i == 0 {
			n := 0
			for _, g := range all {
				if g.Severity == f.Severity {
					n++
				}
			}
			p.Section(string(f.Severity), n)
			last, head = f.Severity, ""
		}
		if h := f.Rule + "  " + whereOf(f.Project, f.Ref.Scope, f.Environment); h != head {
			p.Graded(2, f.Severity, h)
			head = h
		}
		p.Text(4, string(f.Ref.Kind)+" "+f.Ref.Name)
		p.Text(6, f.Message)
		p.Faint(6, f.ID[:min(12, len(f.ID))]+"  "+standing(f))
	}
	p.Gap()
	p.Faint(0, counted(len(all), "finding")+"; gatewarden findings ID shows one")
}

// whereOf is a place for people.
func whereOf(project string, scope access.Scope, environment string) string {
	where := project
	switch {
	case scope.IsOrg():
		where = "organization " + scope.ID()
	case where == "":
		where = string(scope)
	}
	if environment != "" {
		where += " (" + environment + ")"
	}
	return where
}

// standing is where a finding stands, since when, and whose it is.
func standing(f api.Finding) string {
	out := string(f.State) + " since " + access.Stamp(f.OpenedAt)
	switch {
	case f.State == access.FindingResolved:
		out = "resolved at " + access.Stamp(f.ResolvedAt)
	case f.State == access.FindingWaived:
		out = "waived until " + access.Stamp(f.Waiver.Until)
	case f.Unknown != "":
		out += ", and cannot be judged now"
	}
	if f.Owner != "" {
		out += ", owner " + f.Owner
	}
	return out
}

// row is one line of a name and what it is, where there is something.
func row(p *report.Page, name, text string) {
	if text != "" {
		p.Row(name, text)
	}
}

func oneFinding(p *report.Page, f api.Finding) {
	p.Graded(0, f.Severity, string(f.Severity)+"  "+f.Rule)
	p.Bold(0, f.Message)
	row(p, "id", f.ID)
	row(p, "where", whereOf(f.Project, f.Ref.Scope, f.Environment))
	row(p, "what", string(f.Ref.Kind)+" "+f.Ref.Name)
	row(p, "key", f.Key)
	row(p, "state", standing(f))
	row(p, "unknown", f.Unknown)
	row(p, "resolution", f.Resolution)
	row(p, "origin", cmp.Or(string(f.Origin), "inherited")+because(f.OriginWhy))
	row(p, "made by", actorOf(f.Actor)+at(f.CauseAt))
	row(p, "before", boxed(f.Evidence.Before))
	row(p, "after", boxed(f.Evidence.After))
	if f.Waiver.ID != "" {
		row(p, "waiver", fmt.Sprintf("%s, of %s: %s", f.Waiver.ID, f.Waiver.Owner, f.Waiver.Reason))
	}
	if f.State == access.FindingOpen {
		row(p, "next", "gatewarden decide "+access.ActionID(f.ID, f.Episode)+" shows what is done about it")
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + access.Stamp(t)
}

func actorOf(a access.Actor) string {
	name := cmp.Or(a.Name, a.ID)
	switch {
	case name == "":
		return "nobody that is known"
	case a.Principal != "" && a.Principal != name:
		return name + " (" + a.Principal + ")"
	}
	return name
}

// boxed is the state of a resource in one line.
func boxed(b access.Box) string {
	if b.IsZero() {
		return ""
	}
	raw, err := b.MarshalJSON()
	var box struct {
		State map[string]json.RawMessage `json:"state"`
	}
	if err != nil || json.Unmarshal(raw, &box) != nil || len(box.State) == 0 {
		return string(raw)
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(box.State)) {
		value := string(box.State[name])
		var text string
		if json.Unmarshal(box.State[name], &text) == nil && text != "" {
			value = text
		}
		fields = append(fields, name+" "+value)
	}
	return strings.Join(fields, "; ")
}
