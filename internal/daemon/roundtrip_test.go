package daemon

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

const (
	shopOrg  = access.Scope("org.64f000000000000000000001")
	shopProd = access.Scope("prj.64f0000000000000000000a1")
	teamID   = "64f000000000000000000f01"
	guestsID = "64f000000000000000000f02"
	rajeshID = "64f000000000000000000d02"
	bobID    = "64f000000000000000000d03"
	alertID  = "64f000000000000000000601"
)

// remedyCase is one violation: what somebody does, what the rule finds, and what the remedy
// writes. Where the way back is not whole, back says why not.
type remedyCase struct {
	name, rule, remedy string
	do                 []string // as an owner: method, path below the org ({o}) or the project ({p}), body
	ref                access.Ref
	want               []access.OperationType
	back               string // of Reversible, where it does not lead to equal state; empty: it does
	ceiling            access.Ceiling
	pass               access.Answer // of the rule once the plan is carried out; only rules over state are asked
}

func shopRef(scope access.Scope, k access.Kind, name string) access.Ref {
	return access.Ref{Scope: scope, Kind: k, Name: name}
}

func brokenThings() []remedyCase {
	const (
		ask, auto     = access.CeilingAsk, access.CeilingAuto
		pass, missing = access.AnswerPass, access.Answer("missing") // nothing is left to judge
	)
	entry := func(name string) access.Ref { return shopRef(shopProd, access.KindIPAccessEntry, name) }
	user := shopRef(shopProd, access.KindDatabaseUser, "admin/prod_app")
	patchUser := func(body string) []string { return []string{"PATCH {p}/databaseUsers/admin/prod_app " + body} }
	settings, project := shopRef(shopOrg, access.KindOrgSettings, shopOrg.ID()), shopRef(shopProd, access.KindProjectSettings, shopProd.ID())
	team := shopRef(shopProd, access.KindTeamGrant, teamID)
	return []remedyCase{
		{name: "the world", rule: "network/open-to-world", do: []string{`POST {p}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"test"}]`}, ref: entry("0.0.0.0/0"),
			want: []access.OperationType{access.DeleteAccessEntry}, ceiling: auto, pass: missing},
		{name: "an undeclared entry", rule: "network/undeclared-source", do: []string{`POST {p}/accessList [{"cidrBlock":"9.9.9.9/32","comment":"mine"}]`}, ref: entry("9.9.9.9/32"),
			want: []access.OperationType{access.DeleteAccessEntry}, ceiling: auto, pass: missing},
		{name: "an entry of a developer", rule: "network/developer-address-in-prod", do: []string{`POST {p}/accessList [{"cidrBlock":"192.0.2.7/32"}]`}, ref: entry("192.0.2.7/32"),
			want: []access.OperationType{access.DeleteAccessEntry}, ceiling: auto, pass: missing},
		{name: "an entry past its end", rule: "network/expired-entry", do: []string{`POST {p}/accessList [{"cidrBlock":"9.9.9.10/32","comment":"job expires=1999-06-01T00:00:00Z"}]`}, ref: entry("9.9.9.10/32"),
			want: []access.OperationType{access.DeleteAccessEntry}, ceiling: auto, pass: missing},
		{name: "a broad entry", rule: "network/entry-too-broad", do: []string{`POST {p}/accessList [{"cidrBlock":"8.8.0.0/16","comment":"all of it"}]`}, ref: entry("8.8.0.0/16"),
			want: []access.OperationType{access.CreateAccessEntry, access.DeleteAccessEntry}, ceiling: ask, pass: missing},
		{name: "no scopes", rule: "dbuser/unscoped", do: patchUser(`{"scopes":[]}`), ref: user,
			want: []access.OperationType{access.SetUserScopes}, back: "no", ceiling: auto, pass: pass},
		{name: "a scope too many", rule: "dbuser/excess-scope", do: patchUser(`{"scopes":[{"name":"orders","type":"CLUSTER"},{"name":"stock","type":"CLUSTER"}]}`), ref: user,
			want: []access.OperationType{access.SetUserScopes}, ceiling: auto, pass: pass},
		{name: "a scope that names nothing", rule: "dbuser/dangling-scope", ref: shopRef(shopProd, access.KindDatabaseUser, "admin/prod_old"),
			want: []access.OperationType{access.SetUserScopes}, ceiling: auto},
		{name: "atlasAdmin", rule: "dbuser/atlas-admin-app", do: patchUser(`{"roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`), ref: user,
			want: []access.OperationType{access.SetUserRoles}, ceiling: auto, pass: pass},
		{name: "any database", rule: "dbuser/any-database-role", do: patchUser(`{"roles":[{"roleName":"readWriteAnyDatabase","databaseName":"admin"}]}`), ref: user,
			want: []access.OperationType{access.SetUserRoles}, ceiling: auto, pass: pass},
		{name: "a role too many", rule: "dbuser/excess-role", do: patchUser(`{"roles":[{"roleName":"readWrite","databaseName":"shop"},{"roleName":"read","databaseName":"hr"}]}`), ref: user,
			want: []access.OperationType{access.SetUserRoles}, ceiling: auto, pass: pass},
		{name: "a break-glass user", rule: "dbuser/break-glass-present", do: []string{`POST {p}/databaseUsers {"databaseName":"admin","groupId":"{pid}","username":"breakglass","password":"fake-password-1","roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`},
			ref: shopRef(shopProd, access.KindDatabaseUser, "admin/breakglass"), want: []access.OperationType{access.QuarantineUser}, ceiling: ask, pass: pass},
		{name: "a team with more than the matrix says", rule: "member/access-matrix", do: []string{`PATCH {p}/teams/` + teamID + ` {"roleNames":["GROUP_CLUSTER_MANAGER","GROUP_DATABASE_ACCESS_ADMIN"]}`}, ref: team,
			want: []access.OperationType{access.SetTeamRoles}, ceiling: auto, pass: pass},
		{name: "a team with the owner role instead", rule: "member/access-matrix", do: []string{`PATCH {p}/teams/` + teamID + ` {"roleNames":["GROUP_OWNER"]}`}, ref: team,
			want: []access.OperationType{access.SetTeamRoles}, ceiling: auto, pass: pass},
		{name: "a team that the matrix does not know", rule: "member/access-matrix", do: []string{`POST {p}/teams [{"teamId":"` + guestsID + `","roleNames":["GROUP_OWNER"]}]`}, ref: shopRef(shopProd, access.KindTeamGrant, guestsID),
			want: []access.OperationType{access.RemoveTeamGrant}, ceiling: auto, pass: missing},
		{name: "an org role beside the matrix", rule: "member/access-matrix", do: []string{`POST {o}/users/` + bobID + `:addRole {"orgRole":"ORG_OWNER"}`}, ref: shopRef(shopOrg, access.KindOrgMember, "bob@example.com"),
			want: []access.OperationType{access.RemoveMemberRole}, ceiling: auto, pass: pass},
		{name: "a person's Data Explorer", rule: "member/data-access-in-prod", do: []string{`POST {p}/users/` + rajeshID + `:addRole {"groupRole":"GROUP_DATA_ACCESS_READ_ONLY"}`}, ref: shopRef(shopProd, access.KindProjectMember, "rajesh@example.com"),
			want: []access.OperationType{access.RemoveMemberRole}, ceiling: auto, pass: pass},
		{name: "nothing but Data Explorer", rule: "member/data-access-in-prod", do: []string{`POST {p}/users {"username":"bob@example.com","roles":["GROUP_DATA_ACCESS_READ_ONLY"]}`}, ref: shopRef(shopProd, access.KindProjectMember, "bob@example.com"),
			want: []access.OperationType{access.RemoveProjectMember}, ceiling: auto, pass: missing},
		{name: "a team's Data Explorer", rule: "member/data-access-in-prod", do: []string{`PATCH {p}/teams/` + teamID + ` {"roleNames":["GROUP_CLUSTER_MANAGER","GROUP_DATA_ACCESS_ADMIN"]}`}, ref: team,
			want: []access.OperationType{access.SetTeamRoles}, ceiling: auto, pass: pass},
		{name: "made an owner of the org", rule: "member/role-raised", do: []string{`PUT {o}/users/` + bobID + `/roles {"orgRoles":["ORG_OWNER"]}`}, ref: shopRef(shopOrg, access.KindOrgMember, "bob@example.com"),
			want: []access.OperationType{access.AddMemberRole, access.AddMemberRole, access.RemoveMemberRole}, ceiling: auto},
		{name: "made an owner of the project", rule: "member/role-raised", do: []string{`PUT {p}/users/` + rajeshID + `/roles {"groupRoles":["GROUP_OWNER"]}`}, ref: shopRef(shopProd, access.KindProjectMember, "rajesh@example.com"),
			want: []access.OperationType{access.AddMemberRole, access.RemoveMemberRole}, ceiling: auto},
		{name: "given the project", rule: "member/role-raised", do: []string{`POST {p}/users {"username":"bob@example.com","roles":["GROUP_OWNER"]}`}, ref: shopRef(shopProd, access.KindProjectMember, "bob@example.com"),
			want: []access.OperationType{access.RemoveProjectMember}, ceiling: auto},
		{name: "a team made an owner", rule: "member/role-raised", do: []string{`PATCH {p}/teams/` + teamID + ` {"roleNames":["GROUP_OWNER"]}`}, ref: team,
			want: []access.OperationType{access.SetTeamRoles}, ceiling: auto},
		{name: "put into a team", rule: "member/role-raised", do: []string{`POST {o}/teams/` + teamID + `:addUser {"id":"` + rajeshID + `"}`}, ref: shopRef(shopOrg, access.KindTeamMember, teamID+"/rajesh@example.com"),
			want: []access.OperationType{access.RemoveTeamMember}, ceiling: auto},
		{name: "an owner since yesterday", rule: "member/temporary-owner", do: []string{`POST {o}/users/` + bobID + `:addRole {"orgRole":"ORG_OWNER"}`}, ref: shopRef(shopOrg, access.KindOrgMember, "bob@example.com"),
			want: []access.OperationType{access.RemoveMemberRole}, ceiling: auto},
		{name: "a member from outside", rule: "member/external-domain", ref: shopRef(shopOrg, access.KindOrgMember, "eve@outside.test"),
			want: []access.OperationType{access.RemoveProjectMember, access.RemoveProjectMember}, ceiling: ask},
		{name: "an invitation to the outside", rule: "invite/external-domain", do: []string{`POST {o}/users {"username":"mallory@outside.test","roles":{"orgRoles":["ORG_OWNER"]}}`}, ref: shopRef(shopOrg, access.KindInvitation, "mallory@outside.test"),
			want: []access.OperationType{access.DeleteInvitation}, back: "no: it must be sent anew", ceiling: auto, pass: missing},
		{name: "an invitation that nobody accepts", rule: "invite/stale", do: []string{`POST {o}/users {"username":"dana@example.com","roles":{"orgRoles":["ORG_MEMBER"]},"teamIds":["` + teamID + `"]}`}, ref: shopRef(shopOrg, access.KindInvitation, "dana@example.com"),
			want: []access.OperationType{access.DeleteInvitation}, back: "no: it must be sent anew", ceiling: auto},
		{name: "staff of MongoDB", rule: "org/support-access-unrestricted", do: []string{`PATCH {o}/settings {"restrictEmployeeAccess":false}`}, ref: settings,
			want: []access.OperationType{access.SetOrgSetting}, ceiling: auto, pass: pass},
		{name: "secrets for a year", rule: "org/secret-validity-unlimited", do: []string{`PATCH {o}/settings {"maxServiceAccountSecretValidityInHours":8760}`}, ref: settings,
			want: []access.OperationType{access.SetOrgSetting}, ceiling: auto, pass: pass},
		{name: "Data Explorer", rule: "project/data-explorer-in-prod", do: []string{`PATCH {p}/settings {"isDataExplorerEnabled":true}`}, ref: project,
			want: []access.OperationType{access.SetProjectSetting}, ceiling: auto, pass: pass},
		{name: "an alert is disabled", rule: "watch/alert-disabled", do: []string{`PATCH {p}/alertConfigs/` + alertID + ` {"enabled":false}`}, ref: shopRef(shopProd, access.KindAlertConfig, alertID),
			want: []access.OperationType{access.SetAlertEnabled}, ceiling: auto},
		{name: "an alert is deleted", rule: "watch/alert-disabled", do: []string{`DELETE {p}/alertConfigs/` + alertID}, ref: shopRef(shopProd, access.KindAlertConfig, alertID),
			want: []access.OperationType{access.CreateAlert}, back: "by hand: it has another id", ceiling: auto},
		{name: "a migration user past its end", rule: "dbuser/expired-migration-user", do: []string{`POST {p}/databaseUsers {"databaseName":"admin","groupId":"{pid}","username":"migrate","password":"fake-password-2","roles":[{"roleName":"readWrite","databaseName":"shop"}],"labels":[{"key":"expires","value":"1999-06-01T00:00:00Z"}]}`},
			ref: shopRef(shopProd, access.KindDatabaseUser, "admin/migrate"), want: []access.OperationType{access.QuarantineUser}, ceiling: auto, pass: pass},
	}
}

