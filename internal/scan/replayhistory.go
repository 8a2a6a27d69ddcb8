package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// historyVersion is the v of the histories that this program writes.
const historyVersion = 1

// History is the first line of a stored history. After it come, one JSON object a line, the
// collections as they are now, then the changes since Since in the order in which they were
// stored, and a last line that counts them: without it the history was cut.
type History struct {
	V       int                     `json:"v"`
	Version string                  `json:"version,omitempty"` // of the program that wrote it
	Since   time.Time               `json:"since"`
	At      time.Time               `json:"at"`               // when it was written, in Atlas time
	Kept    time.Time               `json:"kept,omitzero"`    // where older changes were asked for and are not kept any more: since when they are
	Orgs    []string                `json:"orgs"`             // that are watched
	Held    map[access.Scope]string `json:"held,omitempty"`   // the environment that holds for each project now
	Running Running                 `json:"running"`          // what the daemon judges by
	Waivers access.Waivers          `json:"waivers,omitzero"` // of the store
}

// Running is what a daemon judges by, so that it can be judged by that again.
type Running struct {
	Hash   string         `json:"hash"` // of [rules.Engine.Hash]
	Policy rules.Policy   `json:"policy"`
	Rules  []rules.Source `json:"rules,omitempty"` // of its owner
	Only   []string       `json:"only,omitzero"`   // ids that it judges by; nil: all
}

// Engine builds it again. An error says that this program would judge otherwise.
func (r Running) Engine() (*rules.Engine, error) {
	e, err := rules.Load(r.Policy, r.Rules...)
	if err != nil {
		return nil, fmt.Errorf("build the rules that the daemon judges by: %w", err)
	}
	if r.Only != nil {
		e = e.Only(r.Only...)
	}
	if e.Hash() != r.Hash {
		return nil, errors.New("build the rules that the daemon judges by: another version of gatewarden has others")
	}
	return e, nil
}

// line is one line of a history.
type line struct {
	History    *History           `json:"history,omitempty"`
	Collection *access.Collection `json:"collection,omitempty"`
	Rev        uint64             `json:"rev,omitempty"` // of the collection's document
	Change     *access.Change     `json:"change,omitempty"`
	Stored     time.Time          `json:"stored,omitzero"` // when the change was
	End        *counts            `json:"end,omitempty"`
}

type counts struct {
	Collections int `json:"collections"`
	Changes     int `json:"changes"`
}

// HistoryWriter writes a history: the collections first, then the changes, then Close.
type HistoryWriter struct {
	enc *json.Encoder
	n   counts
}

// NewHistoryWriter begins a history.
func NewHistoryWriter(w io.Writer, h History) (*HistoryWriter, error) {
	h.V, h.Running.Policy.Overrides = historyVersion, exactly(h.Running.Policy.Overrides)
	out := &HistoryWriter{enc: json.NewEncoder(w)}
	return out, out.write(line{History: &h})
}

func (w *HistoryWriter) write(l line) error {
	if err := w.enc.Encode(l); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}

// Collection writes one collection as it is now, with the revision of its document.
func (w *HistoryWriter) Collection(c access.Collection, rev uint64) error {
	c.Trail = access.Trail{} // the watcher's own
	w.n.Collections++
	return w.write(line{Collection: &c, Rev: rev})
}

// Change writes one change.
func (w *HistoryWriter) Change(c access.Change, stored time.Time) error {
	w.n.Changes++
	return w.write(line{Change: &c, Stored: stored})
}

// Close writes the last line.
func (w *HistoryWriter) Close() error { return w.write(line{End: &w.n}) }

