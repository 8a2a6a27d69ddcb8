package rules

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	openWorld = "network/open-to-world"
	transient = "network/transient-open-to-world"
	unscoped  = "dbuser/unscoped"
	expired   = "dbuser/expired-migration-user"
	admin     = "dbuser/atlas-admin-app"
	all       = "0.0.0.0/0"
)

// step is one thing that happens in a story, and the transitions that the judgement
// after it publishes.
type step struct {
	do   func(b *bench)
	want []string
}

func TestStories(t *testing.T) {
	e := loadFive(t, testPolicy())
	list := func(names ...string) func(*bench) {
		return func(b *bench) { b.read(access.KindIPAccessEntry, entries(names...)...) }
	}
	users := func(us ...access.State) func(*bench) {
		return func(b *bench) { b.read(access.KindDatabaseUser, us...) }
	}
	roles := func(rs ...access.State) func(*bench) {
		return func(b *bench) { b.read(access.KindCustomRole, rs...) }
	}
	both := func(fs ...func(*bench)) func(*bench) {
		return func(b *bench) {
			for _, f := range fs {
				b.wait(time.Second)
				f(b)
			}
		}
	}
	status := func(k access.Kind, s access.Status) func(*bench) { return func(b *bench) { b.status(k, s) } }
	for name, steps := range map[string][]step{
		"opens, is put right, opens again": {
			{list(), nil},
			{list(all), []string{openWorld + " " + all + " >open #1"}},
			{list(), []string{openWorld + " " + all + " open>resolved #1"}},
			{list(all), []string{openWorld + " " + all + " resolved>open #2"}},
		},
		"opened and closed between two judgements": {
			{both(list(all), list()), []string{openWorld + " " + all + " >open #1", openWorld + " " + all + " open>resolved #1"}},
			{list(), nil},
		},
		"closed and opened again between two judgements": {
			{list(all), []string{openWorld + " " + all + " >open #1"}},
			{both(list(), list(all)), []string{openWorld + " " + all + " open>resolved #1", openWorld + " " + all + " resolved>open #2"}},
			{both(list(), list(all), list()), []string{openWorld + " " + all + " open>resolved #2", openWorld + " " + all + " resolved>open #3", openWorld + " " + all + " open>resolved #3"}},
		},
		"halves": {
			{list("0.0.0.0/1"), nil},
			{list("0.0.0.0/1", "128.0.0.0/1"), []string{openWorld + " " + prjID + " >open #1"}},
			{list("128.0.0.0/1"), []string{openWorld + " " + prjID + " open>resolved #1"}},
			{both(list("0.0.0.0/1", "128.0.0.0/1"), list("0.0.0.0/1")), []string{openWorld + " " + prjID + " resolved>open #2", openWorld + " " + prjID + " open>resolved #2"}},
		},
		"a user loses its scopes and gets them back": {
			{users(user("prod_app_user", true)), nil},
			{users(user("prod_app_user", false)), []string{unscoped + " admin/prod_app_user >open #1"}},
			{users(user("prod_app_user", true)), []string{unscoped + " admin/prod_app_user open>resolved #1"}},
			{users(), nil},
		},
		"a resource that is gone": {
			{users(user("prod_app_user", false)), []string{unscoped + " admin/prod_app_user >open #1"}},
			{users(), []string{unscoped + " admin/prod_app_user open>resolved #1"}},
		},
		"admin through a chain, and the chain is mended": {
			{both(roles(customRole("outer", "inner"), customRole("inner", "read")), users(user("prod_app_user", true, "outer"))), nil},
			{roles(customRole("outer", "inner"), customRole("inner", "atlasAdmin")), []string{admin + " admin/prod_app_user >open #1"}},
			{roles(customRole("outer", "inner"), customRole("inner", "read")), []string{admin + " admin/prod_app_user open>resolved #1"}},
			{both(roles(customRole("outer", "inner"), customRole("inner", "atlasAdmin")), roles(customRole("outer", "inner"), customRole("inner", "read"))),
				[]string{admin + " admin/prod_app_user resolved>open #2", admin + " admin/prod_app_user open>resolved #2"}},
		},
		"unknown changes no state": {
			{both(users(user("prod_app_user", true, "atlasAdmin"))), []string{admin + " admin/prod_app_user >open #1"}},
			{status(access.KindCustomRole, access.StatusDenied), []string{admin + " admin/prod_app_user open>open #1"}},
			{users(user("prod_app_user", true)), nil}, // put right, but that cannot be told
			{status(access.KindCustomRole, access.StatusComplete), []string{admin + " admin/prod_app_user open>resolved #1"}},
		},
		"opened while it could not be judged": {
			{status(access.KindCustomRole, access.StatusDenied), nil},
			{users(user("prod_app_user", true, "atlasAdmin")), nil},
			{users(user("prod_app_user", true)), nil},
			{status(access.KindCustomRole, access.StatusComplete), []string{admin + " admin/prod_app_user >open #1", admin + " admin/prod_app_user open>resolved #1"}},
			{users(user("prod_app_user", true)), nil},
		},
		"a kind that is just being read again is no news": {
			{list(all), []string{openWorld + " " + all + " >open #1"}},
			{func(b *bench) { b.dirty[access.KindIPAccessEntry] = b.now.Add(-2 * time.Second) }, nil},
			{func(b *bench) { delete(b.dirty, access.KindIPAccessEntry) }, nil},
		},
		"dirty is unknown": {
			{list(all), []string{openWorld + " " + all + " >open #1"}},
			{func(b *bench) { b.dirty[access.KindIPAccessEntry] = b.now.Add(-2 * time.Minute) }, []string{openWorld + " " + all + " open>open #1"}},
			{func(b *bench) { delete(b.dirty, access.KindIPAccessEntry) }, []string{openWorld + " " + all + " open>open #1"}},
		},
		"no targets is not applicable": {
			{users(user("prod_app_user", false)), []string{unscoped + " admin/prod_app_user >open #1"}},
			{func(b *bench) { b.read(access.KindCluster) }, []string{unscoped + " admin/prod_app_user open>resolved #1"}},
		},
		"one target left": {
			{users(user("prod_app_user", false)), []string{unscoped + " admin/prod_app_user >open #1"}},
			{func(b *bench) { b.read(access.KindCluster, access.Cluster{Cluster: "orders"}) }, []string{unscoped + " admin/prod_app_user open>open #1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, e)
			b.judge()
			b.takeEvents()
			for i, s := range steps {
				b.wait(time.Minute)
				s.do(b)
				b.judge()
				if diff := cmp.Diff(s.want, b.takeEvents()); diff != "" {
					t.Fatalf("step %d (-want +got):\n%s", i, diff)
				}
				writes := b.writes
				b.wait(time.Second)
				b.judge()
				if b.writes != writes {
					t.Fatalf("step %d: a second judgement of the same wrote: %v", i, b.takeEvents())
				}
			}
		})
	}
}

func TestMessagesCarryIDs(t *testing.T) {
	b := newBench(t, loadFive(t, testPolicy()))
	b.judge()
	b.read(access.KindIPAccessEntry, entries(all)...)
	b.judge()
	f := b.finding(openWorld, all)
	last := b.outs[len(b.outs)-1]
	if last.Topic != access.TopicAction || len(last.Keys) != 1 || last.Keys[0] != f.ID || f.ID != access.FindingID(openWorld, f.Ref, "") {
		t.Errorf("last message is %+v, want an action job for %s", last, f.ID)
	}
}

func TestStageErrors(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy()))
	if err := b.stage.Eval(context.Background(), access.Eval{Scope: "prj.x"}); err == nil {
		t.Error("a bad scope is judged")
	}
	err := b.stage.Eval(context.Background(), access.Eval{Scope: prj, Inventory: map[access.Kind]uint64{access.KindCluster: 99}})
	if !errors.Is(err, access.ErrTemporary) {
		t.Errorf("an inventory below the message's: %v, want a temporary error", err)
	}
	b.failing = access.ErrTemporary
	if err := b.stage.Eval(context.Background(), access.Eval{Scope: prj}); !errors.Is(err, access.ErrTemporary) {
		t.Errorf("dirty kinds that cannot be loaded: %v", err)
	}
	b.failing = nil
	b.doc.V = access.Version + 1
	if err := b.stage.Eval(context.Background(), access.Eval{Scope: prj}); err == nil {
		t.Error("findings of a newer program are rewritten")
	}
	if b.writes != 0 {
		t.Errorf("%d writes", b.writes)
	}
}

