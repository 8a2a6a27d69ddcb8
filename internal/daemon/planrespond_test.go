package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// shopActor answers for a shop with one org that may be written to.
func shopActor(t *testing.T, edit func(*actor), responses ...access.Response) actor {
	t.Helper()
	given := rules.Policy{
		Environments: []access.Environment{{Name: "prod"}, {Name: "dev"}},
		Principals:   []access.Principal{{ID: "alice"}, {ID: "bob"}}, Groups: map[string][]string{"oncall": {"alice", "bob"}, "gone": {"carol"}},
	}
	e, err := rules.Load(given)
	if err != nil {
		t.Fatal(err)
	}
	a := actor{
		book: book{
			engine: e, rules: given, acts: true, profile: "remediate", writes: map[string]bool{shopOrg.ID(): true},
			policy: remediate.Policy{Responses: responses, People: remediate.People{Principals: given.Principals, Groups: given.Groups}, Caps: remediate.Caps{ProjectHour: 10, OrgHour: 50}},
		},
		org: map[access.Scope]string{shopProd: shopOrg.ID(), shopOrg: shopOrg.ID()},
	}
	if edit != nil {
		edit(&a)
	}
	return a
}

// shopMoment is a finding of an entry that opens the shop to the world, while another entry
// stays.
func shopMoment(a actor, edit func(*access.Finding)) scan.Moment {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	collections := map[access.Kind]access.Collection{}
	for _, k := range a.engine.Kinds(shopProd) {
		collections[k] = access.NewCollection(shopProd, k, nil)
	}
	collections[access.KindIPAccessEntry] = access.NewCollection(shopProd, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: "0.0.0.0/0"}, access.IPAccessEntry{Entry: "8.8.8.0/28"}})
	f := access.Finding{
		ID: "f", Rule: "network/open-to-world", Ref: access.Ref{Scope: shopProd, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}, Episode: 1, State: access.FindingOpen, Severity: access.Critical,
		Environment: "prod", Remedy: remediate.RemedyDeleteEntries, Ceiling: access.CeilingAuto, OriginWhy: "it was there before",
	}
	if edit != nil {
		edit(&f)
	}
	in := rules.Input{Scope: shopProd, Environment: "prod", Collections: collections, Now: now}
	return scan.Moment{Finding: f, Collections: collections, Now: now, Judge: func(other map[access.Kind]access.Collection) access.Verdict {
		judged := in
		judged.Collections = other
		return a.engine.Judge(judged, f.Rule, f.Ref, "")
	}}
}

