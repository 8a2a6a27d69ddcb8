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

// keptByTwo is asking, where it takes two, and the finding says which values violate.
func keptByTwo(t tester) (*world, access.Finding) {
	w, f := asking(t)
	w.policy.Responses[0].Quorum = 2
	w.change(f, func(f *access.Finding) { f.Digest = "of 0.0.0.0/0" })
	return w, w.findings.Findings[f.ID]
}

// keeps has somebody ask for the finding, as it stands, to be let stand.
func (w *world) keeps(f access.Finding, by string, span time.Duration) access.CommandRecord {
	w.t.Helper()
	return w.say(access.VerbWaive, by, w.keeping(f, span))
}

func (w *world) keeping(f access.Finding, span time.Duration) func(*access.Command) {
	return func(c *access.Command) {
		now := w.findings.Findings[f.ID]
		c.Finding, c.Episode, c.Reason, c.Ticket = f.ID, now.Episode, "as "+c.By+" says", "SEC-"+c.By
		c.Waiver = &access.Waiver{Until: w.now.Add(span), Digest: now.Digest}
	}
}

func (w *world) standing() access.Waivers {
	w.t.Helper()
	doc, _, err := w.waivers.Get(context.Background(), access.WaiversKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

func (w *world) leave(who string) {
	group := w.policy.People.Groups["oncall"]
	w.policy.People.Groups = map[string][]string{"oncall": slices.DeleteFunc(slices.Clone(group), func(id string) bool { return id == who }), "ops": w.policy.People.Groups["ops"]}
}

// TestKeepingTakesTheQuorum holds that a finding is let stand only by as many people as its
// response asks, each of whom may decide when the last one comes.
func TestKeepingTakesTheQuorum(t *testing.T) {
	type step struct {
		do  func(w *world, f access.Finding) access.CommandRecord // of who asks last
		ok  bool
		why string
	}
	by := func(who string, span time.Duration) func(*world, access.Finding) access.CommandRecord {
		return func(w *world, f access.Finding) access.CommandRecord { return w.keeps(f, who, span) }
	}
	after := func(change func(*world, access.Finding), who string) func(*world, access.Finding) access.CommandRecord {
		return func(w *world, f access.Finding) access.CommandRecord {
			change(w, f)
			return w.keeps(f, who, 4*time.Hour)
		}
	}
	first := step{by("bob", 4*time.Hour), true, "once 1 more of those who decide ask for it, by 2026-11-21T12:00:00Z"}
	noted := "noted: network/open-to-world of 0.0.0.0/0 stands until"
	for name, c := range map[string]struct {
		steps   []step
		agreed  []string // of the one waiver; none: there is none
		owner   string
		lasts   time.Duration
		waiting int // of whom the proposal that waits has votes
	}{
		"one is not enough":            {steps: []step{first}, waiting: 1},
		"two":                          {steps: []step{first, {by("alice", 8*time.Hour), true, "stands until 2026-11-20T16:00:00Z, as bob, alice agreed"}}, agreed: []string{"bob", "alice"}, owner: "bob", lasts: 4 * time.Hour},
		"the earlier end":              {steps: []step{first, {by("alice", 2*time.Hour), true, "stands until 2026-11-20T14:00:00Z"}}, agreed: []string{"bob", "alice"}, owner: "bob", lasts: 2 * time.Hour},
		"an operator":                  {steps: []step{first, {by("olga", 4*time.Hour), true, "as bob, olga agreed"}}, agreed: []string{"bob", "olga"}, owner: "bob", lasts: 4 * time.Hour},
		"the same one twice":           {steps: []step{first, {by("bob", 5*time.Hour), true, "bob asked for it before, and counts once; " + noted + " 2026-11-20T16:00:00Z once 1 more"}}, waiting: 1},
		"who did it":                   {steps: []step{first, {by("rajesh", 4*time.Hour), false, "somebody else must decide"}}, waiting: 1},
		"who does not decide":          {steps: []step{first, {by("carol", 4*time.Hour), false, "not among those who decide"}}, waiting: 1},
		"who decides by now":           {steps: []step{first, {after(func(w *world, _ access.Finding) { w.policy.Responses[0].Approvers = []string{"oncall", "carol"} }, "carol"), true, "as bob, carol agreed"}}, agreed: []string{"bob", "carol"}, owner: "bob", lasts: 4 * time.Hour},
		"the first left":               {steps: []step{first, {after(func(w *world, _ access.Finding) { w.leave("bob") }, "alice"), true, "bob is not among those who decide"}}, waiting: 1},
		"the first turns out to be it": {steps: []step{first, {after(func(w *world, _ access.Finding) { w.policy.People.Principals[1].Atlas = []string{"rajesh@example.com"} }, "alice"), true, "bob answers for the one who made the change"}}, waiting: 1},
		"it takes three by now":        {steps: []step{first, {after(func(w *world, _ access.Finding) { w.policy.Responses[0].Quorum = 3 }, "alice"), true, "once 1 more"}, {by("omar", 4*time.Hour), true, "as bob, alice, omar agreed"}}, agreed: []string{"bob", "alice", "omar"}, owner: "bob", lasts: 4 * time.Hour},
		"it takes one by now":          {steps: []step{first, {after(func(w *world, _ access.Finding) { w.policy.Responses[0].Quorum = 1 }, "bob"), true, "stands until"}}, owner: "bob", lasts: 4 * time.Hour, agreed: []string{}},
		"other values by now":          {steps: []step{first, {after(func(w *world, f access.Finding) { w.change(f, func(f *access.Finding) { f.Digest = "others" }) }, "alice"), true, "once 1 more"}}, waiting: 1},
		"what was shown is another": {steps: []step{first, {func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbWaive, "alice", func(c *access.Command) { w.keeping(f, time.Hour)(c); c.Waiver.Digest = "former" })
		}, false, "something else by now"}}, waiting: 1},
		"another episode by now": {steps: []step{first, {after(func(w *world, f access.Finding) { w.change(f, func(f *access.Finding) { f.Episode = 2 }) }, "alice"), true, "once 1 more"}}, waiting: 1},
		"it is over": {steps: []step{first, {after(func(w *world, f access.Finding) {
			w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
		}, "alice"), false, "is over"}}, waiting: 1},
		"it is being put right":         {steps: []step{first, {after(func(w *world, f access.Finding) { w.run(f); a := w.action(f); a.State = access.ActionRunning; w.put(a) }, "alice"), false, "too late to keep it"}}, waiting: 1},
		"a denial beside it":            {steps: []step{first, {after(func(w *world, f access.Finding) { w.run(f); w.no(f, "alice") }, "alice"), true, "as bob, alice agreed"}}, agreed: []string{"bob", "alice"}, owner: "bob", lasts: 4 * time.Hour},
		"a day later":                   {steps: []step{{by("bob", 24*time.Hour), true, "once 1 more"}, {after(func(w *world, _ access.Finding) { w.now = w.now.Add(24 * time.Hour) }, "alice"), true, "by 2026-11-22T12:00:00Z"}}, waiting: 1},
		"what the first asked is over":  {steps: []step{{by("bob", time.Hour), true, "once 1 more"}, {after(func(w *world, _ access.Finding) { w.now = w.now.Add(2 * time.Hour) }, "alice"), true, "what bob asked for has ended"}}, waiting: 1},
		"asked for less than it stands": {steps: []step{first, {by("alice", 4*time.Hour), true, "agreed"}, {by("olga", 3*time.Hour), true, "it does already: network/open-to-world of 0.0.0.0/0 stands until 2026-11-20T16:00:00Z"}}, agreed: []string{"bob", "alice"}, owner: "bob", lasts: 4 * time.Hour},
		"asked for more than it stands": {steps: []step{first, {by("alice", 4*time.Hour), true, "agreed"}, {by("olga", 5*time.Hour), true, "once 1 more"}}, agreed: []string{"bob", "alice"}, owner: "bob", lasts: 4 * time.Hour, waiting: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w, f := keptByTwo(t)
			for i, s := range c.steps {
				if r := s.do(w, f); r.Accepted != s.ok || !strings.Contains(r.Why, s.why) {
					t.Errorf("step %d: %v: %s", i, r.Accepted, r.Why)
				}
			}
			doc := w.standing()
			if (c.owner != "") != (len(doc.Waivers) == 1) || len(doc.Waivers) > 1 {
				t.Fatalf("waivers %+v", doc.Waivers)
			}
			for _, x := range doc.Waivers {
				if x.Owner != c.owner || !slices.Equal(x.Agreed, c.agreed) || x.Reason != "as bob says" || x.Ticket != "SEC-bob" || x.Digest != f.Digest || !x.Until.Equal(t0.Add(c.lasts)) || !strings.HasPrefix(x.ID, commandWaiver) {
					t.Errorf("granted %+v", x)
				}
			}
			votes := 0
			for _, x := range doc.Proposed {
				if x.Waiver == "" {
					votes += len(x.Votes)
				}
			}
			if votes != c.waiting {
				t.Errorf("%d votes wait in %+v", votes, doc.Proposed)
			}
		})
	}
}

