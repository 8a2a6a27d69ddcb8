package watcher

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// An entry comes and goes and comes again, and the event of the first coming is late: by
// then the entry is there, but not since that event. What happened first is over.
func TestLateEventOfAnEarlierOpening(t *testing.T) {
	for name, removalSeen := range map[string]bool{"its removal was seen long before": true, "its removal is not seen at all": false} {
		t.Run(name, func(t *testing.T) {
			r := watched(t)
			r.tell(project, added, "0.0.0.0/0", alice, 4*time.Minute)
			var lines []string
			if removalSeen {
				r.pass(3 * time.Second)
				r.tell(project, removed, "0.0.0.0/0", alice, 0)
				lines = append(lines, "observed 0.0.0.0/0 by alice@example.com events=1")
			}
			r.pass(20 * time.Second)
			r.sweep()
			r.pass(3 * time.Minute)
			r.put(project, entryOf("0.0.0.0/0"))
			r.tell(project, added, "0.0.0.0/0", mallory, 0)
			r.pass(20 * time.Second)
			r.poll()
			r.pass(time.Minute)
			r.poll()
			want(t, r, append(lines, "created 0.0.0.0/0 by mallory@example.com events=1", "observed 0.0.0.0/0 by alice@example.com events=1 ended")...)
		})
	}
}

// A feed that had to be asked several times tells of what happened since the poll began:
// that is no future, and keeps its times.
func TestEventsNewerThanTheirPoll(t *testing.T) {
	began := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	in := intake{
		job: access.Poll{Scope: project}, now: began, read: at(10), fed: true, kinds: []access.Kind{access.KindIPAccessEntry},
		events: []access.Event{
			{ID: "1", Type: added, Created: at(4), Target: "0.0.0.0/0"},
			{ID: "2", Type: removed, Created: at(8), Target: "0.0.0.0/0"},
			{ID: "3", Type: added, Created: at(3600), Target: "::/0"},
		},
	}
	next, _, _ := in.apply(Watch{V: 1, First: at(-600), Fed: at(-20), Cursor: at(-30)})
	got := map[string]time.Time{}
	for _, p := range next.Pending {
		got[p.Event.ID] = p.At
	}
	for id, want := range map[string]time.Time{"1": at(4), "2": at(8), "3": at(0)} {
		if !got[id].Equal(want) {
			t.Errorf("event %s counts as of %s, want %s", id, got[id], want)
		}
	}
	if !next.Cursor.Equal(at(8)) {
		t.Errorf("the cursor is at %s, want that of the newest event that is no future", next.Cursor)
	}
}
