package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func recorder(to *[]access.Out) func(context.Context, ...access.Out) error {
	return func(_ context.Context, outs ...access.Out) error { *to = append(*to, outs...); return nil }
}

func keeps(n int) (all []access.Waiver) {
	for i := range n {
		all = append(all, access.Waiver{ID: fmt.Sprint("w", i), Rule: "network/open-to-world", Name: "0.0.0.0/0", Owner: "alice", Reason: "a\nmigration", Granted: at.AddDate(0, 0, -1), Until: at})
	}
	return all
}

func TestSecondLook(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 20: 1, 21: 2, 100: 5, 101: 6} {
		if got := len(SecondLook(keeps(n), "2026-W47")); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
	all := keeps(200)
	drawn := SecondLook(all, Week(at))
	slices.Reverse(all)
	if diff := cmp.Diff(drawn, SecondLook(all, Week(at))); diff != "" {
		t.Errorf("another process draws others:\n%s", diff)
	}
	if cmp.Equal(drawn, SecondLook(all, Week(at.AddDate(0, 0, 7)))) {
		t.Error("each week draws the same")
	}
}

func TestLookingAgainIsAskedForOnceAWeek(t *testing.T) {
	w := newPosterWorld(false)
	old := keeps(1)
	old[0].Granted = at.AddDate(0, 0, -8)
	for _, c := range [][]access.Waiver{old, append(keeps(30), old...), keeps(30)} {
		if err := w.poster.LookAgain(t.Context(), scope, "ops", c); err != nil {
			t.Fatal(err)
		}
		w.after(t, time.Minute)
	}
	got := pins(w)
	if len(got) != 1 || !strings.Contains(got[0], "2 of the 30 violations") || !strings.Contains(got[0], "• network/open-to-world 0.0.0.0/0: by alice until 2026-11-22T02:13:00Z: a migration") {
		t.Errorf("said %q", got)
	}
}

func TestDaily(t *testing.T) {
	w := newPosterWorld(false)
	var all []access.Finding
	for i := range 25 {
		all = append(all, access.Finding{Owner: fmt.Sprintf("team %02d", i), Severity: access.Low, State: access.FindingOpen})
	}
	all = append(all, access.Finding{Severity: access.Critical, State: access.FindingOpen}, access.Finding{Severity: access.Low, State: access.FindingOpen}, access.Finding{Owner: "x", State: access.FindingWaived})
	for _, c := range [][]access.Finding{nil, all, all} {
		if err := w.poster.Daily(t.Context(), scope, "ops", c); err != nil {
			t.Fatal(err)
		}
		w.after(t, time.Minute)
	}
	got := pins(w)
	if len(got) != 1 || !strings.Contains(got[0], "27 findings stand open.\n• nobody: 1 critical, 1 low\n• team 00: 1 low\n") || !strings.HasSuffix(got[0], "… and 6 more") {
		t.Errorf("said %q", got)
	}
}

// TestTidy: what is over is removed after a while with all that leads to it; what stands stays, and what
// was not told is told.
func TestTidy(t *testing.T) {
	w := newPosterWorld(false)
	w.policy.Burst = 1
	for _, id := range []string{"over", "stands", "lost"} {
		s := w.found(id, "r/"+id, access.High, 1)
		s.Question = Question{Action: id, Plan: id, Need: 1, May: []string{"bob"}}
		w.set(s)
		w.after(t, 2*time.Minute)
	}
	w.resolve(access.Hash("over"))
	w.after(t, time.Minute)
	tidy := func() (left int) {
		keys := slices.Concat(slices.Collect(keysOf(w.groups)), slices.Collect(keysOf(w.places)), slices.Collect(keysOf(w.days)), slices.Collect(keysOf(w.pointers)))
		if err := w.poster.Tidy(t.Context(), keys, w.remove); err != nil {
			t.Fatal(err)
		}
		return len(w.groups.docs) + len(w.places.docs) + len(w.days.docs) + len(w.pointers.docs)
	}
	if left := tidy(); left != 3+3+1+6 {
		t.Errorf("%d documents at first", left)
	}
	for key, g := range w.groups.docs {
		if g.Members[0].Finding == access.Hash("lost") {
			g.At, g.Said, g.Lines = Placed{}, "", nil
			w.groups.docs[key] = g
			delete(w.board.pins, Placed{"C-ops", "3"})
		}
	}
	w.after(t, time.Hour)
	tidy()
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 0 of 1 open", "ops: 1 of 1 open", "ops: 1 of 1 open")
	w.after(t, 31*24*time.Hour)
	tidy()
	if left := tidy(); left != 2+2+0+5 { // the lost card is remembered, too
		t.Errorf("%d documents after a month", left)
	}
}
