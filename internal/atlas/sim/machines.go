package sim

import (
	"slices"
	"strings"
)

// The family of API keys and service accounts. What a world says of them is in
// Org.APIKeys and Org.ServiceAccounts: both belong to an organisation, and a project
// knows them by the roles they have there.

func machineRoutes() []route {
	return slices.Concat(keyRoutes(), accountRoutes())
}

func keyRoutes() []route {
	return []route{
		{op: "listOrgApiKeys", set: "orgApiKeys_organization", handle: (*call).listOrgKeys},
		{op: "createOrgApiKey", set: "orgApiKeys_organization", handle: (*call).createOrgKey},
		{op: "getOrgApiKey", set: "orgApiKeys_organization", handle: (*call).getOrgKey},
		{op: "updateOrgApiKey", set: "orgApiKeys_organization", handle: (*call).updateOrgKey},
		{op: "deleteOrgApiKey", set: "orgApiKeys_organization", handle: (*call).deleteOrgKey},
		{op: "listOrgApiKeyAccessListEntries", set: "orgApiKeys_organization", handle: (*call).listKeyAddresses},
		{op: "createOrgApiKeyAccessListEntry", set: "orgApiKeys_organization", handle: (*call).addKeyAddresses},
		{op: "getOrgApiKeyAccessListEntry", set: "orgApiKeys_organization", handle: (*call).getKeyAddress},
		{op: "deleteOrgApiKeyAccessListEntry", set: "orgApiKeys_organization", handle: (*call).deleteKeyAddress},
		{op: "listGroupApiKeys", set: "groupApiKeys_group", handle: (*call).listProjectKeys},
		{op: "createGroupApiKey", set: "groupApiKeys_group", handle: (*call).createProjectKey},
		{op: "addGroupApiKey", set: "groupApiKeys_group", handle: (*call).addProjectKey},
		{op: "updateGroupApiKeyRoles", set: "groupApiKeys_group", handle: (*call).updateProjectKey},
		{op: "removeGroupApiKey", set: "groupApiKeys_group", handle: (*call).removeProjectKey},
	}
}

func accountRoutes() []route {
	return []route{
		{op: "listOrgServiceAccounts", set: "orgServiceAccounts_organization", handle: (*call).listAccounts},
		{op: "createOrgServiceAccount", set: "orgServiceAccounts_organization", handle: (*call).createAccount},
		{op: "getOrgServiceAccount", set: "orgServiceAccounts_organization", handle: (*call).getAccount},
		{op: "updateOrgServiceAccount", set: "orgServiceAccounts_organization", handle: (*call).updateAccount},
		{op: "deleteOrgServiceAccount", set: "orgServiceAccounts_organization", handle: (*call).deleteAccount},
		{op: "listOrgServiceAccountAccessList", set: "orgServiceAccounts_organization", handle: (*call).listAccountAddresses},
		{op: "createOrgServiceAccountAccessList", set: "orgServiceAccounts_organization", handle: (*call).addAccountAddresses},
		{op: "deleteOrgServiceAccountAccessListEntry", set: "orgServiceAccounts_organization", handle: (*call).deleteAccountAddress},
		{op: "getOrgServiceAccountGroups", set: "orgServiceAccounts_organization", handle: (*call).accountProjects},
		{op: "createOrgServiceAccountSecret", set: "orgServiceAccounts_organization", handle: (*call).createSecret},
		{op: "deleteOrgServiceAccountSecret", set: "orgServiceAccounts_organization", handle: (*call).deleteSecret},
		{op: "listGroupServiceAccounts", set: "groupServiceAccounts_group", handle: (*call).listAccounts},
		{op: "createGroupServiceAccount", set: "groupServiceAccounts_group", handle: (*call).createAccount},
		{op: "getGroupServiceAccount", set: "groupServiceAccounts_group", handle: (*call).getAccount},
		{op: "updateGroupServiceAccount", set: "groupServiceAccounts_group", handle: (*call).updateAccount},
		{op: "deleteGroupServiceAccount", set: "groupServiceAccounts_group", handle: (*call).removeAccount},
		{op: "listGroupServiceAccountAccessList", set: "groupServiceAccounts_group", handle: (*call).listAccountAddresses},
		{op: "createGroupServiceAccountAccessList", set: "groupServiceAccounts_group", handle: (*call).addAccountAddresses},
		{op: "deleteGroupServiceAccountAccessListEntry", set: "groupServiceAccounts_group", handle: (*call).deleteAccountAddress},
		{op: "createGroupServiceAccountSecret", set: "groupServiceAccounts_group", handle: (*call).createSecret},
		{op: "deleteGroupServiceAccountSecret", set: "groupServiceAccounts_group", handle: (*call).deleteSecret},
		{op: "inviteGroupServiceAccount", set: "groupServiceAccounts_group", handle: (*call).inviteAccount},
	}
}

// watchSecrets has the organisation looked at when the secrets of a world end.
func (a *Atlas) watchSecrets(o *org) {
	for _, p := range o.principals {
		for _, s := range p.secrets {
			a.watchSecret(o, s)
		}
	}
}