func TestPlanAnswers(t *testing.T) {
	revert, ask := access.Response{Do: access.ModeRevert}, access.Response{Do: access.ModeApprove, Approvers: []string{"oncall"}, Deadline: time.Hour, OnDeadline: access.LateTicket}
	with := func(r access.Response, edit func(*access.Response)) access.Response { edit(&r); return r }
	for _, c := range []struct {
		name      string
		responses []access.Response
		actor     func(*actor)
		finding   func(*access.Finding)
		begins    bool
		now, then report.Deed
		guard     string
		says      string // in why, or in the trouble of the question
		can       int
	}{
		{name: "no response", begins: true, now: "tell", then: "tell"},
		{name: "it stands", now: "nothing", then: "tell"},
		{name: "observe", responses: []access.Response{{}}, begins: true, now: "nothing", then: "nothing"},
		{name: "a ticket", responses: []access.Response{{Do: access.ModeTicket}}, begins: true, now: "ticket", then: "ticket"},
		{name: "a ticket for another rule", responses: []access.Response{{Rules: []string{"dbuser/*"}, Do: access.ModeTicket}}, begins: true, now: "tell", then: "tell"},
		{name: "revert", responses: []access.Response{revert}, begins: true, now: "tell", then: "revert"},
		{name: "revert after settling and grace", responses: []access.Response{with(revert, func(r *access.Response) { r.Grace = time.Hour })},
			actor: func(a *actor) { a.policy.Settle.Critical = time.Minute }, now: "nothing", then: "revert"},
		{name: "dry run", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.DryRun, a.dryRun = true, true }, now: "nothing", then: "refuse", guard: "dry_run", says: "otherwise it would delete 0.0.0.0/0"},
		{name: "a profile that writes nothing", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.DryRun, a.profile = true, "observe" }, now: "nothing", then: "refuse", guard: "dry_run", says: "profile observe writes nothing"},
		{name: "no credentials", responses: []access.Response{revert}, actor: func(a *actor) { a.writes = map[string]bool{shopOrg.ID(): false, "other": true} }, now: "nothing", then: "refuse", guard: "no_credentials"},
		{name: "no room in a cap", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.Caps.OrgHour = 0 }, now: "nothing", then: "refuse", guard: "cap_org"},
		{name: "never touched", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.NeverTouch = []string{"0.0.0.0/0"} }, now: "nothing", then: "refuse", guard: "never_touch"},
		{name: "our own address", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.Own.Addresses = []string{"9.9.9.9/32"} }, now: "nothing", then: "tell", guard: "own_access"},
		{name: "no environment", responses: []access.Response{revert}, finding: func(f *access.Finding) { f.Environment = "" }, now: "nothing", then: "tell", guard: "environment_unknown"},
		{name: "the ceiling", responses: []access.Response{revert}, finding: func(f *access.Finding) { f.Ceiling = access.CeilingAsk }, now: "nothing", then: "tell", guard: "ceiling"},
		{name: "the ceiling, and people who can be asked", responses: []access.Response{with(revert, func(r *access.Response) { r.Approvers = []string{"alice"} })}, finding: func(f *access.Finding) { f.Ceiling = access.CeilingAsk }, now: "nothing", then: "ask", can: 1},
		{name: "waived", responses: []access.Response{revert}, finding: func(f *access.Finding) { f.State = access.FindingWaived }, now: "nothing", then: "nothing", says: "waived"},
		{name: "approve", responses: []access.Response{ask}, begins: true, now: "tell", then: "ask", can: 2},
		{name: "approve in dry run", responses: []access.Response{ask}, actor: func(a *actor) { a.policy.DryRun, a.dryRun = true, true }, now: "nothing", then: "refuse", guard: "dry_run", says: "be asked whether", can: 2},
		{name: "approve, by nobody", responses: []access.Response{with(ask, func(r *access.Response) { r.Approvers = nil })}, now: "nothing", then: "tell", guard: "approval", says: "names no approvers"},
		{name: "approve, by who is not declared", responses: []access.Response{with(ask, func(r *access.Response) { r.Approvers = []string{"gone"} })}, now: "nothing", then: "tell", guard: "approval", says: "means no declared principal"},
		{name: "approve, by more than there are", responses: []access.Response{with(ask, func(r *access.Response) { r.Quorum = 3 })}, now: "nothing", then: "ask", says: "takes 3 votes", can: 2},
		{name: "approve what can only be told", responses: []access.Response{ask}, finding: func(f *access.Finding) { f.Ceiling = access.CeilingTell }, now: "nothing", then: "tell", guard: "ceiling"},
		{name: "approve what has no remedy", responses: []access.Response{ask}, finding: func(f *access.Finding) { f.Remedy = remediate.RemedyNone }, now: "nothing", then: "tell", guard: "ceiling", says: "nothing to write"},
		{name: "roles that nobody saw change", responses: []access.Response{revert}, finding: func(f *access.Finding) { f.Remedy = remediate.RemedyRestoreMemberRoles }, now: "nothing", then: "revert", says: "known only then"},
		{name: "such roles, never touched", responses: []access.Response{revert}, actor: func(a *actor) { a.policy.NeverTouch = []string{"0.0.0.0/0"} }, finding: func(f *access.Finding) { f.Remedy = remediate.RemedyRestoreMemberRoles }, now: "nothing", then: "refuse", guard: "never_touch"},
	} {
		a := shopActor(t, c.actor, c.responses...)
		got := a.answer(shopMoment(a, c.finding), c.begins)
		why := got.ThenWhy
		if got.Ask != nil {
			why += got.Ask.Trouble
		}
		if got.Now != c.now || got.Then != c.then || got.Guard != c.guard || !strings.Contains(why, c.says) {
			t.Errorf("%s: now %s, then %s by %q: %s", c.name, got.Now, got.Then, got.Guard, why)
		}
		if (got.Ask != nil) != (c.can > 0 || c.guard == "approval") || got.Ask != nil && len(got.Ask.Can) != c.can {
			t.Errorf("%s: asked %+v", c.name, got.Ask)
		}
		if c.then == "revert" && !strings.Contains(c.name, "roles") && (got.Plan == nil || len(got.Plan.Operations) != 1 || len(got.Plan.Inverse) != 1) {
			t.Errorf("%s: plan %+v", c.name, got.Plan)
		}
	}
}

