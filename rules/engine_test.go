package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// verdicts are the violations by name of a judgement of the bench's state as it is,
// from nothing but the inventory.
func (b *bench) verdicts(rule string) map[string]access.Verdict {
	in := Input{Scope: prj, Environment: "prod", Collections: b.inv, Now: b.now}
	out := map[string]access.Verdict{}
	for _, v := range b.engine.Evaluate(in) {
		if v.Rule == rule {
			out[v.Ref.Name] = v
		}
	}
	return out
}

func TestWorldEntries(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for _, c := range []struct {
		list []string
		want []string // names with a violation
	}{
		{[]string{all}, []string{all}},
		{[]string{"::/0"}, []string{"::/0"}},
		{[]string{"::ffff:0.0.0.0/96"}, []string{"::ffff:0.0.0.0/96"}}, // IPv4-mapped, should Atlas ever list it so
		{[]string{"2000::/3"}, []string{"2000::/3"}},
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, []string{prjID}},
		{[]string{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"}, []string{prjID}}, // multicast and reserved space left out
		{[]string{"2000::/4", "3000::/4"}, []string{"2000::/4"}},
		{[]string{"2000::/5", "2800::/5"}, []string{prjID}},
		{[]string{"0.0.0.0/1", "128.0.0.0/2"}, nil},
		{[]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, nil},
		{[]string{"0.0.0.0/1", "128.0.0.0/1", all}, []string{all, prjID}},
		{[]string{"203.0.113.0/28", "198.51.100.7/32"}, nil},
		{[]string{"sg-0123456789abcdef0", "garbage"}, nil},
		{eights(0, 256, -1), []string{prjID}},
		{eights(0, 256, 127), []string{prjID}},
		{eights(1, 224, -1), []string{prjID}}, // only what can be somebody's address
		{eights(0, 256, 8), nil},
	} {
		b := newBench(t, e)
		b.read(access.KindIPAccessEntry, entries(c.list...)...)
		var got []string
		for name, v := range b.verdicts(openWorld) {
			if v.Answer == access.AnswerViolation {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.list, diff)
		}
	}
}

// eights are all networks of /8 from the first to before the last, but for one.
func eights(first, last, without int) (out []string) {
	for i := first; i < last; i++ {
		if i != without {
			out = append(out, fmt.Sprintf("%d.0.0.0/8", i))
		}
	}
	return out
}

// TestUnionCauses: which entries a union of the world is put down to.
func TestUnionCauses(t *testing.T) {
	e := mustLoad(t, testPolicy())
	type at struct {
		after time.Duration
		list  []string
	}
	for name, c := range map[string]struct {
		before  []string // at first sight
		then    []at
		causes  []string
		ceiling access.Ceiling
		origin  access.Origin
	}{
		"two halves": {nil, []at{{time.Hour, []string{"0.0.0.0/1"}}, {2 * time.Hour, []string{"0.0.0.0/1", "128.0.0.0/1"}}},
			[]string{"0.0.0.0/1", "128.0.0.0/1"}, access.CeilingAuto, access.OriginNew},
		"one half was there before": {[]string{"0.0.0.0/1"}, []at{{time.Hour, []string{"0.0.0.0/1", "128.0.0.0/1"}}},
			[]string{"128.0.0.0/1"}, access.CeilingAuto, access.OriginNew},
		"the other half is older than a day": {nil, []at{{time.Hour, []string{"0.0.0.0/1"}}, {26 * time.Hour, []string{"0.0.0.0/1", "128.0.0.0/1"}}},
			[]string{"128.0.0.0/1"}, access.CeilingAuto, access.OriginNew},
		"all of it was there before": {[]string{"0.0.0.0/1", "128.0.0.0/1"}, []at{{time.Hour, []string{"0.0.0.0/1", "128.0.0.0/1", "192.0.0.0/2"}}},
			[]string{"192.0.0.0/2"}, access.CeilingAsk, access.OriginInherited},
		"small and declared entries are no causes": {[]string{"0.0.0.0/1"}, []at{{time.Hour, []string{"0.0.0.0/1", "16.0.0.0/8", "198.41.0.0/16", "198.40.0.0/15", "128.0.0.0/1"}}},
			[]string{"128.0.0.0/1", "198.40.0.0/15"}, access.CeilingAuto, access.OriginNew},
		"a comment is no addition": {[]string{"0.0.0.0/1"}, []at{{time.Hour, []string{"0.0.0.0/1", "128.0.0.0/1"}}, {time.Minute, []string{"0.0.0.0/1#", "128.0.0.0/1"}}},
			[]string{"128.0.0.0/1"}, access.CeilingAuto, access.OriginNew},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, e)
			delete(b.inv, access.KindIPAccessEntry)
			b.read(access.KindIPAccessEntry, entries(c.before...)...)
			b.judge()
			for _, s := range c.then {
				b.wait(s.after)
				b.read(access.KindIPAccessEntry, commented(s.list)...)
				b.judge()
			}
			f := b.finding(openWorld, prjID)
			var got []string
			for _, r := range f.Evidence.Causes {
				got = append(got, r.Name)
			}
			if diff := cmp.Diff(c.causes, got); diff != "" || f.Ceiling != c.ceiling || f.Origin != c.origin {
				t.Errorf("ceiling %q, origin %q (%s), causes (-want +got):\n%s", f.Ceiling, f.Origin, f.OriginWhy, diff)
			}
			if again := b.verdicts(openWorld)[prjID]; again.Ceiling != c.ceiling {
				t.Errorf("judged again: ceiling %q", again.Ceiling)
			}
		})
	}
}

