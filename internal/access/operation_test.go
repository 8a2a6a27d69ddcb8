package access

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	userID  = "64f000000000000000000d01"
	grantID = "64f000000000000000000f01"
)

// TestEveryOperation: one of each type is valid, shows what it has done and nothing else,
// says what it does, and comes back from JSON as it was.
func TestEveryOperation(t *testing.T) {
	org := OrgScope("64f0000000000000000000aa")
	ref := func(s Scope, k Kind, name string) Ref { return Ref{s, k, name} }
	onOrg, onProject := ref(org, KindOrgMember, "bob@example.com"), ref(project, KindProjectMember, "bob@example.com")
	team, alert := ref(project, KindTeamGrant, grantID), ref(project, KindAlertConfig, userID)
	hook := AlertConfig{ID: userID, EventType: "JOINED_GROUP", Enabled: true, Notifications: []Notification{{Type: "WEBHOOK", Target: "w", Integration: "i"}}}
	member := func(roles ...string) Box { return Box{OrgMember{Username: "bob@example.com", OrgRoles: roles}} }
	on := func(roles ...string) Box {
		return Box{OrgMember{Username: "bob@example.com", Projects: []ProjectRoles{{"64f0000000000000000000a2", roles}}}}
	}
	inProject := func(roles ...string) Box { return Box{ProjectMember{Username: "bob@example.com", Roles: roles}} }
	entry, user := ref(project, KindIPAccessEntry, "10.0.0.0/8"), ref(project, KindDatabaseUser, "admin/a")
	tested := map[OperationType]bool{}
	for _, c := range []struct {
		op       Operation
		done     Box
		not      []Box
		describe string
	}{
		{Operation{Type: DeleteAccessEntry, Ref: entry}, Box{}, []Box{{IPAccessEntry{Entry: "10.0.0.0/8"}}}, "delete access list entry 10.0.0.0/8"},
		{Operation{Type: CreateAccessEntry, Ref: entry, Entry: IPAccessEntry{Entry: "10.0.0.0/8"}}, Box{IPAccessEntry{Entry: "10.0.0.0/8"}}, []Box{{}}, "create access list entry"},
		{Operation{Type: SetUserRoles, Ref: user, Roles: []RoleGrant{{Role: "read", Database: "a"}}}, Box{DatabaseUser{Roles: []RoleGrant{{Role: "read", Database: "a"}}}}, []Box{{}, {DatabaseUser{}}}, "set the roles of database user"},
		{Operation{Type: SetUserScopes, Ref: user, Scopes: []UserScope{{"c", "CLUSTER"}}}, Box{DatabaseUser{Scopes: []UserScope{{"c", "CLUSTER"}}}}, []Box{{}, {DatabaseUser{}}}, "limit database user"},
		{Operation{Type: QuarantineUser, Ref: user}, Box{DatabaseUser{}}, []Box{{}}, "quarantine"},
		{Operation{Type: DeleteDatabaseUser, Ref: user, Before: Box{DatabaseUser{Database: "admin", Username: "a"}}}, Box{}, []Box{{DatabaseUser{}}}, "delete database user admin/a"},
		{Operation{Type: AddMemberRole, Ref: onOrg, ID: userID, Role: "ORG_OWNER"}, member("ORG_OWNER", "ORG_MEMBER"), []Box{{}, member("ORG_MEMBER")}, "give bob@example.com the role ORG_OWNER"},
		{Operation{Type: RemoveMemberRole, Ref: onProject, ID: userID, Role: "GROUP_OWNER"}, inProject("GROUP_READ_ONLY"), []Box{inProject("GROUP_OWNER")}, "take the role GROUP_OWNER from bob@example.com"},
		{Operation{Type: AddProjectMember, Ref: onOrg, ID: userID, Project: "64f0000000000000000000a2", Names: []string{"GROUP_OWNER"}}, on("GROUP_OWNER"), []Box{{}, on("GROUP_READ_ONLY"), member("GROUP_OWNER")}, "to project 64f0000000000000000000a2"},
		{Operation{Type: RemoveProjectMember, Ref: onOrg, ID: userID, Project: "64f0000000000000000000a2"}, member("ORG_OWNER"), []Box{on("GROUP_OWNER")}, "from project 64f0000000000000000000a2"},
		{Operation{Type: SetTeamRoles, Ref: team, Names: []string{"GROUP_OWNER"}}, Box{TeamGrant{Roles: []string{"GROUP_OWNER"}}}, []Box{{}, {TeamGrant{Roles: []string{"GROUP_OWNER", "GROUP_READ_ONLY"}}}}, "set the roles of team"},
		{Operation{Type: AddTeamGrant, Ref: team, Names: []string{"GROUP_OWNER"}}, Box{TeamGrant{Roles: []string{"GROUP_OWNER"}}}, []Box{{}}, "add team"},
		{Operation{Type: RemoveTeamGrant, Ref: team}, Box{}, []Box{{TeamGrant{}}}, "remove team"},
		{Operation{Type: AddTeamMember, Ref: ref(org, KindTeamMember, grantID+"/bob@example.com"), ID: userID}, Box{TeamMember{}}, []Box{{}}, "put bob@example.com into team"},
		{Operation{Type: RemoveTeamMember, Ref: ref(org, KindTeamMember, grantID+"/bob@example.com"), ID: userID}, Box{}, []Box{{TeamMember{}}}, "take bob@example.com out of team"},
		{Operation{Type: DeleteInvitation, Ref: ref(org, KindInvitation, "x@outside.test")}, Box{}, []Box{{Invitation{}}}, "delete the invitation of x@outside.test"},
		{Operation{Type: SetOrgSetting, Ref: ref(org, KindOrgSettings, "o"), Setting: SettingSecretHours, Value: "720"}, Box{OrgSettings{MaxSecretValidityHours: 720}}, []Box{{}, {OrgSettings{}}}, "set maxServiceAccountSecretValidityInHours to 720"},
		{Operation{Type: SetProjectSetting, Ref: ref(project, KindProjectSettings, "p"), Setting: SettingDataExplorer, Value: "false"}, Box{ProjectSettings{}}, []Box{{}, {ProjectSettings{DataExplorer: true}}}, "set isDataExplorerEnabled to false"},
		{Operation{Type: SetAlertEnabled, Ref: alert, Value: "true"}, Box{hook}, []Box{{}, {AlertConfig{}}}, "set enabled of alert configuration"},
		{Operation{Type: CreateAlert, Ref: alert, Alert: &hook}, Box{hook}, []Box{{}, {AlertConfig{EventType: "JOINED_GROUP", Enabled: true}}}, "create the alert configuration"},
	} {
		tested[c.op.Type] = true
		if err := c.op.Validate(); err != nil {
			t.Error(err)
		}
		if !c.op.Achieved(c.done) {
			t.Errorf("%s: not achieved by %+v", c.op.Type, c.done)
		}
		for _, b := range c.not {
			if c.op.Achieved(b) {
				t.Errorf("%s: achieved by %+v", c.op.Type, b)
			}
		}
		if got := c.op.Describe(); !strings.Contains(got, c.describe) {
			t.Errorf("%s: %s", c.op.Type, got)
		}
		if !slices.Contains(c.op.Type.Writes(), c.op.Ref.Kind) {
			t.Errorf("%s: writes %v", c.op.Type, c.op.Type.Writes())
		}
		raw, err := json.Marshal(c.op)
		var back Operation
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || !reflect.DeepEqual(back, c.op) {
			t.Errorf("%s: %v\n%+v\n%+v", raw, err, c.op, back)
		}
	}
	for _, typ := range OperationTypes() {
		if !tested[typ] {
			t.Errorf("%s is not tried", typ)
		}
	}
}

