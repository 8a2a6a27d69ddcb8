package daemon

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// maxRounds is how often one action may plan anew.
const maxRounds = 3

// twice checks every effect of ours: it undid what a person had done since our last one
// on the same thing, and something that was wrong while it was there.
func (e *killEnd) twice() {
	type thing struct{ project, target string }
	ours, theirs, made := map[thing]int{}, map[thing]int{}, map[string]int{}
	entries, world := map[string]map[string]bool{}, map[string]int{}
	for _, x := range e.effects {
		at := thing{x.ProjectID, x.Target}
		list := entries[x.ProjectID]
		if list == nil {
			list = map[string]bool{}
			entries[x.ProjectID] = list
		}
		if slices.Contains(killGates(), x.Target) {
			list[x.Target] = x.After != ""
			if len(openGates(x.ProjectID, list)) > 0 {
				world[x.ProjectID] = x.Seq
			}
		}
		if !x.ByHTTP {
			theirs[at] = x.Seq
			continue
		}
		if theirs[at] <= ours[at] && !e.other(x) {
			e.wrong("effect %d (%s of %s in %s, action %s): nobody had touched it since our effect %d", x.Seq, x.OperationID, x.Target, x.ProjectID, x.ActionID, ours[at])
		}
		ours[at] = x.Seq
		if made[x.ActionID+" "+x.Target]++; made[x.ActionID+" "+x.Target] > maxRounds {
			e.wrong("effect %d (%s of %s): the %d. of action %s", x.Seq, x.OperationID, x.Target, made[x.ActionID+" "+x.Target], x.ActionID)
		}
		if !slices.ContainsFunc(e.actions, func(a access.Action) bool { return a.ID == x.ActionID }) {
			e.wrong("effect %d (%s of %s): there is no action %s", x.Seq, x.OperationID, x.Target, x.ActionID)
		}
		e.rightful(x, world[x.ProjectID] >= theirs[at])
	}
}

// other reports whether an effect on a user is of another rule than our last one: a user
// that is unscoped and admin is put right twice.
func (e *killEnd) other(x sim.Effect) bool {
	rule := func(id string) string {
		i := slices.IndexFunc(e.actions, func(a access.Action) bool { return a.ID == id })
		if i < 0 {
			return ""
		}
		return e.actions[i].Rule
	}
	for _, y := range slices.Backward(e.effects[:x.Seq-1]) {
		if y.ProjectID != x.ProjectID || y.Target != x.Target {
			continue
		}
		if !y.ByHTTP {
			return true
		}
		if rule(y.ActionID) == rule(x.ActionID) {
			return false
		}
	}
	return false
}

// rightful checks that an effect undid a violation and nothing else. opened: the list was
// open to the world since the entry was added.
func (e *killEnd) rightful(x sim.Effect, opened bool) {
	if x.OperationID != "updateGroupDatabaseUser" && x.OperationID != "updateDatabaseUser" {
		if x.After != "" || !slices.Contains(killGates(), x.Target) || !opened {
			e.wrong("effect %d (%s of %s in %s, action %s) removed what did no harm", x.Seq, x.OperationID, x.Target, x.ProjectID, x.ActionID)
		}
		return
	}
	before, after := userWrongs(userIn(x.Before), x.At), userWrongs(userIn(x.After), x.At)
	if len(after) >= len(before) {
		e.wrong("effect %d (%s of %s, action %s) put nothing right: %v, then %v", x.Seq, x.OperationID, x.Target, x.ActionID, before, after)
	}
}

// transitions checks the facts of every finding: they follow one another, no episode is
// left out, no transition is told twice in two ways, and the last is what is kept.
func (e *killEnd) transitions() {
	last, seen := map[string]access.Finding{}, map[string]access.FindingEvent{}
	number := map[string]uint64{}
	for _, f := range e.findings {
		if former, ok := seen[f.id]; ok && !reflect.DeepEqual(former, f.body) {
			e.wrong("finding fact %s was published twice, differently", f.id)
		} else if ok {
			continue
		}
		seen[f.id] = f.body
		e.numbered(f.id, number)
		n, was := f.body.Finding, last[f.body.Finding.ID]
		begins := f.body.To == access.FindingOpen && (was.State == "" || was.State == access.FindingResolved)
		switch want := was.Episode; {
		case f.body.From != was.State:
			e.wrong("%s: %s of %s goes from %q to %q, and was %q", f.id, n.Rule, n.Ref, f.body.From, f.body.To, was.State)
		case begins && n.Episode != want+1 || !begins && n.Episode != want:
			e.wrong("%s: %s of %s is %s in episode %d after episode %d", f.id, n.Rule, n.Ref, f.body.To, n.Episode, want)
		}
		last[n.ID] = n
	}
	for _, k := range e.kept {
		if told := last[k.ID]; told.State != k.State || told.Episode != k.Episode {
			e.wrong("%s of %s is kept as %s, episode %d, and was last told as %s, episode %d", k.Rule, k.Ref, k.State, k.Episode, told.State, told.Episode)
		}
		delete(last, k.ID)
	}
	for _, n := range last {
		e.wrong("%s of %s was told and is not kept", n.Rule, n.Ref)
	}
}

// numbered checks that the facts of one document come in the order of its outbox.
func (e *killEnd) numbered(id string, last map[string]uint64) {
	key, digits, _ := strings.Cut(id, "#")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n < last[key] {
		e.wrong("fact %s was published after number %d of its document (%v)", id, last[key], err)
	}
	last[key] = n
}

// intents checks that every intent came to an end that was told, and that every action's
// last word is how it is kept.
func (e *killEnd) intents() {
	last := map[string]access.Decision{}
	open := map[string]bool{}
	for _, d := range e.decisions {
		last[d.body.Action.ID] = d.body
		open[d.body.Action.ID] = d.body.Type == "intent" || open[d.body.Action.ID] && !d.body.Action.State.Done() && d.body.Action.State == access.ActionRunning
	}
	for id, unended := range open {
		if unended {
			e.wrong("the intent of action %s (%s of %s) was never followed by an outcome", id, last[id].Action.Rule, last[id].Action.Ref)
		}
	}
	for _, a := range e.actions {
		if !a.State.Done() {
			e.wrong("action %s (%s of %s) is %s for good: %s", a.ID, a.Rule, a.Ref, a.State, a.Why)
		}
		if told := last[a.ID].Action; told.State != a.State {
			e.wrong("action %s (%s of %s) is kept as %s and was last told as %q", a.ID, a.Rule, a.Ref, a.State, told.State)
		}
		delete(last, a.ID)
	}
	for id := range last {
		e.wrong("action %s was told and is not kept", id)
	}
}
