package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// history is a recorded world with its book: three checkpoints, the second by which one key
// makes way for another. Nothing in it is left to doubt.
type history struct {
	*world
	book []byte
	keys []ed25519.PublicKey
}

func newHistory(t testing.TB) *history {
	t.Helper()
	h := &history{world: newWorld(t, "GW_CHANGES", "GW_EVENTS"), keys: []ed25519.PublicKey{public(testKey(1))}}
	name := filepath.Join(t.TempDir(), "book")
	b := openBook(t, name)
	for i, sign := range []func(Head) error{
		func(end Head) error { return b.Sign(end, testKey(1), h.now) },
		func(end Head) error { return b.Rotate(end, testKey(1), public(testKey(2)), h.now) },
		func(end Head) error { return b.Sign(end, testKey(2), h.now) },
	} {
		h.say(3, []string{"alice@example.com", "rajesh", "alice@example.com"}[i])
		if err := sign(h.record().Head()); err != nil {
			t.Fatal(err)
		}
	}
	h.book = read(t, name)
	return h
}

func (h *history) check() Check {
	c := h.world.check()
	c.Checkpoints, c.Keys = lines(h.book), h.keys
	return c
}

func TestVerifyClean(t *testing.T) {
	h := newHistory(t)
	r := verify(t, h.check())
	if r.Verdict() != Clean || r.Facts != 18 || r.Checkpoints != 3 || r.Covered != r.Head.Seq || r.Key != KeyName(public(testKey(2))) || r.Sources[1].Matched != 9 {
		t.Errorf("%s %v", r.Summary(), r.Problems)
	}
	r.Head.Hash = "" // the persons' keys are random
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "clean.golden", append(raw, '\n'))
	if r := verify(t, Check{Chain: (&memLog{}).records(), Now: day}); r.Verdict() != Clean {
		t.Errorf("an empty chain is %s", r.Summary())
	}
}

// forge writes the chain anew from an entry on, as somebody would who may write the log and
// knows the form.
func (h *history) forge(from int, change func(*Entry)) {
	var last Entry
	prev := ""
	for i, stored := range h.log.all {
		e, hash, err := Decode(stored)
		if err != nil {
			h.t.Fatal(err)
		}
		if i+1 >= from {
			e.Prev, e.PrevSeq = prev, last.Seq
			if change(&e); len(e.Facts) == 0 {
				h.log.all = h.log.all[:i]
				return
			}
			if stored, hash, err = e.Encode(); err != nil {
				h.t.Fatal(err)
			}
			h.log.all[i] = stored
		}
		last, prev = e, hash
	}
}

// again records one fact more of each source, in an entry that is then forged.
func (h *history) again(change func(*Entry)) {
	h.say(1, "carol")
	h.record()
	h.forge(len(h.log.all), change)
}

// otherBody has every fact of an entry tell something else, with the right hashes.
func otherBody(e *Entry) {
	for i := range e.Facts {
		f := &e.Facts[i]
		f.Body = strings.ReplaceAll(f.Body, "opened", "closed")
		f.Hash = f.sum([]byte(f.Body))
	}
}

func (h *history) lines() [][]byte { return bytes.SplitAfter(h.book, []byte("\n")) }

// swap exchanges two positions of anything.
func swap[T any](all []T, i, j int) { all[i], all[j] = all[j], all[i] }

