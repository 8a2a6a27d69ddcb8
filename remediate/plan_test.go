package remediate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fresh is what a read of these states shows.
func fresh(states ...access.State) map[access.Kind]access.Collection {
	out := map[access.Kind]access.Collection{}
	for _, k := range append(access.TargetKinds(), access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole) {
		var mine []access.State
		for _, s := range states {
			if s.Kind() == k {
				mine = append(mine, s)
			}
		}
		out[k] = access.NewCollection(scope, k, mine)
	}
	return out
}

func list(cidrs ...string) []access.State {
	var out []access.State
	for _, c := range cidrs {
		out = append(out, access.IPAccessEntry{Entry: c, Comment: "for " + c})
	}
	return out
}

func kase(f access.Finding, states ...access.State) Case {
	f.Ref.Scope, f.Environment, f.Origin, f.Ceiling, f.State = scope, "prod", access.OriginNew, access.CeilingAuto, access.FindingOpen
	f.CauseAt, f.OpenedAt, f.Severity = t0.Add(-10*time.Minute), t0, access.Critical
	return Case{Policy: Policy{Responses: []access.Response{{Do: access.ModeRevert}}}, Finding: f, Fresh: fresh(states...), Now: t0, CanWrite: true,
		Verdict: access.Verdict{Answer: access.AnswerViolation, Ceiling: access.CeilingAuto}}
}

func said(ops []access.Operation) []string {
	var out []string
	for _, o := range ops {
		s := string(o.Type) + " " + o.Ref.Name
		if len(o.Roles) > 0 {
			s += " " + joined(o.Roles)
		}
		if len(o.Scopes) > 0 {
			s += " " + scopeNames(o.Scopes)
		}
		out = append(out, s)
	}
	return out
}

const (
	auto = access.CeilingAuto
	asks = access.CeilingAsk
)

