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

func (r *rig) kept() access.History {
	h, _, _ := r.history.Get(context.Background(), string(project))
	return h
}

// keeper is a watched rig that covers the access history.
func keeper(t testing.TB, states ...access.State) *rig {
	r := newRig(t, func(o *Options) {
		o.Kinds = func(access.Scope) []access.Kind {
			return []access.Kind{access.KindProject, access.KindDatabaseUser, access.KindAccessHistory}
		}
	})
	for _, s := range states {
		r.put(project, s)
	}
	r.poll()
	r.pass(time.Minute)
	r.poll()
	return r
}

// watchFor polls every half hour for a time.
func (r *rig) watchFor(d time.Duration) {
	r.t.Helper()
	for range int(d / (30 * time.Minute)) {
		r.pass(30 * time.Minute)
		r.poll()
	}
}

func day(r *rig) time.Time { return byDay(r.clock()) }

func logins(cluster, user string, last time.Time, addresses ...string) access.AccessHistory {
	return access.AccessHistory{Cluster: cluster, Database: "admin", Username: user, Addresses: addresses, FirstLogin: last, LastLogin: last}
}

func TestDutiesOfEveryActor(t *testing.T) {
	r := keeper(t)
	now := day(r)
	for actor, want := range map[access.Actor]string{
		{Type: access.ActorHuman, Name: "Alice@Example.com"}:                           "alice@example.com",
		{Type: access.ActorHuman, ID: "64f0000000000000000000e1"}:                      "64f0000000000000000000e1",
		{Type: access.ActorAPIKey, Name: "ABCDefgh", ID: "64f0000000000000000000e2"}:   "ABCDefgh",
		{Type: access.ActorServiceAccount, Name: "mdb_sa_id_64f0000000000000000000e3"}: "mdb_sa_id_64f0000000000000000000e3",
		{Type: access.ActorDelegated, Name: "agent", OnBehalfOf: "Rajesh@example.com"}: "rajesh@example.com",
		{Type: access.ActorAtlas}: "", {Type: access.ActorEmployee, Name: "e@mongodb.com"}: "", {Name: "whoever"}: "",
	} {
		before := r.kept().Duties
		r.tell(project, "CLUSTER_READY", "c", actor, 0)
		r.pass(time.Minute)
		r.poll()
		after := r.kept().Duties
		switch got, known := after[want]; {
		case want == "" && len(after) != len(before):
			t.Errorf("%+v has duties: %v", actor, after)
		case want != "" && (!known || !got["CLUSTER_READY"].Equal(now)):
			t.Errorf("%+v: %v", actor, after)
		}
	}
}

// A late event has the day on which it happened, and never moves a date back.
func TestLateEventsAreDuties(t *testing.T) {
	r := keeper(t)
	r.tell(project, "CLUSTER_READY", "c", alice, 20*time.Hour)
	first := day(r)
	r.watchFor(18 * time.Hour)
	if len(r.kept().Duties) > 0 {
		t.Fatal("it is kept before it can be seen")
	}
	r.tell(project, "CLUSTER_DELETED", "c", alice, 0)
	second := day(r)
	r.watchFor(4 * time.Hour)
	want := map[string]map[string]time.Time{alice.Name: {"CLUSTER_READY": first, "CLUSTER_DELETED": second}}
	if diff := cmp.Diff(want, r.kept().Duties); diff != "" {
		t.Errorf("duties (-want +got):\n%s", diff)
	}
	r.tell(project, "CLUSTER_DELETED", "c", alice, 22*time.Hour)
	r.pass(21 * time.Hour)
	r.poll()
	r.tell(project, "CLUSTER_DELETED", "d", alice, 0)
	r.watchFor(2 * time.Hour)
	if got := r.kept().Duties[alice.Name]["CLUSTER_DELETED"]; !got.Equal(day(r)) {
		t.Errorf("the late event moved the date back to %v", got)
	}
}

// TestIdleProjectWritesTwiceADay counts what the history costs where nothing happens.
func TestIdleProjectWritesTwiceADay(t *testing.T) {
	r := keeper(t, access.AccessHistory{Cluster: "c", Database: "admin", Username: "stranger", Failing: []string{"192.0.2.9"}})
	r.watchFor(24 * time.Hour)
	before := r.history.writes
	for range 10 * 24 * 60 {
		r.pass(time.Minute)
		r.poll()
	}
	if n := r.history.writes - before; n < 10 || n > 22 {
		t.Errorf("%d writes in 10 days", n)
	}
	if len(r.kept().Users) > 0 {
		t.Errorf("who only failed logged in: %v", r.kept().Users)
	}
}

