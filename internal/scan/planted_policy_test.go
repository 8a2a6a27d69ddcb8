package scan_test

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// What the generated fleet declares. Addresses are outside of the ranges for documentation,
// since those are nobody's and open nothing.
const (
	ownAccount = "mdb_sa_id_60000000000000000000000a" // Gatewarden's own
	ownAddress = "34.60.0.1/32"
	ownHook    = "gatewarden.example.com"
	buckets    = "examplecorp-backups"
	peerVPC    = "vpc-0a1b2c3d4e5f60718"
	peerOwner  = "123456789012"
	ourVPCE    = "vpce-0a1b2c3d4e5f60718"
)

func grants(all ...string) []access.RoleGrant { // role, database, collection
	var out []access.RoleGrant
	for i := 0; i+2 < len(all); i += 3 {
		out = append(out, access.RoleGrant{Role: all[i], Database: all[i+1], Collection: all[i+2]})
	}
	return access.SortGrants(out)
}

func onClusters(names ...string) []access.UserScope {
	var out []access.UserScope
	for _, n := range names {
		out = append(out, access.UserScope{Name: n, Type: "CLUSTER"})
	}
	return access.SortScopes(out)
}

// fleetMatrix is what each team may do. The production of the EU is as the other, and there
// the backend team may look at data.
func fleetMatrix() []access.TeamAccess {
	rows := []access.TeamAccess{
		{Team: "platform-engineers", Roles: map[string][]string{
			"org": {"ORG_MEMBER"}, "dev": {"GROUP_OWNER"},
			"staging": {"GROUP_CLUSTER_MANAGER", "GROUP_NETWORK_ACCESS_MANAGER"}, "prod": {"GROUP_CLUSTER_MANAGER", "GROUP_NETWORK_ACCESS_MANAGER"},
		}},
		{Team: "backend", Roles: map[string][]string{
			"org": {"ORG_MEMBER"}, "dev": {"GROUP_DATA_ACCESS_READ_WRITE", "GROUP_INDEX_MANAGER"},
			"staging": {"GROUP_DATA_ACCESS_READ_ONLY"}, "prod": {"GROUP_OBSERVABILITY_VIEWER"},
		}},
		{Team: "data-analysts", Roles: map[string][]string{"org": {"ORG_MEMBER"}, "dev": {"GROUP_DATA_ACCESS_READ_ONLY"}}},
		{Team: "security", Roles: map[string][]string{"org": {"ORG_READ_ONLY"}, "prod": {"GROUP_CLUSTER_LOG_VIEWER"}}},
		{Team: "sre", Roles: map[string][]string{
			"org": {"ORG_MEMBER"}, "staging": {"GROUP_ALERTS_MANAGER", "GROUP_REPLICA_SET_MANAGER"},
			"prod": {"GROUP_ALERTS_MANAGER", "GROUP_BACKUP_RECOVERY_OPERATOR"},
		}},
	}
	for _, row := range rows {
		if roles := row.Roles["prod"]; roles != nil {
			row.Roles["prod-eu"] = roles
		}
		if row.Team == "backend" {
			row.Roles["prod-eu"] = []string{"GROUP_DATA_ACCESS_READ_ONLY", "GROUP_OBSERVABILITY_VIEWER"}
		}
	}
	return rows
}

func fleetIdentities() []access.Identity {
	end := fleetNow.AddDate(0, 0, 5)
	return []access.Identity{
		{Class: access.ClassApp, Usernames: []string{"*-app"}, Roles: grants("app-writer", "admin", ""), Scopes: onClusters("main"), Owner: "backend"},
		{Class: access.ClassReporting, Usernames: []string{"*-reporting"}, Roles: grants("read", "reporting", "sales", "read", "reporting", "customer_pii"), Owner: "data-analysts"},
		{Class: access.ClassBIETL, Usernames: []string{"*-etl"}, Roles: grants("read", "shop", "orders", "readWrite", "reporting", "sales"), Owner: "data-analysts"},
		{Class: access.ClassMonitoring, Usernames: []string{"*-monitor"}, Roles: grants("clusterMonitor", "admin", ""), Scopes: onClusters("main"), Owner: "sre"},
		{Class: access.ClassMigration, Usernames: []string{"*-migration-*"}, MaxAge: 72 * time.Hour, Owner: "platform-engineers"},
		{Class: access.ClassSync, Usernames: []string{"*-mongosync"}, Labels: map[string]string{"purpose": "sync"}, Until: end, Owner: "platform-engineers"},
		{Class: access.ClassSync, Usernames: []string{"*-mongosync-old"}, Until: daysAgo(3), Owner: "platform-engineers"},
		{Class: access.ClassHuman, Usernames: []string{"person-*"}, Owner: "backend"},
		{Class: access.ClassPlatformAdmin, Usernames: []string{"dba-*"}, Labels: map[string]string{"purpose": "dba"}, Roles: grants("atlasAdmin", "admin", ""), Owner: "platform-engineers"},
		{Class: access.ClassBreakGlass, Usernames: []string{"breakglass-*"}, Roles: grants("atlasAdmin", "admin", ""), MaxAge: 8 * time.Hour, Owner: "platform-engineers"},
		{Class: access.ClassAutomation, Usernames: []string{"*-runner"}, Roles: grants("deployer", "admin", ""), Owner: "platform-engineers"},
		{Class: access.ClassDynamic, Usernames: []string{"v-*"}, Owner: "platform-engineers"},
		{Class: access.ClassAtlasManaged, Usernames: []string{"mms-*"}},
		{Class: access.ClassAutomation, Machines: []string{"ci-prod-network"}, AtlasRoles: []string{"ORG_MEMBER", "GROUP_NETWORK_ACCESS_MANAGER"}},
		{Class: access.ClassAutomation, Machines: []string{"ci-prod-users"}, AtlasRoles: []string{"ORG_MEMBER", "GROUP_DATABASE_ACCESS_ADMIN"}},
		{Class: access.ClassAutomation, Machines: []string{"ci-dev*"}, AtlasRoles: []string{"ORG_MEMBER", "GROUP_CLUSTER_CREATOR"}},
		{Class: access.ClassAutomation, Machines: []string{"owner-declared*"}, AtlasRoles: []string{"ORG_MEMBER", "GROUP_OWNER"}},
		{Class: access.ClassApp, Machines: []string{"app-*"}},
	}
}