func TestPlanDeletions(t *testing.T) {
	office := Policy{Networks: []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"64.0.0.0/2"}}}, {Environment: "dev", Purposes: map[string][]string{"x": {"0.0.0.0/0"}}}}}
	for _, c := range []struct {
		name    string
		f       access.Finding
		policy  Policy
		list    []access.State
		want    []string
		ceiling access.Ceiling
		why     string
	}{
		{"one entry", entryFinding(world0), Policy{}, list(world0, "203.0.113.0/28"), []string{world0}, auto, ""},
		{"declared elsewhere only", entryFinding(world0), office, list(world0, "203.0.113.0/28"), []string{world0}, auto, ""},
		{"entry with a cause beside it", entryFinding(world0, "::/0"), Policy{}, list(world0, "::/0", "203.0.113.0/28"), []string{world0, "::/0"}, auto, ""},
		{"gone already", entryFinding(world0), Policy{}, list("203.0.113.0/28"), nil, asks, "none of the entries"},
		{"halves", unionFinding("128.0.0.0/1", "0.0.0.0/1"), Policy{}, list("0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/28"), []string{"0.0.0.0/1", "128.0.0.0/1"}, auto, ""},
		{"one half only, ours to delete", unionFinding("128.0.0.0/1"), Policy{}, list("0.0.0.0/1", "128.0.0.0/1"), []string{"128.0.0.0/1"}, auto, ""},
		{"a half is gone", unionFinding("128.0.0.0/1", "0.0.0.0/1"), Policy{}, list("0.0.0.0/1", "203.0.113.0/28"), []string{"0.0.0.0/1"}, auto, ""},
		{"too narrow to blame", unionFinding("128.0.0.0/1", "203.0.0.0/16"), Policy{}, list("0.0.0.0/1", "128.0.0.0/1", "203.0.0.0/16"), []string{"128.0.0.0/1"}, asks, "not wide enough"},
		{"just wide enough", unionFinding("8.0.0.0/15"), Policy{}, list("8.0.0.0/15", "203.0.113.0/28"), []string{"8.0.0.0/15"}, auto, ""},
		{"narrow IPv6", unionFinding("2a00::/32"), Policy{}, list("2a00::/32", "203.0.113.0/28"), nil, asks, "not wide enough"},
		{"wide IPv6", unionFinding("2a00::/31"), Policy{}, list("2a00::/31", "203.0.113.0/28"), []string{"2a00::/31"}, auto, ""},
		{"declared", unionFinding("64.0.0.0/2", "128.0.0.0/1"), office, list("64.0.0.0/2", "128.0.0.0/1", "203.0.113.0/28"), []string{"128.0.0.0/1"}, asks, "declared networks"},
		{"rest is the world", entryFinding(world0), Policy{}, list(world0, "0.0.0.0/1", "128.0.0.0/1"), []string{world0}, asks, "whole internet"},
		{"last way in", entryFinding(world0), Policy{}, list(world0), []string{world0}, asks, "no other way in"},
		{"other way in has expired", entryFinding(world0), Policy{}, append(list(world0), access.IPAccessEntry{Entry: "203.0.113.1/32", DeleteAfterDate: t0}), []string{world0}, asks, "no other way in"},
		{"security group is a way in", entryFinding(world0), Policy{}, list(world0, "sg-0abc"), []string{world0}, auto, ""},
		{"own address", entryFinding(world0), Policy{Own: access.OwnAccess{Addresses: []string{"198.51.100.7/32"}}}, list(world0, "203.0.113.0/28"), []string{world0}, asks, "our own address"},
		{"own address still let in", entryFinding(world0), Policy{Own: access.OwnAccess{Addresses: []string{"203.0.113.3/32"}}}, list(world0, "203.0.113.0/28"), []string{world0}, auto, ""},
		{"own address unreadable", entryFinding(world0), Policy{Own: access.OwnAccess{Addresses: []string{"us"}}}, list(world0, "203.0.113.0/28"), []string{world0}, asks, "our own address us"},
		{"causes of another scope", foreign(), Policy{}, list("0.0.0.0/1", "128.0.0.0/1"), nil, asks, "none of the entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kase(c.f, c.list...)
			k.Policy = c.policy
			p := MakePlan(k)
			var want []string
			for _, w := range c.want {
				want = append(want, "delete_access_entry "+w)
			}
			if d := cmp.Diff(want, said(p.Operations)); d != "" {
				t.Error(d)
			}
			if p.Ceiling != c.ceiling || !strings.Contains(p.Why, c.why) {
				t.Errorf("ceiling %q: %s", p.Ceiling, p.Why)
			}
			if len(p.Inverse) != len(p.Operations) {
				t.Errorf("%d inverse operations for %d", len(p.Inverse), len(p.Operations))
			}
		})
	}
}

func foreign() access.Finding {
	f := unionFinding("0.0.0.0/1", "128.0.0.0/1")
	for i := range f.Evidence.Causes {
		f.Evidence.Causes[i].Scope = "prj.64f000000000000000000002"
	}
	return f
}

func TestInverseOfTemporaryEntry(t *testing.T) {
	for _, c := range []struct {
		until time.Time
		back  int
		says  string
	}{{t0.Add(time.Hour), 1, "yes"}, {t0, 0, "not wholly"}, {time.Time{}, 1, "yes"}} {
		e := access.IPAccessEntry{Entry: world0, Comment: "incident", DeleteAfterDate: c.until}
		p := MakePlan(kase(entryFinding(world0), append(list("203.0.113.0/28"), e)...))
		if len(p.Inverse) != c.back || !strings.HasPrefix(p.Reversible, c.says) || c.back == 1 && p.Inverse[0].Entry != e {
			t.Errorf("until %s: %v, %s", c.until, p.Inverse, p.Reversible)
		}
	}
}

