package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTeamLifeCycle(t *testing.T) {
	w := startWorld(t, staff)
	play(t, w, []step{
		{"create", "POST", "{org}/teams", `{"name":"ops","usernames":["bob@example.com","paula@example.com","bob@example.com"]}`, "201", "org:TEAM_CREATED:{ops} org:JOINED_TEAM:bob org:INVITED_TO_TEAM:paula"},
		{"name taken", "POST", "{org}/teams", `{"name":"ops","usernames":["bob@example.com"]}`, "409 TEAM_NAME_NOT_AVAILABLE", ""},
		{"empty", "POST", "{org}/teams", `{"name":"n","usernames":[]}`, "400 CANNOT_CREATE_EMPTY_TEAM", ""},
		{"no users", "POST", "{org}/teams", `{"name":"n"}`, "400 MISSING_ATTRIBUTE", ""},
		{"no name", "POST", "{org}/teams", `{"name":"","usernames":["bob@example.com"]}`, "400 VALIDATION_ERROR", ""},
		{"stranger", "POST", "{org}/teams", `{"name":"n","usernames":["zoe@example.com"]}`, "404 USER_NOT_IN_ORG", ""},
		{"hidden", "POST", "{org}/teams", `{"name":"n","usernames":["hugo@example.com"]}`, "404 USER_NOT_IN_ORG", ""},
		{"by name", "GET", "{org}/teams/byName/ops", "", "200", ""},
		{"by unknown name", "GET", "{org}/teams/byName/nope", "", "404 TEAM_NOT_FOUND", ""},
		{"rename", "PATCH", "{org}/teams/{ops}", `{"name":"sre"}`, "200", "org:TEAM_NAME_CHANGED:{ops}"},
		{"to the same", "PATCH", "{org}/teams/{ops}", `{"name":"sre"}`, "200", ""},
		{"to a taken one", "PATCH", "{org}/teams/{ops}", `{"name":"idle"}`, "409 TEAM_NAME_NOT_AVAILABLE", ""},
		{"old name is free", "GET", "{org}/teams/byName/ops", "", "404 TEAM_NOT_FOUND", ""},
		{"add", "POST", "{org}/teams/{ops}:addUser", `{"id":"{alice}"}`, "200", "org:JOINED_TEAM:alice org:TEAM_UPDATED:{ops}"},
		{"again", "POST", "{org}/teams/{ops}:addUser", `{"id":"{alice}"}`, "409 USER_ALREADY_IN_TEAM", ""},
		{"stranger", "POST", "{org}/teams/{ops}:addUser", `{"id":"{zoe}"}`, "404 USER_NOT_IN_ORG", ""},
		{"no id", "POST", "{org}/teams/{ops}:addUser", `{}`, "400 MISSING_ATTRIBUTE", ""},
		{"pending", "POST", "{org}/teams/{idle}:addUser", `{"id":"{paula}"}`, "200", "org:INVITED_TO_TEAM:paula org:TEAM_UPDATED:{idle}"},
		{"remove", "POST", "{org}/teams/{ops}:removeUser", `{"id":"{alice}"}`, "200", "org:REMOVED_FROM_TEAM:alice org:TEAM_UPDATED:{ops}"},
		{"again", "POST", "{org}/teams/{ops}:removeUser", `{"id":"{alice}"}`, "404 USER_NOT_IN_TEAM", ""},
		{"add many", "POST", "{org}/teams/{ops}/users", `[{"id":"{alice}"},{"id":"{carl}"}]`, "200", "org:JOINED_TEAM:alice org:JOINED_TEAM:carl org:TEAM_UPDATED:{ops}"},
		{"all or none", "POST", "{org}/teams/{idle}/users", `[{"id":"{carl}"},{"id":"{alice}"}]`, "409 USER_ALREADY_IN_TEAM", ""},
		{"pending, deprecated", "POST", "{org}/teams/{idle}/users", `[{"id":"{paula}"}]`, "404 CANNOT_ADD_PENDING_USER", ""},
		{"drop", "DELETE", "{org}/teams/{ops}/users/{carl}", "", "204", "org:REMOVED_FROM_TEAM:carl org:TEAM_UPDATED:{ops}"},
		{"drop pending, deprecated", "DELETE", "{org}/teams/{ops}/users/{paula}", "", "404 USER_NOT_IN_ORG", ""},
		{"delete one with a project", "DELETE", "{org}/teams/{payments}", "", "404 CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT", ""},
		{"delete", "DELETE", "{org}/teams/{ops}", "", "204", "org:REMOVED_FROM_TEAM:bob org:REMOVED_FROM_TEAM:paula org:REMOVED_FROM_TEAM:alice org:TEAM_DELETED:{ops}"},
		{"gone", "GET", "{org}/teams/{ops}", "", "404 TEAM_NOT_FOUND", ""},
		{"gone", "GET", "{org}/teams/{ops}/users", "", "404 TEAM_NOT_FOUND", ""},
	})
	bob := w.staffDo("GET", "{org}/users/{bob}", "")
	if got := fmt.Sprint(bob.body["teamIds"]); got != w.staffPath("[{payments}]") {
		t.Errorf("bob is still in teams %s", got)
	}
}

