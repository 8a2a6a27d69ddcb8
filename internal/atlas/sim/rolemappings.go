package sim

import (
	"net/http"
	"slices"
	"strings"
)

// RoleMapping gives roles to the members of a group at the identity provider. In a world
// a project may be given by its name.
type RoleMapping struct {
	ID                string           `yaml:"id,omitempty" json:"id"`
	ExternalGroupName string           `yaml:"externalGroupName" json:"externalGroupName"`
	RoleAssignments   []RoleAssignment `yaml:"roleAssignments" json:"roleAssignments"`
}

// RoleAssignment is a role of the organisation or of one project.
type RoleAssignment struct {
	GroupID string `yaml:"groupId,omitempty" json:"groupId,omitempty"`
	OrgID   string `yaml:"orgId,omitempty" json:"orgId,omitempty"`
	Role    string `yaml:"role" json:"role"`
}

// nameTargets turns names in a world's mapping into ids.
func (o *org) nameTargets(m *RoleMapping) {
	for i := range m.RoleAssignments {
		r := &m.RoleAssignments[i]
		if r.OrgID == o.name {
			r.OrgID = o.id
		}
		for _, p := range o.projects {
			if r.GroupID == p.name {
				r.GroupID = p.id
			}
		}
	}
}

// checkMapping wants a role of the organisation, and each role on the organisation or on
// one of its projects.
func (o *org) checkMapping(m RoleMapping) *problem {
	if !within(m.ExternalGroupName, 200) {
		return invalidField("externalGroupName", "must have 1 to 200 characters")
	}
	seen, onOrg := map[RoleAssignment]bool{}, 0
	for _, r := range m.RoleAssignments {
		if bad := o.checkAssignment(r); bad != nil {
			return bad
		}
		if seen[r] {
			return invalidField("roleAssignments", "an assignment appears twice")
		}
		seen[r] = true
		if r.OrgID != "" {
			onOrg++
		}
	}
	if onOrg == 0 {
		return invalidField("roleAssignments", "at least one role of the organization is required")
	}
	return nil
}

func (o *org) checkAssignment(r RoleAssignment) *problem {
	isOrg := strings.HasPrefix(r.Role, "ORG_")
	switch {
	case r.OrgID != "" && r.GroupID != "":
		return invalidField("roleAssignments", "an assignment has orgId or groupId, not both")
	case r.OrgID == "" && isOrg:
		return bad("ROLE_NEEDS_ORG_ID", "The role %s needs an organization ID.", r.Role)
	case r.GroupID == "" && !isOrg:
		return bad("ROLE_NEEDS_GROUP_ID", "The role %s needs a group ID.", r.Role)
	case isOrg && !slices.Contains(orgRoles, r.Role):
		return bad("INVALID_ROLE_FOR_ORG", "The role %s is invalid for an organization.", r.Role)
	case !isOrg && !strings.HasPrefix(r.Role, "GROUP_"):
		return bad("INVALID_ROLE_FOR_GROUP", "The role %s is invalid for a group.", r.Role)
	case isOrg && r.OrgID != o.id:
		return missing("ORG_NOT_FOUND", "No organization with ID %s exists.", r.OrgID)
	case !isOrg && !slices.ContainsFunc(o.projects, func(p *project) bool { return p.id == r.GroupID }):
		return missing("GROUP_NOT_FOUND", "No group with ID %s exists.", r.GroupID)
	}
	return nil
}

func mappingExists(name string) *problem {
	return conflict("ROLE_MAPPING_ALREADY_EXISTS", "A role mapping for the group %s already exists.", name) // the code is a guess
}

// numberMappings keeps the id of a group that was mapped before and gives new ones to
// the others. The id is read-only: what the body has is ignored.
func (c *call) numberMappings(before, after *connectedOrg) {
	for i := range after.RoleMappings {
		m := &after.RoleMappings[i]
		if m.ID = before.mappingID(m.ExternalGroupName); m.ID == "" {
			m.ID = c.a.nextID("role mapping")
		}
	}
}

func (m *connectedOrg) mappingID(group string) string {
	for _, r := range m.RoleMappings {
		if r.ExternalGroupName == group {
			return r.ID
		}
	}
	return ""
}

