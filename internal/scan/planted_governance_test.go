package scan_test

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const outsider = "mallory@example.com" // a person whom nobody declares

func governancePlantings() []projectPlanting {
	return slices.Concat(environmentPlantings(), dataPlantings(), alertPlantings(), ownPlantings())
}

// retagged is the project with another name or other tags.
func (p *project) retagged(title string, tags ...access.Label) access.Project {
	s := only[access.Project](p.place, access.KindProject)
	s.Title, s.Tags = title, tags
	return s
}

func environmentPlantings() []projectPlanting {
	const name = "the project's name and tags"
	plainProd := func(p *project) bool { return p.env == "prod" }
	cluster := func(name, env string) access.Cluster {
		c := access.Cluster{ID: hex24(0x50), Cluster: name, Type: "REPLICASET", Tier: access.TierDedicated}
		if env != "" {
			c.Tags = []access.Label{{Key: "env", Value: env}}
		}
		return c
	}
	mixed := func(c access.Cluster) func(*project) {
		return func(p *project) {
			p.add(daysAgo(3), c)
			p.want("project/mixed-environments", access.KindCluster, "")
		}
	}
	return []projectPlanting{
		{"project/environment-unknown", "tag and name disagree", plainProd, name, func(p *project) {
			p.put(p.retagged(p.title(), access.Label{Key: "env", Value: "dev"}))
			p.want("project/environment-unknown", access.KindProject, "")
		}},
		{"project/environment-unknown", "retagged", plainProd, name, func(p *project) {
			before := p.retagged(p.title(), access.Label{Key: "env", Value: "prod"})
			p.became(ago(time.Hour), before, p.retagged(p.title(), access.Label{Key: "env", Value: "dev"}), "GROUP_TAGS_MODIFIED", outsider, "tags")
			p.want("project/environment-unknown", access.KindProject, "") // its name holds it
		}},
		{"project/environment-weakened", "renamed", notDev, name, func(p *project) {
			before := p.retagged(p.title())
			p.became(ago(time.Hour), before, p.retagged(p.product+"-dev"), "GROUP_NAME_CHANGED", outsider, "name")
			p.want("project/environment-weakened", access.KindProject, "")
		}},
		{"project/environment-weakened", "tag and name", plainProd, name, func(p *project) {
			before := p.retagged(p.title(), access.Label{Key: "env", Value: "prod"})
			p.became(ago(time.Hour), before, p.retagged(p.product+"-staging", access.Label{Key: "env", Value: "staging"}), "GROUP_NAME_CHANGED", outsider, "name", "tags")
			p.want("project/environment-weakened", access.KindProject, "")
		}},
		{"project/mixed-environments", "by tag", func(p *project) bool { return p.prod() && p.dedicated() }, "another cluster", mixed(cluster("spare", "dev"))},
		{"project/mixed-environments", "by name", func(p *project) bool { return p.prod() && p.dedicated() }, "another cluster", mixed(cluster("orders-staging", ""))},
		{"project/mixed-environments", "by a flex cluster", func(p *project) bool { return p.prod() && p.dedicated() }, "another cluster + unused + an entry's use", func(p *project) {
			p.add(daysAgo(3), access.FlexCluster{ID: hex24(0x57), Cluster: "orders-dev"})
			p.want("project/mixed-environments", access.KindCluster, "")
		}},
		{"org/users-without-mfa", "of a project", nil, "what Atlas says of MFA", func(p *project) {
			p.observed(access.KindProjectSettings, p.id, "USERS_WITHOUT_MULTI_FACTOR_AUTH", "")
			p.want("org/users-without-mfa", access.KindProjectSettings, "")
		}},
	}
}

