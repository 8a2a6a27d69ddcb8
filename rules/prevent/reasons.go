package prevent

import "strings"

// reason says why a rule has no policy.
func reason(rule string) string {
	family, _, _ := strings.Cut(rule, "/")
	for _, r := range [][2]string{
		{rule, ruleReason(rule)},
		{family, familyReason(family)},
	} {
		if r[1] != "" {
			return r[1]
		}
	}
	return "Atlas's Resource Policies have no action for what this rule judges"
}

func ruleReason(rule string) string {
	switch rule {
	case "network/shared-across-environments":
		return "a Resource Policy sees one project at a time and cannot compare it with another"
	case "network/permanent-entry", "network/expired-entry", "network/undocumented-entry":
		return "a Resource Policy sees the addresses of an access list, not their comments or expiry"
	case "network/unused-entry", "network/redundant-entry", "network/endpoint-failed":
		return "the rule is about what became of something that was right to make"
	case "network/no-private-endpoint":
		return "Atlas can forbid private endpoints, not demand them; once there is one, network/public-beside-private has a policy"
	case "network/near-limit":
		return "Cedar cannot count the entries of an access list; Atlas enforces the limit itself"
	case "org/no-resource-policy", "org/policy-changed":
		return "the rule is about the Resource Policies themselves; its remedy is the policies of the other rules"
	}
	return ""
}

func familyReason(family string) string {
	of := map[string]string{
		"dbuser": "database users", "role": "custom roles", "dbauth": "LDAP and X.509 settings",
		"member": "people and teams", "invite": "invitations", "federation": "federation",
		"key": "API keys and service accounts", "serviceaccount": "service accounts",
		"org": "the settings of an org", "project": "this setting of a project", "watch": "watching Atlas",
	}[family]
	if of == "" {
		return ""
	}
	return "Atlas's Resource Policies have no action for " + of
}
