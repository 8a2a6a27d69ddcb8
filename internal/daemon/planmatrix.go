package daemon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// responses are what would be done about what each rule finds in each environment from then
// on, where that differs. Without an old configuration all of it does.
func responses(old *actor, now actor) []report.PreviewResponse {
	if old != nil && !old.acts {
		return []report.PreviewResponse{}
	}
	var cells []cell
	for _, id := range ruleIDs(old, now) {
		for _, env := range environmentsOf(old, now) {
			was := report.PreviewResponse{To: report.DeedNothing}
			if old != nil {
				was = old.general(id, env)
			}
			is := now.general(id, env)
			if was.To == is.To && sameQuestion(was.Ask, is.Ask) {
				continue
			}
			is.From = was.To
			cells = append(cells, cell{is, id, env})
		}
	}
	return grouped(cells)
}

// cell is what is done about one rule's findings in one environment.
type cell struct {
	report.PreviewResponse
	rule, env string
}

func sameQuestion(a, b *report.Question) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Can, b.Can) && a.Quorum == b.Quorum && a.Deadline == b.Deadline && a.OnDeadline == b.OnDeadline && a.Trouble == b.Trouble && a.Silent == b.Silent
}

func ruleIDs(old *actor, now actor) []string {
	set := map[string]bool{}
	for _, r := range now.engine.Rules() {
		set[r.ID] = true
	}
	if old != nil {
		for _, r := range old.engine.Rules() {
			set[r.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// environmentsOf are those of the new configuration, then those that are there no more, then
// none.
func environmentsOf(old *actor, now actor) (out []string) {
	for _, e := range now.rules.Environments {
		out = append(out, e.Name)
	}
	if old != nil {
		for _, e := range old.rules.Environments {
			if !slices.Contains(out, e.Name) {
				out = append(out, e.Name)
			}
		}
	}
	return append(out, "")
}

// general is what is done about a rule's findings in an environment: with nobody as the owner,
// and the severity that the rule has there.
func (a actor) general(id, env string) report.PreviewResponse {
	r, ok := a.engine.Rule(id)
	none := report.PreviewResponse{To: report.DeedNothing}
	if !ok || len(a.engine.Missing(id)) > 0 || !a.judgedIn(r, env) {
		return none
	}
	f := sample(r, env)
	if !a.engine.Production(env) {
		f.Severity = lowerThan(f.Severity)
	}
	_, at := a.response(f)
	out := report.PreviewResponse{Source: a.sourceOf(at)}
	if at >= 0 && a.file != nil {
		out.File = a.name
		out.Line, _ = a.file.Position(fmt.Sprintf("responses[%d]", at))
	}
	a.fill(&out, r, f)
	return out
}

func (a actor) fill(out *report.PreviewResponse, r rules.Rule, f access.Finding) {
	response, _ := a.response(f)
	do, why := remediate.Intended(remediate.Case{Policy: a.policy, Finding: f, Now: f.OpenedAt})
	switch do {
	case access.ModeObserve:
		out.To = report.DeedNothing
		return
	case access.ModeTicket:
		out.To = report.DeedTicket
		return
	case access.ModeNotify:
		var answer report.Answer
		a.told(&answer, f, response, why)
		if out.To, out.Ask = report.DeedTell, answer.Ask; why.Guard != "" {
			out.Why = why.Why
		}
		return
	}
	if r.Remedy == "" || r.Remedy == remediate.RemedyNone || !remediate.Plans(r.Remedy) {
		out.To, out.Why = report.DeedTell, "the rule has no remedy"
		return
	}
	var answer report.Answer
	a.bound(&answer, f, response, do, r.Remedy)
	out.To, out.Ask = answer.Then, answer.Ask
	if out.To == report.DeedRefuse {
		out.Why = strings.TrimSuffix(answer.ThenWhy, r.Remedy) + "put it right (" + r.Remedy + ")"
	}
	if wait := a.waits(f, response); out.To == report.DeedRevert && wait > 0 {
		out.Why = "after " + access.Lasts(wait)
	}
}

// waits is how long a finding is left alone first.
func (a actor) waits(f access.Finding, r access.Response) time.Duration {
	settle := a.policy.Settle.Other
	if f.Severity == access.Critical {
		settle = a.policy.Settle.Critical
	}
	return max(settle, r.Grace)
}

func (a actor) judgedIn(r rules.Rule, env string) bool {
	return len(r.Environments) == 0 || slices.Contains(r.Environments, env) || env == "" && slices.ContainsFunc(r.Environments, a.engine.Production)
}

// sample is a new finding of a rule in an environment.
func sample(r rules.Rule, env string) access.Finding {
	scope := access.ProjectScope("any")
	if env == "" && !slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return !slices.Contains(access.OrgKinds(), k) }) {
		scope = access.OrgScope("any")
	}
	at := time.Unix(1, 0)
	return access.Finding{
		Rule: r.ID, Ref: access.Ref{Scope: scope, Kind: r.Kind}, Environment: env, Severity: r.Severity, Ceiling: r.Ceiling, Remedy: r.Remedy,
		State: access.FindingOpen, Origin: access.OriginNew, OpenedAt: at, CauseAt: at,
	}
}

func lowerThan(s access.Severity) access.Severity {
	all := access.Severities()
	return all[min(slices.Index(all, s)+1, len(all)-1)]
}

// grouped puts together what is done alike: rules that differ alike in the same environments.
func grouped(cells []cell) []report.PreviewResponse {
	key := func(r report.PreviewResponse) string {
		raw, err := json.Marshal([]any{r.From, r.To, r.Why, r.Ask, r.Source})
		if err != nil {
			panic("daemon: a response does not encode: " + err.Error())
		}
		return string(raw)
	}
	type rule struct{ id, key string }
	byRule, order := map[rule]*report.PreviewResponse{}, []rule{}
	for _, c := range cells {
		k := rule{c.rule, key(c.PreviewResponse)}
		if byRule[k] == nil {
			r := c.PreviewResponse
			byRule[k], order = &r, append(order, k)
		}
		byRule[k].Environments = append(byRule[k].Environments, c.env)
	}
	out, seen := []report.PreviewResponse{}, map[string]int{}
	for _, k := range order {
		r := *byRule[k]
		all := k.key + strings.Join(r.Environments, "\x00")
		if i, ok := seen[all]; ok {
			out[i].Rules = append(out[i].Rules, k.id)
			continue
		}
		r.Rules, seen[all] = []string{k.id}, len(out)
		out = append(out, r)
	}
	rank := []report.Deed{report.DeedRevert, report.DeedAsk, report.DeedRefuse, report.DeedTicket, report.DeedTell, report.DeedNothing}
	slices.SortStableFunc(out, func(a, b report.PreviewResponse) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.To), slices.Index(rank, b.To)), cmp.Compare(slices.Index(rank, a.From), slices.Index(rank, b.From)))
	})
	return out
}
