package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	prj   = access.Scope("prj.0123456789abcdef01234567")
	prjID = "0123456789abcdef01234567"
)

var t0 = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// bench is a watcher, an inventory, a change stream and a findings store in memory,
// around a real stage.
type bench struct {
	t       testing.TB
	engine  *Engine
	stage   *Stage
	now     time.Time
	inv     map[access.Kind]access.Collection
	revs    map[access.Kind]uint64
	rev     uint64
	stream  []access.Change // published; sequence = index + 1
	late    []access.Change // in an outbox, not published yet
	dirty   map[access.Kind]time.Time
	doc     access.Findings
	docRev  uint64
	writes  int
	outs    []access.Out
	failing error
}

var testEnvironments = []access.Environment{
	{Name: "prod", Projects: []string{"*-prod"}, Tags: map[string]string{"env": "prod"}},
	{Name: "staging", Projects: []string{"*-staging"}},
	{Name: "dev", Projects: []string{"*-dev"}, Tags: map[string]string{"env": "dev"}},
}

func testPolicy() Policy {
	return Policy{
		Environments: testEnvironments,
		Identities: []access.Identity{
			{Class: access.ClassApp, Usernames: []string{"*_app_user"}, Owner: "shop", Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}},
			{Class: access.ClassMigration, Usernames: []string{"*_migration_*"}, MaxAge: 72 * time.Hour},
			{Class: access.ClassBreakGlass, Usernames: []string{"*_breakglass_*"}},
			{Class: access.ClassHuman, Usernames: []string{"*@example.com"}},
			{Class: access.ClassAtlasManaged, Usernames: []string{"mms-*"}},
		},
		Networks: []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"203.0.113.0/28"}, "big": {"16.0.0.0/8"}}}},
	}
}

