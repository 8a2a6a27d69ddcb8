package audit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Record is one position of the log with what it holds.
type Record struct {
	Pos    uint64
	Stored []byte
}

// Check is what [Verify] compares. Note the end of the book first, then that of the chain, and
// give both up to there; then begin to read sources: else an honest chain that grows meanwhile
// seems cut, or ahead of its sources.
type Check struct {
	Chain       iter.Seq2[Record, error] // from position 1
	Checkpoints iter.Seq2[Line, error]   // nil: there are none
	Sources     []Source
	People      Keyring             // nil: no pseudonym can be compared with its person
	Keys        []ed25519.PublicKey // from elsewhere than the book: the first that signed it, and any that came without the word of the one before
	Now         time.Time
	Settle      time.Duration // what is younger than this may wait to be recorded, or for a checkpoint
	Found       func(Problem) // gets every problem as it is found; may be nil
}

// Source is a stream that the chain records.
type Source struct {
	Name     string
	Messages iter.Seq2[Message, error] // from the oldest that is kept
	// First is the first sequence that is still kept; asked again where a message is missing,
	// as more may have been dropped meanwhile.
	First func(context.Context) (uint64, error)
	Age   time.Duration // after which it drops messages; 0: it does not by age
	Drops bool          // it drops the oldest for want of room too
}

// Keyring has the keys of the persons that are not erased; [People] is one.
type Keyring interface {
	Key(ctx context.Context, person string) ([]byte, error) // nil: erased
}

// Verify reads chain, sources and checkpoints once, side by side, and tells everything in
// which they disagree and everything that it could not check. An error is only of ctx or of
// reading the chain itself: the result then tells of the part that was read.
func Verify(ctx context.Context, c Check) (Result, error) {
	v := &verifier{c: c, ctx: ctx, r: Result{V: Version, At: c.Now.UTC()}, marks: []Mark{}}
	defer v.open()()
	err := v.chain()
	if err != nil {
		v.unknown("chain-unread", "", "the rest of the chain could not be read", 1)
	}
	v.endBook()
	for _, s := range v.sources {
		v.endSource(s)
	}
	v.r.Head.Marks = v.marks
	v.sumUp()
	return v.r, err
}

// verifier is one run of Verify. Its memory is bounded by the number of sources, and one
// message of each.
type verifier struct {
	c        Check
	ctx      context.Context
	r        Result
	marks    []Mark // of all entries until now
	pos      uint64 // of the last record
	prev     Head   // seq and hash of the last record that has a hash
	blind    bool   // the last record could not be read: what it recorded is unknown
	sources  []*source
	book     book
	lastTime map[string]time.Time // by source: when it stored the last fact until now

	uncovered [2]uint64 // entries after the last that a checkpoint covers: old ones, young ones
}

// open begins to read sources and book; what it gives back ends that.
func (v *verifier) open() func() {
	v.lastTime = map[string]time.Time{}
	var stops []func()
	for _, s := range v.c.Sources {
		next, stop := iter.Pull2(s.Messages)
		stops = append(stops, stop)
		v.sources = append(v.sources, &source{Source: s, pull: next, r: SourceResult{Name: s.Name}})
	}
	if v.c.Checkpoints != nil {
		next, stop := iter.Pull2(v.c.Checkpoints)
		stops = append(stops, stop)
		v.book.pull = next
	}
	v.nextCheckpoint()
	return func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	}
}

func (v *verifier) chain() error {
	for rec, err := range v.c.Chain {
		if err == nil {
			err = v.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("audit: read the chain after position %d: %w", v.pos, err)
		}
		v.record(rec)
	}
	return nil
}

