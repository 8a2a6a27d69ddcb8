package remediate

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// guarded is a world opened to everybody, with the plan that closes it: nothing is in the way.
func guarded() (Case, access.Plan) {
	k := kase(entryFinding(world0), list(world0, "203.0.113.0/28")...)
	k.Finding.Severity, k.Finding.Actor, k.Title = access.High, machine(terraformID), "shop-prod"
	k.Policy.Settle = Settle{Critical: 0, Other: 90 * time.Second}
	return k, MakePlan(k)
}

// on is a plan that writes to the named user instead.
func on(name string) access.Plan {
	p := quarantineOf(name)
	p.Ceiling = auto
	return p
}

// TestEachGuardAlone: each guard is all that keeps one harm from being done. Without its
// condition every guard consents, and with it no other one refuses: were it broken, the write
// would be made.
func TestEachGuardAlone(t *testing.T) {
	entry := access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: world0}
	status := func(s access.Status) func(*Case, *access.Plan) {
		return func(c *Case, _ *access.Plan) {
			col := c.Fresh[access.KindIPAccessEntry]
			col.Status = s
			c.Fresh[access.KindIPAccessEntry] = col
		}
	}
	rounds := func(n int) []access.Action {
		var out []access.Action
		for i := range n {
			at := t0.Add(-time.Duration(40-i) * time.Minute)
			out = append(out, was(entry, machine("operator"), at, at.Add(time.Second)))
		}
		return out
	}
	for _, c := range []struct {
		harm  string
		set   func(c *Case, p *access.Plan)
		guard string
	}{
		{"a write while everything is frozen", func(c *Case, _ *access.Plan) { c.Control.Freeze = access.Freeze{On: true, By: "alice"} }, GuardFreeze},
		{"a write in a dry run", func(c *Case, _ *access.Plan) { c.Policy.DryRun = true }, GuardDryRun},
		{"a write without a credential for it", func(c *Case, _ *access.Plan) { c.CanWrite = false }, GuardCredentials},
		{"deadlines by a wrong clock", func(c *Case, _ *access.Plan) { c.Skew = time.Minute }, GuardSkew},
		{"a write to what is never touched", func(c *Case, _ *access.Plan) { c.Policy.NeverTouch = []string{"ip_access_entry/0.*"} }, GuardNeverTouch},
		{"our own database user without roles", func(c *Case, p *access.Plan) {
			c.Policy.Own.Credentials = []string{"gatewarden"}
			*p = on("admin/gatewarden")
		}, GuardOwnAccess},
		{"our own address locked out", func(c *Case, _ *access.Plan) { c.Policy.Own.Addresses = []string{"198.51.100.7/32"} }, GuardOwnAccess},
		{"the last way in closed", func(c *Case, _ *access.Plan) {
			c.Fresh[access.KindIPAccessEntry] = access.NewCollection(scope, access.KindIPAccessEntry, list(world0))
		}, GuardLastWayIn},
		{"a fight with Terraform", func(c *Case, _ *access.Plan) { c.Policy.Guards.Ownership = []access.Ownership{terraform()} }, GuardOwnership},
		{"a second revert of what Terraform opens to the world", func(c *Case, _ *access.Plan) {
			c.Policy.Guards.Ownership, c.Finding.Severity, c.Past = []access.Ownership{terraform()}, access.Critical, []access.Action{was(entry, machine(terraformID), t0.Add(-2*time.Hour), t0.Add(-2*time.Hour))}
		}, GuardOwnership},
		{"a war without an end", func(c *Case, _ *access.Plan) {
			c.Policy.Guards.War, c.Past = access.War{Flips: 3, Window: time.Hour}, rounds(3)
		}, GuardWar},
		{"a war that goes on after a pause of nobody's", func(c *Case, _ *access.Plan) {
			a := was(entry, machine("operator"), t0.Add(-2*time.Hour), time.Time{})
			a.Guard, a.State, a.Steps[0].At = GuardWar, access.ActionTold, t0.Add(-59*time.Minute)
			c.Policy.Guards.War, c.Past = access.War{Flips: 3, Window: time.Hour}, []access.Action{a}
		}, GuardWar},
		{"an apply cut in two", func(c *Case, _ *access.Plan) { c.Finding.CauseAt = t0.Add(-89 * time.Second) }, GuardSettle},
		{"a revert before its grace is over", func(c *Case, _ *access.Plan) { c.Policy.Responses[0].Grace = time.Hour }, GuardSettle},
		{"a write by a read that is not credible", status(access.StatusSuspect), GuardSuspect},
		{"a write by a read that was denied", status(access.StatusDenied), GuardUnknown},
		{"a write by a read that failed", status(access.StatusFailed), GuardUnknown},
		{"a write by what was read long ago", func(c *Case, p *access.Plan) { c.Fresh, *p = nil, on("admin/shop_app_user") }, GuardUnknown},
		{"a write about what nobody has judged yet", func(c *Case, _ *access.Plan) {
			c.Fresh[access.KindIPAccessEntry] = access.NewCollection(scope, access.KindIPAccessEntry, list(world0, "203.0.113.0/28", "64.0.0.0/2"))
			c.Verdict.Evidence.Causes = []access.Ref{{Scope: scope, Kind: access.KindIPAccessEntry, Name: "64.0.0.0/2"}}
		}, GuardUnknown},
		{"a write by a rule that fails", func(c *Case, _ *access.Plan) { c.Verdict.Answer = access.AnswerUnknown }, GuardUnknown},
		{"a write about what is well by now", func(c *Case, _ *access.Plan) { c.Verdict.Answer = access.AnswerPass }, GuardUnknown},
		{"an announced change taken back", func(c *Case, _ *access.Plan) { c.Finding.Expected = "cutover" }, GuardExpectation},
		{"an incident at three in the morning fought", func(c *Case, _ *access.Plan) {
			c.Control.Incidents = []access.Incident{{Name: "INC-1", By: "alice", From: t0.Add(-time.Hour), Until: t0.Add(time.Hour)}}
		}, GuardIncident},
		{"harm done again", func(c *Case, _ *access.Plan) {
			c.Control.Stopped = []access.Stop{{Rule: c.Finding.Rule, Why: "logins failed"}}
		}, GuardStopped},
		{"a write in a change freeze", func(c *Case, _ *access.Plan) {
			c.Policy.Guards.Windows = []access.Window{{Projects: []string{"*-prod"}, Days: []time.Weekday{time.Friday}}}
		}, GuardWindow},
		{"a write outside of maintenance", func(c *Case, _ *access.Plan) {
			c.Policy.Guards.Windows = []access.Window{{Do: access.WindowAllow, Days: []time.Weekday{time.Sunday}}}
		}, GuardWindow},
		{"a write to a project of no environment", func(c *Case, _ *access.Plan) { c.Finding.Environment = "" }, GuardEnvironment},
		{"a write to what was there before", func(c *Case, _ *access.Plan) { c.Finding.Origin = access.OriginInherited }, GuardInherited},
		{"a rule beyond its ceiling", func(c *Case, _ *access.Plan) { c.Finding.Ceiling = asks }, GuardCeiling},
		{"a verdict beyond its ceiling", func(c *Case, _ *access.Plan) { c.Verdict.Ceiling = asks }, GuardCeiling},
		{"a plan beyond its ceiling", func(_ *Case, p *access.Plan) { p.Ceiling = asks }, GuardCeiling},
		{"a revert that nobody asks for any more", func(c *Case, _ *access.Plan) { c.Policy.Responses = nil }, GuardCeiling},
		{"a revert of what is a day old", func(c *Case, _ *access.Plan) { c.Finding.CauseAt = t0.Add(-25 * time.Hour) }, GuardCeiling},
		{"a database user deleted by itself", func(c *Case, p *access.Plan) {
			*p = on("admin/shop_app_user")
			p.Operations[0].Type = access.DeleteDatabaseUser
		}, GuardCeiling},
	} {
		t.Run(c.harm, func(t *testing.T) {
			k, p := guarded()
			if r := Guard(k, p); !r.OK() {
				t.Fatalf("without it: %+v", r)
			}
			c.set(&k, &p)
			if r := Guard(k, p); r.Guard != c.guard || r.Why == "" {
				t.Fatalf("got %+v, want %s", r, c.guard)
			}
			refusing := 0
			for _, r := range []Refusal{leave(k), armed(k), known(k), settled(k), harmless(k, p), allowed(k, p)} {
				if !r.OK() {
					refusing++
				}
			}
			if refusing != 1 && c.guard != GuardCeiling {
				t.Errorf("%d guards refuse: it is not alone", refusing)
			}
		})
	}
}