// shopPolicy is what the shop declares.
func shopPolicy() rules.Policy {
	return rules.Policy{
		Environments: []access.Environment{{Name: "prod"}},
		Domains:      []string{"example.com"},
		Networks:     []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.8.0/28", "8.8.4.0/28"}}}},
		Ranges:       access.Ranges{Developer: []string{"192.0.2.0/24"}},
		Matrix:       []access.TeamAccess{{Team: "platform", Roles: map[string][]string{"prod": {"GROUP_CLUSTER_MANAGER"}, "org": {"ORG_BILLING_ADMIN"}}}},
		Identities: []access.Identity{
			{Class: access.ClassApp, Usernames: []string{"prod_*"}, Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}, Scopes: []access.UserScope{{Name: "orders", Type: "CLUSTER"}}},
			{Class: access.ClassBreakGlass, Usernames: []string{"breakglass"}},
			{Class: access.ClassMigration, Usernames: []string{"migrate"}},
		},
	}
}

// TestRemediesRoundTrip breaks something for every remedy that a rule names, plans, carries
// the plan out against the simulated Atlas, twice, and reads back: what the plan says
// shows, and nothing else. Then the way back leads to where it was, or the plan says why
// not.
func TestRemediesRoundTrip(t *testing.T) {
	engine, err := rules.Load(shopPolicy())
	if err != nil {
		t.Fatal(err)
	}
	remedyOf := map[string]string{}
	for _, r := range engine.Rules() {
		remedyOf[r.ID] = r.Remedy
	}
	tested := map[string]bool{}
	for _, b := range brokenThings() {
		b.remedy = remedyOf[b.rule]
		tested[b.remedy] = true
		tested[b.rule] = true
		t.Run(b.name+" of "+b.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newRemedyTrip(t, engine, b).run() })
		})
	}
	for rule, remedy := range remedyOf {
		switch {
		case remedy == remediate.RemedyNone || remedy == "":
		case !remediate.Plans(remedy):
			t.Errorf("%s: its remedy %s has no plan", rule, remedy)
		case !tested[remedy] || !tested[rule]:
			t.Errorf("%s: its remedy %s is not tried", rule, remedy)
		}
	}
}

