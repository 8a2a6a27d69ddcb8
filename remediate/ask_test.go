package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestAskedApprovedDone(t *testing.T) {
	w, f := asking(t)
	a := w.run(f)
	if a.State != access.ActionAwaiting || a.PlanHash == "" || !a.Wake.Equal(w.now.Add(time.Hour)) || w.count("request") != 0 {
		t.Fatalf("it is %s, wake %s: %s", a.State, a.Wake, a.Why)
	}
	if r := w.yes(f, "bob"); !r.Accepted || w.action(f).State != access.ActionApproved {
		t.Fatalf("%+v; it is %s", r, w.action(f).State)
	}
	if a = w.run(f); a.State != access.ActionVerified || w.count("effect") != 1 || a.UndoUntil.IsZero() {
		t.Errorf("it is %s after %d effects: %s", a.State, w.count("effect"), a.Why)
	}
}

// TestDecidedThoughSomethingStays: a plan that leaves something wrong, and says so, is done when
// it shows: people agreed to just that, and the finding stays open.
func TestDecidedThoughSomethingStays(t *testing.T) {
	w, f := asking(t)
	w.let("::/0")
	f.Evidence.Causes = []access.Ref{f.Ref}
	f.Ref = access.Ref{Scope: scope, Kind: access.KindProject, Name: scope.ID()} // of the union, which stays the world
	w.change(f, func(g *access.Finding) { *g = f })
	if a := w.run(f); a.State != access.ActionAwaiting || !strings.Contains(a.Plan.Why, "not by itself") {
		t.Fatalf("it is %s: %s", a.State, a.Plan.Why)
	}
	if r := w.yes(f, "bob"); !r.Accepted {
		t.Fatal(r.Why)
	}
	if a := w.run(f); a.State != access.ActionVerifying {
		t.Fatalf("before Atlas has had its time it is %s: %s", a.State, a.Why)
	}
	w.now = w.now.Add(retryAfter)
	if a := w.run(f); a.State != access.ActionVerified || !strings.Contains(a.Why, "it still is a violation") || w.count("effect") != 1 || a.UndoUntil.IsZero() {
		t.Errorf("it is %s after %d effects: %s", a.State, w.count("effect"), a.Why)
	}
}

// TestWhoIsAsked holds which findings are asked about, by which response, and which are only
// told of.
func TestWhoIsAsked(t *testing.T) {
	revert := func(w *world) { w.policy.Responses[0].Do = access.ModeRevert }
	for _, c := range []struct {
		name  string
		set   func(w *world, f *access.Finding)
		state access.ActionState
		guard string
	}{
		{"approve", func(*world, *access.Finding) {}, access.ActionAwaiting, ""},
		{"revert that the rule does not allow", func(w *world, f *access.Finding) { revert(w); f.Ceiling = access.CeilingAsk }, access.ActionAwaiting, GuardCeiling},
		{"revert of what is old", func(w *world, f *access.Finding) { revert(w); f.CauseAt = t0.Add(-25 * time.Hour) }, access.ActionAwaiting, GuardCeiling},
		{"revert that would not be well even then", func(w *world, f *access.Finding) { revert(w); w.let("::/0") }, access.ActionAwaiting, GuardCeiling},
		{"revert in an incident", func(w *world, f *access.Finding) { revert(w); w.incident() }, access.ActionAwaiting, GuardIncident},
		{"revert of a rule that was stopped", func(w *world, f *access.Finding) {
			revert(w)
			w.hold(func(c *access.Control) { c.Stopped = []access.Stop{{Rule: f.Rule, Why: "logins failed"}} })
		}, access.ActionAwaiting, GuardStopped},
		{"the rule only tells", func(w *world, f *access.Finding) { f.Ceiling = access.CeilingTell }, access.ActionTold, GuardCeiling},
		{"inherited", func(w *world, f *access.Finding) { f.Origin = access.OriginInherited }, access.ActionTold, GuardInherited},
		{"inherited, to be reverted", func(w *world, f *access.Finding) { revert(w); f.Origin = access.OriginInherited }, access.ActionTold, GuardInherited},
		{"announced", func(w *world, f *access.Finding) { f.Expected = "x1" }, access.ActionTold, GuardExpectation},
		{"of no environment", func(w *world, f *access.Finding) { f.Environment = "" }, access.ActionTold, GuardEnvironment},
		{"nobody of the list is declared", func(w *world, f *access.Finding) { w.policy.Responses[0].Approvers = []string{"nobody"} }, access.ActionTold, GuardApproval},
		{"dry run", func(w *world, f *access.Finding) { w.policy.DryRun = true }, access.ActionRefused, GuardDryRun},
		{"never touched", func(w *world, f *access.Finding) { w.policy.NeverTouch = []string{world0} }, access.ActionRefused, GuardNeverTouch},
		{"the last way in", func(w *world, f *access.Finding) { delete(w.entries, "203.0.113.0/28") }, access.ActionTold, GuardLastWayIn},
		{"nothing to write", func(w *world, f *access.Finding) { f.Remedy = RemedyNone }, access.ActionTold, GuardCeiling},
		{"waived", func(w *world, f *access.Finding) { f.State = access.FindingWaived }, "", ""},
		{"acknowledged", func(w *world, f *access.Finding) { f.State = access.FindingAcknowledged }, access.ActionAwaiting, ""},
		{"ticket", func(w *world, f *access.Finding) { w.policy.Responses[0].Do = access.ModeTicket }, access.ActionTold, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := asking(t)
			c.set(w, &f)
			w.change(f, func(g *access.Finding) { *g = f })
			if a := w.run(f); a.State != c.state || a.Guard != c.guard || w.count("request") != 0 {
				t.Errorf("it is %s by %q: %s", a.State, a.Guard, a.Why)
			}
		})
	}
}

