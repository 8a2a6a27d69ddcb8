package remediate

import (
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

func means(x access.Principal, name string) bool {
	name = access.FoldName(name)
	return slices.ContainsFunc(slices.Concat([]string{x.Email}, x.Atlas, x.Owns), func(n string) bool {
		return n != "" && access.FoldName(n) == name
	})
}

// quorum is the number of votes that the action takes. Opening a gate again takes two where
// nobody knows who had opened it.
func quorum(p People, a access.Action, f access.Finding) int {
	n := max(1, a.Ask.Quorum)
	if opens(a) && len(p.answersFor(f.Actor)) == 0 {
		n = max(2, n)
	}
	return n
}

// opens reports whether the action gives access back, which who took it in the first place
// does not decide.
func opens(a access.Action) bool {
	return a.Purpose == access.PurposeUndo || a.Purpose == access.PurposeRelease
}

// approvers are those who may answer the action's question now.
func approvers(p People, a access.Action) []string {
	list := a.Ask.Approvers
	if a.Ask.Escalated {
		list = slices.Concat(list, a.Ask.Escalate)
	}
	return p.members(list)
}

// Void is why a ballot does not count under the policy as it is now; empty: it counts.
func Void(p People, a access.Action, f access.Finding, b access.Ballot) string {
	switch {
	case !p.believed(b.Key):
		return fmt.Sprintf("the key that signed the vote of %s is believed no more", b.By)
	case !slices.Contains(approvers(p, a), b.By):
		return fmt.Sprintf("%s is not, or no longer, among those who may answer: the approvers of the response that matches", b.By)
	case opens(a) && b.Vote == access.VoteApprove && slices.Contains(p.answersFor(f.Actor), b.By):
		return fmt.Sprintf("%s answers for the one who made the change: somebody else must decide that it comes back", b.By)
	}
	return ""
}

// Consent counts the votes on the action's plan under the policy as it is now. It is asked
// when a vote comes in, directly before the intent is stored, and before each write. The
// zero Refusal says that the plan with the action's hash may be carried out.
func Consent(p People, a access.Action, f access.Finding) Refusal {
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
