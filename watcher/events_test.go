package watcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const teamID, otherTeamID = "c0ffee000000000000000001", "c0ffee000000000000000002"

// Certificates are the project's own authorities or those of one user.
func TestCertificatesOfAnEvent(t *testing.T) {
	for _, tc := range []struct {
		event, target string
		fits, others  []string
	}{
		{"CUSTOMER_X509_CRL_UPDATED", "", []string{projectID}, []string{"user/batch"}},
		{"MONGODB_USER_X509_CERT_CREATED", "", []string{"user/batch", "user/other"}, []string{projectID}},
		{"MONGODB_USER_X509_CERT_REVOKED", "CN=batch", []string{"user/batch"}, []string{"user/other", projectID}},
		{"MONGODB_USER_DELETED", "batch", []string{"user/batch"}, []string{"user/other", projectID}},
	} {
		p := Pending{Kind: access.KindX509Config, Op: access.OpUpdated, Event: access.Event{Type: tc.event, Scope: access.ProjectScope(projectID), Target: tc.target}}
		for _, n := range tc.fits {
			if !p.about().fits(n) {
				t.Errorf("%s of %q is not about %s", tc.event, tc.target, n)
			}
		}
		for _, n := range tc.others {
			if p.about().fits(n) {
				t.Errorf("%s of %q is about %s", tc.event, tc.target, n)
			}
		}
	}
}

// What an event's target says of a resource's name, whole or in part.
func TestEventIsAbout(t *testing.T) {
	for _, tc := range []struct {
		kind         access.Kind
		op           access.Op
		target       string
		fits, others []string
		open         bool
	}{
		{access.KindOrgSettings, "updated", "", []string{orgID}, []string{projectID}, false},
		{access.KindOrgSettings, "observed", "x", []string{"x"}, []string{orgID}, false},
		{access.KindX509Config, "updated", "", []string{projectID}, nil, false},
		{access.KindProject, "observed", "", []string{projectID}, nil, false},
		{access.KindProject, "observed", "shop.orders", []string{"shop.orders"}, []string{projectID}, false},
		{access.KindProject, "updated", "c0ffee000000000000000009", []string{projectID}, nil, false},
		{access.KindOrgMember, "created", "Rajesh@Example.com", []string{"rajesh@example.com"}, []string{"Rajesh@Example.com"}, false},
		{access.KindProjectMember, "created", "rajesh@example.com", []string{"rajesh@example.com"}, nil, false},
		{access.KindProjectMember, "created", "", []string{"rajesh@example.com"}, nil, true},
		{access.KindInvitation, "created", "Rajesh@example.com", []string{"rajesh@example.com"}, []string{projectID + "/rajesh@example.com"}, false},
		{access.KindTeam, "created", teamID, []string{teamID}, []string{otherTeamID}, false},
		{access.KindTeamGrant, "created", teamID, []string{teamID}, nil, false},
		{access.KindTeamMember, "deleted", teamID, []string{teamID + "/rajesh@example.com"}, []string{otherTeamID + "/rajesh@example.com", teamID}, false},
		{access.KindTeamMember, "created", "Rajesh@example.com", []string{teamID + "/rajesh@example.com", otherTeamID + "/rajesh@example.com"}, []string{teamID + "/xrajesh@example.com"}, false},
		{access.KindTeamMember, "created", teamID + "/Rajesh@example.com", []string{teamID + "/rajesh@example.com"}, []string{otherTeamID + "/rajesh@example.com"}, false},
		{access.KindAPIKey, "created", "mcpvrzod", []string{"mcpvrzod"}, []string{"mcpvrzoe"}, false},
		{access.KindProjectKey, "created", "mcpvrzod", []string{"mcpvrzod"}, nil, false},
		{access.KindServiceAccount, "created", "", []string{"mdb_sa_id_1"}, nil, true},
		{access.KindServiceAccountSecret, "created", "", []string{"mdb_sa_id_1/s"}, nil, true},
		{access.KindServiceAccountSecret, "created", "mdb_sa_id_1", []string{"mdb_sa_id_1/s"}, []string{"mdb_sa_id_10/s"}, false},
		{access.KindAPIAccessEntry, "created", "mcpvrzod/203.0.113.7/32", []string{"mcpvrzod/203.0.113.7/32"}, []string{"other/203.0.113.7/32"}, false},
		{access.KindAPIAccessEntry, "created", "203.0.113.7", []string{"mcpvrzod/203.0.113.7/32"}, []string{"mcpvrzod/203.0.113.7/24"}, false},
		{access.KindAPIAccessEntry, "created", "2001:DB8::/32", []string{"mcpvrzod/2001:db8::/32"}, nil, false},
		{access.KindAPIAccessEntry, "deleted", "mcpvrzod", []string{"mcpvrzod/203.0.113.7/32"}, []string{"mcpvrzodx/203.0.113.7/32"}, false},
		{access.KindRoleMapping, "created", "", []string{"r"}, nil, true},
		{access.KindResourcePolicy, "updated", "p1", []string{"p1"}, []string{"p2"}, false},
		{access.KindAlertConfig, "updated", "a1", []string{"a1"}, []string{"a2"}, false},
		{access.KindIntegration, "created", "", []string{"DATADOG"}, nil, true},
		{access.KindPrivateEndpoint, "created", "e1", []string{"AWS/e1", "AZURE/e1"}, []string{"AWS/xe1"}, false},
		{access.KindPeering, "created", "", []string{"GCP/p"}, nil, true},
		{access.KindBackupRestoreJob, "created", "prod", []string{"prod/j1"}, []string{"prod2/j1"}, false},
		{access.KindCluster, "updated", "c0ffee000000000000000009", []string{"prod"}, nil, true},
		{access.KindCluster, "created", "prod", []string{"prod"}, []string{"prod2"}, false},
		{access.KindCustomRole, "created", "", []string{"any"}, nil, true},
	} {
		scope := project
		if slices.Contains(access.OrgKinds(), tc.kind) {
			scope = org
		}
		got := Pending{Kind: tc.kind, Op: tc.op, Event: access.Event{Scope: scope, Target: tc.target}}.about()
		for _, name := range tc.fits {
			if !got.fits(name) {
				t.Errorf("%s %q does not fit %s", tc.kind, tc.target, name)
			}
		}
		for _, name := range tc.others {
			if got.fits(name) {
				t.Errorf("%s %q fits %s", tc.kind, tc.target, name)
			}
		}
		if got.open() != tc.open {
			t.Errorf("%s %q: open is %v", tc.kind, tc.target, got.open())
		}
	}
}

