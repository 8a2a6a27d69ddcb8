package remediate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// The remedies that rules name.
const (
	RemedyNone                = "none"
	RemedyDeleteEntries       = "delete-entries"
	RemedyDeleteEntry         = "delete-entry"
	RemedyReplaceEntry        = "replace-entry"
	RemedyRestoreScopes       = "restore-scopes"
	RemedyRemoveScope         = "remove-scope"
	RemedyRestoreRoles        = "restore-roles"
	RemedyRemoveRole          = "remove-role"
	RemedyQuarantine          = "quarantine"
	RemedySetTeamRoles        = "set-team-roles"
	RemedyRemoveMemberRole    = "remove-member-role"
	RemedyRestoreMemberRoles  = "restore-member-roles"
	RemedyRemoveProjectMember = "remove-project-member"
	RemedyDeleteInvitation    = "delete-invitation"
	RemedySetOrgSetting       = "set-org-setting"
	RemedyDisableDataExplorer = "disable-data-explorer"
	RemedyRestoreAlert        = "restore-alert"
)

// Case is all that [MakePlan] and [Guard] look at: one finding, as judged now.
type Case struct {
	Policy   Policy
	Finding  access.Finding
	Verdict  access.Verdict                    // of Fresh
	Fresh    map[access.Kind]access.Collection // nil: not read; then nothing is planned beyond asking
	Now      time.Time
	CanWrite bool
	Skew     time.Duration
	Control  access.Control  // of the scope and its org together
	Asked    *access.Action  // the action that people decide about; nil: nobody was asked
	Begun    []access.Ref    // what the running action's stored intent writes to: it was heard of when that was made
	Late     bool            // they were asked, and did not answer by the deadline
	Title    string          // what the project is called; empty: not known
	Past     []access.Action // that wrote to, or were kept from, what the finding is about, lately
}

// MakePlan is the finding's remedy as typed writes with their inverse. It touches the
// finding's Ref and its causes and nothing else. What it cannot do, or should not do by
// itself, it says in Why, with a ceiling of ask or tell.
func MakePlan(c Case) access.Plan {
	if plan := planner(c.Finding.Remedy); plan != nil {
		return sound(c, plan(c))
	}
	if plan := planner(chosen(c)); plan != nil {
		p := sound(c, plan(c))
		p.Ceiling = p.Ceiling.Min(access.CeilingAsk) // the rule's authors did not say that it is the right one
		return p
	}
	return access.Plan{Why: "there is nothing to write for it"}
}

// chosen is the remedy that the response names for a finding whose rule names none, if it is
// one for what was found.
func chosen(c Case) string {
	kind := c.Finding.Ref.Kind
	switch r := Respond(c.Policy, c.Finding); {
	case r.Remedy == "delete" && kind == access.KindIPAccessEntry:
		return RemedyDeleteEntry
	case r.Remedy == "quarantine" && kind == access.KindDatabaseUser:
		return RemedyQuarantine
	case r.Remedy == "remove-role" && kind == access.KindDatabaseUser:
		return RemedyRemoveRole
	}
	return RemedyNone
}

// planner is the one table of how remedies become writes; nil: there is nothing to write.
func planner(remedy string) func(Case) access.Plan {
	switch remedy {
	case RemedyDeleteEntries:
		return planDeletions
	case RemedyDeleteEntry:
		return planEntryDeletion
	case RemedyReplaceEntry:
		return planReplacement
	case RemedyRestoreScopes:
		return ofUser(restoreScopes)
	case RemedyRemoveScope:
		return ofUser(removeScopes)
	case RemedyRestoreRoles:
		return planFormerRoles
	case RemedyRemoveRole:
		return ofUser(removeRoles)
	case RemedyQuarantine:
		return ofUser(quarantine)
	case RemedySetTeamRoles, RemedyRemoveMemberRole:
		return planUndeclared
	case RemedyRestoreMemberRoles:
		return planFormerHolding
	case RemedyRemoveProjectMember:
		return planProjectRemoval
	case RemedyDeleteInvitation:
		return planInvitation
	case RemedySetOrgSetting:
		return planOrgSetting
	case RemedyDisableDataExplorer:
		return planDataExplorer
	case RemedyRestoreAlert:
		return planAlert
	}
	return nil
}

