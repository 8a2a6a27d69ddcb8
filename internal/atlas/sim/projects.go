package sim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// projectName lets blanks through, as the real server does.
var projectName = regexp.MustCompile(`^[\p{L}\p{N}\-_.(),:&@+' ]{1,64}$`)

func (c *call) orgView(o *org) any {
	return object{"id": o.id, "name": o.name, "isDeleted": false, "skipDefaultAlertsSettings": o.skipDefaultAlerts, "links": c.self("/orgs/" + o.id)}
}

func (c *call) listOrgs() (answer, *problem) {
	var out []*org
	name := c.query.Get("name")
	for _, o := range c.a.orgs {
		if (c.who == nil || c.who.org == o) && (name == "" || o.name == name) {
			out = append(out, o)
		}
	}
	return paged(c, http.StatusOK, out, c.orgView)
}

func (c *call) getOrg() (answer, *problem) { return ok(c.orgView(c.org)) }

func (c *call) projectView(p *project) any {
	return object{
		"id": p.id, "name": p.name, "orgId": p.org.id, "created": p.created.Format(time.RFC3339),
		"clusterCount": len(p.clusters) + len(p.flex), "tags": orEmpty(p.tags),
		"regionUsageRestrictions": "COMMERCIAL_FEDRAMP_REGIONS_ONLY", "withDefaultAlertsSettings": true,
		"links": c.self("/groups/" + p.id),
	}
}

// visible selects the projects that the credential sees.
func (c *call) visible(of []*project) []*project {
	var out []*project
	for _, p := range of {
		if c.who == nil || c.who.sees(p) {
			out = append(out, p)
		}
	}
	return out
}

func (c *call) orgProjects() (answer, *problem) {
	out := c.visible(c.org.projects)
	if name := c.query.Get("name"); name != "" {
		out = slices.DeleteFunc(out, func(p *project) bool { return p.name != name })
	}
	return paged(c, http.StatusOK, out, c.projectView)
}

func (c *call) allProjects() []*project {
	var out []*project
	for _, o := range c.a.orgs {
		out = append(out, c.visible(o.projects)...)
	}
	return out
}

func (c *call) listProjects() (answer, *problem) {
	return paged(c, http.StatusOK, c.allProjects(), c.projectView)
}

func (c *call) getProject() (answer, *problem) { return ok(c.projectView(c.project)) }

// projectByName does not tell a project that is not there from one that is not the
// caller's: clients that create a missing project go by this code (as the Kubernetes
// operator of mongodb does).
func (c *call) projectByName() (answer, *problem) {
	name := c.params["groupName"]
	for _, p := range c.allProjects() {
		if p.name == name {
			return ok(c.projectView(p))
		}
	}
	return answer{}, fail(http.StatusUnauthorized, "NOT_IN_GROUP", "The current user is not in group %s, or it does not exist.", name)
}

type projectRequest struct {
	Name                      *string         `json:"name"`
	OrgID                     *string         `json:"orgId"`
	Tags                      *[]Tag          `json:"tags"`
	RegionUsageRestrictions   *string         `json:"regionUsageRestrictions"`
	WithDefaultAlertsSettings *bool           `json:"withDefaultAlertsSettings"`
	ID                        *string         `json:"id"`
	ClusterCount              *int            `json:"clusterCount"`
	Created                   *date           `json:"created"`
	Links                     json.RawMessage `json:"links"`
}

func (in projectRequest) check(o *org, except *project) *problem {
	if in.Name != nil && !projectName.MatchString(*in.Name) {
		return invalidField("name", "must have 1 to 64 letters, digits and -_.(),:&@+'")
	}
	if in.Name != nil && slices.ContainsFunc(o.projects, func(p *project) bool { return p != except && p.name == *in.Name }) {
		return conflict("GROUP_ALREADY_EXISTS", "A group with name %s already exists.", *in.Name)
	}
	if in.Tags == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range *in.Tags {
		if !within(t.Key, 255) || !within(t.Value, 255) || seen[t.Key] {
			return invalidField("tags", "key and value must have 1 to 255 characters, and keys must differ")
		}
		seen[t.Key] = true
	}
	return nil
}

func (c *call) createProject() (answer, *problem) {
	var in projectRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	if in.Name == nil {
		return answer{}, missingAttribute("name")
	}
	if in.OrgID == nil {
		return answer{}, missingAttribute("orgId")
	}
	if c.org = c.a.org(*in.OrgID); c.org == nil {
		return answer{}, missing("ORG_NOT_FOUND", "No organization with ID %s exists.", *in.OrgID)
	}
	if bad := c.mayCreateProject(); bad != nil {
		return answer{}, bad
	}
	if bad := in.check(c.org, nil); bad != nil {
		return answer{}, bad
	}
	p := &project{org: c.org, id: c.a.nextID("project"), name: *in.Name, created: c.at.Truncate(time.Second)}
	if in.Tags != nil {
		p.tags = slices.Clone(*in.Tags)
	}
	c.project = p
	c.org.projects = append(c.org.projects, p)
	c.a.projects[p.id] = p
	if c.who != nil {
		c.who.grants = append(c.who.grants, Grant{"GROUP_OWNER", p.id})
	}
	c.effect("project", "", p.state())
	c.orgEvent("GROUP_CREATED", p.id, nil)
	c.projectEvent("GROUP_CREATED", nil)
	return answer{status: http.StatusCreated, body: c.projectView(p)}, nil
}

func (c *call) mayCreateProject() *problem {
	if c.who == nil || c.who.org == c.org && overlap([]string{"ORG_OWNER", "ORG_GROUP_CREATOR"}, c.who.orgRoles()) {
		return nil
	}
	return fail(http.StatusUnauthorized, "NOT_ORG_GROUP_CREATOR", "The current user may not create groups in the organization.")
}

// state is what can change about the project itself.
func (p *project) state() string { return text(object{"name": p.name, "tags": orEmpty(p.tags)}) }

func (c *call) updateProject() (answer, *problem) {
	var in projectRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	p := c.project
	if bad := in.check(p.org, p); bad != nil {
		return answer{}, bad
	}
	before := p.state()
	renamed := in.Name != nil && *in.Name != p.name
	if renamed {
		p.name = *in.Name
	}
	retagged := in.Tags != nil && !slices.Equal(*in.Tags, p.tags)
	if retagged {
		p.tags = slices.Clone(*in.Tags)
	}
	c.effect("project", before, p.state())
	if renamed {
		c.projectEvent("GROUP_NAME_CHANGED", nil)
	}
	if retagged {
		extra := object{"resourceId": p.id, "resourceType": "project"}
		c.orgEvent("GROUP_TAGS_MODIFIED", p.id, extra)
		c.projectEvent("GROUP_TAGS_MODIFIED", extra)
	}
	return ok(c.projectView(p))
}

func (c *call) deleteProject() (answer, *problem) {
	p := c.project
	if len(p.clusters)+len(p.flex) > 0 {
		return answer{}, conflict("CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS", "The group %s has active clusters.", p.id)
	}
	p.org.projects = slices.DeleteFunc(p.org.projects, func(q *project) bool { return q == p })
	delete(c.a.projects, p.id)
	p.org.forget(p)
	c.effect("project", p.state(), "")
	c.orgEvent("GROUP_DELETED", p.id, nil)
	return empty(http.StatusAccepted)
}

// forget drops what the organisation holds of a project that is gone.
func (o *org) forget(p *project) {
	o.leaveFederation(p)
	o.leavePeople(p)
	for _, who := range o.principals {
		who.grants = slices.DeleteFunc(who.grants, func(g Grant) bool { return g.GroupID == p.id })
	}
}
