package watcher

import (
	"testing"
	"time"
)

// An entry comes and goes and comes again, and the event of the first coming is late: by
// then the entry is there, but not since that event. What happened first is over.
func TestLateEventOfAnEarlierOpening(t *testing.T) {
	for name, removalSeen := range map[string]bool{"its removal was seen long before": true, "its removal is not seen at all": false} {
		t.Run(name, func(t *testing.T) {
			r := watched(t)
			if removalSeen {
				r.tell(project, removed, "0.0.0.0/0", mallory, 0)
			}
			r.pass(20 * time.Second)
			r.poll()
			r.pass(3 * time.Minute)
			r.put(project, entryOf("0.0.0.0/0"))
			r.tell(project, added, "0.0.0.0/0", mallory, 0)
			r.pass(20 * time.Second)
			r.poll()
			r.tell(project, added, "0.0.0.0/0", alice, 3*time.Minute+45*time.Second)
			r.pass(20 * time.Second)
			r.poll()
			lines := []string{
				"created 0.0.0.0/0 by mallory@example.com events=1",
				"observed 0.0.0.0/0 by alice@example.com events=1 ended",
			}
			if removalSeen {
				lines = append([]string{"observed 0.0.0.0/0 by mallory@example.com events=1"}, lines...)
			}
			want(t, r, lines...)
		})
	}
}
