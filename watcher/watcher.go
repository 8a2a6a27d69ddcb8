package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Atlas is what the watcher reads.
type Atlas interface {
	// Events returns every event of the scope's feed since then, oldest first.
	Events(ctx context.Context, scope access.Scope, since time.Time) ([]access.Event, error)
	// Read reads one collection. What goes wrong is in the reading.
	Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading
	// Projects is the complete list of an org's projects.
	Projects(ctx context.Context, orgID string) ([]access.Project, error)
}

// Documents is a bucket of documents of one type. It refuses to rewrite a document
// whose v is above its own.
type Documents[T any] interface {
	// Get returns the zero T and revision 0 for a document that does not exist.
	Get(ctx context.Context, key string) (doc T, rev uint64, err error)
	// Update stores next and out in one compare-and-set on rev, then publishes out. A
	// nil next writes nothing. compute may run more than once.
	Update(ctx context.Context, key string, compute func(cur T, rev uint64) (next *T, out []access.Out, err error)) (rev uint64, err error)
}

// Intents tells which writes of our own are running or just made.
type Intents interface {
	Intents(ctx context.Context, scope access.Scope) ([]access.Intent, error)
}

// Options of a Watcher. Atlas, Watch, Inventory and Orgs must be set.
type Options struct {
	Atlas      Atlas
	Now        func() time.Time             // Atlas time; nil: the local clock
	Watch      Documents[Watch]             // gw_watch, by scope
	Inventory  Documents[access.Collection] // gw_inventory, by scope.kind
	History    Documents[access.History]    // gw_history, by scope; nil: none is kept
	Intents    Intents                      // nil: nothing is ever our own write
	Principals []access.Principal
	Orgs       []string // Atlas ids

	Kinds func(access.Scope) []access.Kind // covered by the profile; nil: [DefaultKinds]
	Joins map[access.Kind][]access.Kind    // kinds that rules join with the key: read with it when dirty or a minute old
	Busy  func(access.Scope) bool          // polled at Active and not at Idle; nil: all are

	Active, Idle         time.Duration // cadence of the feed; 20 s and 60 s
	SweepGate, SweepRest time.Duration // between two sweeps of the gate kinds (15 min; at least 1 h above 500 projects) and of the rest (6 h)
	Overlap              time.Duration // of two reads of a feed; 10 min
	LateWindow           time.Duration // how late an event is still looked for, and used; 24 h
	GapAfter             time.Duration // without watching; 1 h
	SuspectWait          time.Duration // between the two readings that must agree; 30 s
	SuspectMin           int           // resources that may vanish without events; 5
	SuspectShare         float64       // the same as a share; 0.30
	Parallel             int           // reads of one poll at the same time; 4
	Patient              int           // polls at the same time that sweep, or try again what failed; 3: fewer than there are polls at a time

	Logger  *zap.Logger // nil: none
	Metrics *Metrics    // nil: none
}

// DefaultKinds are the kinds of the network and database gates: what is read where no
// profile of access says more.
func DefaultKinds(scope access.Scope) []access.Kind {
	if scope.IsOrg() {
		return []access.Kind{access.KindOrg}
	}
	return []access.Kind{
		access.KindProject, access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole,
		access.KindCluster, access.KindFlexCluster, access.KindFederatedDatabase, access.KindStreamWorkspace,
	}
}

// gateKinds decide who may reach Atlas; they are swept more often than the rest.
func gateKinds() []access.Kind {
	return []access.Kind{
		access.KindOrg, access.KindOrgSettings, access.KindOrgMember, access.KindInvitation, access.KindTeamMember,
		access.KindAPIKey, access.KindServiceAccount, access.KindAPIAccessEntry, access.KindProject,
		access.KindProjectSettings, access.KindProjectMember, access.KindTeamGrant, access.KindProjectKey,
		access.KindProjectServiceAccount, access.KindIPAccessEntry, access.KindPrivateEndpoint, access.KindPeering,
		access.KindDatabaseUser, access.KindCustomRole,
	}
}

