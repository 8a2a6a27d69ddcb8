package audit

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A story is drawn, lived through honestly, and told by the chain.
func honest(t *testing.T, rt *rapid.T, dir string) *history {
	h := &history{world: newWorld(t, "A", "B", "C"), keys: []ed25519.PublicKey{public(testKey(1))}}
	name := filepath.Join(dir, "book")
	if err := os.RemoveAll(name); err != nil {
		rt.Fatal(err)
	}
	b, err := OpenBook(name)
	if err != nil {
		rt.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	key := byte(1)
	o := h.options()
	o.Facts = rapid.IntRange(1, 5).Draw(rt, "facts in an entry")
	for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
		for _, s := range h.sources {
			for range rapid.IntRange(0, 4).Draw(rt, "messages of "+s.name) {
				h.now = h.now.Add(time.Second)
				s.put(h.now, rapid.SampledFrom([]string{
					`{"actor":{"name":"alice@example.com"}}`, `{"message":"bob@example.com and bob"}`, `{"n":1}`, `"x"`, "no JSON", "",
				}).Draw(rt, "body"))
			}
		}
		a := recordAnyhow(t, rt, h.world, o)
		if a.Head().Seq == 0 {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(rt, "checkpoint") {
		case 0:
		case 1:
			err = b.Rotate(a.Head(), testKey(key), public(testKey(key+1)), h.now)
			key++
		default:
			err = b.Sign(a.Head(), testKey(key), h.now)
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
	a := recordAnyhow(t, rt, h.world, o)
	if a.Head().Seq > 0 {
		if err := b.Sign(a.Head(), testKey(key), h.now); err != nil {
			rt.Fatal(err)
		}
	}
	h.book = read(t, name)
	return h
}

// recordAnyhow records all, with the sources taken in any order.
func recordAnyhow(t *testing.T, rt *rapid.T, w *world, o AppenderOptions) *Appender {
	a, err := OpenAppender(t.Context(), w.log, o)
	for more := true; more && err == nil; {
		var left []*memSource
		for _, s := range w.sources {
			if a.Next(s.name) <= uint64(len(s.all)) {
				left = append(left, s)
			}
		}
		if more = len(left) > 0; more {
			s := left[rapid.IntRange(0, len(left)-1).Draw(rt, "which source")]
			err = a.Add(t.Context(), s.all[a.Next(s.name)-1], w.now)
		}
	}
	if err == nil {
		err = a.Flush(t.Context(), w.now)
	}
	if err != nil {
		rt.Fatal(err)
	}
	return a
}

func TestHonestIsNeverReported(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		h := honest(t, rt, dir)
		if r := verify(t, h.check()); r.Verdict() != Clean {
			rt.Fatalf("%s %v", r.Summary(), r.Problems)
		}
		// Retention and erasure leave things unknown, and never a problem; what comes after is recorded.
		for _, s := range h.sources {
			s.drops = true
			s.forget(rapid.IntRange(0, len(s.all)).Draw(rt, "dropped of "+s.name))
		}
		if _, err := h.people.Erase(t.Context(), "bob@example.com"); err != nil {
			rt.Fatal(err)
		}
		if r := verify(t, h.check()); r.Found > 0 {
			rt.Fatalf("after retention and erasure: %s %v", r.Summary(), r.Problems)
		}
	})
}

// tampers are what a hand can do to a list of anything; false: it changed nothing.
func tamper[T any](rt *rapid.T, all []T, flip func(T) T, same func(a, b T) bool) ([]T, bool) {
	if len(all) == 0 {
		return all, false
	}
	all = slices.Clone(all)
	i, j := rapid.IntRange(0, len(all)-1).Draw(rt, "i"), rapid.IntRange(0, len(all)-1).Draw(rt, "j")
	switch rapid.SampledFrom([]string{"flip", "take out", "put in", "exchange", "cut", "repeat"}).Draw(rt, "how") {
	case "flip":
		all[i] = flip(all[i])
	case "take out":
		all = slices.Delete(all, i, i+1)
	case "put in":
		all = slices.Insert(all, i, flip(all[j]))
	case "exchange":
		swap(all, i, j)
		return all, i != j && !same(all[i], all[j])
	case "cut":
		all = all[:i]
	case "repeat":
		all = slices.Insert(all, i, all[j])
	}
	return all, true
}

func bitOf(rt *rapid.T) func([]byte) []byte {
	return func(in []byte) []byte {
		if len(in) == 0 {
			return []byte{1}
		}
		out := bytes.Clone(in)
		out[rapid.IntRange(0, len(in)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		return out
	}
}

// messageBit turns something in a message.
func messageBit(rt *rapid.T) func(Message) Message {
	return func(m Message) Message {
		switch rapid.SampledFrom([]string{"body", "subject", "time", "seq"}).Draw(rt, "part") {
		case "body":
			m.Body = bitOf(rt)(m.Body)
		case "subject":
			m.Subject = string(bitOf(rt)([]byte(m.Subject)))
		case "time":
			m.Time = m.Time.Add(1 << rapid.IntRange(0, 40).Draw(rt, "bit of the time"))
		case "seq":
			m.Seq ^= 1 << rapid.IntRange(0, 10).Draw(rt, "bit of the sequence")
		}
		return m
	}
}

func sameMessage(a, b Message) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestTamperingIsNeverClean(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		h := honest(t, rt, dir)
		changed := false
		switch where := rapid.SampledFrom([]string{"chain", "source", "book", "forged"}).Draw(rt, "where"); where {
		case "chain":
			h.log.all, changed = tamper(rt, h.log.all, bitOf(rt), bytes.Equal)
		case "source":
			s := h.sources[rapid.IntRange(0, 2).Draw(rt, "source")]
			s.all, changed = tamper(rt, s.all, messageBit(rt), sameMessage)
		case "book":
			before := h.book
			all, _ := tamper(rt, slices.DeleteFunc(h.lines(), func(l []byte) bool { return len(l) == 0 }), bitOf(rt), bytes.Equal)
			h.book = bytes.Join(all, nil)
			changed = !bytes.Equal(before, h.book)
		case "forged":
			if changed = len(h.log.all) > 0; changed {
				changed = h.forged(rt)
			}
		}
		if !changed {
			rt.Skip()
		}
		if r := verify(t, h.check()); r.Verdict() == Clean {
			rt.Fatalf("%s", r.Summary())
		}
	})
}

// forged writes the chain anew from an entry on, with every hash right; false: as it was.
func (h *history) forged(rt *rapid.T) bool {
	from := rapid.IntRange(1, len(h.log.all)).Draw(rt, "from")
	how := rapid.SampledFrom([]string{"time", "body", "seq", "lost", "left out", "name"}).Draw(rt, "forged how")
	changed := false
	h.forge(from, func(e *Entry) {
		i := rapid.IntRange(0, len(e.Facts)-1).Draw(rt, "fact")
		f := &e.Facts[i]
		switch {
		case changed:
		case how == "time":
			e.At, changed = e.At.Add(time.Second), true
		case how == "body" && f.Left == "":
			f.Body, changed = f.Body+" ", true
			f.Hash = f.sum([]byte(f.Body))
		case how == "lost":
			*f, changed = Fact{Source: f.Source, Seq: f.Seq, To: f.Seq, Left: LeftDropped}, true
		case how == "left out" && len(e.Facts) > 1 && i < len(e.Facts)-1 && e.Facts[i+1].Source == f.Source:
			e.Facts, changed = slices.Delete(e.Facts, i, i+1), true
		case how == "name" && len(f.People) > 0:
			f.People[0].Mac, changed = f.People[0].Person+f.People[0].Person, true
			f.Hash = f.sum([]byte(f.Body))
		}
	})
	return changed
}
