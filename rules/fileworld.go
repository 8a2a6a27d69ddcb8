package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	testProject = "000000000000000000000001"
	testOrg     = "000000000000000000000000"
)

// testWorld is the given of a test. Resources stand under their kinds; those of the other
// level (of the org in a test of a project's rule, and the other way round, under
// projects) come to the rule as facts, as in production.
type testWorld struct {
	Level       string                         `json:"level"` // org or project; else that of the rule's first kind
	Environment string                         `json:"environment"`
	Now         time.Time                      `json:"now"`
	Watched     time.Time                      `json:"watched"` // the baseline; else a month ago
	Project     string                         `json:"project"` // its name
	Name        string                         `json:"name"`    // of one of projects
	Tags        []access.Label                 `json:"tags"`
	Identities  []testIdentity                 `json:"identities"`
	Networks    map[string][]string            `json:"networks"`
	Developer   []string                       `json:"developer"`
	Shared      []string                       `json:"shared"`
	Providers   map[string][]string            `json:"providers"`
	Peers       []access.Peer                  `json:"peers"`
	Matrix      map[string]map[string][]string `json:"matrix"`
	Sensitive   []access.Sensitive             `json:"sensitive"`
	Domains     []string                       `json:"domains"`
	Principals  []access.Principal             `json:"principals"`
	Groups      map[string][]string            `json:"groups"`
	Own         []string                       `json:"own"` // our own credentials
	Expected    []access.Expectation           `json:"expected"`
	Created     map[string]time.Time           `json:"created"`
	Changed     map[string]time.Time           `json:"changed"` // resources that were added while we watched, and when
	Updated     map[string]time.Time           `json:"updated"` // resources that were there at first and changed since, and when
	Gone        map[string]time.Time           `json:"gone"`    // resources that were deleted while we watched, and when
	By          map[string]access.Actor        `json:"by"`      // who made their last change
	Owner       map[string]time.Time           `json:"owner"`   // resources that came to hold the owner role, and when
	Status      map[access.Kind]string         `json:"status"`
	Since       map[access.Kind]time.Time      `json:"since"` // of the status
	Odd         map[access.Kind][]string       `json:"odd"`
	History     access.History                 `json:"history"`
	Failing     map[string]int                 `json:"failing"`    // how often other rules failed in this judgement
	Refused     map[string]string              `json:"refused"`    // rules that could not be loaded, with the mistake
	Ungathered  bool                           `json:"ungathered"` // nothing is known of other scopes
	Change      *testChange                    `json:"change"`
	Changes     []testChange                   `json:"changes"` // that came with it
	Params      map[string]any                 `json:"params"`  // of the rule, in place of its own
	Profile     string                         `json:"profile"`
	Hooks       []string                       `json:"hooks"`     // hosts of our webhook
	Writers     []string                       `json:"writers"`   // those of own that write
	Addresses   []string                       `json:"addresses"` // our own
	Unset       bool                           `json:"unset"`     // no environments are configured
	kinds       map[access.Kind][]access.Box   // by kind, as Atlas would list them
	projects    []testWorld                    // the other projects of the org
	at          position
}

type testIdentity struct {
	Class        string             `json:"class"`
	Usernames    []string           `json:"usernames"`
	Machines     []string           `json:"machines"`
	Labels       map[string]string  `json:"labels"`
	Environments []string           `json:"environments"`
	Roles        []string           `json:"roles"` // role@database
	AtlasRoles   []string           `json:"atlasRoles"`
	Scopes       []access.UserScope `json:"scopes"`
	MaxAge       string             `json:"maxAge"`
	Until        time.Time          `json:"until"`
	Owner        string             `json:"owner"`
}

type testChange struct {
	Op       access.Op       `json:"op"`
	Type     string          `json:"type"`
	Kind     access.Kind     `json:"kind"` // else the rule's first
	Name     string          `json:"name"`
	Fields   []string        `json:"fields"`
	Actor    access.Actor    `json:"actor"`
	Occurred time.Time       `json:"occurred"`
	Ended    time.Time       `json:"ended"`
	Gap      bool            `json:"gap"`
	Own      string          `json:"own"`      // our running action that expected it
	Intended string          `json:"intended"` // an action of ours that was about to change the resource
	Before   json.RawMessage `json:"before"`
	After    json.RawMessage `json:"after"`
}

// What a test may say of a read, and of where it plays.
var (
	testStatuses         = []access.Status{access.StatusComplete, access.StatusDenied, access.StatusFailed, access.StatusSuspect, access.StatusUnsupported}
	testEnvironmentNames = []string{"", "prod", "staging", "dev"}
)

