package scan

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// TestBaselineKnowsAWidenedRole: what a user reaches by a role is among the values by which a
// baseline knows a finding.
func TestBaselineKnowsAWidenedRole(t *testing.T) {
	e, err := rules.Load(rules.Policy{Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}}, Sensitive: []access.Sensitive{{Namespace: "crm.people"}, {Namespace: "payroll"}}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	org, prj := access.OrgScope("0000000000000000000000a1"), access.ProjectScope("0000000000000000000000b1")
	look := func(privileges ...access.Privilege) Inventory {
		inv := Inventory{V: 1, At: at, Orgs: []string{org.ID()}, Scopes: map[access.Scope]map[access.Kind]access.Collection{org: {}, prj: {}}}
		put := func(s access.Scope, k access.Kind, states ...access.State) {
			inv.Scopes[s][k] = collection(s, k, access.Reading{Status: access.StatusComplete, Began: at, States: states})
		}
		for _, k := range access.OrgKinds() {
			put(org, k)
		}
		for _, k := range access.ProjectKinds() {
			put(prj, k)
		}
		put(org, access.KindOrg, access.Org{ID: org.ID(), Title: "acme"})
		put(prj, access.KindProject, access.Project{ID: prj.ID(), OrgID: org.ID(), Title: "shop-prod"})
		put(prj, access.KindCustomRole, access.CustomRole{Role: "tool", Privileges: privileges})
		put(prj, access.KindDatabaseUser, access.DatabaseUser{Database: "admin", Username: "bob", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "tool", Database: "admin"}}})
		return inv
	}
	find := access.Privilege{Action: "FIND", Database: "crm", Collection: "people"}
	before := Judge(e, look(find), nil)
	for _, c := range []struct {
		privileges []access.Privilege
		fails      bool
	}{
		{[]access.Privilege{find}, false},
		{[]access.Privilege{find, {Action: "FIND", Database: "payroll"}, {Action: "REMOVE", Database: "payroll"}}, true},
		{[]access.Privilege{find, {Action: "REMOVE", Database: "crm", Collection: "people"}}, true},
	} {
		after := Judge(e, look(c.privileges...), nil).Baseline(before)
		if got := after.FailOn(access.High); got != c.fails {
			t.Errorf("with %v: it fails: %t, of %d that are new", c.privileges, got, after.Compared.New)
		}
	}
}
