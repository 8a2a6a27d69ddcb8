package access

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Validate refuses an operation that would do something else than it says: an empty
// list of scopes opens every cluster, an empty list of roles is a quarantine and has
// its own type, and a role of the org is not one of a project.
func (o Operation) Validate() error {
	if err := o.check(); err != nil {
		return fmt.Errorf("%s of %s: %w", o.Type, o.Ref, err)
	}
	if len(o.Type.Writes()) == 0 {
		return fmt.Errorf("operation %q of %s: not one that this version knows", o.Type, o.Ref)
	}
	return nil
}

func (o Operation) check() error {
	switch o.Type {
	case SetUserScopes:
		return unless(len(o.Scopes) > 0, "an empty list of scopes would open every cluster")
	case SetUserRoles:
		return unless(len(o.Roles) > 0, "an empty list of roles is a quarantine: use %s", QuarantineUser)
	case CreateAccessEntry:
		return unless(o.Entry.Entry != "", "no entry given")
	case DeleteDatabaseUser:
		return errors.Join(o.checkKind(), o.checkQuarantined())
	case AddMemberRole, RemoveMemberRole:
		return errors.Join(o.checkMember(), o.checkRoles(o.Role))
	case AddProjectMember:
		return errors.Join(o.checkMember(), o.checkInProject(), o.checkRoles(o.Names...))
	case RemoveProjectMember:
		return errors.Join(o.checkMember(), o.checkInProject())
	case SetTeamRoles, AddTeamGrant:
		return errors.Join(o.checkKind(), atlasID("team", o.Ref.Name), o.checkRoles(o.Names...))
	case RemoveTeamGrant:
		return errors.Join(o.checkKind(), atlasID("team", o.Ref.Name))
	case AddTeamMember, RemoveTeamMember:
		team, _, _ := strings.Cut(o.Ref.Name, "/")
		return errors.Join(o.checkKind(), atlasID("team", team), atlasID("user", o.ID))
	case DeleteInvitation:
		return errors.Join(o.checkKind(), unless(strings.Contains(o.Ref.Name, "@"), "%q is no e-mail address", o.Ref.Name))
	case SetOrgSetting, SetProjectSetting:
		return errors.Join(o.checkKind(), o.checkSetting())
	case SetAlertEnabled:
		return errors.Join(o.checkKind(), atlasID("alert configuration", o.Ref.Name), boolean(o.Value))
	case CreateAlert:
		return errors.Join(o.checkKind(), o.checkAlert())
	}
	return nil
}

func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func (o Operation) checkKind() error {
	kinds := o.Type.Writes()
	return unless(slices.Contains(kinds, o.Ref.Kind), "the operation is for a %s", kinds[0])
}

func (o Operation) checkMember() error {
	if o.Project != "" && o.Ref.Kind != KindOrgMember {
		return fmt.Errorf("project %s is named beside that of the reference", o.Project)
	}
	var project error
	if o.Project != "" {
		project = atlasID("project", o.Project)
	}
	return errors.Join(o.checkKind(), atlasID("user", o.ID), project)
}

// checkQuarantined refuses to delete a user that was not in quarantine when it was planned:
// until then nothing is lost.
func (o Operation) checkQuarantined() error {
	u, ok := As[DatabaseUser](o.Before)
	return errors.Join(unless(ok && u.Name() == o.Ref.Name, "the user to delete was not read"), unless(len(u.Roles) == 0, "it has roles: it is quarantined first"))
}

func (o Operation) checkInProject() error {
	return unless(o.Ref.Kind == KindProjectMember || o.Project != "", "of which project is not said")
}

// checkRoles wants roles of the level that is written to: there is no list of them here,
// as Atlas has more every year.
func (o Operation) checkRoles(roles ...string) error {
	prefix := "GROUP_"
	if o.Ref.Kind == KindOrgMember && o.Project == "" {
		prefix = "ORG_"
	}
	if len(roles) == 0 {
		return errors.New("no roles given: taking all of them is an operation of its own")
	}
	for _, r := range roles {
		if !strings.HasPrefix(r, prefix) || strings.Trim(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			return fmt.Errorf("%q is no role that begins with %s", r, prefix)
		}
	}
	return nil
}

func (o Operation) checkSetting() error {
	switch {
	case o.Type == SetOrgSetting && o.Setting == SettingEmployeeAccess, o.Type == SetProjectSetting && o.Setting == SettingDataExplorer:
		return boolean(o.Value)
	case o.Type == SetOrgSetting && o.Setting == SettingSecretHours:
		hours, err := strconv.Atoi(o.Value)
		return unless(err == nil && hours >= MinSecretHours && hours <= MaxSecretHours, "%q is no number of hours from %d to %d", o.Value, MinSecretHours, MaxSecretHours)
	}
	return fmt.Errorf("setting %q is not one that is written", o.Setting)
}