func commented(list []string) (out []access.State) {
	for _, e := range list {
		entry := access.IPAccessEntry{Entry: e}
		if n := len(e) - 1; e[n] == '#' {
			entry = access.IPAccessEntry{Entry: e[:n], Comment: "new comment"}
		}
		out = append(out, entry)
	}
	return out
}

// TestOrigin: who is reverted and who is only told.
func TestOrigin(t *testing.T) {
	e := loadFive(t, testPolicy())
	at := t0.Add(time.Minute)
	base := access.Findings{Judged: access.Judged{At: t0, Rules: e.Hash()}, Environment: "prod"}
	other := base
	other.Judged.Rules = "another"
	moved := base
	moved.Environment = "dev"
	for name, c := range map[string]struct {
		doc  access.Findings
		res  access.Resource
		want access.Origin
	}{
		"at first sight":                  {base, access.Resource{Baseline: true, FirstSeen: t0}, access.OriginInherited},
		"commented since":                 {base, access.Resource{Baseline: true, FirstSeen: t0, ChangedAt: at, Cause: "x"}, access.OriginInherited},
		"added":                           {base, access.Resource{FirstSeen: at, ChangedAt: at, Cause: "x"}, access.OriginNew},
		"added in a gap":                  {base, access.Resource{FirstSeen: at, ChangedAt: at, Cause: "x", Gap: true}, access.OriginInherited},
		"never judged before":             {access.Findings{}, access.Resource{FirstSeen: at, ChangedAt: at, Cause: "x"}, access.OriginNew},
		"opened by other rules":           {other, access.Resource{FirstSeen: t0, ChangedAt: t0.Add(-time.Hour), Cause: "x"}, access.OriginInherited},
		"opened by another environment":   {moved, access.Resource{FirstSeen: t0, ChangedAt: t0.Add(-time.Hour), Cause: "x"}, access.OriginInherited},
		"other rules, and a fresh change": {other, access.Resource{FirstSeen: at, ChangedAt: at, Cause: "x"}, access.OriginNew},
	} {
		c.res.Box = access.Box{State: access.IPAccessEntry{Entry: all}}
		list := access.Collection{Scope: prj, Kind: access.KindIPAccessEntry, Status: access.StatusComplete, FirstRead: t0, Resources: []access.Resource{c.res}}
		in := Input{Scope: prj, Environment: "prod", Now: at.Add(time.Second), Collections: map[access.Kind]access.Collection{access.KindIPAccessEntry: list}}
		next, events := e.Advance(c.doc, in, e.Evaluate(in))
		if len(events) != 1 || events[0].Finding.Origin != c.want || events[0].Finding.OriginWhy == "" {
			t.Errorf("%s: %+v, want origin %q", name, events, c.want)
		}
		if _, again := e.Advance(next, in, e.Evaluate(in)); len(again) != 0 {
			t.Errorf("%s: told again: %+v", name, again)
		}
	}
}

