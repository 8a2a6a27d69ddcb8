package daemon

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestStateOfWaivers(t *testing.T) {
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	w := access.Waiver{Granted: begin, Until: begin.Add(time.Hour)}
	for _, c := range []struct {
		name     string
		findings int
		now      time.Time
		want     string
	}{
		{"dated ahead", 0, begin.Add(time.Minute), waiverVoid},
		{"not begun", 0, begin.Add(-time.Second), waiverAhead},
		{"needed", 2, begin, waiverHolds},
		{"not needed", 0, begin.Add(time.Minute), waiverIdle},
		{"over", 0, begin.Add(time.Hour), waiverEnded},
		{"over, and its findings were not judged since", 1, begin.Add(time.Hour), waiverEnded},
	} {
		w := w
		w.Ahead = c.want == waiverVoid
		if got := stateOf(w, c.findings, c.now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
