package watcher

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	added   = "NETWORK_PERMISSION_ENTRY_ADDED"
	removed = "NETWORK_PERMISSION_ENTRY_REMOVED"
	updated = "MONGODB_USER_UPDATED"
)

func want(t *testing.T, r *rig, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, brief(r.changes())); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestFirstSightIsBaseline(t *testing.T) {
	r := newRig(t)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(30 * time.Second)
	r.poll()
	r.pass(30 * time.Second)
	r.poll()
	want(t, r)
	c := r.collection(access.KindIPAccessEntry)
	if len(c.Resources) != 1 || !c.Resources[0].Baseline || c.Status != access.StatusComplete || c.FirstRead.IsZero() {
		t.Errorf("collection = %+v, want one baseline entry", c)
	}
	if n := len(decoded[access.Event](r.out, access.TopicEvent)); n != 1 {
		t.Errorf("%d event facts, want the one from before we came", n)
	}
	if d := r.doc(); len(d.Dirty) != 0 || len(d.Pending) != 0 {
		t.Errorf("dirty %v, pending %v: want none", d.Dirty, d.Pending)
	}
}

func TestLateEventsFromBeforeTheBaseline(t *testing.T) {
	r := newRig(t)
	key := string(project) + "." + string(access.KindIPAccessEntry)
	r.tell(project, added, "203.0.113.7", mallory, 3*time.Minute) // before we came
	r.pass(time.Minute)
	r.bad[key] = access.Reading{Status: access.StatusFailed}
	r.poll()
	r.pass(30 * time.Second)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 2*time.Minute) // before the kind could be read
	r.pass(30 * time.Second)
	delete(r.bad, key)
	r.poll()
	reads := len(r.reads)
	r.pass(70 * time.Second)
	r.poll()
	if len(r.reads) > reads {
		t.Errorf("an event from before first sight woke a read of %v", r.reads[reads:])
	}
	r.pass(time.Minute)
	r.poll()
	want(t, r)
	if d := r.doc(); len(d.Pending) != 0 {
		t.Errorf("pending %v", d.Pending)
	}
}

func TestEventWakesAReadAndNamesTheActor(t *testing.T) {
	r := watched(t, user("app"))
	r.put(project, entryOf("203.0.113.7/32"))
	id := r.tell(project, added, "203.0.113.7", alice, 0)
	at := r.clock()
	r.pass(3 * time.Second)
	r.poll()
	want(t, r, "created 203.0.113.7/32 by alice@example.com events=1")
	c := r.changes()[0]
	wantID := fmt.Sprintf("%s.%s.%d.0", project, access.KindIPAccessEntry, 2)
	if c.ID != wantID || !c.Occurred.Equal(at) || !c.Observed.Equal(r.clock()) || c.Source != access.SourceFeed || c.Events[0] != id ||
		c.Actor.Principal != "alice" || c.Type != added {
		t.Errorf("change = %+v, want id %s", c, wantID)
	}
	res, _ := r.collection(access.KindIPAccessEntry).Find("203.0.113.7/32")
	if res.Baseline || res.Cause != wantID || !res.ChangedAt.Equal(at) || res.Actor.Name != alice.Name {
		t.Errorf("record = %+v", res)
	}
	evals := decoded[access.Eval](r.out, access.TopicEval)
	last := evals[len(evals)-2]
	if last.Inventory[access.KindIPAccessEntry] != 2 {
		t.Errorf("eval = %+v, want the revision that the write expected", last)
	}
	if out := r.out.all; out[len(out)-3].ID != wantID+"#0" {
		t.Errorf("message id %q, want %q", out[len(out)-3].ID, wantID+"#0")
	}
}

func TestNothingNewWritesNothing(t *testing.T) {
	r := rarelySwept(t, nil, entryOf("203.0.113.7/32"), access.Cluster{ID: "c1", Cluster: "prod", StateName: "IDLE"})
	r.put(project, access.Cluster{ID: "c1", Cluster: "prod", StateName: "UPDATING"})
	watchWrites, inventoryWrites, published := r.watch.writes, r.inventory.writes, len(r.out.all)
	for range 3 {
		r.pass(20 * time.Second)
		r.poll()
	}
	if r.watch.writes != watchWrites {
		t.Errorf("three empty polls made %d writes of the watch document", r.watch.writes-watchWrites)
	}
	r.sweep()
	if r.inventory.writes != inventoryWrites || len(r.out.all) != published {
		t.Errorf("an unchanged sweep made %d inventory writes and %d messages", r.inventory.writes-inventoryWrites, len(r.out.all)-published)
	}
	if r.watch.writes != watchWrites+1 {
		t.Errorf("an unchanged sweep made %d writes of the watch document, want one for the times of the reads", r.watch.writes-watchWrites)
	}
}

