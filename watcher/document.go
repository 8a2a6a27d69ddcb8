package watcher

import (
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Watch is the document gw_watch/<scope>: how far the scope has been watched, and what
// is still to be done.
type Watch struct {
	V        int                  `json:"v"`
	First    time.Time            `json:"first,omitzero"`    // first sight of the scope
	Gone     time.Time            `json:"gone,omitzero"`     // when it was found to exist no more
	Cursor   time.Time            `json:"cursor,omitzero"`   // created of the newest event, in Atlas time
	Seen     map[string]time.Time `json:"seen,omitempty"`    // events that a later read of the feed may return again, by id
	Pending  []Pending            `json:"pending,omitempty"` // events that no read has answered yet, oldest first
	Seq      uint64               `json:"seq,omitempty"`     // of the last mark
	Dirty    map[access.Kind]Mark `json:"dirty,omitempty"`
	Reads    map[access.Kind]Read `json:"reads,omitempty"`
	Fed      time.Time            `json:"fed,omitzero"`    // a successful read of the feed: the last one, or one not much before it
	Swept    time.Time            `json:"swept,omitzero"`  // when late events were last looked for
	Unkept   time.Time            `json:"unkept,omitzero"` // when something last was lost to the history, which must not claim to have it
	Projects map[string]Listed    `json:"projects,omitempty"`
}

// Mark says that a kind may have changed since it was read. A read takes it away only
// if its Seq is still the one from before the read.
type Mark struct {
	Seq    uint64        `json:"seq"`
	At     time.Time     `json:"at"`
	Source access.Source `json:"source"`
	Why    string        `json:"why"`
	Gap    bool          `json:"gap,omitempty"`    // nobody watched before it
	Held   bool          `json:"held,omitempty"`   // reading was denied: try again every minute, not at every poll
	Failed bool          `json:"failed,omitempty"` // reading failed: the next try keeps nobody else waiting
}

// Read says when a kind was last read.
type Read struct {
	Complete time.Time `json:"complete,omitzero"` // begin of the last complete read
	Tried    time.Time `json:"tried,omitzero"`    // begin of the last attempt that counts for the sweep
}

func (r Read) last() time.Time {
	if r.Tried.After(r.Complete) {
		return r.Tried
	}
	return r.Complete
}

// Pending is an event that a read of its kind must answer: it explains a change, or is
// published as observed. It is kept without its raw form, which the fact has.
type Pending struct {
	Event access.Event `json:"event"`
	Kind  access.Kind  `json:"kind"`
	Op    access.Op    `json:"op"`
	Side  bool         `json:"side,omitempty"` // explains only what nothing else does, and is never published
	At    time.Time    `json:"at"`             // created; of an event without or from the future, when it was seen
}

// Listed is a project as the org's list last told.
type Listed struct {
	Since   time.Time `json:"since"`
	Missing time.Time `json:"missing,omitzero"` // since when the list lacks it; unknown until its own feed says more
	Deleted bool      `json:"deleted,omitempty"`
	Gone    bool      `json:"gone,omitempty"` // buried: polled no more
}

// ProjectIDs lists the projects that an org was ever seen to have, sorted.
func (d Watch) ProjectIDs() []string { return slices.Sorted(maps.Keys(d.Projects)) }

func (d Watch) clone() Watch {
	d.V = access.Version
	d.Seen, d.Dirty, d.Reads, d.Projects = copied(d.Seen), copied(d.Dirty), copied(d.Reads), copied(d.Projects)
	d.Pending = slices.Clone(d.Pending)
	return d
}

// copied never returns nil.
func copied[K comparable, V any](m map[K]V) map[K]V {
	out := make(map[K]V, len(m))
	maps.Copy(out, m)
	return out
}

// mark makes a kind dirty. A gap is not forgotten until a read has answered it.
// So is not what a webhook told of before any event did: the change was found through it.
func (d *Watch) mark(kind access.Kind, m Mark) {
	d.Seq++
	if d.Dirty[kind].Source == access.SourceWebhook && m.Source == access.SourceFeed {
		m.Source = access.SourceWebhook
	}
	m.Seq = d.Seq
	m.Gap = m.Gap || d.Dirty[kind].Gap
	d.Dirty[kind] = m
}

// pendingOf lists the events that wait for a read of the kind.
func (d Watch) pendingOf(kind access.Kind) []Pending {
	var out []Pending
	for _, p := range d.Pending {
		if p.Kind == kind {
			out = append(out, p)
		}
	}
	return out
}

// limits are the durations that the pure parts need.
type limits struct {
	overlap, late, gap, wait time.Duration
	min                      int
	share                    float64
}

func (w *Watcher) limits() limits {
	o := w.opts
	return limits{o.Overlap, o.LateWindow, o.GapAfter, o.SuspectWait, o.SuspectMin, o.SuspectShare}
}

// intake is one reading of a feed, on its way into the document.
type intake struct {
	job      access.Poll
	now      time.Time // Atlas time before the read
	read     time.Time // and after it: a feed that is read again and again may tell of what happened meanwhile
	since    time.Time // where the read began
	kinds    []access.Kind
	limits   limits
	fed      bool // the feed could be read
	events   []access.Event
	listed   bool // the list of projects could be read
	projects []access.Project
	mended   time.Time // the mark of a loss that the history has answered
}

// apply is pure. It reports whether there is anything to store: an empty poll is not,
// apart from a sign of life where sweeps are rarer than gaps are short.
func (in intake) apply(cur Watch) (next Watch, out []access.Out, changed bool) {
	next = cur.clone()
	next.Pending = slices.DeleteFunc(next.Pending, func(p Pending) bool { return !slices.Contains(in.kinds, p.Kind) })
	fresh := cur.First.IsZero() || (!cur.Gone.IsZero() && in.fed)
	if fresh {
		in.begin(&next)
	} else if !cur.Gone.IsZero() {
		return cur, nil, false
	}
	changed = in.markGap(&next) || fresh
	changed = in.markHinted(&next) || changed
	if out = in.take(&next); len(out) > 0 {
		changed = true
	}
	if !in.mended.IsZero() && cur.Unkept.Equal(in.mended) {
		next.Unkept, changed = time.Time{}, true
	}
	polls, moved := in.list(&next)
	out, changed = append(out, polls...), changed || moved
	if in.fed && (changed || in.now.Sub(next.Fed).Abs() > in.limits.gap/2) {
		next.Fed, changed = in.now, true
	}
	return next, out, changed
}

// begin is first sight, also of a scope that was gone: everything is to be read, and
// what it holds is baseline. Where the inventory knows it already, this document was
// lost, and nobody can say what was watched: a gap.
func (in intake) begin(d *Watch) {
	d.First, d.Gone, d.Cursor, d.Fed = in.now, time.Time{}, in.now, in.now
	for _, k := range in.kinds {
		d.mark(k, Mark{At: in.now, Source: access.SourceSweep, Why: "first sight", Gap: true})
	}
}

// markGap marks the kinds that nobody has watched for too long, by feed or by read.
func (in intake) markGap(d *Watch) (changed bool) {
	for _, k := range in.kinds {
		watched := d.Fed
		if r := d.Reads[k].Complete; r.After(watched) {
			watched = r
		}
		if in.now.Sub(watched) > in.limits.gap && !d.Dirty[k].Gap {
			d.mark(k, Mark{At: in.now, Source: access.SourceSweep, Why: "gap in watching", Gap: true})
			changed = true
		}
	}
	return changed
}

func (in intake) markHinted(d *Watch) (changed bool) {
	if in.job.Source != access.SourceWebhook {
		return false
	}
	for _, k := range in.job.Kinds {
		if slices.Contains(in.kinds, k) {
			d.mark(k, Mark{At: in.now, Source: access.SourceWebhook, Why: "webhook"})
			changed = true
		}
	}
	return changed
}

// take stores the new events and returns them as facts, oldest first.
func (in intake) take(d *Watch) []access.Out {
	var fresh []Pending
	current := map[string]bool{}
	for _, e := range in.events {
		p := in.admit(e)
		current[p.Event.ID] = true
		if _, known := d.Seen[p.Event.ID]; !known {
			d.Seen[p.Event.ID] = p.At
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	slices.SortStableFunc(fresh, func(a, b Pending) int { return a.At.Compare(b.At) })
	out := make([]access.Out, 0, len(fresh))
	for _, p := range fresh {
		o := access.NewOut(access.TopicEvent, in.job.Scope, p.Event)
		o.ID = p.Event.ID
		out = append(out, o)
		in.route(d, p)
	}
	in.forget(d, current)
	return out
}

// admit makes an event fit to be stored: with an id, a scope, and a time to go by.
func (in intake) admit(e access.Event) Pending {
	e.V, e.Scope = access.Version, in.job.Scope
	if e.ID == "" {
		e.ID = "x" + access.Hash(string(e.Scope), e.Type, e.Created.UTC().Format(time.RFC3339Nano), e.Target, e.Actor.Name, string(e.Raw))
	}
	at := e.Created
	if at.IsZero() || in.future(at) {
		at = in.now
	}
	return Pending{Event: e, At: at}
}

// future reports whether a time had not come yet when the feed had been read.
func (in intake) future(t time.Time) bool { return t.After(in.now) && t.After(in.read) }

// route marks the kinds that the event concerns and lets it wait for their reads.
// What happened before first sight is a fact and nothing more.
func (in intake) route(d *Watch, p Pending) {
	if !in.future(p.Event.Created) && p.At.After(d.Cursor) {
		d.Cursor = p.At
	}
	if p.Event.Type == "GROUP_DELETED" && in.job.Scope.IsOrg() {
		if l, ok := d.Projects[p.Event.Project]; ok && !l.Deleted {
			l.Deleted = true
			d.Projects[p.Event.Project] = l
		}
	}
	if p.At.Before(d.First.Truncate(time.Second)) {
		return
	}
	for _, e := range meanings(p.Event.Type, in.job.Scope.IsOrg()) {
		if !slices.Contains(in.kinds, e.kind) {
			continue
		}
		d.mark(e.kind, Mark{At: in.now, Source: in.source(), Why: p.Event.Type})
		if e.op != "" {
			p.Kind, p.Op, p.Side = e.kind, e.op, e.side
			p.Event.Raw = nil
			d.Pending = append(d.Pending, p)
		}
	}
}

// source is what made us see the events: the feed, unless a webhook had it read.
func (in intake) source() access.Source {
	if in.job.Source == access.SourceWebhook {
		return access.SourceWebhook
	}
	return access.SourceFeed
}

// forget drops the ids that no later read can return: older than any read reaches
// back, and not in this one either.
func (in intake) forget(d *Watch, current map[string]bool) {
	bound := in.now
	if d.Cursor.Before(bound) {
		bound = d.Cursor
	}
	bound = bound.Add(-in.limits.late - 2*in.limits.overlap)
	maps.DeleteFunc(d.Seen, func(id string, at time.Time) bool { return at.Before(bound) && !current[id] })
}

// list compares the org's projects with those known. New ones are polled at once, and
// so are those that vanished: only their own feed can say that they are gone.
func (in intake) list(d *Watch) (polls []access.Out, changed bool) {
	if !in.listed {
		return nil, false
	}
	there := map[string]bool{}
	for _, p := range in.projects {
		there[p.ID] = true
		if l, known := d.Projects[p.ID]; !known || l.Gone || !l.Missing.IsZero() {
			d.Projects[p.ID] = Listed{Since: in.now}
			polls, changed = append(polls, in.poll(p.ID)), true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.Projects)) {
		if l := d.Projects[id]; !there[id] && l.Missing.IsZero() {
			l.Missing = in.now
			d.Projects[id] = l
			polls, changed = append(polls, in.poll(id)), true
		}
	}
	return polls, changed
}

func (in intake) poll(project string) access.Out {
	scope := access.ProjectScope(project)
	return access.NewOut(access.TopicPoll, scope, access.Poll{Scope: scope, Source: access.SourceFeed, At: in.now})
}