func (w *world) hold(set func(*access.Control)) {
	_, err := w.controls.Update(context.Background(), controlKey(scope), func(c access.Control, _ uint64) (*access.Control, []access.Out, error) {
		set(&c)
		return &c, nil, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) incident() {
	w.hold(func(c *access.Control) {
		c.Incidents = []access.Incident{{Name: "INC-1", By: "olga", From: w.now.Add(-time.Minute), Until: w.now.Add(time.Hour)}}
	})
}

// TestVotes holds whose votes count, on what, and what they are told.
func TestVotes(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(w *world, f access.Finding) access.CommandRecord
		state access.ActionState
		ok    bool
		why   string
	}{
		{"by one who is not asked", func(w *world, f access.Finding) access.CommandRecord { return w.yes(f, "carol") }, access.ActionAwaiting, false, "not, or no longer, among those who may answer"},
		{"by nobody declared", func(w *world, f access.Finding) access.CommandRecord { return w.yes(f, "mallory") }, access.ActionAwaiting, false, "no principal"},
		{"by the one who did it: taking away needs no other", func(w *world, f access.Finding) access.CommandRecord { return w.yes(f, "rajesh") }, access.ActionApproved, true, "approved"},
		{"on another plan", func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbVote, "bob", func(c *access.Command) { w.about(f, access.VoteApprove)(c); c.PlanHash = "other" })
		}, access.ActionAwaiting, false, "the plan has changed"},
		{"on another episode", func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbVote, "bob", func(c *access.Command) { w.about(f, access.VoteApprove)(c); c.Episode = 2 })
		}, access.ActionAwaiting, false, "no action"},
		{"too late", func(w *world, f access.Finding) access.CommandRecord {
			w.now = w.now.Add(time.Hour)
			return w.yes(f, "bob")
		}, access.ActionAwaiting, false, "time was over"},
		{"denied", func(w *world, f access.Finding) access.CommandRecord { return w.no(f, "bob") }, access.ActionVetoed, true, "nothing is written"},
		{"denied on a plan that was shown before", func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbVote, "bob", func(c *access.Command) { w.about(f, access.VoteDeny)(c); c.PlanHash = "before" })
		}, access.ActionVetoed, true, "nothing is written"},
		{"denied after it was approved", func(w *world, f access.Finding) access.CommandRecord { w.yes(f, "bob"); return w.no(f, "alice") }, access.ActionVetoed, true, "nothing is written"},
		{"approved after it was denied", func(w *world, f access.Finding) access.CommandRecord { w.no(f, "alice"); return w.yes(f, "bob") }, access.ActionVetoed, false, "vetoed"},
		{"denied when it was done", func(w *world, f access.Finding) access.CommandRecord {
			w.yes(f, "bob")
			w.run(f)
			return w.no(f, "alice")
		}, access.ActionVerified, false, "too late"},
		{"approved by a second one", func(w *world, f access.Finding) access.CommandRecord { w.yes(f, "bob"); return w.yes(f, "alice") }, access.ActionApproved, true, "decided already, by bob"},
		{"the same command again", func(w *world, f access.Finding) access.CommandRecord {
			c := w.command(access.VerbVote, "bob", w.about(f, access.VoteApprove))
			w.give(c)
			return w.give(c)
		}, access.ActionApproved, true, "approved"},
		{"of two, one", func(w *world, f access.Finding) access.CommandRecord { return w.quorum(2).yes(f, "bob") }, access.ActionAwaiting, true, "1 of 2"},
		{"of two, the same twice", func(w *world, f access.Finding) access.CommandRecord {
			w.quorum(2).yes(f, "bob")
			return w.yes(f, "bob")
		}, access.ActionAwaiting, true, "counted before"},
		{"of two, both", func(w *world, f access.Finding) access.CommandRecord {
			w.quorum(2).yes(f, "bob")
			return w.yes(f, "alice")
		}, access.ActionApproved, true, "approved"},
		{"of two, one by a key that is believed no more", func(w *world, f access.Finding) access.CommandRecord {
			w.quorum(2).yes(f, "bob")
			w.policy.People.Keys = w.policy.People.Keys[1:]
			return w.say(access.VerbVote, "alice", func(c *access.Command) { w.about(f, access.VoteApprove)(c); c.Via = "api" })
		}, access.ActionAwaiting, true, "the key that signed the vote of bob"},
		{"of two, one who left", func(w *world, f access.Finding) access.CommandRecord {
			w.quorum(2).yes(f, "bob")
			w.policy.People.Groups = map[string][]string{"oncall": {"alice"}}
			return w.yes(f, "alice")
		}, access.ActionAwaiting, true, "bob is not, or no longer"},
		{"on what nobody was asked about", func(w *world, f access.Finding) access.CommandRecord {
			g := w.add(entryFinding("203.0.113.0/28"))
			w.change(g, func(g *access.Finding) { g.Origin = access.OriginInherited })
			w.run(g)
			return w.say(access.VerbVote, "bob", func(c *access.Command) { w.about(g, access.VoteApprove)(c); c.PlanHash = "x" })
		}, access.ActionAwaiting, false, "nobody was asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := asking(t)
			w.prepare = func() { w.run(f) }
			if c.name[:min(len(c.name), 6)] != "of two" {
				w.run(f)
			}
			r := c.do(w, f)
			if a := w.action(f); a.State != c.state || r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
				t.Errorf("it is %s; accepted %v: %s", a.State, r.Accepted, r.Why)
			}
		})
	}
}