func TestVerifyFinds(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*history)
		want string // codes
		says string
	}{
		{"an entry changed", func(h *history) { h.log.all[1][100] ^= 1 }, "checkpoint entry gap link", "no entry as Gatewarden wrote it"},
		{"an entry taken out", func(h *history) { h.log.all[2] = nil }, "gap link position", "is gone"},
		{"an entry taken out, the rest moved up", func(h *history) { h.log.all = slices.Delete(h.log.all, 1, 2) }, "checkpoint gap link position", "moved"},
		{"an entry put in", func(h *history) { h.log.all = slices.Insert(h.log.all, 1, h.log.all[0]) }, "position", "moved or repeated"},
		{"entries exchanged", func(h *history) { swap(h.log.all, 1, 2) }, "checkpoint gap link position", ""},
		{"the end cut off behind a checkpoint", func(h *history) { h.log.all = h.log.all[:4] }, "?unrecorded checkpoint", "the chain was cut"},
		{"the whole chain cut off", func(h *history) { h.log.all = nil }, "?unrecorded checkpoint", "the chain was cut"},
		{"the chain written anew", func(h *history) { h.forge(2, otherBody) }, "?uncovered checkpoint differs", "written anew"},
		{"the chain and the sources written anew", func(h *history) {
			h.forge(2, otherBody)
			for _, s := range h.sources {
				for i, m := range s.all {
					if i > 1 {
						s.all[i].Body = bytes.ReplaceAll(m.Body, []byte("opened"), []byte("closed"))
					}
				}
			}
		}, "?uncovered checkpoint", "written anew"},
		{"a fork after the last checkpoint", func(h *history) {
			h.say(4, "carol")
			h.record()
			h.forge(7, otherBody)
		}, "?uncovered differs", "not the one that was recorded"},
		{"a fact left out by the writer", func(h *history) {
			h.say(4, "carol")
			h.record()
			h.forge(7, func(e *Entry) {
				if e.Seq == 7 {
					e.Facts = e.Facts[1:]
				}
			})
		}, "?uncovered gap", "no entry says why"},
		{"a fact twice", func(h *history) {
			h.say(1, "carol")
			h.record()
			h.forge(7, func(e *Entry) { e.Facts = append([]Fact{e.Facts[0]}, e.Facts...) })
		}, "?uncovered repeat", "there twice"},
		{"facts in another order", func(h *history) {
			h.say(2, "carol")
			h.record()
			h.forge(7, func(e *Entry) { swap(e.Facts, 0, 2); e.Marks[0].Seq = e.Facts[2].Seq })
		}, "?uncovered gap marks repeat", "out of order"},
		{"marks that promise more", func(h *history) {
			h.say(1, "carol")
			h.record()
			h.forge(7, func(e *Entry) { e.Marks = append(e.Marks, Mark{"GW_X", 7}) })
		}, "?uncovered marks", "how far"},
		{"following another entry", func(h *history) { h.again(func(e *Entry) { e.PrevSeq-- }) }, "?uncovered link", "it follows entry 5"},
		{"following another hash", func(h *history) { h.again(func(e *Entry) { e.Prev = strings.Repeat("0", 64) }) }, "?uncovered link", "it follows entry 6"},
		{"said to be lost, and there", func(h *history) {
			h.say(1, "carol")
			h.record()
			h.forge(7, func(e *Entry) {
				e.Facts[0] = Fact{Source: e.Facts[0].Source, Seq: e.Facts[0].Seq, To: e.Facts[0].Seq, Left: LeftMissing}
			})
		}, "?uncovered lost-missing lost-there", "the source has it"},

		{"a message changed", func(h *history) { h.sources[0].all[2].Body[6] ^= 1 }, "differs", "not the one"},
		{"a name in a message changed", func(h *history) {
			m := &h.sources[0].all[2]
			m.Body = bytes.ReplaceAll(m.Body, []byte("alice"), []byte("mallo"))
		}, "differs", "another person"},
		{"a subject changed", func(h *history) { h.sources[1].all[2].Subject += "x" }, "differs", ""},
		{"a time changed", func(h *history) { h.sources[1].all[2].Time = day }, "differs", ""},
		{"a message shorter than its names", func(h *history) { h.sources[1].all[2].Body = []byte("{}") }, "differs", ""},
		{"a message taken out", func(h *history) { h.sources[0].all = slices.Delete(h.sources[0].all, 3, 4) }, "source-missing", "taken out"},
		{"the last message taken out", func(h *history) { h.sources[0].all = h.sources[0].all[:8] }, "source-missing", "taken out"},
		{"messages exchanged", func(h *history) { swap(h.sources[0].all, 3, 4) }, "source-missing source-order", ""},
		{"a message twice", func(h *history) { h.sources[0].all = slices.Insert(h.sources[0].all, 3, h.sources[0].all[3]) }, "source-order", ""},
		{"a message put in", func(h *history) { h.sources[0].put(h.now, "{}") }, "?unrecorded", ""},
		{"a source purged", func(h *history) { h.sources[0].age = 48 * time.Hour; h.sources[0].forget(4) }, "source-missing", "was purged"},
		{"a source that never drops purged", func(h *history) { h.sources[0].forget(1) }, "source-missing", "was purged"},

		{"a checkpoint changed", func(h *history) { h.book[20] ^= 1 }, "checkpoint", "no checkpoint as"},
		{"a signature changed", func(h *history) { h.book[len(h.book)-5] ^= 1 }, "?uncovered checkpoint", ""},
		{"a checkpoint taken out", func(h *history) { h.book = slices.Concat(h.lines()[0], h.lines()[2]) }, "?uncovered checkpoint", "does not follow"},
		{"the first checkpoint taken out", func(h *history) { h.book = slices.Concat(h.lines()[1], h.lines()[2]) }, "checkpoint", "does not follow"},
		{"checkpoints exchanged", func(h *history) { h.book = slices.Concat(h.lines()[0], h.lines()[2], h.lines()[1]) }, "?uncovered checkpoint", ""},
		{"the last checkpoint cut off", func(h *history) { h.book = slices.Concat(h.lines()[0], h.lines()[1]) }, "?uncovered", ""},
		{"all checkpoints cut off", func(h *history) { h.book = nil }, "?uncovered", ""},
		{"a checkpoint cut", func(h *history) { h.book = h.book[:len(h.book)-1] }, "?uncovered checkpoint", "the line is cut"},
		{"a book of another hand", func(h *history) { h.keys = []ed25519.PublicKey{public(testKey(9))} }, "?uncovered checkpoint", "proves nothing"},
		{"a key that nobody named", func(h *history) { h.keys = nil }, "?key-not-given", ""},
		{"a checkpoint that skips a number", func(h *history) { h.sign(2, func(c *Checkpoint) { c.N++ }) }, "checkpoint", "does not follow"},
		{"a checkpoint after another line", func(h *history) { h.sign(2, func(c *Checkpoint) { c.Prev = c.Prev[1:] + "0" }) }, "checkpoint", "does not follow"},
		{"a checkpoint that says more is recorded", func(h *history) { h.sign(2, func(c *Checkpoint) { c.Head.Marks[0].Seq++ }) }, "?uncovered checkpoint", "how far the sources"},
		{"a checkpoint of an older entry", func(h *history) { h.sign(2, func(c *Checkpoint) { c.Head.Seq = 2 }) }, "?uncovered checkpoint", "an older entry"},
		{"a checkpoint of no entry", func(h *history) { h.sign(2, func(c *Checkpoint) { c.Head.Seq++ }) }, "?uncovered checkpoint", "the chain was cut"},
		{"a key that made way signs again", func(h *history) { h.sign(1) }, "?uncovered checkpoint", "proves nothing"},
		{"a new key without the word of the old", func(h *history) { h.sign(3) }, "?uncovered checkpoint", "proves nothing"},
	} {
		h := newHistory(t)
		c.do(h)
		r := verify(t, h.check())
		if got := strings.Join(codes(r), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return strings.Contains(p.String(), c.says) }) && c.says != "" {
			t.Errorf("%s: %v says nothing of %q", c.name, r.Problems, c.says)
		}
	}
}