func TestPlanUsers(t *testing.T) {
	main, flex := access.Cluster{Cluster: "main"}, access.FlexCluster{Cluster: "small"}
	lake, stream := access.FederatedDatabase{Instance: "lake"}, access.StreamWorkspace{Workspace: "flow"}
	sly := access.CustomRole{Role: "sly", Inherits: grants("atlasAdmin")}
	declaring := func(f access.Finding, roles, scopes []string) access.Finding {
		f.Evidence.DeclaredRoles, f.Evidence.DeclaredScopes = grants(roles...), clusters(scopes...)
		return f
	}
	through := func(f access.Finding, roles ...string) access.Finding {
		for _, r := range roles {
			f.Evidence.Causes = append(f.Evidence.Causes, access.Ref{Scope: scope, Kind: access.KindCustomRole, Name: r})
		}
		return f
	}
	bare := func(rule, remedy string) access.Finding {
		f := userFinding(rule, remedy, access.DatabaseUser{}, user(nil))
		f.Evidence = access.Evidence{}
		return f
	}
	scoped := func(before, after access.DatabaseUser) access.Finding {
		return userFinding("dbuser/unscoped", RemedyRestoreScopes, before, after)
	}
	roled := func(before, after access.DatabaseUser) access.Finding {
		return userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, before, after)
	}
	none := access.DatabaseUser{}
	r, ra := []string{"read"}, []string{"read", "atlasAdmin"}
	const u, setR, setS, quar = " admin/shop_app_user", "set_database_user_roles", "set_database_user_scopes", "quarantine_database_user"
	for _, c := range []struct {
		name    string
		f       access.Finding
		now     access.DatabaseUser
		rest    []access.State
		want    string
		ceiling access.Ceiling
		why     string
	}{
		{"scopes put back", scoped(user(r, "main"), user(r)), user(r), []access.State{main}, setS + u + " main", auto, "put back"},
		{"scopes of all kinds", scoped(withScopes(user(r)), user(r)), user(r), []access.State{main, flex, lake, stream}, setS + u + " main, small, lake, flow", auto, "put back"},
		{"scopes there again", scoped(user(r, "main"), user(r)), user(r, "main"), []access.State{main}, "", asks, "scopes again"},
		{"scope's target is gone", scoped(user(r, "old"), user(r)), user(r), []access.State{main}, setS + u + " old", asks, "no longer exists"},
		{"scope's name of another type", scoped(user(r, "lake"), user(r)), user(r), []access.State{lake}, setS + u + " lake", asks, "no longer exists"},
		{"created unscoped, declared", declaring(scoped(none, user(r)), nil, []string{"main"}), user(r), []access.State{main, flex}, setS + u + " main", asks, "declared"},
		{"declared target is gone", declaring(scoped(none, user(r)), nil, []string{"old"}), user(r), []access.State{main, flex}, "", asks, "choose the clusters"},
		{"only one target", scoped(none, user(r)), user(r), []access.State{main}, setS + u + " main", asks, "only target"},
		{"had none before", scoped(user(r), user(ra)), user(r), []access.State{main, flex}, "", asks, "choose the clusters"},
		{"nothing known", bare("dbuser/unscoped", RemedyRestoreScopes), user(r), []access.State{main, flex}, "", asks, "choose the clusters"},
		{"roles put back", roled(user(r), user(ra)), user(ra), nil, setR + u + " read@admin", auto, "put back"},
		{"had no roles before", roled(user(nil), user(ra)), user(ra), nil, quar + u, auto, "put back"},
		{"custom role put back", roled(user([]string{"sly"}), user(ra)), user(ra), []access.State{sly}, setR + u + " sly@admin", auto, "put back"},
		{"custom role to put back is gone", roled(user([]string{"sly"}), user(ra)), user(ra), nil, setR + u + " sly@admin", asks, "no longer exists"},
		{"others added since", roled(user(r), user(ra)), user([]string{"read", "atlasAdmin", "backup"}), nil, setR + u + " backup@admin, read@admin", auto, "put back"},
		{"replaced, others added since", roled(user(r), user([]string{"atlasAdmin"})), user([]string{"atlasAdmin", "backup"}), nil, setR + u + " backup@admin, read@admin", auto, "put back"},
		{"others took the rest away", roled(user(r), user(ra)), user([]string{"atlasAdmin"}), nil, quar + u, asks, "nothing would be left"},
		{"taken back already", roled(user(r), user(ra)), user(r), nil, "", asks, "taken back"},
		{"created, declared", declaring(roled(none, user(ra)), r, nil), user(ra), nil, setR + u + " read@admin", asks, "declared"},
		{"created, nothing declared", roled(none, user(ra)), user(ra), nil, quar + u, asks, "no roles are declared"},
		{"direct, through a chain", through(roled(user(r), user([]string{"sly"})), "sly"), user([]string{"sly"}), []access.State{sly}, setR + u + " read@admin", auto, "put back"},
		{"custom role changed", through(bare("dbuser/atlas-admin-app", RemedyRestoreRoles), "sly"), user([]string{"sly"}), []access.State{sly}, "", asks, "sly"},
		{"custom role changed with the user's label", through(roled(user([]string{"sly"}), user([]string{"sly"})), "sly"), user([]string{"sly"}), []access.State{sly}, "", asks, "own roles did not change"},
		{"expired", userFinding("dbuser/expired-migration-user", RemedyQuarantine, none, user(r)), user(r, "main"), nil, quar + u, auto, "which has read@admin"},
		{"expired without roles", userFinding("dbuser/expired-migration-user", RemedyQuarantine, none, user(nil)), user(nil), nil, "", asks, "no roles"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := MakePlan(kase(c.f, append(c.rest, c.now)...))
			if got := strings.Join(said(p.Operations), "; "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if p.Ceiling != c.ceiling || !strings.Contains(p.Why, c.why) {
				t.Errorf("ceiling %q: %s", p.Ceiling, p.Why)
			}
			gone := MakePlan(kase(c.f, c.rest...))
			if len(gone.Operations) != 0 || gone.Ceiling != asks {
				t.Errorf("without the user: %v", gone)
			}
		})
	}
}

