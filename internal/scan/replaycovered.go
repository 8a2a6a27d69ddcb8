package scan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Length is how long something lasted. It is written as 6d3h.
type Length time.Duration

// String implements fmt.Stringer: the two largest of days, hours and minutes.
func (l Length) String() string {
	d := time.Duration(l)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	var out strings.Builder
	if days > 0 {
		fmt.Fprintf(&out, "%dd", days)
	}
	if hours > 0 {
		fmt.Fprintf(&out, "%dh", hours)
	}
	if minutes > 0 && days == 0 || out.Len() == 0 {
		fmt.Fprintf(&out, "%dm", minutes)
	}
	return out.String()
}

// MarshalJSON implements json.Marshaler.
func (l Length) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (l *Length) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	var days int
	if n, rest, ok := strings.Cut(text, "d"); ok {
		if _, err := fmt.Sscan(n, &days); err != nil {
			return fmt.Errorf("read the length %q: %w", text, err)
		}
		text = cmp.Or(rest, "0m")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("read the length: %w", err)
	}
	*l = Length(time.Duration(days)*24*time.Hour + d)
	return nil
}

// asked is since when the history was to be.
func (h History) asked() time.Time {
	if h.Asked.IsZero() || h.Asked.After(h.Since) {
		return h.Since
	}
	return h.Asked
}

// heard takes down that something was known at a time.
func (p *past) heard(at time.Time) {
	if !at.IsZero() && (p.begin.IsZero() || at.Before(p.begin)) {
		p.begin = at
	}
}

// from is since when there is a history of what is replayed.
func (p *past) from(since, until time.Time) time.Time {
	switch {
	case p.begin.IsZero() || p.begin.After(until):
		return until
	case p.begin.After(since):
		return p.begin
	}
	return since
}

// covered is how much of a time was watched: as long as the feed of some scope was read
// without a gap, or all of it, where that was not taken down.
func (p *past) covered(since, until time.Time) time.Duration {
	var all []access.Span
	for _, h := range p.uses {
		for _, s := range h.Feed {
			if until.Sub(s.Until) <= access.SpanSlack {
				s.Until = until // its end is written about once a day
			}
			if s.From.Before(since) {
				s.From = since
			}
			if s.Until.After(s.From) {
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return until.Sub(since)
	}
	slices.SortFunc(all, func(a, b access.Span) int { return a.From.Compare(b.From) })
	var sum time.Duration
	last := since
	for _, s := range all {
		if s.From.After(last) {
			last = s.From
		}
		if s.Until.After(last) {
			sum, last = sum+s.Until.Sub(last), s.Until
		}
	}
	return sum
}

// begins says where there is less of a history than was asked for.
func (w *walk) begins(out Replayed) []string {
	switch {
	case !out.Since.After(out.Asked):
		return nil
	case !w.history.Kept.IsZero() && !w.history.Kept.Before(out.Since):
		return []string{fmt.Sprintf("history begins at %s, asked for %s: older changes are not kept any more", stamp(out.Since), stamp(out.Asked))}
	}
	return []string{fmt.Sprintf("history begins at %s, asked for %s: nothing was watched before", stamp(out.Since), stamp(out.Asked))}
}

// useNotes say which rules could not judge all of the past for not knowing what was in use.
func (w *walk) useNotes() []string {
	var rest, unsure []string
	for _, r := range w.o.New.Engine.Rules() {
		if r.Past {
			rest = append(rest, r.ID)
		}
		if w.judges[0].unsure[r.ID] {
			unsure = append(unsure, r.ID)
		}
	}
	var out []string
	if len(w.past.uses) == 0 && len(rest) > 0 {
		out = append(out, "this history does not tell what was in use (it was written by an older version, or nothing was seen yet): unknown is, and not found, what rests on it, by "+strings.Join(rest, ", "))
	}
	if len(unsure) > 0 {
		out = append(out, "of what was used again later, the last use before is not kept: unknown is, and not found, whether it was in use at each moment before, by "+strings.Join(unsure, ", "))
	}
	return out
}