// Watcher is the stage. Its methods may run at the same time, also for one scope.
type Watcher struct {
	opts     Options
	log      *zap.Logger
	gate     []access.Kind
	projects atomic.Int64 // known, as of the last call of Scopes

	mu      sync.Mutex
	said    map[string]string          // last failure logged, by what was attempted
	slot    map[access.Scope]int64     // cadence slot in which a poll was last due
	bad     map[string]access.Kind     // collections not complete, by key
	slow    map[access.Scope]bool      // scopes of which something is read that does not press
	running map[access.Scope]int       // polls under way
	kept    map[access.Scope]time.Time // until when the span of the feed reaches that was last seen in the history
}

// New checks the options and fills in the defaults.
func New(opts Options) (*Watcher, error) {
	switch {
	case opts.Atlas == nil:
		return nil, errors.New("new watcher: no Atlas to read")
	case opts.Watch == nil || opts.Inventory == nil:
		return nil, errors.New("new watcher: no place for its documents")
	case len(opts.Orgs) == 0:
		return nil, errors.New("new watcher: no orgs to watch: name them under atlas.orgs")
	}
	for _, id := range opts.Orgs {
		if err := access.OrgScope(id).Validate(); err != nil {
			return nil, fmt.Errorf("new watcher: %w", err)
		}
	}
	opts.fill()
	return &Watcher{
		opts: opts, log: opts.Logger, gate: gateKinds(), said: map[string]string{},
		slot: map[access.Scope]int64{}, bad: map[string]access.Kind{}, slow: map[access.Scope]bool{}, running: map[access.Scope]int{},
		kept: map[access.Scope]time.Time{},
	}, nil
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Kinds == nil {
		o.Kinds = DefaultKinds
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	o.Active = cmp.Or(o.Active, 20*time.Second)
	o.Idle = cmp.Or(o.Idle, time.Minute)
	o.SweepGate = cmp.Or(o.SweepGate, 15*time.Minute)
	o.SweepRest = cmp.Or(o.SweepRest, 6*time.Hour)
	o.Overlap = cmp.Or(o.Overlap, 10*time.Minute)
	o.LateWindow = cmp.Or(o.LateWindow, 24*time.Hour)
	o.GapAfter = cmp.Or(o.GapAfter, time.Hour)
	o.SuspectWait = cmp.Or(o.SuspectWait, 30*time.Second)
	o.SuspectMin = cmp.Or(o.SuspectMin, 5)
	o.SuspectShare = cmp.Or(o.SuspectShare, 0.30)
	o.Parallel = cmp.Or(o.Parallel, 4)
	o.Patient = cmp.Or(o.Patient, 3)
}

// Poll does one job, as the package comment says. An error means that the job should
// come again; whatever could be done without that has been done.
func (w *Watcher) Poll(ctx context.Context, job access.Poll) error {
	if err := job.Scope.Validate(); err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	if !w.begin(job.Scope) {
		return fmt.Errorf("poll %s: %d polls of it are under way: %w", job.Scope, pollsAtOnce, access.ErrTemporary)
	}
	defer w.end(job.Scope)
	seen, feedErr, err := w.feed(ctx, job)
	if err != nil {
		return err
	}
	if !job.Scope.IsOrg() && w.isGone(ctx, job.Scope, feedErr) {
		return w.bury(ctx, job.Scope)
	}
	if !seen.Gone.IsZero() {
		return temporary(feedErr)
	}
	return errors.Join(w.readDue(ctx, job, seen, feedErr == nil), temporary(feedErr))
}

// pollsAtOnce bounds the polls of one scope, so that one that is slow to read does not
// take every place from the others.
const pollsAtOnce = 2

func (w *Watcher) begin(scope access.Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[scope] >= pollsAtOnce {
		return false
	}
	w.running[scope]++
	return true
}

func (w *Watcher) end(scope access.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[scope]--; w.running[scope] == 0 {
		delete(w.running, scope)
	}
}

// feed reads the feed (and an org's projects) and stores what it says. What could not
// be read is feedErr, and only that part is left out.
func (w *Watcher) feed(ctx context.Context, job access.Poll) (seen Watch, feedErr, err error) {
	scope := job.Scope
	doc, _, err := w.opts.Watch.Get(ctx, string(scope))
	if err != nil {
		return Watch{}, nil, fmt.Errorf("load the watch document of %s: %w", scope, err)
	}
	now := w.opts.Now()
	in := intake{job: job, now: now, since: w.since(doc, job, now), kinds: w.opts.Kinds(scope), limits: w.limits()}
	in.events, feedErr = w.opts.Atlas.Events(ctx, scope, in.since)
	in.fed, in.read = feedErr == nil, w.opts.Now()
	w.say(scope, "read the feed", feedErr)
	if scope.IsOrg() {
		var listErr error
		in.projects, listErr = w.opts.Atlas.Projects(ctx, scope.ID())
		in.listed = listErr == nil
		w.say(scope, "list the projects", listErr)
		feedErr = errors.Join(feedErr, listErr)
	}
	if ctx.Err() != nil {
		return Watch{}, nil, fmt.Errorf("poll %s: %w", scope, ctx.Err())
	}
	if in.mended, err = w.keepFeed(ctx, doc, in); err != nil {
		return Watch{}, nil, err
	}
	in.events = w.name(in.events)
	_, err = w.opts.Watch.Update(ctx, string(scope), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
		next, out, changed := in.apply(cur)
		seen = next
		if !changed {
			seen = cur
			return nil, nil, nil
		}
		return &next, out, nil
	})
	if err != nil {
		return Watch{}, nil, fmt.Errorf("store the feed of %s: %w", scope, err)
	}
	if in.fed {
		w.opts.Metrics.fed(scope, now)
	}
	return seen, feedErr, nil
}