func mustLoad(t testing.TB, p Policy, user ...Source) *Engine {
	t.Helper()
	e, err := Load(p, user...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// loadFive keeps the five rules that these tests tell the findings of, and those of users.
func loadFive(t testing.TB, p Policy, user ...Source) *Engine {
	t.Helper()
	e := mustLoad(t, p, user...)
	five := []string{openWorld, "network/transient-open-to-world", unscoped, admin, "dbuser/expired-migration-user"}
	others := func(r *Rule) bool { return r.BuiltIn && !slices.Contains(five, r.ID) }
	e.rules, e.views = slices.DeleteFunc(e.rules, others), slices.DeleteFunc(e.views, others)
	return e
}

func newBench(t testing.TB, e *Engine) *bench {
	b := &bench{t: t, engine: e, now: t0, inv: map[access.Kind]access.Collection{}, revs: map[access.Kind]uint64{}, dirty: map[access.Kind]time.Time{}}
	b.stage = NewStage(StageOptions{
		Engine: func() *Engine { return b.engine }, Findings: b, Inventory: inventory{b}, Dirty: b, Changes: b, Now: func() time.Time { return b.now },
	})
	b.read(access.KindProject, access.Project{ID: prjID, Title: "shop-prod"})
	for _, k := range append(access.TargetKinds(), access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole) {
		if k == access.KindCluster {
			b.read(k, access.Cluster{Cluster: "orders"}, access.Cluster{Cluster: "stock"})
		} else {
			b.read(k)
		}
	}
	return b
}

// read is a complete read of a kind that shows these states.
func (b *bench) read(k access.Kind, states ...access.State) {
	b.t.Helper()
	before, seen := b.inv[k]
	after := access.NewCollection(prj, k, states)
	b.publish()
	if !seen {
		after.FirstRead, after.ChangedRead = b.now, b.now
		for i := range after.Resources {
			after.Resources[i].FirstSeen, after.Resources[i].Baseline = b.now, true
		}
		b.store(k, after)
		return
	}
	after.FirstRead = before.FirstRead
	changes := access.Diff(before, after)
	byName := map[string]access.Change{}
	for n := range changes {
		c := &changes[n]
		c.ID = fmt.Sprintf("%s.%s.%d.%d", prj, k, b.revs[k], n)
		c.Occurred, c.Observed, c.Source = b.now, b.now, access.SourceFeed
		c.Actor = access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
		byName[c.Ref.Name] = *c
	}
	for i := range after.Resources {
		r := &after.Resources[i]
		old, known := before.Find(r.Name())
		if known {
			box := r.Box
			*r = old
			r.Box = box
		} else {
			r.FirstSeen = b.now
		}
		if c, ok := byName[r.Name()]; ok {
			r.ChangedAt, r.Cause, r.Actor = c.Occurred, c.ID, c.Actor
		}
	}
	if len(changes) == 0 && before.Status == access.StatusComplete {
		return
	}
	after.Trail = before.Trail
	for _, c := range changes {
		stub := c
		stub.Before, stub.After = access.Box{}, access.Box{}
		after.Trail.Recent = append(slices.Clip(after.Trail.Recent), access.RecentChange{Change: stub})
	}
	b.store(k, after)
	b.late = append(b.late, changes...)
}

func (b *bench) store(k access.Kind, c access.Collection) {
	b.rev++
	b.inv[k], b.revs[k] = c, b.rev
}

// status is a read of the kind that went wrong (or right again).
func (b *bench) status(k access.Kind, s access.Status) {
	c := b.inv[k]
	c.Status, c.StatusSince = s, b.now
	b.publish()
	b.store(k, c)
}

// publish empties the outbox of the inventory.
func (b *bench) publish() {
	b.stream = append(b.stream, b.late...)
	b.late = nil
}

// judge publishes and judges.
func (b *bench) judge() {
	b.t.Helper()
	b.publish()
	b.eval()
}

func (b *bench) eval() {
	b.t.Helper()
	if err := b.stage.Eval(context.Background(), access.Eval{Scope: prj}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wait(d time.Duration) { b.now = b.now.Add(d) }

// The stage's surroundings.

func (b *bench) Get(context.Context, string) (access.Findings, uint64, error) {
	return b.doc, b.docRev, nil
}

func (b *bench) Update(_ context.Context, _ string, compute func(access.Findings, uint64) (*access.Findings, []access.Out, error)) (uint64, error) {
	next, out, err := compute(b.doc, b.docRev)
	if err != nil || next == nil {
		return b.docRev, err
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return 0, err
	}
	b.doc = access.Findings{}
	b.writes, b.docRev, b.outs = b.writes+1, b.docRev+1, append(b.outs, out...)
	return b.docRev, json.Unmarshal(raw, &b.doc)
}

func (b *bench) Dirty(context.Context, access.Scope) (map[access.Kind]time.Time, error) {
	return maps.Clone(b.dirty), b.failing
}

func (b *bench) Changes(_ context.Context, _ access.Scope, after uint64, limit int) ([]access.Change, uint64, error) {
	end := min(int(after)+limit, len(b.stream))
	if int(after) >= end {
		return nil, after, nil
	}
	return slices.Clone(b.stream[after:end]), uint64(end), nil
}

type inventory struct{ *bench }

func (i inventory) Get(_ context.Context, key string) (access.Collection, uint64, error) {
	for k, c := range i.inv {
		if key == string(prj)+"."+string(k) {
			return c, i.revs[k], nil
		}
	}
	return access.Collection{}, 0, nil
}

// What came of it.

func (b *bench) finding(rule, name string) access.Finding {
	b.t.Helper()
	for _, f := range b.doc.Findings {
		if f.Rule == rule && f.Ref.Name == name {
			return f
		}
	}
	return access.Finding{}
}

// takeEvents gives the transitions since the last call, shortened.
func (b *bench) takeEvents() []string {
	b.t.Helper()
	var out []string
	for _, o := range b.outs {
		if o.Topic != access.TopicFinding {
			continue
		}
		var e access.FindingEvent
		if err := json.Unmarshal(o.Body, &e); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s>%s #%d", e.Finding.Rule, e.Finding.Ref.Name, e.From, e.To, e.Finding.Episode))
	}
	b.outs = nil
	return out
}

func (b *bench) open() []string {
	var out []string
	for _, f := range b.doc.Findings {
		if f.Open() {
			out = append(out, f.Rule+" "+f.Ref.Name)
		}
	}
	slices.Sort(out)
	return out
}

func entries(list ...string) []access.State {
	var out []access.State
	for _, e := range list {
		out = append(out, access.IPAccessEntry{Entry: e})
	}
	return out
}

func user(name string, scoped bool, roles ...string) access.DatabaseUser {
	u := access.DatabaseUser{Database: "admin", Username: name, Auth: access.AuthSCRAM, Roles: []access.RoleGrant{}, Scopes: []access.UserScope{}}
	for _, r := range roles {
		u.Roles = append(u.Roles, access.RoleGrant{Role: r, Database: "admin"})
	}
	if scoped {
		u.Scopes = append(u.Scopes, access.UserScope{Name: "orders", Type: "CLUSTER"})
	}
	return u
}

func customRole(name string, inherits ...string) access.CustomRole {
	r := access.CustomRole{Role: name}
	for _, i := range inherits {
		r.Inherits = append(r.Inherits, access.RoleGrant{Role: i, Database: "admin"})
	}
	return r
}
