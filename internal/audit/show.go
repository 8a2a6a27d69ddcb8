package audit

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"
)

// Query says which facts are shown; zero fields ask for nothing.
type Query struct {
	Entry   uint64    // of this entry
	Finding string    // that tell of this finding
	Action  string    // that tell of this action
	Since   time.Time // when the source stored them
	Until   time.Time // not included
	Source  string    // of a stream, by its name or the end of it: CHANGES
	Limit   int       // the newest so many; 0: DefaultShown
}

// DefaultShown is how many facts are shown where a query does not say.
const DefaultShown = 100

// Show gives the facts that a query asks for, in the chain's order.
func Show(ctx context.Context, chain iter.Seq2[Record, error], q Query, names Names) ([]Exported, error) {
	r := Range{From: q.Entry, To: q.Entry, Since: q.Since, Until: q.Until}
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultShown
	}
	out := []Exported{}
	for x, err := range Facts(ctx, chain, r, nil) {
		if err != nil && x.Entry == 0 {
			return nil, err
		}
		if err != nil || !q.has(x) { // of what is no entry, the verification tells
			continue
		}
		if out = append(out, x); len(out) >= 2*limit {
			out = append(out[:0], out[len(out)-limit:]...)
		}
	}
	out = out[max(0, len(out)-limit):]
	for i := range out {
		if err := out[i].resolve(ctx, names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (q Query) has(x Exported) bool {
	if q.Source != "" && !strings.EqualFold(q.Source, kindOf(x.Fact)) && !strings.EqualFold(q.Source, x.Fact.Source) && !strings.HasPrefix(x.Fact.Source, q.Source+"@") {
		return false
	}
	if q.Finding == "" && q.Action == "" {
		return true
	}
	var m mention
	if json.Unmarshal(x.Body, &m) != nil {
		return false
	}
	return (q.Finding == "" || m.Finding.ID == q.Finding || m.Action.Finding == q.Finding || m.asks() == q.Finding) &&
		(q.Action == "" || m.Action.ID == q.Action || m.Own == q.Action || m.Intended == q.Action)
}

// Says is a fact in one line for people, by the names that it has.
func (x Exported) Says() string {
	_, steps := tell("", []Proven{{Entry: x.Entry, Fact: x.whole()}})
	if x.Fact.lost() {
		return "messages that were lost before they were recorded: " + string(x.Fact.Left)
	}
	if len(steps) == 0 {
		return ""
	}
	return Evidence{Names: x.Names}.named(steps[len(steps)-1].Says)
}

// whole is the fact with its body.
func (x Exported) whole() Fact {
	f := x.Fact
	f.Body = string(x.Body)
	return f
}