// checkAlert refuses a configuration that notifies by what cannot be read: it would tell
// nobody, or somebody else.
func (o Operation) checkAlert() error {
	switch {
	case o.Alert == nil || o.Alert.EventType == "":
		return errors.New("no alert configuration given")
	case len(o.Alert.Notifications) == 0:
		return errors.New("it would notify nobody")
	}
	for _, n := range o.Alert.Notifications {
		if n.Type != "WEBHOOK" || n.Integration == "" {
			return fmt.Errorf("what its %s notification needs cannot be read from Atlas", n.Type)
		}
	}
	return nil
}

func boolean(s string) error {
	return unless(s == boolText(true) || s == boolText(false), "%q is neither true nor false", s)
}

func boolText(b bool) string { return strconv.FormatBool(b) }

func atlasID(of, id string) error {
	return unless(len(id) == 24 && strings.Trim(id, "0123456789abcdef") == "", "%q is no id of a %s", id, of)
}

// SettingOf is the value of one of the settings that operations write; empty: the box
// does not have it.
func SettingOf(b Box, setting string) string {
	switch s := b.State.(type) {
	case OrgSettings:
		switch setting {
		case SettingEmployeeAccess:
			return boolText(s.RestrictEmployeeAccess)
		case SettingSecretHours:
			return strconv.Itoa(s.MaxSecretValidityHours)
		}
	case ProjectSettings:
		if setting == SettingDataExplorer {
			return boolText(s.DataExplorer)
		}
	}
	return ""
}

// WithSetting is the box with the setting as in the value.
func WithSetting(b Box, setting, value string) Box {
	switch s := b.State.(type) {
	case OrgSettings:
		switch setting {
		case SettingEmployeeAccess:
			s.RestrictEmployeeAccess = value == boolText(true)
		case SettingSecretHours:
			s.MaxSecretValidityHours, _ = strconv.Atoi(value)
		}
		return Box{s}
	case ProjectSettings:
		if setting == SettingDataExplorer {
			s.DataExplorer = value == boolText(true)
		}
		return Box{s}
	}
	return b
}

// Describe says in words what an operation does.
func (o Operation) Describe() string {
	at, where := "", "the project"
	if o.Project != "" {
		at, where = " on project "+o.Project, "project "+o.Project
	}
	switch o.Type {
	case DeleteAccessEntry:
		return "delete access list entry " + o.Ref.Name
	case CreateAccessEntry:
		return "create access list entry " + o.Entry.Entry
	case QuarantineUser:
		return "take all roles from database user " + o.Ref.Name + " (quarantine; nothing is deleted)"
	case DeleteDatabaseUser:
		return "delete database user " + o.Ref.Name + " (its password is gone with it)"
	case SetUserRoles:
		return fmt.Sprintf("set the roles of database user %s to %v", o.Ref.Name, o.Roles)
	case SetUserScopes:
		return fmt.Sprintf("limit database user %s to %v", o.Ref.Name, o.Scopes)
	case AddMemberRole:
		return "give " + o.Ref.Name + " the role " + o.Role + at
	case RemoveMemberRole:
		return "take the role " + o.Role + " from " + o.Ref.Name + at
	case AddProjectMember:
		return "add " + o.Ref.Name + " to " + where + " with " + strings.Join(o.Names, ", ")
	case RemoveProjectMember:
		return "remove " + o.Ref.Name + " from " + where
	case SetTeamRoles:
		return "set the roles of team " + o.Ref.Name + " to " + strings.Join(o.Names, ", ")
	case AddTeamGrant:
		return "add team " + o.Ref.Name + " to the project with " + strings.Join(o.Names, ", ")
	case RemoveTeamGrant:
		return "remove team " + o.Ref.Name + " from the project"
	}
	return o.describeRest()
}

func (o Operation) describeRest() string {
	team, user, _ := strings.Cut(o.Ref.Name, "/")
	switch o.Type {
	case AddTeamMember:
		return "put " + user + " into team " + team
	case RemoveTeamMember:
		return "take " + user + " out of team " + team
	case DeleteInvitation:
		return "delete the invitation of " + o.Ref.Name
	case SetOrgSetting, SetProjectSetting:
		return "set " + o.Setting + " to " + o.Value
	case SetAlertEnabled:
		return "set enabled of alert configuration " + o.Ref.Name + " to " + o.Value
	case CreateAlert:
		return "create the alert configuration " + o.Ref.Name + " anew"
	}
	return string(o.Type) + " " + o.Ref.Name
}