// TestExpiry: the cause of a date that passes is its passing.
func TestExpiry(t *testing.T) {
	e := mustLoad(t, testPolicy())
	b := newBench(t, e)
	date := t0.Add(time.Hour)
	u := user("prod_migration_x", true, "readWrite")
	u.Labels = []access.Label{{Key: "expires", Value: date.Format(time.RFC3339)}}
	old := user("prod_migration_old", true, "readWrite")
	old.Description = "expires=" + t0.Add(-time.Hour).Format(time.RFC3339)
	delete(b.inv, access.KindDatabaseUser)
	b.read(access.KindDatabaseUser, old)
	b.judge()
	b.wait(time.Minute)
	b.read(access.KindDatabaseUser, old, u)
	b.judge()
	if diff := cmp.Diff([]string{expired + " admin/prod_migration_old"}, b.open()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if f := b.finding(expired, "admin/prod_migration_old"); f.Origin != access.OriginInherited || !f.CauseAt.IsZero() {
		t.Errorf("what expired before we watched: origin %q, cause %v", f.Origin, f.CauseAt)
	}
	b.now = date
	b.judge()
	f := b.finding(expired, "admin/prod_migration_x")
	if !f.CauseAt.Equal(date) || f.Origin != access.OriginNew || f.Ceiling != access.CeilingAuto || f.Evidence.Change != "" {
		t.Errorf("%+v", f)
	}
	b.wait(time.Minute)
	u.Roles = []access.RoleGrant{}
	b.read(access.KindDatabaseUser, old, u)
	b.judge()
	if f := b.finding(expired, "admin/prod_migration_x"); f.Open() {
		t.Error("a user without roles is still open")
	}
	late := user("prod_migration_late", true, "readWrite")
	late.Labels = []access.Label{{Key: "expires", Value: t0.Format(time.RFC3339)}}
	b.wait(48 * time.Hour)
	b.read(access.KindDatabaseUser, late, old, u)
	b.judge()
	if f := b.finding(expired, "admin/prod_migration_late"); !f.CauseAt.Equal(b.now) || f.Origin != access.OriginNew || f.Evidence.Change == "" {
		t.Errorf("a date that had passed when it was written: %+v", f)
	}
	b.wait(73 * time.Hour)
	aged := user("prod_migration_aged", true, "readWrite")
	b.read(access.KindDatabaseUser, aged, late, old, u)
	b.judge()
	born := b.now
	b.wait(73 * time.Hour)
	b.judge()
	if f := b.finding(expired, "admin/prod_migration_aged"); !f.CauseAt.Equal(born.Add(72*time.Hour)) || f.Ceiling != access.CeilingAsk {
		t.Errorf("older than its class may be: %+v", f)
	}
}

// TestAdminCause: what put a user among the admins decides what may be done about it.
func TestAdminCause(t *testing.T) {
	e := mustLoad(t, testPolicy())
	const name = "admin/prod_app_user"
	b := newBench(t, e)
	b.read(access.KindCustomRole, customRole("chain", "inner"), customRole("inner", "atlasAdmin"))
	b.read(access.KindDatabaseUser, user("prod_app_user", true, "readWrite"))
	b.judge()
	b.wait(time.Minute)
	b.read(access.KindDatabaseUser, user("prod_app_user", true, "chain"))
	b.judge()
	f := b.finding(admin, name)
	before, _ := access.As[access.DatabaseUser](f.Evidence.Before)
	if f.Ceiling != access.CeilingAuto || len(f.Evidence.Causes) != 0 || len(before.Roles) != 1 || before.Roles[0].Role != "readWrite" || f.Actor.Name == "" {
		t.Errorf("granted by a change of the user: %+v", f)
	}
	if v := e.Judge(Input{Scope: prj, Environment: "prod", Now: b.now, Collections: b.inv}, admin, f.Ref, ""); v.Ceiling != access.CeilingAuto || v.CauseAt != b.now {
		t.Errorf("judged for the executor, without its change: %+v", v)
	}
	if diff := cmp.Diff([]string{"chain", "inner", "atlasAdmin"}, f.Evidence.Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]access.RoleGrant{{Role: "readWrite", Database: "shop"}}, f.Evidence.DeclaredRoles); diff != "" {
		t.Errorf("declared roles (-want +got):\n%s", diff)
	}
	b.wait(time.Minute)
	u := user("prod_app_user", true, "chain")
	u.Description = "nothing to see"
	b.read(access.KindDatabaseUser, u) // a later change does not hide what it had before
	b.judge()
	if f := b.finding(admin, name); f.Episode != 1 || len(f.Evidence.Before.State.(access.DatabaseUser).Roles) != 1 {
		t.Errorf("after another change: %+v", f)
	}

	b = newBench(t, e)
	b.read(access.KindCustomRole, customRole("chain", "inner"), customRole("inner", "read"))
	b.read(access.KindDatabaseUser, user("prod_app_user", true, "chain"))
	b.judge()
	b.wait(time.Minute)
	b.read(access.KindCustomRole, customRole("chain", "inner"), customRole("inner", "atlasAdmin"))
	b.judge()
	f = b.finding(admin, name)
	want := []access.Ref{{Scope: prj, Kind: access.KindCustomRole, Name: "inner"}}
	if diff := cmp.Diff(want, f.Evidence.Causes); diff != "" || f.Ceiling != access.CeilingAsk || f.Origin != access.OriginNew {
		t.Errorf("granted by a change of a role: ceiling %q, origin %q, causes (-want +got):\n%s", f.Ceiling, f.Origin, diff)
	}
	if v := e.Judge(Input{Scope: prj, Environment: "prod", Now: b.now, Collections: b.inv}, admin, f.Ref, ""); v.Answer != access.AnswerViolation || v.Ceiling != access.CeilingAsk {
		t.Errorf("judged for the executor: %+v", v)
	}
}