func TestSweepFindsWhatTheFeedMissed(t *testing.T) {
	r := watched(t)
	r.put(project, entryOf("198.51.100.0/24"))
	r.pass(16 * time.Minute)
	r.poll() // a feed job: the sweep is overdue
	want(t, r, "created 198.51.100.0/24 events=0")
	if got := r.changes()[0].Source; got != access.SourceSweep {
		t.Errorf("source %q, want sweep", got)
	}
}

func TestLateEventAttributesAfterwards(t *testing.T) {
	r := watched(t)
	r.put(project, entryOf("198.51.100.0/24"))
	at := r.clock()
	r.tell(project, added, "198.51.100.0/24", mallory, 3*time.Hour)
	r.pass(10 * time.Second)
	r.sweep()
	for range 20 {
		r.pass(10 * time.Minute)
		r.poll()
	}
	want(t, r, "created 198.51.100.0/24 events=0", "attributed 198.51.100.0/24 by mallory@example.com events=1")
	c := r.changes()
	if c[0].ID != c[1].ID || c[0].Rev != 0 || c[1].Rev != 1 || !c[1].After.IsZero() || !c[1].Occurred.Equal(at) {
		t.Errorf("attributed = %+v", c[1])
	}
	res, _ := r.collection(access.KindIPAccessEntry).Find("198.51.100.0/24")
	if res.Actor.Name != mallory.Name || !res.ChangedAt.Equal(at) {
		t.Errorf("record = %+v, want mallory's", res)
	}
}

func TestOpenedAndClosedBetweenTwoPolls(t *testing.T) {
	r := watched(t)
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(4 * time.Second)
	r.tell(project, removed, "0.0.0.0/0", mallory, 0)
	r.pass(4 * time.Second)
	r.poll()
	want(t, r, "observed 0.0.0.0/0 by mallory@example.com events=1 ended", "observed 0.0.0.0/0 by mallory@example.com events=1")
	if c := r.changes()[0]; c.Ended.Sub(c.Occurred) != 4*time.Second || c.ID != c.Events[0] {
		t.Errorf("change = %+v, want it ended after 4 s", c)
	}
}

func TestEventOfTheSameSecondWaitsForTheNextRead(t *testing.T) {
	r := watched(t)
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.tell(project, removed, "0.0.0.0/0", mallory, 0)
	r.poll()
	want(t, r)
	if dirty, _ := r.w.Dirty(context.Background(), project); len(dirty) > 0 {
		t.Errorf("dirty %v: the read began after the event was seen", dirty)
	}
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "observed 0.0.0.0/0 by mallory@example.com events=1 ended", "observed 0.0.0.0/0 by mallory@example.com events=1")
}

func TestPasswordRotationIsObserved(t *testing.T) {
	r := watched(t, user("app", "readWrite"))
	r.tell(project, updated, "app", alice, 0)
	r.pass(2 * time.Second)
	r.poll()
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "observed admin/app by alice@example.com events=1")
}

func TestFlipsWithinSeconds(t *testing.T) {
	r := watched(t, user("app", "read"))
	for i := range 3 {
		r.put(project, user("app", []string{"atlasAdmin", "read", "atlasAdmin"}[i]))
		r.tell(project, updated, "app", mallory, time.Duration(i)*time.Minute)
		r.pass(time.Second)
		if i == 0 {
			r.poll()
		}
	}
	for range 6 {
		r.pass(40 * time.Second)
		r.poll()
	}
	for i := 1; i <= 3; i++ {
		if id := fmt.Sprintf("%024x", i); len(usedBy(r.changes())[id]) != 1 {
			t.Errorf("event %s is used by %v, want one change of %v", id, usedBy(r.changes())[id], brief(r.changes()))
		}
	}
	updates := 0
	for _, c := range r.changes() {
		if c.Op == access.OpUpdated {
			updates++
		}
	}
	if updates != 1 {
		t.Errorf("%d updates, want only the first", updates)
	}
}