// TestEachCapAlone: of a full hour of a project or an org nothing more is written, until the
// first of it is an hour ago.
func TestEachCapAlone(t *testing.T) {
	org := access.OrgScope(orgID)
	for _, c := range []struct {
		name  string
		in    access.Scope // the ledger that is full
		ago   time.Duration
		guard string // empty: it is written
	}{
		{"the project's", scope, 59 * time.Minute, GuardCapProject},
		{"the project's, an hour ago", scope, time.Hour, ""},
		{"the org's", org, 59 * time.Minute, GuardCapOrg},
		{"the org's, an hour ago", org, time.Hour, ""},
		{"another project's", "prj.64f000000000000000000002", time.Minute, ""},
	} {
		w, f := open(t)
		w.policy.Caps = Caps{1, 1}
		if _, err := w.control.Update(t.Context(), capsKey(c.in), func(Ledger, uint64) (*Ledger, []access.Out, error) {
			return &Ledger{V: access.Version, Actions: []Reservation{{ID: "other-1", At: t0.Add(-c.ago)}}}, nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.act(f); err != nil {
			t.Fatal(err)
		}
		if a := w.action(f); a.Guard != c.guard || (w.count("request") == 0) != (c.guard != "") {
			t.Errorf("%s: %s by %q: %s, %v", c.name, a.State, a.Guard, a.Why, w.log)
		}
	}
}

// TestStalePlanAlone: what was approved is not carried out once it would be another thing. All
// else agrees to it: the same plan on the same state is carried out.
func TestStalePlanAlone(t *testing.T) {
	for _, changed := range []bool{false, true} {
		w, f := open(t)
		_, key := keyOf("slack")
		w.policy.People = People{Principals: []access.Principal{{ID: "alice"}}, Keys: []access.GatewayKey{key}}
		w.policy.Responses = []access.Response{{Do: access.ModeApprove, Approvers: []string{"alice"}}}
		if _, err := w.act(f); err != nil || w.action(f).State != access.ActionAwaiting {
			t.Fatalf("%v: %+v", err, w.action(f))
		}
		w.approved(f, w.ballot(access.VerbVote, "alice", w.about(f, access.VoteApprove)))
		if changed {
			w.entries[world0] = access.IPAccessEntry{Entry: world0, Comment: "for the auditors, until Friday"}
		}
		if _, err := w.act(f); err != nil {
			t.Fatal(err)
		}
		a := w.action(f)
		switch {
		case !changed && (a.State != access.ActionVerified || w.count("effect") != 1):
			t.Errorf("as it was: %s: %s", a.State, a.Why)
		case changed && (w.count("request") != 0 || a.State != access.ActionAwaiting || a.Guard != GuardStalePlan || len(a.Votes) > 0):
			t.Errorf("changed: %s by %q: %s, %v", a.State, a.Guard, a.Why, w.log)
		}
	}
}

// TestAskedOrTold: what is left to people is asked about where they can answer, but for a war
// and a time to observe.
func TestAskedOrTold(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*world, *access.Finding)
		state access.ActionState
		guard string
	}{
		{"owned", func(w *world, f *access.Finding) {
			w.policy.Guards.Ownership = []access.Ownership{terraform()}
			f.Actor, f.Severity = machine(terraformID), access.High
		}, access.ActionAwaiting, GuardOwnership},
		{"a freeze", func(w *world, _ *access.Finding) { w.policy.Guards.Windows = []access.Window{{Critical: true}} }, access.ActionAwaiting, GuardWindow},
		{"a time to observe", func(w *world, _ *access.Finding) {
			w.policy.Guards.Windows = []access.Window{{Critical: true, Do: access.WindowObserve}}
		}, access.ActionTold, GuardWindow},
	} {
		w, f := open(t)
		w.policy.People.Principals = []access.Principal{{ID: "alice"}}
		w.policy.Responses = []access.Response{{Do: access.ModeRevert, Approvers: []string{"alice"}}}
		w.change(f, func(f *access.Finding) { c.set(w, f) })
		w.now = w.now.Add(2 * time.Minute)
		if _, err := w.act(f); err != nil {
			t.Fatal(err)
		}
		if a := w.action(f); a.State != c.state || c.state == access.ActionTold && a.Guard != c.guard || w.count("request") > 0 {
			t.Errorf("%s: %s by %q: %s", c.name, a.State, a.Guard, a.Why)
		}
	}
}
