package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/access/accesstest"
	"github.com/gatewarden/gatewarden/rules"
)

// live is what the daemon is around its stage: a watcher, an inventory, a change stream and
// buckets, in memory. It judges after every poll, whatever asks to be judged.
type live struct {
	t      testing.TB
	stage  *rules.Stage
	engine *rules.Engine
	now    time.Time
	inv    map[string]access.Collection // by <scope>.<kind>
	revs   map[string]uint64
	rev    uint64
	stream []stored
	docs   map[access.Scope]access.Findings
	gap    bool // what is read now fell into a gap
	silent bool // nobody knows yet who made it
	uses   map[string]access.History
	told   *accesstest.Shelf[access.Contribution]
	facts  *accesstest.Shelf[access.Facts]
	outs   []access.Out
	events []access.FindingEvent
}

type stored struct {
	change access.Change
	at     time.Time
}

type inventory struct{ *live }

func (i inventory) Get(_ context.Context, key string) (access.Collection, uint64, error) {
	return i.inv[key], i.revs[key], nil
}

func (l *live) Dirty(context.Context, access.Scope) (map[access.Kind]time.Time, error) {
	return nil, nil
}

func (l *live) Changes(_ context.Context, scope access.Scope, after uint64, limit int) (out []access.Change, last uint64, err error) {
	for i := int(after); i < len(l.stream) && len(out) < limit; i++ {
		if after = uint64(i + 1); l.stream[i].change.Ref.Scope == scope {
			out = append(out, l.stream[i].change)
		}
	}
	return out, after, nil
}

func (l *live) Get(_ context.Context, key string) (access.Findings, uint64, error) {
	return l.docs[access.Scope(key)], 1, nil
}

func (l *live) Update(_ context.Context, key string, compute func(access.Findings, uint64) (*access.Findings, []access.Out, error)) (uint64, error) {
	next, outs, err := compute(l.docs[access.Scope(key)], 1)
	if err != nil || next == nil {
		return 1, err
	}
	l.outs = append(l.outs, outs...)
	raw, err := json.Marshal(next)
	if err != nil {
		return 1, err
	}
	var doc access.Findings
	err = json.Unmarshal(raw, &doc)
	l.docs[access.Scope(key)] = doc
	return 1, err
}

func newLive(t testing.TB, e *rules.Engine) *live {
	l := &live{t: t, engine: e, now: t0, inv: map[string]access.Collection{}, revs: map[string]uint64{}, docs: map[access.Scope]access.Findings{}}
	l.told, l.facts = accesstest.NewShelf[access.Contribution](&l.outs), accesstest.NewShelf[access.Facts](&l.outs)
	l.stage = rules.NewStage(rules.StageOptions{
		Engine: func() *rules.Engine { return l.engine }, Findings: l, Inventory: inventory{l}, Dirty: l, Changes: l, Told: l.told, Facts: l.facts, Now: func() time.Time { return l.now },
	})
	return l
}

// settle reads everything for the first time.
func (l *live) settle() *live {
	for _, k := range access.OrgKinds() {
		switch k {
		case access.KindOrg:
			l.read(org, k, access.Org{ID: orgID, Title: "ExampleCorp"})
		case access.KindOrgMember:
			l.read(org, k, access.OrgMember{Username: "alice@example.com", OrgRoles: []string{"ORG_OWNER"}})
		default:
			l.read(org, k)
		}
	}
	for scope, name := range map[access.Scope]string{prod: "shop-prod", dev: "shop-dev"} {
		for _, k := range access.ProjectKinds() {
			switch k {
			case access.KindProject:
				l.read(scope, k, access.Project{ID: scope.ID(), OrgID: orgID, Title: name})
			case access.KindCluster:
				l.read(scope, k, access.Cluster{Cluster: "orders"}, access.Cluster{Cluster: "stock"})
			default:
				l.read(scope, k)
			}
		}
	}
	l.judge(org, prod, dev)
	return l
}

// read is a complete read of a kind, as the watcher takes it in.
func (l *live) read(scope access.Scope, kind access.Kind, states ...access.State) {
	key := string(scope) + "." + string(kind)
	before, seen := l.inv[key]
	after := access.NewCollection(scope, kind, states)
	after.FirstRead, after.ChangedRead = l.now, l.now
	if !seen {
		for i := range after.Resources {
			after.Resources[i].FirstSeen, after.Resources[i].Baseline = l.now, true
		}
		l.store(key, after)
		return
	}
	after.FirstRead, after.Watched = before.FirstRead, before.Watched
	diff := access.Diff(before, after)
	if len(diff) == 0 {
		return
	}
	made := map[string]access.Change{}
	for n := range diff {
		c := &diff[n]
		c.ID = fmt.Sprintf("%s.%s.%d.%d", scope, kind, l.revs[key], n)
		c.Occurred, c.Observed, c.Source = l.now.Add(-3*time.Second), l.now, access.SourceFeed
		if c.Gap = l.gap; l.silent {
			c.Occurred = l.now
		} else {
			c.Actor = access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
		}
		made[c.Ref.Name] = *c
		l.stream = append(l.stream, stored{*c, l.now})
	}
	for i := range after.Resources {
		r := &after.Resources[i]
		box := r.Box
		if old, known := before.Find(r.Name()); known {
			*r = old
			r.Box = box
		} else {
			r.FirstSeen = l.now
		}
		if c, changed := made[r.Name()]; changed {
			r.ChangedAt, r.Cause, r.Actor, r.Gap = c.Occurred, c.ID, c.Actor, c.Gap
			r.CameInGap = r.CameInGap || c.Op == access.OpCreated && c.Gap
		}
	}
	if l.gap {
		after.Watched = l.now
	}
	l.store(key, after)
}

