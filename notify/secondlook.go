package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Week names the ISO week of t, by which second looks are drawn.
func Week(t time.Time) string {
	year, week := t.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// SecondLook draws every twentieth of what was kept, one at least: by hash, so that every process draws
// the same for the same week.
func SecondLook(keeps []access.Waiver, week string) []access.Waiver {
	drawn := slices.Clone(keeps)
	slices.SortFunc(drawn, func(a, b access.Waiver) int {
		return strings.Compare(access.Hash(week, a.ID), access.Hash(week, b.ID))
	})
	return drawn[:(len(drawn)+19)/20]
}

// listed is how many lines a text of ours lists; what is beyond is counted.
const listed = 20

// LookAgain asks for a second look at some of what was let stand in the last seven days, once a week and
// channel.
func (p *Poster) LookAgain(ctx context.Context, scope access.Scope, channel string, keeps []access.Waiver) error {
	now := p.Now()
	keeps = kept(keeps, now)
	drawn := SecondLook(keeps, Week(now))
	if len(drawn) == 0 {
		return nil
	}
	return p.announce(ctx, scope, channel, access.Hash("second look", Week(now)), lookAgain(drawn, len(keeps)), 0)
}

func lookAgain(drawn []access.Waiver, of int) string {
	text := fmt.Sprintf("A second look: %d of the %d violations that were let stand this week, drawn by lot. Somebody other than the owner should see whether the reason still holds.", len(drawn), of)
	return text + list(len(drawn), func(i int) string {
		w := drawn[i]
		return fmt.Sprintf("%s %s: by %s until %s: %s", w.Rule, w.Name, w.Owner, access.Stamp(w.Until), w.Reason)
	})
}

// Daily tells how many findings stand, by who owns them, once a day and channel.
func (p *Poster) Daily(ctx context.Context, scope access.Scope, channel string, findings []access.Finding) error {
	text := daily(findings)
	if text == "" {
		return nil
	}
	return p.announce(ctx, scope, channel, access.Hash("daily", p.policy().day(p.Now())), text, 0)
}

func daily(findings []access.Finding) string {
	by := map[string]map[access.Severity]int{}
	total := 0
	for _, f := range findings {
		if f.State != access.FindingOpen {
			continue
		}
		owner := orUnknown(f.Owner, "nobody")
		if by[owner] == nil {
			by[owner] = map[access.Severity]int{}
		}
		by[owner][f.Severity]++
		total++
	}
	if total == 0 {
		return ""
	}
	owners := make([]string, 0, len(by))
	for owner := range by {
		owners = append(owners, owner)
	}
	slices.SortFunc(owners, func(a, b string) int { return worstFirst(by[a], by[b], a, b) })
	return fmt.Sprintf("%d findings stand open.", total) + list(len(owners), func(i int) string {
		return owners[i] + ": " + bySeverity(by[owners[i]])
	})
}

func worstFirst(a, b map[access.Severity]int, nameA, nameB string) int {
	for _, s := range access.Severities() {
		if a[s] != b[s] {
			return b[s] - a[s]
		}
	}
	return strings.Compare(nameA, nameB)
}

func bySeverity(n map[access.Severity]int) string {
	var parts []string
	for _, s := range access.Severities() {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

// list is a line each, as far as they are listed.
func list(n int, line func(int) string) string {
	var b strings.Builder
	for i := range min(n, listed) {
		b.WriteString("\n• " + strings.Join(strings.Fields(line(i)), " "))
	}
	if n > listed {
		fmt.Fprintf(&b, "\n… and %d more", n-listed)
	}
	return b.String()
}

// kept are the waivers of a week: what was let stand in it.
func kept(all []access.Waiver, now time.Time) []access.Waiver {
	return slices.DeleteFunc(slices.Clone(all), func(w access.Waiver) bool { return w.Granted.Before(now.AddDate(0, 0, -7)) || w.Granted.After(now) })
}
