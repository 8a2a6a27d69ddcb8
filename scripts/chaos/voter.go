package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

// voter is the people who are asked, and a gateway that signs what they say: it publishes commands as any
// gateway does, and keeps those that the cluster has acknowledged. None of them may be lost.
type voter struct {
	sc    *scene
	key   ed25519.PrivateKey
	rnd   *rand.Rand
	given []access.Command
	asked map[string]bool // actions that were answered
}

func newVoter(sc *scene) (*voter, error) {
	v := sc.voter
	v.sc, v.rnd, v.asked = sc, rand.New(rand.NewPCG(sc.seed, 5)), map[string]bool{}
	return v, nil
}

// vote answers what is asked, until ctx ends: approves, denies, or says nothing; and takes back some of
// what was done.
func (v *voter) vote(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, between(v.rnd, 100*time.Millisecond, 800*time.Millisecond))
		actions, err := documents[access.Action](ctx, v.sc.cluster, "actions")
		if err != nil {
			continue // the cluster is in trouble
		}
		for _, a := range actions {
			v.answer(ctx, a)
		}
	}
}

func (v *voter) answer(ctx context.Context, a access.Action) {
	key := fmt.Sprint(a.ID, " ", a.State, " ", a.PlanHash, " ", len(a.Votes))
	if v.asked[key] || a.State != access.ActionAwaiting && a.State != access.ActionVerified {
		return
	}
	v.asked[key] = true
	c := access.Command{Finding: a.Finding, Episode: a.Episode, PlanHash: a.PlanHash, Verb: access.VerbVote, Vote: access.VoteApprove, By: v.voice(a)}
	if a.Purpose != "" {
		c.Action = a.ID
	}
	switch n := v.rnd.IntN(10); {
	case a.State == access.ActionVerified && (n > 0 || a.Purpose != ""):
		return
	case a.State == access.ActionVerified:
		c.Verb, c.Vote, c.Reason = access.VerbUndo, "", "it was needed"
	case n < 3:
		c.Vote = access.VoteDeny
	case n < 4 && a.Purpose == "": // that is asked for long: somebody answers
		return
	}
	v.give(ctx, a.Ref.Scope, c)
}

// voice is somebody who has not voted on it.
func (v *voter) voice(a access.Action) string {
	names := []string{"alice", "bob"}
	v.rnd.Shuffle(2, func(i, j int) { names[i], names[j] = names[j], names[i] })
	if slices.ContainsFunc(a.Votes, func(b access.Ballot) bool { return b.By == names[0] }) {
		return names[1]
	}
	return names[0]
}

// give publishes a command until the cluster has it.
func (v *voter) give(ctx context.Context, scope access.Scope, c access.Command) {
	now := time.Now()
	c.V, c.Scope, c.Via = access.Version, scope, "api"
	c.ID = fmt.Sprintf("chaos-%d-%010d", v.sc.seed, len(v.asked))
	c.At, c.Until = now, now.Add(10*time.Minute)
	raw, err := access.Seal(c, v.key)
	if err != nil {
		say("a command cannot be sealed: %v", err)
		return
	}
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := v.sc.cluster.js.Publish(once, "gw.command."+string(scope), raw, jetstream.WithMsgID("cmd."+c.ID))
		cancel()
		if err == nil {
			v.given = append(v.given, c)
			return
		}
		pause(ctx, 200*time.Millisecond)
	}
}