func TestGap(t *testing.T) {
	r := watched(t)
	r.pass(21 * 24 * time.Hour)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(30 * time.Minute)
	// The first process dies after it stored the feed: the gap must survive it.
	r.inventory.die = func(step string) bool { return true }
	if err := r.try(access.SourceFeed); !errors.Is(err, errDied) {
		t.Fatalf("poll: %v, want death", err)
	}
	r.inventory.die = func(string) bool { return false }
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "created 0.0.0.0/0 by mallory@example.com events=1 gap")
	if res, _ := r.collection(access.KindIPAccessEntry).Find("0.0.0.0/0"); !res.Gap {
		t.Errorf("record = %+v, want the gap on it", res)
	}
	r.put(project, entryOf("0.0.0.0/1"))
	r.tell(project, added, "0.0.0.0/1", mallory, 0)
	r.pass(2 * time.Second)
	r.poll()
	if c := r.changes(); len(c) != 2 || c[1].Gap {
		t.Errorf("changes %v, want the second one outside of the gap", brief(c))
	}
}

func TestALostWatchDocumentIsAGap(t *testing.T) {
	r := watched(t)
	delete(r.watch.docs, string(project))
	r.put(project, entryOf("0.0.0.0/0"))
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "created 0.0.0.0/0 events=0 gap")
}

func TestDeniedForLongIsAGap(t *testing.T) {
	r := watched(t)
	key := string(project) + "." + string(access.KindIPAccessEntry)
	r.bad[key] = access.Reading{Status: access.StatusDenied, Reason: "401"}
	r.sweep()
	r.put(project, entryOf("0.0.0.0/0"))
	for range 10 {
		r.pass(10 * time.Minute)
		r.poll()
	}
	delete(r.bad, key)
	r.pass(16 * time.Minute)
	r.poll()
	want(t, r, "created 0.0.0.0/0 events=0 gap")
}

func TestIdleScopeIsNoGap(t *testing.T) {
	r := watched(t)
	for range 200 {
		r.pass(time.Minute)
		r.poll()
	}
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	r.pass(time.Minute)
	r.poll()
	want(t, r, "created 0.0.0.0/0 by mallory@example.com events=1")
}

func TestIncompleteReadings(t *testing.T) {
	for _, tc := range []struct {
		status access.Status
		retry  time.Duration // until the next attempt
		dirty  bool
	}{
		{access.StatusFailed, 20 * time.Second, true},
		{access.StatusDenied, 16 * time.Minute, true},
		{access.StatusUnsupported, 16 * time.Minute, false},
	} {
		t.Run(string(tc.status), func(t *testing.T) {
			r := watched(t, entryOf("203.0.113.7/32"))
			key := string(project) + "." + string(access.KindIPAccessEntry)
			r.bad[key] = access.Reading{Status: tc.status, Reason: "because"}
			r.sweep()
			c := r.collection(access.KindIPAccessEntry)
			if c.Status != tc.status || c.Reason != "because" || len(c.Resources) != 1 || !c.StatusSince.Equal(r.clock()) {
				t.Fatalf("collection = %+v", c)
			}
			writes, reads := r.inventory.writes, len(r.reads)
			if dirty, _ := r.w.Dirty(context.Background(), project); !dirty[access.KindIPAccessEntry].IsZero() != tc.dirty {
				t.Errorf("dirty %v, want %v", dirty, tc.dirty)
			}
			r.pass(20 * time.Second)
			r.poll()
			if tried := len(r.reads) > reads; tried != (tc.retry == 20*time.Second) {
				t.Errorf("tried again at the next poll: %v", tried)
			}
			if r.inventory.writes != writes {
				t.Errorf("the same failure was written %d times more", r.inventory.writes-writes)
			}
			delete(r.bad, key)
			r.pass(16 * time.Minute)
			r.poll()
			if c := r.collection(access.KindIPAccessEntry); c.Status != access.StatusComplete || c.Reason != "" {
				t.Errorf("collection = %+v, want it complete again", c)
			}
			if dirty, _ := r.w.Dirty(context.Background(), project); !dirty[access.KindIPAccessEntry].IsZero() {
				t.Error("still dirty after a complete read")
			}
			want(t, r)
		})
	}
}

