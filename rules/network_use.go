package rules

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	loginSlack = 48 * time.Hour             // for so long the access history may go unread and be watched still
	ever       = 100 * 365 * 24 * time.Hour // longer than anything was watched
)

// netLogin is the last login from an address, by the day.
type netLogin struct {
	from netip.Addr
	last time.Time
}

// netLogins are those of all users, by address.
func (w *world) netLogins() []netLogin {
	m := &w.memo.network
	if m.logins != nil {
		return m.logins
	}
	m.logins = []netLogin{}
	for _, u := range w.in.History.Users {
		for text, at := range u.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				m.logins = append(m.logins, netLogin{a.Unmap().WithZone(""), at})
			}
		}
	}
	slices.SortFunc(m.logins, func(a, b netLogin) int { return a.from.Compare(b.from) })
	return m.logins
}

// entryLogin is the day of the last login that was seen from inside the entry, or zero.
func (s *subject) entryLogin() time.Time {
	var last time.Time
	p, all := s.network(), s.w.netLogins()
	if !p.IsValid() {
		return last
	}
	i, _ := slices.BinarySearchFunc(all, p.Addr(), func(l netLogin, a netip.Addr) int { return l.from.Compare(a) })
	for ; i < len(all) && p.Contains(all[i].from); i++ {
		if all[i].last.After(last) {
			last = all[i].last
		}
	}
	return last
}

// entryQuiet is for how long the entry may have been unused, for all that was seen: since its
// last login, or since it was added while we watched.
func (s *subject) entryQuiet() time.Duration {
	out := ever
	if at := s.entryLogin(); !at.IsZero() {
		out = s.now.Sub(at) - 24*time.Hour // it may have been at the end of that day
	}
	if at := added(*s.res); !at.IsZero() {
		out = min(out, s.now.Sub(at))
	}
	return out
}

// entryUnused is for how long the entry was certainly unused: as far as it and the access
// history were watched. Zero: not known.
func (s *subject) entryUnused() time.Duration {
	since, seen := s.entryWatched(), s.res.FirstSeen
	if seen.IsZero() {
		seen = s.res.ChangedAt
	}
	if since.IsZero() || seen.IsZero() {
		return 0
	}
	return max(0, min(s.entryQuiet(), s.now.Sub(since), s.now.Sub(seen)))
}

// entryWatched is since when the access history has been read without a gap, or zero.
func (s *subject) entryWatched() time.Time {
	return access.Since(s.w.in.History.Logins, s.now, loginSlack)
}

// netDedicated are the clusters that have an access history, private endpoints and peerings.
func (w *world) netDedicated() []string {
	if w.memo.network.dedicated == nil {
		w.memo.network.dedicated = netClusters(w.in.Collections[access.KindCluster], access.Cluster.Dedicated)
	}
	return w.memo.network.dedicated
}

func netClusters(c access.Collection, which func(access.Cluster) bool) []string {
	out := []string{}
	for _, s := range access.States[access.Cluster](c) {
		if which(s) {
			out = append(out, s.Name())
		}
	}
	return out
}

// netBlind are the targets whose logins are in no access history.
func (w *world) netBlind() []string {
	if w.memo.network.blind == nil {
		w.memo.network.blind = w.withoutHistory()
	}
	return w.memo.network.blind
}

func (w *world) withoutHistory() []string {
	out := netClusters(w.in.Collections[access.KindCluster], func(c access.Cluster) bool { return !c.Dedicated() })
	for _, k := range access.TargetKinds() {
		if k == access.KindCluster {
			continue
		}
		for _, r := range w.in.Collections[k].Resources {
			out = append(out, r.Name())
		}
	}
	return out
}
