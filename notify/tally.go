package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// telling is what a group tells, as its findings stood when they were loaded. It holds [Shown] stories
// at most, however many findings there are.
type telling struct {
	card      Card
	votes     []Offered
	critical  bool
	over      bool      // there are findings, and none stands
	undecided time.Time // until when what is done about one of them may still be decided; zero: it is
	opened    time.Time // when the newest one opened
	closed    time.Time // when the last one was resolved
	asked     []string  // ids of the principals who may answer, sorted
	digest    string
}

// tally adds up the findings of a group, one after another.
type tally struct {
	told   telling
	ranks  []rank // of the stories of the card
	counts map[string]*Count
	open   int
}

func newTally() *tally { return &tally{counts: map[string]*Count{}} }

// rank orders stories: what stands before what is over, who is asked about before the rest, the worst
// first, and then the order of their coming.
type rank struct{ over, unasked, severity, n int }

func rankOf(s Story, n int) rank {
	r := rank{severity: slices.Index(access.Severities(), s.Finding.Severity), n: n}
	if !s.Finding.Open() {
		r.over = 1
	}
	if !s.Question.Open() {
		r.unasked = 1
	}
	return r
}

func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(r.over, o.over), cmp.Compare(r.severity, o.severity), cmp.Compare(r.unasked, o.unasked), cmp.Compare(r.n, o.n))
}

// add takes one member in. found is false of a finding that is forgotten: it counts, and is over.
func (t *tally) add(m Member, s Story, found bool) {
	t.told.card.Total++
	if !found {
		s = Story{Finding: access.Finding{ID: m.Finding, Rule: m.Rule, Severity: m.Severity, Episode: m.Episode, Ref: access.Ref{Scope: m.Scope}, State: access.FindingResolved}}
	}
	f := s.Finding
	t.count(f, s.Question.Open())
	t.told.critical = t.told.critical || f.Severity == access.Critical
	if f.OpenedAt.After(t.told.opened) {
		t.told.opened = f.OpenedAt
	}
	if f.ResolvedAt.After(t.told.closed) {
		t.told.closed = f.ResolvedAt
	}
	if f.State == access.FindingOpen && s.Action.State == "" && f.OpenedAt.Add(decidedIn).After(t.told.undecided) {
		t.told.undecided = f.OpenedAt.Add(decidedIn)
	}
	if q := s.Question; q.Open() {
		t.told.votes = append(t.told.votes, Offered{Scope: m.Scope, Finding: f.ID, Episode: f.Episode, Action: q.Action, Plan: q.Plan})
		t.ask(q.May)
	}
	if found {
		t.show(s)
	}
}

func (t *tally) count(f access.Finding, asked bool) {
	c := t.counts[f.Rule]
	if c == nil {
		c = &Count{Rule: f.Rule, Severity: f.Severity}
		t.counts[f.Rule] = c
	}
	if order := access.Severities(); slices.Index(order, f.Severity) < slices.Index(order, c.Severity) {
		c.Severity = f.Severity
	}
	c.Total++
	if f.Open() {
		c.Open++
		t.open++
	}
	if asked {
		c.Waiting++
	}
}

func (t *tally) ask(principals []string) {
	for _, id := range principals {
		if i, known := slices.BinarySearch(t.told.asked, id); !known {
			t.told.asked = slices.Insert(t.told.asked, i, id)
		}
	}
}

func (t *tally) show(s Story) {
	r := rankOf(s, t.told.card.Total)
	i, _ := slices.BinarySearchFunc(t.ranks, r, rank.compare)
	if i >= Shown {
		return
	}
	t.ranks, t.told.card.Stories = slices.Insert(t.ranks, i, r), slices.Insert(t.told.card.Stories, i, s)
	if len(t.ranks) > Shown {
		t.ranks, t.told.card.Stories = t.ranks[:Shown], t.told.card.Stories[:Shown]
	}
}

// telling is the sum.
func (t *tally) telling(g Group) telling {
	told := t.told
	told.card.ID, told.card.Digest = g.ID, g.Digest
	told.over = told.card.Total > 0 && t.open == 0
	order := access.Severities()
	for _, c := range t.counts {
		told.card.Counts = append(told.card.Counts, *c)
	}
	slices.SortFunc(told.card.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity)), cmp.Compare(b.Open, a.Open), strings.Compare(a.Rule, b.Rule))
	})
	return told
}

// digestOf tells renderings apart, by what people could see a difference in.
func digestOf(c Card, votes []Offered) string {
	c.Rev, c.Stories = 0, slices.Clone(c.Stories)
	for i, s := range c.Stories {
		s.At, s.Action = time.Time{}, seen(s.Action)
		s.After = slices.Clone(s.After)
		for j, a := range s.After {
			s.After[j] = seen(a)
		}
		c.Stories[i] = s
	}
	raw, err := json.Marshal([]any{c, votes})
	if err != nil {
		panic("notify: a card does not encode: " + err.Error())
	}
	return access.Hash(string(raw))
}

// seen is an action without what only its executor looks at.
func seen(a access.Action) access.Action {
	a.Wake, a.Attempts, a.Steps = time.Time{}, 0, nil
	return a
}

// owed is what is still to be said in the thread. Of more than three findings only the end is said.
func (p *Poster) owed(g Group, t telling) []Line {
	var all []Line
	switch {
	case t.card.Total > 3 && t.over:
		all = []Line{{Key: fmt.Sprintf("over %d", t.card.Total), Text: fmt.Sprintf("All %d are over.", t.card.Total), At: p.Now()}}
	case t.card.Total <= 3 && p.Lines != nil:
		for _, s := range t.card.Stories {
			for _, l := range p.Lines(s) {
				l.Key = access.ActionID(s.Finding.ID, s.Finding.Episode) + " " + l.Key
				all = append(all, l)
			}
		}
	}
	said := slices.Clone(g.Lines)
	all = slices.DeleteFunc(all, func(l Line) bool {
		again := slices.Contains(said, l.Key)
		said = append(said, l.Key)
		return again
	})
	slices.SortStableFunc(all, func(a, b Line) int { return a.At.Compare(b.At) })
	return all
}

// direct is somebody who is told by themselves.
type direct struct {
	principal string
	story     Story
}

// authors are those who are not yet told that what they did was found: of the findings that stand and
// that the card shows.
func authors(g Group, t telling) []direct {
	var all []direct
	for _, s := range t.card.Stories {
		for _, id := range s.Authors {
			known := slices.Contains(g.Told, id) || slices.ContainsFunc(all, func(d direct) bool { return d.principal == id })
			if s.Finding.Open() && !known {
				all = append(all, direct{id, s})
			}
		}
	}
	return all
}
