package watcher

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// missing lists what the specification has and the table does not, and the other way
// round: a type or a row that the specification puts into no such feed.
func (t eventTable) missing(org bool, spec []string) (out []string) {
	for _, name := range spec {
		key := feedType{name, org}
		if t.mapped[key] == nil && t.passed[key] == "" && t.ignored[name] == "" {
			out = append(out, name+" is neither mapped nor ignored")
		}
		if t.newer[name] {
			out = append(out, name+" is in the specification by now")
		}
	}
	for _, rows := range [][]feedType{slices.Collect(maps.Keys(t.mapped)), slices.Collect(maps.Keys(t.passed))} {
		for _, key := range rows {
			if key.org == org && !t.newer[key.name] && !slices.Contains(spec, key.name) {
				out = append(out, key.name+" is not in the specification")
			}
		}
	}
	return out
}

// Every event type of the specification means something or is ignored for a reason, in
// each feed that may have it; and what the table has beyond that is marked.
func TestEventTableIsComplete(t *testing.T) {
	spec, table := theSpecification(t), theEventTable()
	org, project := spec.feed(t, true), spec.feed(t, false)
	if len(org) < 250 || len(project) < 650 {
		t.Fatalf("%d types for orgs and %d for projects: not all of the specification was read", len(org), len(project))
	}
	for _, complaint := range append(table.missing(true, org), table.missing(false, project)...) {
		t.Error(complaint)
	}
	for name := range table.ignored {
		if !slices.Contains(org, name) && !slices.Contains(project, name) {
			t.Errorf("%s is ignored and not in the specification", name)
		}
	}
}

// The test above would notice.
func TestEventTableMissing(t *testing.T) {
	table, err := parseEventTable("A\torg\torg updated\nB\tboth\t- r\nE\tproject\tproject observed\tnewer\nignored r: it is nothing\n  C\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		org  bool
		spec string
		want []string
	}{
		{true, "A B C", nil},
		{false, "B C", nil},
		{false, "A B C", []string{"A is neither mapped nor ignored"}},
		{true, "A B C D", []string{"D is neither mapped nor ignored"}},
		{true, "A C", []string{"B is not in the specification"}},
		{true, "B", []string{"A is not in the specification"}},
		{false, "B E", []string{"E is in the specification by now"}},
	} {
		if diff := cmp.Diff(tc.want, table.missing(tc.org, strings.Fields(tc.spec))); diff != "" {
			t.Errorf("%v %s (-want +got):\n%s", tc.org, tc.spec, diff)
		}
	}
}

func TestParseEventTableRefuses(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"A\torg", "2 columns"},
		{"A\tcluster\torg updated", "unknown feed"},
		{"A\torg\tproject updated", "no kind of this feed's scope"},
		{"A\tboth\tproject updated", "no kind of this feed's scope"},
		{"A\torg\torg attributed", "says nothing known"},
		{"A\torg\torg ~observed", "says nothing known"},
		{"A\torg\torg ~read", "says nothing known"},
		{"A\torg\torg", "says nothing known"},
		{"A\torg\torg updated, team created", "only the first kind"},
		{"A\torg\torg read\nA\torg\torg updated", "twice"},
		{"A\torg\torg read\nA\tboth\t- r\nignored r: x", "twice"},
		{"A\torg\torg read\thearsay", "unknown source"},
		{"A\torg\t- r", "is no reason"},
		{"ignored r", "not a new reason"},
		{"ignored r: ", "not a new reason"},
		{"ignored r: x\nignored r: y", "not a new reason"},
		{"  A", "without a reason"},
		{"ignored r: x\n  A A", "twice"},
		{"A\torg\torg read\nignored r: x\n  A", "mapped and ignored"},
	} {
		if _, err := parseEventTable(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.text, err, tc.want)
		}
	}
}

// governance finds, by their names, the types that say who may do what: they are never
// nothing, however long the list of what is ignored gets.
var governance = regexp.MustCompile(`ROLES?_|ACCESS_LIST|NETWORK_PERMISSION|EMPLOYEE_ACCESS|TWO_FACTOR|MULTI_FACTOR|^API_KEY|^(ORG_)?SERVICE_ACCOUNT_[^S]|^SERVICE_ACCOUNT_SECRET_|` +
	`IDENTITY_PROVIDER|FEDERATION_SETTINGS|^DOMAIN|RESTRICT_ORG|RESOURCE_POLICY|^MONGODB_(USER|ROLE)|X509_CRL_UPDATED|JOINED_|INVITED_TO_|INVITATION|REMOVED_FROM_|^TEAM_|` +
	`PEER_|INTERFACE_ENDPOINT|^ENDPOINT_SERVICE|AUDIT_LOG_CONFIG|ALERT_CONFIG_|^INTEGRATION_|RESTORE_REQUESTED|SESSION_TIMEOUT|SECURITY_(CONTACT|SETTINGS)`)