func TestTeamGrants(t *testing.T) {
	w := startWorld(t, staff)
	play(t, w, []step{
		{"grant", "POST", "{dev}/teams", `[{"teamId":"{idle}","roleNames":["GROUP_OWNER"]},{"teamId":"{payments}","roleNames":["GROUP_READ_ONLY","GROUP_READ_ONLY"]}]`, "200",
			"org:TEAM_ADDED_TO_GROUP:{idle}+groupId org:TEAM_ADDED_TO_GROUP:{payments}+groupId dev:TEAM_ADDED_TO_GROUP:{idle} dev:TEAM_ADDED_TO_GROUP:{payments}"},
		{"again", "POST", "{dev}/teams", `[{"teamId":"{idle}","roleNames":["GROUP_OWNER"]}]`, "409 TEAM_EXISTS_IN_GROUP", ""},
		{"twice at once", "POST", "{prod}/teams", `[{"teamId":"{idle}","roleNames":["GROUP_OWNER"]},{"teamId":"{idle}","roleNames":["GROUP_OWNER"]}]`, "409 TEAM_EXISTS_IN_GROUP", ""},
		{"without roles", "POST", "{prod}/teams", `[{"teamId":"{idle}","roleNames":[]}]`, "403 NO_ROLES_IN_ASSIGNMENT", ""},
		{"unknown role", "POST", "{prod}/teams", `[{"teamId":"{idle}","roleNames":["GROUP_KING"]}]`, "400 UNSUPPORTED_ROLE", ""},
		{"unknown team", "POST", "{prod}/teams", `[{"teamId":"7ea000000000000000000009","roleNames":["GROUP_OWNER"]}]`, "404 TEAM_NOT_FOUND", ""},
		{"not an array", "POST", "{prod}/teams", `{"teamId":"{idle}","roleNames":["GROUP_OWNER"]}`, "400 INVALID_JSON_ATTRIBUTE", ""},
		{"roles", "PATCH", "{dev}/teams/{payments}", `{"roleNames":["GROUP_OWNER","GROUP_READ_ONLY"]}`, "200", "org:TEAM_ROLES_MODIFIED:{payments}+groupId dev:TEAM_ROLES_MODIFIED:{payments}"},
		{"the same", "PATCH", "{dev}/teams/{payments}", `{"roleNames":["GROUP_READ_ONLY","GROUP_OWNER"],"teamId":"{payments}"}`, "200", ""},
		{"no roles", "PATCH", "{dev}/teams/{payments}", `{"roleNames":[]}`, "403 NO_ROLES_IN_ASSIGNMENT", ""},
		{"not there", "PATCH", "{prod}/teams/{idle}", `{"roleNames":["GROUP_OWNER"]}`, "404 TEAM_NOT_IN_GROUP", ""},
		{"get", "GET", "{dev}/teams/{payments}", "", "200", ""},
		{"get what is not there", "GET", "{prod}/teams/{idle}", "", "404 TEAM_NOT_IN_GROUP", ""},
		{"remove", "DELETE", "{dev}/teams/{idle}", "", "204", "org:TEAM_REMOVED_FROM_GROUP:{idle}+groupId dev:TEAM_REMOVED_FROM_GROUP:{idle}"},
		{"again", "DELETE", "{dev}/teams/{idle}", "", "404 TEAM_NOT_IN_GROUP", ""},
		{"team of a deleted project", "DELETE", "{dev}", "", "202", "org:GROUP_DELETED:+groupId"},
		{"remove the other", "DELETE", "{prod}/teams/{payments}", "", "204", "org:TEAM_REMOVED_FROM_GROUP:{payments}+groupId prod:TEAM_REMOVED_FROM_GROUP:{payments}"},
		{"now it is free", "DELETE", "{org}/teams/{payments}", "", "204", "org:REMOVED_FROM_TEAM:bob org:REMOVED_FROM_TEAM:carl org:TEAM_DELETED:{payments}"},
	})
}

