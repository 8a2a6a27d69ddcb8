package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Version is the v of the entries and checkpoints that this program writes.
const Version = 1

var (
	// ErrConflict is what a [Log] or a [Table] answers when another was faster.
	ErrConflict = errors.New("another was faster")
	// ErrNewer marks an entry or checkpoint that a newer version wrote.
	ErrNewer = errors.New("written by a newer version")
)

// Message is one fact as its source stream keeps it.
type Message struct {
	Source  string    // name of the stream; one that was made anew is another source
	Seq     uint64    // in that stream, from 1
	Time    time.Time // when it was stored
	Subject string
	Body    []byte
}

// Entry is one link of the chain. Its stored form is three lines, without a line feed at the
// end: the hash of the second; the entry as JSON without the bodies of its facts; and the list
// of these bodies. Each fact has the hash of its body, so the hash of the second line vouches
// for the third too, and proves the entry's place to somebody who may not see what else it
// holds. It is stored exactly as [Entry.Encode] writes it, every other spelling is refused.
type Entry struct {
	V       int       `json:"v"`
	Seq     uint64    `json:"seq"`     // its position in the log
	PrevSeq uint64    `json:"prevSeq"` // of the entry before it; 0: this is the first
	Prev    string    `json:"prev"`    // that entry's hash
	At      time.Time `json:"at"`
	Facts   []Fact    `json:"facts"`
	Marks   []Mark    `json:"marks"` // by source: up to where the chain has recorded it, this entry included
}

// Fact is one message of a source, or a run of messages that the source had lost before they
// could be recorded (To is set).
type Fact struct {
	Source  string    `json:"source"`
	Seq     uint64    `json:"seq"`
	To      uint64    `json:"to,omitempty"` // the last of a lost run that begins with Seq
	At      time.Time `json:"at,omitzero"`  // when the source stored it
	Subject string    `json:"subject,omitempty"`
	Hash    string    `json:"hash,omitempty"`   // of the message with pseudonyms in the place of persons
	Body    string    `json:"body,omitempty"`   // with pseudonyms
	Left    Left      `json:"left,omitempty"`   // why there is no body
	People  []Span    `json:"people,omitempty"` // where in the message as stored persons were named
}

// Left says why a fact carries no body.
type Left string

// The reasons.
const (
	LeftSize    Left = "too large"
	LeftOpaque  Left = "not JSON"   // the hash is of the bytes as they are
	LeftMany    Left = "many named" // too many persons: all of the body is one span
	LeftDropped Left = "dropped"    // a lost run that the source had dropped from its front
	LeftMissing Left = "missing"    // a lost run from within the source
)

// Span is a stretch of the stored message that names a person.
type Span struct {
	At     int    `json:"at"` // byte of the stored message
	Len    int    `json:"len"`
	Person string `json:"person"`
	Mac    string `json:"mac"` // of those bytes, by the person's key
}

// Mark is how far a source is recorded.
type Mark struct {
	Source string `json:"source"`
	Seq    uint64 `json:"seq"`
}

// markOf is the mark of a source, 0 if there is none.
func markOf(marks []Mark, source string) uint64 {
	for _, m := range marks {
		if m.Source == source {
			return m.Seq
		}
	}
	return 0
}

// raise sets a source's mark; the marks stay sorted by source.
func raise(marks []Mark, source string, seq uint64) []Mark {
	i, found := slices.BinarySearchFunc(marks, source, func(m Mark, s string) int { return bytes.Compare([]byte(m.Source), []byte(s)) })
	if found {
		marks[i].Seq = seq
		return marks
	}
	return slices.Insert(marks, i, Mark{Source: source, Seq: seq})
}

// last is the last sequence that the fact speaks of.
func (f Fact) last() uint64 { return max(f.Seq, f.To) }

// lost reports whether the fact tells of messages that were never recorded.
func (f Fact) lost() bool { return f.To != 0 }

// sum is the hash of all that the fact says of a message whose body, with pseudonyms, is body.
func (f Fact) sum(body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "gatewarden audit fact v1\n%d:%s,%d,%s,%d:%s,", len(f.Source), f.Source, f.Seq, f.At.UTC().Format(time.RFC3339Nano), len(f.Subject), f.Subject)
	for _, p := range f.People {
		fmt.Fprintf(h, "%d+%d=%s/%s,", p.At, p.Len, p.Person, p.Mac)
	}
	fmt.Fprintf(h, "%d:", len(body))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Encode is the entry's stored form, and its hash.
func (e Entry) Encode() (stored []byte, hash string, err error) {
	bodies := []string{}
	e.Facts = slices.Clone(e.Facts)
	for i := range e.Facts {
		bodies = append(bodies, e.Facts[i].Body)
		e.Facts[i].Body = ""
	}
	raw, err := canonical(e)
	if err != nil {
		return nil, "", fmt.Errorf("audit: encode entry %d: %w", e.Seq, err)
	}
	rest, err := canonical(bodies)
	if err != nil {
		return nil, "", fmt.Errorf("audit: encode the bodies of entry %d: %w", e.Seq, err)
	}
	hash = hashOf("entry", raw)
	return slices.Concat([]byte(hash), []byte("\n"), raw, []byte("\n"), rest), hash, nil
}