// record checks one position.
func (v *verifier) record(rec Record) {
	if rec.Pos != v.pos+1 {
		v.problem(Problem{Code: "position", Entry: rec.Pos, Says: fmt.Sprintf("it comes after position %d: what was between is gone, or the order is another", v.pos)})
	}
	v.pos = rec.Pos
	e, hash, err := Decode(rec.Stored)
	switch {
	case errors.Is(err, ErrNewer):
		v.unknown("newer", "", "an entry was written by a newer version", 1)
		v.newer(rec.Pos, hash)
	case err != nil:
		v.problem(Problem{Code: "entry", Entry: rec.Pos, Says: "what lies there is no entry as Gatewarden wrote it: " + err.Error()})
	case e.Seq <= v.prev.Seq:
		v.problem(Problem{Code: "position", Entry: rec.Pos, Says: fmt.Sprintf("entry %d lies there, after entry %d: it was moved or repeated, and nothing in it counts", e.Seq, v.prev.Seq)})
	default:
		v.entry(rec.Pos, e, hash)
	}
}

// newer passes an entry whose content this version cannot read.
func (v *verifier) newer(pos uint64, hash string) {
	v.r.Entries++
	v.uncovered[0]++
	v.prev, v.blind = Head{Seq: pos, Hash: hash}, true
	v.r.Head = v.prev
	v.passCheckpoints(pos, hash, nil)
}

func (v *verifier) entry(pos uint64, e Entry, hash string) {
	v.r.Entries++
	if e.Seq != pos {
		v.problem(Problem{Code: "position", Entry: pos, Says: fmt.Sprintf("the entry there says that it is entry %d: it was moved, or others before it were taken out", e.Seq)})
	}
	if e.PrevSeq != v.prev.Seq || e.Prev != v.prev.Hash {
		v.problem(Problem{Code: "link", Entry: pos, Says: fmt.Sprintf("it follows entry %d with hash %.12s…, and before it lies entry %d with hash %.12s…: an entry was changed, taken out, put in, or the chain forked", e.PrevSeq, e.Prev, v.prev.Seq, v.prev.Hash)})
	}
	v.prev = Head{Seq: e.Seq, Hash: hash}
	v.r.Head = v.prev
	seen := map[string]bool{}
	for _, f := range e.Facts {
		v.fact(pos, e.At, f, v.blind && !seen[f.Source])
		seen[f.Source] = true
	}
	if !v.blind && !slices.Equal(v.marks, e.Marks) {
		v.problem(Problem{Code: "marks", Entry: pos, Says: "how far it says that the sources are recorded is not what the entries say"})
	}
	v.marks, v.blind = slices.Clone(e.Marks), false
	v.uncovered[young(e.At, v.c)]++
	v.passCheckpoints(e.Seq, hash, e.Marks)
}

// young is 1 for what happened so shortly before now that it may still wait.
func young(at time.Time, c Check) int {
	if c.Settle > 0 && c.Now.Sub(at) < c.Settle {
		return 1
	}
	return 0
}

// fact checks a fact's place in its source, and its content against it. first says that what
// came before is unknown.
func (v *verifier) fact(pos uint64, at time.Time, f Fact, first bool) {
	v.r.Facts++
	mark := markOf(v.marks, f.Source)
	here := Problem{Entry: pos, Source: f.Source, Seq: f.Seq}
	switch {
	case first:
	case f.Seq <= mark:
		here.Code, here.Says = "repeat", fmt.Sprintf("%s was recorded up to %d before: it is there twice, or out of order", f.Source, mark)
		v.problem(here)
		return
	case f.Seq > mark+1:
		here.Code, here.Says = "gap", fmt.Sprintf("messages %d to %d before it are not in the chain, and no entry says why", mark+1, f.Seq-1)
		v.problem(here)
	}
	v.marks = raise(v.marks, f.Source, f.last())
	s := v.source(f.Source)
	if f.lost() {
		v.lost(here, at, f, s)
	} else {
		v.lastTime[f.Source] = f.At
		v.compare(here, f, s)
	}
}

func (v *verifier) source(name string) *source {
	for _, s := range v.sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// sumUp says what is left to say at the end.
func (v *verifier) sumUp() {
	v.unknown("uncovered", "", "an entry no checkpoint signs, nor anything after it", v.uncovered[0])
	for _, s := range v.sources {
		s.r.Mark = markOf(v.marks, s.Name)
		v.r.Sources = append(v.r.Sources, s.r)
	}
	if v.r.Problems == nil {
		v.r.Problems = []Problem{}
	}
	if v.r.Unknown == nil {
		v.r.Unknown = []Unknown{}
	}
}
