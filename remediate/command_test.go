package remediate

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestForged holds what is put on a command's subject by whoever is no gateway, or by a
// gateway for what it may not speak of: it is refused, told and recorded, and nothing moves.
func TestForged(t *testing.T) {
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{'x'}, ed25519.SeedSize))
	slack, _ := keyOf("slack")
	seal := func(t *testing.T, c access.Command, key ed25519.PrivateKey) []byte {
		raw, err := access.Seal(c, key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		name string
		raw  func(t *testing.T, w *world, c access.Command) []byte
		why  string
	}{
		{"no envelope", func(*testing.T, *world, access.Command) []byte { return []byte(`{"approve":true}`) }, "envelope"},
		{"a publish acknowledgement", func(*testing.T, *world, access.Command) []byte {
			return []byte(`{"stream":"GW_CHANGES","seq":7}`)
		}, "envelope"},
		{"by a strange key", func(t *testing.T, _ *world, c access.Command) []byte { return seal(t, c, stranger) }, "not (or no longer) one of those"},
		{"a strange signature under a known key", func(t *testing.T, _ *world, c access.Command) []byte {
			var e access.Envelope
			if err := json.Unmarshal(seal(t, c, stranger), &e); err != nil {
				t.Fatal(err)
			}
			_, known := keyOf("slack")
			e.Key = access.KeyID(known.Public)
			raw, _ := json.Marshal(e)
			return raw
		}, "wrong signature"},
		{"for another gateway", func(t *testing.T, _ *world, c access.Command) []byte { c.Via = "api"; return seal(t, c, slack) }, "signed by the key of slack"},
		{"for another project", func(t *testing.T, _ *world, c access.Command) []byte {
			c.Scope = access.ProjectScope("64f0000000000000000000ff")
			return seal(t, c, slack)
		}, "was published for"},
		{"for another org", func(t *testing.T, w *world, c access.Command) []byte {
			w.policy.Org = func(access.Scope) string { return "64f0000000000000000000bb" }
			return seal(t, c, slack)
		}, "does not speak"},
		{"void", func(t *testing.T, _ *world, c access.Command) []byte {
			c.At, c.Until = c.At.Add(-time.Hour), c.Until.Add(-time.Hour)
			return seal(t, c, slack)
		}, "void"},
		{"of tomorrow", func(t *testing.T, _ *world, c access.Command) []byte {
			c.At, c.Until = c.At.Add(24*time.Hour), c.Until.Add(24*time.Hour)
			return seal(t, c, slack)
		}, "still to come"},
		{"by a key that was taken out", func(t *testing.T, w *world, c access.Command) []byte {
			w.policy.People.Keys = nil
			return seal(t, c, slack)
		}, "not (or no longer)"},
		{"another command under the same id", func(t *testing.T, w *world, c access.Command) []byte {
			freeze := w.command(access.VerbFreeze, "carol", reasoned)
			freeze.ID = c.ID
			w.give(freeze)
			return seal(t, c, slack)
		}, "given before, with other words"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := asking(t)
			w.run(f)
			raw := c.raw(t, w, w.command(access.VerbVote, "bob", w.about(f, access.VoteApprove)))
			for range 2 {
				if err := w.stage().Command(context.Background(), scope, raw, w.now); err != nil {
					t.Fatal(err)
				}
			}
			r := w.record("refused-" + access.Hash(string(raw)))
			if r.Accepted || !strings.Contains(r.Why, c.why) {
				t.Errorf("recorded %+v", r)
			}
			if a := w.run(f); a.State != access.ActionAwaiting || len(a.Votes) > 0 || w.count("request") > 0 {
				t.Errorf("it is %s with %d votes after %d requests", a.State, len(a.Votes), w.count("request"))
			}
			told := 0
			for _, o := range w.records.outs {
				if strings.Contains(string(o.Body), "not believed") {
					told++
				}
			}
			if told != 1 {
				t.Errorf("told %d times", told)
			}
		})
	}
}

