package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWindowOpen holds the times at which a window opens and closes.
func TestWindowOpen(t *testing.T) {
	h := time.Hour
	weekend := access.Window{Days: []time.Weekday{time.Saturday, time.Sunday}}
	night := access.Window{Days: []time.Weekday{time.Friday}, From: 22 * h, To: 6 * h, Zone: "Europe/Berlin"}
	office := access.Window{From: 9 * h, To: 17 * h, Zone: "America/New_York"}
	monthEnd := access.Window{Cron: "0 18 28 * *", For: 96 * h, Zone: "Europe/Berlin"}
	for _, c := range []struct {
		name string
		w    access.Window
		at   string
		want bool
	}{
		{"every day", access.Window{}, "2026-11-20T12:00:00Z", true},
		{"a weekday", weekend, "2026-11-20T23:59:59Z", false},
		{"the weekend begins", weekend, "2026-11-21T00:00:00Z", true},
		{"the weekend ends", weekend, "2026-11-23T00:00:00Z", false},
		{"before the night", night, "2026-11-20T20:59:59Z", false},
		{"the night begins, by the clock there", night, "2026-11-20T21:00:00Z", true},
		{"after midnight", night, "2026-11-21T04:59:59Z", true},
		{"the night ends", night, "2026-11-21T05:00:00Z", false},
		{"another night", night, "2026-11-21T22:00:00Z", false},
		{"the early morning of its own day", night, "2026-11-20T03:00:00Z", false},
		{"in summer, by the clock there", office, "2026-07-20T13:00:00Z", true},
		{"in winter it is an hour later", office, "2026-11-20T13:00:00Z", false},
		{"the end is not in it", office, "2026-11-20T22:00:00Z", false},
		{"a second before the end", office, "2026-11-20T21:59:59Z", true},
		{"cron has not begun", monthEnd, "2026-11-28T16:59:59Z", false},
		{"cron begins", monthEnd, "2026-11-28T17:00:00Z", true},
		{"cron lasts into the next month", monthEnd, "2026-12-02T16:59:59Z", true},
		{"cron is over", monthEnd, "2026-12-02T17:00:00Z", false},
	} {
		now, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if open, sure := WindowOpen(c.w, now); open != c.want || !sure {
			t.Errorf("%s: %t, %t", c.name, open, sure)
		}
	}
	for _, w := range []access.Window{{Zone: "Mars/Olympus"}, {Cron: "every night"}} {
		if open, sure := WindowOpen(w, t0); open || sure {
			t.Errorf("%+v is open", w)
		}
	}
}

// TestWindows: what is open, and for what.
func TestWindows(t *testing.T) {
	on, off := access.Window{}, access.Window{From: time.Hour, To: 2 * time.Hour}
	as := func(w access.Window, do access.WindowDo) access.Window { w.Do = do; return w }
	never := access.Window{Zone: "Mars/Olympus"}
	of := func(edit func(*access.Window)) access.Window { w := access.Window{Name: "freeze"}; edit(&w); return w }
	high := access.High
	for _, c := range []struct {
		name     string
		windows  []access.Window
		severity access.Severity
		refused  bool
		tell     bool
		why      string
	}{
		{"none", nil, high, false, false, ""},
		{"a freeze", []access.Window{on}, high, true, false, "change freeze 00:00 to 00:00 is on"},
		{"a freeze that is over", []access.Window{off}, high, false, false, ""},
		{"a freeze, critical", []access.Window{on}, access.Critical, false, false, ""},
		{"a freeze that holds for critical findings", []access.Window{of(func(w *access.Window) { w.Critical = true })}, access.Critical, true, false, "change freeze freeze is on"},
		{"to observe", []access.Window{as(on, access.WindowObserve)}, high, true, true, "people are told only"},
		{"to observe, over", []access.Window{as(off, access.WindowObserve)}, high, false, false, ""},
		{"to observe is stricter than a freeze", []access.Window{on, as(on, access.WindowObserve)}, high, true, true, "people are told only"},
		{"maintenance", []access.Window{as(on, access.WindowAllow)}, high, false, false, ""},
		{"outside of maintenance", []access.Window{as(off, access.WindowAllow)}, high, true, false, "no maintenance window is open (01:00 to 02:00)"},
		{"outside of maintenance, critical", []access.Window{as(off, access.WindowAllow)}, access.Critical, false, false, ""},
		{"one of two is open", []access.Window{as(off, access.WindowAllow), as(on, access.WindowAllow)}, high, false, false, ""},
		{"a freeze within maintenance", []access.Window{as(on, access.WindowAllow), on}, high, true, false, "change freeze"},
		{"of this environment", []access.Window{of(func(w *access.Window) { w.Environments = []string{"dev", "prod"} })}, high, true, false, "freeze"},
		{"of another environment", []access.Window{of(func(w *access.Window) { w.Environments = []string{"dev"} })}, high, false, false, ""},
		{"of this project", []access.Window{of(func(w *access.Window) { w.Projects = []string{"shop-*"} })}, high, true, false, "freeze"},
		{"of another project", []access.Window{of(func(w *access.Window) { w.Projects = []string{"*-dev"} })}, high, false, false, ""},
		{"a freeze whose time cannot be told", []access.Window{never}, high, true, false, "change freeze"},
		{"maintenance whose time cannot be told", []access.Window{as(never, access.WindowAllow)}, high, true, false, "no maintenance window is open"},
		{"by cron", []access.Window{{Cron: "0 11 * * *", For: 2 * time.Hour}}, high, true, false, "0 11 * * * for 2 h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kase(entryFinding(world0), list(world0, "203.0.113.0/28")...)
			k.Finding.Severity, k.Title, k.Policy.Guards.Windows = c.severity, "shop-prod", c.windows
			r := Standing(k)
			if r.OK() == c.refused || r.Tell != c.tell || !strings.Contains(r.Why, c.why) || c.refused && (r.Guard != GuardWindow || r.End != access.ActionTold) {
				t.Errorf("%+v", r)
			}
		})
	}
}
