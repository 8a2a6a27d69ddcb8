package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorldMistakes(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string // name:line: and a part of the text
	}{
		{"unknown key", "orgs:\n  - name: a\n    projets: []\n", []string{"w:3: |projets"}},
		{"unknown keys", "orgs:\n  - name: a\n    x: 1\n    projects:\n      - name: p\n        y: 2\n", []string{"w:3: |x", "w:6: |y"}},
		{"duplicate key", "orgs: []\norgs: []\n", []string{"w:|orgs"}},
		{"not yaml", "orgs: [\n", []string{"w:|"}},
		{"wrong type", "orgs:\n  - name: [a]\n", []string{"w:2: |string"}},
		{"no name", "orgs:\n  - id: aaaaaaaaaaaaaaaaaaaaaaaa\n", []string{"w:2: |name is missing"}},
		{"bad id", "orgs:\n  - name: a\n    id: nope\n", []string{"w:3: |24 lower-case"}},
		{"project twice", "orgs:\n  - name: a\n    projects:\n      - name: p\n      - name: p\n", []string{`w:5: |"p" appears twice`}},
		{"role", "orgs:\n  - name: a\n    users:\n      - username: u\n        roles:\n          - ORG_KING\n          - OWNER\n          - GROUP_OWNER\n          - GROUP_OWNER@nope\n          - ORG_OWNER@x\n",
			[]string{"w:6: |ORG_KING", "w:7: |neither", "w:8: |needs a project", "w:9: |nope", "w:10: |cannot be given on a project"}},
		{"long role", "orgs:\n  - name: a\n    users:\n      - username: u\n        roles:\n          - {roleName: GROUP_OWNER, group: x}\n", []string{"w:|group"}},
		{"client id", "orgs:\n  - name: a\n    serviceAccounts: [{clientId: x}]\n", []string{"w:3: |mdb_sa_id"}},
		{"public key", "orgs:\n  - name: a\n    apiKeys: [{publicKey: x}]\n", []string{"w:3: |8 characters"}},
		{"address", "orgs:\n  - name: a\n    projects:\n      - name: p\n        accessList:\n          - {cidrBlock: 1.2.3.4/24}\n          - {cidrBlock: 1.2.3.0/24}\n          - {ipAddress: x}\n          - {comment: x}\n",
			[]string{"w:7: |appears twice", "w:8: |valid IP address", "w:9: |One of the attributes"}},
		{"user", "orgs:\n  - name: a\n    projects:\n      - name: p\n        databaseUsers:\n          - username: u\n            roles:\n              - {roleName: nope, databaseName: admin}\n            scopes:\n              - {name: c, type: SHARD}\n          - {username: CN=x, x509Type: MANAGED}\n",
			[]string{"w:8: |nope@admin", "w:10: |SHARD", "w:11: |without CN="}},
		{"custom role", "orgs:\n  - name: a\n    projects:\n      - name: p\n        customRoles:\n          - {roleName: read}\n          - roleName: r\n            actions: [{action: SMILE}]\n",
			[]string{"w:6: |roleName", "w:7: |SMILE"}},
		{"scope targets", "orgs:\n  - name: a\n    projects:\n      - name: p\n        clusters: [{name: c}]\n        flexClusters: [{name: c}]\n        streamWorkspaces:\n          - name: -x\n",
			[]string{"w:6: |appears twice", "w:8: |does not match"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseWorld("w", []byte(c.src))
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) < len(c.want) {
				t.Fatalf("%d mistakes, want %d: %v", len(lines), len(c.want), err)
			}
			for i, want := range c.want {
				where, what, _ := strings.Cut(want, "|")
				if !strings.HasPrefix(lines[i], where) || !strings.Contains(lines[i], what) {
					t.Errorf("got  %s\nwant %s… %s", lines[i], where, what)
				}
			}
		})
	}
}