// given reads a test's world.
func (p *parser) given(n *yaml.Node, w *testWorld) bool {
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "given: want keys and values")
		return false
	}
	made := testWorld{kinds: map[access.Kind][]access.Box{}}
	rest := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	ok := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		info, known := kinds[access.Kind(k.Value)]
		switch {
		case k.Value == "projects":
			ok = p.givenProjects(v, &made) && ok
		case known && (k.Value != "project" || v.Kind != yaml.ScalarNode):
			boxes, fine := p.resources(access.Kind(k.Value), info, v)
			made.kinds[access.Kind(k.Value)], ok = boxes, ok && fine
		default:
			rest.Content = append(rest.Content, k, v)
		}
	}
	ok = p.strict(rest, &made) && ok
	for k, status := range made.Status {
		if _, known := kinds[k]; !known {
			p.errs.add(p.at(n), "given: status: there is no kind %q%s", k, suggestion(string(k), kindNames()))
			ok = false
		}
		if !slices.Contains(testStatuses, access.Status(status)) {
			p.errs.add(p.at(n), "given: status: %s: %q: want one of %v", k, status, testStatuses)
			ok = false
		}
	}
	made.at = p.at(n)
	for _, id := range made.Identities {
		if _, err := id.identity(); err != nil {
			p.errs.add(p.at(n), "given: %v", err)
			ok = false
		}
	}
	if made.Now.IsZero() {
		made.Now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	}
	*w = made
	return ok
}

// testPlaces checks the environments of tests: those that all tests know, and those that
// the rule names.
func (p *parser) testPlaces(d *draft) {
	for _, t := range d.tests {
		for _, w := range append([]testWorld{t.world}, t.world.projects...) {
			if !slices.Contains(testEnvironmentNames, w.Environment) && !slices.Contains(d.rule.Environments, w.Environment) {
				p.errs.add(w.at, "given: environment %q: tests know prod, staging and dev, and those of the rule; leave it out for a project that matches none", w.Environment)
			}
		}
	}
}

func (p *parser) givenProjects(n *yaml.Node, w *testWorld) bool {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "projects: want a list of worlds")
		return false
	}
	ok := true
	for _, c := range n.Content {
		var other testWorld
		ok = p.given(c, &other) && ok
		w.projects = append(w.projects, other)
	}
	return ok
}

func (p *parser) resources(k access.Kind, info kindInfo, n *yaml.Node) (out []access.Box, ok bool) {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "%s: want a list", k)
		return nil, false
	}
	ok = true
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && k == access.KindIPAccessEntry {
			out = append(out, access.Box{State: access.IPAccessEntry{Entry: canonical(c.Value)}})
			continue
		}
		raw, err := toJSON(c)
		var box access.Box
		if err == nil {
			box, err = info.decode(raw)
		}
		if err != nil {
			p.errs.add(p.at(c), "%s: %v", k, err)
			ok = false
			continue
		}
		out = append(out, box)
	}
	return out, ok
}

// policy is the configuration of the world.
func (w testWorld) policy(named []string) Policy {
	p := Policy{
		Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}, Tags: map[string]string{"env": "prod"}}, {Name: "staging", Projects: []string{"*-staging"}}, {Name: "dev", Projects: []string{"*-dev"}, Tags: map[string]string{"env": "dev"}}},
		Networks:     []access.Network{{Purposes: w.Networks}},
		Ranges:       access.Ranges{Developer: w.Developer, Shared: w.Shared, Providers: w.Providers, Peers: w.Peers},
		Sensitive:    w.Sensitive, Domains: w.Domains, Principals: w.Principals, Groups: w.Groups, Expectations: w.Expected,
		Own:     access.OwnAccess{Credentials: w.Own, Write: w.Writers, Addresses: w.Addresses},
		Profile: w.Profile, Hooks: w.Hooks,
	}
	for _, name := range named {
		if !slices.Contains(testEnvironmentNames, name) {
			p.Environments = append(p.Environments, access.Environment{Name: name})
		}
	}
	if w.Unset {
		p.Environments = nil
	}
	for _, team := range slices.Sorted(maps.Keys(w.Matrix)) {
		p.Matrix = append(p.Matrix, access.TeamAccess{Team: team, Roles: w.Matrix[team]})
	}
	for _, id := range w.Identities {
		made, err := id.identity()
		if err == nil { // checked when it was read
			p.Identities = append(p.Identities, made)
		}
	}
	return p
}

// input is the world as the rule's judgement takes it.
func (w testWorld) input(e *Engine, r *Rule) (Input, error) {
	level := w.Level
	if level == "" && ofOrg(r.Kind) {
		level = "org"
	}
	org, own := w.of(access.OrgScope(testOrg)), w.of(access.ProjectScope(testProject))
	others := make([]access.Contribution, 0, len(w.projects)+1)
	for i, o := range w.projects {
		o.Project, o.Now = cmpOr(o.Name, o.Project), w.Now
		others = append(others, e.Contribute(o.of(access.ProjectScope(fmt.Sprintf("%024x", i+2)))))
	}
	in := own
	if level == "org" {
		in = org
	} else {
		others = append(others, e.Contribute(own))
	}
	if !w.Ungathered {
		in.Facts = e.Gather(org, others)[in.Scope]
	}
	return in, w.change(r, &in)
}