// Attribution where events have a part of a name, and where one event has side effects.
// A change is "op name" and happened within 20 s; an event is "type target second actor".
func TestAttributeParts(t *testing.T) {
	const a, b, c = teamID + "/a@example.com", teamID + "/b@example.com", otherTeamID + "/a@example.com"
	const key = "mcpvrzod/203.0.113.7/32"
	for _, tc := range []struct {
		name    string
		kind    access.Kind
		changes []string
		events  []string
		want    []string // "name actor: types"
		rest    int      // events that explain nothing
	}{
		{"a member without a team", access.KindTeamMember, []string{"created " + a, "created " + b},
			[]string{"JOINED_TEAM b@example.com 5 mallory"}, []string{b + " mallory: JOINED_TEAM"}, 0},
		{"nor is a member whose name ends like it", access.KindTeamMember, []string{"created " + a, "created " + teamID + "/aa@example.com"},
			[]string{"JOINED_TEAM a@example.com 5 mallory"}, []string{a + " mallory: JOINED_TEAM"}, 0},
		{"an event of another whose name ends like it", access.KindTeamMember, []string{"created " + teamID + "/aa@example.com"},
			[]string{"JOINED_TEAM a@example.com 5 mallory"}, nil, 1},
		{"a member of two teams", access.KindTeamMember, []string{"created " + a, "created " + c},
			[]string{"JOINED_TEAM a@example.com 5 mallory", "JOINED_TEAM A@example.com 6 mallory"},
			[]string{a + " mallory: JOINED_TEAM", c + " mallory: JOINED_TEAM"}, 0},
		{"a member of two teams by two people", access.KindTeamMember, []string{"created " + a, "created " + c},
			[]string{"JOINED_TEAM a@example.com 5 mallory", "JOINED_TEAM a@example.com 6 alice"},
			[]string{a + " : JOINED_TEAM", c + " : JOINED_TEAM"}, 0},
		{"two members by two people", access.KindTeamMember, []string{"created " + a, "created " + b},
			[]string{"JOINED_TEAM a@example.com 5 mallory", "JOINED_TEAM b@example.com 6 alice"},
			[]string{a + " mallory: JOINED_TEAM", b + " alice: JOINED_TEAM"}, 0},
		{"with a team go its members", access.KindTeamMember, []string{"deleted " + a, "deleted " + b, "deleted " + c},
			[]string{"TEAM_DELETED " + teamID + " 5 mallory"},
			[]string{a + " mallory: TEAM_DELETED", b + " mallory: TEAM_DELETED"}, 0},
		{"but one was removed before", access.KindTeamMember, []string{"deleted " + a, "deleted " + b},
			[]string{"REMOVED_FROM_TEAM a@example.com 4 alice", "TEAM_DELETED " + teamID + " 5 mallory"},
			[]string{a + " alice: REMOVED_FROM_TEAM", b + " mallory: TEAM_DELETED"}, 0},
		{"who left the org left its teams", access.KindTeamMember, []string{"deleted " + a, "deleted " + b},
			[]string{"REMOVED_FROM_ORG a@example.com 5 mallory"}, []string{a + " mallory: REMOVED_FROM_ORG"}, 0},
		{"side effects of two people", access.KindTeamMember, []string{"deleted " + a},
			[]string{"TEAM_DELETED " + teamID + " 5 mallory", "REMOVED_FROM_ORG a@example.com 6 alice"},
			[]string{a + " : TEAM_DELETED REMOVED_FROM_ORG"}, 0},
		{"no side effect on another operation", access.KindTeamMember, []string{"created " + a},
			[]string{"TEAM_DELETED " + teamID + " 5 mallory"}, nil, 1},
		{"nor long before", access.KindTeamMember, []string{"deleted " + a},
			[]string{"TEAM_DELETED " + teamID + " -60 mallory"}, nil, 1},
		{"the address of a key", access.KindAPIAccessEntry, []string{"created " + key, "created other/203.0.113.7/32"},
			[]string{"API_KEY_ACCESS_LIST_ENTRY_ADDED mcpvrzod/203.0.113.7/32 5 mallory"},
			[]string{key + " mallory: API_KEY_ACCESS_LIST_ENTRY_ADDED"}, 0},
		{"with a key go its addresses", access.KindAPIAccessEntry, []string{"deleted " + key, "deleted other/203.0.113.7/32"},
			[]string{"API_KEY_DELETED mcpvrzod 5 mallory"}, []string{key + " mallory: API_KEY_DELETED"}, 0},
		{"a service account has its first secret", access.KindServiceAccountSecret, []string{"created mdb_sa_id_1/s"},
			[]string{"SERVICE_ACCOUNT_CREATED - 5 mallory"}, []string{"mdb_sa_id_1/s mallory: SERVICE_ACCOUNT_CREATED"}, 0},
		{"an invitation is accepted", access.KindInvitation, []string{"deleted " + "a@example.com", "deleted " + "b@example.com"},
			[]string{"JOINED_ORG a@example.com 5 alice"}, []string{"a@example.com alice: JOINED_ORG"}, 0},
		{"roles of a member", access.KindOrgMember, []string{"updated a@example.com", "updated b@example.com"},
			[]string{"USER_ROLES_CHANGED_AUDIT a@example.com 5 mallory"}, []string{"a@example.com mallory: USER_ROLES_CHANGED_AUDIT"}, 0},
		{"settings", access.KindOrgSettings, []string{"updated " + orgID},
			[]string{"ORG_TWO_FACTOR_AUTH_OPTIONAL - 5 mallory"}, []string{orgID + " mallory: ORG_TWO_FACTOR_AUTH_OPTIONAL"}, 0},
		{"an address list that nobody can read", access.KindOrgSettings, []string{"updated " + orgID},
			[]string{"ORG_EDITED_UI_IP_ACCESS_LIST_ENTRIES - 5 mallory"}, nil, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var changes []access.RecentChange
			for _, line := range tc.changes {
				changes = append(changes, recentOf(tc.kind, line))
			}
			var events []Pending
			for i, line := range tc.events {
				events = append(events, pendingOf(t, tc.kind, i, line))
			}
			learned, rest := Attribute(changes, events)
			var got []string
			for _, r := range learned {
				var types []string
				for _, id := range r.Change.Events {
					types = append(types, id[2:])
				}
				actor, _, _ := strings.Cut(r.Change.Actor.Name, "@")
				got = append(got, fmt.Sprintf("%s %s: %s", r.Change.Ref.Name, actor, strings.Join(types, " ")))
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("learned (-want +got):\n%s", diff)
			}
			if len(rest) != tc.rest {
				t.Errorf("%d events explain nothing, want %d", len(rest), tc.rest)
			}
		})
	}
}

