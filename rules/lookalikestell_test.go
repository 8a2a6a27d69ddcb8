package rules

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// tell plays a tale in one of the ways and gives the findings that opened.
func (b *taleBook) tell(t *testing.T, one tale, how string) []string {
	t.Helper()
	w := b.world(t, one)
	w.judge(w.places()...)
	for _, name := range slices.Sorted(maps.Keys(w.found)) {
		t.Errorf("before anything happened: %s", name)
	}
	w.unnamed = how == tellings[3]
	by := "alice@example.com"
	if one.By != "" {
		by = one.By
	}
	steps := drawn(one.Steps)
	var late []string // places that something happened at and that were not judged since
	for i := 0; i < len(steps); i++ {
		w.pass(time.Duration(steps[i].After))
		group := steps[i : i+1]
		if how == tellings[2] {
			for i+1 < len(steps) && time.Duration(steps[i+1].After) < soon && reads(steps[i]) && reads(steps[i+1]) {
				i++
				w.now = w.now.Add(time.Duration(steps[i].After))
				group = append(group[:len(group):len(group)], steps[i])
			}
		}
		w.do(group, by)
		late = append(late, acted(group)...)
		if how == tellings[1] && i+1 < len(steps) && time.Duration(steps[i+1].After) < soon {
			continue
		}
		w.judge(late...)
		if len(w.waiting) > 0 {
			w.now = w.now.Add(20 * time.Second)
			w.name()
			w.judge(late...)
		}
		late = nil
	}
	w.pass(2 * time.Hour)
	w.judge(w.places()...)
	return slices.Sorted(maps.Keys(w.found))
}

// drawn are the steps with repeated ones written out.
func drawn(steps []act) (out []act) {
	for _, s := range steps {
		for range max(1, s.Repeat) {
			out = append(out, s)
		}
	}
	return out
}

// reads reports whether the step is nothing but what a read shows.
func reads(s act) bool { return len(s.Events)+len(s.Rotated)+len(s.Visits)+len(s.Gone) == 0 }

// pass lets time pass, judging on the way as a clock does.
func (w *taleWorld) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		tick := max(30*time.Minute, d/6)
		if left := end.Sub(w.now); left <= tick {
			w.now = end
			return
		}
		w.now = w.now.Add(tick)
		w.judge(w.places()...)
	}
}

// do lets the steps happen; those of one group are seen by one read of each kind.
func (w *taleWorld) do(group []act, by string) {
	w.t.Helper()
	for _, s := range group {
		if s.By != "" {
			by = s.By
		}
	}
	for _, place := range acted(group) {
		if _, known := w.history[talePlace(place)]; !known {
			w.settle(place, w.now, group[0].World[place]) // its first read shows whatever is there
			group = slices.Clone(group)
			group[0].World = maps.Clone(group[0].World)
			delete(group[0].World, place)
		}
		for _, k := range slices.Concat(access.OrgKinds(), access.ProjectKinds()) {
			w.between(place, k, group, by)
		}
	}
	for _, s := range group {
		for _, h := range s.Events {
			w.hear(h, by)
		}
		for place, list := range s.Visits {
			for _, v := range list {
				w.leave(place, v.User)
			}
			w.visits[place] = append(w.visits[place], list...)
		}
		for place, list := range s.Gone {
			for _, u := range list {
				w.leave(place, u)
			}
		}
		for place, list := range s.Rotated {
			h := w.history[talePlace(place)]
			h.Rotations = maps.Clone(h.Rotations)
			for _, u := range list {
				h.Rotations[string(access.KindDatabaseUser)+"/"+u] = w.now.Truncate(24 * time.Hour)
				w.hear(heard{In: place, Kind: access.KindDatabaseUser, Type: "MONGODB_USER_UPDATED", Name: u}, by)
			}
			w.history[talePlace(place)] = h
		}
	}
}

// acted are the places at which something happens.
func acted(group []act) (out []string) {
	for _, s := range group {
		out = append(out, slices.Collect(maps.Keys(s.World))...)
		out = append(out, slices.Collect(maps.Keys(s.Rotated))...)
		for _, h := range s.Events {
			out = append(out, h.In)
		}
	}
	return access.SortNames(out)
}

func (w *taleWorld) leave(place, user string) {
	w.visits[place] = slices.DeleteFunc(slices.Clone(w.visits[place]), func(v visit) bool { return v.User == user })
}

// between reads a kind after all steps of a group; what came and went in between only the
// feed tells.
func (w *taleWorld) between(place string, k access.Kind, group []act, by string) {
	w.t.Helper()
	before := nameSet(w.states(place, k))
	touched, passed := false, map[string]bool{}
	for _, s := range group {
		what := s.World[place]
		if !what.bearOn(k) {
			continue
		}
		touched = true
		now := w.after(place, k, what)
		maps.Copy(passed, nameSet(now))
		w.seed(place, k, now)
	}
	if !touched {
		return
	}
	end := w.states(place, k)
	w.readStates(place, k, end, by)
	there := nameSet(end)
	added := map[access.Kind]string{access.KindIPAccessEntry: "NETWORK_PERMISSION_ENTRY_ADDED", access.KindDatabaseUser: "MONGODB_USER_ADDED"}[k]
	for _, name := range slices.Sorted(maps.Keys(passed)) {
		if !before[name] && !there[name] && added != "" {
			w.hear(heard{In: place, Kind: k, Type: added, Name: name, Lasts: span(time.Minute)}, by)
		}
	}
}

func nameSet(states []access.State) map[string]bool {
	out := map[string]bool{}
	for _, s := range states {
		out[s.Name()] = true
	}
	return out
}
