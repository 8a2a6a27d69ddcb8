package scan_test

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// calm tells of changes that are as they should be: what looks like one that is told, and is
// not.
func (p *project) calm() {
	p.spell()
	alert := p.state(access.KindAlertConfig, hex24(18, p.org.n, p.n)).(access.AlertConfig)
	off := alert
	off.Enabled = false
	p.became(ago(6*time.Hour), off, alert, "ALERT_CONFIG_ENABLED_AUDIT", "ivan@example.com", "enabled")
	p.vanished(ago(5*time.Hour), access.Integration{Type: "SLACK", ID: hex24(0x60, p.org.n, p.n), Target: "#atlas"}, "INTEGRATION_REMOVED", "alice@example.com")
	p.observed(access.KindProjectSettings, p.id, "GROUP_CHARTS_ACTIVATED", "alice@example.com")
	if row := p.grant("backend"); p.env != "dev" { // it had more before than the matrix gives it
		before := row
		before.Roles = access.SortNames(append([]string{"GROUP_CLUSTER_MANAGER"}, row.Roles...))
		p.became(ago(4*time.Hour), before, row, "TEAM_ROLES_MODIFIED", "alice@example.com", "roleNames")
	}
	if !p.dedicated() {
		p.observed(access.KindProject, "shop.orders", "DATA_EXPLORER_CRUD", "erin@example.com") // in dev
		return
	}
	p.observed(access.KindCluster, "main", "MONGODB_LOGS_DOWNLOADED", "alice@example.com") // who is declared
	p.observed(access.KindCluster, "main", "EMPLOYEE_ACCESS_REVOKED", "alice@example.com")
	own := access.BackupRestoreJob{ID: hex24(0x61, p.org.n, p.n), Cluster: "main", Delivery: "automated", TargetProject: p.id, TargetCluster: "reports", At: daysAgo(1)}
	p.made(ago(2*time.Hour), own, "", "ivan@example.com")
	out := access.BackupExportJob{ID: hex24(0x62, p.org.n, p.n), Cluster: "main", Bucket: hex24(20, p.org.n, p.n), CreatedAt: ago(2 * time.Hour), Status: "Successful"}
	p.made(ago(2*time.Hour), out, "", "ivan@example.com")
}

// spell is what a pipeline does for a job: it lets itself in and out again.
func (p *project) spell() {
	at := ago(4 * time.Hour)
	p.change(access.Change{
		Ref: access.Ref{Kind: access.KindIPAccessEntry, Name: "34." + p.third() + "1.0.7/32"}, Op: access.OpObserved, Type: "NETWORK_PERMISSION_ENTRY_ADDED",
		Actor: access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_" + hex24(8, p.org.n, 1)}, Occurred: at, Ended: at.Add(5 * time.Minute),
	})
	if p.prod() { // it became stricter
		before := p.state(access.KindProject, p.id).(access.Project)
		after := before
		before.Title, before.Tags = p.product+"-staging", nil
		p.became(ago(9*time.Hour), before, after, "GROUP_NAME_CHANGED", "alice@example.com", "name")
	}
}

func (o *org) calm() {
	o.change(access.Change{Ref: access.Ref{Kind: access.KindOrgSettings, Name: o.id}, Op: access.OpObserved, Type: "ORG_USERS_WITHOUT_MFA", Occurred: ago(50 * time.Hour)})
	o.change(access.Change{Ref: access.Ref{Kind: access.KindOrgSettings, Name: o.id}, Op: access.OpObserved, Type: "ALL_ORG_USERS_HAVE_MFA", Occurred: ago(40 * time.Hour)})
	o.observed(access.KindOrgSettings, o.id, "ORG_UI_IP_ACCESS_LIST_ENABLED", "alice@example.com")
	grace := o.state(access.KindOrgMember, "grace@example.com").(access.OrgMember)
	before := grace
	before.OrgRoles = []string{"ORG_OWNER"}
	o.became(ago(30*time.Hour), before, grace, "USER_ROLES_CHANGED_AUDIT", "alice@example.com", "orgRoles")
	if o.n == 0 { // to look back over policies takes long: once is enough
		policy := o.policy()
		o.change(access.Change{
			Ref: access.Ref{Kind: access.KindResourcePolicy, Name: policy.ID}, Op: access.OpCreated, After: access.Box{State: policy},
			Type: "RESOURCE_POLICY_CREATED", Actor: human("alice@example.com"), Occurred: ago(30 * time.Hour),
		})
	}
	id := "mdb_sa_id_" + hex24(8, o.n, 4)
	secret := access.ServiceAccountSecret{ClientID: id, ID: hex24(0x63, o.n), CreatedAt: ago(3 * time.Hour), ExpiresAt: fleetNow.AddDate(0, 0, 80)}
	o.made(ago(3*time.Hour), secret, "SERVICE_ACCOUNT_SECRET_ADDED", "alice@example.com") // who may
}
