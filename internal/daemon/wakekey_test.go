package daemon

import (
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestEachEpisodeHasItsDeadline holds that an action of a former episode, which ends late, takes
// away no deadline of the next one.
func TestEachEpisodeHasItsDeadline(t *testing.T) {
	d := &Daemon{}
	former := access.Action{ID: "f-1", Finding: "f", Episode: 1, State: access.ActionUndone}
	next := access.Action{ID: "f-2", Finding: "f", Episode: 2, State: access.ActionAwaiting}
	if d.wakeKey(former) == d.wakeKey(next) {
		t.Errorf("both are %q", d.wakeKey(next))
	}
}