func dataPlantings() []projectPlanting {
	observes := func(kind access.Kind, name, event, rule string) func(*project) {
		return func(p *project) {
			p.observed(kind, name, event, outsider)
			p.want(rule, kind, name)
		}
	}
	browses := func(events ...string) func(*project) {
		return func(p *project) {
			for i, e := range events {
				p.observed(access.KindProject, []string{"shop.orders", "shop.customers"}[i], e, outsider)
			}
			p.want("project/prod-data-browsed", access.KindProject, "")
		}
	}
	const jobs = "a backup that leaves"
	watched := func(p *project) bool { return p.prod() && p.dedicated() }
	return []projectPlanting{
		{"project/data-explorer-in-prod", "", func(p *project) bool { return p.env == "prod" }, "Data Explorer", func(p *project) {
			s := only[access.ProjectSettings](p.place, access.KindProjectSettings)
			s.DataExplorer = true
			p.alter(ago(time.Hour), s)
			p.want("project/data-explorer-in-prod", access.KindProjectSettings, "")
		}},
		{"project/prod-data-browsed", "once", inProd, "browsing", browses("DATA_EXPLORER")},
		{"project/prod-data-browsed", "twice on a day", inProd, "browsing", browses("DATA_EXPLORER_CRUD", "CLUSTER_CONNECTION_FIND_DOCUMENTS")},
		{"project/auditing-off", "disabled", watched, "auditing", func(p *project) {
			p.put(access.Auditing{ProjectID: p.id, Filter: "{}"})
			p.want("project/auditing-off", access.KindAuditing, "")
		}},
		{"project/auditing-off", "a filter of nothing", watched, "auditing", func(p *project) {
			p.put(access.Auditing{ProjectID: p.id, Enabled: true, Filter: `{"atype":{"$in":[]}}`})
			p.want("project/auditing-off", access.KindAuditing, "")
		}},
		{"org/support-bypass", "", dedicatedOnly, "support", observes(access.KindCluster, "main", "RESTRICTED_EMPLOYEE_ACCESS_BYPASS", "org/support-bypass")},
		{"project/support-access-granted", "", dedicatedOnly, "support", observes(access.KindCluster, "main", "EMPLOYEE_ACCESS_GRANTED", "project/support-access-granted")},
		{"project/logs-downloaded", "", dedicatedOnly, "logs", observes(access.KindCluster, "main", "MONGODB_LOGS_DOWNLOADED", "project/logs-downloaded")},
		{"project/backup-out", "restored elsewhere", watched, jobs, func(p *project) {
			j := access.BackupRestoreJob{ID: hex24(0x51, p.org.n, p.n), Cluster: "main", Delivery: "automated", TargetProject: hex24(0x5f), TargetCluster: "copy", At: daysAgo(1)}
			p.made(ago(2*time.Hour), j, "CPS_RESTORE_REQUESTED_AUDIT", outsider)
			p.want("project/backup-out", access.KindBackupRestoreJob, "")
		}},
		{"project/backup-out", "exported elsewhere", watched, jobs, func(p *project) {
			b := access.BackupExportBucket{ID: hex24(0x52, p.org.n, p.n), Provider: "AWS", Bucket: "mallorys-bucket"}
			j := access.BackupExportJob{ID: hex24(0x53, p.org.n, p.n), Cluster: "main", Bucket: b.ID, CreatedAt: ago(2 * time.Hour), Status: "Successful"}
			p.add(ago(3*time.Hour), b)
			p.made(ago(2*time.Hour), j, "", outsider)
			p.want("project/backup-out", access.KindBackupExportJob, "")
		}},
	}
}

func alertPlantings() []projectPlanting {
	const alerts, hooks = "alerts", "integrations"
	alert := func(p *project, id int) access.AlertConfig {
		return p.state(access.KindAlertConfig, hex24(id, p.org.n, p.n)).(access.AlertConfig)
	}
	return []projectPlanting{
		{"watch/alert-disabled", "disabled", nil, alerts, func(p *project) {
			before := alert(p, 18)
			after := before
			after.Enabled = false
			p.became(ago(time.Hour), before, after, "ALERT_CONFIG_DISABLED_AUDIT", outsider, "enabled")
			p.want("watch/alert-disabled", access.KindAlertConfig, after.ID)
		}},
		{"watch/alert-disabled", "our own", nil, alerts, func(p *project) {
			before := alert(p, 17)
			p.vanished(ago(time.Hour), before, "ALERT_CONFIG_DELETED_AUDIT", outsider)
			p.want("watch/alert-disabled", access.KindAlertConfig, before.ID)
		}},
		{"watch/integration-changed", "added", nil, hooks, func(p *project) {
			i := access.Integration{Type: "DATADOG", ID: hex24(0x54, p.org.n, p.n), Target: "EU1", TargetHash: "x"}
			p.made(ago(time.Hour), i, "INTEGRATION_CONFIGURED", outsider)
			p.want("watch/integration-changed", access.KindIntegration, i.Name())
		}},
		{"watch/integration-changed", "pointed elsewhere", nil, hooks + " + " + alerts, func(p *project) {
			before := only[access.Integration](p.place, access.KindIntegration)
			after := before
			after.Target, after.TargetHash = "hooks.example.net", "y"
			p.became(ago(time.Hour), before, after, "INTEGRATION_CONFIGURED", outsider, "target", "targetHash")
			p.want("watch/integration-changed", access.KindIntegration, after.Name())
		}},
		{"watch/unreadable", "", inProd, "auditing", func(p *project) {
			p.denied[access.KindAuditing] = ago(3 * time.Hour)
			p.want("watch/unreadable", access.KindAuditing, "")
		}},
		{"watch/rule-failing", "", nil, "a user that makes a rule fail", func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.Description, u.Labels = "divide", nil
			p.arrives(u)
			p.want("watch/rule-failing", access.KindProject, "")
		}},
	}
}