func withScopes(u access.DatabaseUser) access.DatabaseUser {
	u.Scopes = access.SortScopes([]access.UserScope{{Name: "main", Type: "CLUSTER"}, {Name: "small", Type: "CLUSTER"}, {Name: "lake", Type: "DATA_LAKE"}, {Name: "flow", Type: "STREAM"}})
	return u
}

func TestQuarantineNeverAboveVerdict(t *testing.T) {
	k := kase(userFinding("dbuser/expired-migration-user", RemedyQuarantine, access.DatabaseUser{}, user([]string{"read"})), user([]string{"read"}))
	k.Verdict.Ceiling = asks
	if p := MakePlan(k); p.Ceiling != asks || len(p.Operations) != 1 {
		t.Errorf("got %+v", p)
	}
}

func TestPlanWithoutRead(t *testing.T) {
	for _, f := range []access.Finding{
		entryFinding(world0), unionFinding("0.0.0.0/1"),
		userFinding("r", RemedyRestoreRoles, user([]string{"read"}), user([]string{"atlasAdmin"})),
		userFinding("r", RemedyRestoreScopes, user(nil, "main"), user(nil)),
		userFinding("r", RemedyQuarantine, user(nil), user([]string{"read"})),
		{Remedy: RemedyNone}, {Remedy: "reboot"}, {},
	} {
		k := kase(f)
		k.Fresh = nil
		if p := MakePlan(k); p.Ceiling == auto || p.Why == "" {
			t.Errorf("%s: ceiling %q, why %q", f.Remedy, p.Ceiling, p.Why)
		}
	}
}

var roleNames = []string{"read", "readWrite", "backup", "atlasAdmin", "sly", "dbAdmin"}