// TestRemediesTakeRoles: every remedy is carried out with the least role for it, as the
// documentation lists it, and Atlas refuses it without.
func TestRemediesTakeRoles(t *testing.T) {
	engine, err := rules.Load(shopPolicy())
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "../../docs/writing-rules.md")
	for _, b := range brokenThings() {
		i := slices.IndexFunc(engine.Rules(), func(r rules.Rule) bool { return r.ID == b.rule })
		b.remedy = engine.Rules()[i].Remedy
		role, profile := leastRole(b.want[0], b.ref.Kind)
		name, _, _ := strings.Cut(strings.Trim(role, `"`), "@")
		if !strings.Contains(page, "`"+name+"`") && !profile {
			t.Errorf("%s: docs/writing-rules.md does not name %s", b.name, name)
		}
		synctest.Test(t, func(t *testing.T) {
			newRemedyTrip(t, engine, b, "ORG_MEMBER", role).run()
			r := newRemedyTrip(t, engine, b, "ORG_MEMBER", `"GROUP_NETWORK_ACCESS_MANAGER@*"`, `"GROUP_DATABASE_ACCESS_ADMIN@*"`)
			before := r.read()
			for _, line := range r.do {
				r.perform(line)
			}
			op := remediate.MakePlan(r.caseOf(before, r.read())).Operations[0]
			if err := r.client.Apply(t.Context(), "act-1", op); errors.Is(err, access.ErrForbidden) == profile || profile && err != nil {
				t.Errorf("%s with the roles of profile remediate: %v", b.name, err)
			}
		})
	}
}