func TestAllProjectRoles(t *testing.T) {
	w := startWorld(t, staff)
	for _, role := range strings.Fields(`GROUP_OWNER GROUP_CLUSTER_MANAGER GROUP_STREAM_PROCESSING_OWNER GROUP_DATA_ACCESS_ADMIN GROUP_DATA_ACCESS_READ_WRITE
		GROUP_DATA_ACCESS_READ_ONLY GROUP_DATABASE_ACCESS_ADMIN GROUP_BACKUP_MANAGER GROUP_OBSERVABILITY_VIEWER GROUP_SEARCH_INDEX_EDITOR GROUP_READ_ONLY
		GROUP_ACCESS_MANAGER GROUP_NETWORK_ACCESS_MANAGER GROUP_CLUSTER_CREATOR GROUP_REPLICA_SET_MANAGER GROUP_CLUSTER_LOG_VIEWER
		GROUP_CLUSTER_RESILIENCE_TESTER GROUP_BACKUP_CREATOR GROUP_BACKUP_RECOVERY_OPERATOR GROUP_BACKUP_EXPORT_OPERATOR GROUP_INDEX_MANAGER
		GROUP_REAL_TIME_PERFORMANCE_OPERATOR GROUP_SUPPORT_ACCESS_MANAGER GROUP_ALERTS_MANAGER GROUP_TRIGGER_MANAGER GROUP_MODEL_OWNER`) {
		a := w.staffDo("PATCH", "{prod}/teams/{payments}", `{"roleNames":["`+role+`"]}`)
		if a.status != 200 || len(a.results()) != 1 || fmt.Sprint(a.results()[0]["roleNames"]) != "["+role+"]" {
			t.Errorf("%s: %d %s", role, a.status, a.raw)
		}
	}
}