// planFormerRoles never answers the change of a custom role by touching a user.
func planFormerRoles(c Case) access.Plan {
	if why, ok := throughRole(c); ok {
		return ask("the user's own roles did not change: %s; put the role back, mind every user that has it", why)
	}
	return planUser(c, restoreRoles)
}

func ofUser(plan func(Case, access.DatabaseUser) access.Plan) func(Case) access.Plan {
	return func(c Case) access.Plan { return planUser(c, plan) }
}

// sound holds what is true of every plan: without a read it is a suggestion, and an
// operation that would do something else than it says is no operation.
func sound(c Case, p access.Plan) access.Plan {
	for _, o := range slices.Concat(p.Operations, p.Inverse) {
		if err := o.Validate(); err != nil {
			return access.Plan{Ceiling: access.CeilingAsk, Why: err.Error()}
		}
	}
	if len(p.Operations) == 0 || c.Fresh == nil {
		p.Ceiling = p.Ceiling.Min(access.CeilingAsk)
	}
	return p
}

// wideV4 is the number of public IPv4 addresses above which an entry is deleted for
// its part in a union that is the world; wideV6 the prefix length below which.
const (
	wideV4 = 65_536
	wideV6 = 32
)

func planDeletions(c Case) access.Plan {
	p := access.Plan{
		Ceiling:    access.CeilingAuto,
		Reversible: "yes: the same entries are added again with their comments; sessions opened through them stay open either way",
	}
	if c.Fresh == nil {
		return ask("delete %s from the access list, after a look at what else is in it", orNothing(strings.Join(suspects(c), ", ")))
	}
	var doubts []string
	for _, e := range culprits(c) {
		switch {
		case !wide(e.Entry):
			doubts = append(doubts, e.Entry+" is not wide enough to be deleted for this")
			continue
		case declared(c, e.Entry):
			doubts = append(doubts, e.Entry+" lies inside the declared networks")
			continue
		}
		ref := access.Ref{Scope: c.Finding.Ref.Scope, Kind: access.KindIPAccessEntry, Name: e.Entry}
		p.Operations = append(p.Operations, access.Operation{Type: access.DeleteAccessEntry, Ref: ref, Before: access.Box{State: e}})
		if back, ok := readd(e, ref, c.Now); ok {
			p.Inverse = append([]access.Operation{back}, p.Inverse...)
		} else {
			p.Reversible = "not wholly: " + e.Entry + " had expired by itself and cannot be added again as it was"
		}
	}
	if len(p.Operations) == 0 {
		doubts = append(doubts, "none of the entries that it came through is there to delete")
	}
	doubts = append(doubts, leftover(c, p.Operations)...)
	p.Why = "delete " + names(p.Operations) + " from the access list"
	if len(doubts) > 0 {
		p.Ceiling = access.CeilingAsk
		p.Why += "; not by itself, because " + strings.Join(doubts, ", and ")
	}
	return p
}

// culprits are the entries of the finding that are (still) there: its own, where it is
// about an entry, and its causes.
func culprits(c Case) []access.IPAccessEntry {
	var out []access.IPAccessEntry
	for _, name := range suspects(c) {
		r, _ := c.Fresh[access.KindIPAccessEntry].Find(name)
		if e, ok := access.As[access.IPAccessEntry](r.Box); ok {
			out = append(out, e)
		}
	}
	return out
}