// ownPlantings are about Gatewarden's own credentials.
func ownPlantings() []projectPlanting {
	const own = "our own account"
	return []projectPlanting{
		{"watch/own-access", "more on a project", nil, own, func(p *project) {
			p.put(access.ProjectServiceAccount{ClientID: ownAccount, Title: "gatewarden", Roles: []string{"GROUP_OWNER"}})
			p.want("watch/own-access", access.KindProjectServiceAccount, ownAccount)
		}},
		{"watch/own-access", "acted without an intent", nil, "the feed of our own acts", func(p *project) {
			u := p.dbUser(p.username("app"), nil)
			p.change(access.Change{
				Ref: access.Ref{Kind: access.KindDatabaseUser, Name: u.Name()}, Op: access.OpObserved, Type: "MONGODB_USER_UPDATED",
				Actor: access.Actor{Type: access.ActorServiceAccount, Name: ownAccount, Address: "91.3.3.3"},
			})
			p.want("watch/own-access", access.KindDatabaseUser, u.Name())
		}},
	}
}

// settings changes one of the org's settings, which rule is to find.
func (o *org) settings(rule string, edit func(*access.OrgSettings)) {
	s := only[access.OrgSettings](o.place, access.KindOrgSettings)
	edit(&s)
	o.alter(ago(5*time.Hour), s)
	o.want(rule, access.KindOrgSettings, "")
}

func governanceOrgPlantings() []orgPlanting {
	sets := func(rule, how string, edit func(*access.OrgSettings)) orgPlanting {
		return orgPlanting{rule, how, rule, func(o *org) { o.settings(rule, edit) }}
	}
	observes := func(rule, event string) orgPlanting {
		return orgPlanting{rule, event, event, func(o *org) {
			o.observed(access.KindOrgSettings, o.id, event, outsider)
			o.want(rule, access.KindOrgSettings, "")
		}}
	}
	const policies = "resource policies"
	return slices.Concat([]orgPlanting{
		sets("org/mfa-not-required", "", func(s *access.OrgSettings) { s.MultiFactorAuthRequired = false }),
		sets("org/api-access-list-not-required", "", func(s *access.OrgSettings) { s.APIAccessListRequired = false }),
		sets("org/support-access-unrestricted", "", func(s *access.OrgSettings) { s.RestrictEmployeeAccess = false }),
		sets("org/security-contact-missing", "", func(s *access.OrgSettings) { s.SecurityContact = "" }),
		sets("org/secret-validity-unlimited", "no cap", func(s *access.OrgSettings) { s.MaxSecretValidityHours = 0 }),
		sets("org/secret-validity-unlimited", "a cap too high", func(s *access.OrgSettings) { s.MaxSecretValidityHours = 8760 }),
		observes("org/users-without-mfa", "ORG_USERS_WITHOUT_MFA"),
		observes("org/ui-access-list-off", "ORG_UI_IP_ACCESS_LIST_DISABLED"),
		observes("org/ui-access-list-off", "ORG_EDITED_UI_IP_ACCESS_LIST_ENTRIES"),
		{"org/no-resource-policy", "none", policies, func(o *org) {
			clear(o.records[access.KindResourcePolicy])
			o.want("org/no-resource-policy", access.KindResourcePolicy, "")
		}},
		{"org/no-resource-policy", "it is not complied with", policies, func(o *org) {
			s := o.policy()
			s.NonCompliant = []string{"PROJECT " + o.some("dev").title()}
			o.put(s)
			o.want("org/no-resource-policy", access.KindResourcePolicy, s.ID)
		}},
		{"org/policy-changed", "edited", policies, func(o *org) {
			before := o.policy()
			after := before
			after.Description, after.Version = "as before", "v2"
			o.became(ago(time.Hour), before, after, "RESOURCE_POLICY_MODIFIED", outsider, "description", "version")
			o.want("org/policy-changed", access.KindResourcePolicy, after.ID)
		}},
		{"org/policy-changed", "deleted", policies, func(o *org) {
			before := access.ResourcePolicy{ID: hex24(0x55, o.n), Title: "another", Version: "v1", Policies: []string{"forbid (principal, action, resource);"}}
			o.vanished(ago(time.Hour), before, "RESOURCE_POLICY_DELETED", outsider)
			o.want("org/policy-changed", access.KindResourcePolicy, before.ID)
		}},
		{"project/environment-weakened", "moved out", "a project that left", func(o *org) {
			o.observed(access.KindOrg, o.id, "GROUP_MOVED_FROM_ORG", outsider)
			o.want("project/environment-weakened", access.KindOrg, "")
		}},
		{"watch/unreadable", "of the org", policies, func(o *org) {
			o.denied[access.KindResourcePolicy] = ago(3 * time.Hour)
			o.want("watch/unreadable", access.KindResourcePolicy, "")
		}},
	}, ownOrgPlantings())
}

