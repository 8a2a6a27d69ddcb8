package rules

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// govReadsDocuments is the least role that opens documents in Data Explorer.
const govReadsDocuments = "GROUP_DATA_ACCESS_READ_ONLY"

// govExplorerTeams are the teams to which the access matrix gives a role of the environment
// that opens documents. That owners of the organization may do everything grants nobody the
// use of it: every matrix has them.
func (w *world) govExplorerTeams() []string {
	out := []string{}
	for _, row := range w.Matrix {
		if covers(row.Roles[w.govRow()], govReadsDocuments) {
			out = append(out, row.Team)
		}
	}
	return out
}

// govDocumentTeams are the teams to which the access matrix grants Data Explorer here: by
// a role of the environment, or by one on the organization that brings such a role.
func (w *world) govDocumentTeams() []string {
	out := []string{}
	for _, row := range w.Matrix {
		roles := slices.Clone(row.Roles[w.govRow()])
		for _, r := range row.Roles[access.MatrixOrg] {
			roles = append(roles, reach.ImpliedProjectRoles(r)...)
		}
		if slices.ContainsFunc(roles, func(r string) bool { return reach.ContainsProjectRole(r, govReadsDocuments) }) {
			out = append(out, row.Team)
		}
	}
	return out
}

// govRow is the key of the matrix's rows that holds here. A project that matches no
// environment is judged as the strictest production environment.
func (w *world) govRow() string {
	if w.in.Environment != "" {
		return w.in.Environment
	}
	i := slices.IndexFunc(w.Environments, func(e access.Environment) bool { return w.policy.production[e.Name] })
	if i < 0 {
		return ""
	}
	return w.Environments[i].Name
}

// govMayBrowse reports whether the actor of the change is in a team that the matrix lets
// use Data Explorer here.
func (s *subject) govMayBrowse() bool {
	who, allowed := govPeople(s.govActor()), s.w.govDocumentTeams()
	titles := map[string]string{}
	for _, t := range access.States[access.Team](s.w.collection(access.KindTeam)) {
		titles[t.ID] = t.Title
	}
	for _, m := range access.States[access.TeamMember](s.w.collection(access.KindTeamMember)) {
		if slices.Contains(who, access.FoldName(m.Username)) && slices.Contains(allowed, titles[m.Team]) {
			return true
		}
	}
	return false
}