// A busy project writes at most once a day for what it does every minute.
func TestTheSameDutyIsWrittenOnceADay(t *testing.T) {
	r := newRig(t)
	r.poll()
	before := r.history.writes
	for range 3 * 24 * 12 {
		r.pass(5 * time.Minute)
		r.tell(project, "CLUSTER_READY", "c", alice, 0)
		r.poll()
	}
	if n := r.history.writes - before; n > 8 {
		t.Errorf("%d writes in 3 days", n)
	}
}

func TestLoginsOfAllClusters(t *testing.T) {
	r := keeper(t)
	first := day(r)
	r.put(project, logins("a", "app", first, "192.0.2.1"))
	b := logins("b", "app", first.AddDate(0, 0, -1), "192.0.2.1", "192.0.2.2")
	b.FirstLogin = first.AddDate(0, 0, -5)
	b.LastFrom = map[string]time.Time{"192.0.2.1": b.LastLogin, "192.0.2.2": first.AddDate(0, 0, -4)}
	r.put(project, b)
	r.watchFor(7 * time.Hour)
	want := access.Use{First: b.FirstLogin, Last: first, Addresses: map[string]time.Time{"192.0.2.1": first, "192.0.2.2": first.AddDate(0, 0, -4)}}
	if diff := cmp.Diff(map[string]access.Use{"admin/app": want}, r.kept().Users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	// What Atlas no longer has is not forgotten.
	r.remove(project, access.KindAccessHistory, b.Name())
	r.put(project, logins("a", "app", first.AddDate(0, 0, 1), "192.0.2.3"))
	r.pass(24 * time.Hour)
	r.sweep()
	want.Last, want.Addresses["192.0.2.3"] = first.AddDate(0, 0, 1), first.AddDate(0, 0, 1)
	if diff := cmp.Diff(map[string]access.Use{"admin/app": want}, r.kept().Users); diff != "" {
		t.Errorf("a day later (-want +got):\n%s", diff)
	}
}

func TestRotations(t *testing.T) {
	const name = "database_user/admin/app"
	for _, c := range []struct {
		what string
		play func(r *rig)
		want bool
	}{
		{"a new password", func(r *rig) { r.tell(project, updated, "app", alice, 0) }, true},
		{"a new certificate", func(r *rig) { r.tell(project, "MONGODB_USER_X509_CERT_CREATED", "app", alice, 0) }, true},
		{"a revoked certificate", func(r *rig) { r.tell(project, "MONGODB_USER_X509_CERT_REVOKED", "app", alice, 0) }, false},
		{"a new role", func(r *rig) {
			r.put(project, user("app", "readWrite"))
			r.tell(project, updated, "app", alice, 0)
		}, false},
		{"another user", func(r *rig) { r.tell(project, updated, "app2", alice, 0) }, false},
		{"a user that cannot be read", func(r *rig) {
			r.bad[string(project)+"."+string(access.KindDatabaseUser)] = access.Reading{Status: access.StatusDenied}
			r.tell(project, updated, "app", alice, 0)
			r.watchFor(26 * time.Hour)
			clear(r.bad)
		}, false},
		{"an event that comes late", func(r *rig) { r.tell(project, updated, "app", alice, 2*time.Hour) }, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := keeper(t, user("app", "read"))
			at := r.clock().Truncate(time.Second)
			c.play(r)
			r.watchFor(3 * time.Hour)
			got := r.kept().Rotations
			if c.want && (len(got) != 1 || !got[name].Equal(at)) || !c.want && len(got) > 0 {
				t.Errorf("rotations %v, at %v: want %v", got, at, c.want)
			}
		})
	}
}

// TestDeathsLoseNothing has the process die in every step of the poll that sees an event,
// a rotation and a login for the first time: from that step on it writes nothing.
func TestDeathsLoseNothing(t *testing.T) {
	died := true
	for n := 1; died; n++ {
		r := keeper(t, user("app", "read"))
		began := r.kept().Feed[0].From
		r.tell(project, updated, "app", alice, 0)
		r.put(project, logins("a", "app", day(r), "192.0.2.1"))
		step := 0
		die := func(string) bool { step++; return step >= n }
		r.watch.die, r.inventory.die, r.history.die = die, die, die
		r.pass(time.Minute)
		err := r.try(access.SourceSweep)
		if died = step >= n; died && !errors.Is(err, errDied) {
			t.Errorf("death in step %d of %d: %v", n, step, err)
		}
		never := func(string) bool { return false }
		r.watch.die, r.inventory.die, r.history.die = never, never, never
		r.pass(time.Minute)
		r.sweep()
		h := r.kept()
		if h.Duties[alice.Name][updated].IsZero() || len(h.Rotations) != 1 || len(h.Users) != 1 || len(h.Feed) != 1 || !h.Feed[0].From.Equal(began) {
			t.Errorf("death in step %d: %+v", n, h)
		}
	}
}

