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

// impactWindow is how far back logins are counted for an impact: a little less than Atlas
// keeps them, so that a count can be a whole one.
const impactWindow = 7*24*time.Hour - time.Hour

// The answers of an impact. An empty one is unknown.
const (
	impactSeen = "seen"
	impactNone = "none"
)

// ImpactOf is what a plan would cost those who use what it closes. logins are those that
// [Affected] matches, of [ImpactSpan]; history is the scope's. That nobody uses it is said
// only where the whole of the window was read.
func ImpactOf(c Case, plan access.Plan, logins access.Logins, history access.History) access.Impact {
	if len(plan.Operations) == 0 {
		return access.Impact{}
	}
	u := usedBy(plan)
	from, to := ImpactSpan(c.Now)
	out := access.Impact{Seen: logins, From: from, To: to, Ways: waysLeft(c, plan, logins), Owner: ownerInCode(c, plan)}
	last, whole := u.last(history)
	switch {
	case u.blind != "":
		out.Seen, out.From, out.To = access.Logins{}, time.Time{}, time.Time{}
	case logins.Succeeded+logins.Failed > 0:
		out.Answer = impactSeen
	case logins.Quality == access.QualityComplete:
		out.Answer = impactNone
		if since := access.Since(history.Logins, c.Now, access.SpanSlack); !since.IsZero() && whole && last.IsZero() && since.Before(from) {
			out.From = since // longer than Atlas itself remembers
		}
	}
	out.Says = strings.Join(slices.DeleteFunc([]string{u.says(out, last), waysSaid(u, out.Ways, c), ownerSaid(out.Owner)},
		func(s string) bool { return s == "" }), "; ")
	return out
}

// ImpactSpan is the window that logins are counted in.
func ImpactSpan(now time.Time) (from, to time.Time) { return now.Add(-impactWindow), now }

// use is what a plan takes away, as logins tell of its use.
type use struct {
	what  string // for people: "through 0.0.0.0/0", "as admin/shop_app_user"
	nets  []netip.Prefix
	users []string // database/username
	names []string // of people, whose duties the feed tells of
	blind string   // why no login tells of it
}

func usedBy(plan access.Plan) use {
	var u use
	var through, odd []string
	for _, o := range plan.Operations {
		switch o.Type {
		case access.DeleteAccessEntry:
			if p, err := reach.ParseEntry(o.Ref.Name); err == nil {
				u.nets, through = append(u.nets, p), append(through, o.Ref.Name)
			} else {
				odd = append(odd, o.Ref.Name)
			}
		case access.QuarantineUser, access.SetUserRoles, access.SetUserScopes, access.DeleteDatabaseUser:
			u.users = append(u.users, o.Ref.Name)
		case access.AddMemberRole, access.RemoveMemberRole, access.AddProjectMember, access.RemoveProjectMember:
			u.names = append(u.names, strings.ToLower(o.Ref.Name))
		}
	}
	u.names = slices.Compact(u.names)
	switch {
	case len(odd) > 0:
		u.blind = strings.Join(odd, ", ") + " has no address by which its logins could be told"
	case len(u.nets) > 0:
		u.what = "through " + strings.Join(through, ", ")
	case len(u.users) > 0:
		u.what = "as " + strings.Join(slices.Compact(u.users), ", ")
	default:
		u.blind = "no login to a cluster goes through it"
	}
	return u
}

// Affected is by which logins a plan is felt. It is asked about each line of an access
// history, and counts those that it cannot tell about.
type Affected struct {
	use      use
	unplaced int // lines without an address
}

// NewAffected is for the plan's own logins.
func NewAffected(plan access.Plan) *Affected { return &Affected{use: usedBy(plan)} }

// None reports whether no login tells of it at all: then nothing need be read.
func (a *Affected) None() bool { return a.use.blind != "" }

// Match reports whether the login is of one who uses what the plan takes away.
func (a *Affected) Match(l access.Login) bool {
	if slices.ContainsFunc(a.use.users, func(u string) bool { return isUser(l, u) }) {
		return true
	}
	if len(a.use.nets) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(l.Address)
	if err != nil {
		a.unplaced++
		return false
	}
	return inside(a.use.nets, ip)
}

// Counted is the count with what Match could not tell.
func (a *Affected) Counted(l access.Logins) access.Logins {
	if a.unplaced == 0 {
		return l
	}
	if l.Quality == access.QualityComplete {
		l.Quality = access.QualityPartial
	}
	l.Why = strings.TrimPrefix(fmt.Sprintf("%s; %d lines name no address", l.Why, a.unplaced), "; ")
	return l
}

// isUser reports whether the login is of the database user. What the history says of the
// database where it authenticated is left out by some lines.
func isUser(l access.Login, name string) bool {
	db, user, _ := strings.Cut(name, "/")
	return l.Username == user && user != "" && (l.Source == "" || l.Source == db)
}

