package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/watcher"
)

const (
	busyAfterEvent = time.Hour        // a project with an event in this time is polled at the active cadence
	busyFor        = 30 * time.Second // how long an answer is kept
)

// busy says which scopes are polled at the active cadence: orgs, projects judged as
// production (those that match no environment are), and projects in which something
// happened lately. The rest is idle.
type busy struct {
	watch      documents[watcher.Watch]
	findings   documents[access.Findings]
	production func(environment string) bool

	mu    sync.Mutex
	known map[access.Scope]answered
}

type answered struct {
	at   time.Time
	busy bool
}

func (b *busy) is(ctx context.Context, scope access.Scope, now time.Time) bool {
	if scope.IsOrg() {
		return true
	}
	b.mu.Lock()
	a, ok := b.known[scope]
	b.mu.Unlock()
	if ok && now.Sub(a.at) < busyFor {
		return a.busy
	}
	a = answered{now, b.look(ctx, scope, now)}
	b.mu.Lock()
	b.known[scope] = a
	b.mu.Unlock()
	return a.busy
}

// look reads what is stored; what cannot be read counts as busy.
func (b *busy) look(ctx context.Context, scope access.Scope, now time.Time) bool {
	f, _, err := b.findings.Get(ctx, string(scope))
	if err != nil || b.production(f.Environment) {
		return true
	}
	w, _, err := b.watch.Get(ctx, string(scope))
	return err != nil || now.Sub(w.Cursor) < busyAfterEvent
}
