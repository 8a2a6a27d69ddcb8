package rules

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// loginNames are the names by which an access history may call the user. That a managed
// certificate's user is CN=<name> there is how events call it.
func loginNames(u access.DatabaseUser) []string {
	if u.Auth == access.AuthX509Managed {
		return []string{u.Name(), u.Database + "/CN=" + u.Username}
	}
	return []string{u.Name()}
}

// loginsHidden says why no access history can tell of the user; empty: one can.
func (s *subject) loginsHidden() string {
	switch s.user().Auth {
	case access.AuthLDAPGroup, access.AuthOIDCWorkforce, access.AuthAWSRole:
		return "it stands for many, whom the access history names one by one"
	}
	if s.w.in.Collections[access.KindAccessHistory].Status == access.StatusUnsupported {
		return "none of the clusters has an access history"
	}
	if s.w.targetsKept().dedicated == 0 {
		return "the project has no dedicated cluster, and others have no access history"
	}
	return ""
}

// loginsElsewhere are the targets that the user reaches and that have no access history:
// what it does there nobody sees.
func (s *subject) loginsElsewhere() []string {
	u := s.user()
	reaches := func(name string) bool {
		return len(u.Scopes) == 0 || slices.ContainsFunc(u.Scopes, func(x access.UserScope) bool { return x.Name == name })
	}
	var out []string
	for _, name := range s.w.targetsKept().without {
		if reaches(name) {
			out = append(out, name)
		}
	}
	return out
}

// targetFacts tell which targets have an access history.
type targetFacts struct {
	dedicated int      // those that do
	without   []string // the names of the others
}

func (w *world) targetsKept() *targetFacts {
	if w.memo.database.targets != nil {
		return w.memo.database.targets
	}
	out := &targetFacts{}
	for _, k := range access.TargetKinds() {
		for _, r := range w.in.Collections[k].Resources {
			if c, ok := access.As[access.Cluster](r.Box); ok && c.Dedicated() {
				out.dedicated++
			} else {
				out.without = append(out.without, r.Name())
			}
		}
	}
	w.memo.database.targets = out
	return out
}

func (s *subject) loginsOdd() bool { return len(s.w.in.Collections[access.KindAccessHistory].Odd) > 0 }

// records are what the access histories of the last week show of the user.
func (s *subject) records() (out []access.AccessHistory) {
	memo := &s.w.memo.database
	if memo.logins == nil {
		memo.logins = map[string][]access.AccessHistory{}
		for _, h := range access.States[access.AccessHistory](s.w.in.Collections[access.KindAccessHistory]) {
			name := h.Database + "/" + h.Username
			memo.logins[name] = append(memo.logins[name], h)
		}
	}
	for _, name := range loginNames(s.user()) {
		out = append(out, memo.logins[name]...)
	}
	return out
}

// lastLogin is the day of the last login, of what we kept and of what the histories show.
func (s *subject) lastLogin() (last time.Time) {
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, name := range loginNames(s.user()) {
		later(s.w.in.History.Users[name].Last)
	}
	for _, h := range s.records() {
		later(h.LastLogin)
	}
	return last
}

func (s *subject) loginsSince() time.Time {
	return access.Since(s.w.in.History.Logins, s.now, access.SpanSlack)
}

// quietSince is since when the user is known not to have signed in, where its logins are
// watched: they are known by the day.
func (s *subject) quietSince() time.Time {
	last := s.lastLogin()
	if !last.IsZero() {
		last = last.AddDate(0, 0, 1)
	}
	return latest(last, s.loginsSince(), s.res.FirstSeen)
}

// usedLately reports whether the user signed in within the rule's days, or came within them
// while we watched: then it cannot have been idle for so long.
func (s *subject) usedLately() bool {
	days, _ := s.rule.Params["idle_days"].(int64)
	from, last := s.now.AddDate(0, 0, -int(days)), s.lastLogin()
	return !last.IsZero() && last.AddDate(0, 0, 1).After(from) || !s.res.Baseline && s.res.FirstSeen.After(from)
}

