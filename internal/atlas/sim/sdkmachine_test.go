package sim

import "go.mongodb.org/atlas-sdk/v20250312020/admin"

// aKey, anAccount and projectAccount are what the lives below hang on.
func (s *site) aKey() string {
	s.t.Helper()
	key, _, err := s.ProgrammaticAPIKeysApi.CreateOrgApiKey(s.ctx, s.org, admin.NewCreateAtlasOrganizationApiKey("ci", []string{"ORG_MEMBER"})).Execute()
	if err != nil {
		s.t.Fatal(err)
	}
	return key.GetId()
}

func (s *site) anAccount() string {
	s.t.Helper()
	made, _, err := s.ServiceAccountsApi.CreateOrgServiceAccount(s.ctx, s.org, admin.NewOrgServiceAccountRequest("builds", "ci", []string{"ORG_MEMBER"}, 24)).Execute()
	if err != nil {
		s.t.Fatal(err)
	}
	return made.GetClientId()
}

func (s *site) projectAccount() string {
	s.t.Helper()
	made, _, err := s.ServiceAccountsApi.CreateGroupServiceAccount(s.ctx, s.prod, admin.NewGroupServiceAccountRequest("builds", "ci", []string{"GROUP_OWNER"}, 24)).Execute()
	if err != nil {
		s.t.Fatal(err)
	}
	return made.GetClientId()
}

