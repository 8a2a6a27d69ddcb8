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

// TestDatesOfUseAgeSlowly: a date of use that moved makes no change, and is written
// only when what is stored has become old.
func TestDatesOfUseAgeSlowly(t *testing.T) {
	began := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	member := func(day int) access.State {
		return access.OrgMember{Username: "alice@example.com", LastAuth: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)}
	}
	read := func(cur access.Collection, at time.Time, day int) absorbed {
		s := sighting{
			scope: access.OrgScope("64f000000000000000000001"), kind: access.KindOrgMember, rev: 1, ended: at, limits: limits{late: 24 * time.Hour, gap: 24 * time.Hour},
			reading: access.Reading{Status: access.StatusComplete, Began: at, States: []access.State{member(day)}},
		}
		return s.absorb(cur)
	}
	first := read(access.Collection{}, began, 20)
	if first.next == nil {
		t.Fatal("the baseline is not written")
	}
	for _, c := range []struct {
		after   time.Duration
		day     int
		written bool
	}{{time.Hour, 20, false}, {time.Hour, 21, false}, {7 * time.Hour, 20, false}, {7 * time.Hour, 21, true}} {
		a := read(*first.next, began.Add(c.after), c.day)
		if len(a.changes) > 0 || (a.next != nil) != c.written {
			t.Errorf("%v later, day %d: %d changes, written %v", c.after, c.day, len(a.changes), a.next != nil)
		}
	}
}
