package rules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	changePage = 1000
	holdFor    = 24 * time.Hour   // how long changes wait for a kind that cannot be judged on
	aheadFor   = 10 * time.Minute // how long a judgement waits for a change that the inventory has already
)

// Documents is where findings are kept.
type Documents[T any] interface {
	Get(ctx context.Context, key string) (doc T, rev uint64, err error)
	Update(ctx context.Context, key string, compute func(cur T, rev uint64) (next *T, out []access.Out, err error)) (rev uint64, err error)
}

// Inventory gives the collection under <scope>.<kind>, through the leader.
type Inventory interface {
	Get(ctx context.Context, key string) (access.Collection, uint64, error)
}

// Dirt gives the kinds of a scope that changed and were not read again since, or that
// were last read too long ago, each with since when.
type Dirt interface {
	Dirty(ctx context.Context, scope access.Scope) (map[access.Kind]time.Time, error)
}

// Changes gives the scope's changes after a stream sequence, in order, and the sequence
// of the last one given (after, if there is none).
type Changes interface {
	Changes(ctx context.Context, scope access.Scope, after uint64, max int) ([]access.Change, uint64, error)
}

// Histories gives what was seen of who used what in the scope.
type Histories interface {
	Get(ctx context.Context, key string) (access.History, uint64, error)
}

// WaiversKey is where the waivers and expectations of the store are.
const WaiversKey = access.WaiversKey

// StageOptions are what a stage works with. Metrics, Logger and Now may be left out.
type StageOptions struct {
	Engine    func() *Engine // the one in force; asked once a judgement
	Findings  Documents[access.Findings]
	Inventory Inventory
	Dirty     Dirt
	Changes   Changes
	Told      Told                      // with Facts nil: other scopes are not known
	Facts     Documents[access.Facts]   // of projects, by scope
	Stale     func() time.Duration      // how old the word of other scopes may be; what is older is unknown. Nil: any age
	History   Histories                 // nil: nothing is known of use
	Waivers   Documents[access.Waivers] // under WaiversKey; nil: none but those of the configuration
	Logger    *zap.Logger
	Metrics   *Metrics
	Now       func() time.Time // Atlas time
}

// Stage judges scopes as messages ask for it.
type Stage struct {
	StageOptions
	verdicts sync.Pool // slices of former judgements
}

// NewStage makes a stage.
func NewStage(o StageOptions) *Stage {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Stage{StageOptions: o, verdicts: sync.Pool{New: func() any { return new([]access.Verdict) }}}
}

// errAhead says that the inventory shows a change that is not published yet: its own
// message to judge follows it.
var errAhead = errors.New("the inventory is ahead of its changes")

// Eval judges a scope and stores what comes of it. It may be called at any time and
// any number of times.
func (s *Stage) Eval(ctx context.Context, job access.Eval) error {
	if err := job.Scope.Validate(); err != nil {
		return fmt.Errorf("judge: %w", err)
	}
	e := s.Engine()
	e.OnFailure(s.failed)
	var last snapshot
	_, err := s.Findings.Update(ctx, string(job.Scope), func(cur access.Findings, _ uint64) (*access.Findings, []access.Out, error) {
		snap, next, outs, err := s.judge(ctx, e, job, cur)
		last = snap
		return next, outs, err
	})
	if errors.Is(err, errAhead) {
		s.Logger.Debug("judgement left to the message that follows the changes", zap.String("scope", string(job.Scope)))
		return nil
	}
	if err == nil {
		err = s.share(ctx, e, last)
	}
	if err != nil {
		return fmt.Errorf("judge %s: %w", job.Scope, err)
	}
	return nil
}

func (s *Stage) failed(rule string, err error) {
	if s.Metrics != nil {
		s.Metrics.failures.WithLabelValues(rule).Inc()
	}
	s.Logger.Debug("rule failed and is unknown", zap.String("rule", rule), zap.Error(err))
}

// snapshot is what one judgement is made of.
type snapshot struct {
	in      Input
	revs    map[access.Kind]uint64
	seq     uint64 // of the last change
	waivers uint64
	facts   map[access.Scope]access.Facts // of an org: what it tells its projects
}

func (s *Stage) judge(ctx context.Context, e *Engine, job access.Eval, cur access.Findings) (snapshot, *access.Findings, []access.Out, error) {
	if cur.V > access.Version {
		return snapshot{}, nil, nil, fmt.Errorf("findings are of version %d, which a newer program wrote: run that version", cur.V)
	}
	snap, err := s.load(ctx, e, job, cur)
	if err != nil {
		return snapshot{}, nil, nil, err
	}
	buf := s.verdicts.Get().(*[]access.Verdict)
	*buf = e.EvaluateInto(*buf, snap.in)
	next, events := e.Advance(cur, snap.in, *buf)
	clear(*buf)
	s.verdicts.Put(buf)
	next.Judged.Inventory, next.Judged.ChangeSeq, next.Judged.Waivers = snap.revs, snap.seq, snap.waivers
	if e.holds(&snap.in) {
		next.Judged.ChangeSeq = cur.Judged.ChangeSeq
	}
	if s.Metrics != nil {
		s.Metrics.set(next)
	}
	if len(events) == 0 && unchanged(cur, next) {
		return snap, nil, nil, nil
	}
	return snap, &next, outbox(job.Scope, events), nil
}

// unchanged reports whether the documents differ in nothing but the time of judgement.
func unchanged(cur, next access.Findings) bool {
	if cur.V == 0 {
		return false
	}
	next.Judged.At = cur.Judged.At
	return same(cur, next)
}

