package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const oneOrg = "atlas: {orgs: [{id: 64f0c0ffee64f0c0ffee64f0, read: {public_key: {env: A}, private_key: {env: B}}}]}\n"

func TestAccessDesign(t *testing.T) {
	f, err := Load("dir/x.yaml", []byte(oneOrg+`environments: {prod: {projects: ["*-prod"]}, dev: {projects: ["*-dev"]}}
principals: [{id: alice}, {id: bob}]
groups: {oncall: [alice, bob]}
identities: [{class: automation, machines: ["ci-*"], atlas_roles: [ORG_MEMBER, GROUP_CLUSTER_MANAGER]}]
networks:
  dev: {app: ["::ffff:203.0.113.7"]}
  developer: [192.0.2.9]
  shared: [198.51.100.0/24]
  providers: {aws: [203.0.113.0/24], gcp: []}
  peers: [{account: "123456789012", network: vpc-0abc}, {endpoint: vpce-0abc}]
matrix:
  sre: {prod: [GROUP_READ_ONLY], org: [ORG_MEMBER], dev: []}
  auditors: {}
sensitive: [{ns: reporting.a.b, readers: ["*_reader"], environments: [prod]}, {ns: secrets}]
allowed_domains: [example.com]
rules:
  override:
    a/b: {ceiling: tell}
    a/c: {ceiling: auto, accept_risk: true}
    a/d: {severity: low}
waivers:
  - {id: w, rule: "network/*", kind: ip_access_entry, name: 203.0.113.*, key: "a*", project: shop-prod, environment: prod, owner: oncall, reason: agreed,
     ticket: SEC-1, granted: 2026-11-01T01:00:00+01:00, until: 2026-11-08T00:00:00Z, renewals: 2, digest: 0123456789abcdef}
expectations:
  - {id: e, actor: alice, rule: dbuser/unscoped, kind: database_user, name: admin/x, project: shop-prod, from: 2026-11-01T00:00:00Z, until: 2026-11-02T00:00:00Z, ticket: OPS-1, reason: move, approved: bob}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings) > 0 {
		t.Errorf("warnings: %v", Problems(f.Warnings))
	}
	november := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	want := &File{
		Groups:     map[string][]string{"oncall": {"alice", "bob"}},
		Identities: []access.Identity{{Class: "automation", Machines: []string{"ci-*"}, AtlasRoles: []string{"ORG_MEMBER", "GROUP_CLUSTER_MANAGER"}}},
		Networks:   []access.Network{{Environment: "dev", Purposes: map[string][]string{"app": {"203.0.113.7/32"}}}},
		Ranges: access.Ranges{
			Developer: []string{"192.0.2.9/32"}, Shared: []string{"198.51.100.0/24"},
			Providers: map[string][]string{"aws": {"203.0.113.0/24"}, "gcp": {}},
			Peers:     []access.Peer{{Account: "123456789012", Network: "vpc-0abc"}, {Endpoint: "vpce-0abc"}},
		},
		Matrix: []access.TeamAccess{
			{Team: "sre", Roles: map[string][]string{"prod": {"GROUP_READ_ONLY"}, access.MatrixOrg: {"ORG_MEMBER"}, "dev": {}}},
			{Team: "auditors", Roles: map[string][]string{}},
		},
		Sensitive:      []access.Sensitive{{Namespace: "reporting.a.b", Readers: []string{"*_reader"}, Environments: []string{"prod"}}, {Namespace: "secrets"}},
		AllowedDomains: []string{"example.com"},
		Rules: Rules{Overrides: map[string]Override{
			"a/b": {Ceiling: access.CeilingTell, HasCeiling: true}, "a/c": {Ceiling: access.CeilingAuto, HasCeiling: true, AcceptRisk: true}, "a/d": {Severity: access.Low},
		}},
		Waivers: []access.Waiver{{
			V: access.Version, ID: "w", Rule: "network/*", Kind: access.KindIPAccessEntry, Name: "203.0.113.*", Key: "a*", Project: "shop-prod", Environment: "prod", Owner: "oncall",
			Reason: "agreed", Ticket: "SEC-1", Granted: november(1), Until: november(8), Renewals: 2, Digest: "0123456789abcdef", Source: "dir/x.yaml:23",
		}},
		Expectations: []access.Expectation{{
			V: access.Version, ID: "e", Actor: "alice", Rule: "dbuser/unscoped", Kind: access.KindDatabaseUser, Name: "admin/x", Project: "shop-prod",
			From: november(1), Until: november(2), Ticket: "OPS-1", Reason: "move", Approved: "bob", Source: "dir/x.yaml:26",
		}},
	}
	got := &File{
		Groups: f.Groups, Identities: f.Identities, Networks: f.Networks, Ranges: f.Ranges, Matrix: f.Matrix, Sensitive: f.Sensitive,
		AllowedDomains: f.AllowedDomains, Rules: f.Rules, Waivers: f.Waivers, Expectations: f.Expectations,
	}
	if diff := cmp.Diff(want, got, byExports); diff != "" {
		t.Errorf("the access design (-want +got):\n%s", diff)
	}
}

// examples are the files that are shown to people as they should write them.
func examples(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "deploy", "examples", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	return names
}

func TestExamplesAreClean(t *testing.T) {
	schema := compiled(t)
	for _, name := range examples(t) {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Load(name, src)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Warnings) > 0 {
			t.Errorf("warnings: %v", Problems(f.Warnings))
		}
		if !f.DryRun || !f.Atlas.Orgs[0].Write.IsZero() {
			t.Errorf("%s could write", name)
		}
		if err := schema.Validate(parsed(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExampleCorpIsComplete keeps the worked example one of every part of the design.
func TestExampleCorpIsComplete(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("..", "deploy", "examples", "examplecorp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load("examplecorp.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	var teams, users, machines []string
	for _, row := range f.Matrix {
		teams = append(teams, row.Team)
	}
	for _, id := range f.Identities {
		if id.Owner == "" {
			t.Errorf("nobody answers for %v%v", id.Usernames, id.Machines)
		}
		users, machines = append(users, id.Usernames...), append(machines, id.Machines...)
	}
	if diff := cmp.Diff([]string{"platform-engineers", "backend", "data-analysts", "security", "sre"}, teams); diff != "" {
		t.Errorf("teams (-want +got):\n%s", diff)
	}
	for _, want := range []string{"prod_app_user", "prod_reporting_reader", "prod_etl_writer", "prod_migration_*", "prod_breakglass_*", "prod_monitoring"} {
		if !taken(users, want, same[string]) {
			t.Errorf("no identity for %s", want)
		}
	}
	for what, n := range map[string]int{
		"machines": len(machines), "groups": len(f.Groups), "sensitive": len(f.Sensitive), "allowed_domains": len(f.AllowedDomains), "waivers": len(f.Waivers),
		"expectations": len(f.Expectations), "developer": len(f.Ranges.Developer), "shared": len(f.Ranges.Shared), "providers": len(f.Ranges.Providers), "peers": len(f.Ranges.Peers),
	} {
		if n == 0 {
			t.Errorf("it shows no %s", what)
		}
	}
	for _, n := range f.Networks {
		for _, purpose := range []string{"app", "ci", "vpn", "private"} {
			if len(n.Purposes[purpose]) == 0 {
				t.Errorf("%s has no network for %s", n.Environment, purpose)
			}
		}
	}
	// A waiver of a high finding, which this one is, holds a week.
	if w := f.Waivers[0]; w.Until.Sub(w.Granted) > access.WaiverCap(access.High) {
		t.Errorf("the waiver holds from %v to %v, too long", w.Granted, w.Until)
	}
}