// Decode reads a stored entry and checks everything that it can tell by itself. An error that
// is ErrNewer comes with the right hash: only the content is beyond this version.
func Decode(stored []byte) (e Entry, hash string, err error) {
	claimed, rest, ok := bytes.Cut(stored, []byte("\n"))
	raw, bodies, also := bytes.Cut(rest, []byte("\n"))
	hash = hashOf("entry", raw)
	if !ok || !also || string(claimed) != hash {
		return Entry{}, "", errors.New("its hash is not that of its content")
	}
	if err := strict(raw, &e); err != nil {
		return Entry{}, hash, err
	}
	if err := e.join(bodies); err != nil {
		return Entry{}, hash, err
	}
	return e, hash, e.validate()
}

// join gives the facts their bodies.
func (e *Entry) join(raw []byte) error {
	var bodies []string
	if err := json.Unmarshal(raw, &bodies); err != nil {
		return fmt.Errorf("its bodies: not JSON: %w", err)
	}
	if again, err := canonical(bodies); err != nil || !bytes.Equal(again, raw) {
		return errors.New("its bodies are not in their canonical spelling")
	}
	if len(bodies) != len(e.Facts) || bodies == nil {
		return fmt.Errorf("it has %d facts, and bodies of %d", len(e.Facts), len(bodies))
	}
	for i := range e.Facts {
		if e.Facts[i].Body != "" {
			return fmt.Errorf("fact %d: a body stands where none may", i)
		}
		e.Facts[i].Body = bodies[i]
	}
	return nil
}

// hashOf is the hash of a canonical text; the word keeps entries and checkpoints apart.
func hashOf(word string, raw []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "gatewarden audit %s v1\n", word)
	h.Write(raw)
	return hex.EncodeToString(h.Sum(nil))
}

// canonical is the one spelling of a document: JSON in the order of its fields, no white
// space, no escapes but those that JSON demands.
func canonical(doc any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// strict decodes a document of this version and refuses any but its canonical spelling.
func strict(raw []byte, doc any) error {
	var v struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if v.V > Version {
		return fmt.Errorf("v %d: %w", v.V, ErrNewer)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(doc); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	again, err := canonical(doc)
	if err != nil || !bytes.Equal(again, raw) {
		return errors.New("not in its canonical spelling")
	}
	return nil
}

// validate says what is wrong with the entry within itself.
func (e Entry) validate() error {
	switch {
	case e.V != Version:
		return fmt.Errorf("v %d is no version", e.V)
	case e.Seq == 0 || e.PrevSeq >= e.Seq || (e.PrevSeq == 0) != (e.Prev == ""):
		return fmt.Errorf("it says that %d follows %d", e.Seq, e.PrevSeq)
	case len(e.Facts) == 0:
		return errors.New("it holds no fact")
	case !utc(e.At):
		return errors.New("its time is not in UTC")
	}
	if !slices.IsSortedFunc(e.Marks, func(a, b Mark) int { return bytes.Compare([]byte(a.Source), []byte(b.Source)) }) {
		return errors.New("its marks are out of order")
	}
	last := map[string]uint64{}
	for i, f := range e.Facts {
		if err := f.validate(); err != nil {
			return fmt.Errorf("fact %d: %w", i, err)
		}
		last[f.Source] = f.last()
	}
	for source, seq := range last {
		if markOf(e.Marks, source) != seq {
			return fmt.Errorf("its mark of %s is %d, and its last fact of it %d", source, markOf(e.Marks, source), seq)
		}
	}
	return nil
}

func utc(t time.Time) bool { _, offset := t.Zone(); return offset == 0 }

func (f Fact) validate() error {
	switch {
	case f.Source == "" || f.Seq == 0:
		return errors.New("it names no message")
	case !utc(f.At):
		return errors.New("its time is not in UTC")
	case f.lost() && (f.To < f.Seq || (f.Left != LeftDropped && f.Left != LeftMissing) || f.Hash+f.Body+f.Subject != "" || f.People != nil || !f.At.IsZero()):
		return errors.New("it tells of lost messages, and of something else")
	case f.lost():
		return nil
	case f.Left == "" && f.Hash != f.sum([]byte(f.Body)):
		return errors.New("its hash is not that of its body")
	case f.Left != "" && (f.Body != "" || (f.Left != LeftSize && f.Left != LeftOpaque && f.Left != LeftMany)):
		return fmt.Errorf("its body is left out as %q", f.Left)
	}
	at := 0
	for _, p := range f.People {
		if p.At < at || p.Len <= 0 || p.Person == "" {
			return errors.New("its persons are out of order")
		}
		at = p.At + p.Len
	}
	return nil
}
