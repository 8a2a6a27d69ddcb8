package watcher

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestAGapIsKeptInTheCollection: rules must know since when a kind has been watched,
// also where the gap left no change behind.
func TestAGapIsKeptInTheCollection(t *testing.T) {
	r := watched(t)
	before := r.collection(access.KindIPAccessEntry)
	r.pass(3 * time.Hour)
	r.poll()
	after := r.collection(access.KindIPAccessEntry)
	if !before.Watched.IsZero() || !after.Watched.After(after.FirstRead.Add(2*time.Hour)) {
		t.Errorf("watched since %v, after the gap %v; first read at %v", before.Watched, after.Watched, after.FirstRead)
	}
	r.pass(time.Minute)
	r.poll()
	if again := r.collection(access.KindIPAccessEntry); !again.Watched.Equal(after.Watched) {
		t.Errorf("the next read moved it from %v to %v", after.Watched, again.Watched)
	}
}
