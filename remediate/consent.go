package remediate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// People says who is who, and which signatures are believed. The zero value knows nobody:
// nothing can be approved.
type People struct {
	Principals []access.Principal
	Groups     map[string][]string // ids of principals by the group's name
	Operators  []string            // principals and groups that may freeze, open incidents, expect and adopt
	Keys       []access.GatewayKey // by which commands are believed
}

// members are the ids of the principals that a list of ids and groups means, sorted. What
// the configuration does not declare means nobody.
func (p People) members(list []string) []string {
	var out []string
	for _, name := range list {
		for _, id := range append([]string{name}, p.Groups[name]...) {
			if p.known(id) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (p People) known(id string) bool {
	return slices.ContainsFunc(p.Principals, func(x access.Principal) bool { return x.ID == id })
}

// believed reports whether a key still is one whose commands count.
func (p People) believed(key string) bool {
	return slices.ContainsFunc(p.Keys, func(k access.GatewayKey) bool { return access.KeyID(k.Public) == key })
}

// answersFor are the principals that the actor is, or that answer for the machine that it
// is; none: nobody knows who it was.
func (p People) answersFor(a access.Actor) []string {
	var out []string
	for _, x := range p.Principals {
		for _, name := range []string{a.Name, a.ID, a.OnBehalfOf} {
			if x.ID == a.Principal || name != "" && means(x, name) {
				out = append(out, x.ID)
				break
			}
		}
	}
	return out
}

// made are those who answer for whoever made the change, as known when people were asked and as
// known by now: a later change of the same thing, by another, hides nobody.
func (p People) made(a access.Action, f access.Finding) []string {
	return slices.Concat(p.answersFor(f.Actor), p.answersFor(a.Actor))
}

func means(x access.Principal, name string) bool {
	name = access.FoldName(name)
	return slices.ContainsFunc(slices.Concat([]string{x.Email}, x.Atlas, x.Owns), func(n string) bool {
		return n != "" && access.FoldName(n) == name
	})
}

// quorum is the number of votes that the action takes. Opening a gate again takes two where
// nobody knows who had opened it.
func quorum(p Policy, a access.Action, f access.Finding) int {
	n := max(1, a.Ask.Quorum)
	if !adopted(a, f) {
		n = max(n, Respond(p, f).Quorum)
	}
	if opens(a) && len(p.People.answersFor(f.Actor)) == 0 {
		n = max(2, n)
	}
	return n
}

// opens reports whether the action gives access back, which who took it in the first place
// does not decide.
func opens(a access.Action) bool {
	return a.Purpose == access.PurposeUndo || a.Purpose == access.PurposeRelease
}

// adopted reports whether what was there before is acted on because operators adopted it:
// of nothing else that was there before is anybody asked.
func adopted(a access.Action, f access.Finding) bool {
	return a.Purpose == "" && f.Origin != access.OriginNew
}

// approvers are those who may answer the action's question now: who was asked, and whom the
// configuration still lets decide.
func approvers(p Policy, a access.Action, f access.Finding) []string {
	asked, r := a.Ask.Approvers, Respond(p, f)
	may := r.Approvers
	if a.Ask.Escalated {
		asked, may = slices.Concat(asked, a.Ask.Escalate), slices.Concat(may, r.Escalate)
	}
	if opens(a) || adopted(a, f) {
		may = slices.Concat(may, p.People.Operators)
	}
	now := p.People.members(may)
	return slices.DeleteFunc(p.People.members(asked), func(who string) bool { return !slices.Contains(now, who) })
}

// said reports whether a believed command said what the ballot says, about this action: who
// can write to the store makes no vote by that.
func (p People) said(a access.Action, b access.Ballot) bool {
	c, err := access.Proven(b.Signed, p.Keys)
	if err != nil || c.ID != b.Command || c.By != b.By || access.EnvelopeKey(b.Signed) != b.Key || c.Scope != a.Ref.Scope {
		return false
	}
	about := access.ActionID(c.Finding, c.Episode)
	switch c.Verb {
	case access.VerbVote:
		return cmp.Or(c.Action, about) == a.ID && c.Vote == b.Vote && (c.Vote == access.VoteDeny || c.PlanHash == a.PlanHash)
	case access.VerbUndo, access.VerbRelease:
		return about == a.Of && access.Purpose(c.Verb) == a.Purpose && b.Vote == access.VoteApprove
	case access.VerbAdopt:
		return a.Purpose == "" && c.Rule == a.Rule && b.Vote == access.VoteApprove
	}
	return false
}

// Void is why a ballot does not count under the policy as it is now; empty: it counts.
func Void(p Policy, a access.Action, f access.Finding, b access.Ballot) string {
	switch {
	case !p.People.believed(b.Key):
		return fmt.Sprintf("the key that signed the vote of %s is believed no more", b.By)
	case !p.People.said(a, b):
		return fmt.Sprintf("no signed command carries the vote of %s", b.By)
	}
	return barred(p, a, f, b)
}

// barred is why the one who votes has no say; empty: they have.
func barred(p Policy, a access.Action, f access.Finding, b access.Ballot) string {
	switch {
	case !slices.Contains(approvers(p, a, f), b.By):
		return fmt.Sprintf("%s is not, or no longer, among those who may answer: the approvers of the response that matches", b.By)
	case opens(a) && b.Vote == access.VoteApprove && slices.Contains(p.People.made(a, f), b.By):
		return fmt.Sprintf("%s answers for the one who made the change: somebody else must decide that it comes back", b.By)
	case !opens(a) && b.Vote == access.VoteDeny && slices.Contains(p.People.made(a, f), b.By):
		return fmt.Sprintf("%s answers for the one who made the change: somebody else must decide that it stays", b.By)
	}
	return ""
}

// Consent counts the votes on the action's plan under the policy as it is now. It is asked
// when a vote comes in, directly before the intent is stored, and before each write. The
// zero Refusal says that the plan with the action's hash may be carried out.
func Consent(p Policy, a access.Action, f access.Finding) Refusal {
	var yes, void []string
	for _, b := range a.Votes {
		why := Void(p, a, f, b)
		switch {
		case b.Vote != access.VoteApprove:
			return Refusal{Guard: GuardVeto, Why: b.By + " denied it", End: access.ActionVetoed}
		case why != "":
			void = append(void, why)
		case !slices.Contains(yes, b.By):
			yes = append(yes, b.By)
		}
	}
	if need := quorum(p, a, f); len(yes) < need {
		why := fmt.Sprintf("%d of %d votes", len(yes), need)
		if len(void) > 0 {
			why += ": " + strings.Join(void, "; ")
		}
		return Refusal{Guard: GuardApproval, Why: why, End: access.ActionAwaiting}
	}
	return Refusal{}
}

// agreed names those whose votes carry the action.
func agreed(a access.Action) string {
	var out []string
	for _, b := range a.Votes {
		if b.Vote == access.VoteApprove && !slices.Contains(out, b.By) {
			out = append(out, b.By)
		}
	}
	return strings.Join(out, ", ")
}
