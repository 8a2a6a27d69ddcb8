package scan

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// record takes down what a judgement came to.
func (j *judge) record(s *seat, in rules.Input, events []access.FindingEvent, standing bool) {
	var opened []*ReplayFinding
	for _, e := range events {
		f, row := e.Finding, j.current[e.Finding.ID]
		if row != nil && row.ClosedAt.IsZero() && row.Episode != f.Episode {
			j.shut(row, e.At, "it was waived until then")
		}
		if row == nil || row.Episode != f.Episode {
			row = &ReplayFinding{
				ID: f.ID, Rule: f.Rule, Ref: f.Ref, Key: f.Key, Episode: f.Episode, Project: titleOf(in), Origin: f.Origin, OriginWhy: f.OriginWhy,
				CauseAt: f.CauseAt, OpenedAt: e.At, Standing: standing, Change: f.Evidence.Change,
			}
			j.current[f.ID], j.rows, opened = row, append(j.rows, row), append(opened, row)
		}
		row.Severity, row.Message, row.Environment, row.Actor, row.Unknown = f.Severity, f.Message, f.Environment, f.Actor.Name, f.Unknown
		row.Waived = f.State == access.FindingWaived
		if !f.Open() && row.ClosedAt.IsZero() {
			j.shut(row, e.At, f.Resolution)
		}
	}
	for _, row := range opened {
		j.answer(s, in, row)
	}
}

func titleOf(in rules.Input) string {
	for _, p := range access.States[access.Project](in.Collections[access.KindProject]) {
		return p.Title
	}
	for _, o := range access.States[access.Org](in.Collections[access.KindOrg]) {
		return o.Title
	}
	return in.Scope.ID()
}

func (j *judge) shut(row *ReplayFinding, at time.Time, why string) {
	row.ClosedAt, row.Resolution = at, why
	if w := row.Would; w != nil && w.Outcome == WouldWait {
		w.Outcome, w.Why, w.At = WouldNothing, "it was over at "+stamp(at)+", before its time had come: "+why, time.Time{}
	}
}

// answer asks what would be done about an episode.
func (j *judge) answer(s *seat, in rules.Input, row *ReplayFinding) {
	if j.respond == nil || row.Would != nil && row.Would.Outcome != WouldWait {
		return
	}
	f, ok := s.doc.Findings[row.ID]
	switch {
	case !ok || f.Episode != row.Episode:
		row.Would = &Would{Outcome: WouldNothing, Why: "it was over before anything could be done, and began again"}
		return
	case row.Would != nil && !f.Open():
		return // said when it closed
	}
	would, again := j.respond(Moment{
		Finding: f, Collections: in.Collections, Now: s.at,
		Judge: func(other map[access.Kind]access.Collection) access.Verdict {
			in := j.input(s, s.at, nil)
			for k, c := range other {
				in.Collections[k] = c
			}
			return j.verdict(in, f)
		},
	})
	row.Would = &would
	if !again.IsZero() && again.After(s.at) {
		s.waits = append(s.waits, wait{again, row})
	}
}

// awake asks again where the time has come.
func (j *judge) awake(s *seat) {
	due := slices.Clone(s.waits)
	s.waits = s.waits[:0:0]
	for _, w := range due {
		switch {
		case !w.row.ClosedAt.IsZero():
		case w.at.After(s.at):
			s.waits = append(s.waits, w)
		default:
			j.answer(s, j.input(s, s.at, nil), w.row)
		}
	}
}

// result is what the walk came to.
func (w *walk) result() Replayed {
	out := Replayed{
		V: replayVersion, Version: w.o.Version, Asked: w.asked, Since: w.past.from(w.o.Since, w.history.At), Until: w.history.At, Rules: w.o.New.Engine.Hash(), Projects: w.o.Projects,
		Changes: w.changes, Scopes: len(w.judges[0].seats), Findings: []ReplayFinding{}, ByRule: []RuleSum{}, Notes: notes(),
	}
	out.Covered = Length(w.past.covered(out.Since, out.Until))
	out.Notes = append(w.begins(out), append(out.Notes, w.useNotes()...)...)
	rows := w.judges[0].rows
	if len(w.judges) > 1 {
		out.Against = w.o.Old.Engine.Hash()
		rows = append(rows, compare(rows, w.judges[1].rows)...)
	}
	slices.SortStableFunc(rows, func(a, b *ReplayFinding) int {
		return cmp.Or(
			a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.Ref.Scope, b.Ref.Scope), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Ref.Kind, b.Ref.Kind),
			cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Episode, b.Episode), cmp.Compare(a.Difference, b.Difference),
		)
	})
	out.Caps = capped(rows, w.o.Caps, w.orgOf)
	for _, r := range rows {
		out.Findings = append(out.Findings, *r)
	}
	out.ByRule = sums(rows)
	return out
}

