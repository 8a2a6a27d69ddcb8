package remediate

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // windows are in time zones, and a container may have no files of them

	"github.com/robfig/cron/v3"

	"github.com/gatewarden/gatewarden/internal/access"
)

// windowed says what the change windows say: within a freeze, and outside of every
// maintenance window where there is one, people are asked. Critical findings are put right
// all the same, but by windows that say to hold for them. Of several windows the strictest
// counts. A window whose time cannot be told holds as the strict one that it may be.
func windowed(c Case) Refusal {
	var frozen, quiet, closed []string
	open := false
	for _, w := range c.Policy.Guards.Windows {
		if !concernedBy(w, c) {
			continue
		}
		is, sure := WindowOpen(w, c.Now)
		switch {
		case w.Do == access.WindowAllow && is && sure:
			open = true
		case w.Do == access.WindowAllow:
			closed = append(closed, titled(w))
		case w.Do == access.WindowObserve && (is || !sure):
			quiet = append(quiet, titled(w))
		case is || !sure:
			frozen = append(frozen, titled(w))
		}
	}
	switch {
	case len(quiet) > 0:
		return onlyTold(GuardWindow, "change window %s is open: nothing is put right in it, and people are told only", strings.Join(quiet, ", "))
	case len(frozen) > 0:
		return toPeople(GuardWindow, "change freeze %s is on: nothing is put right in it without being asked", strings.Join(frozen, ", "))
	case len(closed) > 0 && !open:
		return toPeople(GuardWindow, "no maintenance window is open (%s): nothing is put right outside of them without being asked", strings.Join(closed, ", "))
	}
	return Refusal{}
}

// concernedBy reports whether the window is for such a finding.
func concernedBy(w access.Window, c Case) bool {
	f := c.Finding
	return (w.Critical || f.Severity != access.Critical) &&
		(len(w.Environments) == 0 || slices.Contains(w.Environments, f.Environment)) && ofProject(w.Projects, c)
}

func titled(w access.Window) string {
	if w.Name != "" {
		return w.Name
	}
	if w.Cron != "" {
		return w.Cron + " for " + access.Lasts(w.For)
	}
	return clock(w.From) + " to " + clock(w.To)
}

func clock(d time.Duration) string {
	return time.Time{}.Add(d).Format("15:04")
}

// WindowOpen reports whether the window is open at the time. Not sure: its zone or its cron
// spec cannot be read, which configuration refuses.
func WindowOpen(w access.Window, now time.Time) (open, sure bool) {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return false, false
	}
	now = now.In(zone)
	if w.Cron == "" {
		return daily(w, now), true
	}
	spec, err := cron.ParseStandard(w.Cron)
	if err != nil {
		return false, false
	}
	began := spec.Next(now.Add(-w.For))
	return !began.IsZero() && !began.After(now), true
}

// daily is by days and times of day, as a clock on the wall shows them: where an hour is
// left out or comes twice, so it does there. The same time twice is a whole day.
func daily(w access.Window, now time.Time) bool {
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
	on := func(day time.Weekday) bool { return len(w.Days) == 0 || slices.Contains(w.Days, day) }
	today, yesterday := now.Weekday(), now.AddDate(0, 0, -1).Weekday()
	if w.From < w.To {
		return on(today) && w.From <= at && at < w.To
	}
	return on(today) && at >= w.From || on(yesterday) && at < w.To
}
