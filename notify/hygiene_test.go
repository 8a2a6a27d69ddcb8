package notify

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestQuietHours(t *testing.T) {
	w := newPosterWorld(false)
	w.policy.Quiet = Quiet{From: 22 * time.Hour, To: 7 * time.Hour}
	w.set(w.found("low", "r/one", access.Low, 1))
	w.set(w.found("high", "r/two", access.High, 1))
	w.set(w.found("worse", "r/three", access.High, 1))
	w.set(w.found("critical", "r/four", access.Critical, 1))
	w.after(t, time.Hour)
	wantPins(t, w, "ops: 1 of 1 open")
	w.change(access.Hash("worse"), func(s *Story) { s.Finding.Severity = access.Critical })
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 1 of 1 open")
	w.resolve(access.Hash("low"))
	w.after(t, 5*time.Hour)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 1 of 1 open", "ops: 1 of 2 open came in the quiet hours, and is not critical")
}

// TestADigestThatEverybodyLeftIsNotTold: what became critical has a card of its own.
func TestADigestThatEverybodyLeftIsNotTold(t *testing.T) {
	w := newPosterWorld(false)
	w.policy.Quiet = Quiet{From: 22 * time.Hour, To: 7 * time.Hour}
	w.set(w.found("worse", "r/three", access.High, 1))
	w.after(t, time.Hour)
	w.change(access.Hash("worse"), func(s *Story) { s.Finding.Severity = access.Critical })
	w.after(t, 24*time.Hour)
	wantPins(t, w, "ops: 1 of 1 open")
}

func TestQuietUntil(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := Quiet{From: 22 * time.Hour, To: 7 * time.Hour, Zone: berlin}
	noon := Quiet{From: 12 * time.Hour, To: 13*time.Hour + 30*time.Minute}
	for _, c := range []struct {
		quiet Quiet
		now   string
		until string // empty: not quiet
	}{
		{night, "2026-11-22T20:59:00Z", ""},
		{night, "2026-11-22T21:00:00Z", "2026-11-23T06:00:00Z"},
		{night, "2026-11-23T05:59:00Z", "2026-11-23T06:00:00Z"},
		{night, "2026-11-23T06:00:00Z", ""},
		{night, "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"}, // the night is an hour shorter
		{noon, "2026-11-22T11:59:59Z", ""},
		{noon, "2026-11-22T12:00:00Z", "2026-11-22T13:30:00Z"},
		{noon, "2026-11-22T13:30:00Z", ""},
		{Quiet{}, "2026-11-22T00:00:00Z", ""},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got, quiet := c.quiet.Until(now)
		if quiet != (c.until != "") || quiet && got.UTC().Format(time.RFC3339) != c.until {
			t.Errorf("%s: %v %v, want %q", c.now, got.UTC(), quiet, c.until)
		}
	}
}

func TestABudgetOfCards(t *testing.T) {
	w := newPosterWorld(false)
	w.policy.Budget = 2
	ask := func(id string, severity access.Severity, may ...string) {
		s := w.found(id, "r/"+id, severity, 1)
		s.Question = Question{Action: id, Plan: id, Need: 1, May: may}
		w.set(s)
		w.after(t, 30*time.Second)
	}
	ask("one", access.High, "alice")
	ask("two", access.High, "alice")
	ask("three", access.High, "alice", "bob")
	ask("four", access.High, "bob")
	ask("critical", access.Critical, "alice")
	w.set(w.found("tells", "r/tells", access.High, 1))
	w.after(t, 30*time.Second)
	ask("five", access.High, "alice")
	w.after(t, budgetEvery)
	beyond := "beyond the cards that those who answer get by themselves on one day, and not critical"
	one := "ops: 1 of 1 open" // what is beyond comes in a message of each quarter of an hour: an edit calls nobody
	wantPins(t, w, one, one, one, one+" "+beyond, one, one, one+" "+beyond)
	w.after(t, 24*time.Hour)
	ask("next day", access.High, "alice")
	if got := pins(w); len(got) != 8 || got[7] != one {
		t.Errorf("the next day: %q", got)
	}
}