func TestEventsOutlastADeniedKind(t *testing.T) {
	r := watched(t)
	key := string(project) + "." + string(access.KindIPAccessEntry)
	r.bad[key] = access.Reading{Status: access.StatusDenied}
	r.tell(project, added, "0.0.0.0/0", mallory, 0)
	for range 30 {
		r.pass(time.Minute)
		r.poll()
	}
	want(t, r)
	for range 26 {
		r.pass(time.Hour)
		r.sweep()
	}
	want(t, r, "observed 0.0.0.0/0 by mallory@example.com events=1")
}

func TestOddElementsKeepTheirRecords(t *testing.T) {
	key := string(project) + "." + string(access.KindIPAccessEntry)
	for _, odd := range []string{"203.0.113.7/32", ""} {
		r := watched(t, entryOf("203.0.113.7/32"), entryOf("203.0.113.8/32"))
		r.odd[key] = []string{odd}
		if odd == "" {
			r.remove(project, access.KindIPAccessEntry, "203.0.113.7/32")
		}
		r.sweep()
		want(t, r)
		c := r.collection(access.KindIPAccessEntry)
		if len(c.Resources) != 2 || !cmp.Equal(c.Odd, []string{odd}) {
			t.Errorf("odd %q: collection = %+v, want both records and the odd name", odd, c)
		}
	}
}

func TestSuspectReadings(t *testing.T) {
	ten := func() (out []access.State) {
		for i := range 10 {
			out = append(out, entryOf(fmt.Sprintf("203.0.113.%d/32", i)))
		}
		return out
	}
	for _, tc := range []struct {
		name    string
		lose    int
		tell    bool
		own     bool
		suspect bool
	}{
		{name: "empty 200 for a full list", lose: 10, suspect: true},
		{name: "six of ten", lose: 6, suspect: true},
		{name: "five of ten", lose: 5},
		{name: "all, and events say so", lose: 10, tell: true},
		{name: "all, by ourselves", lose: 10, own: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := watched(t, ten()...)
			for i := range tc.lose {
				name := fmt.Sprintf("203.0.113.%d/32", i)
				r.remove(project, access.KindIPAccessEntry, name)
				ref := access.Ref{Scope: project, Kind: access.KindIPAccessEntry, Name: name}
				if tc.tell {
					r.tell(project, removed, name, alice, 0)
				}
				if tc.own {
					r.intents = append(r.intents, access.Intent{Action: "a1", Operation: access.Operation{Type: access.DeleteAccessEntry, Ref: ref}})
				}
			}
			r.pass(2 * time.Second)
			r.sweep()
			c := r.collection(access.KindIPAccessEntry)
			if got := c.Status == access.StatusSuspect; got != tc.suspect {
				t.Fatalf("status %q, want suspect %v", c.Status, tc.suspect)
			}
			if !tc.suspect {
				if len(r.changes()) != tc.lose {
					t.Errorf("changes %v", brief(r.changes()))
				}
				return
			}
			if len(c.Resources) != 10 || len(r.changes()) != 0 {
				t.Fatalf("set aside with %d resources and changes %v", len(c.Resources), brief(r.changes()))
			}
			r.pass(20 * time.Second)
			r.poll()
			if len(r.changes()) != 0 {
				t.Error("believed before 30 s were over")
			}
			r.pass(20 * time.Second)
			r.poll()
			if c := r.collection(access.KindIPAccessEntry); c.Status != access.StatusComplete || len(r.changes()) != tc.lose {
				t.Errorf("status %q, changes %v", c.Status, brief(r.changes()))
			}
		})
	}
}

func TestASuspectReadingThatPasses(t *testing.T) {
	r := watched(t, entryOf("203.0.113.7/32"))
	key := string(project) + "." + string(access.KindIPAccessEntry)
	r.bad[key] = access.Reading{Status: access.StatusComplete}
	r.sweep()
	if c := r.collection(access.KindIPAccessEntry); c.Status != access.StatusSuspect {
		t.Fatalf("status %q: one of one vanished without an event", c.Status)
	}
	delete(r.bad, key)
	r.pass(time.Minute)
	r.poll()
	want(t, r)
	if c := r.collection(access.KindIPAccessEntry); c.Status != access.StatusComplete || c.Trail.Aside != "" {
		t.Errorf("collection = %+v", c)
	}
}

