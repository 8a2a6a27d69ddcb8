package watcher

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestNothingWaitsForAFailingKind: what changed is read and can be judged before a kind
// is tried again that failed before, and before a sweep.
func TestNothingWaitsForAFailingKind(t *testing.T) {
	r := watched(t)
	r.bad[string(project)+"."+string(access.KindCluster)] = access.Reading{Status: access.StatusFailed, Reason: "500"}
	r.sweep()
	if m := r.doc().Dirty[access.KindCluster]; !m.Failed {
		t.Fatalf("the mark of what failed: %+v", m)
	}
	for name, poll := range map[string]func(){"poll": r.poll, "sweep": r.sweep} {
		r.pass(20 * time.Minute)
		r.put(project, entryOf("0.0.0.0/0"))
		r.tell(project, "NETWORK_PERMISSION_ENTRY_ADDED", "0.0.0.0/0", alice, 0)
		r.pass(2 * time.Second)
		tried, before := false, access.Kind("")
		r.onRead = func(k access.Kind) {
			if k == access.KindIPAccessEntry {
				return
			}
			_, waiting := r.doc().Dirty[access.KindIPAccessEntry]
			if waiting && k != access.KindProject && before == "" {
				before = k
			}
			tried = tried || k == access.KindCluster
		}
		poll()
		r.onRead = nil
		if before != "" || !tried {
			t.Errorf("%s: %s was read while the entry waited; the failing kind tried: %v", name, before, tried)
		}
		r.remove(project, access.KindIPAccessEntry, "0.0.0.0/0")
		r.tell(project, "NETWORK_PERMISSION_ENTRY_REMOVED", "0.0.0.0/0", alice, 0)
		r.pass(2 * time.Second)
		r.poll()
	}
	if _, failing := r.doc().Dirty[access.KindCluster]; !failing {
		t.Error("the mark of what failed is gone")
	}
}