// SaveHistory keeps what copyTo writes in a file that only its owner reads, whole or not at
// all: a cut one gets no name.
func SaveHistory(name string, copyTo func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".history-*") // 0600
	if err != nil {
		return fmt.Errorf("save the history: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err := copyTo(buffered); err != nil {
		return err // it says itself where it comes from
	}
	if err := errors.Join(buffered.Flush(), f.Sync()); err != nil {
		return fmt.Errorf("save the history to %s: %w", name, err)
	}
	if err := uncut(f); err != nil {
		return fmt.Errorf("save the history: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("save the history to %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("save the history: %w", err)
	}
	return nil
}

// uncut reports, as an error, a history without its last line.
func uncut(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	tail := make([]byte, min(size, 256)) // the last line is short
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	tail = bytes.TrimSuffix(tail, []byte("\n"))
	var l line
	if json.Unmarshal(tail[bytes.LastIndexByte(tail, '\n')+1:], &l) != nil || l.End == nil {
		return errCut
	}
	return nil
}

var errCut = errors.New("it was cut: its last line is missing; write it anew")

// ReadHistory reads the first line of a history.
func ReadHistory(name string) (History, error) {
	r, err := openHistory(name)
	if err != nil {
		return History{}, err
	}
	r.close()
	return r.history, nil
}

// historyReader reads a history line by line.
type historyReader struct {
	file    *os.File
	lines   *bufio.Reader
	history History
	n       counts
	at      int // lines read
	ended   bool
}

func openHistory(name string) (*historyReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	r := &historyReader{file: f, lines: bufio.NewReaderSize(f, 1<<20)}
	if err := r.head(); err != nil {
		r.close()
		return nil, fmt.Errorf("read the history %s: %w", name, err)
	}
	return r, nil
}

func (r *historyReader) close() { _ = r.file.Close() } // it was only read

func (r *historyReader) head() error {
	l, err := r.line()
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case l.History == nil || l.History.V < 1 || l.History.At.IsZero():
		return errors.New("it is no history of gatewarden: write one with replay --export")
	case l.History.V > historyVersion:
		return fmt.Errorf("it is of version %d, and this program knows %d: use a newer one", l.History.V, historyVersion)
	}
	r.history = *l.History
	return nil
}

// line decodes one line. Numbers of parameters stay what they were: an integer is no float.
func (r *historyReader) line() (line, error) {
	raw, err := r.lines.ReadBytes('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(bytes.TrimSpace(raw)) == 0) {
		return line{}, err
	}
	r.at++
	var l line
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&l); err != nil {
		return line{}, fmt.Errorf("line %d: %w", r.at, err)
	}
	if l.History != nil {
		for _, o := range l.History.Running.Policy.Overrides {
			for k, v := range o.Params {
				o.Params[k] = plainNumber(v)
			}
		}
	}
	return l, nil
}

// exactly writes the whole numbers among parameters that are none by type as such, 5 as
// 5.0: else they would come back as others.
func exactly(in map[string]rules.Override) map[string]rules.Override {
	out := maps.Clone(in)
	for id, o := range out {
		o.Params = maps.Clone(o.Params)
		for k, v := range o.Params {
			if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				o.Params[k] = json.Number(strconv.FormatFloat(f, 'f', 1, 64))
			}
		}
		out[id] = o
	}
	return out
}

func plainNumber(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil && !strings.ContainsAny(string(v), ".eE") {
			return i
		}
		f, _ := v.Float64() // what is no number was refused before
		return f
	case []any:
		for i := range v {
			v[i] = plainNumber(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumber(v[k])
		}
	}
	return v
}

// next is the next collection or change; io.EOF: that was all of it.
func (r *historyReader) next() (line, error) {
	l, err := r.line()
	switch {
	case errors.Is(err, io.EOF) && r.ended:
		return line{}, io.EOF
	case errors.Is(err, io.EOF):
		return line{}, fmt.Errorf("read the history: %w", errCut)
	case err != nil:
		return line{}, fmt.Errorf("read the history: %w", err)
	case r.ended:
		return line{}, fmt.Errorf("read the history: line %d comes after its end", r.at)
	case l.End != nil && *l.End != r.n:
		return line{}, fmt.Errorf("read the history: it counts %d collections and %d changes, and holds %d and %d: write it anew", l.End.Collections, l.End.Changes, r.n.Collections, r.n.Changes)
	case l.End != nil:
		r.ended = true
		return r.next()
	case l.Collection != nil && r.n.Changes == 0:
		r.n.Collections++
		if err := sound(*l.Collection); err != nil {
			return l, fmt.Errorf("read the history: line %d: %w", r.at, err)
		}
		return l, r.named(l.Collection.Scope)
	case l.Change != nil:
		r.n.Changes++
		return l, r.named(l.Change.Ref.Scope)
	}
	return line{}, fmt.Errorf("read the history: line %d is neither a collection nor a change in its place", r.at)
}

func (r *historyReader) named(s access.Scope) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("read the history: line %d: %w", r.at, err)
	}
	return nil
}