func TestTransient(t *testing.T) {
	e := mustLoad(t, testPolicy())
	b := newBench(t, e)
	b.judge()
	seen := func(id, kind, name string, from, to time.Duration) access.Change {
		c := access.Change{V: 1, ID: id, Op: access.OpObserved, Type: kind, Ref: access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: name}, Occurred: t0.Add(from), Observed: b.now}
		if to > 0 {
			c.Ended = t0.Add(to)
		}
		return c
	}
	const added = "NETWORK_PERMISSION_ENTRY_ADDED"
	own := seen("e0", added, "0.0.0.0/0", time.Second, 2*time.Second)
	own.Own = "some-action"
	b.stream = append(b.stream, own)
	b.judge()
	b.wait(time.Hour)
	b.stream = append(b.stream,
		seen("e1", added, all, 10*time.Second, 17*time.Second),
		seen("e2", "NETWORK_PERMISSION_ENTRY_REMOVED", all, 17*time.Second, 0),
		seen("e3", added, "203.0.113.7/32", 10*time.Second, 0),
		seen("e4", added, "::0/0", 20*time.Second, 0),
	)
	b.judge()
	want := []string{transient + " 0.0.0.0/0 >open #1", transient + " ::/0 >open #1"}
	if diff := cmp.Diff(want, b.takeEvents()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	b.stream = append(b.stream, b.stream...)
	b.judge()
	if got := b.takeEvents(); got != nil {
		t.Errorf("told again: %v", got)
	}
	b.stream = append(b.stream, access.Change{V: 1, ID: "e1", Rev: 1, Op: access.OpAttributed, Actor: access.Actor{Type: access.ActorHuman, Name: "eve"}, Ref: b.finding(transient, all).Ref})
	b.judge()
	if f := b.finding(transient, all); f.Actor.Name != "eve" || !f.Evidence.Ended.Equal(t0.Add(17*time.Second)) || f.Remedy != "none" || f.Ceiling != access.CeilingTell {
		t.Errorf("%+v", f)
	}
	b.takeEvents()
	b.status(access.KindIPAccessEntry, access.StatusDenied)
	b.stream = append(b.stream, seen("e5", added, "0.0.0.0/0", 2*time.Hour, 0))
	b.judge() // whether it is gone cannot be told: it waits
	if got := b.takeEvents(); got != nil {
		t.Errorf("while denied: %v", got)
	}
	b.wait(time.Hour)
	b.status(access.KindIPAccessEntry, access.StatusComplete)
	b.judge()
	want = []string{transient + " 0.0.0.0/0 >open #1"} // another opening, beside the one that stands
	if diff := cmp.Diff(want, b.takeEvents()); diff != "" {
		t.Errorf("after the wait (-want +got):\n%s", diff)
	}
	b.wait(8 * 24 * time.Hour)
	b.judge()
	want = []string{transient + " ::/0 open>resolved #1", transient + " 0.0.0.0/0 open>resolved #1", transient + " 0.0.0.0/0 open>resolved #1"}
	got := b.takeEvents()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(b.doc.Standing) != 0 {
		t.Errorf("after its time, %d stand (-want +got):\n%s", len(b.doc.Standing), diff)
	}
	b.wait(31 * 24 * time.Hour)
	b.judge()
	if len(b.doc.Findings) != 0 {
		t.Errorf("%d findings are kept", len(b.doc.Findings))
	}
}

