package access

import (
	"slices"
	"strings"
)

// OperationType is one kind of write to Atlas.
type OperationType string

// The writes that plans are made of.
const (
	DeleteAccessEntry   OperationType = "delete_access_entry"
	CreateAccessEntry   OperationType = "create_access_entry"
	SetUserRoles        OperationType = "set_database_user_roles"
	SetUserScopes       OperationType = "set_database_user_scopes"
	QuarantineUser      OperationType = "quarantine_database_user" // roles: [] sent explicitly; the old roles are in Before
	DeleteDatabaseUser  OperationType = "delete_database_user"     // after a quarantine, and only where people said so
	AddMemberRole       OperationType = "add_member_role"          // one role of a person, on the org or on the project of the Ref
	RemoveMemberRole    OperationType = "remove_member_role"
	AddProjectMember    OperationType = "add_project_member"
	RemoveProjectMember OperationType = "remove_project_member" // takes every role of a person's own on one project
	SetTeamRoles        OperationType = "set_team_roles"
	AddTeamGrant        OperationType = "add_team_grant" // a team comes to a project
	RemoveTeamGrant     OperationType = "remove_team_grant"
	AddTeamMember       OperationType = "add_team_member"
	RemoveTeamMember    OperationType = "remove_team_member"
	DeleteInvitation    OperationType = "delete_invitation"
	SetOrgSetting       OperationType = "set_org_setting"     // one field, the others are not sent
	SetProjectSetting   OperationType = "set_project_setting" // one field, the others are not sent
	SetAlertEnabled     OperationType = "set_alert_enabled"
	CreateAlert         OperationType = "create_alert" // as one was that is gone; its id is another one
)

// The settings that operations write, by their names in Atlas.
const (
	SettingEmployeeAccess = "restrictEmployeeAccess"
	SettingSecretHours    = "maxServiceAccountSecretValidityInHours"
	SettingDataExplorer   = "isDataExplorerEnabled"
)

// What Atlas takes for [SettingSecretHours].
const (
	MinSecretHours = 8
	MaxSecretHours = 8760
)

// OperationTypes are all of them.
func OperationTypes() []OperationType {
	return []OperationType{
		DeleteAccessEntry, CreateAccessEntry, SetUserRoles, SetUserScopes, QuarantineUser, DeleteDatabaseUser, AddMemberRole, RemoveMemberRole,
		AddProjectMember, RemoveProjectMember, SetTeamRoles, AddTeamGrant, RemoveTeamGrant, AddTeamMember, RemoveTeamMember,
		DeleteInvitation, SetOrgSetting, SetProjectSetting, SetAlertEnabled, CreateAlert,
	}
}

// Writes are the kinds of resources that operations of the type write to; none: it is not
// one that this version knows.
func (t OperationType) Writes() []Kind {
	switch t {
	case DeleteAccessEntry, CreateAccessEntry:
		return []Kind{KindIPAccessEntry}
	case SetUserRoles, SetUserScopes, QuarantineUser, DeleteDatabaseUser:
		return []Kind{KindDatabaseUser}
	case AddMemberRole, RemoveMemberRole, AddProjectMember, RemoveProjectMember:
		return []Kind{KindOrgMember, KindProjectMember}
	case SetTeamRoles, AddTeamGrant, RemoveTeamGrant:
		return []Kind{KindTeamGrant}
	case AddTeamMember, RemoveTeamMember:
		return []Kind{KindTeamMember}
	case DeleteInvitation:
		return []Kind{KindInvitation}
	case SetOrgSetting:
		return []Kind{KindOrgSettings}
	case SetProjectSetting:
		return []Kind{KindProjectSettings}
	case SetAlertEnabled, CreateAlert:
		return []Kind{KindAlertConfig}
	}
	return nil
}

