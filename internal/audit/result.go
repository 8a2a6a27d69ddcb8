package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Result is what [Verify] found.
type Result struct {
	V           int            `json:"v"`
	At          time.Time      `json:"at"`
	Head        Head           `json:"head"` // the last entry that could be read
	Entries     int            `json:"entries"`
	Facts       int            `json:"facts"`
	Checkpoints int            `json:"checkpoints"` // whose signature and whose entry agree
	Covered     uint64         `json:"covered"`     // the last entry that such a checkpoint signs
	Key         string         `json:"key"`         // that the book leaves the next checkpoint to
	Sources     []SourceResult `json:"sources"`
	Unknown     []Unknown      `json:"unknown"`
	Problems    []Problem      `json:"problems"` // the first 1,000
	Found       int            `json:"found"`    // how many problems there are
}

// SourceResult is how a source compares with the chain.
type SourceResult struct {
	Name    string `json:"name"`
	Mark    uint64 `json:"mark"` // recorded up to here
	Matched uint64 `json:"matched"`
	Waiting uint64 `json:"waiting"` // not recorded yet, and young enough for that
}

// Unknown counts what could not be checked, for one reason.
type Unknown struct {
	Code   string `json:"code"`
	Source string `json:"source,omitempty"`
	Says   string `json:"says"`
	Count  uint64 `json:"count"`
}

// Problem is something that an honest history does not have.
type Problem struct {
	Code       string `json:"code"`
	Entry      uint64 `json:"entry,omitempty"`      // position in the chain
	Source     string `json:"source,omitempty"`     // with the sequence in it
	Seq        uint64 `json:"seq,omitempty"`        //
	Checkpoint uint64 `json:"checkpoint,omitempty"` // by its number
	Line       int    `json:"line,omitempty"`       // of the book
	Says       string `json:"says"`
}

// String is for people.
func (p Problem) String() string {
	var where []string
	if p.Entry != 0 {
		where = append(where, fmt.Sprintf("entry %d", p.Entry))
	}
	if p.Source != "" {
		where = append(where, fmt.Sprintf("%s %d", p.Source, p.Seq))
	}
	if p.Checkpoint != 0 {
		where = append(where, fmt.Sprintf("checkpoint %d", p.Checkpoint))
	}
	if p.Line != 0 {
		where = append(where, fmt.Sprintf("line %d of the checkpoints", p.Line))
	}
	return strings.Join(where, ", ") + ": " + p.Says
}

// The verdicts on a chain.
const (
	Clean      = "clean"      // all was checked, and all agrees
	Incomplete = "incomplete" // nothing disagrees, but not all could be checked
	Broken     = "broken"     // something disagrees
)

// Verdict is the result in one word.
func (r Result) Verdict() string {
	switch {
	case r.Found > 0:
		return Broken
	case len(r.Unknown) > 0:
		return Incomplete
	}
	return Clean
}

// Summary is the result for people, without the problems' list.
func (r Result) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The chain is %s: %s with %s, the last is entry %d; %s, the last on entry %d.\n", r.Verdict(), count(r.Entries, "entry", "entries"),
		count(r.Facts, "fact", "facts"), r.Head.Seq, count(r.Checkpoints, "checkpoint agrees", "checkpoints agree"), r.Covered)
	if r.Found > 0 {
		fmt.Fprintf(&b, "%s.\n", count(r.Found, "problem", "problems"))
	}
	for _, s := range r.Sources {
		fmt.Fprintf(&b, "%s: recorded up to %d, %d facts compared with the source", s.Name, s.Mark, s.Matched)
		if s.Waiting > 0 {
			fmt.Fprintf(&b, ", %d about to be recorded", s.Waiting)
		}
		b.WriteString(".\n")
	}
	for _, u := range r.Unknown {
		fmt.Fprintf(&b, "Not checked: %d × %s%s.\n", u.Count, u.Says, of(u.Source))
	}
	return b.String()
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func of(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}

const keptProblems = 1000

// problem takes a problem down.
func (v *verifier) problem(p Problem) {
	v.r.Found++
	if len(v.r.Problems) < keptProblems {
		v.r.Problems = append(v.r.Problems, p)
	}
	if v.c.Found != nil {
		v.c.Found(p)
	}
}

// unknown counts something that could not be checked.
func (v *verifier) unknown(code, source, says string, count uint64) {
	if count == 0 {
		return
	}
	i := slices.IndexFunc(v.r.Unknown, func(u Unknown) bool { return u.Code == code && u.Source == source })
	if i < 0 {
		v.r.Unknown = append(v.r.Unknown, Unknown{Code: code, Source: source, Says: says})
		i = len(v.r.Unknown) - 1
	}
	v.r.Unknown[i].Count += count
}
