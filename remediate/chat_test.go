package remediate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestNotInChat: what may be decided in a second, with whatever phone lies unlocked.
func TestNotInChat(t *testing.T) {
	prod := func(env string) bool { return env == "prod" }
	about := func(rule string, kind access.Kind, env string) access.Finding {
		return access.Finding{Rule: rule, Ref: access.Ref{Scope: scope, Kind: kind}, Environment: env}
	}
	world := func(env string) access.Finding { return about("network/open-to-world", access.KindIPAccessEntry, env) }
	for _, c := range []struct {
		name string
		of   Policy
		f    access.Finding
		verb access.Verb
		vote access.Vote
		want string
	}{
		{"closing production", Policy{Production: prod}, world("prod"), access.VerbVote, access.VoteApprove, ""},
		{"denying that it is closed", Policy{Production: prod}, world("prod"), access.VerbVote, access.VoteDeny, "whole internet"},
		{"keeping it open", Policy{Production: prod}, world("prod"), access.VerbWaive, "", "whole internet"},
		{"opening it again", Policy{Production: prod}, world("prod"), access.VerbUndo, "", "whole internet"},
		{"what opened and closed", Policy{Production: prod}, about("network/transient-open-to-world", access.KindIPAccessEntry, "prod"), access.VerbWaive, "", "whole internet"},
		{"an environment that nobody knows", Policy{Production: prod}, world(""), access.VerbWaive, "", "whole internet"},
		{"a policy that does not say", Policy{}, world("dev"), access.VerbWaive, "", "whole internet"},
		{"development", Policy{Production: prod}, world("dev"), access.VerbWaive, "", ""},
		{"a narrower entry", Policy{Production: prod}, about("network/entry-too-broad", access.KindIPAccessEntry, "prod"), access.VerbWaive, "", ""},
		{"knowing of it", Policy{Production: prod}, world("prod"), access.VerbAcknowledge, "", ""},
		{"settings of the org", Policy{Production: prod}, about("org/x", access.KindOrgSettings, ""), access.VerbVote, access.VoteApprove, "who signs in"},
		{"federation", Policy{Production: prod}, about("federation/x", access.KindIdentityProvider, ""), access.VerbWaive, "", "who signs in"},
		{"a member of the org", Policy{Production: prod}, about("member/x", access.KindOrgMember, ""), access.VerbVote, access.VoteApprove, ""},
	} {
		if got := NotInChat(c.of, c.f, c.verb, c.vote); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestChatIsRefusedWhereItMatters: the gateway's word is not enough; the API's is.
func TestChatIsRefusedWhereItMatters(t *testing.T) {
	w, f := asking(t)
	w.run(f)
	w.policy.Production = nil
	deny := w.command(access.VerbVote, "bob", w.about(f, access.VoteDeny))
	if r := w.give(deny); r.Accepted || !strings.Contains(r.Why, "not kept from a chat") {
		t.Errorf("by a chat: %+v", r)
	}
	if a := w.action(f); a.State != access.ActionAwaiting || len(a.Votes) != 0 {
		t.Errorf("the action is %s with %d votes", a.State, len(a.Votes))
	}
	if r := w.give(w.command(access.VerbVote, "bob", w.about(f, access.VoteApprove))); !r.Accepted {
		t.Errorf("closing it by a chat: %+v", r)
	}
}

// TestOpenedAgainInNoChat: neither by asking for it, nor by agreeing to what another one asked for, nor
// once the finding is forgotten.
func TestOpenedAgainInNoChat(t *testing.T) {
	begun := func(t *testing.T) (*world, access.Finding, string) {
		w, f := finished(t)
		w.policy.Production = nil
		a := w.action(f)
		a.Actor = access.Actor{} // so that it takes two
		w.put(a)
		w.change(f, func(f *access.Finding) { f.Actor = access.Actor{} })
		r := w.say(access.VerbUndo, "bob", func(c *access.Command) {
			w.about(f, "")(c)
			c.Via, c.Reason = "api", "it was needed"
		})
		if !r.Accepted || w.stored(r.Action).State != access.ActionAwaiting {
			t.Fatalf("by the API: %+v", r)
		}
		return w, f, r.Action
	}
	vote := func(w *world, f access.Finding, id string, vote access.Vote) access.CommandRecord {
		return w.say(access.VerbVote, "alice", func(c *access.Command) {
			w.about(f, vote)(c)
			c.Action, c.PlanHash = id, w.stored(id).PlanHash
		})
	}
	w, f, id := begun(t)
	if r := vote(w, f, id, access.VoteApprove); r.Accepted || w.stored(id).State != access.ActionAwaiting {
		t.Errorf("agreed to by a chat: %+v; it is %s", r, w.stored(id).State)
	}
	if r := vote(w, f, id, access.VoteDeny); !r.Accepted {
		t.Errorf("kept closed by a chat: %+v", r)
	}
	w, f = finished(t)
	w.policy.Production = nil
	about := w.command(access.VerbUndo, "alice", func(c *access.Command) { w.about(f, "")(c); c.Reason = "it was needed" })
	delete(w.findings.Findings, f.ID)
	if r := w.give(about); r.Accepted {
		t.Errorf("of what is forgotten, by a chat: %+v", r)
	}
}

// TestAnnouncedInNoChat: that production will be open to the world is not announced by a phone either.
func TestAnnouncedInNoChat(t *testing.T) {
	for _, c := range []struct {
		name, rule, via, env string
		ok                   bool
	}{
		{"open to the world", "network/open-to-world", "slack", "prod", false},
		{"its family", "network/*", "slack", "prod", false},
		{"an environment that nobody knows", "network/open-to-world", "slack", "", false},
		{"by the API", "network/open-to-world", "api", "prod", true},
		{"in development", "network/open-to-world", "slack", "dev", true},
		{"another rule", "network/entry-too-broad", "slack", "prod", true},
		{"no rule, which excuses nothing critical", "", "slack", "prod", true},
	} {
		w, _ := asking(t)
		w.policy.Production = func(env string) bool { return env == "prod" }
		w.findings.Environment = c.env
		r := w.say(access.VerbExpect, "olga", func(x *access.Command) {
			x.Via, x.Reason = c.via, "an upgrade"
			x.Expect = &access.Expectation{V: access.Version, ID: "e1", Actor: "deploy@example.com", Rule: c.rule, Project: scope.ID(), From: w.now, Until: w.now.Add(time.Hour), Reason: "an upgrade", Approved: "olga"}
		})
		if r.Accepted != c.ok {
			t.Errorf("%s: accepted %v: %s", c.name, r.Accepted, r.Why)
		}
	}
}

func TestQuestionOf(t *testing.T) {
	w, f := asking(t)
	w.run(f)
	w.policy.Responses[0].Quorum = 2
	w.give(w.command(access.VerbVote, "bob", w.about(f, access.VoteApprove)))
	a := w.action(f)
	got := QuestionOf(w.policy, a, f)
	if diff := cmp.Diff([]string{"bob"}, got.Yes); diff != "" || got.Need != 2 || len(got.Void) != 0 || len(got.May) == 0 {
		t.Errorf("%+v", got)
	}
	w.policy.People.Keys = nil
	if got := QuestionOf(w.policy, a, f); len(got.Yes) != 0 || len(got.Void) != 1 {
		t.Errorf("without keys: %+v", got)
	}
	a.State, a.Ask.Quorum = access.ActionProposed, 0
	if got := QuestionOf(w.policy, a, f); got.Need != 0 || !slices.Contains(got.May, "bob") || slices.ContainsFunc(got.May, func(who string) bool { return slices.Contains(Authors(w.policy, a, f), who) }) {
		t.Errorf("of a revert that was announced: %+v", got)
	}
	a.State = access.ActionVerified
	if diff := cmp.Diff(Question{}, QuestionOf(w.policy, a, f)); diff != "" {
		t.Errorf("of a verified action:\n%s", diff)
	}
	a.State, a.Ask.Quorum = access.ActionProposed, 0
	if diff := cmp.Diff(Question{May: []string{"alice", "bob"}}, QuestionOf(w.policy, a, f)); diff != "" {
		t.Errorf("of a revert that is announced, which whoever made the change may not deny:\n%s", diff)
	}
	a.Ask.Approvers = nil
	if diff := cmp.Diff(Question{}, QuestionOf(w.policy, a, f)); diff != "" {
		t.Errorf("of what only waits:\n%s", diff)
	}
}

// TestRefusalsAreRecorded: what a gateway refused is on record, by whomever, and does nothing.
func TestRefusalsAreRecorded(t *testing.T) {
	w, f := asking(t)
	w.run(f)
	r := w.say(access.VerbRefused, "slack:U0GUEST", func(c *access.Command) { c.Reason = "guest: guests decide nothing" })
	if r.Accepted || r.Command.By != "slack:U0GUEST" || !strings.Contains(r.Why, "guests decide nothing") {
		t.Errorf("%+v", r)
	}
	if a := w.action(f); a.State != access.ActionAwaiting {
		t.Errorf("the action is %s", a.State)
	}
}
