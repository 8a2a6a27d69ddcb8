package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// episodes are some of every kind: hundreds that both find, and a few that differ.
func episodes(compared bool) daemon.Replayed {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	r := daemon.Replayed{
		Asked: at.AddDate(0, 0, -30), Since: at.AddDate(0, 0, -3), Until: at, Covered: scan.Length(51 * time.Hour), Scopes: 500, Changes: 1234,
		Caps: scan.CapSum{ProjectHour: 1, OrgHour: 2, Stopped: 3}, Notes: []string{"history begins at x, asked for y", strings.Repeat("a long note ", 20)},
	}
	if compared {
		r.Against = "another"
	}
	add := func(rule, name string, edit func(*daemon.ReplayFinding)) {
		f := daemon.ReplayFinding{Rule: rule, Ref: access.Ref{Scope: access.ProjectScope("64f0000000000000000000a1"), Kind: access.KindDatabaseUser, Name: name}, Project: "ecommerce-production-emea", Environment: "prod", Severity: access.High, OpenedAt: at, Origin: access.OriginNew}
		edit(&f)
		r.Findings = append(r.Findings, f)
	}
	for i := range 300 {
		add("dbuser/unscoped-with-a-name-of-some-length", fmt.Sprintf("admin/same-%d", i), func(f *daemon.ReplayFinding) { f.Standing = true })
	}
	if compared {
		add("mine/wide", "admin/only-new", func(f *daemon.ReplayFinding) {
			f.Difference, f.Would = scan.OnlyNew, &scan.Would{Outcome: scan.WouldTell, Guard: "last_way_in", Why: strings.Repeat("it would leave nobody a way in ", 5)}
		})
		add("dbuser/unscoped-with-a-name-of-some-length", "admin/only-old", func(f *daemon.ReplayFinding) { f.Difference = scan.OnlyOld })
		add("dbuser/unscoped-with-a-name-of-some-length", "admin/ends", func(f *daemon.ReplayFinding) { f.Difference, f.ClosedAt = scan.EndsNew, at })
		add("dbuser/unscoped-with-a-name-of-some-length", "admin/graded", func(f *daemon.ReplayFinding) { f.Severities = "low → high" })
	} else {
		add("mine/wide", "admin/opened", func(f *daemon.ReplayFinding) {
			f.Would = &scan.Would{Outcome: scan.WouldRevert, At: at, Operations: []string{"set_database_user_scopes admin/opened a-cluster-of-a-long-name another-cluster-of-a-long-name"}}
		})
		add("mine/wide", "admin/\x1b[31mclosed", func(f *daemon.ReplayFinding) { f.Standing, f.ClosedAt = true, at })
	}
	r.ByRule = []scan.RuleSum{{Rule: "dbuser/unscoped-with-a-name-of-some-length", Standing: 300, OnlyOld: 1, Guards: map[string]int{"settle": 2, "cap_org": 1}}, {Rule: "mine/wide", Opened: 1, OnlyNew: 1, Reverts: 1}, {Rule: "still/one", Standing: 1}}
	return r
}

// TestReplayPage: what differs comes first, what does not is a number, and every line fits.
func TestReplayPage(t *testing.T) {
	for name, c := range map[string]struct {
		compared, all bool
		order         []string
		lines         int
	}{
		"compared": {true, false, []string{
			"watched", "History begins at 2026-05-29 12:00, asked for 2026-05-02 12:00", "1 only by the new rules", "ONLY BY THE NEW RULES  1", "admin/only-new", "would be told, not reverted (last_way_in)",
			"ONLY BY THE PRESENT RULES  1", "admin/only-old", "ENDED BY ONE OF THEM ONLY  1", "by the present rules it stands", "ANOTHER SEVERITY  1", "low → high", "THE SAME BY BOTH  300", "300 stood before, 0 opened, 0 closed; --all",
			"BY RULE  2", "dbuser/unscoped-with-a-name-of-some-length", "and 1 rule by which both find the same", "cap_org 1, settle 2", "3 would have waited", "Note: a long note",
		}, 60},
		"all of it": {true, true, []string{"ONLY BY THE NEW RULES  1", "THE SAME BY BOTH  300", "admin/same-299"}, 1000},
		"alone":     {false, false, []string{"Nothing is compared", "OPENED  1", "admin/opened", "would be reverted at 2026-06-01 12:00: set_database_user_scopes", `STOOD BEFORE, AND CLOSED  1`, `admin/\u001b[31mclosed`, "STOOD BEFORE, AND STAND  300", "--all lists them"}, 50},
	} {
		for _, width := range []int{80, 140} {
			var b bytes.Buffer
			r := replayFlags{full: c.all}
			if err := r.table(&b, episodes(c.compared), report.Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			for line := range strings.Lines(text) {
				if n := lipgloss.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: %d columns of %d: %q", name, n, width, line)
				}
			}
			flat := strings.Join(strings.Fields(text), " ")
			for _, want := range c.order {
				_, rest, ok := strings.Cut(flat, strings.Join(strings.Fields(want), " "))
				if !ok {
					t.Errorf("%s at %d: no %q in its place:\n%s", name, width, want, text[:min(len(text), 4000)])
					break
				}
				flat = rest
			}
			if n := strings.Count(text, "\n"); n > c.lines && !c.all {
				t.Errorf("%s at %d: %d lines", name, width, n)
			}
		}
	}
}

// TestReplaySeconds: in a short span minutes do not tell one moment from the next.
func TestReplaySeconds(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 7, 0, time.UTC)
	for span, want := range map[time.Duration]string{time.Hour: "2026-06-01 12:00:07", 48 * time.Hour: "2026-06-01 12:00 UTC"} {
		r := episodes(false)
		r.Asked, r.Since, r.Until = at.Add(-span), at.Add(-span), at
		var b bytes.Buffer
		if err := (&replayFlags{}).table(&b, r, report.Options{Width: 200}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "to "+want) {
			t.Errorf("of %s: no %q in %s", span, want, b.String()[:200])
		}
	}
}