// TestHistoryThatCannotBeWritten does not stop the watching, and claims nothing of what
// was lost meanwhile.
func TestHistoryThatCannotBeWritten(t *testing.T) {
	for name, event := range map[string]string{"a duty": "CLUSTER_READY", "a rotation": updated} {
		t.Run(name, func(t *testing.T) {
			r := keeper(t, user("app", "read"))
			r.watchFor(30 * time.Hour)
			r.history.die = func(string) bool { return true }
			r.tell(project, event, "app", alice, 0)
			r.put(project, user("more", "read"))
			r.watchFor(time.Hour)
			r.sweep()
			if len(r.changes()) == 0 || r.doc().Unkept.IsZero() {
				t.Fatalf("changes %v, loss marked at %v", brief(r.changes()), r.doc().Unkept)
			}
			lost := r.clock()
			r.history.die = func(string) bool { return false }
			r.watchFor(time.Hour)
			h := r.kept()
			if since := access.Since(h.Feed, r.clock(), access.SpanSlack); since.Before(lost) || len(h.Feed) != 2 {
				t.Errorf("it claims to know everything since %v, and lost something at %v", since, lost)
			}
			if !r.doc().Unkept.IsZero() {
				t.Error("the loss is answered, and still marked")
			}
			r.watchFor(30 * time.Hour)
			if n := len(r.kept().Feed); n != 2 {
				t.Errorf("%d spans a day later", n)
			}
		})
	}
}

// A loss that another process marks meanwhile is not answered by this one's document.
func TestLossOfAnotherProcessStays(t *testing.T) {
	at := newWorld().now
	in := intake{job: access.Poll{Scope: project}, now: at, fed: true, limits: limits{gap: time.Hour}, mended: at}
	cur := Watch{First: at, Fed: at, Cursor: at, Unkept: at.Add(time.Second)}
	if next, _, _ := in.apply(cur); next.Unkept.IsZero() {
		t.Error("a loss is forgotten that nobody has answered")
	}
	cur.Unkept = at
	if next, _, changed := in.apply(cur); !next.Unkept.IsZero() || !changed {
		t.Error("a loss that was answered stays")
	}
}

func TestBuriedProjectHasNoHistory(t *testing.T) {
	r := newRig(t)
	r.pollOrg()
	r.poll()
	r.tell(project, "CLUSTER_READY", "c", alice, 0)
	r.watchFor(time.Hour)
	list := r.projects
	r.projects = nil
	r.eventErr[project] = fmt.Errorf("404: %w", access.ErrGone)
	r.pollOrg()
	r.poll()
	if h := r.kept(); len(h.Feed)+len(h.Duties) > 0 {
		t.Errorf("it is kept of a project that is gone: %+v", h)
	}
	r.projects, r.eventErr[project] = list, nil
	r.pass(time.Minute)
	r.pollOrg()
	r.poll()
	if h := r.kept(); len(h.Feed) != 1 || !h.Feed[0].From.Equal(r.clock()) {
		t.Errorf("spans of a project that came back: %v", h.Feed)
	}
}

// Polls of one scope at the same time, in two processes, keep what both see.
func TestHistoryOfTwoProcesses(t *testing.T) {
	r := keeper(t, user("app", "read"))
	other, err := New(r.w.opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		r.tell(project, fmt.Sprintf("TYPE_%d", i), "c", alice, 0)
		r.pass(time.Minute)
		done := make(chan error, 2)
		for _, w := range []*Watcher{r.w, other} {
			go func() {
				done <- w.Poll(context.Background(), access.Poll{Scope: project, Source: access.SourceFeed, At: r.clock()})
			}()
		}
		if err := errors.Join(<-done, <-done); err != nil && !errors.Is(err, access.ErrTemporary) {
			t.Fatal(err)
		}
	}
	if h := r.kept(); len(h.Duties[alice.Name]) != 20 || len(h.Feed) != 1 {
		t.Errorf("%d duties, spans %v", len(h.Duties[alice.Name]), hours(h.Feed))
	}
}
