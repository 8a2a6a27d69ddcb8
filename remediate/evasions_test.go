package remediate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestCountedVoteIsKept holds that what was told to be counted is not lost to a process that
// moves the action as it was before.
func TestCountedVoteIsKept(t *testing.T) {
	w, f := asking(t)
	w.policy.Responses[0].Quorum = 2
	w.run(f)
	before := w.action(f)
	if r := w.yes(f, "bob"); !r.Accepted {
		t.Fatal(r.Why)
	}
	err := w.stage().move(t.Context(), before, access.ActionAwaiting, "escalated", func(n *access.Action) { n.Ask.Escalated = true })
	if a := w.action(f); err == nil || len(a.Votes) != 1 {
		t.Errorf("%v; %d votes", err, len(a.Votes))
	}
}

// TestWhoOpenedItKeepsNothing holds that a denial keeps what was opened, which whoever opened
// it does not decide: of a question and in the time of grace.
func TestWhoOpenedItKeepsNothing(t *testing.T) {
	for _, grace := range []time.Duration{0, 10 * time.Minute} {
		w, f := asking(t)
		if grace > 0 {
			w.policy.Responses[0].Do, w.policy.Responses[0].Grace = access.ModeRevert, grace
		}
		before := w.run(f)
		if r := w.no(f, "rajesh"); r.Accepted || !strings.Contains(r.Why, "somebody else must decide that it stays") {
			t.Errorf("%v: %s", r.Accepted, r.Why)
		}
		if a := w.action(f); a.State != before.State {
			t.Errorf("it is %s", a.State)
		}
	}
}

// TestIncidentByAnotherName holds that who opened an incident does not go on with it by opening
// another one.
func TestIncidentByAnotherName(t *testing.T) {
	w, _ := asking(t)
	open := func(by, name string, long time.Duration) access.CommandRecord {
		return w.say(access.VerbIncident, by, func(c *access.Command) { c.Incident, c.For, c.Reason = name, long, "sev 1" })
	}
	open("olga", "INC-1", 2*time.Hour)
	w.now = w.now.Add(time.Hour)
	if r := open("olga", "INC-2", 2*time.Hour); r.Accepted || !strings.Contains(r.Why, "somebody else must") {
		t.Errorf("%v: %s", r.Accepted, r.Why)
	}
	if r := open("olga", "INC-3", 30*time.Minute); !r.Accepted {
		t.Errorf("within it: %s", r.Why)
	}
	if r := open("omar", "INC-4", 2*time.Hour); !r.Accepted {
		t.Errorf("by another: %s", r.Why)
	}
}

// TestIncidentRightAfter holds that who opened an incident does not go on with it by opening
// another one when it is over, here or, of a project, in its org; and that another may.
func TestIncidentRightAfter(t *testing.T) {
	org := access.OrgScope(orgID)
	other := access.ProjectScope("64f000000000000000000002")
	for name, c := range map[string]struct {
		first  access.Scope
		extend time.Duration // by omar, from the first hour on
		by     string
		in     access.Scope
		after  time.Duration // the beginning of the first one
		long   time.Duration
		why    string // empty: it is opened
	}{
		"at its end":                    {first: scope, by: "olga", in: scope, after: 2 * time.Hour, why: "olga opened incident INC-1, which lasted 2 h until 2026-11-20T14:00:00Z, and cannot go on with it by another one before 2026-11-20T16:00:00Z: somebody else can open one now"},
		"before it has rested":          {first: scope, by: "olga", in: scope, after: 4*time.Hour - time.Second, why: "before 2026-11-20T16:00:00Z"},
		"rested":                        {first: scope, by: "olga", in: scope, after: 4 * time.Hour},
		"another at its end":            {first: scope, by: "omar", in: scope, after: 2 * time.Hour},
		"it was extended":               {first: scope, extend: 2 * time.Hour, by: "olga", in: scope, after: 5 * time.Hour, why: "before 2026-11-20T18:00:00Z"},
		"it was extended, and rested":   {first: scope, extend: 2 * time.Hour, by: "olga", in: scope, after: 6 * time.Hour},
		"who extended it":               {first: scope, extend: 2 * time.Hour, by: "omar", in: scope, after: 3 * time.Hour},
		"of the org, in a project":      {first: org, by: "olga", in: scope, after: 2 * time.Hour, why: "before 2026-11-20T16:00:00Z"},
		"of the org, on":                {first: org, by: "olga", in: scope, after: time.Hour, why: "still on"},
		"of the org, within it":         {first: org, by: "olga", in: scope, after: time.Hour, long: time.Hour},
		"of the org, another":           {first: org, by: "omar", in: scope, after: 2 * time.Hour},
		"of the org, rested":            {first: org, by: "olga", in: scope, after: 4 * time.Hour},
		"of another project":            {first: other, by: "olga", in: scope, after: 2 * time.Hour},
		"of a project of no known org":  {first: org, by: "olga", in: other, after: 2 * time.Hour},
		"of the org, in the org itself": {first: org, by: "olga", in: org, after: 2 * time.Hour, why: "before 2026-11-20T16:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := asking(t)
			w.policy.Org = func(s access.Scope) string {
				if s == other && strings.Contains(name, "no known org") {
					return ""
				}
				return orgID
			}
			_, slack := keyOf("slack")
			slack.Orgs = nil
			w.policy.People.Keys = []access.GatewayKey{slack}
			open := func(by, name string, in access.Scope, long time.Duration) access.CommandRecord {
				return w.say(access.VerbIncident, by, func(c *access.Command) { c.Scope, c.Incident, c.For, c.Reason = in, name, long, "sev 1" })
			}
			if r := open("olga", "INC-1", c.first, 2*time.Hour); !r.Accepted {
				t.Fatal(r.Why)
			}
			w.now = t0.Add(time.Hour)
			if c.extend > 0 {
				if r := open("omar", "INC-1", c.first, c.extend); !r.Accepted {
					t.Fatal(r.Why)
				}
			}
			w.now = t0.Add(c.after)
			if r := open(c.by, "INC-2", c.in, cmp.Or(c.long, 3*time.Hour)); r.Accepted != (c.why == "") || !strings.Contains(r.Why, c.why) {
				t.Errorf("%v: %s", r.Accepted, r.Why)
			}
		})
	}
}