func TestProjectUserLifeCycle(t *testing.T) {
	w := startWorld(t, staff)
	play(t, w, []step{
		{"active", "POST", "{dev}/users", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`, "201", "dev:JOINED_GROUP:bob"},
		{"again", "POST", "{dev}/users", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`, "409 USER_ALREADY_IN_GROUP", ""},
		{"pending", "POST", "{prod}/users", `{"username":"paula@example.com","roles":["GROUP_OWNER"]}`, "201", "prod:INVITED_TO_GROUP:paula"},
		{"new", "POST", "{prod}/users", `{"username":"new@example.com","roles":["GROUP_READ_ONLY"]}`, "201", "org:INVITED_TO_ORG:new prod:INVITED_TO_GROUP:new"},
		{"rejected", "POST", "{prod}/users", `{"username":"rita@example.com","roles":["GROUP_READ_ONLY"]}`, "201", "org:INVITED_TO_ORG:rita prod:INVITED_TO_GROUP:rita"},
		{"no roles", "POST", "{prod}/users", `{"username":"n@example.com","roles":[]}`, "400 VALIDATION_ERROR", ""},
		{"unknown role", "POST", "{prod}/users", `{"username":"n@example.com","roles":["GROUP_KING"]}`, "400 UNSUPPORTED_ROLE", ""},
		{"no address", "POST", "{prod}/users", `{"username":"n","roles":["GROUP_OWNER"]}`, "400 INVALID_USERNAME", ""},
		{"get pending", "GET", "{prod}/users/{new}", "", "200", ""},
		{"get by team alone", "GET", "{dev}/users/{alice}", "", "404 USER_NOT_IN_GROUP", ""},
		{"get nobody", "GET", "{dev}/users/000000000000000000000000", "", "404 USER_NOT_FOUND", ""},
		{"add role", "POST", "{dev}/users/{bob}:addRole", `{"groupRole":"GROUP_READ_ONLY"}`, "200", "dev:USER_ROLES_CHANGED_AUDIT:bob"},
		{"again", "POST", "{dev}/users/{bob}:addRole", `{"groupRole":"GROUP_READ_ONLY"}`, "200", ""},
		{"unknown", "POST", "{dev}/users/{bob}:addRole", `{"groupRole":"GROUP_KING"}`, "400 UNSUPPORTED_ROLE", ""},
		{"not in it", "POST", "{dev}/users/{alice}:addRole", `{"groupRole":"GROUP_OWNER"}`, "404 USER_NOT_IN_GROUP", ""},
		{"remove role", "POST", "{dev}/users/{bob}:removeRole", `{"groupRole":"GROUP_READ_ONLY"}`, "200", "dev:USER_ROLES_CHANGED_AUDIT:bob"},
		{"the last", "POST", "{dev}/users/{bob}:removeRole", `{"groupRole":"GROUP_OWNER"}`, "403 CANNOT_REMOVE_ALL_USER_ROLES", ""},
		{"put", "PUT", "{dev}/users/{bob}/roles", `{"groupRoles":["GROUP_READ_ONLY"]}`, "200", "dev:USER_ROLES_CHANGED_AUDIT:bob"},
		{"put the same", "PUT", "{dev}/users/{bob}/roles", `{"groupRoles":["GROUP_READ_ONLY"]}`, "200", ""},
		{"put none", "PUT", "{dev}/users/{bob}/roles", `{"groupRoles":[]}`, "403 CANNOT_REMOVE_ALL_USER_ROLES", ""},
		{"put nothing", "PUT", "{dev}/users/{bob}/roles", `{}`, "400 MISSING_ATTRIBUTE", ""},
		{"one of carl's many", "POST", "{dev}/users/{carl}:addRole", `{"groupRole":"GROUP_OWNER"}`, "200", "dev:USER_ROLES_CHANGED_AUDIT:carl"},
		{"carl from dev", "DELETE", "{dev}/users/{carl}", "", "204", "dev:REMOVED_FROM_GROUP:carl"},
		{"but not from prod", "GET", "{prod}/users/{carl}", "", "200", ""},
		{"remove pending", "DELETE", "{prod}/users/{new}", "", "204", "prod:GROUP_INVITATION_DELETED:new"},
		{"again", "DELETE", "{prod}/users/{new}", "", "404 USER_NOT_IN_GROUP", ""},
		{"deprecated, active", "POST", "{dev}/access", `{"username":"carl@example.com","roles":["GROUP_OWNER"]}`, "204", "dev:JOINED_GROUP:carl"},
		{"deprecated, pending", "POST", "{dev}/access", `{"username":"new@example.com","roles":["GROUP_OWNER"]}`, "200", "dev:INVITED_TO_GROUP:new"},
		{"deprecated, no roles", "POST", "{dev}/access", `{"username":"n@example.com"}`, "400 MISSING_ATTRIBUTE", ""},
		{"project deleted", "DELETE", "{dev}", "", "202", "org:GROUP_DELETED:+groupId"},
	})
	if a := w.staffDo("GET", "{org}/users/{bob}", ""); strings.Count(a.raw, `"groupId"`) != 1 {
		t.Errorf("bob's roles on a deleted project are not gone: %s", a.raw)
	}
}