func TestGrantForms(t *testing.T) {
	w, err := ParseWorld("w", []byte(`orgs: [{name: a, projects: [{name: p, id: aaaaaaaaaaaaaaaaaaaaaaaa}], users: [{username: u, roles: [ORG_MEMBER, GROUP_OWNER@p, GROUP_OWNER@aaaaaaaaaaaaaaaaaaaaaaaa, "GROUP_READ_ONLY@*", {roleName: GROUP_OWNER, groupId: p}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Grant{{"ORG_MEMBER", ""}, {"GROUP_OWNER", "p"}, {"GROUP_OWNER", "aaaaaaaaaaaaaaaaaaaaaaaa"}, {"GROUP_READ_ONLY", "*"}, {"GROUP_OWNER", "p"}}
	if d := cmp.Diff(want, w.Orgs[0].Users[0].Roles); d != "" {
		t.Error(d)
	}
}

// A snapshot, written and read again, starts an Atlas with the same snapshot.
func TestSnapshotRoundTrip(t *testing.T) {
	w := start(t)
	w.open(Actor{}, "192.0.2.9")
	w.do("POST", w.path("{prod}/databaseUsers"), `{"username":"mig","databaseName":"admin","password":"fake-password","roles":[],"deleteAfterDate":"2026-08-04T00:00:00Z","labels":[{"key":"a","value":"b"}]}`)
	w.do("POST", w.path("{prod}/customDBRoles/roles"), `{"roleName":"r","actions":[{"action":"INSERT","resources":[{"db":""},{"cluster":true}]}]}`)
	first := w.Snapshot()
	text, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	other, err := New(Options{World: read, Seed: 99, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
}

func TestSnapshotIsACopy(t *testing.T) {
	w := start(t)
	s := w.Snapshot()
	p := &s.Orgs[0].Projects[0]
	p.AccessList[0].Comment, p.DatabaseUsers[0].Roles[0].RoleName, p.Tags[0].Value, p.CustomRoles[0].Actions[0].Action = "x", "x", "x", "x"
	if d := cmp.Diff(start(t).Snapshot(), w.Snapshot()); d != "" {
		t.Error(d)
	}
}

func TestSeedDecidesIDs(t *testing.T) {
	build := func(seed uint64) World {
		w, err := ParseWorld("w", []byte("orgs: [{name: a, serviceAccounts: [{roles: [ORG_OWNER]}], apiKeys: [{roles: [ORG_OWNER]}], users: [{username: u}], projects: [{name: p, clusters: [{name: c}]}]}]"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(Options{World: w, Seed: seed, Now: func() time.Time { return epoch }})
		if err != nil {
			t.Fatal(err)
		}
		return a.Snapshot()
	}
	one := build(1)
	if d := cmp.Diff(one, build(1)); d != "" {
		t.Errorf("the same seed differs: %s", d)
	}
	o, other := one.Orgs[0], build(2).Orgs[0]
	if o.ID == other.ID || o.Projects[0].ID == other.Projects[0].ID || o.ServiceAccounts[0].Secret == other.ServiceAccounts[0].Secret {
		t.Error("two seeds give the same ids")
	}
	if !isID(o.ID) || !isID(o.Projects[0].ID) || !isID(o.Users[0].ID) || !isID(o.Projects[0].Clusters[0].ID) ||
		!clientID.MatchString(o.ServiceAccounts[0].ClientID) || len(o.APIKeys[0].PublicKey) != 8 || len(o.APIKeys[0].PrivateKey) != 36 {
		t.Errorf("made-up identities: %+v", o)
	}
}

func TestNewRefusesAnImpossibleWorld(t *testing.T) {
	for name, w := range map[string]World{
		"grant":  {Orgs: []Org{{Name: "a", Users: []User{{Username: "u", Roles: []Grant{{"GROUP_OWNER", "nope"}}}}}}},
		"client": {Orgs: []Org{{Name: "a", ServiceAccounts: []ServiceAccount{{ClientID: "x"}, {ClientID: "x"}}}}},
		"key":    {Orgs: []Org{{Name: "a", APIKeys: []APIKey{{PublicKey: "x"}, {PublicKey: "x"}}}}},
		"entry":  {Orgs: []Org{{Name: "a", Projects: []Project{{Name: "p", AccessList: []AccessEntry{{}}}}}}},
		"user":   {Orgs: []Org{{Name: "a", Projects: []Project{{Name: "p", DatabaseUsers: []DatabaseUser{{Username: "u", DatabaseName: "x"}}}}}}},
		"org":    {Orgs: []Org{{Name: "a"}, {Name: "a"}}},
	} {
		if _, err := New(Options{World: w}); err == nil || !strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseWorld(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte("orgs: [{name: a, projects: [{name: p, accessList: [{cidrBlock: 0.0.0.0/0}]}]}]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		w, err := ParseWorld("w", src)
		if err != nil {
			return
		}
		if _, err := New(Options{World: w}); err != nil && !strings.Contains(err.Error(), "is taken") && !strings.Contains(err.Error(), "appears twice") {
			t.Errorf("a world that parses cannot be built: %v", err)
		}
	})
}

// The package must not share the client's mistakes.
func TestImportsNothingOfTheClient(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		ours := strings.ReplaceAll(string(src), "gatewarden/gatewarden/internal/atlas/sim/apispec", "")
		if !strings.HasSuffix(f, "_test.go") && strings.Contains(ours, "gatewarden/gatewarden/") {
			t.Errorf("%s imports a package of ours", f)
		}
	}
}
