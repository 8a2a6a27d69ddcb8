package access

import "time"

// Contribution is what a project tells of itself to the judgement of other scopes: of its
// org, and of the other projects of the org. It is a function of the project's inventory
// and of the environment that holds for it.
type Contribution struct {
	V               int                     `json:"v"`
	Scope           Scope                   `json:"scope"`
	Org             string                  `json:"orgId"`
	Title           string                  `json:"name"`
	Environment     string                  `json:"environment,omitempty"`
	Unread          map[Kind]string         `json:"unread,omitempty"`          // kinds that it cannot tell of now, and why; what follows is as it was last read
	Entries         []string                `json:"entries,omitempty"`         // of the IP access list, sorted
	Users           []string                `json:"users,omitempty"`           // database users with a password, by name, sorted
	Members         []ProjectMember         `json:"members,omitempty"`         // by username
	Teams           []TeamGrant             `json:"teams,omitempty"`           // by team
	ServiceAccounts []ProjectServiceAccount `json:"serviceAccounts,omitempty"` // by client id
	Owners          []string                `json:"owners,omitempty"`          // e-mail addresses that labels of database users name as owners, sorted
	At              time.Time               `json:"at,omitzero"`               // when it was true, at least: renewed now and then; zero: not known
}

// Stray reports whether not even the org of the project can be told: any may be it.
func (c Contribution) Stray() bool { return c.Org == "" && c.Unread[KindProject] != "" }

// ContributedKinds are the kinds of a project that a rule on a kind of the org may read:
// those that a [Contribution] tells of.
func ContributedKinds() []Kind {
	return []Kind{KindProject, KindProjectMember, KindTeamGrant, KindProjectServiceAccount, KindIPAccessEntry, KindDatabaseUser}
}

// GatheredKinds are the kinds of an org that a rule on a kind of a project may read: of
// each, a project's [Facts] hold what concerns the project.
func GatheredKinds() []Kind {
	return []Kind{KindOrg, KindOrgSettings, KindOrgMember, KindTeam, KindTeamMember, KindRoleMapping, KindFederation, KindIdentityProvider}
}

// Facts is what the judgement of a scope takes of other scopes. The zero value says that
// nothing was gathered yet: whatever rests on it is unknown.
type Facts struct {
	V        int                 `json:"v"`
	Scope    Scope               `json:"scope"`
	Org      map[Kind]Collection `json:"org,omitempty"`      // of a project: what concerns it of the gathered kinds, with their status
	Shared   []SharedEntry       `json:"shared,omitempty"`   // of a project: its entries that stand in other projects of the org too, by entry
	Projects []Contribution      `json:"projects,omitempty"` // of an org: its projects, by scope
	Unread   map[Kind]string     `json:"unread,omitempty"`   // contributed kinds that some other project cannot tell of, and why
	At       time.Time           `json:"at,omitzero"`        // when they were true, at least: renewed now and then; zero: not known
}

// Gathered reports whether the facts were ever put together.
func (f Facts) Gathered() bool { return f.V > 0 }

// SharedEntry is an entry of an IP access list that stands in several projects.
type SharedEntry struct {
	Entry    string        `json:"entry"`
	Projects []ProjectNote `json:"projects"` // the others, by scope
}

// ProjectNote names a project with the environment that holds for it.
type ProjectNote struct {
	Scope       Scope  `json:"scope"`
	Title       string `json:"name"`
	Environment string `json:"environment,omitempty"`
}