func TestOrgInvitations(t *testing.T) {
	w := startWorld(t, staff)
	const paula = "{org}/invites/b00000000000000000000001"
	play(t, w, []step{
		{"create", "POST", "{org}/invites", `{"username":"new@example.com","roles":["ORG_READ_ONLY"],"groupRoleAssignments":[{"groupId":"<prod>","roles":["GROUP_OWNER","GROUP_READ_ONLY"]}],"teamIds":["{idle}"]}`, "200",
			"org:INVITED_TO_ORG:new org:INVITED_TO_TEAM:new prod:INVITED_TO_GROUP:new"},
		{"again", "POST", "{org}/invites", `{"username":"new@example.com"}`, "409 USER_ALREADY_EXISTS", ""},
		{"one who is there", "POST", "{org}/invites", `{"username":"bob@example.com"}`, "409 USER_ALREADY_EXISTS", ""},
		{"nobody", "POST", "{org}/invites", `{"roles":["ORG_MEMBER"]}`, "400 MISSING_ATTRIBUTE", ""},
		{"get", "GET", paula, "", "200", ""},
		{"get another", "GET", "{org}/invites/b00000000000000000000009", "", "400 INVALID_INVITATION_ID", ""},
		{"by id", "PATCH", paula, `{"roles":["ORG_READ_ONLY"]}`, "200", "org:USER_ROLES_CHANGED_AUDIT:paula"},
		{"the same", "PATCH", paula, `{"roles":["ORG_READ_ONLY"]}`, "200", ""},
		{"by name", "PATCH", "{org}/invites", `{"username":"paula@example.com","groupRoleAssignments":[]}`, "200", "dev:GROUP_INVITATION_DELETED:paula"},
		{"by another name", "PATCH", "{org}/invites", `{"username":"bob@example.com","roles":["ORG_MEMBER"]}`, "404 USERNAME_NOT_FOUND", ""},
		{"without a name", "PATCH", "{org}/invites", `{"roles":["ORG_MEMBER"]}`, "400 MISSING_ATTRIBUTE", ""},
		{"delete", "DELETE", paula, "", "204", "org:ORG_INVITATION_DELETED:paula"},
		{"gone", "DELETE", paula, "", "400 INVALID_INVITATION_ID", ""},
	})
	var a answerOf
	list := func(query string) string {
		a = w.staffDo("GET", "{org}/invites"+query, "")
		return strings.Join(strings.Split(a.raw, `"username":"`)[1:], " ")
	}
	if got := list(""); !strings.HasPrefix(got, "hugo@") || !strings.Contains(got, "new@") || strings.Contains(got, "ivan@") {
		t.Errorf("pending invitations %s", got)
	}
	if got := list("?username=new@example.com"); strings.Contains(got, "hugo@") || !strings.Contains(a.raw, `"groupRole":"GROUP_READ_ONLY"`) {
		t.Errorf("new's invitation %s", a.raw)
	}
	w.Advance(30 * 24 * time.Hour)
	if got := list(""); got != "" {
		t.Errorf("after thirty days %s", got)
	}
	if got := who(w.staffDo("GET", "{org}/users?orgMembershipStatuses=INVITATION_EXPIRED", "")); !strings.Contains(got, "new") {
		t.Errorf("expired users %s", got)
	}
	if err := w.AcceptInvitation("new@example.com"); err == nil {
		t.Error("an expired invitation was accepted")
	}
}