// fleetPolicy is the policy of the whole fleet, rich enough for every rule to apply.
func fleetPolicy() rules.Policy {
	purposes := func(third string) map[string][]string {
		return map[string][]string{
			"app": {"34." + third + "0.0.0/20"}, "ci": {"34." + third + "1.0.0/24"}, "vpn": {"34." + third + "2.0.0/24"}, "private": {"10." + third + "0.0.0/16"},
		}
	}
	return rules.Policy{
		Environments: []access.Environment{
			{Name: "prod", Projects: []string{"*-prod"}, Tags: map[string]string{"env": "prod"}},
			{Name: "prod-eu", Projects: []string{"*-prod-eu"}, Tags: map[string]string{"env": "prod-eu"}},
			{Name: "staging", Projects: []string{"*-staging"}, Tags: map[string]string{"env": "staging"}},
			{Name: "dev", Projects: []string{"*-dev"}, Tags: map[string]string{"env": "dev"}},
		},
		Identities: fleetIdentities(),
		Networks:   []access.Network{{Environment: "prod", Purposes: purposes("1")}, {Environment: "prod-eu", Purposes: purposes("1")}, {Environment: "staging", Purposes: purposes("2")}, {Environment: "dev", Purposes: purposes("3")}},
		Ranges: access.Ranges{
			Developer: []string{"34.40.0.0/24"}, Shared: []string{"34.50.0.0/28"},
			Providers: map[string][]string{"aws": {"35.0.0.0/16"}, "gcp": {"36.0.0.0/20"}},
			Peers:     []access.Peer{{Account: peerOwner, Network: peerVPC}, {Endpoint: ourVPCE}},
		},
		Matrix:     fleetMatrix(),
		Sensitive:  []access.Sensitive{{Namespace: "reporting.customer_pii", Readers: []string{"*-reporting"}, Environments: []string{"prod", "prod-eu"}}},
		Domains:    []string{"example.com"},
		Groups:     map[string][]string{"oncall": {"alice", "rajesh"}},
		Principals: []access.Principal{{ID: "alice", Email: "alice@example.com", Atlas: []string{"alice@example.com"}}, {ID: "rajesh", Email: "rajesh@example.com", Atlas: []string{"rajesh@example.com"}}},
		Expectations: []access.Expectation{{
			V: access.Version, ID: "cutover", Actor: "alice", Kind: access.KindTeamGrant, Project: "product07-staging",
			From: daysAgo(1), Until: fleetNow.AddDate(0, 0, 1), Reason: "the cut-over", Approved: "rajesh",
		}},
		Overrides: map[string]rules.Override{
			"network/permanent-entry": {Params: map[string]any{"environments_temporary": []string{"dev"}}},
			"dbuser/password-in-prod": {Params: map[string]any{"require_identity_auth": true}},
			"dbuser/undeclared":       {Params: map[string]any{"environments": []string{"prod", "prod-eu"}}},
			"key/undeclared":          {Params: map[string]any{"allowed": []string{"alice@example.com"}}},
			"project/backup-out":      {Params: map[string]any{"buckets": []string{buckets}}},
		},
		Own:     access.OwnAccess{Credentials: []string{ownAccount}, Addresses: []string{ownAddress}},
		Profile: "observe",
		Hooks:   []string{ownHook},
	}
}

// fragile is a user's rule that fails on what nobody writes: what shows of a rule that fails.
const fragile = `id: planted/fragile
title: A rule that fails
severity: low
why: it divides by the number of labels
kind: database_user
when: user.description == 'divide' && 1 / size(user.labels) > 0
message: user.username
controls: [CC6.1]
tests:
  - name: it divides
    given: {database_user: [{username: a, description: divide, labels: [{key: x, value: y}]}]}
    want: {admin/a: violation}
  - name: likewise
    given: {database_user: [{username: b, description: divide, labels: [{key: x, value: z}]}]}
    want: {admin/b: violation}
  - name: it does not divide
    given: {database_user: [{username: c}]}
    want: {admin/c: pass}
  - name: nor here
    given: {database_user: [{username: d, description: multiply}]}
    want: {admin/d: pass}
  - name: users may not be read
    given: {status: {database_user: denied}, database_user: [{username: e}]}
    want: {admin/e: unknown}
`