// of is the world's part that is in one scope.
func (w testWorld) of(scope access.Scope) Input {
	in := Input{
		Scope: scope, Environment: w.Environment, Now: w.Now, Created: w.Created, History: w.History,
		Collections: map[access.Kind]access.Collection{}, failing: w.Failing,
	}
	for k := range kinds {
		if ofOrg(k) == scope.IsOrg() {
			in.Collections[k] = w.collection(scope, k)
		}
	}
	if !scope.IsOrg() && w.kinds[access.KindProject] == nil {
		in.Collections[access.KindProject] = w.stated(access.NewCollection(scope, access.KindProject, []access.State{
			access.Project{ID: scope.ID(), OrgID: testOrg, Title: cmpOr(w.Project, "ecommerce-prod"), Tags: access.SortLabels(w.Tags)},
		}))
	}
	if scope.IsOrg() && w.kinds[access.KindOrg] == nil {
		in.Collections[access.KindOrg] = w.stated(access.NewCollection(scope, access.KindOrg, []access.State{access.Org{ID: scope.ID(), Title: "ExampleCorp"}}))
	}
	return in
}

func (w testWorld) collection(scope access.Scope, k access.Kind) access.Collection {
	var states []access.State
	for _, b := range w.kinds[k] {
		states = append(states, b.State)
	}
	return w.stated(access.NewCollection(scope, k, states))
}

// stated adds what the test says of the read and of the past.
func (w testWorld) stated(c access.Collection) access.Collection {
	c.FirstRead, c.Odd, c.StatusSince = w.Watched, w.Odd[c.Kind], w.Since[c.Kind]
	if c.FirstRead.IsZero() {
		c.FirstRead = w.Now.AddDate(0, -1, 0)
	}
	if s := w.Status[c.Kind]; s != "" {
		c.Status, c.Reason = access.Status(s), "as the test says"
	}
	for name, at := range w.Gone {
		gone := access.Change{Ref: access.Ref{Scope: c.Scope, Kind: c.Kind, Name: name}, Op: access.OpDeleted, Occurred: at}
		c.Trail.Recent = append(c.Trail.Recent, access.RecentChange{Change: gone, Until: at})
	}
	for i := range c.Resources {
		r := &c.Resources[i]
		r.FirstSeen, r.Baseline, r.Actor, r.OwnerSince = c.FirstRead, true, w.By[r.Name()], w.Owner[r.Name()]
		if at, ok := w.Updated[r.Name()]; ok {
			r.ChangedAt = at
		}
		if at, ok := w.Changed[r.Name()]; ok {
			r.FirstSeen, r.ChangedAt, r.Baseline = at, at, false
		}
	}
	return c
}

// change makes the test's changes some of the rule's kind.
func (w testWorld) change(r *Rule, in *Input) error {
	all := slices.Clone(w.Changes)
	if w.Change != nil {
		all = slices.Insert(all, 0, *w.Change)
	}
	for i, c := range all {
		made, err := w.made(c, r, in)
		if err != nil {
			return err
		}
		if i > 0 {
			made.ID += fmt.Sprint(i + 1)
		}
		in.Changes = append(in.Changes, made)
	}
	return nil
}

func (w testWorld) made(c testChange, r *Rule, in *Input) (ch access.Change, err error) {
	kind := access.Kind(cmpOr(string(c.Kind), string(r.Kind)))
	ch = access.Change{
		V: access.Version, ID: "test", Op: c.Op, Type: c.Type, Occurred: c.Occurred, Ended: c.Ended, Observed: w.Now, Fields: c.Fields, Actor: c.Actor, Gap: c.Gap, Own: c.Own, Intended: c.Intended,
		Ref: access.Ref{Scope: in.Scope, Kind: kind, Name: c.Name},
	}
	if c.Before != nil {
		if ch.Before, err = kinds[kind].decode(c.Before); err != nil {
			return ch, fmt.Errorf("before: %w", err)
		}
	}
	if c.After != nil {
		if ch.After, err = kinds[kind].decode(c.After); err != nil {
			return ch, fmt.Errorf("after: %w", err)
		}
	}
	return ch, nil
}

func (id testIdentity) identity() (access.Identity, error) {
	out := access.Identity{
		Class: id.Class, Usernames: id.Usernames, Machines: id.Machines, Labels: id.Labels, Scopes: id.Scopes, Until: id.Until, Owner: id.Owner, AtlasRoles: id.AtlasRoles,
		Environments: id.Environments,
	}
	for _, g := range id.Roles {
		grant, err := parseGrant(g)
		if err != nil {
			return out, err
		}
		out.Roles = append(out.Roles, grant)
	}
	if id.MaxAge == "" {
		return out, nil
	}
	d, err := time.ParseDuration(id.MaxAge)
	if err != nil {
		return out, fmt.Errorf("identity of class %s: maxAge: %w", id.Class, err)
	}
	out.MaxAge = d
	return out, nil
}

// parseGrant reads role@database or role@database.collection.
func parseGrant(s string) (access.RoleGrant, error) {
	role, where, ok := strings.Cut(s, "@")
	if !ok || role == "" || where == "" {
		return access.RoleGrant{}, fmt.Errorf("role %q: want role@database", s)
	}
	db, collection, _ := strings.Cut(where, ".")
	return access.RoleGrant{Role: role, Database: db, Collection: collection}, nil
}