func TestGroupInvitations(t *testing.T) {
	w := startWorld(t, staff)
	const hugo = "{prod}/invites/b00000000000000000000002"
	play(t, w, []step{
		{"stranger", "POST", "{dev}/invites", `{"username":"new@example.com","roles":["GROUP_OWNER"]}`, "200", "org:INVITED_TO_ORG:new dev:INVITED_TO_GROUP:new"},
		{"again", "POST", "{dev}/invites", `{"username":"new@example.com","roles":["GROUP_OWNER"]}`, "409 USER_ALREADY_EXISTS", ""},
		{"active elsewhere", "POST", "{dev}/invites", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`, "200", "dev:INVITED_TO_GROUP:bob"},
		{"active there", "POST", "{prod}/invites", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`, "409 USER_ALREADY_IN_GROUP", ""},
		{"no roles", "POST", "{prod}/invites", `{"username":"n@example.com","roles":[]}`, "400 MISSING_ATTRIBUTE", ""},
		{"not among users", "GET", "{org}/users/{new}", "", "404 USER_NOT_IN_ORG", ""},
		{"cannot be removed as one", "DELETE", "{org}/users/{new}", "", "404 USER_NOT_IN_ORG", ""},
		{"get", "GET", hugo, "", "200", ""},
		{"by id", "PATCH", hugo, `{"roles":["GROUP_OWNER"]}`, "200", "prod:USER_ROLES_CHANGED_AUDIT:hugo"},
		{"by name, the same", "PATCH", "{prod}/invites", `{"username":"hugo@example.com","roles":["GROUP_OWNER"]}`, "200", ""},
		{"by another name", "PATCH", "{prod}/invites", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`, "404 USERNAME_NOT_FOUND", ""},
		{"delete", "DELETE", hugo, "", "204", "prod:GROUP_INVITATION_DELETED:hugo"},
		{"gone", "GET", hugo, "", "400 INVALID_INVITATION_ID", ""},
	})
	seen := map[string]bool{}
	w.told(seen)
	for _, c := range []struct{ name, want string }{
		{"new@example.com", "org:JOINED_ORG:new by new@example.com dev:JOINED_GROUP:new by new@example.com"},
		{"bob@example.com", "dev:JOINED_GROUP:bob by bob@example.com"},
		{"hugo@example.com", "org:JOINED_ORG:hugo by hugo@example.com"}, // the invitation to the organisation stayed
	} {
		if err := w.AcceptInvitation(c.name); err != nil {
			t.Error(err)
		}
		if got := w.told(seen); got != c.want {
			t.Errorf("%s accepts: %s", c.name, got)
		}
		if err := w.AcceptInvitation(c.name); err == nil {
			t.Errorf("%s accepts twice", c.name)
		}
	}
	if got := who(w.staffDo("GET", "{dev}/users", "")); got != "carl[GROUP_BACKUP_MANAGER] paula[GROUP_READ_ONLY] new[GROUP_OWNER] bob[GROUP_OWNER]" {
		t.Errorf("dev has %s", got)
	}
	if err := w.RejectInvitation("paula@example.com"); err != nil {
		t.Fatal(err)
	}
	if got := who(w.staffDo("GET", "{org}/users?orgMembershipStatuses=INVITATION_REJECTED", "")); got != "paula rita" {
		t.Errorf("rejected: %s", got)
	}
}

func TestAcceptedInvitation(t *testing.T) {
	w := startWorld(t, staff)
	w.staffDo("POST", "{org}/users", `{"username":"zoe@example.com","roles":{"orgRoles":["ORG_OWNER"],"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_OWNER"]}]},"teamIds":["{idle}"]}`)
	if a := w.staffDo("POST", "{org}/users/{alice}:removeRole", `{"orgRole":"ORG_OWNER"}`); a.code() != "CANNOT_DEMOTE_LAST_ORG_OWNER" {
		t.Errorf("a pending owner counts: %d %s", a.status, a.code())
	}
	seen := map[string]bool{}
	w.told(seen)
	w.Advance(time.Hour)
	if err := w.AcceptInvitation("zoe@example.com"); err != nil {
		t.Fatal(err)
	}
	const want = "org:JOINED_ORG:zoe org:JOINED_TEAM:zoe prod:JOINED_GROUP:zoe"
	if got := strings.ReplaceAll(w.told(seen), " by zoe@example.com", ""); got != want {
		t.Errorf("events %s", got)
	}
	a := w.staffDo("GET", "{org}/users/{zoe}", "") // the account that OtherCorp has, too
	if a.body["orgMembershipStatus"] != "ACTIVE" || a.body["lastAuth"] != "2026-08-03T11:00:00Z" {
		t.Errorf("zoe is %s", a.raw)
	}
	if a := w.staffDo("DELETE", "{org}/users/{alice}", ""); a.status != 204 {
		t.Errorf("with a second owner alice stays: %d %s", a.status, a.code())
	}
}

// An organisation at the size of the largest: its lists are read as a sweep reads them.
func TestPeopleInVolume(t *testing.T) {
	const users, projects = 20_000, 2_000
	o := Org{Name: "Big", Users: []User{{Username: "owner@example.com", Roles: []Grant{{"ORG_OWNER", ""}}}}}
	for i := range projects {
		o.Projects = append(o.Projects, Project{Name: fmt.Sprint("p", i)})
	}
	for i := range users {
		grants := []Grant{{"ORG_MEMBER", ""}, {"GROUP_READ_ONLY", fmt.Sprint("p", i%projects)}}
		o.Users = append(o.Users, User{Username: fmt.Sprintf("u%d@example.com", i), Roles: grants})
	}
	a, err := New(Options{World: World{Orgs: []Org{o}}, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Atlas: a, t: t}
	org, seen := "/orgs/"+w.OrgID("Big"), map[string]bool{}
	for page := 1; len(seen) <= users; page++ {
		rows := w.do("GET", fmt.Sprintf("%s/users?itemsPerPage=500&pageNum=%d", org, page), nil).results()
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			seen[r["id"].(string)] = true
		}
	}
	if len(seen) != users+1 {
		t.Errorf("listed %d users", len(seen))
	}
	members := 0
	for i := 0; i < projects; i += 10 {
		members += len(w.do("GET", "/groups/"+a.orgs[0].projects[i].id+"/users?includeOrgUsers=true&flattenTeams=true&itemsPerPage=500", nil).results())
	}
	if want := projects / 10 * (users/projects + 1); members != want {
		t.Errorf("listed %d members, want %d", members, want)
	}
}