// TestAlertElsewhere: what is created anew shows under another id.
func TestAlertElsewhere(t *testing.T) {
	a := AlertConfig{ID: userID, EventType: "JOINED_GROUP", Enabled: true, Notifications: []Notification{{Type: "WEBHOOK", Integration: "i"}}}
	op := Operation{Type: CreateAlert, Ref: Ref{project, KindAlertConfig, userID}, Alert: &a}
	b := a
	b.ID = grantID
	if !op.AchievedIn(NewCollection(project, KindAlertConfig, []State{b})) || op.AchievedIn(NewCollection(project, KindAlertConfig, nil)) {
		t.Error("one of another id is not seen, or one is that is not there")
	}
}

// TestHashOfNewOperations: what an operation writes and what it touches are bound, and
// nothing else of the resource is.
func TestHashOfNewOperations(t *testing.T) {
	at := Ref{OrgScope("64f0000000000000000000aa"), KindOrgMember, "bob@example.com"}
	hash := func(o Operation) string { return Plan{Operations: []Operation{o}}.Hash("r", at, 1) }
	base := Operation{Type: RemoveMemberRole, Ref: at, ID: userID, Role: "ORG_OWNER", Before: Box{OrgMember{OrgRoles: []string{"ORG_OWNER"}}}}
	for name, c := range map[string]struct {
		change func(*Operation)
		same   bool
	}{
		"another role beside it": {func(o *Operation) { o.Before = Box{OrgMember{OrgRoles: []string{"ORG_MEMBER", "ORG_OWNER"}}} }, true},
		"not held any more":      {func(o *Operation) { o.Before = Box{OrgMember{OrgRoles: []string{"ORG_MEMBER"}}} }, false},
		"another role":           {func(o *Operation) { o.Role = "ORG_READ_ONLY" }, false},
		"another person":         {func(o *Operation) { o.ID = grantID }, false},
		"another project":        {func(o *Operation) { o.Project = grantID }, false},
		"other roles":            {func(o *Operation) { o.Names = []string{"X"} }, false},
		"another setting":        {func(o *Operation) { o.Setting = "s" }, false},
		"another value":          {func(o *Operation) { o.Value = "v" }, false},
		"an alert":               {func(o *Operation) { o.Alert = &AlertConfig{} }, false},
	} {
		o := base
		c.change(&o)
		if (hash(o) == hash(base)) != c.same {
			t.Errorf("%s: the hash is the same: %t", name, hash(o) == hash(base))
		}
	}
}