// machineLives are keys and service accounts. The roles of a key read back with the
// scope of each; a secret's life is sent in hours and read as a date.
func machineLives() []lifeCycle {
	return []lifeCycle{
		{"API key", "API_KEY_NOT_FOUND", func(s *site) life {
			return life{
				oneWay: true,
				want:   `{"desc":"ci","roles":["ORG_MEMBER","ORG_BILLING_READ_ONLY"]}`, then: `{"desc":"ci 2","roles":["ORG_READ_ONLY"]}`,
				shown: `{"desc":"ci","roles":[{"orgId":"<org>","roleName":"ORG_MEMBER"},{"orgId":"<org>","roleName":"ORG_BILLING_READ_ONLY"}]}`,
				after: `{"desc":"ci 2","roles":[{"orgId":"<org>","roleName":"ORG_READ_ONLY"}]}`,
				create: func(d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.CreateOrgApiKey(s.ctx, s.org, to[admin.CreateAtlasOrganizationApiKey](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.GetOrgApiKey(s.ctx, s.org, id).Execute())
				},
				list: func() (any, error) { return got(s.ProgrammaticAPIKeysApi.ListOrgApiKeys(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.UpdateOrgApiKey(s.ctx, s.org, id, part[admin.UpdateAtlasOrganizationApiKey](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ProgrammaticAPIKeysApi.DeleteOrgApiKey(s.ctx, s.org, id).Execute())
				},
			}
		}},
		{"API key of a project", "", func(s *site) life {
			return life{
				oneWay: true,
				want:   `{"desc":"ci","roles":["GROUP_READ_ONLY"]}`, then: `{"desc":"ci 2","roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`,
				shown: `{"desc":"ci","roles":[{"groupId":"<prod>","roleName":"GROUP_READ_ONLY"},{"orgId":"<org>","roleName":"ORG_MEMBER"}]}`,
				after: `{"desc":"ci 2","roles":[{"groupId":"<prod>","roleName":"GROUP_OWNER"},{"groupId":"<prod>","roleName":"GROUP_READ_ONLY"},{"orgId":"<org>","roleName":"ORG_MEMBER"}]}`,
				create: func(d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.CreateGroupApiKey(s.ctx, s.prod, to[admin.CreateAtlasProjectApiKey](s, d)).Execute())
				},
				list: func() (any, error) { return got(s.ProgrammaticAPIKeysApi.ListGroupApiKeys(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.UpdateApiKeyRoles(s.ctx, s.prod, id, part[admin.UpdateAtlasProjectApiKey](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ProgrammaticAPIKeysApi.RemoveGroupApiKey(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"API key lent to a project", "", func(s *site) life {
			key := s.aKey()
			return life{
				oneWay: true,
				want:   `{"roles":["GROUP_READ_ONLY","GROUP_CLUSTER_MANAGER"],"id":"` + key + `"}`,
				shown:  `{"id":"` + key + `","roles":[{"groupId":"<dev>","roleName":"GROUP_READ_ONLY"},{"groupId":"<dev>","roleName":"GROUP_CLUSTER_MANAGER"},{"orgId":"<org>","roleName":"ORG_MEMBER"}]}`,
				create: func(d string) (any, error) {
					return nil, done(s.ProgrammaticAPIKeysApi.AddGroupApiKey(s.ctx, s.dev, key, &[]admin.UserAccessRoleAssignment{*part[admin.UserAccessRoleAssignment](s, d)}).Execute())
				},
				list: func() (any, error) { return got(s.ProgrammaticAPIKeysApi.ListGroupApiKeys(s.ctx, s.dev).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.UpdateApiKeyRoles(s.ctx, s.dev, id, part[admin.UpdateAtlasProjectApiKey](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ProgrammaticAPIKeysApi.RemoveGroupApiKey(s.ctx, s.dev, id).Execute())
				},
			}
		}},
		{"access list entry of a key", "API_KEY_WHITELIST_NOT_FOUND", func(s *site) life {
			key := s.aKey()
			return life{
				want: `{"cidrBlock":"192.0.2.0/24"}`, key: "cidrBlock",
				create: func(d string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.CreateOrgAccessEntry(s.ctx, s.org, key, &[]admin.UserAccessListRequest{*to[admin.UserAccessListRequest](s, d)}).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.ProgrammaticAPIKeysApi.GetOrgAccessEntry(s.ctx, s.org, id, key).Execute())
				},
				list: func() (any, error) {
					return got(s.ProgrammaticAPIKeysApi.ListOrgAccessEntries(s.ctx, s.org, key).Execute())
				},
				remove: func(id string) error {
					return done(s.ProgrammaticAPIKeysApi.DeleteAccessEntry(s.ctx, s.org, key, id).Execute())
				},
			}
		}},
		{"service account", "SERVICE_ACCOUNT_NOT_FOUND", func(s *site) life {
			return life{
				want:   `{"name":"builds","description":"ci","roles":["ORG_MEMBER","ORG_GROUP_CREATOR"],"secretExpiresAfterHours":720}`,
				then:   `{"name":"builds 2","description":"the ci","roles":["ORG_READ_ONLY"]}`,
				hidden: "secretExpiresAfterHours", key: "clientId",
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateOrgServiceAccount(s.ctx, s.org, to[admin.OrgServiceAccountRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.ServiceAccountsApi.GetOrgServiceAccount(s.ctx, s.org, id).Execute())
				},
				list: func() (any, error) { return got(s.ServiceAccountsApi.ListOrgServiceAccounts(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ServiceAccountsApi.UpdateOrgServiceAccount(s.ctx, id, s.org, part[admin.OrgServiceAccountUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteOrgServiceAccount(s.ctx, id, s.org).Execute())
				},
			}
		}},
		{"service account of a project", "SERVICE_ACCOUNT_NOT_FOUND", func(s *site) life {
			return life{
				want:   `{"name":"builds","description":"ci","roles":["GROUP_READ_ONLY"],"secretExpiresAfterHours":24}`,
				then:   `{"name":"builds 2","description":"the ci","roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`,
				hidden: "secretExpiresAfterHours", key: "clientId",
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateGroupServiceAccount(s.ctx, s.prod, to[admin.GroupServiceAccountRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.ServiceAccountsApi.GetGroupServiceAccount(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) {
					return got(s.ServiceAccountsApi.ListGroupServiceAccounts(s.ctx, s.prod).Execute())
				},
				update: func(id, d string) (any, error) {
					return got(s.ServiceAccountsApi.UpdateGroupServiceAccount(s.ctx, id, s.prod, part[admin.GroupServiceAccountUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteGroupServiceAccount(s.ctx, id, s.prod).Execute())
				},
			}
		}},
		{"service account lent to a project", "SERVICE_ACCOUNT_NOT_FOUND", func(s *site) life {
			account := s.anAccount()
			return life{
				want: `{"roles":["GROUP_READ_ONLY"]}`, then: `{"roles":["GROUP_OWNER"]}`, key: "groupId",
				create: func(d string) (any, error) {
					_, err := got(s.ServiceAccountsApi.InviteGroupServiceAccount(s.ctx, account, s.dev, to[admin.GroupServiceAccountRoleAssignment](s, d)).Execute())
					return map[string]string{"groupId": s.dev}, err
				},
				read: func(id string) (any, error) {
					return got(s.ServiceAccountsApi.GetGroupServiceAccount(s.ctx, id, account).Execute())
				},
				list: func() (any, error) {
					return got(s.ServiceAccountsApi.GetServiceAccountGroups(s.ctx, s.org, account).Execute())
				},
				update: func(_, d string) (any, error) {
					return got(s.ServiceAccountsApi.UpdateGroupServiceAccount(s.ctx, account, s.dev, part[admin.GroupServiceAccountUpdateRequest](s, d)).Execute())
				},
				remove: func(string) error {
					return done(s.ServiceAccountsApi.DeleteGroupServiceAccount(s.ctx, account, s.dev).Execute())
				},
			}
		}},
		{"secret of a service account", "", func(s *site) life {
			account := s.anAccount()
			return life{
				want: `{"secretExpiresAfterHours":8}`, shown: `{"createdAt":"2026-08-03T10:00:00Z","expiresAt":"2026-08-03T18:00:00Z"}`,
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateOrgSecret(s.ctx, s.org, account, to[admin.ServiceAccountSecretRequest](s, d)).Execute())
				},
				list: func() (any, error) {
					a, _, err := s.ServiceAccountsApi.GetOrgServiceAccount(s.ctx, s.org, account).Execute()
					return a.GetSecrets(), err
				},
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteOrgSecret(s.ctx, account, id, s.org).Execute())
				},
			}
		}},
		{"secret of a project's service account", "", func(s *site) life {
			account := s.projectAccount()
			return life{
				want: `{"secretExpiresAfterHours":8}`, shown: `{"createdAt":"2026-08-03T10:00:00Z","expiresAt":"2026-08-03T18:00:00Z"}`,
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateGroupSecret(s.ctx, s.prod, account, to[admin.ServiceAccountSecretRequest](s, d)).Execute())
				},
				list: func() (any, error) {
					a, _, err := s.ServiceAccountsApi.GetGroupServiceAccount(s.ctx, s.prod, account).Execute()
					return a.GetSecrets(), err
				},
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteGroupSecret(s.ctx, account, id, s.prod).Execute())
				},
			}
		}},
		{"access list entry of a service account", "", func(s *site) life {
			account := s.anAccount()
			return life{
				want: `{"cidrBlock":"192.0.2.0/24"}`, key: "cidrBlock",
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateOrgAccessList(s.ctx, s.org, account, &[]admin.ServiceAccountIPAccessListEntry{*to[admin.ServiceAccountIPAccessListEntry](s, d)}).Execute())
				},
				list: func() (any, error) {
					return got(s.ServiceAccountsApi.ListOrgAccessList(s.ctx, s.org, account).Execute())
				},
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteOrgAccessEntry(s.ctx, s.org, account, id).Execute())
				},
			}
		}},
		{"access list entry of a project's service account", "", func(s *site) life {
			account := s.projectAccount()
			return life{
				want: `{"ipAddress":"192.0.2.7"}`, key: "ipAddress",
				create: func(d string) (any, error) {
					return got(s.ServiceAccountsApi.CreateAccessList(s.ctx, s.prod, account, &[]admin.ServiceAccountIPAccessListEntry{*to[admin.ServiceAccountIPAccessListEntry](s, d)}).Execute())
				},
				list: func() (any, error) { return got(s.ServiceAccountsApi.ListAccessList(s.ctx, s.prod, account).Execute()) },
				remove: func(id string) error {
					return done(s.ServiceAccountsApi.DeleteGroupAccessEntry(s.ctx, s.prod, account, id).Execute())
				},
			}
		}},
	}
}
