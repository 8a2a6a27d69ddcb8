package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/access/accesstest"
)

// soon is how close steps must follow each other to be read or judged together.
const soon = 10 * time.Minute

// taleWorld is an org with its projects as a watcher keeps them, around a real stage: what
// is read becomes collections and changes, and every scope is judged until nothing is new.
type taleWorld struct {
	t       *testing.T
	engine  *Engine
	stage   *Stage
	now     time.Time
	unnamed bool // changes come without an actor
	inv     map[string]access.Collection
	revs    map[string]uint64
	streams map[access.Scope][]access.Change
	history map[access.Scope]access.History
	visits  map[string][]visit
	duties  map[string]map[string][]any
	idle    []string
	kept    map[string]access.Collection // what was read, while steps are worked out
	waiting []access.Change              // that have no actor yet
	outs    []access.Out
	found   map[string]bool
}

// world is that of base.yaml with what the tale puts on it, watched for a long time.
func (b *taleBook) world(t *testing.T, one tale) *taleWorld {
	t.Helper()
	w := &taleWorld{
		t: t, engine: b.engine(t, one.Config), now: b.base.Start, inv: map[string]access.Collection{}, revs: map[string]uint64{}, streams: map[access.Scope][]access.Change{},
		history: map[access.Scope]access.History{}, visits: map[string][]visit{}, duties: map[string]map[string][]any{}, found: map[string]bool{},
		idle: slices.Concat(b.base.Idle, one.Idle),
	}
	if !one.Start.IsZero() {
		w.now = one.Start
	}
	began := w.now.Add(-time.Duration(b.base.Watched))
	if one.Watched > 0 {
		began = w.now.Add(-time.Duration(one.Watched))
	}
	w.stage = NewStage(StageOptions{
		Engine: func() *Engine { return w.engine }, Findings: accesstest.NewShelf[access.Findings](&w.outs), Inventory: taleInventory{w}, Dirty: quiet{}, Changes: w,
		Told: accesstest.NewShelf[access.Contribution](&w.outs), Facts: accesstest.NewShelf[access.Facts](&w.outs), History: taleHistories{w}, Now: func() time.Time { return w.now },
	})
	for _, place := range slices.Sorted(maps.Keys(b.base.World)) {
		w.settle(place, began, b.base.World[place])
		for _, k := range slices.Concat(access.OrgKinds(), access.ProjectKinds()) {
			if what := one.World[place]; what.bearOn(k) {
				w.put(place, k, w.after(place, k, what))
			}
		}
	}
	w.put("org", access.KindResourcePolicy, append(b.ready(t, w.engine), w.states("org", access.KindResourcePolicy)...))
	for _, from := range []tale{b.base, one} {
		for place, list := range from.Visits {
			w.visits[place] = append(w.visits[place], list...)
		}
		for place, by := range from.Duties {
			if w.duties[place] == nil {
				w.duties[place] = map[string][]any{}
			}
			maps.Copy(w.duties[place], by)
		}
	}
	for _, place := range w.places() {
		for _, s := range w.states(place, access.KindDatabaseUser) {
			w.history[talePlace(place)].Rotations[string(access.KindDatabaseUser)+"/"+s.Name()] = w.now.AddDate(0, 0, -20).Truncate(24 * time.Hour)
		}
	}
	w.live()
	return w
}

// settle has a place seen for the first time.
func (w *taleWorld) settle(place string, at time.Time, what verbs) {
	w.t.Helper()
	scope := talePlace(place)
	w.history[scope] = access.History{
		V: access.Version, Scope: scope, Feed: []access.Span{{From: at, Until: at}}, Logins: []access.Span{{From: at, Until: at}},
		Users: map[string]access.Use{}, Duties: map[string]map[string]time.Time{}, Rotations: map[string]time.Time{},
	}
	kinds := access.ProjectKinds()
	if scope.IsOrg() {
		kinds = access.OrgKinds()
	}
	for _, k := range kinds {
		c := access.NewCollection(scope, k, w.after(place, k, what))
		c.FirstRead, c.ChangedRead = at, at
		for i := range c.Resources {
			c.Resources[i].FirstSeen, c.Resources[i].Baseline = at, true
		}
		w.store(c)
	}
}

func (w *taleWorld) places() (out []string) {
	for _, p := range []string{"dev", "fresh", "prod", "staging", "org"} {
		if _, there := w.history[talePlace(p)]; there {
			out = append(out, p)
		}
	}
	return out
}