var attributed = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func recentOf(kind access.Kind, line string) access.RecentChange {
	op, name, _ := strings.Cut(line, " ")
	return access.RecentChange{
		From: attributed, Until: attributed.Add(20 * time.Second),
		Change: access.Change{ID: name, Ref: access.Ref{Scope: org, Kind: kind, Name: name}, Op: access.Op(op)},
	}
}

// pendingOf is the event as it waits for a read of the kind.
func pendingOf(t *testing.T, kind access.Kind, n int, line string) Pending {
	t.Helper()
	var eventType, target, actor string
	var second int
	if _, err := fmt.Sscan(line, &eventType, &target, &second, &actor); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	at := attributed.Add(time.Duration(second) * time.Second)
	e := access.Event{
		ID: fmt.Sprintf("%d.%s", n, eventType), Type: eventType, Scope: org, Target: strings.TrimSuffix(target, "-"), Created: at,
		Actor: access.Actor{Type: access.ActorHuman, Name: actor + "@example.com"},
	}
	for _, x := range meanings(eventType, true) {
		if x.kind == kind {
			return Pending{Event: e, Kind: kind, Op: x.op, Side: x.side, At: at}
		}
	}
	t.Fatalf("%s says nothing of %s", eventType, kind)
	return Pending{}
}