// TestInventoryAhead: the watcher died between its compare-and-set and its messages.
func TestInventoryAhead(t *testing.T) {
	b := newBench(t, loadFive(t, testPolicy()))
	b.read(access.KindDatabaseUser, user("prod_app_user", true))
	b.judge()
	b.read(access.KindDatabaseUser, user("prod_app_user", false))
	b.eval() // the clock: the change is not published yet
	if got := b.open(); got != nil {
		t.Fatalf("judged without its change: %v", got)
	}
	b.judge()
	f := b.finding(unscoped, "admin/prod_app_user")
	before, _ := access.As[access.DatabaseUser](f.Evidence.Before)
	if !f.Open() || len(before.Scopes) != 1 || f.Evidence.Change == "" {
		t.Errorf("finding %+v: want it open with the scopes that it had", f)
	}

	b.read(access.KindDatabaseUser, user("prod_app_user", true)) // lost for good: judged without it in the end
	b.late = nil
	b.wait(time.Hour)
	b.judge()
	if got := b.open(); got != nil {
		t.Errorf("still open: %v", got)
	}
}

func TestRepeatedChanges(t *testing.T) {
	b := newBench(t, loadFive(t, testPolicy()))
	b.judge()
	b.read(access.KindIPAccessEntry, entries(all)...)
	b.read(access.KindIPAccessEntry)
	b.read(access.KindIPAccessEntry, entries(all)...) // all in one second
	b.judge()
	want := []string{openWorld + " " + all + " >open #1", openWorld + " " + all + " open>resolved #1", openWorld + " " + all + " resolved>open #2"}
	if diff := cmp.Diff(want, b.takeEvents()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	b.stream = append(b.stream, b.stream...) // delivered again
	b.judge()
	if got := b.takeEvents(); got != nil {
		t.Errorf("told again: %v", got)
	}
}