func key(scope access.Scope, k access.Kind) string { return string(scope) + "." + string(k) }

func (w *taleWorld) store(c access.Collection) {
	at := key(c.Scope, c.Kind)
	w.inv[at], w.revs[at] = c, w.revs[at]+1
}

func (w *taleWorld) states(place string, k access.Kind) (out []access.State) {
	for _, r := range w.inv[key(talePlace(place), k)].Resources {
		out = append(out, r.Box.State)
	}
	return out
}

// put replaces what a kind holds as if it had always been so: what is no change.
func (w *taleWorld) put(place string, k access.Kind, states []access.State) {
	old := w.inv[key(talePlace(place), k)]
	c := access.NewCollection(old.Scope, k, states)
	for i := range c.Resources {
		r := &c.Resources[i]
		box := r.Box
		if was, ok := old.Find(r.Name()); ok {
			*r = was
		} else {
			r.FirstSeen, r.Baseline = old.FirstRead, true
		}
		r.Box = box
	}
	list := c.Resources
	c = old
	c.Resources = list
	w.store(c)
}

// after is what a kind holds when the verbs were done.
func (w *taleWorld) after(place string, k access.Kind, what verbs) []access.State {
	w.t.Helper()
	byName := map[string]access.State{}
	for _, s := range w.states(place, k) {
		byName[s.Name()] = s
	}
	for _, name := range what.Drop[k] {
		if _, ok := byName[name]; !ok {
			w.t.Fatalf("%s has no %s %s to drop", place, k, name)
		}
		delete(byName, name)
	}
	for _, raw := range what.Put[k] {
		s := w.state(k, raw)
		byName[s.Name()] = s
	}
	for name, raw := range what.Edit[k] {
		was, ok := byName[name]
		if !ok {
			w.t.Fatalf("%s has no %s %s to edit", place, k, name)
		}
		fields := map[string]json.RawMessage{}
		for _, src := range [][]byte{mustJSON(w.t, was), raw} {
			if err := json.Unmarshal(src, &fields); err != nil {
				w.t.Fatal(err)
			}
		}
		delete(byName, name)
		s := w.state(k, mustJSON(w.t, fields))
		byName[s.Name()] = s
	}
	return slices.Collect(maps.Values(byName))
}

