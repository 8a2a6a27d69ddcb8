package atlas

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.10":         "203.0.113.10/32",
		"203.0.113.10/32":      "203.0.113.10/32",
		"10.1.2.3/8":           "10.0.0.0/8",
		"0.0.0.0/0":            "0.0.0.0/0",
		"::/0":                 "::/0",
		"2001:DB8::1":          "2001:db8::1/128",
		"2001:db8:0:0::ff/64":  "2001:db8::/64",
		"::ffff:192.0.2.1":     "192.0.2.1/32",
		"::ffff:192.0.2.1/128": "192.0.2.1/32",
		"::ffff:192.0.2.1/120": "192.0.2.0/24",
		"::ffff:0.0.0.0/96":    "0.0.0.0/0",
		"::ffff:0:0/90":        "::ffc0:0:0/90",
		"fe80::1%eth0":         "",
		"300.1.2.3":            "",
		"10.0.0.0/33":          "",
		"sg-1":                 "",
		"":                     "",
	} {
		if got, err := canonical(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"10.1.2.3/8", "::ffff:1.2.3.4/100", "2001:db8::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := canonical(s)
		if err != nil {
			return
		}
		again, err := canonical(got)
		if err != nil || again != got {
			t.Errorf("%s: %s, then %s, %v", s, got, again, err)
		}
		if p, err := netip.ParsePrefix(got); err != nil || p != p.Masked() {
			t.Errorf("%s: %s", s, got)
		}
	})
}

