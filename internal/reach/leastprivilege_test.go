package reach

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var judged = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// seenDaysAgo reads "TYPE TYPE@120": what was seen, by days before it is judged; 10
// without a number.
func seenDaysAgo(t *testing.T, text string) map[string]time.Time {
	t.Helper()
	out := map[string]time.Time{}
	for _, word := range strings.Fields(text) {
		name, ago, ok := strings.Cut(word, "@")
		days := 10 * 24 * time.Hour
		if ok {
			var err error
			if days, err = time.ParseDuration(ago + "h"); err != nil {
				t.Fatal(err)
			}
			days *= 24
		}
		out[name] = judged.Add(-days).UTC().Truncate(24 * time.Hour)
	}
	return out
}

func TestLeastPrivilege(t *testing.T) {
	for name, c := range map[string]struct {
		org, project             string // roles held
		orgEvents, projectEvents string // seen
		want                     string // roles suggested
		kept                     string // some of the duties kept, each with its role
		lost                     string // duties that are not kept
		owner, beyond, notes     int
		same                     bool // no narrower than what is held
	}{
		"a DBA who only edits access lists": {
			project: "GROUP_OWNER", projectEvents: "NETWORK_PERMISSION_ENTRY_ADDED NETWORK_PERMISSION_ENTRY_REMOVED",
			want: "GROUP_NETWORK_ACCESS_MANAGER",
			kept: "restore:GROUP_BACKUP_RECOVERY_OPERATOR support-access:GROUP_SUPPORT_ACCESS_MANAGER performance:GROUP_OBSERVABILITY_VIEWER " +
				"test-failover:GROUP_CLUSTER_RESILIENCE_TESTER triggers:GROUP_TRIGGER_MANAGER encryption:GROUP_OWNER access-history:GROUP_CLUSTER_LOG_VIEWER",
			lost: "database-users create-clusters members",
		},
		"a CI account that creates clusters and database users": {
			project: "GROUP_OWNER", projectEvents: "CLUSTER_CREATED MONGODB_USER_ADDED MONGODB_USER_DELETED",
			want: "GROUP_CLUSTER_CREATOR GROUP_DATABASE_ACCESS_ADMIN", kept: "termination-protection:GROUP_OWNER", lost: "delete-clusters",
		},
		"an owner who did nothing": {
			project: "GROUP_OWNER", want: "GROUP_READ_ONLY",
			kept: "restore:GROUP_BACKUP_RECOVERY_OPERATOR logs:GROUP_CLUSTER_LOG_VIEWER kill-operations:GROUP_REAL_TIME_PERFORMANCE_OPERATOR user-certificates:GROUP_OWNER",
			lost: "access-list project-read",
		},
		"an owner of the org who did nothing": {
			org: "ORG_OWNER", want: "ORG_MEMBER",
			kept: "org-read:ORG_READ_ONLY billing-read:ORG_BILLING_READ_ONLY billing:ORG_BILLING_ADMIN federation:ORG_OWNER restore:GROUP_BACKUP_RECOVERY_OPERATOR",
			lost: "org-users",
		},
		"an on-call who restored once": {
			project: "GROUP_BACKUP_MANAGER", projectEvents: "CPS_RESTORE_REQUESTED_AUDIT@80",
			want: "GROUP_BACKUP_RECOVERY_OPERATOR", kept: "export-backups:GROUP_BACKUP_EXPORT_OPERATOR", lost: "backup-policy restore",
		},
		"an on-call who restored before the window": {
			project: "GROUP_BACKUP_MANAGER", projectEvents: "CPS_RESTORE_REQUESTED_AUDIT@140 CPS_ON_DEMAND_SNAPSHOT_REQUESTED@120",
			want: "GROUP_READ_ONLY", kept: "restore:GROUP_BACKUP_RECOVERY_OPERATOR take-snapshots:GROUP_BACKUP_CREATOR",
		},
		"Terraform that owns the project and needs to": {
			project: "GROUP_OWNER", projectEvents: "CLUSTER_CREATED CLUSTER_UPDATE_SUBMITTED CLUSTER_DELETE_SUBMITTED NETWORK_PERMISSION_ENTRY_ADDED MONGODB_USER_ADDED",
			want: "GROUP_OWNER", owner: 1, notes: 0, same: true, lost: "restore encryption",
		},
		"Terraform that owns the project and applies the same every day": {
			project: "GROUP_OWNER", projectEvents: "NETWORK_PERMISSION_ENTRY_UPDATED MONGODB_USER_UPDATED CLUSTER_PROCESS_ARGS_UPDATE_SUBMITTED ALERT_CONFIG_CHANGED_AUDIT",
			want: "GROUP_ALERTS_MANAGER GROUP_CLUSTER_MANAGER GROUP_DATABASE_ACCESS_ADMIN GROUP_NETWORK_ACCESS_MANAGER",
			lost: "test-failover access-history", // the roles that are left do that too
		},
		"Terraform that scales clusters": {
			project: "GROUP_OWNER", projectEvents: "CLUSTER_UPDATE_SUBMITTED", want: "GROUP_CLUSTER_MANAGER", notes: 1,
		},
		"an autoscaler that has just the role for it": {
			project: "GROUP_REPLICA_SET_MANAGER", projectEvents: "CLUSTER_UPDATE_SUBMITTED", want: "GROUP_REPLICA_SET_MANAGER", same: true,
		},
		"the team lead who invites people": {
			project: "GROUP_OWNER", projectEvents: "INVITED_TO_GROUP JOINED_GROUP TEAM_ROLES_MODIFIED USER_ROLES_CHANGED_AUDIT",
			want: "GROUP_ACCESS_MANAGER", lost: "members-older-way assign-org-keys",
		},
		"a newcomer who accepted an invitation": {
			org: "ORG_MEMBER", project: "GROUP_READ_ONLY", orgEvents: "JOINED_ORG", projectEvents: "JOINED_GROUP",
			want: "GROUP_READ_ONLY ORG_MEMBER", same: true,
		},
		"an analyst who looks at documents": {
			project: "GROUP_DATA_ACCESS_ADMIN", projectEvents: "DATA_EXPLORER DATA_EXPLORER_SESSION_CREATED CLUSTER_CONNECTION_FIND_DOCUMENTS",
			want: "GROUP_DATA_ACCESS_READ_ONLY", kept: "manage-collections:GROUP_DATA_ACCESS_ADMIN query-shapes:GROUP_DATA_ACCESS_ADMIN", lost: "logs search-indexes",
		},
		"a developer who corrects documents": {
			project: "GROUP_DATA_ACCESS_ADMIN", projectEvents: "DATA_EXPLORER_CRUD DATA_EXPLORER", want: "GROUP_DATA_ACCESS_READ_WRITE", notes: 1,
		},
		"a reader whose reads are told as CRUD": {
			project: "GROUP_DATA_ACCESS_READ_ONLY", projectEvents: "DATA_EXPLORER_CRUD_ATTEMPT", want: "GROUP_DATA_ACCESS_READ_ONLY", same: true,
		},
		"a search engineer with all of the data": {
			project: "GROUP_DATA_ACCESS_ADMIN", projectEvents: "FTS_INDEX_CREATED FTS_INDEX_UPDATED", want: "GROUP_SEARCH_INDEX_EDITOR",
			kept: "logs:GROUP_DATA_ACCESS_READ_ONLY",
		},
		"a DBA who builds indexes": {
			project: "GROUP_OWNER", projectEvents: "PENDING_INDEXES_CANCELED ROLLING_INDEX_SUCCESS_INDEX_BUILD INDEX_SUCCESS_INDEX_BUILD",
			want: "GROUP_INDEX_MANAGER", lost: "performance",
		},
		"a backup job that takes and exports snapshots": {
			project: "GROUP_BACKUP_MANAGER", projectEvents: "CPS_ON_DEMAND_SNAPSHOT_REQUESTED TENANT_SNAPSHOT_DOWNLOAD_REQUESTED_AUDIT",
			want: "GROUP_BACKUP_CREATOR GROUP_BACKUP_EXPORT_OPERATOR", kept: "restore-flex:GROUP_BACKUP_RECOVERY_OPERATOR",
		},
		"a chaos test": {
			project: "GROUP_CLUSTER_MANAGER", projectEvents: "CLUSTER_REGIONAL_OUTAGE_SIMULATION_STARTED CLUSTER_REGIONAL_OUTAGE_SIMULATION_END_REQUESTED",
			want: "GROUP_CLUSTER_MANAGER", same: true, // it contains no tester, by the tables
		},
		"a chaos test that owns the project": {
			project: "GROUP_OWNER", projectEvents: "CLUSTER_REGIONAL_OUTAGE_SIMULATION_STARTED TEST_FAILOVER_REQUESTED",
			want: "GROUP_CLUSTER_RESILIENCE_TESTER", notes: 1, lost: "test-failover",
		},
		"a network engineer with private endpoints": {
			project: "GROUP_OWNER", projectEvents: "INTERFACE_ENDPOINT_CREATED PEER_CREATED NETWORK_PERMISSION_ENTRY_ADDED",
			want: "GROUP_NETWORK_ACCESS_MANAGER", notes: 1, kept: "backup-endpoints:GROUP_OWNER",
		},
		"a security officer who rotates keys": {
			project: "GROUP_OWNER", projectEvents: "ENCRYPTION_AT_REST_CONFIGURATION_UPDATED", want: "GROUP_OWNER", owner: 1, same: true,
		},
		"a stream engineer": {
			project: "GROUP_OWNER", projectEvents: "STREAM_TENANT_CREATED STREAM_TENANT_CONNECTION_CREATED STREAM_TENANT_CONNECTIONS_LISTED",
			want: "GROUP_STREAM_PROCESSING_OWNER", lost: "stream-processors logs",
		},
		"a stream engineer who holds it for the org": {
			org: "ORG_STREAM_PROCESSING_ADMIN", projectEvents: "STREAM_TENANT_CONNECTION_CREATED",
			want: "GROUP_STREAM_PROCESSING_OWNER ORG_MEMBER", kept: "org-read:ORG_READ_ONLY",
		},
		"an accountant who owns the org": {
			org: "ORG_OWNER", orgEvents: "BILLING_EMAIL_ADDRESS_CHANGED ORG_CREDIT_CARD_UPDATED CHARGE_SUCCEEDED", want: "ORG_BILLING_ADMIN", kept: "org-read:ORG_READ_ONLY",
		},
		"a provisioner of projects that owns the org": {
			org: "ORG_OWNER", orgEvents: "GROUP_CREATED", want: "ORG_GROUP_CREATOR",
		},
		"an administrator of the org": {
			org: "ORG_OWNER", orgEvents: "INVITED_TO_ORG USER_ROLES_CHANGED_AUDIT TEAM_CREATED", want: "ORG_OWNER", owner: 2, same: true,
		},
		"an owner of the org who works in one project": {
			org: "ORG_OWNER", projectEvents: "MONGODB_USER_ADDED ALERT_ACKNOWLEDGED_AUDIT", want: "GROUP_ALERTS_MANAGER GROUP_DATABASE_ACCESS_ADMIN ORG_MEMBER",
		},
		"a platform engineer with three roles and use for one": {
			project: "GROUP_CLUSTER_MANAGER GROUP_BACKUP_MANAGER GROUP_DATABASE_ACCESS_ADMIN", projectEvents: "MONGODB_ROLE_UPDATED",
			want: "GROUP_DATABASE_ACCESS_ADMIN", kept: "test-failover:GROUP_CLUSTER_MANAGER restore:GROUP_BACKUP_RECOVERY_OPERATOR", lost: "access-history",
		},
		"a role twice over": {
			project: "GROUP_ALERTS_MANAGER GROUP_READ_ONLY", projectEvents: "ALERT_CONFIG_ADDED_AUDIT", want: "GROUP_ALERTS_MANAGER", same: true,
		},
		"Vault, which makes database users all day": {
			org: "ORG_MEMBER", project: "GROUP_DATABASE_ACCESS_ADMIN", projectEvents: "MONGODB_USER_ADDED@0 MONGODB_USER_DELETED@0",
			want: "GROUP_DATABASE_ACCESS_ADMIN ORG_MEMBER", same: true,
		},
		"a rotation of X.509 certificates": {
			project: "GROUP_OWNER", projectEvents: "MONGODB_USER_X509_CERT_CREATED", want: "GROUP_OWNER", owner: 1, same: true,
		},
		"someone who lost a role he had used": {
			project: "GROUP_READ_ONLY", projectEvents: "CLUSTER_CREATED@60", want: "GROUP_CLUSTER_CREATOR", beyond: 1, same: true,
		},
		"service accounts made by an owner": {
			project: "GROUP_OWNER", projectEvents: "SERVICE_ACCOUNT_CREATED SERVICE_ACCOUNT_SECRET_ADDED API_KEY_CREATED", want: "GROUP_ACCESS_MANAGER", notes: 1,
		},
		"what Atlas does in one's name": {
			project: "GROUP_CLUSTER_MANAGER", projectEvents: "CLUSTER_READY CLUSTER_UPDATE_COMPLETED OUTSIDE_METRIC_THRESHOLD", want: "GROUP_READ_ONLY",
		},
		"exactly on the first day of the window": {
			project: "GROUP_OWNER", projectEvents: "ALERT_CONFIG_ADDED_AUDIT@90 CLUSTER_CREATED@91", want: "GROUP_ALERTS_MANAGER", kept: "create-clusters:GROUP_CLUSTER_CREATOR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := LeastPrivilege(Evidence{
				OrgRoles: strings.Fields(c.org), ProjectRoles: strings.Fields(c.project),
				OrgEvents: seenDaysAgo(t, c.orgEvents), ProjectEvents: seenDaysAgo(t, c.projectEvents),
				Since: judged.AddDate(0, 0, -200),
			}, judged)
			if !s.Known || s.Narrower == c.same || len(s.Owner) != c.owner || len(s.Beyond) != c.beyond || len(s.Notes) != c.notes {
				t.Errorf("got %+v", s)
			}
			if diff := cmp.Diff(strings.Fields(c.want), s.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			keeps := map[string]string{}
			for _, k := range s.Kept {
				keeps[k.Name] = k.Role
			}
			for _, k := range strings.Fields(c.kept) {
				if duty, role, _ := strings.Cut(k, ":"); keeps[duty] != role {
					t.Errorf("%s is kept by %q, want %q", duty, keeps[duty], role)
				}
			}
			for _, duty := range strings.Fields(c.lost) {
				if keeps[duty] != "" {
					t.Errorf("%s is kept by %s", duty, keeps[duty])
				}
			}
		})
	}
}