// since is where to read the feed from. An old cursor is as good as a new one: nothing
// came after it.
func (w *Watcher) since(doc Watch, job access.Poll, now time.Time) time.Time {
	from := now
	if !doc.Cursor.IsZero() && doc.Cursor.Before(now) {
		from = doc.Cursor
	}
	from = from.Add(-w.opts.Overlap)
	if late := now.Add(-w.opts.LateWindow); w.sweepDue(doc, job, now) && late.Before(from) {
		return late
	}
	return from
}

// name puts the declared principals to the actors.
func (w *Watcher) name(events []access.Event) []access.Event {
	out := slices.Clone(events)
	for i := range out {
		a := &out[i].Actor
		for _, p := range w.opts.Principals {
			if owns(p, a.Name) || owns(p, a.ID) || owns(p, a.OnBehalfOf) {
				a.Principal = p.ID
				break
			}
		}
	}
	return out
}

// owns: Atlas takes an address in any case for the same user.
func owns(p access.Principal, name string) bool {
	same := func(s string) bool { return access.FoldName(s) == access.FoldName(name) }
	return name != "" && (same(p.Email) || slices.ContainsFunc(p.Atlas, same) || slices.Contains(p.Owns, name))
}

// say logs a failure once, and its end.
func (w *Watcher) say(scope access.Scope, what string, err error) {
	key := string(scope) + " " + what
	w.mu.Lock()
	before, text := w.said[key], ""
	if err != nil {
		text = err.Error()
		w.said[key] = text
	} else {
		delete(w.said, key)
	}
	w.mu.Unlock()
	switch fields := []zap.Field{zap.String("scope", string(scope)), zap.String("attempt", what)}; {
	case text != "" && text != before:
		w.log.Warn("cannot watch", append(fields, zap.Error(err))...)
	case text == "" && before != "":
		w.log.Info("watching again", fields...)
	}
}

// temporary keeps the errors that a repeated job may not meet again. A refusal is
// tried again at the next tick and needs no job in the queue.
func temporary(err error) error {
	if errors.Is(err, access.ErrForbidden) || errors.Is(err, access.ErrGone) {
		if !errors.Is(err, access.ErrTemporary) {
			return nil
		}
	}
	return err
}
