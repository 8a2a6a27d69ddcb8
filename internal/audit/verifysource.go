package audit

import (
	"fmt"
	"time"
)

// source is a source while it is read beside the chain.
type source struct {
	Source
	pull  func() (Message, error, bool)
	ahead *Message // read, and not yet reached by the chain
	last  uint64   // the highest sequence read
	ended bool
	err   error
	first uint64 // as last asked for
	r     SourceResult
}

// peek is the next message of a source, nil at its end. What comes out of order is told of.
func (v *verifier) peek(s *source) *Message {
	for s.ahead == nil && !s.ended {
		m, err, ok := s.pull()
		switch {
		case !ok:
			s.ended = true
		case err != nil:
			s.ended, s.err = true, err
		case m.Seq <= s.last:
			v.problem(Problem{Code: "source-order", Source: s.Name, Seq: m.Seq, Says: fmt.Sprintf("the source gives it after message %d", s.last)})
		default:
			s.ahead, s.last = &m, m.Seq
		}
	}
	return s.ahead
}

// reach reads a source on to a sequence; nil: it has no such message (any more).
func (v *verifier) reach(s *source, seq uint64) *Message {
	for m := v.peek(s); m != nil && m.Seq <= seq; m = v.peek(s) {
		s.ahead = nil
		if m.Seq == seq {
			return m
		}
	}
	return nil
}

// compare holds a fact against its message in the source.
func (v *verifier) compare(here Problem, f Fact, s *source) {
	if s == nil {
		v.unknown("source-not-given", f.Source, "a fact of a source that was not given to compare with", 1)
		return
	}
	m := v.reach(s, f.Seq)
	switch {
	case m != nil:
		v.same(here, f, *m, s)
	case s.err != nil:
		v.unknown("source-unread", f.Source, "a fact of a source that could not be read ("+s.err.Error()+")", 1)
	default:
		v.gone(here, f, s)
	}
}

// same checks that the message in the source is the one that was recorded.
func (v *verifier) same(here Problem, f Fact, m Message, s *source) {
	here.Code = "differs"
	now := told(m)
	now.People = f.People
	body, ok := replaced(m.Body, f.People)
	if !ok || now.sum(body) != f.Hash {
		here.Says = "the message in the source is not the one that was recorded"
		v.problem(here)
		return
	}
	erased, err := v.persons(f.People, m.Body)
	if err != nil {
		here.Says = "the message in the source names another person than the one that was recorded: " + err.Error()
		v.problem(here)
		return
	}
	s.r.Matched++
	if erased > 0 {
		v.unknown("person-erased", f.Source, "a name in a fact that agrees but for it, as the person's key is erased or not given", uint64(erased))
	}
}

// persons checks the names in a message by the persons' keys, and counts those without one.
func (v *verifier) persons(people []Span, raw []byte) (erased int, err error) {
	for _, p := range people {
		var key []byte
		if v.c.People != nil {
			var kerr error
			if key, kerr = v.c.People.Key(v.ctx, p.Person); kerr != nil {
				key = nil
				v.unknown("table-unread", "", "a look into the table of persons that went wrong ("+kerr.Error()+")", 1)
			}
		}
		switch {
		case key == nil:
			erased++
		case macOf(key, raw[p.At:p.At+p.Len]) != p.Mac:
			return erased, fmt.Errorf("at byte %d, where it was %s", p.At, Pseudonym(p.Person))
		}
	}
	return erased, nil
}

// gone is a fact whose message the source has no more: by its retention, or by a hand.
func (v *verifier) gone(here Problem, f Fact, s *source) {
	if f.Seq >= s.first {
		first, err := s.First(v.ctx)
		if err != nil {
			v.unknown("source-unread", f.Source, "a fact of a source that could not be read ("+err.Error()+")", 1)
			return
		}
		s.first = max(s.first, first)
	}
	here.Code = "source-missing"
	switch {
	case f.Seq >= s.first:
		here.Says = fmt.Sprintf("the source, which keeps all from %d on, does not have this message: it was taken out", s.first)
		v.problem(here)
	case !s.explains(f.At, v.c.Now):
		here.Says = fmt.Sprintf("the source dropped this message of %s, and its retention of %v does not explain that: it was purged", f.At.Format(time.RFC3339), s.Age)
		v.problem(here)
	default:
		v.unknown("source-dropped", f.Source, "a fact that only the chain has, as the source keeps it no longer", 1)
	}
}

// explains reports whether a source can by itself have dropped, by then, what it stored at a time.
func (s *source) explains(stored, by time.Time) bool {
	return s.Drops || (s.Age > 0 && by.Sub(stored) >= s.Age)
}

// lost judges a run of messages that were never recorded.
func (v *verifier) lost(here Problem, at time.Time, f Fact, s *source) {
	run := fmt.Sprintf("messages %d to %d", f.Seq, f.To)
	before, known := v.lastTime[f.Source]
	switch {
	case f.Left == LeftMissing:
		here.Code, here.Says = "lost-missing", run+" were missing from within the source when it was recorded: they were taken out"
		v.problem(here)
	case s != nil && known && !s.explains(before, at):
		here.Code, here.Says = "lost-early", fmt.Sprintf("%s, stored after %s, were no longer there when they were to be recorded, and the retention of %v does not explain that: they were purged", run, before.Format(time.RFC3339), s.Age)
		v.problem(here)
	default:
		v.unknown("lost", f.Source, "a message that the source dropped before it was recorded", f.To-f.Seq+1)
	}
	if s == nil {
		return
	}
	for m := v.peek(s); m != nil && m.Seq <= f.To; m = v.peek(s) {
		s.ahead = nil
		if m.Seq >= f.Seq {
			v.problem(Problem{Code: "lost-there", Entry: here.Entry, Source: f.Source, Seq: m.Seq, Says: "it is recorded as lost, and the source has it"})
		}
	}
}

// endSource counts what the source has and the chain has not.
func (v *verifier) endSource(s *source) {
	mark := markOf(v.marks, s.Name)
	for m := v.peek(s); m != nil && v.ctx.Err() == nil; m = v.peek(s) {
		s.ahead = nil
		switch {
		case m.Seq <= mark: // a gap, and told of
		case young(m.Time, v.c) == 1:
			s.r.Waiting++
		default:
			v.unknown("unrecorded", s.Name, "a message that is not in the chain: not recorded yet, or cut off at the chain's end", 1)
		}
	}
	if s.err != nil {
		v.unknown("source-unread", s.Name, "a fact of a source that could not be read ("+s.err.Error()+")", 1)
	}
}