// quorum asks for so many votes, and then asks.
func (w *world) quorum(n int) *world {
	w.policy.Responses[0].Quorum = n
	w.prepare()
	return w
}

// TestConsentAtExecution holds what may take a consent away between vote and write.
func TestConsentAtExecution(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(w *world, f access.Finding)
		state access.ActionState
		guard string
	}{
		{"the key is believed no more", func(w *world, _ access.Finding) { w.policy.People.Keys = nil }, access.ActionAwaiting, GuardApproval},
		{"who voted may no longer", func(w *world, _ access.Finding) { w.policy.People.Groups = nil }, access.ActionAwaiting, GuardApproval},
		{"the plan is another one", func(w *world, _ access.Finding) {
			w.entries[world0] = access.IPAccessEntry{Entry: world0, Comment: "another"}
		}, access.ActionAwaiting, GuardStalePlan},
		{"frozen", func(w *world, _ access.Finding) { w.say(access.VerbFreeze, "carol", reasoned) }, access.ActionApproved, GuardFreeze},
		{"dry run", func(w *world, _ access.Finding) { w.policy.DryRun = true }, access.ActionRefused, GuardDryRun},
		{"unreadable", func(w *world, _ access.Finding) { w.fault = denied }, access.ActionApproved, GuardUnknown},
		{"no more places", func(w *world, _ access.Finding) { w.policy.Caps.ProjectHour = 0 }, access.ActionApproved, GuardCapProject},
		{"the last way in by now", func(w *world, _ access.Finding) { delete(w.entries, "203.0.113.0/28") }, access.ActionTold, GuardLastWayIn},
		{"waived meanwhile", func(w *world, f access.Finding) {
			w.change(f, func(f *access.Finding) { f.State = access.FindingWaived })
		}, access.ActionSuperseded, ""},
		{"an incident is no obstacle to a consent", func(w *world, _ access.Finding) { w.incident() }, access.ActionVerified, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := asking(t)
			w.run(f)
			w.yes(f, "bob")
			c.set(w, f)
			a := w.run(f)
			if a.State != c.state || a.Guard != c.guard {
				t.Errorf("it is %s by %q: %s", a.State, a.Guard, a.Why)
			}
			if wrote := w.count("request") > 0; wrote != (c.state == access.ActionVerified) {
				t.Errorf("%d requests", w.count("request"))
			}
		})
	}
}

