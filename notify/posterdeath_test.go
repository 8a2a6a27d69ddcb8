package notify

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWhateverHappensTheCardsAreRight: notices come in any order, handlers run beside each other and die
// between any two of their steps, the board is down or loses a card; in the end every card shows
// how its findings stand, each finding is on one, and nothing was said twice for which no death is to blame.
func TestWhateverHappensTheCardsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &posterRun{posterWorld: newPosterWorld(false), t: t}
		r.policy = Policy{Burst: rapid.IntRange(1, 4).Draw(t, "burst"), GroupWait: time.Second, Budget: rapid.IntRange(1, 3).Draw(t, "budget")}
		r.about = rapid.SampledFrom([][]int{{1}, {4, 5}, {0, 1, 2, 3}, {0, 1, 1, 2, 3, 4, 4, 4, 5, 6, 7}}).Draw(t, "about")
		r.mayDie = rapid.Bool().Draw(t, "may die")
		acts := map[string]func(){"change": r.alter, "go on": r.goOn, "start": r.begin, "die": r.die, "wait": r.wait, "board": r.toggle}
		often := []string{"change", "change", "go on", "go on", "go on", "go on", "start", "start", "start", "die", "wait", "board"}
		for range rapid.IntRange(10, 200).Draw(t, "acts") {
			acts[rapid.SampledFrom(often).Draw(t, "act")]()
		}
		r.finish()
		r.check()
	})
}

type posterRun struct {
	*posterWorld
	t       *rapid.T
	running []*handler
	about   []int // findings
	mayDie  bool
	deaths  int
	n       int // of changes
}

// alter changes a finding, or has a new one come.
func (r *posterRun) alter() {
	i := rapid.SampledFrom(r.about).Draw(r.t, "finding")
	rule, severity := fmt.Sprint("r/", i%3), access.High
	switch {
	case i == 0:
		rule, severity = openToWorld, access.Critical
	case i == 1, i == 4:
		severity = access.Critical
	case i < 4:
		rule = "network/entry-too-broad"
	}
	s, known := r.findings[access.ActionID(access.Hash(fmt.Sprint(i)), 1)]
	if !known {
		s = r.found(fmt.Sprint(i), rule, severity, 1)
		s.Question = Question{Action: "a", Plan: "p", Need: 1, May: []string{"bob"}}
		s.Authors = []string{"alice"}
	} else if rapid.IntRange(0, 9).Draw(r.t, "over") == 0 {
		s.Finding.State = access.FindingResolved
	}
	r.n++
	s.Finding.Message = fmt.Sprint(r.n)
	r.set(s)
}

// begin starts a handler for a notice that nobody handles, unless it was published anew meanwhile.
func (r *posterRun) begin() {
	if len(r.running) >= 3 {
		return
	}
	taken := func(q *queued) bool { return slices.ContainsFunc(r.running, func(h *handler) bool { return h.q == q }) }
	subject, q := r.take(func(due []*queued) *queued {
		due = slices.DeleteFunc(due, taken)
		if len(due) == 0 {
			return nil
		}
		return rapid.SampledFrom(due).Draw(r.t, "notice")
	})
	if q != nil {
		r.running = append(r.running, r.start(r.t.Context(), subject, q))
	}
}

func (r *posterRun) goOn() {
	if len(r.running) == 0 {
		return
	}
	h := rapid.SampledFrom(r.running).Draw(r.t, "handler")
	for range rapid.IntRange(1, 40).Draw(r.t, "steps") {
		if _, more := h.next(); !more {
			r.end(h)
			return
		}
	}
}

func (r *posterRun) end(h *handler) {
	r.running = slices.DeleteFunc(r.running, func(o *handler) bool { return o == h })
	r.done(h.subject, h.q, h.err)
}

// die ends a handler where it is: what it did stays, and its notice comes again after a while.
func (r *posterRun) die() {
	if !r.mayDie || len(r.running) == 0 {
		return
	}
	h := rapid.SampledFrom(r.running).Draw(r.t, "who dies")
	h.kill()
	r.deaths++
	h.err = Later{Delay: 30 * time.Second}
	r.end(h)
}

// wait lets time go by; those that run get there first.
func (r *posterRun) wait() {
	r.drain()
	r.now = r.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(r.t, "seconds")) * time.Second)
}

func (r *posterRun) drain() {
	for len(r.running) > 0 {
		h := r.running[0]
		for more := true; more; {
			_, more = h.next()
		}
		r.end(h)
	}
}

func (r *posterRun) toggle() {
	switch {
	case r.board.down != nil:
		r.board.down = nil
	case rapid.Bool().Draw(r.t, "out"):
		r.board.down = ErrNoBoard
	default:
		r.board.down = limited(3 * time.Second)
	}
}

func (r *posterRun) finish() {
	r.board.down = nil
	r.drain()
	r.rest(r.t)
}

