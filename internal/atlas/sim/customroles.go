package sim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var roleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

type roleRequest struct {
	RoleName       *string          `json:"roleName"`
	Actions        *[]Action        `json:"actions"`
	InheritedRoles *[]InheritedRole `json:"inheritedRoles"`
	GroupID        *string          `json:"groupId"`
	Links          json.RawMessage  `json:"links"`
}

// completeRole makes lists that are never null and drops what a resource does not use.
func completeRole(r CustomRole) *CustomRole {
	r.Actions = orEmpty(r.Actions)
	for i := range r.Actions {
		r.Actions[i].Resources = orEmpty(r.Actions[i].Resources)
		for j, res := range r.Actions[i].Resources {
			if res.Cluster {
				r.Actions[i].Resources[j] = Resource{Cluster: true}
			}
		}
	}
	r.InheritedRoles = orEmpty(r.InheritedRoles)
	return &r
}

func (p *project) role(name string) *CustomRole {
	for _, r := range p.roles {
		if r.RoleName == name {
			return r
		}
	}
	return nil
}

func (p *project) hasRole(name string) bool { return p.role(name) != nil }

func roleView(r *CustomRole) any { return r }

func (c *call) listRoles() (answer, *problem) { return plain(c.project.roles, roleView), nil }

func (c *call) findRole() (*CustomRole, *problem) {
	r := c.project.role(c.params["roleName"])
	if r == nil {
		return nil, missing("ATLAS_CUSTOM_ROLE_NOT_FOUND", "No custom role with name %s exists in group %s.", c.params["roleName"], c.project.id)
	}
	return r, nil
}

func (c *call) getRole() (answer, *problem) {
	r, bad := c.findRole()
	if bad != nil {
		return answer{}, bad
	}
	return ok(roleView(r))
}

func (c *call) createRole() (answer, *problem) {
	var in roleRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	if in.RoleName == nil || *in.RoleName == "" {
		return answer{}, missingAttribute("roleName")
	}
	r := in.onto(CustomRole{RoleName: *in.RoleName})
	if bad := c.checkCustomRole(r, true); bad != nil {
		return answer{}, bad
	}
	c.project.roles = append(c.project.roles, r)
	c.effect(r.RoleName, "", text(r))
	c.projectEvent("MONGODB_ROLE_ADDED", nil)
	return answer{status: http.StatusAccepted, body: roleView(r)}, nil
}

// onto replaces the lists that were sent.
func (in roleRequest) onto(r CustomRole) *CustomRole {
	if in.Actions != nil {
		r.Actions = *in.Actions
	}
	if in.InheritedRoles != nil {
		r.InheritedRoles = *in.InheritedRoles
	}
	return completeRole(r)
}

func (c *call) checkCustomRole(r *CustomRole, isNew bool) *problem {
	if isNew {
		if bad := checkRoleName(r.RoleName); bad != nil {
			return bad
		}
		if c.project.hasRole(r.RoleName) {
			return conflict("ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS", "A custom role named %s already exists in group %s.", r.RoleName, c.project.id)
		}
		if most := c.limit(limitCustomRoles); len(c.project.roles) >= most {
			return fail(http.StatusForbidden, "CUSTOM_ROLES_LIMIT_EXCEEDED", "The group cannot have more than %d custom roles.", most)
		}
	}
	known := func(name string) bool { return name == r.RoleName || c.project.hasRole(name) }
	return checkPrivileges(r, known)
}

func checkRoleName(name string) *problem {
	if !roleName.MatchString(name) || builtinRole(name) || strings.HasPrefix(name, "xgen-") {
		return invalidField("roleName", "must start with a letter or digit, have only letters, digits, _ and -, and be no built-in name nor begin with xgen-")
	}
	return nil
}

// checkPrivileges checks actions and inherited roles. Cycles are let through: whether
// Atlas refuses them is not documented.
func checkPrivileges(r *CustomRole, custom func(string) bool) *problem {
	for _, a := range r.Actions {
		if !knownAction(a.Action) {
			return badEnum(a.Action, "action")
		}
		for _, res := range a.Resources {
			if !res.Cluster && res.DB == nil {
				return invalidField("resources", "a resource is the cluster or a database")
			}
		}
	}
	for _, in := range r.InheritedRoles {
		if bad := checkRole(Role{RoleName: in.Role, DatabaseName: in.DB}, custom); bad != nil {
			return bad
		}
	}
	return nil
}

func (c *call) updateRole() (answer, *problem) {
	held, bad := c.findRole()
	if bad != nil {
		return answer{}, bad
	}
	var in roleRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	r := in.onto(*held)
	if bad := c.checkCustomRole(r, false); bad != nil {
		return answer{}, bad
	}
	before := text(held)
	*held = *r
	c.effect(r.RoleName, before, text(held))
	if before != text(held) {
		c.projectEvent("MONGODB_ROLE_UPDATED", nil)
	}
	return ok(roleView(held))
}

func (c *call) deleteRole() (answer, *problem) {
	r, bad := c.findRole()
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.project.roleInUse(r.RoleName); bad != nil {
		return answer{}, bad
	}
	c.project.roles = slices.DeleteFunc(c.project.roles, func(x *CustomRole) bool { return x == r })
	c.effect(r.RoleName, text(r), "")
	c.projectEvent("MONGODB_ROLE_DELETED", nil)
	return empty(http.StatusNoContent)
}

func (p *project) roleInUse(name string) *problem {
	for _, u := range p.users {
		if slices.ContainsFunc(u.Roles, func(r Role) bool { return r.RoleName == name }) {
			return conflict("ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS", "The custom role %s is in use by database user %s.", name, u.Username)
		}
	}
	for _, r := range p.roles {
		if r.RoleName != name && slices.ContainsFunc(r.InheritedRoles, func(i InheritedRole) bool { return i.Role == name }) {
			return conflict("ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES", "The custom role %s is in use by custom role %s.", name, r.RoleName)
		}
	}
	return nil
}
