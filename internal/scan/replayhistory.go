package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/wholefile"
)

// historyVersion is the v of the histories that this program writes.
const historyVersion = 2 // 2: with the history of use

// presentVersion is that of histories with the findings that are kept, which older programs
// do not know.
const presentVersion = 3

// History is the first line of a stored history. After it come, one JSON object a line, the
// collections as they are now, then what is known of use, then the changes since Since in the order in which they were
// stored, and a last line that counts them: without it the history was cut.
type History struct {
	V       int                     `json:"v"`
	Version string                  `json:"version,omitempty"` // of the program that wrote it
	Asked   time.Time               `json:"asked,omitzero"`    // since when it was to be; zero: Since
	Since   time.Time               `json:"since"`
	At      time.Time               `json:"at"`               // when it was written, in Atlas time
	Kept    time.Time               `json:"kept,omitzero"`    // where older changes were asked for and are not kept any more: since when they are
	Orgs    []string                `json:"orgs"`             // that are watched
	Held    map[access.Scope]string `json:"held,omitempty"`   // the environment that holds for each project now
	Running Running                 `json:"running"`          // what the daemon judges by
	Waivers access.Waivers          `json:"waivers,omitzero"` // of the store
	Acting  *Acting                 `json:"acting,omitempty"` // what the daemon does about findings; nil: not told, and neither are those that it keeps
}

// line is one line of a history.
type line struct {
	History    *History           `json:"history,omitempty"`
	Collection *access.Collection `json:"collection,omitempty"`
	Rev        uint64             `json:"rev,omitempty"` // of the collection's document
	Use        *access.History    `json:"use,omitempty"`
	Findings   *access.Findings   `json:"findings,omitempty"`
	Action     *access.Action     `json:"action,omitempty"`
	Change     *access.Change     `json:"change,omitempty"`
	Stored     time.Time          `json:"stored,omitzero"` // when the change was
	End        *counts            `json:"end,omitempty"`
}

type counts struct {
	Collections int `json:"collections"`
	Uses        int `json:"uses,omitempty"`
	Findings    int `json:"findings,omitempty"`
	Actions     int `json:"actions,omitempty"`
	Changes     int `json:"changes"`
}

// HistoryWriter writes a history: the collections first, then what is known of use, then
// the changes, then Close.
type HistoryWriter struct {
	enc *json.Encoder
	n   counts
}

// NewHistoryWriter begins a history.
func NewHistoryWriter(w io.Writer, h History) (*HistoryWriter, error) {
	h.V = historyVersion
	if h.Acting != nil {
		h.V = presentVersion
	}
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

// Use writes what is known of use in one scope.
func (w *HistoryWriter) Use(h access.History) error {
	w.n.Uses++
	return w.write(line{Use: &h})
}

// Findings writes what a daemon keeps of the findings of one scope.
func (w *HistoryWriter) Findings(doc access.Findings) error {
	w.n.Findings++
	return w.write(line{Findings: &doc})
}

// Action writes what a daemon is about to do.
func (w *HistoryWriter) Action(a access.Action) error {
	w.n.Actions++
	return w.write(line{Action: &a})
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
func SaveHistory(name string, copyTo func(io.Writer) error) error {
	err := wholefile.Write(name, func(f *os.File) error {
		buffered := bufio.NewWriterSize(f, 1<<20)
		if err := copyTo(buffered); err != nil {
			return err // it says itself where it comes from
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
		return uncut(f)
	})
	if err != nil {
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
	case l.History.V > presentVersion:
		return fmt.Errorf("it is of version %d, and this program knows %d: use a newer one", l.History.V, presentVersion)
	}
	r.history = *l.History
	return nil
}

// line decodes one line.
func (r *historyReader) line() (line, error) {
	raw, err := r.lines.ReadBytes('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(bytes.TrimSpace(raw)) == 0) {
		return line{}, err
	}
	r.at++
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return line{}, fmt.Errorf("line %d: %w", r.at, err)
	}
	return l, nil
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
		return line{}, fmt.Errorf("read the history: it counts %d collections and %d changes, and holds %d and %d, or another history of use: write it anew", l.End.Collections, l.End.Changes, r.n.Collections, r.n.Changes)
	case l.End != nil:
		r.ended = true
		return r.next()
	case l.Use != nil && r.n.Changes == 0:
		r.n.Uses++
		return l, r.named(l.Use.Scope)
	case l.Action != nil && r.n.Changes == 0:
		r.n.Actions++
		return l, r.named(l.Action.Ref.Scope)
	case l.Findings != nil && r.n.Changes == 0:
		r.n.Findings++
		return l, r.named(l.Findings.Scope)
	case l.Collection != nil && r.n.Changes == 0 && r.n.Uses == 0:
		r.n.Collections++
		if err := sound(*l.Collection); err != nil {
			return l, fmt.Errorf("read the history: line %d: %w", r.at, err)
		}
		return l, r.named(l.Collection.Scope)
	case l.Change != nil:
		r.n.Changes++
		return l, r.named(l.Change.Ref.Scope)
	}
	return line{}, fmt.Errorf("read the history: line %d is no collection, use or change in its place", r.at)
}

func (r *historyReader) named(s access.Scope) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("read the history: line %d: %w", r.at, err)
	}
	return nil
}
