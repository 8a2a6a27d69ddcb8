package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestDeathAtEveryStep kills the process once at each step of a poll that sees one
// entry added, one opened and closed, and a password changed. The next process must
// end in the same changes, each published once.
func TestDeathAtEveryStep(t *testing.T) {
	story := func(r *rig) {
		r.put(project, entryOf("198.51.100.0/24"))
		r.tell(project, added, "198.51.100.0/24", mallory, 0)
		r.tell(project, added, "0.0.0.0/0", mallory, 0)
		r.pass(time.Second)
		r.tell(project, removed, "0.0.0.0/0", mallory, 0)
		r.tell(project, updated, "app", alice, 0)
		r.pass(2 * time.Second)
	}
	for step := 1; ; step++ {
		r := watched(t, user("app"))
		story(r)
		n := 0
		die := func(string) bool { n++; return n == step }
		r.watch.die, r.inventory.die = die, die
		err := r.try(access.SourceFeed)
		if n < step {
			if step < 10 {
				t.Fatalf("only %d steps: the story is too short", step-1)
			}
			break
		}
		if !errors.Is(err, errDied) {
			t.Fatalf("step %d: poll: %v, want death", step, err)
		}
		for range 3 {
			r.pass(20 * time.Second)
			r.poll()
		}
		lines := brief(r.changes())
		slices.Sort(lines)
		wanted := []string{
			"created 198.51.100.0/24 by mallory@example.com events=1",
			"observed 0.0.0.0/0 by mallory@example.com events=1",
			"observed 0.0.0.0/0 by mallory@example.com events=1 ended",
			"observed admin/app by alice@example.com events=1",
		}
		if diff := cmp.Diff(wanted, lines); diff != "" {
			t.Errorf("death at step %d: changes (-want +got):\n%s", step, diff)
		}
		if d := r.doc(); len(d.Dirty) != 0 || len(d.Pending) != 0 {
			t.Errorf("death at step %d: dirty %v, pending %v", step, d.Dirty, d.Pending)
		}
		if n := len(decoded[access.Event](r.out, access.TopicEvent)); n != 4 {
			t.Errorf("death at step %d: %d event facts, want 4", step, n)
		}
	}
}

func TestDeathBetweenCursorAndRead(t *testing.T) {
	r := watched(t)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(2 * time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	r.onRead = func(access.Kind) { cancel() }
	if err := r.w.Poll(ctx, access.Poll{Scope: project, Source: access.SourceFeed}); err == nil {
		t.Fatal("poll: no error though it was cancelled in the read")
	}
	r.onRead = nil
	if dirty, _ := r.w.Dirty(context.Background(), project); dirty[access.KindIPAccessEntry].IsZero() {
		t.Error("the kind is not dirty any more")
	}
	want(t, r)
	r.events = nil // whatever the feed says from now on
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "created 0.0.0.0/0 by mallory@example.com events=1")
}

func TestOldReadFinishingAfterANewerOne(t *testing.T) {
	for _, tc := range []struct {
		name  string
		tell  bool         // an event wakes the old read, or it is a sweep
		newer func(r *rig) // what happens in Atlas before the newer read
		want  []string
	}{
		{"the newer read wrote", true, func(r *rig) { r.put(project, entryOf("198.51.100.0/24")) },
			[]string{"created 198.51.100.0/24 events=0", "deleted 203.0.113.7/32 events=1"}},
		{"the newer read found nothing new", true, func(r *rig) { r.put(project, entryOf("203.0.113.7/32")) }, []string{"observed 203.0.113.7/32 events=1"}},
		{"the newer read found nothing new, no event", false, func(r *rig) { r.put(project, entryOf("203.0.113.7/32")) }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := watched(t, entryOf("203.0.113.7/32"), entryOf("203.0.113.8/32"))
			r.remove(project, access.KindIPAccessEntry, "203.0.113.7/32")
			if tc.tell {
				r.tell(project, removed, "203.0.113.7/32", access.Actor{}, 0)
			}
			r.pass(2 * time.Second)
			nested := false
			r.onRead = func(kind access.Kind) {
				if nested || kind != access.KindIPAccessEntry {
					return
				}
				nested = true
				tc.newer(r)
				r.pass(time.Second)
				if err := r.try(access.SourceSweep, access.KindIPAccessEntry); err != nil {
					t.Error(err)
				}
			}
			r.sweep()
			got := brief(r.changes())
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			r.sameAsWorld()
		})
	}
}

// sameAsWorld compares the inventory's states with the world's.
func (r *rig) sameAsWorld() {
	r.t.Helper()
	for _, k := range r.w.opts.Kinds(project) {
		var states []access.State
		for _, s := range r.states[string(project)+"."+string(k)] {
			states = append(states, s)
		}
		if diff := access.Diff(r.collection(k), access.NewCollection(project, k, states)); len(diff) > 0 {
			r.t.Errorf("the inventory of %s differs from the world: %v", k, brief(diff))
		}
	}
}

func TestAReadThatIsAlwaysOvertakenGivesUp(t *testing.T) {
	r := watched(t)
	n := 0
	r.onRead = func(access.Kind) {
		n++
		key := string(project) + "." + string(access.KindIPAccessEntry)
		if _, err := r.inventory.Update(context.Background(), key, func(c access.Collection, _ uint64) (*access.Collection, []access.Out, error) {
			return &c, nil, nil
		}); err != nil {
			t.Error(err)
		}
	}
	err := r.try(access.SourceSweep, access.KindIPAccessEntry)
	if !errors.Is(err, access.ErrTemporary) || n < tries {
		t.Errorf("after %d reads: %v, want a temporary error", n, err)
	}
}