func reasoned(c *access.Command) { c.Reason = "because" }

func TestDeadlines(t *testing.T) {
	escalated := func(w *world) {
		w.policy.Responses[0].OnDeadline, w.policy.Responses[0].Escalate = access.LateEscalate, []string{"carol"}
	}
	late := func(w *world, f access.Finding) access.Action { w.now = w.action(f).Wake; return w.run(f) }
	t.Run("nobody answers", func(t *testing.T) {
		w, f := asking(t)
		w.run(f)
		if a := late(w, f); a.State != access.ActionExpired || w.count("request") != 0 {
			t.Errorf("it is %s: %s", a.State, a.Why)
		}
	})
	t.Run("escalated once", func(t *testing.T) {
		w, f := asking(t)
		escalated(w)
		w.run(f)
		if r := w.yes(f, "carol"); r.Accepted {
			t.Errorf("before the deadline: %s", r.Why)
		}
		if a := late(w, f); a.State != access.ActionAwaiting || !a.Wake.Equal(w.now.Add(time.Hour)) {
			t.Fatalf("it is %s, wake %s: %s", a.State, a.Wake, a.Why)
		}
		if r := w.yes(f, "carol"); !r.Accepted || w.run(f).State != access.ActionVerified {
			t.Errorf("after the deadline: %s; it is %s", r.Why, w.action(f).State)
		}
	})
	t.Run("escalated, and still nobody answers", func(t *testing.T) {
		w, f := asking(t)
		escalated(w)
		w.run(f)
		late(w, f)
		if a := late(w, f); a.State != access.ActionExpired {
			t.Errorf("it is %s: %s", a.State, a.Why)
		}
	})
	t.Run("reverted then", func(t *testing.T) {
		w, f := asking(t)
		w.policy.Responses[0].OnDeadline = access.LateRevert
		w.run(f)
		late(w, f)
		if a := w.settle(f); a.State != access.ActionVerified || w.count("effect") != 1 {
			t.Errorf("it is %s: %s", a.State, a.Why)
		}
	})
	t.Run("not reverted then where the rule asks", func(t *testing.T) {
		w, f := asking(t)
		w.policy.Responses[0].OnDeadline = access.LateRevert
		w.change(f, func(f *access.Finding) { f.Ceiling = access.CeilingAsk })
		w.run(f)
		if a := late(w, f); a.State != access.ActionExpired || w.count("request") != 0 {
			t.Errorf("it is %s: %s", a.State, a.Why)
		}
	})
	t.Run("not reverted then, once the configuration says so no more", func(t *testing.T) {
		w, f := asking(t)
		w.policy.Responses[0].OnDeadline = access.LateRevert
		w.run(f)
		late(w, f)
		w.policy.Responses[0].OnDeadline = access.LateNotify
		w.now = w.now.Add(time.Second)
		if a := w.run(f); w.count("request") != 0 || a.State == access.ActionVerified {
			t.Errorf("it is %s: %s", a.State, a.Why)
		}
	})
}