func (w *walk) orgOf(scope access.Scope) string {
	if s, ok := w.judges[0].seats[scope]; ok && !scope.IsOrg() {
		return s.told.Org
	}
	return scope.ID()
}

// compare marks in what the new rules found what the old ones did not, and gives what only
// those found. Episodes of one finding that lasted at the same time are one.
func compare(news, olds []*ReplayFinding) (onlyOld []*ReplayFinding) {
	byID := map[string][]*ReplayFinding{}
	for _, o := range olds {
		byID[o.ID] = append(byID[o.ID], o)
	}
	met := map[*ReplayFinding]bool{}
	for _, n := range news {
		n.Difference = OnlyNew
		for _, o := range byID[n.ID] {
			if !overlap(n, o) {
				continue
			}
			met[o] = true
			switch n.Difference = NoneDiff; {
			case n.ClosedAt.IsZero() == o.ClosedAt.IsZero():
			case o.ClosedAt.IsZero():
				n.Difference = EndsNew
			default:
				n.Difference = EndsOld
			}
			if n.Severity != o.Severity {
				n.Severities = string(o.Severity) + " → " + string(n.Severity)
			}
		}
	}
	for _, o := range olds {
		if !met[o] {
			o.Difference = OnlyOld
			onlyOld = append(onlyOld, o)
		}
	}
	return onlyOld
}

func overlap(a, b *ReplayFinding) bool {
	return (a.ClosedAt.IsZero() || !a.ClosedAt.Before(b.OpenedAt)) && (b.ClosedAt.IsZero() || !b.ClosedAt.Before(a.OpenedAt))
}

// capped puts the reverts into the ledgers of their projects and orgs, in order of time. One
// that finds them full would have waited.
func capped(rows []*ReplayFinding, caps Caps, orgOf func(access.Scope) string) CapSum {
	var reverts []*ReplayFinding
	for _, r := range rows {
		if r.Would != nil && r.Would.Outcome == WouldRevert {
			reverts = append(reverts, r)
		}
	}
	slices.SortStableFunc(reverts, func(a, b *ReplayFinding) int { return a.Would.At.Compare(b.Would.At) })
	var out CapSum
	ledger := map[string][]time.Time{}
	hour := func(key string, now time.Time) []time.Time {
		ledger[key] = slices.DeleteFunc(ledger[key], func(t time.Time) bool { return now.Sub(t) >= time.Hour })
		return ledger[key]
	}
	for _, r := range reverts {
		project, org, at := string(r.Ref.Scope), "org."+orgOf(r.Ref.Scope), r.Would.At
		inProject, inOrg := hour(project, at), hour(org, at)
		guard := ""
		switch {
		case len(inProject) >= caps.Project:
			guard = "cap_project"
		case !r.Ref.Scope.IsOrg() && len(inOrg) >= caps.Org:
			guard = "cap_org"
		}
		if guard != "" {
			r.Would.Outcome, r.Would.Guard, r.Would.Why = WouldWait, guard, "the cap of an hour would have been reached: it would have waited for its turn"
			out.Stopped++
			continue
		}
		ledger[project] = append(inProject, at)
		out.ProjectHour = max(out.ProjectHour, len(ledger[project]))
		if org != project {
			ledger[org] = append(ledger[org], at)
		}
		out.OrgHour = max(out.OrgHour, len(ledger[org]))
	}
	return out
}

func sums(rows []*ReplayFinding) []RuleSum {
	by := map[string]*RuleSum{}
	for _, r := range rows {
		s, ok := by[r.Rule]
		if !ok {
			s = &RuleSum{Rule: r.Rule}
			by[r.Rule] = s
		}
		s.add(r)
	}
	out := make([]RuleSum, 0, len(by))
	for _, s := range by {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b RuleSum) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}

func (s *RuleSum) add(r *ReplayFinding) {
	if r.Difference == OnlyOld {
		s.OnlyOld++
		return
	}
	if r.Difference == OnlyNew {
		s.OnlyNew++
	}
	if r.Standing {
		s.Standing++
	} else {
		s.Opened++
	}
	if r.ClosedAt.IsZero() {
		s.Open++
	} else {
		s.Closed++
	}
	switch w := r.Would; {
	case w == nil:
	case w.Outcome == WouldRevert:
		s.Reverts++
	case w.Guard != "":
		if s.Guards == nil {
			s.Guards = map[string]int{}
		}
		s.Guards[w.Guard]++
	}
}
