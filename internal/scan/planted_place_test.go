package scan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The fleet is judged at fleetNow. It has been watched without a gap since fleetBegan.
var (
	fleetNow   = time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	fleetBegan = fleetNow.AddDate(0, 0, -200)
)

func ago(d time.Duration) time.Time { return fleetNow.Add(-d) }

func daysAgo(n int) time.Time { return fleetNow.AddDate(0, 0, -n) }

// onDay is a date as Atlas's last uses are held: by the day.
func onDay(n int) time.Time { return daysAgo(n).Truncate(24 * time.Hour) }

// hex24 is an Atlas id. Its first four bytes are a time, as in Atlas: long before the watch.
func hex24(parts ...int) string {
	id := "60000000"
	for _, p := range parts {
		id += fmt.Sprintf("%04x", p)
	}
	for len(id) < 24 {
		id += "0"
	}
	return id[:24]
}

// place is a scope of the generated fleet: what Atlas holds there, and what was seen of it.
type place struct {
	scope   access.Scope
	records map[access.Kind]map[string]access.Resource
	denied  map[access.Kind]time.Time // kinds that cannot be read, and since when
	history access.History
	changes []access.Change
	created map[string]time.Time // of database users, where an event told
}

func newPlace(scope access.Scope) *place {
	return &place{
		scope: scope, records: map[access.Kind]map[string]access.Resource{}, denied: map[access.Kind]time.Time{}, created: map[string]time.Time{},
		history: access.History{
			V: access.Version, Scope: scope, Feed: []access.Span{{From: fleetBegan, Until: ago(time.Hour)}},
			Users: map[string]access.Use{}, Duties: map[string]map[string]time.Time{}, Rotations: map[string]time.Time{},
		},
	}
}

// put is for what was there when the watch began.
func (p *place) put(all ...access.State) {
	for _, s := range all {
		p.record(access.Resource{Box: access.Box{State: s}, FirstSeen: fleetBegan, Baseline: true})
	}
}

// add is for what came while it was watched.
func (p *place) add(at time.Time, all ...access.State) {
	for _, s := range all {
		p.record(access.Resource{Box: access.Box{State: s}, FirstSeen: at, ChangedAt: at, Cause: p.cause(s)})
	}
}

// alter is for what was there when the watch began, and was changed since.
func (p *place) alter(at time.Time, s access.State) {
	p.record(access.Resource{Box: access.Box{State: s}, FirstSeen: fleetBegan, Baseline: true, ChangedAt: at, Cause: p.cause(s)})
}

func (p *place) cause(s access.State) string {
	return fmt.Sprintf("%s.%s.%s", p.scope, s.Kind(), s.Name())
}

func (p *place) record(r access.Resource) {
	k := r.Box.Kind()
	if p.records[k] == nil {
		p.records[k] = map[string]access.Resource{}
	}
	p.records[k][r.Name()] = r
}

func (p *place) drop(k access.Kind, name string) { delete(p.records[k], name) }

// change tells of a change that has not been judged yet.
func (p *place) change(c access.Change) {
	c.V, c.Ref.Scope, c.Source = access.Version, p.scope, access.SourceFeed
	c.ID = fmt.Sprintf("%s.%s.%d", p.scope, c.Ref.Kind, len(p.changes))
	if c.Occurred.IsZero() {
		c.Occurred = ago(2 * time.Hour)
	}
	c.Observed = c.Occurred.Add(time.Minute)
	if c.Type != "" {
		c.Events = []string{"event-" + c.ID}
	}
	p.changes = append(p.changes, c)
}

// observed tells of an event that left nothing to read.
func (p *place) observed(k access.Kind, name, event, by string) {
	p.change(access.Change{Ref: access.Ref{Kind: k, Name: name}, Op: access.OpObserved, Type: event, Actor: human(by)})
}

// made adds a state and tells of it.
func (p *place) made(at time.Time, s access.State, event, by string) {
	p.add(at, s)
	p.change(access.Change{Ref: access.Ref{Kind: s.Kind(), Name: s.Name()}, Op: access.OpCreated, After: access.Box{State: s}, Type: event, Actor: human(by), Occurred: at})
}