// TestKeptWrites holds a vote that was written into the store by another than the executor:
// it is signed by no key that is believed, and carries nothing.
func TestKeptWrites(t *testing.T) {
	_, slack := keyOf("slack")
	known := access.KeyID(slack.Public)
	for name, forge := range map[string]func(w *world, f access.Finding) access.Ballot{
		"by a key that nobody knows": func(*world, access.Finding) access.Ballot {
			return access.Ballot{By: "bob", Vote: access.VoteApprove, Key: "0123456789abcdef", Command: "made up"}
		},
		"by the id of a known key, without its signature": func(*world, access.Finding) access.Ballot {
			return access.Ballot{By: "bob", Vote: access.VoteApprove, Via: "slack", Key: known, Command: "01JD9A00000000000000000000"}
		},
		"with what was said of another plan": func(w *world, f access.Finding) access.Ballot {
			return w.ballot(access.VerbVote, "bob", func(c *access.Command) { w.about(f, access.VoteApprove)(c); c.PlanHash = "another" })
		},
		"with what was said of another episode": func(w *world, f access.Finding) access.Ballot {
			return w.ballot(access.VerbVote, "bob", func(c *access.Command) { w.about(f, access.VoteApprove)(c); c.Episode = 2 })
		},
		"with a denial": func(w *world, f access.Finding) access.Ballot {
			b := w.ballot(access.VerbVote, "bob", w.about(f, access.VoteDeny))
			b.Vote = access.VoteApprove
			return b
		},
		"with what another said": func(w *world, f access.Finding) access.Ballot {
			b := w.ballot(access.VerbVote, "carol", w.about(f, access.VoteApprove))
			b.By = "bob"
			return b
		},
		"with a command of another kind": func(w *world, f access.Finding) access.Ballot {
			b := w.ballot(access.VerbUndo, "bob", func(c *access.Command) { w.about(f, "")(c); c.Reason = "r" })
			b.Vote = access.VoteApprove
			return b
		},
		"for another gateway": func(w *world, f access.Finding) access.Ballot {
			c := w.command(access.VerbVote, "bob", w.about(f, access.VoteApprove))
			c.Via = "api"
			private, _ := keyOf("slack")
			raw, err := access.Seal(c, private)
			if err != nil {
				t.Fatal(err)
			}
			return ballot(c, raw)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, f := asking(t)
			w.run(f)
			w.approved(f, forge(w, f))
			if a := w.run(f); a.State != access.ActionAwaiting || a.Guard != GuardApproval || w.count("request") > 0 {
				t.Errorf("it is %s by %q after %d requests: %s", a.State, a.Guard, w.count("request"), a.Why)
			}
		})
	}
}

// TestKeptPlan holds a plan that was changed in the store below its hash and its votes: of a
// question, and of what takes an action back.
func TestKeptPlan(t *testing.T) {
	w, f := asking(t)
	w.run(f)
	w.yes(f, "bob")
	a := w.action(f)
	a.Plan.Operations[0].Ref.Name = "203.0.113.0/28"
	w.put(a)
	if a = w.run(f); w.count("request") > 0 {
		t.Errorf("it is %s after %v", a.State, w.log)
	}
	w, f = finished(t)
	w.back(f, access.VerbUndo, "alice")
	u := w.stored(w.action(f).ID + "-undo")
	u.Plan.Operations[0].Entry.Entry = "198.51.100.0/24"
	w.put(u)
	if u = w.after(u.ID); u.State != access.ActionStale || len(w.entries) != 1 {
		t.Errorf("it is %s with entries %v", u.State, w.entries)
	}
}

// TestNoLongerAsked holds that whom the response in force does not let decide decides nothing,
// whoever was asked; and that as many are needed as it says by now.
func TestNoLongerAsked(t *testing.T) {
	for name, reload := range map[string]func(*access.Response){
		"others decide by now":   func(r *access.Response) { r.Approvers = []string{"alice"} },
		"it takes two by now":    func(r *access.Response) { r.Quorum = 2 },
		"nobody is asked by now": func(r *access.Response) { r.Do, r.Approvers = access.ModeNotify, nil },
	} {
		t.Run(name, func(t *testing.T) {
			w, f := asking(t)
			w.run(f)
			w.yes(f, "bob")
			reload(&w.policy.Responses[0])
			if a := w.run(f); a.State != access.ActionAwaiting || w.count("request") > 0 {
				t.Errorf("it is %s after %d requests: %s", a.State, w.count("request"), a.Why)
			}
		})
	}
}

