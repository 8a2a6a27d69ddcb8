package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// TestBreakGlassEachDay: each day of use is told once, also where the same address makes no
// change of it.
func TestBreakGlassEachDay(t *testing.T) {
	b := newBench(t, only(t, testPolicy(), "dbuser/break-glass-used"))
	login := func(day time.Time, addresses ...string) access.State {
		return access.AccessHistory{Cluster: "orders", Database: "admin", Username: "prod_breakglass_1", Addresses: addresses, LastLogin: day}
	}
	step := func(want ...string) {
		t.Helper()
		b.judge()
		if diff := cmp.Diff(want, b.takeEvents(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", b.now, diff)
		}
		b.judge()
		if again := b.takeEvents(); len(again) > 0 {
			t.Errorf("told again: %q", again)
		}
	}
	const opened, resolved = "dbuser/break-glass-used orders/admin/prod_breakglass_1 >open #1", "dbuser/break-glass-used orders/admin/prod_breakglass_1 open>resolved #1"
	day := t0.Truncate(24 * time.Hour)
	b.read(access.KindAccessHistory)
	step()
	b.wait(24 * time.Hour)
	b.read(access.KindAccessHistory, login(day.AddDate(0, 0, 1), "192.0.2.1"))
	step(opened)
	b.wait(24 * time.Hour)
	c := b.inv[access.KindAccessHistory] // the date alone moves: no change, and the document is written all the same
	c.Resources = slices.Clone(c.Resources)
	c.Resources[0].Box = access.Box{State: login(day.AddDate(0, 0, 2), "192.0.2.1")}
	b.store(access.KindAccessHistory, c)
	step(opened, resolved)
	b.wait(time.Hour)
	b.read(access.KindAccessHistory, login(day.AddDate(0, 0, 2), "192.0.2.1", "192.0.2.2"))
	b.judge()
	for _, e := range b.takeEvents() {
		if e != "dbuser/break-glass-used orders/admin/prod_breakglass_1 open>open #1" {
			t.Errorf("another address on the same day: %q", e)
		}
	}
	b.wait(9 * 24 * time.Hour)
	step(resolved)
}

// TestSharedNames: a name that several environments have is one finding; while one of the
// projects cannot be read it stays, and it goes with the last but one of them.
func TestSharedNames(t *testing.T) {
	const rule = "dbuser/shared-across-environments"
	e := only(t, testPolicy(), rule)
	org := access.OrgScope(testOrg)
	prod := access.Contribution{V: 1, Scope: prj, Title: "shop-prod", Environment: "prod", Users: []string{"admin/app"}}
	dev := access.Contribution{V: 1, Scope: access.ProjectScope(fmt.Sprintf("%024x", 9)), Title: "shop-dev", Environment: "dev", Users: []string{"admin/app", "admin/dev"}}
	in := Input{Scope: org, Now: t0, Collections: map[access.Kind]access.Collection{access.KindOrg: access.NewCollection(org, access.KindOrg, []access.State{access.Org{ID: testOrg}})}}
	doc := access.Findings{}
	judge := func(projects []access.Contribution) (out []string) {
		in.Facts = e.Gather(in, projects)[org]
		in.Open = doc.Findings
		var events []access.FindingEvent
		doc, events = e.Advance(doc, in, e.Evaluate(in))
		for _, ev := range events {
			out = append(out, fmt.Sprintf("%s %s>%s unknown %t", ev.Finding.Ref.Name, ev.From, ev.To, ev.Finding.Unknown != ""))
		}
		in.Now = in.Now.Add(time.Hour)
		return out
	}
	expect := func(what string, want []string, projects ...access.Contribution) {
		t.Helper()
		if diff := cmp.Diff(want, judge(projects), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	expect("one project", nil, prod)
	expect("two", []string{"admin/app >open unknown false"}, prod, dev)
	expect("in another order", nil, dev, prod)
	blind := dev
	blind.Unread = map[access.Kind]string{access.KindDatabaseUser: "denied"}
	expect("one cannot be read, and what it told last still holds", nil, prod, blind)
	moved := dev
	moved.Environment = "prod"
	expect("one environment", []string{"admin/app open>resolved unknown false"}, prod, moved)
	expect("two again", []string{"admin/app resolved>open unknown false"}, prod, dev)
	facts := in.Facts
	in.Facts = access.Facts{}
	if v := e.Judge(in, rule, access.Ref{Scope: org, Kind: access.KindDatabaseUser, Name: "admin/app"}, ""); v.Answer != access.AnswerUnknown {
		t.Errorf("nothing gathered: %s", answerText(v.Answer))
	}
	in.Facts = facts
	if v := e.Judge(in, rule, access.Ref{Scope: org, Kind: access.KindDatabaseUser, Name: "admin/app"}, ""); v.Answer != access.AnswerViolation || v.Severity != access.Medium {
		t.Errorf("judged alone: %s %s", answerText(v.Answer), v.Severity)
	}
	expect("gone from one", []string{"admin/app open>resolved unknown false"}, prod)
}

// TestRolesOfThen: a custom role is judged among the roles as they were, so that two made
// together and gone together were never without each other.
func TestRolesOfThen(t *testing.T) {
	b := newBench(t, only(t, testPolicy(), "role/privileged-inheritance"))
	b.judge()
	b.wait(time.Hour)
	b.read(access.KindCustomRole, customRole("outer", "inner"), customRole("inner", "read"))
	b.wait(time.Hour)
	b.read(access.KindCustomRole, customRole("outer", "inner"), customRole("inner", reach.AtlasAdmin))
	b.wait(time.Hour)
	b.read(access.KindCustomRole, customRole("outer", "inner"), customRole("inner", "read"))
	b.judge()
	f := b.finding("role/privileged-inheritance", "inner")
	if f.State != access.FindingResolved || f.Evidence.Ended.IsZero() {
		t.Errorf("inner had atlasAdmin for an hour: %+v", f)
	}
}

// TestDanglingScopeInTime: a scope that lost its target is told after a day, once, and is
// no debt from before we came.
func TestDanglingScopeInTime(t *testing.T) {
	const rule = "dbuser/dangling-scope"
	b := newBench(t, only(t, testPolicy(), rule))
	delete(b.inv, access.KindDatabaseUser)
	b.read(access.KindDatabaseUser, user("a_app_user", true, "read"))
	b.wait(48 * time.Hour)
	b.judge()
	b.read(access.KindCluster, access.Cluster{Cluster: "stock"})
	c := b.inv[access.KindCluster]
	c.Trail.Recent = slices.Clone(c.Trail.Recent)
	c.Trail.Recent[len(c.Trail.Recent)-1].Until = b.now
	b.store(access.KindCluster, c)
	b.wait(23 * time.Hour)
	b.judge()
	if open := b.open(); len(open) > 0 {
		t.Errorf("within a day: %q", open)
	}
	b.wait(2 * time.Hour)
	b.judge()
	if f := b.finding(rule, "admin/a_app_user"); !f.Open() || f.Origin != access.OriginNew {
		t.Errorf("after a day: %s %s (%s)", f.State, f.Origin, f.OriginWhy)
	}
	b.read(access.KindCluster, access.Cluster{Cluster: "stock"}, access.Cluster{Cluster: "orders"})
	b.judge()
	if f := b.finding(rule, "admin/a_app_user"); f.Open() {
		t.Error("the cluster is there again")
	}
}

// TestRestOnThePast: one look says nothing of what only time can tell.
func TestRestOnThePast(t *testing.T) {
	past := map[string]bool{"dbuser/unused": true, "dbuser/credential-too-old": true}
	for _, r := range mustLoad(t, testPolicy()).Rules() {
		family, _, _ := strings.Cut(r.ID, "/")
		if slices.Contains([]string{"dbuser", "role", "dbauth"}, family) && r.Past != past[r.ID] {
			t.Errorf("%s rests on the past: %t", r.ID, r.Past)
		}
	}
}

// TestEachOfMistakes: what each_of cannot be is refused with its place.
func TestEachOfMistakes(t *testing.T) {
	plain := strings.Replace(good, "when: ", "each_of: {kind: cluster, names: \"[cluster.name]\"}\nwhen: ", 1)
	for name, c := range map[string]struct{ old, now, want string }{
		"no names":      {", names: \"[cluster.name]\"", "", "through and each_of need kind and names"},
		"no kind":       {"kind: cluster, ", "", "through and each_of need kind and names"},
		"of a change":   {"each_of", "on: change\neach_of", "each_of is of state rules on one kind"},
		"with through":  {"each_of", "through: {kind: cluster, names: \"[cluster.name]\"}\neach_of", "each_of is of state rules on one kind"},
		"names no list": {"[cluster.name]", "cluster.name", "each_of.names gives string: want list(string)"},
		"misspelt":      {"each_of", "eachof", "did you mean \"each_of\"?"},
		"another kind":  {"kind: cluster, names", "kind: clusters, names", "did you mean \"cluster\"?"},
		"each misspelt": {"'cluster ' + cluster.name", "eech", "undeclared reference to 'eech'"},
		"each, no text": {"'cluster ' + cluster.name", "each + 1", "no matching overload"},
	} {
		_, err := Load(testPolicy(), Source{"f.yaml", []byte(strings.Replace(plain, c.old, c.now, 1))})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "f.yaml:") {
			t.Errorf("%s: %q is not in: %v", name, c.want, err)
		}
	}
}