// sign adds facts, and a checkpoint of them by the given key, whatever the book thinks of it.
func (h *history) sign(key byte, change ...func(*Checkpoint)) {
	h.say(1, "carol")
	end := h.record().Head()
	last := h.lines()[2]
	c := Checkpoint{V: 1, N: 4, Prev: hashOf("checkpoint", last[:len(last)-1]), At: h.now, Head: end}
	for _, f := range change {
		f(&c)
	}
	line, err := c.sign(testKey(key))
	if err != nil {
		h.t.Fatal(err)
	}
	h.book = append(h.book, append(line, '\n')...)
}

// A key of which the reader knows from elsewhere may take over without the old one's word: it
// was lost. The old one may not come back then.
func TestVerifyLostKey(t *testing.T) {
	h := newHistory(t)
	h.sign(3)
	h.keys = append(h.keys, public(testKey(3)))
	if r := verify(t, h.check()); r.Verdict() != Clean {
		t.Errorf("%s %v", r.Summary(), r.Problems)
	}
}

func TestVerifyUnknown(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*history, *Check)
		want string
	}{
		{"no book", func(_ *history, c *Check) { c.Checkpoints = nil }, "?uncovered"},
		{"no keys of persons", func(_ *history, c *Check) { c.People = nil }, "?person-erased"},
		{"a source that is not given", func(_ *history, c *Check) { c.Sources = c.Sources[1:] }, "?source-not-given"},
		{"a source that breaks off", func(h *history, c *Check) {
			h.sources[0].all, h.sources[0].err = h.sources[0].all[:4], errBroken
			c.Sources[0] = h.sources[0].source()
		}, "?source-unread"},
		{"a source whose begin is not known", func(h *history, c *Check) {
			h.sources[0].forget(2)
			c.Sources[0] = h.sources[0].source()
			c.Sources[0].First = func(context.Context) (uint64, error) { return 0, errBroken }
		}, "?source-unread"},
		{"dropped by age", func(h *history, c *Check) {
			h.sources[0].forget(2)
			h.sources[0].age = time.Hour
			c.Sources[0], c.Now = h.sources[0].source(), c.Now.Add(time.Hour)
		}, "?source-dropped"},
		{"dropped for want of room", func(h *history, c *Check) {
			h.sources[0].forget(9)
			h.sources[0].drops = true
			c.Sources[0] = h.sources[0].source()
		}, "?source-dropped"},
		{"more is dropped while it is read", func(h *history, c *Check) {
			s := h.sources[0]
			s.drops = true
			c.Sources[0] = s.source()
			all := slices.Clone(s.all)
			c.Sources[0].Messages = func(yield func(Message, error) bool) {
				for i, m := range all {
					s.first = max(s.first, map[int]uint64{2: 4, 6: 9}[i])
					if i >= 2 && m.Seq < s.first {
						continue
					}
					if !yield(m, nil) {
						return
					}
				}
			}
		}, "?source-dropped"},
		{"a table that cannot be read", func(h *history, _ *Check) { h.table.fail = func(string) error { return errBroken } }, "?person-erased ?table-unread"},
		{"an entry of a newer version", func(h *history, c *Check) {
			h.log.all = append(h.log.all, rehash(h.t, `{"v":2}`))
			c.Chain = h.log.records()
		}, "?newer ?uncovered"},
		{"a checkpoint of a newer version", func(h *history, c *Check) { c.Checkpoints = lines(append(h.book, "{\"v\":2}\n"...)) }, "?newer"},
	} {
		h := newHistory(t)
		check := h.check()
		c.do(h, &check)
		if r := verify(t, check); strings.Join(codes(r), " ") != c.want || r.Verdict() != Incomplete {
			t.Errorf("%s: %v, want %s; %v", c.name, codes(r), c.want, r.Problems)
		}
	}
}