func TestFreezeAndIncident(t *testing.T) {
	w, f := asking(t)
	w.policy.Responses[0].Do = access.ModeRevert
	if r := w.say(access.VerbFreeze, "carol", reasoned); !r.Accepted {
		t.Fatalf("anybody declared may freeze: %s", r.Why)
	}
	if a := w.run(f); a.State != access.ActionProposed || a.Guard != GuardFreeze || w.count("request") > 0 {
		t.Fatalf("frozen: it is %s by %q: %s", a.State, a.Guard, a.Why)
	}
	if r := w.say(access.VerbUnfreeze, "carol", reasoned); r.Accepted {
		t.Fatalf("to let go takes an operator: %s", r.Why)
	}
	if r := w.say(access.VerbUnfreeze, "olga", reasoned); !r.Accepted {
		t.Fatal(r.Why)
	}
	if a := w.settle(f); a.State != access.ActionVerified {
		t.Fatalf("unfrozen: it is %s: %s", a.State, a.Why)
	}
}

func TestIncidents(t *testing.T) {
	incident := func(w *world, by, name string, long time.Duration) access.CommandRecord {
		return w.say(access.VerbIncident, by, func(c *access.Command) { c.Incident, c.For, c.Reason = name, long, "sev 1" })
	}
	w, f := asking(t)
	w.policy.Responses[0].Do = access.ModeRevert
	for _, c := range []struct {
		by, name string
		long     time.Duration
		ok       bool
		why      string
	}{
		{"carol", "INC-1", time.Hour, false, "guards.operators"},
		{"olga", "INC-1", 25 * time.Hour, false, "at most"},
		{"olga", "INC-1", time.Hour, true, "is on until"},
		{"olga", "INC-1", 2 * time.Hour, false, "cannot extend it"},
		{"omar", "INC-1", 2 * time.Hour, true, "extended"},
		{"omar", "INC-1", time.Minute, true, "anyway"},
	} {
		w.now = w.now.Add(time.Second)
		if r := incident(w, c.by, c.name, c.long); r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
			t.Errorf("%+v: %v: %s", c, r.Accepted, r.Why)
		}
	}
	w.change(f, func(f *access.Finding) { f.CauseAt, f.OpenedAt = w.now, w.now })
	if a := w.run(f); a.State != access.ActionAwaiting || a.Guard != GuardIncident || w.count("request") > 0 {
		t.Errorf("in the incident it is %s by %q: %s", a.State, a.Guard, a.Why)
	}
	old := access.Finding{ID: "old", State: access.FindingOpen, CauseAt: t0.Add(-time.Hour)}
	w.now = w.now.Add(3 * time.Hour)
	end := func() {
		if err := w.stage().EndIncidents(t.Context(), scope, meanwhile{w.findings.Findings[f.ID], old}); err != nil {
			t.Fatal(err)
		}
	}
	end()
	end()
	var said []string
	for _, o := range w.controls.outs {
		said = append(said, string(o.Body))
	}
	if len(said) != 1 || !strings.Contains(said[0], "1 findings came about in it and still stand; network/open-to-world 0.0.0.0/0") || !strings.Contains(said[0], "1 changes were seen in it; 2026-11-20T12:00:00Z deleted database_user admin/x by nothing") {
		t.Errorf("at its end: %q", said)
	}
	if r := incident(w, "omar", "INC-1", time.Hour); r.Accepted {
		t.Errorf("an incident that has ended was opened again: %s", r.Why)
	}
}