// TestGrace holds the announced countdown: it can be denied until it ends.
func TestGrace(t *testing.T) {
	for _, vetoed := range []bool{false, true} {
		w, f := asking(t)
		w.policy.Responses[0].Do, w.policy.Responses[0].Grace = access.ModeRevert, 10*time.Minute
		a := w.run(f)
		if a.State != access.ActionProposed || a.PlanHash == "" || !strings.Contains(a.Why, "alice, bob may deny it") || !a.Wake.Equal(t0.Add(10*time.Minute)) {
			t.Fatalf("it is %s, wake %s: %s", a.State, a.Wake, a.Why)
		}
		want := access.ActionVerified
		if vetoed {
			want = access.ActionVetoed
			if r := w.no(f, "bob"); !r.Accepted {
				t.Errorf("denied: %s", r.Why)
			}
		} else if r := w.yes(f, "bob"); r.Accepted {
			t.Errorf("there is nothing to approve: %s", r.Why)
		}
		if a = w.settle(f); a.State != want {
			t.Errorf("vetoed %v: it is %s: %s", vetoed, a.State, a.Why)
		}
	}
}

// TestManyAtOnce holds that of many who vote at the same time each is told the truth, and
// that it is done once.
func TestManyAtOnce(t *testing.T) {
	const many = 200
	w, f := asking(t)
	var group []string
	for i := range many {
		id := fmt.Sprintf("p%03d", i)
		w.policy.People.Principals = append(w.policy.People.Principals, access.Principal{ID: id})
		group = append(group, id)
	}
	w.policy.People.Groups["oncall"] = group
	w.policy.Responses[0].Quorum = 3
	w.run(f)
	var commands []access.Command
	for i, id := range group {
		vote := access.VoteApprove
		if i%50 == 49 {
			vote = access.VoteDeny
		}
		commands = append(commands, w.command(access.VerbVote, id, w.about(f, vote)))
	}
	private, _ := keyOf("slack")
	var wg sync.WaitGroup
	for _, c := range commands {
		raw, err := access.Seal(c, private)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := w.stage().Command(context.Background(), scope, raw, w.now); err != nil {
				t.Errorf("command %s: %v", c.ID, err)
			}
			_, _ = w.act(f) // a lock that another holds: it is tried again
		})
	}
	wg.Wait()
	a := w.action(f)
	counted := 0
	for _, c := range commands {
		r := w.record(c.ID)
		voted := slices.ContainsFunc(a.Votes, func(b access.Ballot) bool { return b.Command == c.ID })
		if voted {
			counted++
		}
		switch {
		case c.Vote == access.VoteDeny && r.Accepted && a.State != access.ActionVetoed:
			t.Errorf("%s was told that it is denied, and it is %s", c.By, a.State)
		case c.Vote == access.VoteApprove && a.State == access.ActionVetoed && voted != r.Accepted && !strings.Contains(r.Why, "decided already"):
			t.Errorf("%s: counted %v, told %v: %s", c.By, voted, r.Accepted, r.Why)
		case r.Why == "":
			t.Errorf("%s was told nothing", c.By)
		}
	}
	switch {
	case a.State == access.ActionVetoed && w.count("effect") == 0:
	case (a.State == access.ActionVerified || a.State == access.ActionApproved) && w.count("effect") <= 1 && counted == 3:
	default:
		t.Errorf("it is %s after %d effects and %d votes", a.State, w.count("effect"), counted)
	}
}

// TestRevokedBetweenWrites holds that of a plan of several writes the rest is not made once
// the consent is gone, and that what was written is told.
func TestRevokedBetweenWrites(t *testing.T) {
	w, _ := asking(t)
	delete(w.entries, world0)
	w.let("0.0.0.0/1", "128.0.0.0/1")
	f := w.add(unionFinding("0.0.0.0/1", "128.0.0.0/1"))
	w.run(f)
	w.yes(f, "bob")
	w.watch = func(string, access.Operation) { w.policy.People.Keys = nil }
	if a := w.run(f); w.count("request") != 1 || a.State == access.ActionVerified || len(a.Outcome.Requests) != 1 {
		t.Errorf("it is %s after %d requests: %s", a.State, w.count("request"), a.Why)
	}
}

func TestConsentNeedsNoDenial(t *testing.T) {
	w, f := asking(t)
	_, key := keyOf("slack")
	by := func(who string, v access.Vote) access.Ballot {
		return access.Ballot{By: who, Vote: v, Key: access.KeyID(key.Public)}
	}
	a := access.Action{Ask: access.Ask{Approvers: []string{"oncall"}, Quorum: 1}, Votes: []access.Ballot{by("bob", access.VoteApprove), by("alice", access.VoteDeny)}}
	if r := Consent(w.policy, a, f); r.Guard != GuardVeto || r.End != access.ActionVetoed {
		t.Errorf("%+v", r)
	}
}

