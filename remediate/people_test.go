package remediate

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// keyOf is the key pair of a gateway, the same in every run.
func keyOf(gateway string) (ed25519.PrivateKey, access.GatewayKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{gateway[0]}, ed25519.SeedSize))
	return private, access.GatewayKey{Public: private.Public().(ed25519.PublicKey), Gateway: gateway, Orgs: []string{orgID}}
}

// asking is a world in which the violation is asked about: rajesh made it, alice and bob may
// decide, and olga and omar are operators.
func asking(t tester) (*world, access.Finding) {
	w := newWorld(t)
	w.let(world0, "203.0.113.0/28")
	_, slack := keyOf("slack")
	_, api := keyOf("api")
	w.policy.Responses = []access.Response{{Do: access.ModeApprove, Approvers: []string{"oncall"}, Deadline: time.Hour, Undo: 24 * time.Hour}}
	w.policy.People = People{
		Principals: []access.Principal{{ID: "alice"}, {ID: "bob"}, {ID: "carol"}, {ID: "olga"}, {ID: "omar"}, {ID: "rajesh", Email: "rajesh@example.com", Owns: []string{"mdb_sa_id_terraform"}}},
		Groups:     map[string][]string{"oncall": {"alice", "bob", "rajesh"}, "ops": {"olga", "omar"}},
		Operators:  []string{"ops"}, Keys: []access.GatewayKey{slack, api},
	}
	f := entryFinding(world0)
	f.Actor = access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
	return w, w.add(f)
}

// say gives a command of these particulars and returns what became of it.
func (w *world) say(verb access.Verb, by string, set func(*access.Command)) access.CommandRecord {
	w.t.Helper()
	return w.give(w.command(verb, by, set))
}

func (w *world) command(verb access.Verb, by string, set func(*access.Command)) access.Command {
	w.said++
	c := access.Command{
		V: access.Version, ID: fmt.Sprintf("01JD9A00000000000000%06d", w.said), Verb: verb, Scope: scope, By: by, Via: "slack",
		At: w.now, Until: w.now.Add(10 * time.Minute),
	}
	set(&c)
	return c
}

func (w *world) give(c access.Command) access.CommandRecord {
	w.t.Helper()
	private, _ := keyOf(c.Via)
	raw, err := access.Seal(c, private)
	if err != nil {
		w.t.Fatalf("seal: %v", err)
	}
	if err := w.stage().Command(context.Background(), c.Scope, raw, w.now); err != nil {
		w.t.Fatalf("command: %v", err)
	}
	return w.record(c.ID)
}

func (w *world) record(id string) access.CommandRecord {
	w.t.Helper()
	r, _, err := w.records.Get(context.Background(), recordKey(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// about fills in what a vote on the finding's action as it stands is about.
func (w *world) about(f access.Finding, vote access.Vote) func(*access.Command) {
	return func(c *access.Command) {
		a := w.action(f)
		c.Finding, c.Episode, c.PlanHash, c.Vote = f.ID, w.findings.Findings[f.ID].Episode, a.PlanHash, vote
	}
}

func (w *world) yes(f access.Finding, by string) access.CommandRecord {
	w.t.Helper()
	return w.say(access.VerbVote, by, w.about(f, access.VoteApprove))
}

func (w *world) no(f access.Finding, by string) access.CommandRecord {
	w.t.Helper()
	return w.say(access.VerbVote, by, w.about(f, access.VoteDeny))
}

// back asks for a verified action to be taken back.
func (w *world) back(f access.Finding, verb access.Verb, by string) access.CommandRecord {
	w.t.Helper()
	return w.say(verb, by, func(c *access.Command) {
		w.about(f, "")(c)
		c.Reason = "it was needed"
	})
}

// stored is an action by its id.
func (w *world) stored(id string) access.Action {
	w.t.Helper()
	a, _, err := w.actions.Get(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// run acts once and expects no trouble.
func (w *world) run(f access.Finding) access.Action {
	w.t.Helper()
	if _, err := w.act(f); err != nil {
		w.t.Fatalf("act: %v", err)
	}
	return w.action(f)
}

// after acts on an action that follows another one.
func (w *world) after(id string) access.Action {
	w.t.Helper()
	if err := w.stage().Act(context.Background(), access.Act{Scope: scope, Action: id}); err != nil {
		w.t.Fatalf("act on %s: %v", id, err)
	}
	return w.stored(id)
}

// ballot is a vote as a command of these particulars leaves it.
func (w *world) ballot(verb access.Verb, by string, set func(*access.Command)) access.Ballot {
	w.t.Helper()
	c := w.command(verb, by, set)
	private, _ := keyOf(c.Via)
	raw, err := access.Seal(c, private)
	if err != nil {
		w.t.Fatalf("seal: %v", err)
	}
	return ballot(c, raw)
}

// approved stores the finding's action as approved by these votes, as whoever can write to the
// store could.
func (w *world) approved(f access.Finding, votes ...access.Ballot) {
	w.t.Helper()
	a := w.action(f)
	a.State, a.Wake, a.Votes = access.ActionApproved, time.Time{}, votes
	a.Steps = append(a.Steps, access.Step{At: w.now, To: access.ActionApproved})
	w.put(a)
}
