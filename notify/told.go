package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fact handles a decision that the state of no finding shows: what commands decided for a whole
// org or project, the end of an incident, a command that was not believed, and harm that an
// action did. It goes out in its own words.
func (r Router) fact(ctx context.Context, d access.Decision) error {
	n := access.Notice{Scope: d.Action.Ref.Scope, Finding: d.Action.Finding, Action: d.Action.ID, Severity: access.Critical, Says: d.Message}
	if d.Command != nil {
		n.Scope = d.Command.Command.Scope
	}
	if d.Action.ID == "" {
		n.Severity = access.High
	}
	var outs []access.Out
	for _, sink := range r.targets() { // it is of no environment: who looks after any may have to know
		outs = append(outs, addressed(n, sink, subjectOf(d, n)))
	}
	if len(outs) == 0 {
		return nil
	}
	return r.Publish(ctx, outs...)
}

// touched has the cards looked at that tell of a finding about which something was asked for: who asked
// to keep it, or until when nobody is reminded, is no transition of anything. No route decides: it says
// neither how severe the finding is nor where.
func (r Router) touched(ctx context.Context, c access.CommandRecord) error {
	asked := c.Command
	if asked.Finding == "" || !c.Accepted {
		return nil
	}
	var outs []access.Out
	for _, target := range r.targets() {
		if !strings.Contains(target, ":") {
			continue
		}
		n := access.Notice{Scope: asked.Scope, Finding: asked.Finding, Episode: asked.Episode, Told: true}
		outs = append(outs, addressed(n, target, "told "+access.ActionID(asked.Finding, asked.Episode)))
	}
	if len(outs) == 0 {
		return nil
	}
	return r.Publish(ctx, outs...)
}

// targets are all that any route names.
func (r Router) targets() []string {
	var to []string
	for _, route := range r.Routes() {
		to = append(to, route.To...)
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// subjectOf keeps facts apart that wait to be told. Of commands that are not believed one waits at
// a time: whoever sends many of them fills no queue.
func subjectOf(d access.Decision, n access.Notice) string {
	if forged(d) {
		return access.Hash("not believed", string(n.Scope))
	}
	return n.Subject()
}

func forged(d access.Decision) bool { return d.Command != nil && d.Command.Command.Verb == "" }

// tells reports whether a fact is told in its own words. What is voted for, waived, acknowledged
// or taken back shows in its finding or action; what was refused, its asker was told.
func tells(d access.Decision) bool {
	switch {
	case d.Type == access.FactAftermath:
		return true
	case d.Type != access.FactControl:
		return false
	case d.Command == nil || forged(d):
		return true
	}
	switch d.Command.Command.Verb {
	case access.VerbFreeze, access.VerbUnfreeze, access.VerbIncident, access.VerbEndIncident, access.VerbAdopt, access.VerbExpect:
		return d.Command.Accepted
	}
	return false
}

// worded is a fact in its own words.
func worded(n access.Notice) Message {
	m := Message{Subject: n.Subject(), Severity: n.Severity, Title: fmt.Sprintf("[%s] %s", strings.ToUpper(string(n.Severity)), n.Says)}
	m.Finding.State, m.Finding.Severity, m.Finding.Ref.Scope = access.FindingOpen, n.Severity, n.Scope
	m.add("where", "%s", n.Scope)
	return m
}

// followed is how an action stands that takes another one back, or deletes what it left.
func followed(f access.Finding, a access.Action) Message {
	m := Message{Subject: a.ID, Severity: f.Severity, Finding: f, Action: a}
	m.Title = fmt.Sprintf("[%s] %s %s: %s %s", strings.ToUpper(string(f.Severity)), a.Purpose, a.State, a.Ref.Kind, a.Ref.Name)
	m.add("where", "%s, environment %s", a.Ref.Scope, orUnknown(a.Environment, "none matches: judged as production"))
	for _, op := range a.Plan.Operations {
		m.add("plan", "%s", op.Describe())
	}
	m.add("why", "%s", a.Why)
	return m
}