// A type that says who may do what touches a kind, in this feed or, where the same is
// told in both, in the other one.
func TestGovernanceIsMapped(t *testing.T) {
	spec, table := theSpecification(t), theEventTable()
	found := 0
	for _, org := range []bool{true, false} {
		for _, name := range spec.feed(t, org) {
			if !governance.MatchString(name) {
				continue
			}
			found++
			told := table.mapped[feedType{name, org}] != nil
			if reason := table.passed[feedType{name, org}]; reason == "orgfeed" || reason == "projectfeed" {
				told = table.mapped[feedType{name, reason == "orgfeed"}] != nil
			}
			if !told {
				t.Errorf("%s of an org (%t) touches no kind: %s%s", name, org, table.passed[feedType{name, org}], table.ignored[name])
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d types look like governance", found)
	}
}

// Every reason is a sentence and is used. Every kind that a scope has, but for access
// history, which is no state, is touched by an event.
func TestEventTableIsSane(t *testing.T) {
	table := theEventTable()
	used := append(slices.Collect(maps.Values(table.ignored)), slices.Collect(maps.Values(table.passed))...)
	for name, sentence := range table.reasons {
		if !slices.Contains(used, name) || len(strings.Fields(sentence)) < 5 {
			t.Errorf("reason %q: %q", name, sentence)
		}
	}
	touched := map[access.Kind]bool{access.KindAccessHistory: true}
	for key, m := range table.mapped {
		seen := map[effect]bool{}
		for _, e := range m {
			touched[e.kind] = true
			if seen[e] {
				t.Errorf("%s says %v twice", key.name, e)
			}
			seen[e] = true
		}
	}
	for _, k := range append(access.OrgKinds(), access.ProjectKinds()...) {
		if !touched[k] {
			t.Errorf("no event touches %s", k)
		}
	}
}

func (m meaning) String() string {
	var out []string
	for _, e := range m {
		word := string(e.op)
		switch {
		case e.op == "":
			word = "read"
		case e.side:
			word = "~" + word
		}
		out = append(out, fmt.Sprintf("%s %s", e.kind, word))
	}
	return strings.Join(out, ", ")
}

// The same type says another thing in another feed.
func TestMeanings(t *testing.T) {
	for _, tc := range []struct{ eventType, org, project string }{
		{"USER_ROLES_CHANGED_AUDIT", "org_member updated, invitation ~updated", "project_member updated"},
		{"TEAM_ADDED_TO_GROUP", "", "team_grant created, project_member read"},
		{"API_KEY_CREATED", "api_key created", "project_key created"},
		{"API_KEY_ACCESS_LIST_ENTRY_ADDED", "api_access_entry created", ""},
		{"SERVICE_ACCOUNT_SECRET_ADDED", "service_account_secret created", "project_service_account observed"},
		{"ALERT_CONFIG_DISABLED_AUDIT", "org_settings observed", "alert_config updated"},
		{"RESOURCE_POLICY_VIOLATED", "resource_policy observed", "project observed"},
		{"GROUP_CREATED", "", "project created"},
		{"GROUP_DELETED", "", ""},
		{"JOINED_GROUP", "", "project_member created"},
		{"INVITED_TO_ORG", "invitation created, org_member ~created", ""},
		{"IDENTITY_PROVIDER_JWKS_REVOKED", "identity_provider observed", ""},
		{"USER_SECURITY_SETTINGS_UPDATED", "", "database_auth updated, x509_config ~updated"},
		{"NETWORK_PERMISSION_ENTRY_ADDED", "", "ip_access_entry created"},
		{"MONGODB_USER_X509_CERT_CREATED", "", "database_user observed, x509_config ~updated"},
		{"CLUSTER_READY", "", "cluster read, flex_cluster read"},
		{"OAUTH_TOKEN_ISSUED", "org_settings observed", ""},
		{"PRIMARY_ELECTED", "", ""},
		{"A_TYPE_OF_NEXT_YEAR", "", ""},
	} {
		if got := meanings(tc.eventType, true).String(); got != tc.org {
			t.Errorf("%s of an org: %q, want %q", tc.eventType, got, tc.org)
		}
		if got := meanings(tc.eventType, false).String(); got != tc.project {
			t.Errorf("%s of a project: %q, want %q", tc.eventType, got, tc.project)
		}
	}
}

func TestKindsOf(t *testing.T) {
	for _, tc := range []struct {
		scope     access.Scope
		eventType string
		want      []access.Kind
	}{
		{project, "NETWORK_PERMISSION_ENTRY_ADDED", []access.Kind{access.KindIPAccessEntry}},
		{project, "REMOVED_FROM_GROUP", []access.Kind{access.KindProjectMember}},
		{org, "JOINED_ORG", []access.Kind{access.KindOrgMember, access.KindInvitation, access.KindTeamMember}},
		{org, "NETWORK_PERMISSION_ENTRY_ADDED", nil},
		{project, "HOST_DOWN", nil},
	} {
		if diff := cmp.Diff(tc.want, KindsOf(tc.scope, tc.eventType)); diff != "" {
			t.Errorf("%s in %s (-want +got):\n%s", tc.eventType, tc.scope, diff)
		}
	}
}
