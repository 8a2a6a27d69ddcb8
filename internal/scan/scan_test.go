package scan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

const (
	orgID  = "64f000000000000000000001"
	prodID = "64f0000000000000000000a1"
	devID  = "64f0000000000000000000a2"
)

var at = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// still is an Atlas that nothing changes.
type still struct {
	states map[access.Scope]map[access.Kind][]access.State
	denied map[access.Kind]bool
	lost   error // of the list of projects
}

func (s still) Now() time.Time { return at }

func (s still) Projects(context.Context, string) ([]access.Project, error) {
	return []access.Project{{ID: prodID, OrgID: orgID, Title: "shop-prod"}, {ID: devID, OrgID: orgID, Title: "shop-dev"}}, s.lost
}

func (s still) Read(_ context.Context, scope access.Scope, kind access.Kind) access.Reading {
	if s.denied[kind] {
		return access.Reading{Status: access.StatusDenied, Reason: "no role", Began: at}
	}
	return access.Reading{Status: access.StatusComplete, States: s.states[scope][kind], Began: at}
}

func shop() still {
	prod, dev := access.ProjectScope(prodID), access.ProjectScope(devID)
	return still{denied: map[access.Kind]bool{}, states: map[access.Scope]map[access.Kind][]access.State{
		access.OrgScope(orgID): {access.KindOrg: {access.Org{ID: orgID, Title: "ExampleCorp"}}},
		prod: {
			access.KindProject:       {access.Project{ID: prodID, OrgID: orgID, Title: "shop-prod"}},
			access.KindIPAccessEntry: {access.IPAccessEntry{Entry: "0.0.0.0/0"}, access.IPAccessEntry{Entry: "203.0.113.1/32"}},
			access.KindCluster:       {access.Cluster{Cluster: "a"}, access.Cluster{Cluster: "b"}},
			access.KindDatabaseUser: {
				access.DatabaseUser{Database: "admin", Username: "app", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}, Scopes: []access.UserScope{{Name: "a", Type: "CLUSTER"}}},
				access.DatabaseUser{Database: "admin", Username: "boss", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "atlasAdmin", Database: "admin"}}, Scopes: []access.UserScope{{Name: "a", Type: "CLUSTER"}}},
			},
			access.KindProjectMember: {access.ProjectMember{Username: "alice@example.com", Roles: []string{"GROUP_OWNER"}}, access.ProjectMember{Username: "rajesh@example.com", Roles: []string{"GROUP_READ_ONLY"}}},
		},
		dev: {access.KindProject: {access.Project{ID: devID, OrgID: orgID, Title: "shop-dev"}}},
	}}
}