// WrittenKinds are the kinds that some operation writes to.
func WrittenKinds() []Kind {
	var out []Kind
	for _, t := range OperationTypes() {
		out = append(out, t.Writes()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Operation is one typed, repeat-safe write. Before holds the resource as the plan
// saw it; only the fields that the operation touches enter the plan's hash.
//
// A person's roles on a project are written where the Ref is a member of the project, or
// where it is a member of the org and Project says of which: then all of one person can
// be planned, locked and read back in the org.
type Operation struct {
	Type    OperationType `json:"type"`
	Ref     Ref           `json:"ref"`
	Before  Box           `json:"before,omitzero"`
	Entry   IPAccessEntry `json:"entry,omitzero"`     // create_access_entry
	Roles   []RoleGrant   `json:"roles,omitempty"`    // set_database_user_roles: never empty
	Scopes  []UserScope   `json:"scopes,omitempty"`   // set_database_user_scopes: never empty, which would open every cluster
	Role    string        `json:"roleName,omitempty"` // add_member_role, remove_member_role
	Names   []string      `json:"roleNames,omitempty"`
	Project string        `json:"groupId,omitempty"` // of a member of the org: the project that it is about
	ID      string        `json:"userId,omitempty"`  // of a person, whom Atlas addresses by it
	Setting string        `json:"setting,omitempty"` // one of the Setting constants
	Value   string        `json:"value,omitempty"`   // true, false, or a number
	Alert   *AlertConfig  `json:"alert,omitempty"`   // create_alert
}

// Achieved reports whether a complete read that shows the Ref as now (an empty box:
// absent) shows the operation's effect. What is created anew under an id of its own shows
// elsewhere: see [Operation.AchievedIn].
func (o Operation) Achieved(now Box) bool {
	switch o.Type {
	case DeleteAccessEntry, DeleteDatabaseUser, RemoveTeamGrant, RemoveTeamMember, DeleteInvitation:
		return now.IsZero()
	case CreateAccessEntry:
		e, ok := As[IPAccessEntry](now)
		return ok && e.Entry == o.Entry.Entry
	case SetUserRoles:
		u, ok := As[DatabaseUser](now)
		return ok && slices.Equal(SortGrants(u.Roles), SortGrants(o.Roles))
	case QuarantineUser:
		u, ok := As[DatabaseUser](now)
		return ok && len(u.Roles) == 0
	case SetUserScopes:
		u, ok := As[DatabaseUser](now)
		return ok && slices.Equal(SortScopes(u.Scopes), SortScopes(o.Scopes))
	case SetTeamRoles, AddTeamGrant:
		g, ok := As[TeamGrant](now)
		return ok && slices.Equal(SortNames(g.Roles), SortNames(o.Names))
	case AddTeamMember:
		return !now.IsZero()
	case SetAlertEnabled:
		a, ok := As[AlertConfig](now)
		return ok && boolText(a.Enabled) == o.Value
	case CreateAlert:
		a, ok := As[AlertConfig](now)
		return ok && o.Alert != nil && a.sameAs(*o.Alert)
	case SetOrgSetting, SetProjectSetting:
		return !now.IsZero() && SettingOf(now, o.Setting) == o.Value
	}
	return o.achievedByMember(now)
}

func (o Operation) achievedByMember(now Box) bool {
	roles, _ := o.held(now)
	switch o.Type {
	case AddMemberRole:
		return slices.Contains(roles, o.Role)
	case RemoveMemberRole:
		return !slices.Contains(roles, o.Role)
	case AddProjectMember:
		return slices.Equal(SortNames(roles), SortNames(o.Names))
	case RemoveProjectMember:
		return len(roles) == 0
	}
	return false
}

// AchievedIn is [Operation.Achieved] by all resources of the kind in the scope.
func (o Operation) AchievedIn(c Collection) bool {
	if o.Type != CreateAlert {
		r, _ := c.Find(o.Ref.Name)
		return o.Achieved(r.Box)
	}
	return slices.ContainsFunc(c.Resources, func(r Resource) bool { return o.Achieved(r.Box) })
}

// Concerns reports whether the operation shows in the resource: in the one that it is on,
// and in those that tell of the same otherwise. What a person holds stands in the person's
// record in the org and in each project, and a membership of a team in the org's.
func (o Operation) Concerns(r Ref) bool {
	if r == o.Ref {
		return true
	}
	_, user, _ := strings.Cut(o.Ref.Name, "/")
	switch o.Type {
	case AddMemberRole, RemoveMemberRole, AddProjectMember, RemoveProjectMember:
		there := r.Scope == o.Ref.Scope || r.Scope == ProjectScope(o.Project)
		return r.Name == o.Ref.Name && (r.Kind == KindOrgMember && r.Scope.IsOrg() || r.Kind == KindProjectMember && there)
	case AddTeamMember, RemoveTeamMember:
		return r.Kind == KindOrgMember && r.Scope == o.Ref.Scope && r.Name == user
	case DeleteInvitation: // who is invited is in the teams and projects of the invitation already
		_, member, _ := strings.Cut(r.Name, "/")
		return r.Kind == KindProjectMember && r.Name == o.Ref.Name || r.Kind == KindTeamMember && member == o.Ref.Name
	case CreateAlert:
		return r.Kind == KindAlertConfig && r.Scope == o.Ref.Scope
	}
	return false
}

// held are the roles that an operation on a person is about: of the org, or of the one
// project. False: the box shows no such person.
func (o Operation) held(b Box) ([]string, bool) {
	switch m := b.State.(type) {
	case ProjectMember:
		return m.Roles, true
	case OrgMember:
		if o.Project == "" {
			return m.OrgRoles, true
		}
		i := slices.IndexFunc(m.Projects, func(p ProjectRoles) bool { return p.Project == o.Project })
		if i < 0 {
			return nil, true
		}
		return m.Projects[i].Roles, true
	}
	return nil, false
}

// touched is the before-value of the fields that the operation touches.
func (o Operation) touched() any {
	switch o.Type {
	case SetUserRoles, QuarantineUser:
		u, _ := As[DatabaseUser](o.Before)
		return SortGrants(u.Roles)
	case SetUserScopes:
		u, _ := As[DatabaseUser](o.Before)
		return SortScopes(u.Scopes)
	case DeleteDatabaseUser: // all of it goes: whatever changed of it, it is another decision
		u, _ := As[DatabaseUser](o.Before)
		u.Roles, u.Scopes = SortGrants(u.Roles), SortScopes(u.Scopes)
		return u
	case AddMemberRole, RemoveMemberRole:
		roles, _ := o.held(o.Before)
		return slices.Contains(roles, o.Role)
	case AddProjectMember, RemoveProjectMember:
		roles, _ := o.held(o.Before)
		return SortNames(roles)
	case SetOrgSetting, SetProjectSetting:
		return SettingOf(o.Before, o.Setting)
	case SetAlertEnabled:
		a, _ := As[AlertConfig](o.Before)
		return a.Enabled
	case SetTeamRoles, AddTeamGrant, RemoveTeamGrant:
		g, _ := As[TeamGrant](o.Before)
		return SortNames(g.Roles)
	case DeleteInvitation: // one that was sent anew is another one
		i, _ := As[Invitation](o.Before)
		return []string{i.ID, i.CreatedAt.String()}
	case AddTeamMember, RemoveTeamMember, CreateAlert:
		return !o.Before.IsZero()
	}
	e, _ := As[IPAccessEntry](o.Before)
	return e
}

// wanted is what the operation writes, beyond entries, roles and scopes of the database.
func (o Operation) wanted() []any {
	if o.Role+o.Project+o.ID+o.Setting+o.Value == "" && len(o.Names) == 0 && o.Alert == nil {
		return nil
	}
	return []any{o.Role, SortNames(o.Names), o.Project, o.ID, o.Setting, o.Value, o.Alert}
}

// sameAs reports whether two configurations tell the same receivers of the same, whatever
// their ids.
func (a AlertConfig) sameAs(b AlertConfig) bool {
	return a.EventType == b.EventType && a.Enabled == b.Enabled && a.Severity == b.Severity && a.Threshold == b.Threshold &&
		slices.Equal(a.Matchers, b.Matchers) && slices.EqualFunc(a.Notifications, b.Notifications, Notification.sameAs)
}

// sameAs leaves out by which integration: the receiver counts.
func (n Notification) sameAs(m Notification) bool {
	return n.Type == m.Type && n.Target == m.Target && n.TargetHash == m.TargetHash && n.DelayMinutes == m.DelayMinutes &&
		n.EveryMinutes == m.EveryMinutes && slices.Equal(n.Roles, m.Roles)
}