func (w *taleWorld) state(k access.Kind, raw json.RawMessage) access.State {
	w.t.Helper()
	box, err := kinds[k].decode(raw)
	if err != nil {
		w.t.Fatalf("%s: %v", k, err)
	}
	return box.State
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func actorNamed(name string) access.Actor {
	switch {
	case name == "atlas":
		return access.Actor{Type: access.ActorAtlas}
	case strings.HasPrefix(name, "mdb_sa_id_"):
		return access.Actor{Type: access.ActorServiceAccount, Name: name}
	}
	return access.Actor{Type: access.ActorHuman, Name: name}
}

// seed has the kind hold these states while the steps of a group are worked out; no one
// sees it.
func (w *taleWorld) seed(place string, k access.Kind, states []access.State) {
	at := key(talePlace(place), k)
	c := w.inv[at]
	if w.kept == nil {
		w.kept = map[string]access.Collection{}
	}
	if _, ok := w.kept[at]; !ok {
		w.kept[at] = c
	}
	c.Resources = access.NewCollection(c.Scope, k, states).Resources
	w.inv[at] = c
}

// readStates is a complete read of a kind that shows these.
func (w *taleWorld) readStates(place string, k access.Kind, states []access.State, by string) {
	w.t.Helper()
	at := key(talePlace(place), k)
	if c, ok := w.kept[at]; ok {
		w.inv[at] = c
		delete(w.kept, at)
	}
	old := w.inv[at]
	next := access.NewCollection(old.Scope, k, states)
	changes := access.Diff(old, next)
	made := map[string]access.Change{}
	for n := range changes {
		c := &changes[n]
		c.ID = fmt.Sprintf("%s.%s.%d.%d", old.Scope, k, w.revs[key(old.Scope, k)], n)
		c.Occurred, c.Observed, c.Source, c.Actor = w.now, w.now, access.SourceFeed, actorNamed(by)
		if w.unnamed {
			w.waiting = append(w.waiting, *c)
			c.Actor, c.Source = access.Actor{}, access.SourceSweep
		}
		made[c.Ref.Name] = *c
	}
	for i := range next.Resources {
		r := &next.Resources[i]
		box := r.Box
		if was, ok := old.Find(r.Name()); ok {
			*r = was
		} else {
			r.FirstSeen = w.now
		}
		r.Box = box
		if c, ok := made[r.Name()]; ok {
			r.ChangedAt, r.Cause, r.Actor = w.now, c.ID, c.Actor
			if held := ownsScope(old, r.Name()); ownsScope(next, r.Name()) && !held {
				r.OwnerSince = w.now
			}
		}
	}
	list := next.Resources
	next = old
	next.Resources, next.ChangedRead = list, w.now
	for _, c := range changes {
		c.Before, c.After = access.Box{}, access.Box{}
		next.Trail.Recent = append(slices.Clip(next.Trail.Recent), access.RecentChange{Change: c, Until: w.now})
	}
	w.store(next)
	w.streams[old.Scope] = append(w.streams[old.Scope], changes...)
}

// ownsScope reports whether a resource holds the owner role of its scope.
func ownsScope(c access.Collection, name string) bool {
	r, _ := c.Find(name)
	switch s := r.Box.State.(type) {
	case access.OrgMember:
		return slices.Contains(s.OrgRoles, "ORG_OWNER")
	case access.ProjectMember:
		return slices.Contains(s.Roles, "GROUP_OWNER")
	case access.TeamGrant:
		return slices.Contains(s.Roles, "GROUP_OWNER")
	}
	return false
}

// name tells who made the changes that came without.
func (w *taleWorld) name() {
	for _, c := range w.waiting {
		at := key(c.Ref.Scope, c.Ref.Kind)
		next := w.inv[at]
		next.Resources = slices.Clone(next.Resources)
		for i := range next.Resources {
			if r := &next.Resources[i]; r.Cause == c.ID {
				r.Actor = c.Actor
			}
		}
		w.store(next)
		late := c
		late.Op, late.Rev, late.Before, late.After, late.Fields = access.OpAttributed, c.Rev+1, access.Box{}, access.Box{}, nil
		w.streams[c.Ref.Scope] = append(w.streams[c.Ref.Scope], late)
	}
	w.waiting = nil
}

// hear takes in an event that leaves no difference.
func (w *taleWorld) hear(h heard, by string) {
	scope := talePlace(h.In)
	if h.By != "" {
		by = h.By
	}
	c := access.Change{
		V: access.Version, ID: fmt.Sprintf("%024x", len(w.streams[scope])+1), Op: access.OpObserved, Type: h.Type, Occurred: w.now, Observed: w.now,
		Source: access.SourceFeed, Actor: actorNamed(by), Ref: access.Ref{Scope: scope, Kind: h.Kind, Name: h.Name},
	}
	if h.Lasts > 0 {
		c.Ended = w.now
		c.Occurred = w.now.Add(-time.Duration(h.Lasts))
	}
	w.streams[scope] = append(w.streams[scope], c)
}

// live is what goes on every day: logins, duties, and reads without a gap.
func (w *taleWorld) live() {
	day := w.now.Truncate(24 * time.Hour)
	for _, place := range w.places() {
		h := w.history[talePlace(place)]
		h.Feed, h.Logins = []access.Span{{From: h.Feed[0].From, Until: w.now}}, []access.Span{{From: h.Logins[0].From, Until: w.now}}
		h.Users, h.Duties = maps.Clone(h.Users), maps.Clone(h.Duties)
		for actor, types := range w.duties[place] {
			h.Duties[actor] = map[string]time.Time{}
			for _, t := range types {
				h.Duties[actor][fmt.Sprint(t)] = day
			}
		}
		if place != "org" {
			w.login(place, &h, day)
		}
		w.history[talePlace(place)] = h
	}
	w.use(day)
}

// login has those log in who do every day.
func (w *taleWorld) login(place string, h *access.History, day time.Time) {
	shown := map[string]access.State{}
	for _, s := range w.states(place, access.KindAccessHistory) {
		shown[s.Name()] = s
	}
	for _, v := range w.visits[place] {
		use := access.Use{First: h.Feed[0].From.Truncate(24 * time.Hour), Last: day, Addresses: maps.Clone(h.Users[v.User].Addresses)}
		if use.Addresses == nil {
			use.Addresses = map[string]time.Time{}
		}
		db, name, _ := strings.Cut(v.User, "/")
		s := access.AccessHistory{Cluster: v.Cluster, Database: db, Username: name, FirstLogin: day.AddDate(0, 0, -6), LastLogin: day, LastFrom: map[string]time.Time{}}
		for _, a := range v.From {
			use.Addresses[a], s.LastFrom[a], s.Addresses = day, day, append(s.Addresses, a)
		}
		slices.Sort(s.Addresses)
		h.Users[v.User], shown[s.Name()] = use, s
	}
	maps.DeleteFunc(shown, func(_ string, s access.State) bool {
		return day.Sub(s.(access.AccessHistory).LastLogin) > 7*24*time.Hour
	})
	if all := slices.Collect(maps.Values(shown)); len(all) > 0 || len(w.states(place, access.KindAccessHistory)) > 0 {
		w.put(place, access.KindAccessHistory, all)
	}
}

// use dates what is used every day.
func (w *taleWorld) use(day time.Time) {
	for _, k := range []access.Kind{access.KindOrgMember, access.KindServiceAccountSecret, access.KindAPIAccessEntry} {
		before := w.states("org", k)
		states := slices.Clone(before)
		for i, s := range states {
			if slices.ContainsFunc(w.idle, func(g string) bool { return access.Match(g, s.Name()) }) {
				continue
			}
			switch s := s.(type) {
			case access.OrgMember:
				s.LastAuth = day
				states[i] = s
			case access.ServiceAccountSecret:
				s.LastUsed = day
				states[i] = s
			case access.APIAccessEntry:
				s.LastUsed = day
				states[i] = s
			}
		}
		if !reflect.DeepEqual(before, states) {
			w.put("org", k, states)
		}
	}
}

// judge has these places, and whatever asks for it, judged until nothing is new.
func (w *taleWorld) judge(places ...string) {
	w.t.Helper()
	w.live()
	var scopes []access.Scope
	for _, p := range places {
		scopes = append(scopes, talePlace(p))
	}
	for n := 0; len(scopes) > 0; n++ {
		if n > 60 {
			w.t.Fatal("it never comes to rest")
		}
		if err := w.stage.Eval(w.t.Context(), access.Eval{Scope: scopes[0]}); err != nil {
			w.t.Fatal(err)
		}
		scopes = scopes[1:]
		for _, o := range w.outs {
			scopes = append(scopes, w.take(o)...)
		}
		w.outs = nil
	}
}

// take notes findings that open, and gives scopes to be judged again.
func (w *taleWorld) take(o access.Out) []access.Scope {
	w.t.Helper()
	switch o.Topic {
	case access.TopicEval:
		var job access.Eval
		if err := json.Unmarshal(o.Body, &job); err != nil {
			w.t.Fatal(err)
		}
		return []access.Scope{job.Scope}
	case access.TopicFinding:
		var e access.FindingEvent
		if err := json.Unmarshal(o.Body, &e); err != nil {
			w.t.Fatal(err)
		}
		if f := e.Finding; e.To == access.FindingOpen && e.From != e.To {
			w.found[w.placeOf(f.Ref.Scope)+" "+f.Rule+" "+w.nameOf(f.Ref)] = true
			if testing.Verbose() {
				w.t.Logf("%s: %s", w.now.Format(time.DateTime), f.Message)
			}
		}
	}
	return nil
}

func (w *taleWorld) placeOf(scope access.Scope) string {
	all := w.places()
	return all[slices.IndexFunc(all, func(p string) bool { return talePlace(p) == scope })]
}

func (w *taleWorld) nameOf(ref access.Ref) string {
	if ref.Name == ref.Scope.ID() {
		return "whole"
	}
	return ref.Name
}

// verdicts are the answers of all rules at a place as things stand.
func (w *taleWorld) verdicts(place string) []access.Verdict {
	w.t.Helper()
	w.judge(w.places()...)
	snap, err := w.stage.load(w.t.Context(), w.engine, access.Eval{Scope: talePlace(place)}, access.Findings{})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.engine.Evaluate(snap.in)
}

// The stage's surroundings.

type taleInventory struct{ *taleWorld }

func (i taleInventory) Get(_ context.Context, at string) (access.Collection, uint64, error) {
	return i.inv[at], i.revs[at], nil
}

type taleHistories struct{ *taleWorld }

func (h taleHistories) Get(_ context.Context, at string) (access.History, uint64, error) {
	return h.history[access.Scope(at)], 1, nil
}

func (w *taleWorld) Changes(_ context.Context, scope access.Scope, after uint64, limit int) ([]access.Change, uint64, error) {
	all := w.streams[scope]
	end := min(int(after)+limit, len(all))
	if int(after) >= end {
		return nil, after, nil
	}
	return slices.Clone(all[after:end]), uint64(end), nil
}