// What a source lost before it could be recorded: explained by its retention, or not.
func TestVerifyLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		age   time.Duration
		drops bool
		after time.Duration // between the last that was recorded and the next
		cut   func(*memSource)
		want  string
	}{
		{"by age", time.Hour, false, time.Hour, func(s *memSource) { s.forget(5) }, "?lost ?source-dropped ?uncovered"},
		{"by age, too soon", time.Hour, false, time.Minute, func(s *memSource) { s.forget(5) }, "?uncovered lost-early source-missing"},
		{"for want of room", 0, true, time.Minute, func(s *memSource) { s.forget(5) }, "?lost ?source-dropped ?uncovered"},
		{"by a hand", time.Hour, true, time.Hour, func(s *memSource) { s.all = slices.Delete(s.all, 3, 5) }, "?uncovered lost-missing"},
	} {
		w := newWorld(t, "A")
		s := w.sources[0]
		s.age, s.drops = c.age, c.drops
		w.say(3, "alice@example.com")
		a := w.record()
		w.say(2, "alice@example.com")
		w.now = w.now.Add(c.after)
		w.say(1, "alice@example.com")
		c.cut(s)
		w.recordBy(a)
		if got := strings.Join(codes(verify(t, w.check())), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestVerifySettle(t *testing.T) {
	h := newHistory(t)
	h.say(2, "carol")
	h.record()
	h.say(2, "carol")
	c := h.check()
	c.Settle = time.Minute
	if r := verify(t, c); r.Verdict() != Clean || r.Sources[0].Waiting != 2 {
		t.Errorf("young: %s %v", r.Summary(), r.Problems)
	}
	c = h.check()
	c.Settle, c.Now = time.Minute, c.Now.Add(time.Hour)
	if r := verify(t, c); !slices.Equal(codes(r), []string{"?uncovered", "?unrecorded"}) {
		t.Errorf("an hour later: %s", r.Summary())
	}
}

// After an entry of a newer version, what follows is judged by what can be known.
func TestVerifyAfterNewer(t *testing.T) {
	w := newWorld(t, "A")
	w.say(9, "alice@example.com")
	w.record()
	newer := rehash(t, `{"v":2}`)
	w.log.all[1] = newer
	e, _, err := Decode(w.log.all[2])
	if err != nil {
		t.Fatal(err)
	}
	e.Prev, _, _ = strings.Cut(string(newer), "\n")
	if w.log.all[2], _, err = e.Encode(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, w.check()); !slices.Equal(codes(r), []string{"?newer", "?uncovered"}) {
		t.Errorf("%s %v", r.Summary(), r.Problems)
	}
}

// All problems are told of as they are found; of very many, the result keeps the first.
func TestVerifyTellsAll(t *testing.T) {
	var log memLog
	for range 3 * keptProblems {
		log.all = append(log.all, []byte("junk"))
	}
	n := 0
	r := verify(t, Check{Chain: log.records(), Now: day, Found: func(Problem) { n++ }})
	if n != 3*keptProblems || r.Found != n || len(r.Problems) != keptProblems || r.Verdict() != Broken {
		t.Errorf("told of %d, counted %d, kept %d", n, r.Found, len(r.Problems))
	}
}

func TestVerifyUnreadChain(t *testing.T) {
	h := newHistory(t)
	c := h.check()
	c.Chain = func(yield func(Record, error) bool) {
		_ = yield(Record{Pos: 1, Stored: h.log.all[0]}, nil) && yield(Record{}, errBroken)
	}
	r, err := Verify(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "after position 1") || r.Verdict() == Clean || r.Entries != 1 {
		t.Errorf("%v: %s", err, r.Summary())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Verify(ended, h.check()); err == nil || r.Verdict() == Clean {
		t.Errorf("an ended context: %v, %s", err, r.Verdict())
	}
}

func TestProblemReads(t *testing.T) {
	p := Problem{Code: "gap", Entry: 7, Source: "GW_EVENTS", Seq: 12, Checkpoint: 2, Line: 3, Says: "it is not there"}
	if got, want := p.String(), "entry 7, GW_EVENTS 12, checkpoint 2, line 3 of the checkpoints: it is not there"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	h := newHistory(t)
	h.keys = nil
	if got := verify(t, h.check()).Summary(); !strings.Contains(got, "incomplete") || !strings.Contains(got, "Not checked: 1 × the first key") {
		t.Error(fmt.Sprint(got))
	}
}
