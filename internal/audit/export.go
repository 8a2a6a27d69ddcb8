package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"
)

// Range bounds an export; zero values do not.
type Range struct {
	From, To     uint64    // entries, both included
	Since, Until time.Time // when a source stored the fact; Until is not included
	Source       string
}

func (r Range) has(f Fact) bool {
	return (r.Source == "" || f.Source == r.Source) &&
		(r.Since.IsZero() || !f.At.Before(r.Since)) && (r.Until.IsZero() || f.At.Before(r.Until))
}

// Exported is one fact as one line of an export. A text of the body may read like a pseudonym
// and be none: the fact's people say where there is one, by the bytes of the stored message.
type Exported struct {
	V        int               `json:"v"`
	Entry    uint64            `json:"entry"`
	Hash     string            `json:"hash"`     // of the entry
	Recorded time.Time         `json:"recorded"` // when the entry was appended
	Fact     Fact              `json:"fact"`     // without its body
	Body     json.RawMessage   `json:"body,omitempty"`
	Names    map[string]string `json:"names,omitempty"` // of the persons in the body, by pseudonym, if asked for
}

// Names resolves pseudonyms; [People] is one.
type Names interface {
	Name(ctx context.Context, person string) (string, error) // empty: erased
}

// Facts walks the facts of a range. A position that holds no entry, or one of a newer version,
// comes as an error with its position, and the walk goes on if the caller does. names may be
// nil: persons stay unknown.
func Facts(ctx context.Context, chain iter.Seq2[Record, error], r Range, names Names) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		for rec, err := range chain {
			if err != nil {
				yield(Exported{}, fmt.Errorf("audit: read the chain: %w", err))
				return
			}
			if rec.Pos < r.From || (r.To != 0 && rec.Pos > r.To) {
				continue
			}
			e, hash, err := Decode(rec.Stored)
			if err != nil {
				if !yield(Exported{Entry: rec.Pos}, fmt.Errorf("audit: entry %d: %w", rec.Pos, err)) {
					return
				}
				continue
			}
			for _, f := range e.Facts {
				if r.has(f) && !yield(exported(ctx, e, hash, f, names)) {
					return
				}
			}
		}
	}
}

func exported(ctx context.Context, e Entry, hash string, f Fact, names Names) (Exported, error) {
	out := Exported{V: Version, Entry: e.Seq, Hash: hash, Recorded: e.At, Fact: f, Body: json.RawMessage(f.Body)}
	out.Fact.Body = ""
	return out, out.resolve(ctx, names)
}

// resolve adds the names of the fact's persons; names may be nil.
func (x *Exported) resolve(ctx context.Context, names Names) error {
	if names == nil {
		return nil
	}
	for _, p := range x.Fact.People {
		if _, asked := x.Names[Pseudonym(p.Person)]; asked {
			continue
		}
		name, err := names.Name(ctx, p.Person)
		if err != nil {
			return fmt.Errorf("audit: resolve %s in entry %d: %w", Pseudonym(p.Person), x.Entry, err)
		}
		if x.Names == nil {
			x.Names = map[string]string{}
		}
		x.Names[Pseudonym(p.Person)] = name
	}
	return nil
}

// Export writes the facts of a range, one JSON line each. What cannot be exported ends it.
func Export(ctx context.Context, w io.Writer, chain iter.Seq2[Record, error], r Range, names Names) error {
	for x, err := range Facts(ctx, chain, r, names) {
		if err != nil {
			return err
		}
		if err := writeLine(w, x); err != nil {
			return fmt.Errorf("audit: export entry %d: %w", x.Entry, err)
		}
	}
	return nil
}

func writeLine(w io.Writer, doc any) error {
	raw, err := canonical(doc)
	if err != nil {
		return err
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}
