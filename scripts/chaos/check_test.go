package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// TestEveryBreakIsSeen: a sound run passes, and each kind of break in it is told.
func TestEveryBreakIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*run1)
		want   string // in what is told; empty: nothing is
	}{
		"sound":             {func(*run1) {}, ""},
		"taken back":        {func(r *run1) { r.action.State = access.ActionUndone }, ""},
		"changed by people": {func(r *run1) { r.action.State = access.ActionSuperseded; r.touched(3) }, ""},
		"unknown action":    {func(r *run1) { r.action.ID = "other" }, "there is no such action"},
		"not verified":      {func(r *run1) { r.action.State = access.ActionFailed }, "it is not verified"},
		"vetoed":            {func(r *run1) { r.action.State = access.ActionVetoed; r.touched(3) }, "nobody allowed it"},
		"no intent":         {func(r *run1) { r.decision.Type = "outcome" }, "no intent with this operation"},
		"another operation": {func(r *run1) { r.decision.Action.Plan.Operations[0].Ref.Name = "::/0" }, "no intent with this operation"},
		"intent afterwards": {func(r *run1) { r.decision.At = r.effects[1].At.Add(time.Minute) }, "no intent with this operation"},
		"twice":             {func(r *run1) { r.again() }, "nobody had touched it since our effect 2"},
		"twice, and needed": {func(r *run1) { r.touched(3); r.again() }, ""},
		"not approved":      {func(r *run1) { r.action.Do = access.ModeApprove }, "asked about, and not approved"},
		"approved": {func(r *run1) {
			r.action.Do = access.ModeApprove
			r.action.Steps = []access.Step{{At: r.decision.At, To: access.ActionApproved}}
		}, ""},
		"denied": {func(r *run1) {
			r.action.Votes = []access.Ballot{{Vote: access.VoteDeny, At: r.decision.At.Add(-time.Minute)}}
		}, "it was denied"},
		"command lost":    {func(r *run1) { r.given = []access.Command{{ID: "c1"}} }, "was acknowledged and has 0 records"},
		"command done":    {func(r *run1) { r.given = []access.Command{{ID: "c1"}}; r.recorded("c1") }, ""},
		"done twice":      {func(r *run1) { r.given = []access.Command{{ID: "c1"}}; r.recorded("c1"); r.recorded("c1") }, "has 2 records"},
		"nobody's effect": {func(r *run1) { r.effects[1].ByHTTP = false }, ""},
	} {
		r := newRun1()
		c.change(r)
		told := strings.Join(r.check(), "\n")
		if c.want == "" && told != "" || !strings.Contains(told, c.want) {
			t.Errorf("%s: told %q, want %q", name, told, c.want)
		}
	}
}

// run1 is a run in which somebody opened the world and we closed it.
type run1 struct {
	effects  []sim.Effect
	action   access.Action
	decision access.Decision
	more     []access.Decision
	given    []access.Command
}

func newRun1() *run1 {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := access.Action{ID: "a1", Rule: "network/open-to-world", State: access.ActionVerified}
	a.Plan.Operations = []access.Operation{{Type: access.DeleteAccessEntry, Ref: access.Ref{Scope: "prj.p1", Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}}}
	return &run1{
		effects: []sim.Effect{
			{Seq: 1, At: at, ProjectID: "p1", Target: "0.0.0.0/0", After: "{}"},
			{Seq: 2, At: at.Add(2 * time.Second), ProjectID: "p1", Target: "0.0.0.0/0", Before: "{}", ByHTTP: true, ActionID: "a1", OperationID: "deleteGroupAccessListEntry"},
		},
		action: a, decision: access.Decision{Type: "intent", At: at.Add(time.Second), Action: a},
	}
}

func (r *run1) touched(seq int) {
	r.effects = append(r.effects, sim.Effect{Seq: seq, At: r.effects[1].At.Add(time.Second), ProjectID: "p1", Target: "0.0.0.0/0", After: "{}"})
}

func (r *run1) again() {
	x := r.effects[1]
	x.Seq = len(r.effects) + 1
	r.effects = append(r.effects, x)
}

func (r *run1) recorded(id string) {
	r.more = append(r.more, access.Decision{Type: "control", Command: &access.CommandRecord{Command: access.Command{ID: id}, Accepted: true}})
}

func (r *run1) check() []string {
	l := ledger{sum: &summary{}, effects: r.effects, actions: map[string]access.Action{r.action.ID: r.action}, decisions: append(r.more, r.decision)}
	l.each(1)
	l.commands(r.given)
	return l.sum.Broken
}

func TestDifference(t *testing.T) {
	a, b := subject{"r", "p", "a"}, subject{"r", "p", "b"}
	for want, sets := range map[string][2]map[subject]bool{
		"": {{a: true}, {a: true}},
		"r of a stands in p, and no finding tells of it":    {{a: true}, {}},
		"finding r of b in p is open, and nothing is wrong": {{}, {b: true}},
	} {
		if got := difference(sets[0], sets[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStanding: the oracle sees what people do wrong, and that it is gone.
func TestStanding(t *testing.T) {
	town, err := newTown(1)
	if err != nil {
		t.Fatal(err)
	}
	defer town.close()
	if n := len(town.standing()); n != 0 {
		t.Fatalf("%d things are wrong at the start", n)
	}
	p := town.project(town.projects[0])
	for _, half := range halves() {
		town.add(p, "", half)
	}
	town.add(p, "", "0.0.0.0/0")
	for _, s := range []subject{{"network/open-to-world", p.ID, "0.0.0.0/0"}, {"network/open-to-world", p.ID, p.ID}} {
		if !town.standing()[s] {
			t.Errorf("%v is not seen", s)
		}
	}
	town.remove(p, halves()[0])
	town.remove(p, "0.0.0.0/0")
	if left := town.standing(); len(left) != 0 || len(town.refused) != 0 {
		t.Errorf("left: %v; refused: %v", left, town.refused)
	}
	u := p.DatabaseUsers[0]
	u.Scopes, u.Roles = nil, append(u.Roles, sim.Role{RoleName: "atlasAdmin", DatabaseName: "admin"})
	u.Labels = []sim.Label{{Key: "expires", Value: "2026-01-01T00:00:00Z"}}
	if got := userWrongs(u, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)); len(got) != 3 {
		t.Errorf("a user with everything wrong: %v", got)
	}
}