// policy is the one against what is open to the world.
func (o *org) policy() access.ResourcePolicy {
	return o.state(access.KindResourcePolicy, hex24(10, o.n, 1)).(access.ResourcePolicy)
}

func ownOrgPlantings() []orgPlanting {
	const own = "our own account"
	account := func(o *org) access.ServiceAccount {
		return o.state(access.KindServiceAccount, ownAccount).(access.ServiceAccount)
	}
	return []orgPlanting{
		{"watch/own-access", "gained a role", own, func(o *org) {
			before := account(o)
			after := before
			after.Roles = []string{"ORG_OWNER", "ORG_READ_ONLY"}
			o.became(ago(time.Hour), before, after, "SERVICE_ACCOUNT_ROLES_CHANGED", outsider, "roles")
			o.want("watch/own-access", access.KindServiceAccount, ownAccount)
		}},
		{"watch/own-access", "lost a role", own, func(o *org) {
			before := account(o)
			after := before
			after.Roles = []string{"ORG_MEMBER"}
			o.became(ago(time.Hour), before, after, "SERVICE_ACCOUNT_ROLES_CHANGED", outsider, "roles")
			o.want("watch/own-access", access.KindServiceAccount, ownAccount)
		}},
		{"watch/own-access", "holds more than it needs", own, func(o *org) {
			s := account(o)
			s.Roles = []string{"ORG_OWNER"}
			o.put(s)
			o.want("watch/own-access", access.KindServiceAccount, ownAccount)
		}},
		{"watch/own-access", "gained a secret", "a secret of our own", func(o *org) {
			s := access.ServiceAccountSecret{ClientID: ownAccount, ID: hex24(0x56, o.n), CreatedAt: ago(time.Hour), ExpiresAt: fleetNow.AddDate(0, 0, 60)}
			o.made(ago(time.Hour), s, "SERVICE_ACCOUNT_SECRET_ADDED", outsider)
			o.want("watch/own-access", access.KindServiceAccountSecret, s.Name())
			o.want("key/undeclared", access.KindServiceAccountSecret, s.Name())
		}},
		{"watch/own-access", "gained an address", "an address of our own", func(o *org) {
			e := access.APIAccessEntry{Identity: ownAccount, Entry: "91.9.9.9/32", CreatedAt: ago(time.Hour)}
			o.made(ago(time.Hour), e, "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED", outsider)
			o.want("watch/own-access", access.KindAPIAccessEntry, e.Name())
			o.want("key/untrusted-source", access.KindServiceAccount, ownAccount)
		}},
	}
}