// TestHashesOfFormerOperations: plans that are stored keep their hashes.
func TestHashesOfFormerOperations(t *testing.T) {
	at := Ref{project, KindIPAccessEntry, "0.0.0.0/0"}
	p := Plan{Operations: []Operation{{Type: DeleteAccessEntry, Ref: at, Before: Box{IPAccessEntry{Entry: "0.0.0.0/0", Comment: "c"}}}}}
	raw, err := json.Marshal([]any{DeleteAccessEntry, at, IPAccessEntry{Entry: "0.0.0.0/0", Comment: "c"}, IPAccessEntry{}, []RoleGrant{}, []UserScope{}})
	if err != nil {
		t.Fatal(err)
	}
	if want := Hash("r", at.Hash(), "1", string(raw)); p.Hash("r", at, 1) != want {
		t.Errorf("%s, want %s", p.Hash("r", at, 1), want)
	}
}

// TestHashOfADeletion: a deletion is bound to all of the user that it takes.
func TestHashOfADeletion(t *testing.T) {
	at := Ref{project, KindDatabaseUser, "admin/a"}
	hash := func(edit func(*DatabaseUser)) string {
		u := DatabaseUser{Database: "admin", Username: "a", Scopes: []UserScope{{"c", "CLUSTER"}, {"d", "CLUSTER"}}}
		edit(&u)
		return Plan{Operations: []Operation{{Type: DeleteDatabaseUser, Ref: at, Before: Box{u}}}}.Hash("r", at, 1)
	}
	base := hash(func(*DatabaseUser) {})
	for name, edit := range map[string]func(*DatabaseUser){
		"roles":       func(u *DatabaseUser) { u.Roles = []RoleGrant{{Role: "read", Database: "a"}} },
		"scopes":      func(u *DatabaseUser) { u.Scopes = nil },
		"labels":      func(u *DatabaseUser) { u.Labels = []Label{{"owner", "shop"}} },
		"description": func(u *DatabaseUser) { u.Description = "needed in March" },
	} {
		if hash(edit) == base {
			t.Errorf("%s may change", name)
		}
	}
	if hash(func(u *DatabaseUser) { slices.Reverse(u.Scopes) }) != base {
		t.Error("the order counts")
	}
}