// An event about the change itself, come late, knows better than a side effect.
func TestLateEventBeatsASideEffect(t *testing.T) {
	const name = teamID + "/a@example.com"
	changes := []access.RecentChange{recentOf(access.KindTeamMember, "deleted "+name)}
	learned, _ := Attribute(changes, []Pending{pendingOf(t, access.KindTeamMember, 0, "TEAM_DELETED "+teamID+" 9 mallory")})
	changes[0] = learned[0]
	learned, rest := Attribute(changes, []Pending{pendingOf(t, access.KindTeamMember, 1, "REMOVED_FROM_TEAM a@example.com 5 alice")})
	if c := learned[0].Change; c.Actor.Name != "alice@example.com" || len(c.Events) != 2 || len(rest) != 0 {
		t.Errorf("%+v, rest %v", c, rest)
	}
}

// How many losses the events of deletions make credible.
func TestToldDeletions(t *testing.T) {
	const a, b, c = teamID + "/a@example.com", teamID + "/b@example.com", otherTeamID + "/a@example.com"
	for _, tc := range []struct {
		kind   access.Kind
		events []string
		lost   []string
		want   int // explained
	}{
		{access.KindTeamMember, []string{"TEAM_DELETED " + teamID + " 5 x"}, []string{a, b, c}, 2},
		{access.KindTeamMember, []string{"REMOVED_FROM_TEAM a@example.com 5 x"}, []string{a, b, c}, 1},
		{access.KindTeamMember, []string{"REMOVED_FROM_TEAM a@example.com 5 x", "REMOVED_FROM_TEAM a@example.com 6 x"}, []string{a, b, c}, 2},
		{access.KindTeamMember, []string{"REMOVED_FROM_ORG a@example.com 5 x"}, []string{a, b, c}, 2},
		{access.KindTeamMember, []string{"JOINED_TEAM a@example.com 5 x"}, []string{a, b, c}, 0},
		{access.KindServiceAccount, []string{"SERVICE_ACCOUNT_DELETED - 5 x"}, []string{"s1", "s2"}, 1},
		{access.KindOrgMember, []string{"REMOVED_FROM_ORG a@example.com 5 x"}, []string{"a@example.com", "b@example.com"}, 1},
	} {
		var live []Pending
		for i, line := range tc.events {
			live = append(live, pendingOf(t, tc.kind, i, line))
		}
		told := toldDeletions(live)
		got := told.open
		for _, name := range tc.lost {
			if told.explain(name) {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("%s %v: %d of %v explained, want %d", tc.kind, tc.events, got, tc.lost, tc.want)
		}
	}
}

// An event marks the kinds that the profile covers, and waits for each that it may explain.
func TestRouteByFeedAndProfile(t *testing.T) {
	for _, tc := range []struct {
		eventType string
		scope     access.Scope
		covered   []access.Kind
		marked    string
		pending   string
	}{
		{"TEAM_DELETED", org, access.OrgKinds(), "org_member team team_member", "team deleted, team_member ~deleted"},
		{"TEAM_DELETED", org, []access.Kind{access.KindOrg, access.KindTeamMember}, "team_member", "team_member ~deleted"},
		{"TEAM_DELETED", org, []access.Kind{access.KindOrg}, "", ""},
		{"API_KEY_DELETED", project, access.ProjectKinds(), "project_key", "project_key deleted"},
		{"CLUSTER_READY", project, access.ProjectKinds(), "cluster flex_cluster", ""},
		{"REMOVED_FROM_GROUP", project, access.ProjectKinds(), "project_member", "project_member deleted, project_member ~updated"},
		{"HOST_UP", project, access.ProjectKinds(), "", ""},
	} {
		in := intake{job: access.Poll{Scope: tc.scope}, now: attributed, read: attributed, kinds: tc.covered}
		d := Watch{First: attributed.Add(-time.Hour)}.clone()
		in.route(&d, Pending{Event: access.Event{ID: "1", Type: tc.eventType, Created: attributed, Scope: tc.scope}, At: attributed})
		var marked []string
		for k := range d.Dirty {
			marked = append(marked, string(k))
		}
		slices.Sort(marked)
		var waits meaning
		for _, p := range d.Pending {
			waits = append(waits, effect{p.Kind, p.Op, p.Side})
		}
		if got := strings.Join(marked, " "); got != tc.marked || waits.String() != tc.pending {
			t.Errorf("%s in %s: marks %q, waits %q; want %q, %q", tc.eventType, tc.scope, got, waits, tc.marked, tc.pending)
		}
	}
}

// withFlex watches flex clusters too.
func withFlex(t *testing.T, states ...access.State) *rig {
	r := newRig(t, func(o *Options) {
		o.Kinds = func(s access.Scope) []access.Kind {
			if s.IsOrg() {
				return []access.Kind{access.KindOrg}
			}
			return []access.Kind{access.KindProject, access.KindCluster, access.KindFlexCluster}
		}
	})
	for _, s := range states {
		r.put(project, s)
	}
	r.poll()
	r.pass(time.Minute)
	r.poll()
	return r
}

// An event that does not say of which of two kinds it is waits for the reads of both; the
// kind that it is not about says nothing.
func TestAnEventOfTwoKinds(t *testing.T) {
	for _, made := range []access.State{access.Cluster{Cluster: "prod"}, access.FlexCluster{Cluster: "prod"}} {
		r := withFlex(t)
		r.put(project, made)
		r.tell(project, "CLUSTER_CREATED", "prod", mallory, 0)
		r.pass(20 * time.Second)
		r.poll()
		want(t, r, "created prod by mallory@example.com events=1")
		if c := r.changes()[0]; c.Ref.Kind != made.Kind() {
			t.Errorf("a change of %s, want %s", c.Ref.Kind, made.Kind())
		}
		if left := r.doc().Pending; len(left) != 0 {
			t.Errorf("still waiting: %+v", left)
		}
	}
}

// Who looked at documents left nothing to read; it is told under what was looked at, and
// nothing can be over of it.
func TestDocumentsLookedAt(t *testing.T) {
	r := withFlex(t)
	r.tell(project, "DATA_EXPLORER_CRUD", "shop.orders", mallory, 0)
	r.tell(project, "RESOURCE_POLICY_VIOLATED", "", alice, 0)
	r.pass(20 * time.Second)
	r.poll()
	want(t, r, "observed shop.orders by mallory@example.com events=1", "observed "+projectID+" by alice@example.com events=1")
}