func TestLeastPrivilegeUnknown(t *testing.T) {
	since := judged.AddDate(0, 0, -200)
	for name, c := range map[string]struct {
		e       Evidence
		why     string
		from    time.Time
		unknown []string
	}{
		"no role":            {e: Evidence{Since: since}, why: "no role is held"},
		"not watched":        {e: Evidence{ProjectRoles: []string{ProjectOwner}}, why: "not being read without a gap"},
		"a role of tomorrow": {e: Evidence{ProjectRoles: []string{"GROUP_KING"}, Since: since}, why: `"GROUP_KING" is no documented role of a project`},
		"a role of the other level": {
			e: Evidence{OrgRoles: []string{ProjectOwner}, Since: since}, why: `"GROUP_OWNER" is no documented role of an org`,
		},
		"a day too early": {
			e:   Evidence{ProjectRoles: []string{ProjectOwner}, Since: judged.Add(-EnoughEvidence + time.Hour)},
			why: "90 days of evidence there will be on 2026-09-01", from: judged.Add(time.Hour),
		},
		"a window of its own": {
			e:   Evidence{ProjectRoles: []string{ProjectOwner}, Since: judged.AddDate(0, 0, -10), Window: 30 * 24 * time.Hour},
			why: "30 days of evidence there will be on 2026-09-21", from: judged.AddDate(0, 0, 20),
		},
		"events of tomorrow": {
			e: Evidence{
				OrgRoles: []string{OrgOwner}, Since: since,
				OrgEvents: seenDaysAgo(t, "Z_TYPE A_TYPE GROUP_CREATED"), ProjectEvents: seenDaysAgo(t, "A_TYPE@150"),
			},
			why: "what these events show: A_TYPE, Z_TYPE", unknown: []string{"A_TYPE", "Z_TYPE"},
		},
	} {
		s := LeastPrivilege(c.e, judged)
		if s.Known || len(s.Roles) > 0 || s.Narrower || !strings.Contains(s.Why, c.why) || !s.From.Equal(c.from) || !slices.Equal(s.Unknown, c.unknown) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for window, known := range map[time.Duration]bool{0: true, 30 * 24 * time.Hour: true, 120 * 24 * time.Hour: false} {
		e := Evidence{ProjectRoles: []string{ProjectOwner}, Since: judged.Add(-EnoughEvidence), Window: window}
		if s := LeastPrivilege(e, judged); s.Known != known {
			t.Errorf("watched for 90 days, asked for %v: %+v", window, s)
		}
	}
}

// What is said in words, once as a whole.
func TestLeastPrivilegeSays(t *testing.T) {
	s := LeastPrivilege(Evidence{
		ProjectRoles: []string{"GROUP_BACKUP_MANAGER", "GROUP_CLUSTER_MANAGER"}, Since: judged.AddDate(0, 0, -200),
		ProjectEvents: seenDaysAgo(t, "TEST_FAILOVER_REQUESTED@100 CPS_ON_DEMAND_SNAPSHOT_REQUESTED@3 CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT@95"),
	}, judged)
	ago := func(days int) time.Time { return judged.AddDate(0, 0, -days).Truncate(24 * time.Hour) }
	want := Suggestion{
		Known: true, Why: "watched since 2026-02-13; duties seen in the last 90 days: 1", Narrower: true,
		Roles: []string{"GROUP_BACKUP_CREATOR"},
		Seen:  []SeenDuty{{"take-snapshots", "takes snapshots", ago(3), "GROUP_BACKUP_CREATOR"}},
		Kept: []KeptDuty{
			{"test-failover", "tests failover", "rare: failover is tested once a quarter or less; last seen on 2026-05-24", ago(100), "GROUP_CLUSTER_MANAGER"},
			{"simulate-outage", "simulates the outage of a region", "rare: outages are simulated once a year or so", time.Time{}, "GROUP_CLUSTER_MANAGER"},
			{"restore", "restores backups", "rare: it is for the bad day", time.Time{}, "GROUP_BACKUP_RECOVERY_OPERATOR"},
			{"restore-flex", "restores backups of flex clusters", "rare: it is for the bad day", time.Time{}, "GROUP_BACKUP_RECOVERY_OPERATOR"},
			{"export-backups", "exports and downloads backups", "rare", time.Time{}, "GROUP_BACKUP_EXPORT_OPERATOR"},
			{"backup-policy", "manages schedules, snapshots and export buckets", "last seen on 2026-05-29", ago(95), "GROUP_BACKUP_MANAGER"},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
