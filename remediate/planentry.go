package remediate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const reversibleEntry = "yes: the same entries are added again with their comments; sessions opened through them stay open either way"

// planEntryDeletion deletes the one entry that the finding is about.
func planEntryDeletion(c Case) access.Plan {
	e, why := theEntry(c, "delete %s from the access list, after a look at who uses it")
	if why != "" {
		return access.Plan{Ceiling: access.CeilingAsk, Why: why}
	}
	p := access.Plan{Operations: []access.Operation{deletion(c, e)}, Ceiling: access.CeilingAuto, Reversible: reversibleEntry}
	if back, ok := readd(e, c.Finding.Ref, c.Now); ok {
		p.Inverse = []access.Operation{back}
	} else {
		p.Reversible = "no: " + e.Entry + " had expired by itself and cannot be added again as it was"
	}
	p.Why = "delete " + e.Entry + " from the access list"
	return doubted(p, shutOut(c, p.Operations))
}

// theEntry is the finding's own entry as read, or what is to be said where it was not.
func theEntry(c Case, unread string) (access.IPAccessEntry, string) {
	name := c.Finding.Ref.Name
	if c.Fresh == nil {
		return access.IPAccessEntry{}, fmt.Sprintf(unread, name)
	}
	r, _ := c.Fresh[access.KindIPAccessEntry].Find(name)
	e, ok := access.As[access.IPAccessEntry](r.Box)
	if !ok || e.Entry != name {
		return access.IPAccessEntry{}, "the access list entry " + name + " was not seen: look at it first"
	}
	return e, ""
}

func deletion(c Case, e access.IPAccessEntry) access.Operation {
	return access.Operation{Type: access.DeleteAccessEntry, Ref: entryRef(c, e.Entry), Before: access.Box{State: e}}
}

func entryRef(c Case, name string) access.Ref {
	return access.Ref{Scope: c.Finding.Ref.Scope, Kind: access.KindIPAccessEntry, Name: name}
}

// shutOut says whom the deletions would lock out.
func shutOut(c Case, ops []access.Operation) []string {
	var doubts []string
	if lastWayIn(c, ops) {
		doubts = append(doubts, "no other way in would remain")
	}
	if own := lockedOut(c, ops); own != "" {
		doubts = append(doubts, "our own address "+own+" would be locked out")
	}
	return doubts
}

// doubted is a plan that is not carried out by itself while there are doubts.
func doubted(p access.Plan, doubts []string) access.Plan {
	if len(doubts) == 0 {
		return p
	}
	return suggested(p, strings.Join(doubts, ", and "))
}

// mostNarrow bounds the entries that one broad entry is replaced by.
const mostNarrow = 20

// planReplacement puts the networks that are declared inside a broad entry into its place,
// the narrow ones first. Without any it goes by the logins of the access history, where
// that was read. Who else comes through the entry is for people to say: it is never done
// unasked.
func planReplacement(c Case) access.Plan {
	e, why := theEntry(c, "replace %s by narrower entries, after a look at who uses it")
	if why != "" {
		return access.Plan{Ceiling: access.CeilingAsk, Why: why}
	}
	broad, err := reach.ParseEntry(e.Entry)
	if err != nil {
		return ask("%s has no address: replace it by hand", e.Entry)
	}
	narrow, by := within(broad, declaredHere(c)), "the networks that are declared inside it"
	seen, told := loginsWithin(c, broad)
	if len(narrow) == 0 {
		narrow, by = seen, "the addresses inside it that logins were seen from"
	}
	switch {
	case len(narrow) == 0 && !told:
		return ask("no network is declared inside %s, and which of its addresses are used was not read: say by what narrower entries it is replaced", e.Entry)
	case len(narrow) == 0:
		return ask("no network is declared inside %s, and no login from it was seen in about a week: if nobody needs it, delete it", e.Entry)
	case len(narrow) > mostNarrow:
		return ask("%d networks inside %s would take its place, which are too many for one step: choose them by hand", len(narrow), e.Entry)
	}
	p := replacement(c, e, narrow)
	p.Why = "replace " + e.Entry + " by " + by + ": " + texts(narrow)
	doubts := append([]string{"who else comes through it is not known"}, shutOut(c, p.Operations)...)
	if rest := slices.DeleteFunc(seen, func(a netip.Prefix) bool { return reach.Contains(narrow, a) }); len(rest) > 0 {
		doubts = append(doubts, "logins were seen from "+texts(rest)+", which would be shut out")
	}
	return doubted(p, doubts)
}

// replacement adds the narrow entries that are not there yet and then deletes the broad
// one. The way back is the same, backwards: the broad one first.
func replacement(c Case, e access.IPAccessEntry, narrow []netip.Prefix) access.Plan {
	p := access.Plan{Ceiling: access.CeilingAuto, Reversible: reversibleEntry}
	for _, n := range narrow {
		if _, there := c.Fresh[access.KindIPAccessEntry].Find(n.String()); there {
			continue
		}
		add := access.IPAccessEntry{Entry: n.String(), Comment: e.Comment}
		if e.DeleteAfterDate.After(c.Now) {
			add.DeleteAfterDate = e.DeleteAfterDate
		}
		p.Operations = append(p.Operations, access.Operation{Type: access.CreateAccessEntry, Ref: entryRef(c, add.Entry), Entry: add})
		p.Inverse = append(p.Inverse, deletion(c, add))
	}
	p.Operations = append(p.Operations, deletion(c, e))
	if back, ok := readd(e, c.Finding.Ref, c.Now); ok {
		p.Inverse = append([]access.Operation{back}, p.Inverse...)
	} else {
		p.Inverse, p.Reversible = nil, "no: "+e.Entry+" had expired by itself and cannot be added again as it was"
	}
	return p
}

// declaredHere are the networks that are declared for the finding's environment.
func declaredHere(c Case) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range c.Policy.Networks {
		if n.Environment == "" || n.Environment == c.Finding.Environment {
			for _, cidrs := range n.Purposes {
				out = append(out, prefixes(cidrs)...)
			}
		}
	}
	return out
}

// within are those of the prefixes that lie inside the broad one and are not all of it,
// without those that another one holds.
func within(broad netip.Prefix, all []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		if p.Bits() > broad.Bits() && reach.Contains([]netip.Prefix{broad}, p) {
			out = append(out, p.Masked())
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Compare(b) })
	out = slices.Compact(out)
	return slices.DeleteFunc(slices.Clone(out), func(p netip.Prefix) bool {
		return slices.ContainsFunc(out, func(q netip.Prefix) bool { return q.Bits() < p.Bits() && q.Contains(p.Addr()) })
	})
}

// loginsWithin are the addresses inside the broad entry that somebody logged in from. told:
// the access history was read.
func loginsWithin(c Case, broad netip.Prefix) (seen []netip.Prefix, told bool) {
	col, read := c.Fresh[access.KindAccessHistory]
	if !read || col.Status != access.StatusComplete {
		return nil, false
	}
	for _, h := range access.States[access.AccessHistory](col) {
		seen = append(seen, prefixes(h.Addresses)...)
	}
	return within(broad, seen), true
}

func texts(list []netip.Prefix) string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}