// drawCase is any finding that has a remedy, beside any state of the project.
func drawCase(t *rapid.T) Case {
	some := func(from []string, label string) []string {
		return rapid.SliceOfDistinct(rapid.SampledFrom(from), rapid.ID[string]).Draw(t, label)
	}
	draw := func(label string) access.DatabaseUser {
		return user(some(roleNames, label+" roles"), some([]string{"main", "old", "small"}, label+" scopes")...)
	}
	nets := []string{world0, "::/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/8", "203.0.113.0/28", "203.0.113.9/32"}
	states := append(list(some(nets, "entries")...), access.Cluster{Cluster: "main"}, access.FlexCluster{Cluster: "small"})
	if rapid.Bool().Draw(t, "user is there") {
		states = append(states, draw("now"))
	}
	if rapid.Bool().Draw(t, "role is there") {
		states = append(states, access.CustomRole{Role: "sly"})
	}
	f := unionFinding(some(nets, "causes")...)
	if remedy := rapid.SampledFrom([]string{RemedyDeleteEntries, RemedyRestoreRoles, RemedyRestoreScopes, RemedyQuarantine}).Draw(t, "remedy"); remedy != RemedyDeleteEntries {
		f = userFinding("dbuser/x", remedy, draw("before"), draw("after"))
		f.Evidence.DeclaredRoles = grants(some(roleNames, "declared")...)
		f.Evidence.DeclaredScopes = clusters(some([]string{"main", "old"}, "declared")...)
	}
	return kase(f, states...)
}

// TestPlanProperties: whatever is found, every operation is sound and touches only what
// the finding names; nobody ends up unscoped; the inverse puts everything back.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		p := MakePlan(c)
		named := append([]access.Ref{c.Finding.Ref}, c.Finding.Evidence.Causes...)
		for _, o := range slices.Concat(p.Operations, p.Inverse) {
			if err := o.Validate(); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(named, o.Ref) {
				t.Fatalf("touches %s", o.Ref)
			}
		}
		after := Simulate(c.Fresh, p.Operations)
		for _, o := range p.Operations {
			r, _ := after[o.Ref.Kind].Find(o.Ref.Name)
			if !o.Achieved(r.Box) {
				t.Fatalf("%s of %s is not achieved by itself", o.Type, o.Ref)
			}
		}
		if len(p.Inverse) == 0 {
			return
		}
		if d := cmp.Diff(c.Fresh, Simulate(after, p.Inverse)); d != "" {
			t.Fatalf("plan, then inverse:\n%s", d)
		}
	})
}

// TestAutoPlansAreClean: a plan that goes without asking leads to a state that the judge
// passes, or the stage asks after all; and it never closes the last way in.
func TestAutoPlansAreClean(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		c.Finding.Rule = map[string]string{
			RemedyDeleteEntries: "network/open-to-world", RemedyRestoreRoles: "dbuser/atlas-admin-app",
			RemedyRestoreScopes: "dbuser/unscoped", RemedyQuarantine: "dbuser/expired-migration-user",
		}[c.Finding.Remedy]
		p := w.stage().plan(t.Context(), c)
		if p.Ceiling != auto {
			return
		}
		after := Simulate(c.Fresh, p.Operations)
		v, err := w.Judge(t.Context(), c.Finding, after)
		if err != nil || v.Answer != access.AnswerPass {
			t.Fatalf("after %v: %v, %v", said(p.Operations), v, err)
		}
		if deletes(p.Operations) && len(after[access.KindIPAccessEntry].Resources) == 0 {
			t.Fatal("no way in remains")
		}
	})
}

func TestPutBackThatIsNoBetter(t *testing.T) {
	w := newWorld(t)
	u := user([]string{"atlasAdmin", "read"}, "main")
	w.users[u.Name()] = u
	f := w.add(userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, user([]string{"atlasAdmin"}, "main"), u))
	if a := w.settle(f); a.State != access.ActionTold || !strings.Contains(a.Why, "not be well even then") || w.count("request") != 0 {
		t.Errorf("got %s: %s", a.State, a.Why)
	}
}

func TestSimulateLeavesItsInput(t *testing.T) {
	before := fresh(list(world0, "203.0.113.0/28")...)
	want := fmt.Sprint(before)
	ref := access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: world0}
	Simulate(before, []access.Operation{{Type: access.DeleteAccessEntry, Ref: ref}})
	if got := fmt.Sprint(before); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
