package watcher

import (
	"errors"
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

// TestPutOff: a read that the client put off changes nothing that is stored. A sweep
// stays due, and what an event marked stays marked.
func TestPutOff(t *testing.T) {
	r := watched(t, entryOf("10.0.0.0/8"))
	key := string(project) + "." + string(access.KindIPAccessEntry)
	r.bad[key] = access.Reading{Status: access.StatusUnread, Reason: "put off"}
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, "NETWORK_PERMISSION_ENTRY_ADDED", "0.0.0.0/0", alice, 0)
	r.pass(2 * time.Second)
	writes := r.inventory.writes
	r.poll()
	r.sweep()
	if c := r.collection(access.KindIPAccessEntry); r.inventory.writes != writes || c.Status != access.StatusComplete {
		t.Errorf("%d writes, status %s", r.inventory.writes-writes, c.Status)
	}
	if m, marked := r.doc().Dirty[access.KindIPAccessEntry]; !marked || !m.Failed {
		t.Errorf("the mark is %+v, %v", m, marked)
	}
	delete(r.bad, key)
	r.pass(time.Minute)
	r.poll()
	if got := r.changes(); len(got) != 1 || got[0].Ref.Name != "0.0.0.0/0" || got[0].Actor.Name != alice.Name {
		t.Errorf("changes %+v", got)
	}
}

// TestPollsOfOneScopeAreBounded: one scope that is slow to read leaves places to others.
func TestPollsOfOneScopeAreBounded(t *testing.T) {
	r := newRig(t)
	deep := 0
	r.onRead = func(access.Kind) {
		r.onRead = nil
		deep++
		var refused error
		r.onRead = func(access.Kind) {
			r.onRead = nil
			refused = r.try(access.SourceFeed) // the third
		}
		if err := r.try(access.SourceSweep); err != nil { // the second
			t.Errorf("two at once: %v", err)
		}
		if !errors.Is(refused, access.ErrTemporary) {
			t.Errorf("a third: %v", refused)
		}
	}
	r.poll()
	if deep != 1 {
		t.Fatalf("the first poll read %d times under the hook", deep)
	}
	r.poll()
}