// TestLetStand holds who may let something stand, and for how long.
func TestLetStand(t *testing.T) {
	waive := func(w *world, f access.Finding, by string, until time.Duration) access.CommandRecord {
		return w.say(access.VerbWaive, by, func(c *access.Command) {
			c.Finding, c.Episode, c.Reason, c.Waiver = f.ID, 1, "agreed", &access.Waiver{Until: w.now.Add(until), Name: "*", Rule: "*"}
		})
	}
	most := access.WaiverCap(access.Critical)
	for _, c := range []struct {
		name string
		do   func(w *world, f access.Finding) access.CommandRecord
		ok   bool
		why  string
	}{
		{"waived", func(w *world, f access.Finding) access.CommandRecord { return waive(w, f, "bob", most) }, true, "stands until"},
		{"by the one who did it", func(w *world, f access.Finding) access.CommandRecord { return waive(w, f, "rajesh", most) }, false, "somebody else"},
		{"by one who does not decide", func(w *world, f access.Finding) access.CommandRecord { return waive(w, f, "carol", most) }, false, "not among those"},
		{"for too long", func(w *world, f access.Finding) access.CommandRecord { return waive(w, f, "bob", most+time.Minute) }, false, "at most"},
		{"into the past", func(w *world, f access.Finding) access.CommandRecord { return waive(w, f, "bob", -time.Minute) }, false, "future"},
		{"nobody answers for who did it", func(w *world, f access.Finding) access.CommandRecord {
			w.change(f, func(f *access.Finding) { f.Actor = access.Actor{} })
			return waive(w, f, "bob", most)
		}, false, "in the configuration"},
		{"of an episode that is over", func(w *world, f access.Finding) access.CommandRecord {
			w.change(f, func(f *access.Finding) { f.Episode = 2 })
			return waive(w, f, "bob", most)
		}, false, "is over"},
		{"acknowledged", func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbAcknowledge, "bob", func(c *access.Command) { c.Finding, c.Episode = f.ID, 1 })
		}, true, "acknowledged"},
		{"acknowledged by the one who did it", func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbAcknowledge, "rajesh", func(c *access.Command) { c.Finding, c.Episode = f.ID, 1 })
		}, false, "somebody else"},
		{"announced", func(w *world, _ access.Finding) access.CommandRecord {
			return w.expect("olga", access.Expectation{Name: "198.51.100.0/24"})
		}, true, "announced until"},
		{"announced by one who may not", func(w *world, _ access.Finding) access.CommandRecord {
			return w.expect("bob", access.Expectation{Name: "198.51.100.0/24"})
		}, false, "guards.operators"},
		{"announced for everything", func(w *world, _ access.Finding) access.CommandRecord {
			return w.expect("olga", access.Expectation{Name: "*"})
		}, false, "announces nothing"},
		{"announced for herself", func(w *world, _ access.Finding) access.CommandRecord {
			return w.expect("olga", access.Expectation{Actor: "olga", Name: "198.51.100.0/24"})
		}, false, "somebody else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := asking(t)
			r := c.do(w, f)
			if r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
				t.Errorf("accepted %v: %s", r.Accepted, r.Why)
			}
			ws, _, err := w.waivers.Get(t.Context(), access.WaiversKey)
			if n := len(ws.Waivers) + len(ws.Expectations) + len(ws.Acknowledgements); err != nil || (n == 1) != c.ok {
				t.Errorf("%d stored, %v", n, err)
			}
			for _, x := range ws.Waivers {
				if x.Name != world0 || x.Rule != "network/open-to-world" || x.Project != scope.ID() || x.Digest != f.Digest {
					t.Errorf("the waiver means more than the finding: %+v", x)
				}
			}
		})
	}
}

func (w *world) expect(by string, x access.Expectation) access.CommandRecord {
	x.Until = w.now.Add(time.Hour)
	return w.say(access.VerbExpect, by, func(c *access.Command) { c.Expect, c.Reason = &x, "a move" })
}

func TestAdopt(t *testing.T) {
	w, f := asking(t)
	w.change(f, func(f *access.Finding) { f.Origin = access.OriginInherited })
	if a := w.run(f); a.State != access.ActionTold {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	list, hash, err := w.stage().Adoptables(t.Context(), scope, f.Rule)
	if err != nil || len(list) != 1 || list[0].Left != "" || len(list[0].Plan.Operations) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	adopt := func(by, hash string) access.CommandRecord {
		return w.say(access.VerbAdopt, by, func(c *access.Command) { c.Rule, c.PlanHash, c.Reason = f.Rule, hash, "debt" })
	}
	for _, c := range []struct {
		by, hash string
		ok       bool
		state    access.ActionState
	}{
		{"bob", hash, false, access.ActionTold},
		{"olga", "another list", false, access.ActionTold},
		{"olga", hash, true, access.ActionTold},
		{"olga", hash, true, access.ActionTold},
		{"omar", hash, true, access.ActionApproved},
	} {
		if r := adopt(c.by, c.hash); r.Accepted != c.ok || w.action(f).State != c.state {
			t.Errorf("%s: %v: %s; it is %s", c.by, r.Accepted, r.Why, w.action(f).State)
		}
	}
	if a := w.run(f); a.State != access.ActionVerified || w.count("effect") != 1 {
		t.Errorf("it is %s: %s", a.State, a.Why)
	}
}

// meanwhile is what came about, with one change.
type meanwhile []access.Finding

func (m meanwhile) Findings(context.Context) ([]access.Finding, error) { return m, nil }

func (m meanwhile) Changes(context.Context, time.Time, time.Time) ([]access.Change, error) {
	return []access.Change{{Ref: access.Ref{Scope: scope, Kind: access.KindDatabaseUser, Name: "admin/x"}, Op: access.OpDeleted, Occurred: t0}}, nil
}
