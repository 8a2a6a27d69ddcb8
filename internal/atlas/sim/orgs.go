package sim

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// OrgSettings and ProjectSettings are the parts of a world that say how an organisation
// or project is set up.
type (
	OrgSettings struct {
		Settings                  *OrganizationSettings `yaml:"settings,omitempty"`
		SkipDefaultAlertsSettings bool                  `yaml:"skipDefaultAlertsSettings,omitempty"`
		DelegationSettings        *DelegationSettings   `yaml:"delegationSettings,omitempty"`
		ResourcePolicies          []ResourcePolicy      `yaml:"resourcePolicies,omitempty"`
		// UIAccessListEnabled has no name in the API: only events show the list.
		UIAccessListEnabled bool `yaml:"uiIpAccessListEnabled,omitempty"`
	}
	ProjectSettings struct {
		// Settings are flags by their API names; what is left out has its default.
		Settings map[string]bool `yaml:"settings,omitempty"`
		// These two are Atlas's documents, by its names.
		MaintenanceWindow map[string]any `yaml:"maintenanceWindow,omitempty"`
		EncryptionAtRest  map[string]any `yaml:"encryptionAtRest,omitempty"`
	}
)

// orgSettings and projectSettings are their live state.
type (
	orgSettings struct {
		settingsDoc       OrganizationSettings
		skipDefaultAlerts bool
		delegated         DelegationSettings
		resourcePolicies  []*ResourcePolicy
		uiAccessList      bool
	}
	projectSettings struct {
		settingFlags map[string]bool
		maintenance  object
		encryption   object
	}
)

func orgRoutes() []route {
	return []route{
		{op: "updateOrg", set: "org_organization", handle: (*call).updateOrg},
		{op: "deleteOrg", set: "org_organization", handle: (*call).deleteOrg},
		{op: "getOrgActivityFeed", set: "org_organization", handle: (*call).activityFeed},
		{op: "getOrgSettings", set: "orgSettings_organization", handle: (*call).getOrgSettings},
		{op: "updateOrgSettings", set: "orgSettings_organization", handle: (*call).updateOrgSettings},
		{op: "getOrgDelegationSettings", set: "org_organization", spec: delegationOperation(http.MethodGet), handle: (*call).getDelegation},
		{op: "updateOrgDelegationSettings", set: "org_organization", spec: delegationOperation(http.MethodPatch), handle: (*call).updateDelegation},

		{op: "listOrgResourcePolicies", set: "resourcePolicies_organization", handle: (*call).listPolicies},
		{op: "createOrgResourcePolicy", set: "resourcePolicies_organization", handle: (*call).createPolicy},
		{op: "validateOrgResourcePolicies", set: "resourcePolicies_organization", handle: (*call).validatePolicy},
		{op: "getOrgResourcePolicy", set: "resourcePolicies_organization", handle: (*call).getPolicy},
		{op: "updateOrgResourcePolicy", set: "resourcePolicies_organization", handle: (*call).updatePolicy},
		{op: "deleteOrgResourcePolicy", set: "resourcePolicies_organization", handle: (*call).deletePolicy},
		{op: "getOrgNonCompliantResources", set: "resourcePolicies_organization", handle: (*call).nonCompliant},

		{op: "getGroupActivityFeed", set: "group_group", handle: (*call).activityFeed},
		{op: "getGroupSettings", set: "group_group", handle: (*call).getProjectSettings},
		{op: "updateGroupSettings", set: "group_group", handle: (*call).updateProjectSettings},
		{op: "getGroupIpAddresses", set: "group_group", handle: (*call).projectAddresses},
		{op: "listGroupLimits", set: "group_group", handle: (*call).listLimits},
		{op: "getGroupLimit", set: "group_group", handle: (*call).getLimit},
		{op: "setGroupLimit", set: "group_group", handle: (*call).setLimit},
		{op: "deleteGroupLimit", set: "group_group", handle: (*call).deleteLimit},
	}
}

