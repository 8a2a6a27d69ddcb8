package watcher

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// machine plays random edits, event delays, polls, faults and deaths, in any order.
type machine struct {
	*rig
	told map[string]bool // events since first sight
}

// edit draws one edit of the world and its event, to be made now or in the middle of
// a read.
func (m *machine) edit(t *rapid.T) (do func()) {
	n := rapid.IntRange(0, 3).Draw(t, "which")
	actor := rapid.SampledFrom([]access.Actor{alice, mallory}).Draw(t, "actor")
	delay := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 15, 90, 400}).Draw(t, "delay")) * time.Second
	silent := rapid.IntRange(0, 9).Draw(t, "silent") == 0
	say := func(eventType, target string) {
		if !silent {
			m.told[m.tell(project, eventType, target, actor, delay)] = true
		}
	}
	role := rapid.SampledFrom([]string{"entry", "entry", "", "read", "atlasAdmin", "gone"}).Draw(t, "role")
	if role == "entry" {
		return func() { m.editEntry(fmt.Sprintf("203.0.113.%d/32", n), say) }
	}
	return func() { m.editUser(fmt.Sprintf("user%d", n), role, say) }
}

func (m *machine) there(kind access.Kind, name string) bool {
	return m.states[string(project)+"."+string(kind)][name] != nil
}

func (m *machine) editEntry(name string, say func(eventType, target string)) {
	if m.there(access.KindIPAccessEntry, name) {
		m.remove(project, access.KindIPAccessEntry, name)
		say(removed, name)
		return
	}
	m.put(project, entryOf(name))
	say(added, name)
}

func (m *machine) editUser(name, role string, say func(eventType, target string)) {
	there := m.there(access.KindDatabaseUser, "admin/"+name)
	switch {
	case role == "gone" && there:
		m.remove(project, access.KindDatabaseUser, "admin/"+name)
		say("MONGODB_USER_DELETED", name)
	case role == "gone":
	case there:
		m.put(project, user(name, role))
		say(updated, name)
	default:
		m.put(project, user(name, role))
		say("MONGODB_USER_ADDED", name)
	}
}

// look draws one poll, to be done now or in the middle of another one.
func (m *machine) look(t *rapid.T) (do func()) {
	source := rapid.SampledFrom([]access.Source{access.SourceFeed, access.SourceFeed, access.SourceSweep, access.SourceWebhook}).Draw(t, "source")
	return func() {
		job := access.Poll{Scope: project, Source: source, At: m.clock()}
		if source == access.SourceWebhook {
			job.Kinds = []access.Kind{access.KindIPAccessEntry}
		}
		if err := m.w.Poll(t.Context(), job); err != nil && !errors.Is(err, errDied) && !errors.Is(err, access.ErrTemporary) {
			t.Errorf("poll: %v", err)
		}
	}
}

// fate has the process die in n steps, or a reading go wrong, or the feed.
func (m *machine) fate(t *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(t, "fate") {
	case 0:
		n := rapid.IntRange(1, 12).Draw(t, "steps")
		die := func(string) bool { n--; return n == 0 }
		m.watch.die, m.inventory.die, m.history.die = die, die, die
	case 1:
		key := string(project) + "." + string(rapid.SampledFrom([]access.Kind{access.KindIPAccessEntry, access.KindDatabaseUser}).Draw(t, "kind"))
		m.bad[key] = access.Reading{Status: rapid.SampledFrom([]access.Status{access.StatusDenied, access.StatusFailed, access.StatusComplete}).Draw(t, "status")}
	case 2:
		m.eventErr[project] = fmt.Errorf("503: %w", access.ErrTemporary)
	case 3:
		m.heal()
	}
}

func (m *machine) heal() {
	clear(m.bad)
	clear(m.eventErr)
	never := func(string) bool { return false }
	m.watch.die, m.inventory.die, m.history.die = never, never, never
}

// meanwhile another process polls during a read.
func (m *machine) meanwhile(t *rapid.T) {
	edit, inner, outer := m.edit(t), m.look(t), m.look(t)
	once := false
	m.onRead = func(access.Kind) {
		if !once {
			once = true
			edit()
			inner()
		}
	}
	outer()
	m.onRead = nil
}

func TestAnyHistoryEndsInTheWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{rig: newRig(t), told: map[string]bool{}}
		for i := range 4 {
			m.put(project, user(fmt.Sprintf("user%d", i), "read"))
		}
		m.poll()
		first := map[access.Kind]access.Collection{}
		for _, k := range m.w.opts.Kinds(project) {
			first[k] = m.collection(k)
		}
		m.pass(time.Second)
		t.Repeat(map[string]func(*rapid.T){
			"edit":      func(t *rapid.T) { m.edit(t)() },
			"edit more": func(t *rapid.T) { m.edit(t)() },
			"look":      func(t *rapid.T) { m.look(t)() },
			"fate":      m.fate,
			"meanwhile": m.meanwhile,
			"pass": func(t *rapid.T) {
				m.pass(time.Duration(rapid.SampledFrom([]int{100, 700, 2_000, 20_000, 61_000}).Draw(t, "ms")) * time.Millisecond)
			},
		})
		m.heal()
		for range 14 {
			m.pass(time.Minute)
			m.sweep()
		}
		m.check(t, first)
	})
}

func (m *machine) check(t *rapid.T, first map[access.Kind]access.Collection) {
	changes := m.changes()
	byID := map[string]bool{}
	for _, c := range changes {
		key := fmt.Sprintf("%s#%d", c.ID, c.Rev)
		if byID[key] {
			t.Errorf("change %s twice", key)
		}
		byID[key] = true
	}
	for k, c := range first {
		var mine []access.Change
		for _, x := range changes {
			if x.Ref.Kind == k {
				mine = append(mine, x)
			}
		}
		if diff := access.Diff(access.Apply(mine, c), m.collection(k)); len(diff) > 0 {
			t.Errorf("the changes of %s do not add up to the inventory: %v", k, brief(diff))
		}
	}
	m.sameAsWorld()
	used := usedBy(changes)
	for id := range m.told {
		if len(used[id]) != 1 {
			t.Errorf("event %s is used by %v, want one change", id, used[id])
		}
	}
	if n := len(decoded[access.Event](m.out, access.TopicEvent)); n != len(m.told) {
		t.Errorf("%d event facts of %d events", n, len(m.told))
	}
	m.checkHistory(t)
	if d := m.doc(); len(d.Pending) > 0 || len(d.Dirty) > 0 {
		t.Errorf("left over: pending %v, dirty %v", d.Pending, d.Dirty)
	}
}

// checkHistory: what is not in the history happened before the time that it claims.
func (m *machine) checkHistory(t *rapid.T) {
	h := m.kept()
	since := access.Since(h.Feed, m.clock(), access.SpanSlack)
	if since.IsZero() {
		t.Errorf("spans %v: nothing is claimed", h.Feed)
	}
	for _, e := range decoded[access.Event](m.out, access.TopicEvent) {
		if day := h.Duties[e.Actor.Name][e.Type]; day.Before(byDay(e.Created)) && since.Before(e.Created) {
			t.Errorf("%s by %s of %v is kept with %v, and all since %v is claimed", e.Type, e.Actor.Name, e.Created, day, since)
		}
	}
}
