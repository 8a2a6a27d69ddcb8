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
	RemedyNone          = "none"
	RemedyDeleteEntries = "delete-entries"
	RemedyRestoreScopes = "restore-scopes"
	RemedyRestoreRoles  = "restore-roles"
	RemedyQuarantine    = "quarantine"
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
}

// MakePlan is the finding's remedy as typed writes with their inverse. It touches the
// finding's Ref and its causes and nothing else. What it cannot do, or should not do by
// itself, it says in Why, with a ceiling of ask or tell.
func MakePlan(c Case) access.Plan {
	var p access.Plan
	switch c.Finding.Remedy {
	case RemedyDeleteEntries:
		p = planDeletions(c)
	case RemedyRestoreScopes:
		p = planUser(c, restoreScopes)
	case RemedyRestoreRoles:
		if why, ok := throughRole(c); ok {
			return ask("the user's own roles did not change: %s; put the role back, mind every user that has it", why)
		}
		p = planUser(c, restoreRoles)
	case RemedyQuarantine:
		p = planUser(c, quarantine)
	default:
		return access.Plan{Why: "there is nothing to write for it"}
	}
	return sound(c, p)
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

// suspects are the names of those entries, there or not.
func suspects(c Case) []string {
	var out []string
	for _, r := range append([]access.Ref{c.Finding.Ref}, c.Finding.Evidence.Causes...) {
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

// Simulate is what a read would show after the operations. It changes nothing of before.
func Simulate(before map[access.Kind]access.Collection, ops []access.Operation) map[access.Kind]access.Collection {
	out := make(map[access.Kind]access.Collection, len(before))
	for k, c := range before {
		out[k] = c
	}
	for _, o := range ops {
		c := out[o.Ref.Kind]
		res, _ := c.Find(o.Ref.Name)
		out[o.Ref.Kind] = with(c, o.Ref.Name, effect(o, res.Box))
	}
	return out
}

// effect is the resource after the operation; an empty box: absent.
func effect(o access.Operation, b access.Box) access.Box {
	u, isUser := access.As[access.DatabaseUser](b)
	switch {
	case o.Type == access.DeleteAccessEntry:
		return access.Box{}
	case o.Type == access.CreateAccessEntry:
		return access.Box{State: o.Entry}
	case !isUser:
		return b
	case o.Type == access.SetUserRoles:
		u.Roles = access.SortGrants(o.Roles)
	case o.Type == access.QuarantineUser:
		u.Roles = []access.RoleGrant{}
	case o.Type == access.SetUserScopes:
		u.Scopes = access.SortScopes(o.Scopes)
	}
	return access.Box{State: u}
}

// with is the collection with the named resource as in the box, in a copy.
func with(c access.Collection, name string, b access.Box) access.Collection {
	i, found := slices.BinarySearchFunc(c.Resources, name, func(r access.Resource, n string) int { return strings.Compare(r.Name(), n) })
	res := slices.Clone(c.Resources)
	switch {
	case found && b.IsZero():
		res = slices.Delete(res, i, i+1)
	case found:
		res[i].Box = b
	case !b.IsZero():
		res = slices.Insert(res, i, access.Resource{Box: b})
	}
	c.Resources = res
	return c
}

func joined[T fmt.Stringer](list []T) string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, ", ")
}
