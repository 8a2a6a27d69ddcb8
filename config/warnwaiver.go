package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// readers warns of readers of sensitive data that are, but for a slip of the pen, a database
// user of the identities; and of those that are people or groups: database users read data.
func (w *warner) readers() {
	var users []string
	for _, id := range w.file.Identities {
		users = append(users, id.Usernames...)
	}
	for i, s := range w.file.Sensitive {
		for j, r := range s.Readers {
			at := fmt.Sprintf("sensitive[%d].readers[%d]", i, j)
			if slices.ContainsFunc(users, func(k string) bool { return takes(k, r) || takes(r, k) }) || strings.Contains(r, "*") {
				continue
			}
			if slices.Contains(w.file.owners(), r) {
				w.warn(at, "%q is a principal, a group or a team: give the names of database users", r)
			} else if near := meant(r, users); near != "" {
				w.warn(at, "%q is no username of the identities%s", r, near)
			}
		}
	}
}

var atlasID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// elsewhere warns of a waiver of a project, by its name, that its environment does not take:
// there is nothing that both are of.
func (w *warner) elsewhere() {
	for i, v := range w.file.Waivers {
		e := slices.IndexFunc(w.file.Environments, func(e access.Environment) bool { return e.Name == v.Environment })
		if e < 0 || v.Project == "" || strings.Contains(v.Project, "*") || atlasID.MatchString(v.Project) {
			continue
		}
		of := w.file.Environments[e]
		if len(of.Tags) == 0 && !of.CatchAll && !slices.ContainsFunc(of.Projects, func(p string) bool { return takes(p, v.Project) }) {
			w.warn(fmt.Sprintf("waivers[%d].project", i), "%q is no project of environment %s, whose projects are %s: it waives nothing", v.Project, of.Name, strings.Join(of.Projects, ", "))
		}
	}
}