func (r *posterRun) check() {
	var held []Member
	for _, h := range r.posterWorld.held.docs {
		if h.By.Finding != "" {
			held = append(held, h.Members...)
		}
	}
	for _, s := range r.findings {
		f := s.Finding
		on := 0
		for _, g := range r.groups.docs {
			if g.Into != "" || g.has(memberOf(f)) < 0 {
				continue
			}
			on++
			r.shows(g, s)
		}
		waits := slices.ContainsFunc(held, memberOf(f).same)
		if on > 1 || f.Open() && on == 0 && !waits {
			r.t.Fatalf("finding %s %s is on %d cards, waits: %v", f.Message, f.State, on, waits)
		}
	}
	for _, g := range r.groups.docs {
		if !g.Claimed.IsZero() && r.deaths == 0 {
			r.t.Fatalf("group %s is claimed", g.ID)
		}
	}
	r.once()
}

// shows sees to it that a finding stands on the card of its group as it stands.
func (r *posterRun) shows(g Group, s Story) {
	p := r.board.pins[g.At]
	if p == nil {
		r.t.Fatalf("group %s has no card", g.ID)
	}
	c := p.card()
	i := slices.IndexFunc(c.Stories, func(o Story) bool { return o.Finding.ID == s.Finding.ID })
	if i < 0 || c.Stories[i].Finding.Message != s.Finding.Message || c.Stories[i].Finding.State != s.Finding.State || c.Rev != g.Rev || len(c.Stories) != len(g.Members) {
		r.t.Fatalf("the card of group %s, revision %d of %d, is behind at finding %s", g.ID, c.Rev, g.Rev, s.Finding.Message)
	}
	if to, ok, err := r.poster.Store.At(r.t.Context(), g.At); err != nil || !ok || to.ID != g.ID {
		r.t.Fatalf("nobody knows whose card %v is", g.At)
	}
}

// once sees to it that what was posted or said twice is the work of a death.
func (r *posterRun) once() {
	if r.deaths > 0 {
		return
	}
	told := 0
	for _, g := range r.groups.docs {
		if g.At.ID != "" {
			told++
		}
	}
	if told != len(r.board.pins) {
		r.t.Fatalf("%d cards of %d groups", len(r.board.pins), told)
	}
	directs := map[string]bool{}
	for _, g := range r.groups.docs {
		for _, id := range g.Told {
			directs[g.ID+id] = true
		}
	}
	if len(r.board.directs) != len(directs) {
		r.t.Fatalf("%d were told directly, in %d messages", len(directs), len(r.board.directs))
	}
	for _, p := range r.board.pins {
		lines := slices.Sorted(slices.Values(p.lines))
		if len(slices.Compact(lines)) != len(p.lines) {
			r.t.Fatalf("said twice: %q", p.lines)
		}
	}
}

// TestAtEveryStep: wherever a handler of the first rendering stops, the finding changes and others tell of
// that before it goes on, or it dies there: the card is at the newest state, and only a death leaves a copy.
func TestAtEveryStep(t *testing.T) {
	for _, dies := range []bool{false, true} {
		for stop := 0; ; stop++ {
			w := newPosterWorld(false)
			s := w.found("a", "r/one", access.Critical, 1)
			s.Question, s.Authors = Question{Action: "a", Plan: "p", Need: 1, May: []string{"bob"}}, []string{"alice"}
			w.set(s)
			subject, q := w.take(first)
			w.done(subject, q, w.poster.Handle(t.Context(), q.notice))
			subject, q = w.take(first)
			h := w.start(t.Context(), subject, q)
			more := true
			for i := 0; i < stop && more; i++ {
				_, more = h.next()
			}
			if !more {
				break
			}
			if dies {
				h.kill()
				h.err = Later{Delay: 30 * time.Second}
				w.done(subject, q, h.err)
			}
			w.change(s.Finding.ID, func(s *Story) { s.Finding.Message, s.Finding.State = "newer", access.FindingAcknowledged })
			for range 3 { // others meet the claim of one that is at work, and come back
				w.now = w.now.Add(2 * time.Second)
				for _, due := w.take(first); due != nil && !dies; _, due = w.take(first) {
					subject, q := w.take(first)
					w.done(subject, q, w.poster.Handle(t.Context(), q.notice))
				}
			}
			for !dies {
				if _, more := h.next(); !more {
					w.done(h.subject, h.q, h.err)
					break
				}
			}
			w.rest(t)
			w.atLast(t, stop, dies)
		}
	}
}

func first(due []*queued) *queued { return due[0] }

// atLast sees to it that there is one card, at the newest state, and no other but of a death.
func (w *posterWorld) atLast(t *testing.T, stop int, dies bool) {
	t.Helper()
	for _, g := range w.groups.docs {
		p := w.board.pins[g.At]
		if p == nil || p.card().Stories[0].Finding.Message != "newer" || p.card().Rev != g.Rev {
			t.Fatalf("stopped at %d (dies: %v): the card of %+v is behind", stop, dies, g)
		}
		if n := len(w.board.pins); n > 1 && !dies || n > 2 {
			t.Errorf("stopped at %d (dies: %v): %d cards", stop, dies, n)
		}
		if n := len(w.board.directs); n > 1 && !dies || n == 0 {
			t.Errorf("stopped at %d (dies: %v): told directly %d times", stop, dies, n)
		}
		if n := len(slices.Compact(slices.Sorted(slices.Values(p.lines)))); n != len(p.lines) && !dies || n == 0 {
			t.Errorf("stopped at %d (dies: %v): said %q", stop, dies, p.lines)
		}
	}
}
