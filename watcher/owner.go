package watcher

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// holdsOwner reports whether a person or team holds the owner role of the scope that it is
// listed in. Somebody who is invited holds nothing yet.
func holdsOwner(b access.Box) bool {
	switch s := b.State.(type) {
	case access.OrgMember:
		return slices.Contains(s.OrgRoles, reach.OrgOwner)
	case access.ProjectMember:
		return (s.Status == "" || s.Status == "ACTIVE") && slices.Contains(s.Roles, reach.ProjectOwner)
	case access.TeamGrant:
		return slices.Contains(s.Roles, reach.ProjectOwner)
	}
	return false
}
