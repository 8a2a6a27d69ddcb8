package remediate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const (
	scope = access.Scope("prj.64f000000000000000000001")
	orgID = "64f0000000000000000000aa"
)

var t0 = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// bucket is a KV bucket in memory. Documents go through JSON as in the real one.
type bucket[T any] struct {
	w    *world
	name string
	docs map[string]json.RawMessage
	revs map[string]uint64
	outs []access.Out
}

func newBucket[T any](w *world, name string) *bucket[T] {
	return &bucket[T]{w: w, name: name, docs: map[string]json.RawMessage{}, revs: map[string]uint64{}}
}

func (b *bucket[T]) Get(_ context.Context, key string) (doc T, rev uint64, err error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return b.get(key)
}

func (b *bucket[T]) get(key string) (doc T, rev uint64, err error) {
	if raw, ok := b.docs[key]; ok {
		err = json.Unmarshal(raw, &doc)
	}
	return doc, b.revs[key], err
}

func (b *bucket[T]) Update(_ context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (uint64, error) {
	b.w.step(b.name + " before")
	b.w.mu.Lock()
	cur, rev, err := b.get(key)
	if err != nil {
		b.w.mu.Unlock()
		return 0, err
	}
	next, out, err := compute(cur, rev)
	if err == nil && next != nil {
		raw, merr := json.Marshal(next)
		if merr != nil {
			panic(merr)
		}
		b.docs[key] = raw
		b.revs[key] += 2 // storing and clearing the outbox
		b.outs = append(b.outs, out...)
		if a, ok := any(*next).(access.Action); ok {
			b.w.log = append(b.w.log, "action "+string(a.State))
		}
	}
	b.w.mu.Unlock()
	b.w.step(b.name + " after")
	return rev, err
}

// killed is what a step panics with where a process dies.
type killed struct{ at string }

// world is a project in a simulated Atlas, its findings, and the stage beside it.
type world struct {
	t        tester
	said     int    // commands
	prepare  func() // see quorum
	mu       sync.Mutex
	now      time.Time
	entries  map[string]access.IPAccessEntry
	users    map[string]access.DatabaseUser
	roles    map[string]access.CustomRole
	clusters []string
	logins   []access.Login                           // that are counted where they match
	fault    func(kind access.Kind) access.Reading    // nil or zero: none
	refuse   func(op access.Operation) error          // before the write has effect
	lose     func(op access.Operation) error          // after it had
	stubborn bool                                     // writes are accepted without effect
	watch    func(action string, op access.Operation) // sees each request before its effect
	unsure   bool                                     // nothing can be judged
	lease    time.Duration
	held     chan struct{}
	canWrite bool
	skew     time.Duration
	policy   Policy
	findings access.Findings

	actions  *bucket[access.Action]
	control  *bucket[Ledger]
	controls *bucket[access.Control]
	records  *bucket[access.CommandRecord]
	waivers  *bucket[access.Waivers]
	log      []string // stored states, requests and effects, in order
	steps    int
	dieAt    int // the step at which the process dies; 0: never
}

// tester is a test, or a check of a property.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

func newWorld(t tester) *world {
	w := &world{t: t, now: t0, lease: time.Minute, canWrite: true, held: make(chan struct{}, 1),
		entries: map[string]access.IPAccessEntry{}, users: map[string]access.DatabaseUser{}, roles: map[string]access.CustomRole{}, clusters: []string{"main"},
		findings: access.Findings{Scope: scope, Findings: map[string]access.Finding{}},
		policy: Policy{
			Responses: []access.Response{{Do: access.ModeRevert}}, Caps: Caps{10, 50}, Settle: Settle{0, 90 * time.Second},
			Org: func(access.Scope) string { return orgID }, Production: func(string) bool { return false },
		}}
	w.actions = newBucket[access.Action](w, "actions")
	w.control = newBucket[Ledger](w, "control")
	w.controls = newBucket[access.Control](w, "controls")
	w.records = newBucket[access.CommandRecord](w, "records")
	w.waivers = newBucket[access.Waivers](w, "waivers")
	return w
}

func (w *world) stage() *Stage {
	return NewStage(Options{
		Actions: w.actions, Findings: w, Control: w.control, Controls: w.controls, Records: w.records, Waivers: w.waivers, Atlas: w, CanWrite: func(access.Scope) bool { return w.canWrite }, Judge: w, Reads: w.reads, Locks: w,
		Policy: func() Policy { return w.policy }, Skew: func() time.Duration { return w.skew }, Now: func() time.Time { return w.now },
		Counter: w, History: func(context.Context, access.Scope) (access.History, error) { return access.History{}, nil },
	})
}

// step is a point at which a process can die.
func (w *world) step(at string) {
	w.mu.Lock()
	w.steps++
	die := w.steps == w.dieAt
	w.mu.Unlock()
	if die {
		panic(killed{at})
	}
}

func (w *world) Get(_ context.Context, key string) (access.Findings, uint64, error) {
	if key != string(scope) {
		return access.Findings{}, 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	doc := w.findings
	doc.Findings = map[string]access.Finding{}
	for k, f := range w.findings.Findings {
		doc.Findings[k] = f
	}
	return doc, 1, nil
}

func (w *world) reads(rule string, _ access.Scope) []access.Kind {
	if strings.HasPrefix(rule, "network/") {
		return []access.Kind{access.KindIPAccessEntry}
	}
	return append(access.TargetKinds(), access.KindDatabaseUser, access.KindCustomRole)
}

func (w *world) Read(_ context.Context, _ access.Scope, k access.Kind) access.Reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil {
		if r := w.fault(k); r.Status != access.StatusUnread {
			r.Began = w.now
			return r
		}
	}
	r := access.Reading{Status: access.StatusComplete, Began: w.now}
	switch k {
	case access.KindIPAccessEntry:
		for _, e := range w.entries {
			r.States = append(r.States, e)
		}
	case access.KindDatabaseUser:
		for _, u := range w.users {
			r.States = append(r.States, u)
		}
	case access.KindCustomRole:
		for _, x := range w.roles {
			r.States = append(r.States, x)
		}
	case access.KindCluster:
		for _, c := range w.clusters {
			r.States = append(r.States, access.Cluster{Cluster: c})
		}
	default:
		r.Status = access.StatusUnsupported
	}
	return r
}

func (w *world) Apply(ctx context.Context, id string, op access.Operation) error {
	w.step("apply before")
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	w.log = append(w.log, fmt.Sprintf("request %s %s", op.Type, op.Ref.Name))
	if w.watch != nil {
		w.watch(id, op)
	}
	if w.refuse != nil {
		if err := w.refuse(op); err != nil {
			w.mu.Unlock()
			return err
		}
	}
	if !w.stubborn {
		w.effect(op)
	}
	var err error
	if w.lose != nil {
		err = w.lose(op)
	}
	w.mu.Unlock()
	w.step("apply after")
	return err
}

func (w *world) effect(op access.Operation) {
	u, isUser := w.users[op.Ref.Name]
	_, there := w.entries[op.Ref.Name]
	switch op.Type {
	case access.DeleteAccessEntry:
		if !there {
			return
		}
		delete(w.entries, op.Ref.Name)
	case access.CreateAccessEntry:
		w.entries[op.Ref.Name] = op.Entry
	case access.SetUserRoles:
		u.Roles = op.Roles
	case access.QuarantineUser:
		u.Roles = []access.RoleGrant{}
	case access.SetUserScopes:
		u.Scopes = op.Scopes
	case access.DeleteDatabaseUser:
		delete(w.users, op.Ref.Name)
		isUser = false
	}
	if isUser {
		if op.Achieved(access.Box{State: w.users[op.Ref.Name]}) {
			return
		}
		w.users[op.Ref.Name] = u
	}
	w.log = append(w.log, fmt.Sprintf("effect %s %s", op.Type, op.Ref.Name))
}

func (w *world) Logins(_ context.Context, _ access.Scope, from, to time.Time) access.Logins {
	return access.Logins{Quality: access.QualityComplete, Succeeded: int(to.Sub(from) / time.Minute)}
}

// LoginsOf counts those of the world's logins that match.
func (w *world) LoginsOf(_ context.Context, _ access.Scope, from, to time.Time, match func(access.Login) bool) access.Logins {
	return logins(access.QualityComplete, "", slices.DeleteFunc(slices.Clone(w.logins), func(l access.Login) bool {
		return l.At.Before(from) || l.At.After(to) || !match(l)
	})...)
}

// Judge is a small oracle of the rules that these tests speak of.
func (w *world) Judge(_ context.Context, f access.Finding, fresh map[access.Kind]access.Collection) (access.Verdict, error) {
	v := access.Verdict{Rule: f.Rule, Ref: f.Ref, Ceiling: access.CeilingAuto, Answer: access.AnswerPass}
	if w.unsure {
		return access.Verdict{}, errors.New("the rule failed")
	}
	bad := false
	res, _ := fresh[f.Ref.Kind].Find(f.Ref.Name)
	u, _ := access.As[access.DatabaseUser](res.Box)
	switch f.Rule {
	case "network/open-to-world":
		var list []access.IPAccessEntry
		for _, e := range access.States[access.IPAccessEntry](fresh[access.KindIPAccessEntry]) {
			if f.Ref.Kind == access.KindProject || e.Entry == f.Ref.Name {
				list = append(list, e)
			}
		}
		bad = reach.Expose(prefixes(entries(list))).World()
	case "dbuser/unscoped":
		bad = u.Username != "" && len(u.Scopes) == 0
	case "dbuser/atlas-admin-app":
		bad = slices.ContainsFunc(u.Roles, func(g access.RoleGrant) bool { return g.Role == reach.AtlasAdmin || g.Role == "sly" })
	case "dbuser/expired-migration-user":
		bad = len(u.Roles) > 0
	}
	if bad {
		v.Answer, v.Message = access.AnswerViolation, "as it was"
	}
	return v, nil
}

func (w *world) Acquire(context.Context, access.Scope) (Lease, error) {
	select {
	case w.held <- struct{}{}:
		return w, nil
	default:
		return nil, fmt.Errorf("held by another: %w", access.ErrTemporary)
	}
}

func (w *world) Valid(need time.Duration) error {
	if w.lease < need {
		return fmt.Errorf("%s left", w.lease)
	}
	return nil
}

func (w *world) Release(context.Context) error { <-w.held; return nil }

// add puts a finding of these defaults into the scope.
func (w *world) add(f access.Finding) access.Finding {
	f.Ref.Scope = scope
	f.ID = access.FindingID(f.Rule, f.Ref, "")
	if f.State == "" {
		f.State = access.FindingOpen
	}
	if f.Episode == 0 {
		f.Episode = 1
	}
	if f.Severity == "" {
		f.Severity = access.Critical
	}
	if f.CauseAt.IsZero() {
		f.CauseAt = t0.Add(-10 * time.Minute)
	}
	f.OpenedAt, f.Environment, f.Origin, f.Ceiling = t0, "prod", access.OriginNew, access.CeilingAuto
	w.findings.Findings[f.ID] = f
	return f
}

func (w *world) change(f access.Finding, edit func(*access.Finding)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.findings.Findings[f.ID]
	edit(&g)
	w.findings.Findings[f.ID] = g
}

func (w *world) let(cidrs ...string) {
	for _, c := range cidrs {
		w.entries[c] = access.IPAccessEntry{Entry: c, Comment: "for " + c}
	}
}

// act runs one job; it reports where the process died, if it did. A lock that a dead
// process held has ended by the time of the next call.
func (w *world) act(f access.Finding) (died string, err error) {
	defer func() {
		if r := recover(); r != nil {
			k, ok := r.(killed)
			if !ok {
				panic(r)
			}
			died = k.at
		}
	}()
	return "", w.stage().Act(context.Background(), access.Act{Scope: scope, Finding: f.ID})
}

// settle acts, moving the time on from wake to wake, until the action has ended.
func (w *world) settle(f access.Finding) access.Action {
	w.t.Helper()
	for range 40 {
		died, err := w.act(f)
		if err != nil && !errors.Is(err, access.ErrTemporary) {
			w.t.Fatalf("act: %v", err)
		}
		a := w.action(f)
		if died == "" && a.State.Done() {
			return a
		}
		w.now = w.now.Add(time.Second)
		if a.Wake.After(w.now) {
			w.now = a.Wake
		}
	}
	w.t.Fatalf("the action does not end: %+v\n%s", w.action(f), strings.Join(w.log, "\n"))
	return access.Action{}
}

func (w *world) action(f access.Finding) access.Action {
	w.t.Helper()
	a, _, err := w.actions.Get(context.Background(), access.ActionID(f.ID, w.findings.Findings[f.ID].Episode))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) count(prefix string) int {
	n := 0
	for _, l := range w.log {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

// facts are the types of what was published.
func (w *world) facts() []string {
	var out []string
	for _, o := range w.actions.outs {
		var d access.Decision
		if err := json.Unmarshal(o.Body, &d); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, d.Type+" "+string(d.Action.State))
	}
	return out
}

func entryFinding(cidr string, causes ...string) access.Finding {
	f := access.Finding{Rule: "network/open-to-world", Remedy: RemedyDeleteEntries, Ref: access.Ref{Kind: access.KindIPAccessEntry, Name: cidr}}
	return caused(f, causes)
}

func unionFinding(causes ...string) access.Finding {
	f := access.Finding{Rule: "network/open-to-world", Remedy: RemedyDeleteEntries, Ref: access.Ref{Kind: access.KindProject, Name: scope.ID()}}
	return caused(f, causes)
}

func caused(f access.Finding, causes []string) access.Finding {
	for _, c := range causes {
		f.Evidence.Causes = append(f.Evidence.Causes, access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: c})
	}
	return f
}

func userFinding(rule, remedy string, before, after access.DatabaseUser) access.Finding {
	f := access.Finding{Rule: rule, Remedy: remedy, Ref: access.Ref{Kind: access.KindDatabaseUser, Name: after.Name()}}
	if before.Username != "" {
		f.Evidence.Before = access.Box{State: before}
	}
	f.Evidence.After = access.Box{State: after}
	return f
}

func user(roles []string, scopes ...string) access.DatabaseUser {
	u := access.DatabaseUser{Database: "admin", Username: "shop_app_user", Auth: access.AuthSCRAM, Roles: grants(roles...), Scopes: clusters(scopes...)}
	return u
}

func grants(roles ...string) []access.RoleGrant {
	var out []access.RoleGrant
	for _, r := range roles {
		out = append(out, access.RoleGrant{Role: r, Database: "admin"})
	}
	return access.SortGrants(out)
}

func clusters(names ...string) []access.UserScope {
	var out []access.UserScope
	for _, n := range names {
		out = append(out, access.UserScope{Name: n, Type: "CLUSTER"})
	}
	return access.SortScopes(out)
}
