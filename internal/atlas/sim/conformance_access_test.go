package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// holdsRoles asks with each of the roles that are enough.
func (e *exam) holdsRoles() {
	e.t.Helper()
	names := e.op.roles()
	var parties []party
	var accounts []ServiceAccount
	for _, name := range names {
		p, account := holder(grantOf(name))
		parties, accounts = append(parties, p), append(accounts, account)
	}
	if len(names) == 0 {
		return
	}
	r := e.ready(accounts...)
	for i, name := range names {
		if i > 0 && e.op.method != http.MethodGet {
			r = e.ready(accounts[i])
		}
		a := r.as(parties[i], e)
		why := ""
		if a.status/100 != 2 {
			why = fmt.Sprintf("%s is not enough: %d %s", name, a.status, a.raw)
		}
		e.is("role enough", why)
	}
}

// scope says whether the path is about a project, or an organisation at all.
func (e *exam) scope() (project, org bool) {
	project = strings.Contains(e.op.path, "{groupId}")
	return project, project || strings.Contains(e.op.path, "{orgId}") || strings.Contains(e.op.path, "{federationSettingsId}")
}

// grantOf turns "Project Alerts Manager" into the role on every project.
func grantOf(name string) string {
	level, rest, _ := strings.Cut(strings.ToUpper(name), " ")
	rest = strings.ReplaceAll(rest, " ", "_")
	if level == "ORGANIZATION" {
		return "ORG_" + rest
	}
	return "GROUP_" + rest + "@*"
}

// tooLittle are credentials, by their role, that hold none of the roles that are enough
// and, by Atlas's page on roles, none that includes one of them.
func (e *exam) tooLittle() (map[string]party, []ServiceAccount) {
	names := e.op.roles()
	parties, accounts := map[string]party{}, []ServiceAccount(nil)
	for _, role := range e.candidates(names) {
		if slices.ContainsFunc(names, func(n string) bool { return grantOf(n) == role }) {
			continue
		}
		p, account := holder(role)
		parties[role], accounts = p, append(accounts, account)
	}
	return parties, accounts
}

func (e *exam) candidates(names []string) []string {
	switch project, org := e.scope(); {
	case len(names) == 0 || !org:
		return nil
	case project && slices.Contains(names, "Project Read Only"):
		return []string{"ORG_MEMBER", "ORG_GROUP_CREATOR"}
	case project && onlyOrgRoles(names):
		return []string{"ORG_READ_ONLY", "GROUP_OWNER@*"}
	case project:
		return []string{"ORG_READ_ONLY", "GROUP_READ_ONLY@*", "GROUP_SEARCH_INDEX_EDITOR@*", "GROUP_TRIGGER_MANAGER@*", "GROUP_INDEX_MANAGER@*"}
	case slices.Contains(names, "Organization Member"):
		return nil
	case slices.Contains(names, "Organization Read Only"):
		return []string{"ORG_MEMBER", "ORG_GROUP_CREATOR", "ORG_BILLING_READ_ONLY", "GROUP_OWNER@*"}
	}
	return []string{"ORG_MEMBER", "ORG_READ_ONLY", "ORG_GROUP_CREATOR", "ORG_BILLING_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN", "GROUP_OWNER@*"}
}