// buildSettings makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildSettings(o *org, w OrgSettings, projects map[*project]ProjectSettings) error {
	var wrong []error
	if w.Settings != nil {
		o.settingsDoc = deep(*w.Settings)
		if bad := o.settingsDoc.check(); bad != nil {
			wrong = append(wrong, fmt.Errorf("settings: %s", bad.detail))
		}
	}
	if w.DelegationSettings != nil {
		o.delegated = deep(*w.DelegationSettings)
	}
	o.skipDefaultAlerts, o.uiAccessList = w.SkipDefaultAlertsSettings, w.UIAccessListEnabled
	for _, p := range w.ResourcePolicies {
		if err := a.addPolicy(o, p); err != nil {
			wrong = append(wrong, err)
		}
	}
	for p, s := range projects {
		p.settingFlags = maps.Clone(s.Settings)
		p.maintenance, p.encryption = deep(object(s.MaintenanceWindow)), deep(object(s.EncryptionAtRest))
		if err := checkUpkeep(s); err != nil {
			wrong = append(wrong, fmt.Errorf("project %q: %w", p.name, err))
		}
		for name := range s.Settings {
			if _, known := projectFlag(name); !known {
				wrong = append(wrong, fmt.Errorf("project %q: settings: there is no flag %q", p.name, name))
			}
		}
	}
	return errors.Join(wrong...)
}

func (o *org) worldSettings() OrgSettings {
	w := OrgSettings{SkipDefaultAlertsSettings: o.skipDefaultAlerts, UIAccessListEnabled: o.uiAccessList}
	if o.settingsDoc != (OrganizationSettings{}) {
		s := deep(o.settingsDoc)
		w.Settings = &s
	}
	if o.delegated != (DelegationSettings{}) {
		d := deep(o.delegated)
		w.DelegationSettings = &d
	}
	for _, p := range o.resourcePolicies {
		w.ResourcePolicies = append(w.ResourcePolicies, deep(*p))
	}
	return w
}

func (p *project) worldSettings() ProjectSettings {
	return ProjectSettings{
		Settings: maps.Clone(p.settingFlags), MaintenanceWindow: deep(p.maintenance), EncryptionAtRest: deep(p.encryption),
	}
}

func (o *org) state() string {
	return text(object{"name": o.name, "skipDefaultAlertsSettings": o.skipDefaultAlerts})
}

// updateOrg renames. The pattern in the document has no blanks, real names have.
func (c *call) updateOrg() (answer, *problem) {
	doc, bad := c.document(apispec.Missing, apispec.Range)
	if bad != nil {
		return answer{}, bad
	}
	name, sent := doc["name"].(string)
	if sent && !projectName.MatchString(name) {
		return answer{}, invalidField("name", "must have 1 to 64 letters, digits and -_.(),:&@+'")
	}
	before, renamed := c.org.state(), sent && name != c.org.name
	if renamed {
		c.org.name = name
	}
	if skip, ok := doc["skipDefaultAlertsSettings"].(bool); ok {
		c.org.skipDefaultAlerts = skip
	}
	c.effect("organization", before, c.org.state())
	if renamed {
		c.orgEvent("ORG_RENAMED", "", nil)
	}
	return ok(c.orgView(c.org))
}

// deleteOrg removes an organisation that has no projects. Its feed goes with it, so no
// event is written.
func (c *call) deleteOrg() (answer, *problem) {
	o := c.org
	if len(o.projects) > 0 {
		return answer{}, conflict("CANNOT_DELETE_ORG_ACTIVE_GROUPS", "The organization %s has active projects.", o.id) // the code is a guess
	}
	if m := o.fedMember; m != nil {
		m.fed.disconnect(o)
	}
	c.a.dropOrg(o)
	c.effect("organization", o.state(), "")
	return empty(http.StatusNoContent)
}

// dropOrg forgets an organisation and everybody who could act in it.
func (a *Atlas) dropOrg(o *org) {
	a.orgs = slices.DeleteFunc(a.orgs, func(held *org) bool { return held == o })
	a.federations = slices.DeleteFunc(a.federations, func(f *federation) bool { return len(f.members) == 0 })
	maps.DeleteFunc(a.clients, func(_ string, p *principal) bool { return p.org == o })
	maps.DeleteFunc(a.keys, func(_ string, p *principal) bool { return p.org == o })
	maps.DeleteFunc(a.tokens, func(_ string, t *token) bool { return t.who.org == o })
}

// activityFeed answers with a link into the UI, which holds no data. The same filter has
// the same link (a guess).
func (c *call) activityFeed() (answer, *problem) {
	if _, bad := c.eventFilter(); bad != nil {
		return answer{}, bad
	}
	for _, list := range []string{"eventType", "clusterName"} {
		if len(c.query[list]) > 20 {
			return answer{}, bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: at most %d values are allowed.", list, 20)
		}
	}
	id := c.a.derive("activity feed", c.path, c.query.Encode())[:24]
	return ok(object{"link": "https://cloud.mongodb.com/redirect/" + id, "links": c.self(c.path)})
}
