package sim

import (
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// Every successful answer about people fits the specification's schema.
func peopleFitTheSpec(t *testing.T, doc *openapi3.T) {
	tested := map[string]bool{}
	for _, c := range []struct{ op, method, path, body string }{
		{"listOrgUsers", "GET", "{org}/users", ""},
		{"listOrgUsers", "GET", "{org}/users?orgMembershipStatuses=INVITATION_EXPIRED&orgMembershipStatuses=INVITATION_REJECTED", ""},
		{"createOrgUser", "POST", "{org}/users", `{"username":"new@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`},
		{"getOrgUser", "GET", "{org}/users/{bob}", ""},
		{"getOrgUser", "GET", "{org}/users/{paula}", ""},
		{"updateOrgUser", "PATCH", "{org}/users/{bob}", `{"roles":{"orgRoles":["ORG_READ_ONLY"]}}`},
		{"removeOrgUser", "DELETE", "{org}/users/{bob}", ""},
		{"updateOrgUserRoles", "PUT", "{org}/users/{bob}/roles", `{"orgRoles":["ORG_READ_ONLY"]}`},
		{"addOrgUserRole", "POST", "{org}/users/{bob}:addRole", `{"orgRole":"ORG_READ_ONLY"}`},
		{"removeOrgUserRole", "POST", "{org}/users/{bob}:removeRole", `{"orgRole":"ORG_BILLING_ADMIN"}`},
		{"getUser", "GET", "/users/{bob}", ""},
		{"getUserByName", "GET", "/users/byName/bob@example.com", ""},
		{"listOrgInvites", "GET", "{org}/invites", ""},
		{"createOrgInvite", "POST", "{org}/invites", `{"username":"new@example.com","roles":["ORG_MEMBER"]}`},
		{"updateOrgInvites", "PATCH", "{org}/invites", `{"username":"paula@example.com","roles":["ORG_READ_ONLY"]}`},
		{"getOrgInvite", "GET", "{org}/invites/b00000000000000000000001", ""},
		{"updateOrgInviteById", "PATCH", "{org}/invites/b00000000000000000000001", `{"roles":["ORG_READ_ONLY"]}`},
		{"deleteOrgInvite", "DELETE", "{org}/invites/b00000000000000000000001", ""},
		{"listOrgTeams", "GET", "{org}/teams", ""},
		{"createOrgTeam", "POST", "{org}/teams", `{"name":"new","usernames":["bob@example.com"]}`},
		{"getOrgTeam", "GET", "{org}/teams/{payments}", ""},
		{"renameOrgTeam", "PATCH", "{org}/teams/{payments}", `{"name":"new"}`},
		{"deleteOrgTeam", "DELETE", "{org}/teams/{idle}", ""},
		{"getOrgTeamByName", "GET", "{org}/teams/byName/payments", ""},
		{"listOrgTeamUsers", "GET", "{org}/teams/{payments}/users", ""},
		{"addOrgTeamUsers", "POST", "{org}/teams/{payments}/users", `[{"id":"a11ce0000000000000000001"}]`},
		{"removeOrgTeamUserFromTeam", "DELETE", "{org}/teams/{payments}/users/{bob}", ""},
		{"addOrgTeamUser", "POST", "{org}/teams/{idle}:addUser", `{"id":"b0b000000000000000000001"}`},
		{"removeOrgTeamUser", "POST", "{org}/teams/{payments}:removeUser", `{"id":"b0b000000000000000000001"}`},
		{"addGroupAccessUser", "POST", "{dev}/access", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`},
		{"addGroupAccessUser", "POST", "{dev}/access", `{"username":"new@example.com","roles":["GROUP_OWNER"]}`},
		{"listGroupInvites", "GET", "{prod}/invites", ""},
		{"createGroupInvite", "POST", "{prod}/invites", `{"username":"new@example.com","roles":["GROUP_OWNER"]}`},
		{"updateGroupInvites", "PATCH", "{prod}/invites", `{"username":"hugo@example.com","roles":["GROUP_OWNER"]}`},
		{"getGroupInvite", "GET", "{prod}/invites/b00000000000000000000002", ""},
		{"updateGroupInviteById", "PATCH", "{prod}/invites/b00000000000000000000002", `{"roles":["GROUP_OWNER"]}`},
		{"deleteGroupInvite", "DELETE", "{prod}/invites/b00000000000000000000002", ""},
		{"listGroupTeams", "GET", "{prod}/teams", ""},
		{"addGroupTeams", "POST", "{dev}/teams", `[{"teamId":"7ea000000000000000000001","roleNames":["GROUP_OWNER"]}]`},
		{"getGroupTeam", "GET", "{prod}/teams/{payments}", ""},
		{"updateGroupTeam", "PATCH", "{prod}/teams/{payments}", `{"roleNames":["GROUP_OWNER"]}`},
		{"removeGroupTeam", "DELETE", "{prod}/teams/{payments}", ""},
		{"listGroupUsers", "GET", "{prod}/users?flattenTeams=true&includeOrgUsers=true", ""},
		{"addGroupUsers", "POST", "{dev}/users", `{"username":"bob@example.com","roles":["GROUP_OWNER"]}`},
		{"getGroupUser", "GET", "{prod}/users/{bob}", ""},
		{"removeGroupUser", "DELETE", "{prod}/users/{bob}", ""},
		{"updateGroupUserRoles", "PUT", "{prod}/users/{bob}/roles", `{"groupRoles":["GROUP_OWNER"]}`},
		{"addGroupUserRole", "POST", "{prod}/users/{bob}:addRole", `{"groupRole":"GROUP_OWNER"}`},
		{"removeGroupUserRole", "POST", "{prod}/users/{bob}:removeRole", `{"groupRole":"GROUP_CLUSTER_MANAGER"}`},
	} {
		t.Run(c.op, func(t *testing.T) {
			w := startWorld(t, staff)
			i := slices.IndexFunc(w.routes, func(r route) bool { return r.op == c.op })
			a := w.staffDo(c.method, c.path, c.body)
			if a.status/100 != 2 {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if why := misfit(operation(t, doc, &w.routes[i]), c.op, a); why != "" {
				t.Error(why)
			}
		})
		tested[c.op] = true
	}
	for _, r := range peopleRoutes() {
		if !tested[r.op] {
			t.Errorf("%s is not tested", r.op)
		}
	}
}

// The official client reads what is answered, unions by status included.
func TestSDKPeople(t *testing.T) {
	w := startWorld(t, staff)
	client, ctx, org, prod := w.sdk(bearerTransport{w.Transport(), w.token(ownerID)}), t.Context(), w.OrgID("ExampleCorp"), w.ProjectID("prod")
	users, _, err := client.MongoDBCloudUsersApi.ListOrgUsers(ctx, org).OrgMembershipStatuses([]string{"ACTIVE", "PENDING"}).Execute()
	if err != nil || len(users.GetResults()) != 4 {
		t.Fatalf("list: %v, %v", users, err)
	}
	bob, paula := users.GetResults()[1], users.GetResults()[3]
	if bob.GetFirstName() != "Bob" || len(bob.GetTeamIds()) != 1 || len(bob.Roles.GetGroupRoleAssignments()) != 1 || paula.GetInviterUsername() != "alice@example.com" {
		t.Errorf("bob %+v, paula %+v", bob, paula)
	}
	made, answer, err := client.MongoDBCloudUsersApi.CreateOrgUser(ctx, org, &admin.OrgUserRequest{
		Username: "new@example.com", Roles: admin.OrgUserRolesRequest{OrgRoles: []string{"ORG_MEMBER"}},
	}).Execute()
	if err != nil || answer.StatusCode != http.StatusCreated || made.GetOrgMembershipStatus() != "PENDING" {
		t.Fatalf("create: %v, %v", made, err)
	}
	if _, _, err := client.MongoDBCloudUsersApi.AddOrgRole(ctx, org, made.GetId(), &admin.AddOrRemoveOrgRole{OrgRole: "ORG_READ_ONLY"}).Execute(); err != nil {
		t.Errorf("add role: %v", err)
	}
	team, _, err := client.TeamsApi.CreateOrgTeam(ctx, org, &admin.Team{Name: "ops", Usernames: []string{"bob@example.com"}}).Execute()
	if err != nil || team.GetId() == "" || len(team.Usernames) != 1 {
		t.Fatalf("team: %v, %v", team, err)
	}
	roles, _, err := client.TeamsApi.AddGroupTeams(ctx, prod, &[]admin.TeamRole{{TeamId: team.GetId(), RoleNames: []string{"GROUP_OWNER"}}}).Execute()
	if err != nil || len(roles.GetResults()) != 2 {
		t.Errorf("grant: %v, %v", roles, err)
	}
	crew, _, err := client.MongoDBCloudUsersApi.ListGroupUsers(ctx, prod).FlattenTeams(true).IncludeOrgUsers(true).Execute()
	if err != nil || len(crew.GetResults()) != 4 { // the new one may read it when it accepts
		t.Errorf("project users: %v, %v", crew, err)
	}
	if _, err := client.MongoDBCloudUsersApi.RemoveOrgUser(ctx, org, made.GetId()).Execute(); err != nil {
		t.Errorf("remove: %v", err)
	}
	if _, _, err := client.MongoDBCloudUsersApi.GetOrgUser(ctx, org, made.GetId()).Execute(); !admin.IsErrorCode(err, "USER_NOT_FOUND") {
		t.Errorf("get of nobody: %v", err)
	}
}