// mappingsText compares mappings without their ids.
func mappingsText(list []RoleMapping) string {
	out := make([]RoleMapping, 0, len(list))
	for _, m := range list {
		m.ID = ""
		out = append(out, m)
	}
	return text(out)
}

// mappingEvents are one for each mapping that came, went or changed.
func mappingEvents(before, after []RoleMapping) []string {
	var out []string
	find := func(list []RoleMapping, id string) (RoleMapping, bool) {
		i := slices.IndexFunc(list, func(m RoleMapping) bool { return m.ID == id })
		if i < 0 {
			return RoleMapping{}, false
		}
		return list[i], true
	}
	for _, m := range after {
		was, existed := find(before, m.ID)
		switch {
		case !existed:
			out = append(out, "ROLE_MAPPING_CREATED")
		case text(was) != text(m):
			out = append(out, "ROLE_MAPPING_UPDATED")
		}
	}
	for _, m := range before {
		if _, stays := find(after, m.ID); !stays {
			out = append(out, "ROLE_MAPPING_DELETED")
		}
	}
	return out
}

func mappingView(m RoleMapping) any { return m }

func (c *call) listMappings() (answer, *problem) {
	m, bad := c.findConnected()
	if bad != nil {
		return answer{}, bad
	}
	return paged(c, http.StatusOK, m.RoleMappings, mappingView)
}

// findMapping is the connected organisation and the index of the mapping in the path.
func (c *call) findMapping() (*connectedOrg, int, *problem) {
	m, bad := c.findConnected()
	if bad != nil {
		return nil, 0, bad
	}
	id := c.params["id"]
	i := slices.IndexFunc(m.RoleMappings, func(r RoleMapping) bool { return r.ID == id })
	if i < 0 {
		return nil, 0, missing("ROLE_MAPPING_NOT_FOUND", "No role mapping with ID %s exists in organization %s.", id, c.org.id) // the code is a guess
	}
	return m, i, nil
}

func (c *call) getMapping() (answer, *problem) {
	m, i, bad := c.findMapping()
	if bad != nil {
		return answer{}, bad
	}
	return ok(mappingView(m.RoleMappings[i]))
}

// sentMapping reads the body of a create or a replace.
func (c *call) sentMapping(m *connectedOrg, id string) (RoleMapping, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return RoleMapping{}, bad
	}
	r := retyped[RoleMapping](doc)
	if held := m.mappingID(r.ExternalGroupName); held != "" && held != id {
		return r, mappingExists(r.ExternalGroupName)
	}
	return r, m.org.checkMapping(r)
}

func (c *call) createMapping() (answer, *problem) {
	m, bad := c.findConnected()
	if bad != nil {
		return answer{}, bad
	}
	r, bad := c.sentMapping(m, "")
	if bad != nil {
		return answer{}, bad
	}
	r.ID = c.a.nextID("role mapping")
	m.RoleMappings = append(m.RoleMappings, r)
	c.effect("role mapping "+r.ExternalGroupName, "", text(r))
	c.orgEvent("ROLE_MAPPING_CREATED", "", nil)
	return ok(mappingView(r))
}

// updateMapping replaces.
func (c *call) updateMapping() (answer, *problem) {
	m, i, bad := c.findMapping()
	if bad != nil {
		return answer{}, bad
	}
	held := m.RoleMappings[i]
	r, bad := c.sentMapping(m, held.ID)
	if bad != nil {
		return answer{}, bad
	}
	r.ID = held.ID
	m.RoleMappings[i] = r
	c.effect("role mapping "+held.ExternalGroupName, text(held), text(r))
	if text(held) != text(r) {
		c.orgEvent("ROLE_MAPPING_UPDATED", "", nil)
	}
	return ok(mappingView(r))
}

func (c *call) deleteMapping() (answer, *problem) {
	m, i, bad := c.findMapping()
	if bad != nil {
		return answer{}, bad
	}
	held := m.RoleMappings[i]
	m.RoleMappings = slices.Delete(m.RoleMappings, i, i+1)
	c.effect("role mapping "+held.ExternalGroupName, text(held), "")
	c.orgEvent("ROLE_MAPPING_DELETED", "", nil)
	return empty(http.StatusNoContent)
}