func inside(nets []netip.Prefix, ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// last is the last use that the history shows, by the day. whole: had there been another
// one, it would show.
func (u use) last(h access.History) (last time.Time, whole bool) {
	whole = true
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, name := range u.users {
		later(h.Users[name].Last)
	}
	for _, used := range h.Users {
		whole = whole && (len(u.nets) == 0 || used.Cut.IsZero())
		for at, day := range used.Addresses {
			if ip, err := netip.ParseAddr(at); err == nil && len(u.nets) > 0 && inside(u.nets, ip) {
				later(day)
			}
		}
	}
	for _, name := range u.names {
		for _, at := range h.Duties[name] {
			later(at)
		}
	}
	return last, whole
}

func (u use) says(i access.Impact, last time.Time) string {
	window := fmt.Sprintf("in the %s to %s", access.Lasts(i.To.Sub(i.From)), access.Stamp(i.To))
	before := ""
	if !last.IsZero() {
		before = ", though one was seen on " + last.UTC().Format(time.DateOnly)
	}
	switch {
	case u.blind != "" && len(u.names) > 0 && !last.IsZero():
		return "how much it is used is not known: " + u.blind + "; " + strings.Join(u.names, ", ") + " last did something in Atlas on " + last.UTC().Format(time.DateOnly)
	case u.blind != "":
		return "how much it is used is not known: " + u.blind
	case i.Answer == impactSeen:
		return u.seen(i, window)
	case i.Answer == impactNone:
		return "no login " + u.what + " was seen " + window + before
	}
	return "whether anybody logs in " + u.what + " is not known: " + orNothing(i.Seen.Why) + before
}

func (u use) seen(i access.Impact, window string) string {
	n := i.Seen.Succeeded + i.Seen.Failed
	s := fmt.Sprintf("%d logins %s were seen %s", n, u.what, window)
	if n == 1 {
		s = fmt.Sprintf("1 login %s was seen %s", u.what, window)
	}
	if i.Seen.Failed > 0 {
		s += fmt.Sprintf(" (%d of them failed)", i.Seen.Failed)
	}
	if len(i.Seen.Sample) > 0 {
		l := i.Seen.Sample[0]
		s += fmt.Sprintf(", the last at %s by %s from %s on %s", access.Stamp(l.At), orNothing(l.Username), orNothing(l.Address), orNothing(l.Cluster))
	}
	if i.Seen.Quality != access.QualityComplete {
		s += ", and there may be more: " + orNothing(i.Seen.Why)
	}
	return s
}

// waysLeft are the other ways in that remain to those who come through the entries that the
// plan deletes.
func waysLeft(c Case, plan access.Plan, logins access.Logins) []string {
	u := usedBy(plan)
	if len(u.nets) == 0 {
		return nil
	}
	var out []string
	rest := prefixes(lasting(after(c, plan.Operations), c.Now))
	for _, p := range rest {
		if s := wayBy(p, u.nets, logins.Sample); s != "" {
			out = append(out, s)
		}
	}
	for _, e := range access.States[access.PrivateEndpoint](c.Fresh[access.KindPrivateEndpoint]) {
		if e.For == access.EndpointClusters && e.Status == available && len(e.Endpoints) > 0 {
			out = append(out, "private endpoint "+e.Name())
		}
	}
	for _, p := range access.States[access.Peering](c.Fresh[access.KindPeering]) {
		cidr, err := reach.ParseEntry(p.CIDR)
		if err == nil && p.Status == available && slices.ContainsFunc(rest, cidr.Overlaps) { // whoever is peered must be in the access list too
			out = append(out, "peering "+p.Name()+" with "+p.CIDR)
		}
	}
	return out
}

const available = "AVAILABLE"

// wayBy says how one remaining entry lets the same clients in; empty: it does not.
func wayBy(p netip.Prefix, closed []netip.Prefix, sample []access.Login) string {
	all := true
	for _, n := range closed {
		all = all && p.Bits() <= n.Bits() && p.Contains(n.Addr())
	}
	if all {
		return "access list entry " + p.String() + ", which contains it"
	}
	seen, let := map[string]bool{}, 0
	for _, l := range sample {
		ip, err := netip.ParseAddr(l.Address)
		if err != nil || seen[l.Address] || !inside(closed, ip) {
			continue
		}
		if seen[l.Address] = true; inside([]netip.Prefix{p}, ip) {
			let++
		}
	}
	if let == 0 {
		return ""
	}
	return fmt.Sprintf("access list entry %s, for %d of the %d addresses seen last", p, let, len(seen))
}

// lasting are the entries that have not expired.
func lasting(list []access.IPAccessEntry, now time.Time) []string {
	return entries(slices.DeleteFunc(slices.Clone(list), func(e access.IPAccessEntry) bool {
		return !e.DeleteAfterDate.IsZero() && !e.DeleteAfterDate.After(now)
	}))
}

func waysSaid(u use, ways []string, c Case) string {
	switch {
	case len(u.nets) == 0 || u.blind != "":
		return ""
	case len(ways) > 0:
		return "what remains: " + strings.Join(ways, ", ")
	case !usable(c.Fresh[access.KindPrivateEndpoint]) || !usable(c.Fresh[access.KindPeering]):
		return "no other entry of the access list lets the same clients in, and private endpoints and peerings were not read"
	}
	return "no other way in remains for the same clients"
}

func ownerSaid(owner string) string {
	if owner == "" {
		return ""
	}
	return "in code it is owned by " + owner
}
