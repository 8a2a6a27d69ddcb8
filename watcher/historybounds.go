package watcher

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// What is kept of one scope at most. What is longest unseen gives way, and the spans no
// longer claim to be complete for its days. Real scopes have a fraction of it.
const (
	keptFor       = 400 * aDay
	mostActors    = 5_000
	mostDuties    = 50_000 // of all actors
	mostRotations = 10_000
	mostUsers     = 5_000
	mostAddresses = 500    // of one user
	mostOfAll     = 50_000 // addresses of all users
)

func (r *record) tooOld(t time.Time) bool { return t.Before(r.now.Add(-keptFor)) }

// age forgets what is older than anybody asks for.
func (r *record) age() {
	from := r.now.Add(-keptFor)
	r.doc.Feed, r.doc.Logins = since(r.doc.Feed, from), since(r.doc.Logins, from)
	old := func(_ string, at time.Time) bool { return r.tooOld(at) }
	maps.DeleteFunc(r.doc.Rotations, old)
	maps.DeleteFunc(r.doc.Duties, func(_ string, types map[string]time.Time) bool {
		maps.DeleteFunc(types, old)
		return len(types) == 0
	})
	maps.DeleteFunc(r.doc.Users, func(_ string, u access.Use) bool {
		maps.DeleteFunc(u.Addresses, old)
		return r.tooOld(u.Last)
	})
}

func (r *record) bound() {
	r.boundActors()
	for _, name := range surplus(r.doc.Rotations, mostRotations) {
		r.lostDuty = later(r.lostDuty, byDay(r.doc.Rotations[name]))
		delete(r.doc.Rotations, name)
	}
	last := map[string]time.Time{}
	for name, u := range r.doc.Users {
		last[name] = u.Last
	}
	for _, name := range surplus(last, mostUsers) {
		r.lostLogin = later(r.lostLogin, last[name])
		delete(r.doc.Users, name)
	}
	for name, u := range r.doc.Users {
		for _, address := range surplus(u.Addresses, mostAddresses) {
			r.forgetAddress(name, address)
		}
	}
	r.boundAddresses()
}

func (r *record) boundActors() {
	last, all := map[string]time.Time{}, 0
	for actor, types := range r.doc.Duties {
		for _, day := range types {
			last[actor] = later(last[actor], day)
		}
		all += len(types)
	}
	if len(last) <= mostActors && all <= mostDuties {
		return
	}
	for _, actor := range oldest(last) {
		if len(r.doc.Duties) <= mostActors && all <= mostDuties {
			return
		}
		all -= len(r.doc.Duties[actor])
		r.lostDuty = later(r.lostDuty, last[actor])
		delete(r.doc.Duties, actor)
	}
}

// boundAddresses is for the addresses of all users together.
func (r *record) boundAddresses() {
	type from struct {
		user, address string
		day           time.Time
	}
	var all []from
	for name, u := range r.doc.Users {
		for address, day := range u.Addresses {
			all = append(all, from{name, address, day})
		}
	}
	if len(all) <= mostOfAll {
		return
	}
	slices.SortFunc(all, func(a, b from) int {
		return cmp.Or(order(a.day, a.user, b.day, b.user), cmp.Compare(a.address, b.address))
	})
	for _, f := range all[:len(all)-mostOfAll] {
		r.forgetAddress(f.user, f.address)
	}
}

// forgetAddress takes nothing from the spans: a workload of ever new addresses would
// leave nothing known of its neighbours. The user says by itself what is left out.
func (r *record) forgetAddress(user, address string) {
	u := r.doc.Users[user]
	u.Cut = later(u.Cut, u.Addresses[address])
	delete(u.Addresses, address)
	r.doc.Users[user] = u
}

// surplus are the keys above a number, of those that are longest ago.
func surplus(dates map[string]time.Time, most int) []string {
	if len(dates) <= most {
		return nil
	}
	return oldest(dates)[:len(dates)-most]
}

func order(a time.Time, x string, b time.Time, y string) int {
	return cmp.Or(a.Compare(b), cmp.Compare(x, y))
}
