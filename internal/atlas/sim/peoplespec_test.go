package sim

import (
	"net/http"
	"testing"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

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