func TestExpiredEntryIsNotSuspect(t *testing.T) {
	e := entryOf("203.0.113.7/32")
	e.DeleteAfterDate = time.Date(2026, 9, 1, 12, 1, 30, 0, time.UTC)
	r := watched(t, e)
	r.remove(project, access.KindIPAccessEntry, e.Entry)
	r.pass(time.Minute)
	r.sweep()
	want(t, r, "deleted 203.0.113.7/32 events=0")
}

func TestOwnWrites(t *testing.T) {
	r := watched(t, entryOf("0.0.0.0/0"), entryOf("203.0.113.7/32"))
	ref := access.Ref{Scope: project, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	r.intents = []access.Intent{{Action: "f-1", Operation: access.Operation{Type: access.DeleteAccessEntry, Ref: ref}}}
	r.remove(project, access.KindIPAccessEntry, "0.0.0.0/0")
	r.tell(project, removed, "0.0.0.0/0", access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_x"}, 0)
	r.pass(2 * time.Second)
	r.poll()
	want(t, r, "deleted 0.0.0.0/0 by mdb_sa_id_x events=1 own=f-1")
}

// TestTraceOfOwnWrite: an event of a resource that an action of ours was about to change
// says so, and is no change of ours.
func TestTraceOfOwnWrite(t *testing.T) {
	r := watched(t, entryOf("203.0.113.7/32"))
	ref := access.Ref{Scope: project, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	r.intents = []access.Intent{{Action: "f-1", Operation: access.Operation{Type: access.DeleteAccessEntry, Ref: ref}}}
	us := access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_x"}
	r.tell(project, removed, "0.0.0.0/0", us, 0)
	r.tell(project, removed, "198.51.100.7/32", us, 0)
	r.pass(2 * time.Second)
	r.poll()
	got := map[string]string{}
	for _, c := range r.changes() {
		got[c.Ref.Name] = string(c.Op) + " own=" + c.Own + " intended=" + c.Intended
	}
	if diff := cmp.Diff(map[string]string{"0.0.0.0/0": "observed own= intended=f-1", "198.51.100.7/32": "observed own= intended="}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWebhookMarksItsKind(t *testing.T) {
	r := watched(t)
	r.put(project, entryOf("0.0.0.0/0"))
	r.tell(project, added, "0.0.0.0/0", mallory, 5*time.Second)
	r.pass(time.Second)
	if err := r.try(access.SourceWebhook, access.KindIPAccessEntry, access.KindInvitation); err != nil {
		t.Fatal(err)
	}
	r.pass(5 * time.Second)
	r.poll()
	want(t, r, "created 0.0.0.0/0 events=0", "attributed 0.0.0.0/0 by mallory@example.com events=1")
	if c := r.changes()[0]; c.Source != access.SourceWebhook {
		t.Errorf("source %q", c.Source)
	}
}

func TestJoinedKindsAreReadWith(t *testing.T) {
	r := rarelySwept(t, map[access.Kind][]access.Kind{access.KindDatabaseUser: {access.KindCustomRole, access.KindInvitation}})
	r.sweep()
	r.pass(30 * time.Second)
	r.reads = nil
	for range 2 {
		r.tell(project, updated, "app", alice, 0)
		r.pass(2 * time.Second)
		r.poll()
		r.pass(time.Minute)
	}
	roles := string(project) + "." + string(access.KindCustomRole)
	users := string(project) + "." + string(access.KindDatabaseUser)
	if diff := cmp.Diff([]string{users, users, roles}, r.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	r := newRig(t)
	good := r.w.opts
	for name, change := range map[string]func(*Options){
		"no Atlas":     func(o *Options) { o.Atlas = nil },
		"no documents": func(o *Options) { o.Watch = nil },
		"no inventory": func(o *Options) { o.Inventory = nil },
		"no orgs":      func(o *Options) { o.Orgs = nil },
		"odd org":      func(o *Options) { o.Orgs = []string{"acme"} },
	} {
		opts := good
		change(&opts)
		if _, err := New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := r.w.Poll(context.Background(), access.Poll{Scope: "prj.nonsense"}); err == nil {
		t.Error("a poll of nonsense: accepted")
	}
}