// TestChangedAgainByAnother holds that who opened a gate is not hidden by a later change of the
// same thing: neither for giving it back nor for letting it stand.
func TestChangedAgainByAnother(t *testing.T) {
	other := func(f *access.Finding) { f.Actor = access.Actor{Type: access.ActorHuman, Name: "somebody@example.com"} }
	w, f := finished(t)
	w.change(f, other)
	if r := w.back(f, access.VerbUndo, "rajesh"); r.Accepted {
		t.Errorf("undo: %s", r.Why)
	}
	w, f = asking(t)
	w.run(f)
	w.change(f, other)
	if r := w.say(access.VerbWaive, "rajesh", w.waiving(f)); r.Accepted {
		t.Errorf("waive: %s", r.Why)
	}
}

func (w *world) waiving(f access.Finding) func(*access.Command) {
	return func(c *access.Command) {
		c.Finding, c.Episode, c.Reason, c.Waiver = f.ID, 1, "agreed", &access.Waiver{Until: w.now.Add(time.Hour)}
	}
}

// TestStarIsNoPattern holds that giving back what has a star in its name lets nothing else stand.
func TestStarIsNoPattern(t *testing.T) {
	w, _ := asking(t)
	u := user([]string{"read"}, "main")
	u.Database, u.Username = "$external", "CN=*"
	w.users[u.Name()] = u
	f := userFinding("dbuser/expired-migration-user", RemedyQuarantine, u, u)
	f.Actor = access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
	f.Digest = "digest of it"
	f = w.add(f)
	w.run(f)
	w.yes(f, "bob")
	if a := w.run(f); a.State != access.ActionVerified {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.back(f, access.VerbUndo, "alice")
	if u := w.after(w.action(f).ID + "-undo"); u.State != access.ActionVerified {
		t.Fatalf("it is %s: %s", u.State, u.Why)
	}
	ws, _, err := w.waivers.Get(t.Context(), access.WaiversKey)
	if err != nil || len(ws.Waivers) != 1 {
		t.Fatalf("%d waivers, %v", len(ws.Waivers), err)
	}
	for _, x := range ws.Waivers {
		if x.Digest != "digest of it" && access.Match(x.Name, "$external/CN=another") {
			t.Errorf("it lets others stand: %+v", x)
		}
	}
}

// TestDoneIsNotRefused holds that a command that was done by a process that died before it could
// say so is answered as done, though what it did has taken effect since.
func TestDoneIsNotRefused(t *testing.T) {
	slack, _ := keyOf("slack")
	for name, do := range map[string]func(w *world, f access.Finding) (access.Command, func()){
		"undo": func(w *world, f access.Finding) (access.Command, func()) {
			c := w.command(access.VerbUndo, "alice", func(c *access.Command) { w.about(f, "")(c); c.Reason = "needed" })
			return c, func() { w.after(w.action(f).ID + "-undo") }
		},
		"waiver": func(w *world, f access.Finding) (access.Command, func()) {
			w.change(f, func(f *access.Finding) { f.State = access.FindingOpen })
			return w.command(access.VerbWaive, "bob", w.waiving(f)), func() { w.change(f, func(f *access.Finding) { f.State = access.FindingResolved }) }
		},
		"acknowledgement": func(w *world, f access.Finding) (access.Command, func()) {
			w.change(f, func(f *access.Finding) { f.State = access.FindingOpen })
			c := w.command(access.VerbAcknowledge, "bob", func(c *access.Command) { c.Finding, c.Episode = f.ID, 1 })
			return c, func() { w.change(f, func(f *access.Finding) { f.State = access.FindingResolved }) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, f := finished(t)
			c, effect := do(w, f)
			raw, err := access.Seal(c, slack)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.stage().obey(t.Context(), w.policy, c, raw); err != nil { // and no record of it
				t.Fatal(err)
			}
			effect()
			if r := w.give(c); !r.Accepted {
				t.Errorf("it is recorded as refused: %s", r.Why)
			}
		})
	}
}

// TestConsentEnds holds that what was agreed to and could not be carried out is not carried out
// long after without being asked again.
func TestConsentEnds(t *testing.T) {
	w, f := asking(t)
	w.run(f)
	w.yes(f, "bob")
	w.say(access.VerbFreeze, "carol", reasoned)
	w.run(f)
	w.now = w.now.Add(20 * 24 * time.Hour)
	w.say(access.VerbUnfreeze, "olga", reasoned)
	if a := w.run(f); a.State != access.ActionAwaiting || len(a.Votes) > 0 || w.count("request") > 0 {
		t.Errorf("it is %s after %d requests: %s", a.State, w.count("request"), a.Why)
	}
	w, f = finished(t)
	before := w.count("request")
	w.say(access.VerbFreeze, "carol", reasoned)
	w.back(f, access.VerbUndo, "bob")
	w.after(w.action(f).ID + "-undo")
	w.now = w.now.Add(20 * 24 * time.Hour)
	w.say(access.VerbUnfreeze, "olga", reasoned)
	if u := w.after(w.action(f).ID + "-undo"); u.State != access.ActionExpired || w.count("request") > before {
		t.Errorf("it is %s: %s", u.State, u.Why)
	}
}

// TestAdoptedAnew holds that what came to nothing is adopted anew by two people again, that this
// has its effect, and that nothing is adopted over a denial.
func TestAdoptedAnew(t *testing.T) {
	w, f := asking(t)
	w.change(f, func(f *access.Finding) { f.Origin = access.OriginInherited })
	w.run(f)
	adopt := func(by string) access.CommandRecord {
		_, hash, err := w.stage().Adoptables(t.Context(), scope, f.Rule)
		if err != nil {
			t.Fatal(err)
		}
		return w.say(access.VerbAdopt, by, func(c *access.Command) { c.Rule, c.PlanHash, c.Reason = f.Rule, hash, "debt" })
	}
	adopt("olga")
	adopt("omar")
	w.policy.DryRun = true
	if a := w.run(f); a.State != access.ActionRefused {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.policy.DryRun = false
	if r := adopt("omar"); !r.Accepted || w.action(f).State != access.ActionRefused {
		t.Errorf("by one: %s; it is %s", r.Why, w.action(f).State)
	}
	if r := adopt("olga"); !r.Accepted || w.action(f).State != access.ActionApproved {
		t.Errorf("by two: %s; it is %s", r.Why, w.action(f).State)
	}
	list, _, err := w.stage().Adoptables(t.Context(), scope, f.Rule)
	if err != nil {
		t.Fatal(err)
	}
	votes := w.action(f).Votes
	if r := w.no(f, "olga"); !r.Accepted {
		t.Fatal(r.Why)
	}
	a := w.action(f)
	a.Votes = nil
	w.put(a)
	if err := w.stage().adopted(t.Context(), w.policy, scope, list[0], votes); err != nil || w.action(f).State != access.ActionVetoed {
		t.Errorf("%v; it is %s", err, w.action(f).State)
	}
}

// TestJunkStaysSmall holds that what a stranger writes takes up little, and that where no scope
// is, nothing waits for ever to be told.
func TestJunkStaysSmall(t *testing.T) {
	w, _ := asking(t)
	long := strings.Repeat("A", 50_000)
	key, err := json.Marshal(access.Envelope{V: access.Version, Key: long, Payload: []byte("{}"), Signature: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{fmt.Sprintf(`{"%s":1}`, long), string(key)} {
		if err := w.stage().Command(t.Context(), scope, []byte(raw), w.now); err != nil {
			t.Fatal(err)
		}
		if n := len(w.records.docs[recordKey("refused-"+access.Hash(raw))]); n == 0 || n > 2_000 {
			t.Errorf("%d bytes are kept of %d", n, len(raw))
		}
	}
	stored := len(w.records.docs)
	for _, nowhere := range []access.Scope{"command.x", "prj.a!b", "x"} {
		if err := w.stage().Command(t.Context(), nowhere, []byte("junk"), w.now); err != nil || len(w.records.docs) != stored {
			t.Errorf("%s: %v; %d records", nowhere, err, len(w.records.docs))
		}
	}
}

// TestAnnouncedFarAhead holds that a change is announced for the time ahead of it only.
func TestAnnouncedFarAhead(t *testing.T) {
	w, _ := asking(t)
	r := w.say(access.VerbExpect, "olga", func(c *access.Command) {
		from := w.now.Add(5 * 365 * 24 * time.Hour)
		c.Expect, c.Reason = &access.Expectation{Name: "198.51.100.0/24", From: from, Until: from.Add(time.Hour)}, "a move"
	})
	if r.Accepted {
		t.Errorf("announced for years ahead: %s", r.Why)
	}
}

// TestStoppedRuleGoesOn holds that a rule that did harm is let go on by an operator, though
// nothing is frozen.
func TestStoppedRuleGoesOn(t *testing.T) {
	w, f := asking(t)
	w.policy.Responses[0].Do, w.policy.Responses[0].Approvers = access.ModeRevert, nil
	w.hold(func(c *access.Control) { c.Stopped = []access.Stop{{Rule: f.Rule, Why: "harm", At: w.now}} })
	w.say(access.VerbUnfreeze, "olga", reasoned)
	if a := w.settle(f); a.State != access.ActionVerified {
		t.Errorf("it is %s by %q: %s", a.State, a.Guard, a.Why)
	}
}

// TestHalfIsTakenBack holds that what was written of a plan that stopped half way can be taken
// back, and nothing else is written by that.
func TestHalfIsTakenBack(t *testing.T) {
	w, _ := asking(t)
	delete(w.entries, world0)
	w.let("0.0.0.0/1", "128.0.0.0/1")
	f := unionFinding("0.0.0.0/1", "128.0.0.0/1")
	f.Actor = access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
	f = w.add(f)
	w.run(f)
	w.yes(f, "bob")
	w.watch = func(string, access.Operation) { w.policy.People.Groups["oncall"] = []string{"alice"} }
	if a := w.run(f); a.State != access.ActionRefused || len(a.Outcome.Requests) != 1 {
		t.Fatalf("it is %s after %v: %s", a.State, a.Outcome.Requests, a.Why)
	}
	w.back(f, access.VerbUndo, "olga")
	if u := w.after(w.action(f).ID + "-undo"); u.State != access.ActionVerified || len(w.entries) != 3 || w.count("request") != 2 {
		t.Errorf("it is %s with entries %v: %s", u.State, w.entries, u.Why)
	}
}

// TestKeptLapse holds that a question is not taken for unanswered before its time, whatever the
// store says of it; and that a write under way is one of the plan, whatever it says of that.
func TestKeptLapse(t *testing.T) {
	w, f := asking(t)
	w.policy.Responses[0].OnDeadline = access.LateRevert
	a := w.run(f)
	a.State, a.Ask.Lapsed, a.Wake = access.ActionProposed, true, time.Time{}
	a.Steps = append(a.Steps, access.Step{At: w.now, To: a.State})
	w.put(a)
	if a = w.run(f); w.count("request") > 0 {
		t.Errorf("it is %s after %v", a.State, w.log)
	}
	w, f = asking(t)
	w.policy.Responses[0].Do = access.ModeRevert
	w.let("198.51.100.0/24")
	w.steps, w.dieAt = 0, 0
	w.refuse = func(access.Operation) error { return access.ErrTemporary }
	if a = w.run(f); a.State != access.ActionRunning {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.refuse = nil
	a.Plan.Operations[0].Ref.Name = "198.51.100.0/24"
	w.put(a)
	w.now = a.Wake
	w.run(f)
	if _, there := w.entries["198.51.100.0/24"]; !there {
		t.Errorf("another entry was deleted: %v", w.log)
	}
}

// TestAnIntentBelowItsHashNamesNobody: what somebody wrote into the stored plan of a write under way is
// not taken for what it was heard of when that plan was made.
func TestAnIntentBelowItsHashNamesNobody(t *testing.T) {
	const wide = "64.0.0.0/2"
	w, f := asking(t)
	w.policy.Responses[0].Do = access.ModeRevert
	w.let(wide)
	w.refuse = func(access.Operation) error { return access.ErrTemporary }
	a := w.run(f)
	if a.State != access.ActionRunning {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.refuse = nil
	a.Plan.Operations[0].Ref.Name = wide
	w.put(a)
	w.now = a.Wake
	w.run(f)
	if _, there := w.entries[wide]; !there {
		t.Errorf("another entry was deleted: %v", w.log)
	}
}