// TestForgedProposal holds that what somebody wrote into the store in the name of others lets
// nothing stand, whatever it is made of.
func TestForgedProposal(t *testing.T) {
	signed := func(w *world, f access.Finding, verb access.Verb, by string, edit func(*access.Command)) access.Ballot {
		b := w.ballot(verb, by, func(c *access.Command) {
			if verb == access.VerbWaive {
				w.keeping(f, 4*time.Hour)(c)
			}
			edit(c)
		})
		b.Vote = access.VoteApprove
		return b
	}
	same := func(*access.Command) {}
	for name, forge := range map[string]func(w *world, f access.Finding) access.Ballot{
		"nothing signed": func(w *world, f access.Finding) access.Ballot {
			b := signed(w, f, access.VerbWaive, "alice", same)
			b.Signed = nil
			return b
		},
		"what another said": func(w *world, f access.Finding) access.Ballot {
			b := signed(w, f, access.VerbWaive, "bob", same)
			b.By = "alice"
			return b
		},
		"of other values": func(w *world, f access.Finding) access.Ballot {
			return signed(w, f, access.VerbWaive, "alice", func(c *access.Command) { c.Waiver.Digest = "narrow" })
		},
		"of another episode": func(w *world, f access.Finding) access.Ballot {
			return signed(w, f, access.VerbWaive, "alice", func(c *access.Command) { c.Episode = 2 })
		},
		"of another finding": func(w *world, f access.Finding) access.Ballot {
			return signed(w, f, access.VerbWaive, "alice", func(c *access.Command) { c.Finding = "another" })
		},
		"of another command": func(w *world, f access.Finding) access.Ballot {
			b := signed(w, f, access.VerbWaive, "alice", same)
			b.Command = "01JD9A00000000000000999999"
			return b
		},
		"an acknowledgement": func(w *world, f access.Finding) access.Ballot {
			return signed(w, f, access.VerbAcknowledge, "alice", func(c *access.Command) { c.Finding, c.Episode = f.ID, 1 })
		},
		"a denial": func(w *world, f access.Finding) access.Ballot {
			b := signed(w, f, access.VerbWaive, "alice", same)
			b.Vote = access.VoteDeny
			return b
		},
		"of long ago": func(w *world, f access.Finding) access.Ballot {
			return signed(w, f, access.VerbWaive, "alice", func(c *access.Command) { c.At, c.Until = c.At.Add(-25*time.Hour), c.Until.Add(-25*time.Hour) })
		},
		"by a key that is believed no more": func(w *world, f access.Finding) access.Ballot {
			b := signed(w, f, access.VerbWaive, "alice", func(c *access.Command) { c.Via = "api" })
			w.policy.People.Keys = w.policy.People.Keys[:1]
			return b
		},
		"by the one who did it": func(w *world, f access.Finding) access.Ballot { return signed(w, f, access.VerbWaive, "rajesh", same) },
	} {
		t.Run(name, func(t *testing.T) {
			w, f := keptByTwo(t)
			b := forge(w, f)
			_, err := w.waivers.Update(t.Context(), access.WaiversKey, func(doc access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
				doc.Proposed = []access.Proposal{{Finding: f.ID, Episode: 1, Rule: f.Rule, Ref: f.Ref, Digest: f.Digest, Votes: []access.Ballot{b}, At: w.now, Until: w.now.Add(90 * 24 * time.Hour)}}
				return &doc, nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			r := w.keeps(f, "bob", time.Hour)
			if doc := w.standing(); !r.Accepted || len(doc.Waivers) > 0 || len(doc.Proposed) != 1 || len(doc.Proposed[0].Votes) != 1 || doc.Proposed[0].Votes[0].By != "bob" || !doc.Proposed[0].Until.Equal(w.now.Add(time.Hour)) {
				t.Errorf("%s: %+v", r.Why, doc)
			}
			if r := w.keeps(f, "olga", time.Hour); len(w.standing().Waivers) != 1 {
				t.Errorf("then two who did ask: %s", r.Why)
			}
		})
	}
}

// TestFiftyKeepAtOnce holds that of many who ask at once one waiver comes, and each hears what
// is true.
func TestFiftyKeepAtOnce(t *testing.T) {
	w, f := keptByTwo(t)
	w.policy.Responses[0].Quorum = 3
	var group []string
	for i := range 50 {
		id := fmt.Sprintf("p%02d", i)
		group = append(group, id)
		w.policy.People.Principals = append(w.policy.People.Principals, access.Principal{ID: id})
	}
	w.policy.People.Groups["oncall"] = group
	private, _ := keyOf("slack")
	var commands []access.Command
	var wg sync.WaitGroup
	for _, id := range group {
		c := w.command(access.VerbWaive, id, w.keeping(f, 4*time.Hour))
		commands = append(commands, c)
		raw, err := access.Seal(c, private)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // two processes are given each
			wg.Go(func() {
				if err := w.stage().Command(context.Background(), scope, raw, w.now); err != nil {
					t.Errorf("command %s: %v", c.ID, err)
				}
			})
		}
	}
	wg.Wait()
	doc := w.standing()
	if len(doc.Waivers) != 1 || len(doc.Waivers[0].Agreed) != 3 || doc.Waivers[0].Owner != doc.Waivers[0].Agreed[0] {
		t.Fatalf("%d waivers: %+v", len(doc.Waivers), doc.Waivers)
	}
	for _, c := range commands {
		r, agreed := w.record(c.ID), slices.Contains(doc.Waivers[0].Agreed, c.By)
		switch {
		case !r.Accepted, agreed == strings.Contains(r.Why, "already"), !strings.Contains(r.Why, "stands until 2026-11-20T16:00:00Z"):
			t.Errorf("%s, who agreed: %v, was told: %s", c.By, agreed, r.Why)
		case c.By == doc.Waivers[0].Owner && strings.Contains(r.Why, "once 0 more"):
			t.Errorf("%s was told: %s", c.By, r.Why)
		}
	}
}

// TestKeepingDiesAnywhere kills the process at every step of both commands: each is answered
// as if nobody had died, and there is one waiver.
func TestKeepingDiesAnywhere(t *testing.T) {
	private, _ := keyOf("slack")
	for at := 1; ; at++ {
		w, f := keptByTwo(t)
		w.steps, w.dieAt = 0, at
		died := false
		for _, c := range []access.Command{w.command(access.VerbWaive, "bob", w.keeping(f, 4*time.Hour)), w.command(access.VerbWaive, "alice", w.keeping(f, 4*time.Hour))} {
			raw, err := access.Seal(c, private)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				died = w.dies(func() {
					if err := w.stage().Command(t.Context(), scope, raw, t0); err != nil {
						t.Errorf("step %d: %v", at, err)
					}
				}) != "" || died
				w.now = w.now.Add(time.Minute)
			}
			want := map[string]string{"bob": "once 1 more", "alice": "stands until 2026-11-20T16:00:00Z, as bob, alice agreed"}[c.By]
			if r := w.record(c.ID); !r.Accepted || !strings.Contains(r.Why, want) {
				t.Errorf("step %d: %s was told: %s", at, c.By, r.Why)
			}
		}
		if doc := w.standing(); len(doc.Waivers) != 1 || len(doc.Proposed) != 1 || doc.Proposed[0].Waiver != doc.Waivers[0].ID {
			t.Errorf("step %d: %+v", at, doc)
		}
		if !died {
			if at < 6 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}

// TestLateAnswer holds that who asked first, and whose process died before it could answer, is
// told of the waiver that others have made of it meanwhile, though the finding is over.
func TestLateAnswer(t *testing.T) {
	w, f := keptByTwo(t)
	private, _ := keyOf("slack")
	c := w.command(access.VerbWaive, "bob", w.keeping(f, 4*time.Hour))
	raw, err := access.Seal(c, private)
	if err != nil {
		t.Fatal(err)
	}
	w.steps, w.dieAt = 0, 2 // the proposal is stored, its record not
	if w.dies(func() { _ = w.stage().Command(t.Context(), scope, raw, t0) }) != "waivers after" {
		t.Fatal("it did not die between the two")
	}
	w.keeps(f, "alice", 4*time.Hour)
	w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
	if err := w.stage().Command(t.Context(), scope, raw, t0); err != nil {
		t.Fatal(err)
	}
	if r := w.record(c.ID); !r.Accepted || !strings.Contains(r.Why, "as bob, alice agreed") {
		t.Errorf("told: %s", r.Why)
	}
}

// TestProposalsAreBounded: each carries what was signed, and all are one document.
func TestProposalsAreBounded(t *testing.T) {
	w, f := keptByTwo(t)
	_, err := w.waivers.Update(t.Context(), access.WaiversKey, func(doc access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
		for i := range maxProposed {
			doc.Proposed = append(doc.Proposed, access.Proposal{Finding: fmt.Sprint(i), At: w.now})
		}
		return &doc, nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := w.keeps(f, "bob", time.Hour); r.Accepted || !strings.Contains(r.Why, "no more may be") {
		t.Errorf("%v: %s", r.Accepted, r.Why)
	}
	w.now = w.now.Add(access.ProposalLife)
	if r := w.keeps(f, "bob", time.Hour); !r.Accepted || len(w.standing().Proposed) != 1 {
		t.Errorf("a day later: %v: %s", r.Accepted, r.Why)
	}
}