// latest is the last of the times.
func latest(times ...time.Time) (out time.Time) {
	for _, t := range times {
		if t.After(out) {
			out = t
		}
	}
	return out
}

// addresses are where the user signed in from in the week of the access history.
func (s *subject) addresses() []string {
	var out []string
	for _, h := range s.records() {
		out = append(out, h.Addresses...)
	}
	return access.SortNames(out)
}

// people is the purpose of networks from which people come: the same person is on the VPN
// today and in the office tomorrow.
const people = "people"

// purposes are the declared networks of the environment by purpose.
func (w *world) purposes() map[string][]netip.Prefix {
	if w.memo.database.networks != nil {
		return w.memo.database.networks
	}
	out := map[string][]netip.Prefix{}
	add := func(purpose string, cidrs []string) {
		for _, c := range cidrs {
			if p, err := reach.ParseEntry(c); err == nil {
				out[purpose] = append(out[purpose], p)
			}
		}
	}
	for _, n := range w.policy.Networks {
		if n.Environment != w.in.Environment && n.Environment != "" {
			continue
		}
		for purpose, cidrs := range n.Purposes {
			if purpose == "vpn" {
				purpose = people
			}
			add(purpose, cidrs)
		}
	}
	add(people, w.policy.Ranges.Developer)
	w.memo.database.networks = out
	return out
}

func (w *world) hasNetworks() bool { return len(w.purposes()) > 0 }

// workloads are the purposes of the networks from which the user came, each with an
// address; none where one purpose explains all that are declared.
func (s *subject) workloads() []string {
	addresses := s.addresses()
	if len(addresses) < 2 {
		return nil
	}
	neutral, _ := s.rule.Params["neutral"].([]string)
	networks := s.w.purposes()
	from := map[string]string{} // an address, by purpose
	var common map[string]bool
	for _, a := range addresses {
		of := purposesOf(a, networks, neutral)
		if len(of) == 0 {
			continue
		}
		if common == nil {
			common = of
		}
		common = maps.Collect(func(yield func(string, bool) bool) {
			for p := range common {
				if of[p] && !yield(p, true) {
					return
				}
			}
		})
		for p := range of {
			if from[p] == "" {
				from[p] = a
			}
		}
	}
	if common == nil || len(common) > 0 {
		return nil
	}
	out := make([]string, 0, len(from))
	for _, p := range slices.Sorted(maps.Keys(from)) {
		out = append(out, p+" ("+from[p]+")")
	}
	return out
}

func purposesOf(address string, networks map[string][]netip.Prefix, neutral []string) map[string]bool {
	out := map[string]bool{}
	a, err := netip.ParseAddr(strings.TrimSpace(address))
	if err != nil {
		return out
	}
	a = a.Unmap()
	for purpose, list := range networks {
		if !slices.Contains(neutral, purpose) && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) }) {
			out[purpose] = true
		}
	}
	return out
}

func (s *subject) history() access.AccessHistory {
	h, _ := access.As[access.AccessHistory](s.res.Box)
	return h
}

func (s *subject) visitorName() string { return s.history().Database + "/" + s.history().Username }

// visitor is the database user whom an access history calls so; of one that is not there
// any more, only the name is known.
func (w *world) visitor(h access.AccessHistory) access.DatabaseUser {
	if u, ok := w.visitorUser(h); ok {
		return u
	}
	return access.DatabaseUser{Database: h.Database, Username: strings.TrimPrefix(h.Username, "CN=")}
}

func (w *world) visitorUser(h access.AccessHistory) (access.DatabaseUser, bool) {
	users := w.in.Collections[access.KindDatabaseUser]
	for _, name := range []string{h.Username, strings.TrimPrefix(h.Username, "CN=")} {
		r, ok := users.Find(h.Database + "/" + name)
		if u, is := access.As[access.DatabaseUser](r.Box); ok && is && slices.Contains(loginNames(u), h.Database+"/"+h.Username) {
			return u, true
		}
	}
	return access.DatabaseUser{}, false
}

func (s *subject) visitorPresent() bool {
	_, ok := s.w.visitorUser(s.history())
	return ok
}