func TestMarkDuringTheReadStays(t *testing.T) {
	r := watched(t)
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(2 * time.Second)
	r.onRead = func(access.Kind) {
		if err := r.w.MarkDirty(context.Background(), project, []access.Kind{access.KindIPAccessEntry}, "test"); err != nil {
			t.Error(err)
		}
	}
	r.poll()
	r.onRead = nil
	if dirty, _ := r.w.Dirty(context.Background(), project); dirty[access.KindIPAccessEntry].IsZero() {
		t.Error("a mark set during the read was taken away by it")
	}
	r.pass(20 * time.Second)
	r.poll()
	if dirty, _ := r.w.Dirty(context.Background(), project); len(dirty) > 0 {
		t.Errorf("dirty %v", dirty)
	}
}

func TestJudgedAgainOnceTheMarkIsGone(t *testing.T) {
	r := watched(t)
	if err := r.w.MarkDirty(context.Background(), project, nil, "a message went to the dead letters"); err != nil {
		t.Fatal(err)
	}
	if n := len(decoded[access.Poll](r.out, access.TopicPoll)); n != 1 {
		t.Errorf("%d polls asked for, want 1", n)
	}
	before := len(r.out.all)
	r.pass(time.Second)
	r.poll()
	var topics []access.Topic
	for _, o := range r.out.all[before:] {
		topics = append(topics, o.Topic)
	}
	if diff := cmp.Diff([]access.Topic{access.TopicEval}, topics); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestGarbageInTheFeed(t *testing.T) {
	r := watched(t, user("app"))
	r.pass(time.Hour)
	r.poll()
	now := r.clock()
	e := func(id, kind string, created time.Time) {
		r.events = append(r.events, told{access.Event{ID: id, Type: kind, Created: created, Target: "app", Raw: []byte(`{"x":1}`)}, now})
	}
	e("", updated, now)                             // no id
	e("zero", updated, time.Time{})                 // no time
	e("future", updated, now.AddDate(70, 0, 0))     // a clock gone wrong
	e("same", "MADE_UP_TYPE", now)                  // unknown type
	e("same", "MADE_UP_TYPE", now)                  // twice
	e("back", updated, now.Add(-5*time.Minute))     // before the newest one
	e("NETWORK_PERMISSION_ENTRY_ADDED", added, now) // with a target that is no address
	for range 5 {
		r.pass(20 * time.Second)
		r.poll()
	}
	for range 60 {
		r.pass(time.Hour)
		r.tell(project, "MADE_UP_TYPE", "", alice, 0)
		r.sweep()
	}
	if n := len(decoded[access.Event](r.out, access.TopicEvent)); n != 66 {
		t.Errorf("%d event facts, want 66", n)
	}
	if n := len(r.doc().Seen); n > 40 {
		t.Errorf("%d ids are kept, want those of a day and the odd ones", n)
	}
	want(t, r, "observed app events=1 ended", "observed admin/app events=1", "observed admin/app events=1", "observed admin/app events=1", "observed admin/app events=1")
	if d := r.doc(); d.Cursor.After(r.clock()) || len(d.Pending) != 0 {
		t.Errorf("cursor %v, pending %v", d.Cursor, d.Pending)
	}
}

func TestTenThousandEventsInOneSecond(t *testing.T) {
	r := watched(t, user("app"))
	for i := range 10_000 {
		name := fmt.Sprintf("10.%d.%d.1/32", i/250, i%250)
		if i%2 == 0 {
			r.put(project, entryOf(name))
		}
		r.tell(project, added, name, mallory, 0)
	}
	r.pass(2 * time.Second)
	r.poll()
	ops := map[access.Op]int{}
	for _, c := range r.changes() {
		ops[c.Op]++
		if len(c.Events) != 1 {
			t.Fatalf("change %v", c)
		}
	}
	if diff := cmp.Diff(map[access.Op]int{access.OpCreated: 5000, access.OpObserved: 5000}, ops); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	r.pass(20 * time.Second)
	r.poll()
	if n := len(r.changes()); n != 10_000 {
		t.Errorf("%d changes after another poll", n)
	}
}

func TestClockGoingBack(t *testing.T) {
	r := watched(t)
	r.pass(10 * time.Minute)
	r.tell(project, "MADE_UP_TYPE", "", alice, 0)
	r.poll()
	r.pass(-3 * time.Minute)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(time.Second)
	r.poll()
	r.pass(5 * time.Minute)
	r.poll()
	want(t, r, "created 0.0.0.0/0 by mallory@example.com events=1")
}

func TestFeedFailures(t *testing.T) {
	for _, tc := range []struct {
		err   error
		again bool
	}{
		{fmt.Errorf("503: %w", access.ErrTemporary), true},
		{errors.New("the body was cut"), true},
		{fmt.Errorf("401: %w", access.ErrForbidden), false},
		{fmt.Errorf("404: %w", access.ErrGone), false},
	} {
		r := watched(t)
		r.eventErr[project] = tc.err
		r.put(project, entryOf("0.0.0.0/0"))
		r.pass(time.Minute)
		if err := r.try(access.SourceSweep); (err != nil) != tc.again {
			t.Errorf("%v: poll returned %v", tc.err, err)
		}
		want(t, r, "created 0.0.0.0/0 events=0") // reads go on without the feed
	}
}