func TestNobodyDeclared(t *testing.T) {
	w, _ := asking(t)
	w.policy.People.Operators = []string{"mallory"}
	if r := w.say(access.VerbFreeze, "mallory", reasoned); r.Accepted || !strings.Contains(r.Why, "principals") {
		t.Errorf("%+v", r)
	}
}

// TestChosenRemedy: where a rule names no remedy the response may, for what it fits, and it is
// asked about only.
func TestChosenRemedy(t *testing.T) {
	for _, c := range []struct {
		remedy, rule string
		state        access.ActionState
	}{
		{"quarantine", RemedyNone, access.ActionAwaiting},
		{"delete", RemedyNone, access.ActionTold}, // of entries
		{"", RemedyNone, access.ActionTold},
		{"delete", RemedyQuarantine, access.ActionAwaiting}, // the rule's own counts
	} {
		w, _ := asking(t)
		w.policy.Responses[0].Remedy = c.remedy
		u := user([]string{"read"}, "main")
		w.users[u.Name()] = u
		f := w.add(userFinding("dbuser/expired-migration-user", c.rule, u, u))
		a := w.run(f)
		if a.State != c.state || a.State == access.ActionAwaiting && a.Plan.Operations[0].Type != access.QuarantineUser {
			t.Errorf("%q of a rule with %q: it is %s: %s", c.remedy, c.rule, a.State, a.Why)
		}
	}
}

// TestOverlappingPlans: what was denied, or taken back, for one finding is not written for
// another one that comes through the same entry.
func TestOverlappingPlans(t *testing.T) {
	both := func() (*world, access.Finding, access.Finding) {
		w, one := asking(t)
		w.let("::/0")
		return w, one, w.add(unionFinding(world0, "::/0"))
	}
	t.Run("denied before the other is asked about", func(t *testing.T) {
		w, one, union := both()
		w.run(one)
		w.no(one, "bob")
		if a := w.run(union); a.State != access.ActionTold || a.Guard != GuardVeto {
			t.Errorf("it is %s by %q: %s", a.State, a.Guard, a.Why)
		}
	})
	t.Run("denied after the other was approved", func(t *testing.T) {
		w, one, union := both()
		w.run(one)
		w.run(union)
		w.yes(union, "alice")
		w.no(one, "bob")
		if a := w.run(union); a.State == access.ActionVerified || a.Guard != GuardVeto || w.count("request") > 0 {
			t.Errorf("it is %s by %q after %d requests: %s", a.State, a.Guard, w.count("request"), a.Why)
		}
	})
	t.Run("denied between two writes of the other", func(t *testing.T) {
		w, _, union := both()
		one := w.add(entryFinding("::/0")) // the second write of the other
		w.run(one)
		w.run(union)
		w.yes(union, "alice")
		deny := w.command(access.VerbVote, "bob", w.about(one, access.VoteDeny))
		private, _ := keyOf("slack")
		raw, err := access.Seal(deny, private)
		if err != nil {
			t.Fatal(err)
		}
		w.lose = func(access.Operation) error {
			w.mu.Unlock() // the command is given while the answer is on its way
			defer w.mu.Lock()
			return w.stage().Command(t.Context(), scope, raw, w.now)
		}
		if a := w.run(union); w.count("request") != 1 || a.State != access.ActionRefused || a.Guard != GuardVeto {
			t.Errorf("it is %s by %q after %d requests: %s", a.State, a.Guard, w.count("request"), a.Why)
		}
	})
	t.Run("taken back, and not fought by the other", func(t *testing.T) {
		w, one, union := both()
		w.run(one)
		w.yes(one, "bob")
		w.run(one)
		w.back(one, access.VerbUndo, "alice")
		w.after(w.action(one).ID + "-undo")
		w.policy.Responses[0].Do = access.ModeRevert
		requests := w.count("request")
		if a := w.run(union); a.State != access.ActionAwaiting || a.Guard != GuardTakenBack || w.count("request") != requests {
			t.Errorf("it is %s by %q: %s", a.State, a.Guard, a.Why)
		}
	})
}