// Answers in the forms that Atlas was recorded with.
func TestDecodeRecorded(t *testing.T) {
	until := time.Date(2026, 8, 10, 3, 0, 0, 0, time.UTC)
	user := func(change func(*access.DatabaseUser)) access.State {
		u := access.DatabaseUser{Database: "$external", Roles: []access.RoleGrant{{Role: "read", Database: "test"}}, Scopes: []access.UserScope{}}
		change(&u)
		return u
	}
	const rest = `"roles":[{"databaseName":"test","roleName":"read"}],"scopes":[],"labels":[],"groupId":"b01000000000000000000001","links":[{"href":"https://x","rel":"self"}]}`
	for name, tc := range map[string]struct {
		kind access.Kind
		raw  string
		want access.State
	}{
		"address": {access.KindIPAccessEntry, `{"cidrBlock":"192.0.2.1/32","ipAddress":"192.0.2.1","comment":"x","groupId":"b","links":[]}`, access.IPAccessEntry{Entry: "192.0.2.1/32", Comment: "x"}},
		"only ip": {access.KindIPAccessEntry, `{"ipAddress":"192.0.2.1","deleteAfterDate":"2026-08-10T04:00:00+01:00"}`, access.IPAccessEntry{Entry: "192.0.2.1/32", DeleteAfterDate: until}},
		"group":   {access.KindIPAccessEntry, `{"awsSecurityGroup":"123456/sg-0123"}`, access.IPAccessEntry{Entry: "123456/sg-0123"}},
		"scram": {access.KindDatabaseUser, `{"awsIAMType":"NONE","ldapAuthType":"NONE","oidcAuthType":"NONE","x509Type":"NONE","databaseName":"admin","username":"u","deleteAfterDate":"2026-08-10T03:00:00Z","description":"d",` + rest,
			user(func(u *access.DatabaseUser) {
				u.Database, u.Username, u.Auth, u.DeleteAfterDate, u.Description = "admin", "u", access.AuthSCRAM, until, "d"
			})},
		"x509 managed": {access.KindDatabaseUser, `{"x509Type":"MANAGED","databaseName":"$external","username":"user389",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "user389", access.AuthX509Managed })},
		"aws role":     {access.KindDatabaseUser, `{"awsIAMType":"ROLE","databaseName":"$external","username":"arn:aws:iam::1:role/r",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "arn:aws:iam::1:role/r", access.AuthAWSRole })},
		"aws user":     {access.KindDatabaseUser, `{"awsIAMType":"USER","databaseName":"$external","username":"arn",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "arn", access.AuthAWSUser })},
		"ldap group":   {access.KindDatabaseUser, `{"ldapAuthType":"GROUP","databaseName":"$external","username":"CN=g",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "CN=g", access.AuthLDAPGroup })},
		"ldap user":    {access.KindDatabaseUser, `{"ldapAuthType":"USER","databaseName":"$external","username":"CN=u",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "CN=u", access.AuthLDAPUser })},
		"workforce": {access.KindDatabaseUser, `{"oidcAuthType":"IDP_GROUP","databaseName":"admin","username":"idp/g",` + rest, user(func(u *access.DatabaseUser) {
			u.Database, u.Username, u.Auth = "admin", "idp/g", access.AuthOIDCWorkforce
		})},
		"workload":      {access.KindDatabaseUser, `{"oidcAuthType":"USER","databaseName":"$external","username":"idp/s",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "idp/s", access.AuthOIDCWorkload })},
		"x509 customer": {access.KindDatabaseUser, `{"x509Type":"CUSTOMER","databaseName":"$external","username":"CN=c",` + rest, user(func(u *access.DatabaseUser) { u.Username, u.Auth = "CN=c", access.AuthX509Customer })},
		"sorted lists": {access.KindDatabaseUser, `{"databaseName":"admin","username":"u","roles":[{"databaseName":"b","roleName":"read","collectionName":"c"},{"databaseName":"a","roleName":"read"},{"databaseName":"a","roleName":"read"}],"scopes":[{"name":"z","type":"CLUSTER"},{"name":"a","type":"CLUSTER"}],"labels":[{"key":"b","value":"1"},{"key":"a"}]}`,
			access.DatabaseUser{Database: "admin", Username: "u", Auth: access.AuthSCRAM,
				Roles:  []access.RoleGrant{{Role: "read", Database: "a"}, {Role: "read", Database: "b", Collection: "c"}},
				Scopes: []access.UserScope{{Name: "a", Type: "CLUSTER"}, {Name: "z", Type: "CLUSTER"}},
				Labels: []access.Label{{Key: "a"}, {Key: "b", Value: "1"}}}},
		"custom role": {access.KindCustomRole, `{"roleName":"r","actions":[{"action":"FIND","resources":[{"db":"shop"},{"db":"","collection":""}]},{"action":"KILL_OP","resources":[{"cluster":true}]}],"inheritedRoles":[{"db":"b","role":"y"},{"db":"a","role":"z"}]}`,
			access.CustomRole{Role: "r",
				Inherits:   []access.RoleGrant{{Role: "z", Database: "a"}, {Role: "y", Database: "b"}},
				Privileges: []access.Privilege{{Action: "FIND"}, {Action: "FIND", Database: "shop"}, {Action: "KILL_OP", Cluster: true}}}},
		"cluster": {access.KindCluster, `{"id":"i","name":"c","clusterType":"REPLICASET","stateName":"IDLE","paused":true,"tags":[{"key":"k","value":"v"}],"biConnector":{"readPreference":17},"replicationSpecs":"odd"}`,
			access.Cluster{ID: "i", Cluster: "c", Type: "REPLICASET", StateName: "IDLE", Paused: true, Tags: []access.Label{{Key: "k", Value: "v"}}}},
		"dedicated": {access.KindCluster, `{"name":"c","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"},{"providerName":"GCP"}]},{}]}`, access.Cluster{Cluster: "c", Tier: access.TierDedicated}},
		"free":      {access.KindCluster, `{"name":"c","replicationSpecs":[{"regionConfigs":[{"providerName":"TENANT","backingProviderName":"AWS"}]}]}`, access.Cluster{Cluster: "c", Tier: access.TierShared}},
		"no specs":  {access.KindCluster, `{"name":"c","replicationSpecs":[{"regionConfigs":[{}]}]}`, access.Cluster{Cluster: "c"}},
		"odd specs": {access.KindCluster, `{"name":"c","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"},{"providerName":7}]}]}`, access.Cluster{Cluster: "c"}},
		"flex":      {access.KindFlexCluster, `{"id":"i","name":"f","stateName":"IDLE","versionReleaseSystem":"CONTINUOUS"}`, access.FlexCluster{ID: "i", Cluster: "f", StateName: "IDLE"}},
		"federated": {access.KindFederatedDatabase, `{"name":"d","state":"ACTIVE","dataProcessRegion":null}`, access.FederatedDatabase{Instance: "d"}},
		"workspace": {access.KindStreamWorkspace, `{"_id":"i","name":"w"}`, access.StreamWorkspace{ID: "i", Workspace: "w"}},
	} {
		src, _ := sourceOf(tc.kind)
		got, err := src.states(piece{raw: json.RawMessage(tc.raw), scope: prod})
		if diff := cmp.Diff([]access.State{tc.want}, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// Whatever comes, a decoder gives a state with a name or an error, and what it gives
// survives being stored.
func FuzzDecode(f *testing.F) {
	f.Add("database_user", []byte(`{"databaseName":"admin","username":"u","roles":[{"databaseName":"b","roleName":"read"}],"scopes":[]}`))
	f.Add("ip_access_entry", []byte(`{"cidrBlock":"::ffff:10.0.0.0/104"}`))
	f.Add("custom_role", []byte(`{"roleName":"r","actions":[{"action":"FIND","resources":[{"db":"shop"}]}]}`))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		src, ok := sourceOf(access.Kind(kind))
		if !ok || !json.Valid(raw) {
			return
		}
		p := piece{raw: raw, scope: prod, parent: "p"}
		src.name(p) // must not panic
		states, err := src.states(p)
		if err != nil {
			return
		}
		for _, state := range states {
			survives(t, state, access.Kind(kind))
		}
	})
}

func survives(t *testing.T, state access.State, kind access.Kind) {
	t.Helper()
	if state.Name() == "" || state.Kind() != kind {
		t.Errorf("%+v", state)
	}
	if u, ok := state.(access.DatabaseUser); ok && !slices.Equal(u.Roles, access.SortGrants(u.Roles)) {
		t.Errorf("roles are not sorted: %v", u.Roles)
	}
	stored, err := json.Marshal(access.Box{State: state})
	if err != nil {
		t.Fatal(err)
	}
	var back access.Box
	if err := json.Unmarshal(stored, &back); err != nil || len(access.ChangedFields(access.Box{State: state}, back)) > 0 {
		t.Errorf("%+v became %+v: %v", state, back, err)
	}
}