// load reads all that a judgement takes. The order matters: what was not dirty before
// the inventory was read is in it, and so is every change that was read before it.
func (s *Stage) load(ctx context.Context, e *Engine, job access.Eval, cur access.Findings) (snapshot, error) {
	snap := snapshot{revs: map[access.Kind]uint64{}}
	dirty, err := s.Dirty.Dirty(ctx, job.Scope)
	if err != nil {
		return snap, fmt.Errorf("load dirty kinds: %w", err)
	}
	var changes []access.Change
	if changes, snap.seq, err = s.changes(ctx, job.Scope, cur.Judged.ChangeSeq); err != nil {
		return snap, err
	}
	snap.in = Input{
		Scope: job.Scope, Collections: map[access.Kind]access.Collection{}, Dirty: dirty, Now: s.Now().Round(0).UTC(),
		Changes: changes, Standing: cur.Standing, Open: cur.Findings, Called: cur.Called,
	}
	for _, k := range e.Kinds(job.Scope) {
		c, rev, err := s.Inventory.Get(ctx, string(job.Scope)+"."+string(k))
		if err != nil {
			return snap, fmt.Errorf("load %s: %w", k, err)
		}
		if before, named := job.Inventory[k]; named && rev <= before {
			return snap, fmt.Errorf("load %s: got revision %d, the message speaks of a newer one than %d: %w", k, rev, job.Inventory[k], access.ErrTemporary)
		}
		snap.in.Collections[k] = c
		if rev > 0 {
			snap.revs[k] = rev
		}
	}
	if err := inStep(snap, cur); err != nil {
		return snap, err
	}
	if s.History != nil {
		if snap.in.History, _, err = s.History.Get(ctx, string(job.Scope)); err != nil {
			return snap, fmt.Errorf("load history: %w", err)
		}
	}
	if s.Waivers != nil {
		w, rev, err := s.Waivers.Get(ctx, WaiversKey)
		if err != nil {
			return snap, fmt.Errorf("load waivers: %w", err)
		}
		snap.in.Waivers, snap.in.Expected, snap.waivers = Dated(w.Waivers, snap.in.Now), w.Expectations, rev
		snap.in.Acknowledged = w.Acknowledgements
	}
	snap.in.Environment = s.environment(e, cur, snap.in.Collections[access.KindProject], snap.in.Acknowledged)
	err = s.others(ctx, e, &snap)
	return snap, err
}

func (s *Stage) changes(ctx context.Context, scope access.Scope, after uint64) ([]access.Change, uint64, error) {
	var all []access.Change
	for {
		page, last, err := s.Changes.Changes(ctx, scope, after, changePage)
		if err != nil {
			return nil, 0, fmt.Errorf("load changes after %d: %w", after, err)
		}
		all, after = append(all, page...), max(last, after)
		if len(page) < changePage {
			return all, after, nil
		}
	}
}

// environment is the one that holds for the project; while the project itself cannot be
// read it stays what it was.
func (s *Stage) environment(e *Engine, cur access.Findings, projects access.Collection, acknowledged []access.Acknowledgement) string {
	states := access.States[access.Project](projects)
	if len(states) != 1 {
		return cur.Environment
	}
	now, why := e.Environment(states[0])
	held := e.Holds(cur.Environment, now)
	if held != now && released(cur, acknowledged) {
		return now
	}
	if held != now {
		s.Logger.Debug("project matches a weaker environment than before: the former one holds until it is acknowledged",
			zap.String("scope", string(cur.Scope)), zap.String("holds", held), zap.String("matches", now), zap.String("why", why))
	}
	return held
}

// inStep checks changes and inventory against each other. The inventory may not be
// older than a change; and where it is newer than the changes, the judgement is left
// to the message that comes after them, so that a finding opens with its evidence.
func inStep(snap snapshot, cur access.Findings) error {
	have := map[string]bool{}
	for _, c := range snap.in.Changes {
		have[c.ID] = true
		if !isStateChange(c) {
			continue // its id is Atlas's
		}
		kind, rev, _, ok := splitID(c.ID)
		if got, loaded := snap.revs[access.Kind(kind)]; ok && loaded && got <= rev {
			return fmt.Errorf("load %s: got revision %d, change %s is newer: %w", kind, got, c.ID, access.ErrTemporary)
		}
	}
	for k, c := range snap.in.Collections {
		for _, r := range c.Trail.Recent {
			_, rev, _, ok := splitID(r.Change.ID)
			if ok && !have[r.Change.ID] && rev >= cur.Judged.Inventory[k] && snap.in.Now.Sub(r.Change.Observed) < aheadFor {
				return errAhead
			}
		}
	}
	return nil
}

// holds reports whether the changes must be replayed with the next judgement too,
// since a rule could not be judged on them now.
func (e *Engine) holds(in *Input) bool {
	for _, c := range in.Changes {
		if !isStateChange(c) || in.Now.Sub(c.Observed) > holdFor {
			continue
		}
		for _, r := range e.views {
			if r.replays(c.Ref.Kind) && slices.ContainsFunc(r.Reads, func(k access.Kind) bool { return in.trouble(k) != "" }) {
				return true
			}
		}
	}
	return false
}

// outbox is what a judgement publishes: the transitions, then one job for each finding
// that they speak of.
func outbox(scope access.Scope, events []access.FindingEvent) []access.Out {
	out := make([]access.Out, 0, 2*len(events))
	why := map[string]string{}
	for _, ev := range events {
		out = append(out, access.NewOut(access.TopicFinding, scope, ev))
		why[ev.Finding.ID] = ev.Why
	}
	for _, id := range slices.Sorted(maps.Keys(why)) {
		out = append(out, access.NewOut(access.TopicAction, scope, access.Act{Scope: scope, Finding: id, Why: why[id]}, id))
	}
	return out
}
