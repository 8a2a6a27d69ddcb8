package main

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// unsettled says what is not as it should be at the end.
func (sc *scene) unsettled(ctx context.Context) string {
	open, err := sc.open(ctx)
	if err != nil {
		return err.Error()
	}
	if diff := difference(sc.town.standing(), open); diff != "" {
		return diff
	}
	actions, err := documents[access.Action](ctx, sc.cluster, "actions")
	if err != nil {
		return err.Error()
	}
	for _, a := range actions {
		if !a.State.Done() {
			return fmt.Sprintf("action %s (%s of %s) is %s: %s", a.ID, a.Rule, a.Ref.Name, a.State, a.Why)
		}
	}
	return ""
}

// open is what is held for wrong.
func (sc *scene) open(ctx context.Context) (map[subject]bool, error) {
	docs, err := documents[access.Findings](ctx, sc.cluster, "findings")
	out := map[subject]bool{}
	for _, d := range docs {
		for _, f := range d.Findings {
			if f.Open() {
				out[subject{f.Rule, f.Ref.Scope.ID(), f.Ref.Name}] = true
			}
		}
	}
	return out, err
}

func difference(want, got map[subject]bool) string {
	var out []string
	for s := range want {
		if !got[s] {
			out = append(out, fmt.Sprintf("%s of %s stands in %s, and no finding tells of it", s.rule, s.name, s.project))
		}
	}
	for s := range got {
		if !want[s] {
			out = append(out, fmt.Sprintf("finding %s of %s in %s is open, and nothing is wrong", s.rule, s.name, s.project))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

// ledger is everything that is left, for the check.
type ledger struct {
	sum       *summary
	effects   []sim.Effect
	actions   map[string]access.Action
	decisions []access.Decision
}

// check holds what was done against what was decided. What must hold:
//
//   - findings equal what is wrong in Atlas (drain has compared them);
//   - every effect of ours has an action whose last word is verified (or taken back since), an intent of it was
//     published before, and its plan has the operation;
//   - none came twice: between two effects on one thing, for one rule, somebody undid the first;
//   - none of an action that was asked about and not approved, or that was denied;
//   - every acknowledged command has its record, once;
//   - the audit's chain verifies by every daemon's book, has all facts, and tells of every effect;
//   - no message is among the dead letters.
func (sc *scene) check(ctx context.Context, sum *summary) error {
	l := ledger{sum: sum, effects: sc.town.atlas.Effects(), actions: map[string]access.Action{}}
	actions, err := documents[access.Action](ctx, sc.cluster, "actions")
	if err != nil {
		return fmt.Errorf("read the actions: %w", err)
	}
	sum.Actions = map[string]int{}
	for _, a := range actions {
		l.actions[a.ID] = a
		sum.Actions[string(a.State)]++
	}
	if l.decisions, err = facts[access.Decision](ctx, sc.cluster, "GW_DECISIONS"); err != nil {
		return err
	}
	open, err := sc.open(ctx)
	if err != nil {
		return err
	}
	sum.Findings = len(open)
	l.each(len(sc.town.atlas.Mutations()))
	l.commands(sc.voter.given)
	if err := sc.audited(ctx, &l); err != nil {
		return err
	}
	sum.Broken = append(sum.Broken, sc.town.refused...)
	return sc.stored(ctx, sum)
}

func (l *ledger) broken(format string, args ...any) {
	l.sum.Broken = append(l.sum.Broken, fmt.Sprintf(format, args...))
}

// each looks at every effect.
func (l *ledger) each(requests int) {
	type thing struct{ project, target, rule string }
	ours, theirs := map[thing]int{}, map[[2]string]int{}
	for _, x := range l.effects {
		if !x.ByHTTP {
			l.sum.Effects.People++
			theirs[[2]string{x.ProjectID, x.Target}] = x.Seq
			continue
		}
		l.sum.Effects.Ours++
		a, ok := l.actions[x.ActionID]
		title := fmt.Sprintf("effect %d (%s of %s in %s at %s, action %s, %s of purpose %q)", x.Seq, x.OperationID, x.Target, x.ProjectID, x.At.Format("15:04:05.000"), x.ActionID, a.State, a.Purpose)
		if !ok {
			l.broken("%s: there is no such action", title)
			continue
		}
		at := thing{x.ProjectID, x.Target, a.Rule}
		if before := ours[at]; a.Purpose == "" && before > 0 && theirs[[2]string{x.ProjectID, x.Target}] < before {
			l.broken("%s: nobody had touched it since our effect %d", title, before)
		}
		ours[at] = x.Seq
		if a.Purpose != "" { // what is taken back may be put right again
			theirs[[2]string{x.ProjectID, x.Target}] = x.Seq
		}
		l.decided(title, a, x)
	}
	l.sum.Effects.Without = requests - l.sum.Effects.Ours
}

// decided checks that an effect was meant, allowed and seen.
func (l *ledger) decided(title string, a access.Action, x sim.Effect) {
	intent := slices.ContainsFunc(l.decisions, func(d access.Decision) bool {
		return d.Action.ID == a.ID && d.Type == "intent" && !d.At.After(x.At.Add(time.Second)) && slices.ContainsFunc(d.Action.Plan.Operations, func(o access.Operation) bool { return has(o, x) })
	})
	if !intent {
		l.broken("%s: no intent with this operation came before it", title)
	}
	later := slices.ContainsFunc(l.effects[x.Seq:], func(y sim.Effect) bool {
		return !y.ByHTTP && y.ProjectID == x.ProjectID && y.Target == x.Target
	})
	switch {
	case a.State == access.ActionVerified || a.State == access.ActionUndone:
	case a.State == access.ActionVetoed || a.State == access.ActionExpired:
		l.broken("%s: nobody allowed it: %s", title, a.Why)
	case !later: // else people changed it again before it was read back
		l.broken("%s: it is not verified: %s", title, a.Why)
	}
	if a.Do == access.ModeApprove && !approvedBefore(a, x.At) {
		l.broken("%s: it was asked about, and not approved before", title)
	}
	if slices.ContainsFunc(a.Votes, func(b access.Ballot) bool { return b.Vote == access.VoteDeny && b.At.Before(x.At.Add(-time.Second)) }) {
		l.broken("%s: it was denied", title)
	}
}

func approvedBefore(a access.Action, at time.Time) bool {
	return slices.ContainsFunc(a.Steps, func(s access.Step) bool {
		return s.To == access.ActionApproved && !s.At.After(at.Add(time.Second))
	})
}

// has reports whether an effect is what an operation says.
func has(o access.Operation, x sim.Effect) bool {
	if o.Ref.Scope.ID() != x.ProjectID || o.Ref.Name != x.Target && o.Ref.Name != "admin/"+x.Target {
		return false
	}
	return (o.Type == access.DeleteAccessEntry) == (x.OperationID == "deleteGroupAccessListEntry")
}

// commands checks that each acknowledged command has one record.
func (l *ledger) commands(given []access.Command) {
	l.sum.Commands = map[string]int{"given": len(given)}
	records := map[string]int{}
	for _, d := range l.decisions {
		if d.Command == nil {
			continue
		}
		records[d.Command.Command.ID]++
		verb := string(d.Command.Command.Verb)
		if d.Command.Accepted {
			l.sum.Commands[verb+" done"]++
		} else {
			l.sum.Commands[verb+" declined"]++
		}
	}
	for _, c := range given {
		if n := records[c.ID]; n != 1 {
			l.broken("command %s (%s %s on %s) was acknowledged and has %d records", c.ID, c.Verb, c.Vote, c.Finding, n)
		}
	}
}

// stored counts the messages of every stream. None may be among the dead letters.
func (sc *scene) stored(ctx context.Context, sum *summary) error {
	sum.Stored = map[string]int{}
	list := sc.cluster.js.ListStreams(ctx)
	for info := range list.Info() {
		if info.State.Msgs > 0 {
			sum.Stored[strings.TrimPrefix(info.Config.Name, "KV_")] = int(info.State.Msgs)
		}
	}
	if n := sum.Stored["GW_DLQ"]; n > 0 {
		sum.Broken = append(sum.Broken, fmt.Sprintf("%d messages are dead letters", n))
	}
	return list.Err()
}
