package daemon

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/watcher"
)

// fleet is every org's Atlas client behind one face: each call goes to the client of
// the org that the scope belongs to.
type fleet struct {
	clients map[string]*atlas.Client // by org id
	orgs    []string                 // in order of configuration
	watch   documents[watcher.Watch]

	mu    sync.Mutex
	owner map[access.Scope]string // project → org id, as discovered
}

type documents[T any] interface {
	Get(ctx context.Context, key string) (T, uint64, error)
}

// org is the id of the org that the scope belongs to. Projects are looked up in what
// the watcher discovered; an unknown one is an error, never a guess.
func (f *fleet) org(ctx context.Context, scope access.Scope) (string, error) {
	if scope.IsOrg() {
		return scope.ID(), nil
	}
	org, ok, err := f.lookUp(ctx, scope)
	if err == nil && !ok {
		err = fmt.Errorf("look up the org of %s: no configured org has shown this project yet: %w", scope, access.ErrTemporary)
	}
	return org, err
}

// lookUp finds the org of a project; false: no configured org has shown it.
func (f *fleet) lookUp(ctx context.Context, scope access.Scope) (org string, ok bool, err error) {
	if org, ok := f.known(scope); ok {
		return org, true, nil
	}
	for _, org := range f.orgs {
		doc, _, err := f.watch.Get(ctx, string(access.OrgScope(org)))
		if err != nil {
			return "", false, fmt.Errorf("look up the org of %s: %w", scope, err)
		}
		f.learn(org, doc)
	}
	org, ok = f.known(scope)
	return org, ok, nil
}

func (f *fleet) known(scope access.Scope) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	org, ok := f.owner[scope]
	return org, ok
}

func (f *fleet) learn(org string, doc watcher.Watch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range doc.ProjectIDs() {
		f.owner[access.ProjectScope(id)] = org
	}
}

func (f *fleet) client(ctx context.Context, scope access.Scope) (*atlas.Client, error) {
	org, err := f.org(ctx, scope)
	if err != nil {
		return nil, err
	}
	c, ok := f.clients[org]
	if !ok {
		return nil, fmt.Errorf("org %s of %s is not configured: add it under atlas.orgs: %w", org, scope, access.ErrForbidden)
	}
	return c, nil
}

// Events implements watcher.Atlas.
func (f *fleet) Events(ctx context.Context, scope access.Scope, since time.Time) ([]access.Event, error) {
	c, err := f.client(ctx, scope)
	if err != nil {
		return nil, err
	}
	return c.Events(atlas.Yielding(ctx), scope, since)
}

// Read implements the reading half of watcher.Atlas and of remediate's Atlas.
func (f *fleet) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	c, err := f.client(ctx, scope)
	if err != nil {
		return access.Reading{Status: access.StatusFailed, Reason: err.Error(), Began: f.Now()}
	}
	return c.Read(atlas.Yielding(ctx), scope, kind)
}

// Projects implements watcher.Atlas.
func (f *fleet) Projects(ctx context.Context, org string) ([]access.Project, error) {
	c, err := f.client(ctx, access.OrgScope(org))
	if err != nil {
		return nil, err
	}
	return c.Projects(atlas.Yielding(ctx), org)
}

// Logins implements remediate's Atlas.
func (f *fleet) Logins(ctx context.Context, scope access.Scope, from, to time.Time) access.Logins {
	c, err := f.client(ctx, scope)
	if err != nil {
		return access.Logins{Why: err.Error()}
	}
	return c.Logins(ctx, scope, from, to)
}

// LoginsOf implements remediate's Counter.
func (f *fleet) LoginsOf(ctx context.Context, scope access.Scope, from, to time.Time, match func(access.Login) bool) access.Logins {
	c, err := f.client(ctx, scope)
	if err != nil {
		return access.Logins{Why: err.Error()}
	}
	return c.LoginsOf(ctx, scope, from, to, match)
}

// Apply implements remediate's Atlas.
func (f *fleet) Apply(ctx context.Context, action string, op access.Operation) error {
	c, err := f.client(ctx, op.Ref.Scope)
	if err != nil {
		return err
	}
	return c.Apply(ctx, action, op)
}

// Now is Atlas time: all orgs are served by one base URL.
func (f *fleet) Now() time.Time { return f.clients[f.orgs[0]].Now() }

// Skew is how far our clock is off Atlas's.
func (f *fleet) Skew() time.Duration { return f.clients[f.orgs[0]].Skew() }

// check reports the first credential that does not work.
func (f *fleet) check(ctx context.Context) error {
	for _, org := range f.orgs {
		if err := f.clients[org].Check(ctx); err != nil {
			return fmt.Errorf("org %s: %w", org, err)
		}
		if r := f.clients[org].Read(ctx, access.OrgScope(org), access.KindOrg); r.Status != access.StatusComplete {
			return fmt.Errorf("org %s: the read credential does not see it: correct atlas.orgs[].id, or give the credential Organization Read Only there: %s", org, r.Reason)
		}
	}
	return nil
}

// urgent is the fleet as remediation sees it: its requests go before polling when a
// token bucket runs low.
type urgent struct{ *fleet }

// Read implements remediate's Atlas.
func (u urgent) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	return u.fleet.Read(atlas.Urgent(ctx), scope, kind)
}

// Apply implements remediate's Atlas.
func (u urgent) Apply(ctx context.Context, action string, op access.Operation) error {
	return u.fleet.Apply(atlas.Urgent(ctx), action, op)
}
