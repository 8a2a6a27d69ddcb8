package sim

import "go.mongodb.org/atlas-sdk/v20250312020/admin"

// rajesh is a member of the estate, and payments its team.
const (
	rajesh   = "b0b000000000000000000001"
	payments = "7ea000000000000000000000"
)

// orgLives are people, teams and what they may do.
func orgLives() []lifeCycle {
	return []lifeCycle{
		{"project", "GROUP_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"name":"web shop","orgId":"<org>","tags":[{"key":"env","value":"test"},{"key":"team","value":"web"}],"withDefaultAlertsSettings":true}`,
				then: `{"name":"web shop 2","tags":[{"key":"env","value":"prod"}]}`,
				create: func(d string) (any, error) {
					return got(s.ProjectsApi.CreateGroup(s.ctx, to[admin.Group](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.ProjectsApi.GetGroup(s.ctx, id).Execute()) },
				list: func() (any, error) { return got(s.ProjectsApi.ListGroups(s.ctx).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ProjectsApi.UpdateGroup(s.ctx, id, part[admin.GroupUpdate](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.ProjectsApi.DeleteGroup(s.ctx, id).Execute()) },
			}
		}},
		{"team", "TEAM_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"name":"ops","usernames":["rajesh@example.com"]}`, then: `{"name":"operations"}`,
				hidden: "usernames", // they are read as the team's users: team users
				create: func(d string) (any, error) {
					return got(s.TeamsApi.CreateOrgTeam(s.ctx, s.org, to[admin.Team](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.TeamsApi.GetOrgTeam(s.ctx, s.org, id).Execute()) },
				list: func() (any, error) { return got(s.TeamsApi.ListOrgTeams(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.TeamsApi.RenameOrgTeam(s.ctx, s.org, id, part[admin.TeamUpdate](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.TeamsApi.DeleteOrgTeam(s.ctx, s.org, id).Execute()) },
			}
		}},
		{"team user", "", func(s *site) life {
			return life{
				want: `{"id":"` + rajesh + `"}`, shown: `{"id":"` + rajesh + `","username":"rajesh@example.com","teamIds":["` + payments + `"]}`,
				create: func(d string) (any, error) {
					return got(s.MongoDBCloudUsersApi.AddOrgTeamUser(s.ctx, s.org, payments, to[admin.AddOrRemoveUserFromTeam](s, d)).Execute())
				},
				list: func() (any, error) {
					return got(s.MongoDBCloudUsersApi.ListTeamUsers(s.ctx, s.org, payments).Execute())
				},
				remove: func(id string) error {
					_, err := got(s.MongoDBCloudUsersApi.RemoveOrgTeamUser(s.ctx, s.org, payments, admin.NewAddOrRemoveUserFromTeam(id)).Execute())
					return err
				},
			}
		}},
		{"team of a project", "TEAM_NOT_IN_GROUP", func(s *site) life {
			return life{
				want: `{"teamId":"` + payments + `","roleNames":["GROUP_READ_ONLY","GROUP_CLUSTER_MANAGER"]}`, key: "teamId",
				then: `{"teamId":"` + payments + `","roleNames":["GROUP_OWNER"]}`,
				create: func(d string) (any, error) {
					return got(s.TeamsApi.AddGroupTeams(s.ctx, s.prod, &[]admin.TeamRole{*to[admin.TeamRole](s, d)}).Execute())
				},
				read: func(id string) (any, error) { return got(s.TeamsApi.GetGroupTeam(s.ctx, s.prod, id).Execute()) },
				list: func() (any, error) { return got(s.TeamsApi.ListGroupTeams(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.TeamsApi.UpdateGroupTeam(s.ctx, s.prod, id, part[admin.TeamRole](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.TeamsApi.RemoveGroupTeam(s.ctx, s.prod, id).Execute()) },
			}
		}},
		{"user of the organisation", "USER_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"username":"new@example.com","teamIds":["` + payments + `"],"roles":{"orgRoles":["ORG_MEMBER","ORG_BILLING_READ_ONLY"],
					"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_READ_ONLY","GROUP_BACKUP_MANAGER"]},{"groupId":"<dev>","groupRoles":["GROUP_OWNER"]}]}}`,
				then: `{"teamIds":[],"roles":{"orgRoles":["ORG_READ_ONLY"],"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["GROUP_READ_ONLY"]}]}}`,
				create: func(d string) (any, error) {
					return got(s.MongoDBCloudUsersApi.CreateOrgUser(s.ctx, s.org, to[admin.OrgUserRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.MongoDBCloudUsersApi.GetOrgUser(s.ctx, s.org, id).Execute())
				},
				list: func() (any, error) { return got(s.MongoDBCloudUsersApi.ListOrgUsers(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.MongoDBCloudUsersApi.UpdateOrgUser(s.ctx, s.org, id, part[admin.OrgUserUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.MongoDBCloudUsersApi.RemoveOrgUser(s.ctx, s.org, id).Execute()) },
			}
		}},
		{"user of a project", "USER_NOT_IN_GROUP", func(s *site) life {
			return life{
				want: `{"username":"rajesh@example.com","roles":["GROUP_READ_ONLY"]}`, then: `{"roles":["GROUP_READ_ONLY","GROUP_OWNER"]}`,
				create: func(d string) (any, error) {
					return got(s.MongoDBCloudUsersApi.AddGroupUsers(s.ctx, s.prod, to[admin.GroupUserRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.MongoDBCloudUsersApi.GetGroupUser(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) { return got(s.MongoDBCloudUsersApi.ListGroupUsers(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) { // roles are added one by one
					var last any
					for _, role := range part[admin.GroupUserRequest](s, d).Roles {
						user, err := got(s.MongoDBCloudUsersApi.AddGroupUserRole(s.ctx, s.prod, id, admin.NewAddOrRemoveGroupRole(role)).Execute())
						if err != nil {
							return nil, err
						}
						last = user
					}
					return last, nil
				},
				remove: func(id string) error {
					return done(s.MongoDBCloudUsersApi.RemoveGroupUser(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"invitation to the organisation", "INVALID_INVITATION_ID", func(s *site) life {
			return life{
				want:  `{"username":"new@example.com","roles":["ORG_MEMBER"],"teamIds":["` + payments + `"],"groupRoleAssignments":[{"groupId":"<prod>","roles":["GROUP_READ_ONLY"]}]}`,
				shown: `{"username":"new@example.com","roles":["ORG_MEMBER"],"teamIds":["` + payments + `"],"groupRoleAssignments":[{"groupId":"<prod>","groupRole":"GROUP_READ_ONLY"}],"orgId":"<org>","orgName":"ExampleCorp"}`,
				then:  `{"roles":["ORG_READ_ONLY"],"teamIds":[]}`, oneWay: true,
				create: func(d string) (any, error) {
					return got(s.OrganizationsApi.CreateOrgInvite(s.ctx, s.org, to[admin.OrganizationInvitationRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.OrganizationsApi.GetOrgInvite(s.ctx, s.org, id).Execute()) },
				list: func() (any, error) { return got(s.OrganizationsApi.ListOrgInvites(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.OrganizationsApi.UpdateOrgInviteById(s.ctx, s.org, id, part[admin.OrganizationInvitationUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.OrganizationsApi.DeleteOrgInvite(s.ctx, s.org, id).Execute()) },
			}
		}},
		{"invitation to a project", "INVALID_INVITATION_ID", func(s *site) life {
			return life{
				want: `{"username":"new@example.com","roles":["GROUP_READ_ONLY"]}`, then: `{"roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`,
				create: func(d string) (any, error) {
					return got(s.ProjectsApi.CreateGroupInvite(s.ctx, s.prod, to[admin.GroupInvitationRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.ProjectsApi.GetGroupInvite(s.ctx, s.prod, id).Execute()) },
				list: func() (any, error) { return got(s.ProjectsApi.ListGroupInvites(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ProjectsApi.UpdateInviteById(s.ctx, s.prod, id, part[admin.GroupInvitationUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.ProjectsApi.DeleteGroupInvite(s.ctx, s.prod, id).Execute()) },
			}
		}},
	}
}