// suspects are the names of those entries, there or not. What a plan under way writes to was
// one when its intent was stored, though the finding, judged half way, names it no more.
func suspects(c Case) []string {
	var out []string
	for _, r := range slices.Concat([]access.Ref{c.Finding.Ref}, c.Finding.Evidence.Causes, c.Begun) {
		if r.Kind == access.KindIPAccessEntry && r.Scope == c.Finding.Ref.Scope {
			out = append(out, r.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func wide(entry string) bool {
	p, err := reach.ParseEntry(entry)
	if err != nil {
		return false
	}
	return reach.Expose([]netip.Prefix{p}).V4 > wideV4 || p.Addr().Is6() && p.Bits() < wideV6
}

func declared(c Case, entry string) bool {
	p, err := reach.ParseEntry(entry)
	if err != nil {
		return false
	}
	var nets []netip.Prefix
	for _, n := range c.Policy.Networks {
		if n.Environment != "" && n.Environment != c.Finding.Environment {
			continue
		}
		for _, cidrs := range n.Purposes {
			nets = append(nets, prefixes(cidrs)...)
		}
	}
	return reach.Contains(nets, p)
}

// readd is the inverse of a deletion. An entry that has expired meanwhile would be gone
// by now; Atlas refuses a date in the past.
func readd(e access.IPAccessEntry, ref access.Ref, now time.Time) (access.Operation, bool) {
	if !e.DeleteAfterDate.IsZero() && !e.DeleteAfterDate.After(now) {
		return access.Operation{}, false
	}
	return access.Operation{Type: access.CreateAccessEntry, Ref: ref, Entry: e}, true
}

// leftover says what would be wrong with the access list after the deletions.
func leftover(c Case, ops []access.Operation) []string {
	var doubts []string
	if reach.Expose(prefixes(entries(after(c, ops)))).World() {
		doubts = append(doubts, "the rest of the list would still be the whole internet")
	}
	if lastWayIn(c, ops) {
		doubts = append(doubts, "no other way in would remain")
	}
	if own := lockedOut(c, ops); own != "" {
		doubts = append(doubts, "our own address "+own+" would be locked out")
	}
	return doubts
}

// lastWayIn reports whether the deletions would leave no entry that lets anybody in.
// Private endpoints and peerings are not read yet: the access list is the only way known.
func lastWayIn(c Case, ops []access.Operation) bool {
	return deletes(ops) && !slices.ContainsFunc(after(c, ops), func(e access.IPAccessEntry) bool {
		return e.DeleteAfterDate.IsZero() || e.DeleteAfterDate.After(c.Now)
	})
}

// lockedOut is the first of our own addresses that the list lets in now and would not
// let in after the deletions.
func lockedOut(c Case, ops []access.Operation) string {
	if !deletes(ops) {
		return ""
	}
	before := prefixes(entries(access.States[access.IPAccessEntry](c.Fresh[access.KindIPAccessEntry])))
	rest := prefixes(entries(after(c, ops)))
	for _, own := range c.Policy.Own.Addresses {
		p, err := reach.ParseEntry(own)
		if err != nil || reach.Contains(before, p) && !reach.Contains(rest, p) {
			return own
		}
	}
	return ""
}

func deletes(ops []access.Operation) bool {
	return slices.ContainsFunc(ops, func(o access.Operation) bool { return o.Type == access.DeleteAccessEntry })
}

func after(c Case, ops []access.Operation) []access.IPAccessEntry {
	return access.States[access.IPAccessEntry](Simulate(c.Fresh, ops)[access.KindIPAccessEntry])
}

func entries(list []access.IPAccessEntry) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, e.Entry)
	}
	return out
}

// prefixes leaves out what has no address (security groups).
func prefixes(cidrs []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range cidrs {
		if p, err := reach.ParseEntry(s); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func names(ops []access.Operation) string {
	if len(ops) == 0 {
		return "nothing"
	}
	var out []string
	for _, o := range ops {
		out = append(out, o.Ref.Name)
	}
	return strings.Join(out, ", ")
}

func joined[T fmt.Stringer](list []T) string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, ", ")
}