// TestPlanOpenQuestion: a question that is open stays one, as long as somebody can answer it.
func TestPlanOpenQuestion(t *testing.T) {
	for _, c := range []struct {
		approvers []string
		state     access.ActionState
		now       report.Deed
	}{
		{[]string{"oncall"}, access.ActionAwaiting, "ask"}, {[]string{"gone"}, access.ActionAwaiting, "tell"}, {[]string{"oncall"}, access.ActionExpired, "nothing"},
	} {
		a := shopActor(t, nil, access.Response{Do: access.ModeApprove, Approvers: []string{"alice"}})
		a.underway = map[string]access.Action{"f-1": {State: c.state, Do: access.ModeApprove, Ask: access.Ask{Approvers: c.approvers}}}
		if got := a.answer(shopMoment(a, nil), false); got.Now != c.now {
			t.Errorf("%v, %s: %s, %s", c.approvers, c.state, got.Now, got.NowWhy)
		}
	}
}

// TestPlanResponses: what differs of what is done, whether anything stands or not.
func TestPlanResponses(t *testing.T) {
	old := shopActor(t, nil, access.Response{Rules: []string{"network/*"}, Environments: []string{"prod"}, Do: access.ModeNotify})
	now := shopActor(t, func(a *actor) { a.policy.Settle.Other = time.Minute },
		access.Response{Rules: []string{"network/open-to-world", "network/expired-entry"}, Environments: []string{"prod"}, Do: access.ModeRevert},
		access.Response{Rules: []string{"network/entry-too-broad"}, Do: access.ModeApprove, Approvers: []string{"oncall"}, Quorum: 3},
		access.Response{Rules: []string{"network/undeclared-source"}, Do: access.ModeApprove, Approvers: []string{"gone"}})
	got := responses(&old, now)
	var lines []string
	for _, r := range got {
		lines = append(lines, string(r.From)+" "+string(r.To)+" "+strings.Join(r.Environments, ",")+" "+strings.Join(r.Rules, ","))
	}
	want := []string{
		"tell revert prod network/expired-entry", "tell revert prod network/open-to-world", "tell ask prod,dev network/entry-too-broad", "tell tell prod,dev network/undeclared-source",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
	if len(got) == 4 && (got[0].Why != "after 1 min" || got[2].Ask == nil || got[2].Ask.Trouble == "" || got[3].Ask == nil || got[3].Ask.Trouble == "") {
		t.Errorf("%+v", got)
	}
	if same := responses(&now, now); len(same) != 0 {
		t.Errorf("in its own place: %+v", same)
	}
	unknown := old
	unknown.acts = false
	if none := responses(&unknown, now); len(none) != 0 {
		t.Errorf("what an older daemon does is not known: %+v", none)
	}
}