func engine(t *testing.T, waivers ...access.Waiver) *rules.Engine {
	t.Helper()
	e, err := rules.Load(rules.Policy{
		Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}, {Name: "dev", Projects: []string{"*-dev"}}}, Waivers: waivers,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func take(t *testing.T, r Reader, e *rules.Engine) Inventory {
	t.Helper()
	inv, err := Take(t.Context(), r, Options{Version: "test", Profile: "scan", Orgs: []string{orgID}, Kinds: e.Kinds})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestScan(t *testing.T) {
	e := engine(t)
	r := Judge(e, take(t, shop(), e), nil)
	found := map[string]access.Severity{}
	for _, f := range r.Findings {
		found[f.Rule+" "+f.ProjectTitle+" "+f.Ref.Name] = f.Severity
		if f.Origin != access.OriginInherited {
			t.Errorf("%s is %s: one look saw nothing come about", f.Rule, f.Origin)
		}
	}
	if found["network/open-to-world shop-prod 0.0.0.0/0"] != access.Critical || found["dbuser/atlas-admin-app shop-prod admin/boss"] != access.High {
		t.Errorf("found %v", found)
	}
	prod := r.Scopes[slices.IndexFunc(r.Scopes, func(s report.Scope) bool { return s.Title == "shop-prod" })]
	if prod.Environment != "prod" || !prod.Production || prod.OrgID != orgID {
		t.Errorf("environment %q, production %v, org %q", prod.Environment, prod.Production, prod.OrgID)
	}
	if x := prod.Exposure; x == nil || !x.WorldV4 || x.Entries != 2 {
		t.Errorf("exposure %+v", prod.Exposure)
	}
	if p := prod.Privilege; p.Database.Admin != 1 || p.Database.Write != 1 || p.People.Owner != 1 || p.People.ReadOnly != 1 {
		t.Errorf("privilege %+v %+v", p.Database, p.People)
	}
	if !slices.ContainsFunc(r.NotCovered, func(n report.NotCovered) bool { return n.Rule == "network/transient-open-to-world" }) {
		t.Error("it is not said that rules on changes were not asked")
	}
	for _, f := range r.Findings {
		if rule, _ := e.Rule(f.Rule); f.Fix == "" || f.Fix != rule.Fix {
			t.Errorf("%s: what to do is %q, the rule says %q", f.Rule, f.Fix, rule.Fix)
		}
	}
	if len(r.Rules) != len(e.Rules()) {
		t.Errorf("%d rules of %d", len(r.Rules), len(e.Rules()))
	}
}

// TestScanDenied: what cannot be read is unknown, and not clean.
func TestScanDenied(t *testing.T) {
	e := engine(t)
	s := shop()
	s.denied[access.KindIPAccessEntry] = true
	r := Judge(e, take(t, s, e), nil)
	for _, f := range r.Findings {
		if f.Rule == "network/open-to-world" {
			t.Errorf("found %s in a list that cannot be read", f.Ref.Name)
		}
	}
	for _, sc := range r.Scopes {
		if sc.Title == "shop-prod" && (sc.Exposure != nil || sc.Reads[access.KindIPAccessEntry].Readable()) {
			t.Error("the exposure is told, and cannot be known")
		}
	}
	if r.Totals().Unreadable == 0 {
		t.Error("the report does not say that it is incomplete")
	}
}

func TestScanWithoutProjects(t *testing.T) {
	s := shop()
	s.lost = errors.New("list the projects of org." + orgID + ": 503")
	_, err := Take(t.Context(), s, Options{Orgs: []string{orgID}, Kinds: engine(t).Kinds})
	if !errors.Is(err, s.lost) || strings.Count(err.Error(), "list the projects") != 1 {
		t.Errorf("err = %v", err)
	}
}

func TestScanWaived(t *testing.T) {
	w := access.Waiver{V: 1, ID: "w1", Rule: "network/open-to-world", Project: "shop-prod", Owner: "alice", Reason: "r", Granted: at.Add(-time.Hour), Until: at.Add(time.Hour)}
	idle := access.Waiver{V: 1, ID: "w2", Rule: "dbuser/unscoped", Project: "nowhere", Owner: "alice", Reason: "r", Granted: at.Add(-time.Hour), Until: at.Add(time.Hour)}
	e := engine(t, w, idle)
	r := Judge(e, take(t, shop(), e), []access.Waiver{w, idle})
	for _, f := range r.Findings {
		if f.Rule == w.Rule && f.Stands() {
			t.Errorf("%s stands, and it is waived", f.Ref.Name)
		}
	}
	if r.Waivers[0].Findings != 1 || r.Waivers[0].Void != "" || r.Waivers[1].Void == "" {
		t.Errorf("waivers %+v", r.Waivers)
	}
}

// TestScanOutlived: a waiver that was given for other values says so.
func TestScanOutlived(t *testing.T) {
	w := access.Waiver{V: 1, ID: "w1", Rule: "network/open-to-world", Project: "shop-prod", Owner: "alice", Reason: "r", Granted: at.Add(-time.Hour), Until: at.Add(time.Hour), Digest: "0123"}
	e := engine(t, w)
	r := Judge(e, take(t, shop(), e), []access.Waiver{w})
	if got, want := r.Waivers[0].Void, "changed since it was given (digest 0123, now "; !strings.Contains(got, want) {
		t.Errorf("it is of no effect because %q, want %q in it", got, want)
	}
}

// TestKept: what was kept is judged as what was read, at its own time.
func TestKept(t *testing.T) {
	e := engine(t)
	inv := take(t, shop(), e)
	name := filepath.Join(t.TempDir(), "kept.json")
	if err := Save(name, inv); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it can be read by others: %v, %v", info.Mode(), err)
	}
	again, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Judge(e, inv, nil), Judge(e, again, nil)); diff != "" {
		t.Errorf("judged differently (-read +kept):\n%s", diff)
	}
	for text, want := range map[string]string{
		`{`: "save it anew", `{}`: "it is no inventory", `{"v":2,"at":"2026-06-01T12:00:00Z"}`: "use a newer one",
		`{"v":1,"at":"2026-06-01T12:00:00Z","scopes":{"prj.x":{}}}`:                                          "scope",
		`{"v":1,"at":"2026-06-01T12:00:00Z","scopes":{"prj.` + prodID + `":{"cluster":{"kind":"project"}}}}`: "holds project",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

func TestSaveLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	if err := Save(filepath.Join(dir, "no", "kept.json"), Inventory{}); err == nil {
		t.Error("saved into a folder that is not there")
	}
	if err := Save(dir, Inventory{V: 1}); err == nil {
		t.Error("saved over a folder")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestForgedInventory: what no scan saved is refused, and judged by nobody.
func TestForgedInventory(t *testing.T) {
	user := func(name string) access.Resource {
		return access.Resource{Box: access.Box{State: access.DatabaseUser{Database: "admin", Username: name}}}
	}
	for name, c := range map[string][]access.Resource{
		"nothing in it":   {{}},
		"another kind":    {{Box: access.Box{State: access.IPAccessEntry{Entry: "0.0.0.0/0"}}}},
		"out of order":    {user("b"), user("a")},
		"the same, twice": {user("a"), user("a")},
	} {
		scope := access.ProjectScope(strings.Repeat("0", 24))
		file := filepath.Join(t.TempDir(), "inventory")
		err := Save(file, Inventory{V: 1, At: time.Unix(1, 0), Scopes: map[access.Scope]map[access.Kind]access.Collection{
			scope: {access.KindDatabaseUser: {V: 1, Scope: scope, Kind: access.KindDatabaseUser, Status: access.StatusComplete, Resources: c}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "save it anew") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// putOff is an Atlas of which one kind was put off, as older programs kept it.
type putOff struct{ still }

func (s putOff) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	if kind == access.KindIPAccessEntry {
		return access.Reading{Status: access.StatusUnread, Reason: "put off", Began: at}
	}
	return s.still.Read(ctx, scope, kind)
}

// TestScanPutOff: one look does not come back to what was put off, so it is a read that went
// wrong, and said once.
func TestScanPutOff(t *testing.T) {
	e := engine(t)
	r := Judge(e, take(t, putOff{shop()}, e), nil)
	if n := r.Totals().Unreadable; n != 2 {
		t.Errorf("%d reads are incomplete, want that of both projects", n)
	}
	for _, u := range r.Unknown {
		if u.Rule == "watch/unreadable" {
			t.Errorf("it is said twice: %s", u.Why)
		}
	}
	for _, s := range r.Scopes {
		if read, ok := s.Reads[access.KindIPAccessEntry]; ok && (read.Status != access.StatusFailed || read.Reason != "put off") {
			t.Errorf("%s: %+v", s.Title, read)
		}
	}
}