// TestFailingRule: a rule that errors is unknown, never a pass.
func TestFailingRule(t *testing.T) {
	text := `
id: mine/broken
title: t
why: w
kind: cluster
when: cluster.tags[0].value == 'x'
message: "'m'"
tests:
  - {name: a, given: {cluster: [{name: a, tags: [{key: k, value: x}]}, {name: b, tags: [{key: k, value: x}]}, {name: c, tags: [{key: k, value: z}]}, {name: d, tags: [{key: k, value: z}]}, {name: e}]},
     want: {a: violation, b: violation, c: pass, d: pass, e: unknown}}
`
	e := mustLoad(t, testPolicy(), Source{"f.yaml", []byte(text)})
	var failed []string
	e.OnFailure(func(rule string, err error) { failed = append(failed, rule) })
	in := Input{Scope: prj, Now: t0, Collections: map[access.Kind]access.Collection{
		access.KindCluster: access.NewCollection(prj, access.KindCluster, []access.State{access.Cluster{Cluster: "bare"}}),
	}}
	got := verdictsBy("mine/broken", e.Evaluate(in))
	if len(got) != 1 || got[0].Answer != access.AnswerUnknown || got[0].Why == "" || len(failed) != 1 {
		t.Errorf("verdicts %+v, failures %v", got, failed)
	}
}

// TestEnvironmentHolds: a project that is renamed into a weaker environment is judged
// as before.
func TestEnvironmentHolds(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy()))
	b.read(access.KindIPAccessEntry, entries(all)...)
	b.judge()
	b.read(access.KindProject, access.Project{ID: prjID, Title: "shop-dev"})
	b.judge()
	if f := b.finding(openWorld, all); f.Environment != "prod" || f.Severity != access.Critical || b.doc.Environment != "prod" {
		t.Errorf("severity %s in %q", f.Severity, f.Environment)
	}
}

// TestLateEventSaysSinceWhen: a read opened the finding; the event that names its actor
// later also says that it began before.
func TestLateEventSaysSinceWhen(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy()))
	b.read(access.KindIPAccessEntry, entries("203.0.113.10/32")...)
	b.judge()
	b.wait(time.Hour)
	b.read(access.KindIPAccessEntry, entries("203.0.113.10/32", all)...)
	b.judge()
	f := b.finding(openWorld, all)
	since := f.CauseAt.Add(-30 * time.Second)
	b.stream = append(b.stream, access.Change{V: 1, ID: f.Evidence.Change, Rev: 1, Op: access.OpAttributed, Actor: access.Actor{Type: access.ActorHuman, Name: "eve"}, Ref: f.Ref, Occurred: since})
	b.judge()
	if got := b.finding(openWorld, all); got.Actor.Name != "eve" || !got.CauseAt.Equal(since) {
		t.Errorf("by %q since %s, want eve since %s", got.Actor.Name, got.CauseAt, since)
	}
}

// A rule that needs a kind outside of the profile is not judged: it makes no verdict, and
// what is open of it stays open, marked.
func TestNotCovered(t *testing.T) {
	policy := testPolicy()
	covered := mustLoad(t, policy)
	policy.Covered = []access.Kind{access.KindProject, access.KindDatabaseUser}
	narrow := mustLoad(t, policy)
	b := newBench(t, covered)
	b.read(access.KindIPAccessEntry, entries(all)...)
	in := Input{Scope: prj, Environment: "prod", Collections: b.inv, Now: b.now}
	doc, _ := covered.Advance(access.Findings{}, in, covered.Evaluate(in))
	verdicts := narrow.Evaluate(in)
	for _, v := range verdicts {
		if v.Rule == openWorld {
			t.Errorf("judged: %+v", v)
		}
	}
	entry := access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: all}
	if v := narrow.Judge(in, openWorld, entry, ""); v.Answer != access.AnswerNotCovered {
		t.Errorf("judged one: %+v", v)
	}
	next, _ := narrow.Advance(doc, in, verdicts)
	f := next.Findings[access.FindingID(openWorld, entry, "")]
	if f.State != access.FindingOpen || f.UnknownSince.IsZero() || f.Unknown == "" {
		t.Errorf("the open finding became %+v", f)
	}
	again, events := narrow.Advance(next, in, verdicts)
	if len(events) != 0 || !same(again, next) {
		t.Errorf("a second time it changes something: %v", events)
	}
}