// attribute is a late word on who made a change that nobody was known to have made.
func (l *live) attribute(of access.Change) {
	key := string(of.Ref.Scope) + "." + string(of.Ref.Kind)
	c := l.inv[key]
	c.Resources = slices.Clone(c.Resources)
	of.Rev, of.Op, of.Actor, of.Events, of.Occurred = 1, access.OpAttributed, access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}, []string{"e" + of.ID}, of.Occurred.Add(-7*time.Second)
	of.Before, of.After = access.Box{}, access.Box{}
	for i := range c.Resources {
		if r := &c.Resources[i]; r.Cause == of.ID {
			r.ChangedAt, r.Actor = of.Occurred, of.Actor
		}
	}
	l.stream = append(l.stream, stored{of, l.now})
	l.store(key, c)
}

// observe is an entry that was there between two reads.
func (l *live) observe(scope access.Scope) {
	l.stream = append(l.stream, stored{access.Change{
		V: 1, ID: fmt.Sprintf("event%d", len(l.stream)), Ref: access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: world0}, Op: access.OpObserved,
		Type: "NETWORK_PERMISSION_ENTRY_ADDED", Occurred: l.now.Add(-9 * time.Second), Ended: l.now.Add(-4 * time.Second), Observed: l.now, Source: access.SourceFeed,
	}, l.now})
}

func (l *live) store(key string, c access.Collection) {
	l.rev++
	l.inv[key], l.revs[key] = c, l.rev
}

// judge judges scopes and whatever asks to be judged for it.
func (l *live) judge(scopes ...access.Scope) {
	l.t.Helper()
	for n := 0; len(scopes) > 0; n++ {
		if n > 100 {
			l.t.Fatal("it never comes to rest")
		}
		if err := l.stage.Eval(context.Background(), access.Eval{Scope: scopes[0]}); err != nil {
			l.t.Fatal(err)
		}
		scopes = scopes[1:]
		for _, o := range l.outs {
			var job access.Eval
			var e access.FindingEvent
			switch {
			case o.Topic == access.TopicEval && json.Unmarshal(o.Body, &job) == nil:
				scopes = append(scopes, job.Scope)
			case o.Topic == access.TopicFinding && json.Unmarshal(o.Body, &e) == nil:
				l.events = append(l.events, e)
			}
		}
		l.outs = nil
	}
}

// wait lets time pass; the clock judges everything at each tick.
func (l *live) wait(d, tick time.Duration) {
	end := l.now.Add(d)
	for {
		next := t0.Add((l.now.Sub(t0)/tick + 1) * tick)
		if next.After(end) {
			break
		}
		l.now = next
		l.judge(org, prod, dev)
	}
	l.now = end
}

func (l *live) history(since time.Time) string {
	l.t.Helper()
	var b bytes.Buffer
	w, err := NewHistoryWriter(&b, History{Since: since, At: l.now, Orgs: []string{orgID}, Held: map[access.Scope]string{}})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(l.inv)) {
		if err := w.Collection(l.inv[key], l.revs[key]); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.uses)) {
		if err := w.Use(l.uses[key]); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, c := range l.stream {
		if c.at.Before(since) {
			continue
		}
		if err := w.Change(c.change, c.at); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	name := filepath.Join(l.t.TempDir(), "history")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return name
}

func (l *live) replay(since time.Time, o ReplayOptions) Replayed {
	l.t.Helper()
	if o.New.Engine == nil {
		o.New.Engine = l.engine
	}
	r, err := Replay(l.history(since), o)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// episodes are those that the daemon opened after a time, in the words of a replay.
func (l *live) episodes(after time.Time, exactly bool) (out []string) {
	type key struct {
		id      string
		episode int
	}
	closed := map[key]access.FindingEvent{}
	for _, e := range l.events {
		if e.To == access.FindingResolved && e.From != e.To {
			closed[key{e.Finding.ID, e.Finding.Episode}] = e
		}
	}
	for _, e := range l.events {
		f := e.Finding
		if e.To != access.FindingOpen || e.From == e.To || !e.At.After(after) {
			continue
		}
		c := closed[key{f.ID, f.Episode}]
		out = append(out, episodeLine(f.Rule, f.Ref, f.Severity, f.Origin, f.CauseAt, e.At, c.At, exactly, f.Episode))
	}
	slices.Sort(out)
	return out
}

func episodeLine(rule string, ref access.Ref, severity access.Severity, origin access.Origin, cause, opened, ended time.Time, exactly bool, episode int) string {
	end := "open"
	if !ended.IsZero() {
		end = ended.Sub(t0).String()
	}
	out := fmt.Sprintf("%s %s %s %s..%s", rule, ref, severity, opened.Sub(t0), end)
	if exactly {
		out += fmt.Sprintf(" %q cause %s #%d", origin, cause.Format(time.RFC3339), episode)
	}
	return out
}

func replayed(r Replayed, exactly bool) (out []string) {
	for _, f := range r.Findings {
		if !f.Standing && f.Difference != OnlyOld {
			out = append(out, episodeLine(f.Rule, f.Ref, f.Severity, f.Origin, f.CauseAt, f.OpenedAt, f.ClosedAt, exactly, f.Episode))
		}
	}
	slices.Sort(out)
	return out
}

func entries(list ...string) (out []access.State) {
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
	u.Roles = access.SortGrants(u.Roles)
	if scoped {
		u.Scopes = append(u.Scopes, access.UserScope{Name: "orders", Type: "CLUSTER"})
	}
	return u
}