// leastRole is the role of the write credential that the operations on a kind take, and
// whether profile remediate has it.
func leastRole(op access.OperationType, k access.Kind) (role string, profile bool) {
	switch {
	case k == access.KindIPAccessEntry:
		return `"GROUP_NETWORK_ACCESS_MANAGER@*"`, true
	case k == access.KindDatabaseUser:
		return `"GROUP_DATABASE_ACCESS_ADMIN@*"`, true
	case k == access.KindAlertConfig:
		return `"GROUP_ALERTS_MANAGER@*"`, false
	case k == access.KindProjectSettings:
		return `"GROUP_OWNER@*"`, false
	case k == access.KindProjectMember, k == access.KindTeamGrant, op == access.RemoveProjectMember:
		return `"GROUP_ACCESS_MANAGER@*"`, false
	}
	return "ORG_OWNER", false
}

type remedyTrip struct {
	*testing.T
	remedyCase
	atlas  *sim.Atlas
	client *atlas.Client
	engine *rules.Engine
}

func newRemedyTrip(t *testing.T, e *rules.Engine, b remedyCase, writes ...string) *remedyTrip {
	text := read(t, "testdata/remedies.yaml")
	if len(writes) > 0 {
		text = strings.Replace(text, "name: gatewarden-write, roles: [ORG_OWNER]", "name: gatewarden-write, roles: ["+strings.Join(writes, ", ")+"]", 1)
	}
	world, err := sim.ParseWorld("remedies.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sim.New(sim.Options{World: world, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	credential := func(id, secret string) atlas.Credential {
		return atlas.Credential{ClientID: atlas.Text(id), ClientSecret: atlas.Text(secret)}
	}
	write := credential("mdb_sa_id_64f000000000000000000a02", "test-write-secret")
	c, err := atlas.New(atlas.Options{BaseURL: "https://cloud.mongodb.com", Version: "test", Read: credential("mdb_sa_id_64f000000000000000000a01", "test-read-secret"), Write: &write, Transport: a.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return &remedyTrip{t, b, a, c, e}
}

func (r *remedyTrip) run() {
	before := r.read()
	for _, line := range r.do {
		r.perform(line)
	}
	bad := r.read()
	c := r.caseOf(before, bad)
	plan := remediate.MakePlan(c)
	var types []access.OperationType
	for _, o := range plan.Operations {
		types = append(types, o.Type)
	}
	if !slices.Equal(types, r.want) || plan.Ceiling != r.ceiling {
		r.Fatalf("plan %v, ceiling %s: %s", types, plan.Ceiling, plan.Why)
	}
	r.apply(plan.Operations)
	good := r.read()
	if r.back != "by hand: it has another id" {
		r.same("after the plan", remediate.Simulate(bad, plan.Operations), good)
	}
	r.judged(good)
	if r.back != "" {
		if !strings.HasPrefix(plan.Reversible, r.back) || len(plan.Inverse) > 0 {
			r.Errorf("reversible: %s, by %v", plan.Reversible, plan.Inverse)
		}
		return
	}
	if !strings.HasPrefix(plan.Reversible, "yes") {
		r.Errorf("reversible: %s", plan.Reversible)
	}
	r.apply(plan.Inverse)
	r.same("after the way back", bad, r.read())
}

// perform does as an owner of the org what a line says.
func (r *remedyTrip) perform(line string) {
	line = strings.NewReplacer("{o}", "/orgs/"+shopOrg.ID(), "{p}", "/groups/"+shopProd.ID(), "{pid}", shopProd.ID()).Replace(line)
	parts := append(strings.SplitN(line, " ", 3), "")
	var body any
	if parts[2] != "" {
		body = parts[2]
	}
	if status, answer := r.atlas.Do(sim.Actor{Username: "alice@example.com"}, parts[0], parts[1], body); status >= http.StatusMultipleChoices {
		r.Fatalf("%s: %d %s", line, status, answer)
	}
}

// read is the scope of the finding, as far as it can be written to and what its rule reads.
func (r *remedyTrip) read() map[access.Kind]access.Collection {
	r.Helper()
	out := map[access.Kind]access.Collection{}
	for _, k := range append(r.engine.Reads(r.rule, r.ref.Scope), access.WrittenKinds()...) {
		all := access.ProjectKinds()
		if r.ref.Scope.IsOrg() {
			all = access.OrgKinds()
		}
		if !slices.Contains(all, k) {
			continue
		}
		got := r.client.Read(r.Context(), r.ref.Scope, k)
		if got.Status != access.StatusComplete || len(got.Odd) > 0 {
			r.Fatalf("%s: %s %s %v", k, got.Status, got.Reason, got.Odd)
		}
		out[k] = access.NewCollection(r.ref.Scope, k, got.States)
	}
	return out
}

// caseOf is the finding as the rule judges it. Of rules over changes, and of those that
// rest on what went before, the finding is put together.
func (r *remedyTrip) caseOf(before, bad map[access.Kind]access.Collection) remediate.Case {
	box := func(at map[access.Kind]access.Collection) access.Box {
		res, _ := at[r.ref.Kind].Find(r.ref.Name)
		return res.Box
	}
	f := access.Finding{Rule: r.rule, Ref: r.ref, Episode: 1, Remedy: r.remedy, Environment: "prod", State: access.FindingOpen, Ceiling: access.CeilingAuto}
	v := access.Verdict{Answer: access.AnswerViolation, Ceiling: access.CeilingAuto}
	if r.pass != "" {
		v = r.engine.Judge(r.input(bad), r.rule, r.ref, "")
		if v.Answer != access.AnswerViolation {
			r.Fatalf("judged %q: %s", v.Answer, v.Why)
		}
		f.Evidence = v.Evidence
	}
	if len(r.do) > 0 {
		f.Evidence.Before, f.Evidence.After = box(before), box(bad)
	}
	own := access.OwnAccess{Credentials: []string{"mdb_sa_id_64f000000000000000000a01", "mdb_sa_id_64f000000000000000000a02"}}
	return remediate.Case{Policy: remediate.Policy{Own: own, Networks: shopPolicy().Networks}, Finding: f, Verdict: v, Fresh: bad, Now: r.client.Now(), CanWrite: true}
}

func (r *remedyTrip) input(at map[access.Kind]access.Collection) rules.Input {
	in := rules.Input{Scope: r.ref.Scope, Environment: "prod", Collections: map[access.Kind]access.Collection{}, Now: r.client.Now()}
	for _, k := range r.engine.Reads(r.rule, r.ref.Scope) {
		in.Collections[k] = at[k]
	}
	if !r.ref.Scope.IsOrg() {
		in.Facts = access.Facts{V: access.Version, Scope: r.ref.Scope, At: in.Now, Org: map[access.Kind]access.Collection{}}
		for _, k := range access.GatheredKinds() {
			in.Facts.Org[k] = access.NewCollection(shopOrg, k, r.client.Read(r.Context(), shopOrg, k).States)
		}
	}
	return in
}

func (r *remedyTrip) judged(good map[access.Kind]access.Collection) {
	_, there := good[r.ref.Kind].Find(r.ref.Name)
	switch {
	case r.pass == "":
	case r.pass == "missing" && there:
		r.Errorf("%s is still there", r.ref)
	case r.pass != "missing":
		if v := r.engine.Judge(r.input(good), r.rule, r.ref, ""); v.Answer != r.pass {
			r.Errorf("afterwards judged %q: %s%s", v.Answer, v.Why, v.Message)
		}
	}
}

// apply makes each write, and once more, as if its answer had been lost.
func (r *remedyTrip) apply(ops []access.Operation) {
	r.Helper()
	for _, o := range ops {
		for range 2 {
			if err := r.client.Apply(r.Context(), "act-1", o); err != nil {
				r.Fatalf("%s: %v", o.Describe(), err)
			}
		}
		if now := r.read(); !o.AchievedIn(now[o.Ref.Kind]) {
			r.Fatalf("%s: it does not show", o.Describe())
		}
	}
}

func (r *remedyTrip) same(when string, want, got map[access.Kind]access.Collection) {
	r.Helper()
	states := func(of map[access.Kind]access.Collection) map[access.Kind][]access.State {
		out := map[access.Kind][]access.State{}
		for k, c := range of {
			for _, res := range c.Resources {
				out[k] = append(out[k], res.Box.State)
			}
		}
		return out
	}
	if diff := cmp.Diff(states(want), states(got)); diff != "" {
		r.Errorf("%s (-want +got):\n%s", when, diff)
	}
}
