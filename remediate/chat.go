package remediate

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ViaChat is the gateway through which people decide in a chat.
const ViaChat = "slack"

// neverInChat are the kinds about which nothing is decided in a chat: they decide who may decide.
func neverInChat(k access.Kind) bool {
	return slices.Contains([]access.Kind{
		access.KindOrg, access.KindOrgSettings, access.KindFederation, access.KindIdentityProvider, access.KindRoleMapping, access.KindResourcePolicy,
	}, k)
}

// worldRules are the rules of what lets the whole internet in.
func worldRules() []string {
	return []string{"network/open-to-world", "network/transient-open-to-world"}
}

func opensToWorld(rule string) bool { return slices.Contains(worldRules(), rule) }

// NotInChat is why this is not decided in a chat, whoever asks, with the way that remains; empty: it
// may be. A click is made in a second, by whoever holds a phone that is unlocked: what opens
// production to everybody, or changes who decides, takes a token of its own.
func NotInChat(p Policy, f access.Finding, verb access.Verb, vote access.Vote) string {
	const other = "decide it with the gatewarden command or the API"
	keeps := verb == access.VerbWaive || verb == access.VerbUndo || verb == access.VerbRelease || verb == access.VerbAdopt || verb == access.VerbVote && vote == access.VoteDeny
	switch {
	case neverInChat(f.Ref.Kind) && (keeps || verb == access.VerbVote):
		return "what concerns the organization's settings and who signs in is not decided in a chat: " + other
	case keeps && opensToWorld(f.Rule) && (p.Production == nil || f.Environment == "" || p.Production(f.Environment)):
		return "that production is open to the whole internet is not kept from a chat: " + other
	}
	return ""
}

// VoteNotInChat is [NotInChat] of a vote on an action of this purpose: whoever approves that something
// is opened again asks for just that, and whoever denies it keeps it closed.
func VoteNotInChat(p Policy, f access.Finding, purpose access.Purpose, vote access.Vote) string {
	switch {
	case purpose != access.PurposeUndo && purpose != access.PurposeRelease:
		return NotInChat(p, f, access.VerbVote, vote)
	case vote == access.VoteApprove:
		return NotInChat(p, f, access.Verb(purpose), "")
	}
	return NotInChat(p, f, access.VerbVote, access.VoteApprove)
}

// inChat is why a command that came through a chat is not done; empty: it may be. What is kept no more,
// or is another episode by now, is what its action says of it.
func (s *Stage) inChat(ctx context.Context, p Policy, c access.Command) (string, error) {
	if c.Via == ViaChat && c.Verb == access.VerbExpect {
		return s.announcedInChat(ctx, p, c)
	}
	if c.Via != ViaChat || c.Finding == "" {
		return "", nil
	}
	f, err := s.subject(ctx, c)
	if err != nil {
		return "", err
	}
	id := access.ActionID(c.Finding, c.Episode)
	a, rev, err := s.Actions.Get(ctx, id)
	if err != nil {
		return "", fmt.Errorf("load the action of finding %s: %w", c.Finding, err)
	}
	if rev != 0 {
		f = subjectOf(f, a)
	}
	if c.Verb != access.VerbVote {
		return NotInChat(p, f, c.Verb, c.Vote), nil
	}
	for _, purpose := range []access.Purpose{access.PurposeUndo, access.PurposeRelease} {
		if c.Action == followID(id, purpose) {
			return VoteNotInChat(p, f, purpose, c.Vote), nil
		}
	}
	return VoteNotInChat(p, f, "", c.Vote), nil
}

// announcedInChat is why a change is not announced from a chat: what is announced stays, so it is as with
// keeping it. An expectation excuses what is critical only where it names the rule, or its family.
func (s *Stage) announcedInChat(ctx context.Context, p Policy, c access.Command) (string, error) {
	doc, _, err := s.Findings.Get(ctx, string(c.Scope))
	if err != nil {
		return "", fmt.Errorf("load the environment of %s: %w", c.Scope, err)
	}
	for _, rule := range worldRules() {
		f := access.Finding{Rule: rule, Ref: access.Ref{Scope: c.Scope, Kind: access.KindIPAccessEntry}, Environment: doc.Environment}
		if c.Expect != nil && c.Expect.Rule != "" && access.Match(c.Expect.Rule, rule) {
			return NotInChat(p, f, access.VerbWaive, ""), nil
		}
	}
	return "", nil
}

// Question is how the question about an action stands, for people.
type Question struct {
	May  []string // ids of those who may answer now
	Need int      // approvals that it takes
	Yes  []string // whose approvals count
	Void []string // why others do not
}

// QuestionOf is how the question about an action stands by the policy as it is now. The zero one
// asks nobody; one that needs no approval is about a revert that was announced, which those who
// may answer can deny.
func QuestionOf(p Policy, a access.Action, f access.Finding) Question {
	if a.State != access.ActionAwaiting && a.State != access.ActionApproved && (a.State != access.ActionProposed || len(a.Ask.Approvers) == 0) {
		return Question{}
	}
	f = subjectOf(f, a)
	if a.State == access.ActionProposed && a.Ask.Quorum == 0 { // announced, with a time of grace
		made := p.People.made(a, f)
		return Question{May: slices.DeleteFunc(approvers(p, a, f), func(who string) bool { return slices.Contains(made, who) })}
	}
	q := Question{May: approvers(p, a, f), Need: quorum(p, a, f)}
	for _, b := range a.Votes {
		switch why := Void(p, a, f, b); {
		case why != "":
			q.Void = append(q.Void, why)
		case b.Vote == access.VoteApprove && !slices.Contains(q.Yes, b.By):
			q.Yes = append(q.Yes, b.By)
		}
	}
	return q
}

// Authors are the principals that answer for whoever made the change that a finding is about.
func Authors(p Policy, a access.Action, f access.Finding) []string {
	out := p.People.made(a, f)
	slices.Sort(out)
	return slices.Compact(out)
}

// Deciders are those who may say something about a finding: its approvers, and the operators.
func Deciders(p Policy, f access.Finding) []string { return deciders(p, f) }