// became replaces a state and tells of it.
func (p *place) became(at time.Time, before, after access.State, event, by string, fields ...string) {
	p.alter(at, after)
	p.change(access.Change{
		Ref: access.Ref{Kind: after.Kind(), Name: after.Name()}, Op: access.OpUpdated, Before: access.Box{State: before}, After: access.Box{State: after},
		Fields: fields, Type: event, Actor: human(by), Occurred: at,
	})
}

// vanished takes a state away and tells of it.
func (p *place) vanished(at time.Time, before access.State, event, by string) {
	p.drop(before.Kind(), before.Name())
	p.change(access.Change{
		Ref: access.Ref{Kind: before.Kind(), Name: before.Name()}, Op: access.OpDeleted, Before: access.Box{State: before}, Type: event, Actor: human(by), Occurred: at,
	})
}

func human(name string) access.Actor {
	return access.Actor{Type: access.ActorHuman, Name: name, Address: "34.12.0.200"}
}

// did takes down that an actor did something that the feed told of.
func (p *place) did(who, event string, day int) {
	if p.history.Duties[who] == nil {
		p.history.Duties[who] = map[string]time.Time{}
	}
	p.history.Duties[who][event] = onDay(day)
}

// login takes down that a database user came in from an address.
func (p *place) login(user, from string, day int) {
	u := p.history.Users[user]
	if u.Addresses == nil {
		u.Addresses = map[string]time.Time{}
	}
	at := onDay(day)
	u.Addresses[from] = at
	if u.First.IsZero() || at.Before(u.First) {
		u.First = at
	}
	if at.After(u.Last) {
		u.Last = at
	}
	p.history.Users[user] = u
}

func (p *place) state(k access.Kind, name string) access.State { return p.records[k][name].Box.State }

// only is the one state of a kind.
func only[T access.State](p *place, k access.Kind) T {
	for _, r := range p.records[k] {
		if t, ok := access.As[T](r.Box); ok {
			return t
		}
	}
	panic(fmt.Sprintf("%s has no %s", p.scope, k))
}

// collections are the reads of the place, complete but for what is denied.
func (p *place) collections() map[access.Kind]access.Collection {
	kinds := access.ProjectKinds()
	if p.scope.IsOrg() {
		kinds = access.OrgKinds()
	}
	out := map[access.Kind]access.Collection{}
	for _, k := range kinds {
		c := access.Collection{V: access.Version, Scope: p.scope, Kind: k, Status: access.StatusComplete, StatusSince: fleetBegan, FirstRead: fleetBegan, Resources: []access.Resource{}}
		for _, name := range slices.Sorted(maps.Keys(p.records[k])) {
			c.Resources = append(c.Resources, p.records[k][name])
		}
		if since, ok := p.denied[k]; ok {
			c.Status, c.StatusSince, c.Reason = access.StatusDenied, since, "no role for it"
		}
		out[k] = c
	}
	return out
}

// finding is what must come of a planting: a rule and what it is about. A name that is
// empty is the scope itself.
type finding struct {
	rule  string
	scope access.Scope
	kind  access.Kind
	name  string
}

func (f finding) String() string { return fmt.Sprintf("%s: %s %s %s", f.rule, f.scope, f.kind, f.name) }

// expected are the findings that must come, each with what it was planted by.
type expected map[finding]string

// fleet is everything that is generated out of one seed.
type fleet struct {
	orgs    []*org
	want    expected
	planted map[string]int // by planting
	rng     *rand.Rand
}

type org struct {
	*place
	fleet    *fleet
	n        int
	id       string
	projects []*project
	busy     map[string]bool // what plantings have for themselves
	serial   int
	by       string // the planting at work
}

func (o *org) want(rule string, kind access.Kind, name string) {
	if name == "" {
		name = o.id
	}
	o.fleet.want[finding{rule, o.scope, kind, name}] = o.by
}

func (o *org) next() int { o.serial++; return o.serial }

type project struct {
	*place
	org         *org
	n           int
	id, product string
	env, style  string
	busy        map[string]bool
	by          string
	wide        []string // public networks that the access list lets in, but those that are the world alone
	world       bool     // they are the world together
}

func (p *project) title() string { return p.product + "-" + p.env }

func (p *project) prod() bool { return strings.HasPrefix(p.env, "prod") }

func (p *project) want(rule string, kind access.Kind, name string) {
	if name == "" {
		name = p.id
	}
	p.org.fleet.want[finding{rule, p.scope, kind, name}] = p.by
}