// dismiss takes a key or an account out of the organisation. Its tokens are dead at once.
func (a *Atlas) dismiss(p *principal) {
	p.org.principals = slices.DeleteFunc(p.org.principals, func(q *principal) bool { return q == p })
	delete(a.keys, p.publicKey)
	delete(a.clients, p.clientID)
	for value, t := range a.tokens {
		if t.who == p {
			delete(a.tokens, value)
		}
	}
}

// fresh makes 64 hexadecimal digits for something new that nothing has yet: a world may
// hold what was numbered before.
func (a *Atlas) fresh(kind string, taken func(digits string) bool) string {
	for {
		if made := a.derive(kind, a.nextID(kind)); !taken(made) {
			return made
		}
	}
}

// state is what can change of a key or an account, for effects. No secrets.
func (p *principal) state() string {
	out := object{"name": p.name, "roles": p.roleViews()}
	if p.clientID == "" {
		return text(out)
	}
	var secrets []object
	for _, s := range p.secrets {
		secrets = append(secrets, object{"id": s.id, "expiresAt": s.expires})
	}
	out["description"], out["secrets"] = p.description, secrets
	return text(out)
}

// target is what effects call it.
func (p *principal) target() string {
	if p.clientID != "" {
		return "serviceAccount " + p.clientID
	}
	return "apiKey " + p.publicKey
}

// setRoles replaces the roles in the project, or in the organisation where there is no
// project. It says whether that changed anything.
func (p *principal) setRoles(q *project, roles []string) bool {
	held, scope := p.orgRoles(), ""
	if q != nil {
		held, scope = p.projectRoles(q), q.id
	}
	if slices.Equal(distinct(held), distinct(roles)) {
		return false
	}
	if q != nil {
		p.spellOut()
	}
	p.grants = slices.DeleteFunc(p.grants, func(g Grant) bool { return g.GroupID == scope })
	for _, r := range distinct(roles) {
		p.grants = append(p.grants, Grant{r, scope})
	}
	return true
}

// spellOut writes a world's roles in every project as roles in each.
func (p *principal) spellOut() {
	var out []Grant
	for _, g := range p.grants {
		if g.GroupID != anyProject {
			out = append(out, g)
			continue
		}
		for _, q := range p.org.projects {
			if one := (Grant{g.RoleName, q.id}); !slices.Contains(p.grants, one) {
				out = append(out, one)
			}
		}
	}
	p.grants = out
}

// distinct is a sorted copy without repetitions.
func distinct(s []string) []string {
	out := slices.Clone(s)
	slices.Sort(out)
	return slices.Compact(out)
}

// projectRoleNames are all roles in a project.
const projectRoleNames = `
GROUP_OWNER GROUP_CLUSTER_MANAGER GROUP_STREAM_PROCESSING_OWNER GROUP_DATA_ACCESS_ADMIN GROUP_DATA_ACCESS_READ_WRITE
GROUP_DATA_ACCESS_READ_ONLY GROUP_DATABASE_ACCESS_ADMIN GROUP_BACKUP_MANAGER GROUP_OBSERVABILITY_VIEWER
GROUP_SEARCH_INDEX_EDITOR GROUP_READ_ONLY GROUP_ACCESS_MANAGER GROUP_NETWORK_ACCESS_MANAGER GROUP_CLUSTER_CREATOR
GROUP_REPLICA_SET_MANAGER GROUP_CLUSTER_LOG_VIEWER GROUP_CLUSTER_RESILIENCE_TESTER GROUP_BACKUP_CREATOR
GROUP_BACKUP_RECOVERY_OPERATOR GROUP_BACKUP_EXPORT_OPERATOR GROUP_INDEX_MANAGER GROUP_REAL_TIME_PERFORMANCE_OPERATOR
GROUP_SUPPORT_ACCESS_MANAGER GROUP_ALERTS_MANAGER GROUP_TRIGGER_MANAGER GROUP_MODEL_OWNER`

// checkRoles refuses roles that do not exist, or not at this level.
func (c *call) checkRoles(roles []string) *problem {
	inProject := strings.Fields(projectRoleNames)
	for _, r := range roles {
		isOrg, isProject := slices.Contains(orgRoles, r), slices.Contains(inProject, r)
		switch {
		case !isOrg && !isProject:
			return bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified.", r)
		case isOrg && c.project != nil:
			return bad("INVALID_ROLE_FOR_GROUP", "The role %s is not a role in a group.", r)
		case isProject && c.project == nil:
			return bad("INVALID_ROLE_FOR_ORG", "The role %s is not a role in an organization.", r)
		}
	}
	return nil
}

// textList reads an attribute that the schema says is a list of strings; given says
// whether it is there at all.
func textList(v any) (out []string, given bool) {
	list, given := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out, given
}

// tooMany is the answer where an organisation has all the keys or accounts it may have
// (the codes are a guess).
func tooMany(code, what string, most int) *problem {
	return bad(code, "The organization cannot have more than %d "+what+".", most)
}
