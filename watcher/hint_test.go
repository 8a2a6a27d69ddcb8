package watcher

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestHint: a hint marks what it names and asks for a poll in one; the change that the
// poll finds is the webhook's, whether its event is there yet, which poll came first, or
// the change was seen by the event alone.
func TestHint(t *testing.T) {
	for name, c := range map[string]struct {
		eventAfter time.Duration
		kinds      []access.Kind
		polls      []access.Source // one a second
		want       access.Source
	}{
		"the event is there":                              {0, []access.Kind{access.KindIPAccessEntry}, []access.Source{access.SourceWebhook}, access.SourceWebhook},
		"the event comes later":                           {time.Hour, []access.Kind{access.KindIPAccessEntry}, []access.Source{access.SourceWebhook}, access.SourceWebhook},
		"a poll of the feed took its place in the queue":  {0, []access.Kind{access.KindIPAccessEntry}, []access.Source{access.SourceFeed}, access.SourceWebhook},
		"of an unknown type, and the event is there":      {0, nil, []access.Source{access.SourceWebhook}, access.SourceWebhook},
		"of an unknown type, and a repeat sees the event": {2 * time.Second, nil, []access.Source{access.SourceWebhook, access.SourceWebhook, access.SourceWebhook}, access.SourceWebhook},
		"of another kind":                                 {0, []access.Kind{access.KindCluster}, []access.Source{access.SourceFeed}, access.SourceFeed},
		"of a kind that is not read, or none":             {0, []access.Kind{access.KindProjectMember}, []access.Source{access.SourceFeed}, access.SourceFeed},
	} {
		t.Run(name, func(t *testing.T) {
			r := watched(t)
			asked := len(decoded[access.Poll](r.out, access.TopicPoll))
			r.put(project, entryOf("0.0.0.0/0"))
			r.tell(project, added, "0.0.0.0/0", mallory, c.eventAfter)
			if err := r.w.Hint(context.Background(), project, c.kinds); err != nil {
				t.Fatal(err)
			}
			for k, m := range r.doc().Dirty {
				if m.Source != access.SourceWebhook || !slices.Contains(c.kinds, k) || m.Gap {
					t.Errorf("%s is marked %+v", k, m)
				}
			}
			polls := decoded[access.Poll](r.out, access.TopicPoll)[asked:]
			if len(polls) != 1 || polls[0].Source != access.SourceWebhook || polls[0].Scope != project {
				t.Errorf("polls asked for: %+v", polls)
			}
			for _, source := range c.polls {
				if err := r.try(source); err != nil {
					t.Fatal(err)
				}
				r.pass(time.Second)
			}
			changes := r.changes()
			if len(changes) != 1 || changes[0].Op != access.OpCreated || changes[0].Source != c.want {
				t.Errorf("changes %+v, want one from %s", changes, c.want)
			}
			if d := r.doc(); len(d.Dirty) > 0 {
				t.Errorf("still dirty: %v", d.Dirty)
			}
		})
	}
}

// TestHintOfNothingNew: a hint that comes a second time reads once more, and says nothing.
func TestHintOfNothingNew(t *testing.T) {
	r := watched(t, entryOf("203.0.113.0/24"))
	for range 3 {
		if err := r.w.Hint(context.Background(), project, []access.Kind{access.KindIPAccessEntry}); err != nil {
			t.Fatal(err)
		}
		if err := r.try(access.SourceWebhook); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
	}
	want(t, r)
	if err := r.w.Hint(context.Background(), "prj.*", nil); err == nil {
		t.Error("a hint of no scope is taken")
	}
}
