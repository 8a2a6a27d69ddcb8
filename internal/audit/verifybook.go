package audit

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// book is the book of checkpoints while it is read beside the chain.
type book struct {
	pull  func() (Line, error, bool)
	ahead *Checkpoint // sound in itself, and not yet reached by the chain
	n     uint64      // of the last line that could be read
	hash  string      // of the last line
	key   string      // that the last checkpoint leaves the next to; empty: none yet
	seq   uint64      // the highest entry signed

	retired []string // keys that made way for others
}

// nextCheckpoint reads the book on to the next checkpoint that is sound in itself.
func (v *verifier) nextCheckpoint() {
	b := &v.book
	b.ahead = nil
	for b.pull != nil && b.ahead == nil {
		line, err, ok := b.pull()
		switch {
		case !ok:
			b.pull = nil
		case err != nil:
			b.pull = nil
			v.unknown("book-unread", "", "the rest of the checkpoints could not be read ("+err.Error()+")", 1)
		default:
			b.ahead = v.line(line)
		}
	}
}

// line checks one line by itself and against those before it; nil: no word of it counts.
func (v *verifier) line(line Line) *Checkpoint {
	b := &v.book
	p := Problem{Code: "checkpoint", Line: line.Number}
	if line.Cut {
		p.Says = "the line is cut: by a crash while it was written, or by a hand"
		v.problem(p)
		return nil
	}
	c, hash, err := decodeCheckpoint(line.Text)
	before := b.hash
	b.hash = hash
	if errors.Is(err, ErrNewer) {
		v.unknown("newer", "", "a checkpoint was written by a newer version", 1)
		b.n++
		return nil
	}
	if err != nil {
		p.Says = "what is there is no checkpoint as Gatewarden wrote it: " + err.Error()
		v.problem(p)
		return nil
	}
	p.Checkpoint, p.Entry = c.N, c.Head.Seq
	if c.N != b.n+1 || c.Prev != before {
		p.Says = fmt.Sprintf("it does not follow the line before it, which is checkpoint %d: a line was changed, taken out, put in or moved", b.n)
		v.problem(p)
	}
	b.n = c.N
	if !v.trusted(c) {
		p.Says = "it is signed by " + c.Key + ", which neither the checkpoint before it nor you name: it proves nothing"
		v.problem(p)
		return nil
	}
	return &c
}

// trusted reports whether a checkpoint's key is one that may sign it. A key that made way for
// another never may again.
func (v *verifier) trusted(c Checkpoint) bool {
	b := &v.book
	given := slices.ContainsFunc(v.c.Keys, func(k ed25519.PublicKey) bool { return KeyName(k) == c.Key })
	switch {
	case c.Key == b.key:
	case given && !slices.Contains(b.retired, c.Key):
	case b.key == "" && len(v.c.Keys) == 0:
		v.unknown("key-not-given", "", "the first key of the checkpoints is taken from themselves, as none was given", 1)
	default:
		return false
	}
	next := cmp.Or(c.Next, c.Key)
	for _, k := range []string{b.key, c.Key} {
		if k != "" && k != next && !slices.Contains(b.retired, k) {
			b.retired = append(b.retired, k)
		}
	}
	b.key = next
	return true
}

// passCheckpoints compares the checkpoints of an entry with it.
func (v *verifier) passCheckpoints(seq uint64, hash string, marks []Mark) {
	for c := v.book.ahead; c != nil && c.Head.Seq <= seq; c = v.book.ahead {
		p := Problem{Code: "checkpoint", Checkpoint: c.N, Entry: c.Head.Seq}
		switch {
		case c.Head.Seq < v.book.seq:
			p.Says = fmt.Sprintf("it signs an older entry than the checkpoint before it, which signs entry %d", v.book.seq)
		case c.Head.Seq < seq:
			p.Says = "the chain has no such entry"
		case c.Head.Hash != hash:
			p.Says = fmt.Sprintf("it signs hash %.12s…, and the chain has %.12s…: the chain was written anew, from here or from before", c.Head.Hash, hash)
		case marks != nil && !slices.Equal(c.Head.Marks, marks):
			p.Says = "it says otherwise than the entry how far the sources were recorded"
		}
		if p.Says != "" {
			v.problem(p)
		} else {
			v.r.Checkpoints++
			v.r.Covered = seq
			v.uncovered = [2]uint64{}
		}
		v.book.seq = max(v.book.seq, c.Head.Seq)
		v.nextCheckpoint()
	}
}

// endBook tells of checkpoints behind the end of the chain.
func (v *verifier) endBook() {
	for c := v.book.ahead; c != nil; c = v.book.ahead {
		v.problem(Problem{Code: "checkpoint", Checkpoint: c.N, Entry: c.Head.Seq, Says: fmt.Sprintf("the chain ends at entry %d before the one that it signs: the chain was cut", v.prev.Seq)})
		v.nextCheckpoint()
	}
	v.r.Key = v.book.key
}
