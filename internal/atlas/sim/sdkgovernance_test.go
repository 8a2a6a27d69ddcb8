package sim

import "go.mongodb.org/atlas-sdk/v20250312020/admin"

// federation is the id of the estate's federation.
func (s *site) federation() string {
	s.t.Helper()
	found, _, err := s.FederatedAuthenticationApi.GetFederationSettings(s.ctx, s.org).Execute()
	if err != nil {
		s.t.Fatal(err)
	}
	return found.GetId()
}

// oidcProviderLife is the life of a provider made by the API, which makes OIDC ones only.
func oidcProviderLife(want, then string) func(s *site) life {
	return func(s *site) life {
		fed := s.federation()
		return life{
			want: want, then: then,
			create: func(d string) (any, error) {
				return got(s.FederatedAuthenticationApi.CreateIdentityProvider(s.ctx, fed, to[admin.FederationOidcIdentityProviderUpdate](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.FederatedAuthenticationApi.GetIdentityProvider(s.ctx, fed, id).Execute())
			},
			list: func() (any, error) {
				return got(s.FederatedAuthenticationApi.ListIdentityProviders(s.ctx, fed).Protocol([]string{"OIDC"}).IdpType([]string{"WORKFORCE", "WORKLOAD"}).Execute())
			},
			update: func(id, d string) (any, error) {
				return got(s.FederatedAuthenticationApi.UpdateIdentityProvider(s.ctx, fed, id, part[admin.FederationIdentityProviderUpdate](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.FederatedAuthenticationApi.DeleteIdentityProvider(s.ctx, fed, id).Execute())
			},
		}
	}
}

// governanceLives are settings, policies and federation.
func governanceLives() []lifeCycle {
	return []lifeCycle{
		{"settings of the organisation", "", func(s *site) life {
			return life{
				want: `{"apiAccessListRequired":false,"genAIFeaturesEnabled":false,"maxServiceAccountSecretValidityInHours":720,"multiFactorAuthRequired":true,"restrictEmployeeAccess":true,
					"securityContact":"sec@example.com","streamsCrossGroupEnabled":true,"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":7200,"idleSessionTimeoutInSeconds":900}}`,
				then: `{"multiFactorAuthRequired":false,"restrictEmployeeAccess":false,"securityContact":"soc@example.com"}`,
				read: func(string) (any, error) { return got(s.OrganizationsApi.GetOrgSettings(s.ctx, s.org).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.OrganizationsApi.UpdateOrgSettings(s.ctx, s.org, part[admin.OrganizationSettings](s, d)).Execute())
				},
			}
		}},
		{"name of the organisation", "", func(s *site) life {
			return life{
				want: `{"name":"Example Corporation","skipDefaultAlertsSettings":true}`, then: `{"name":"ExampleCorp"}`,
				read: func(string) (any, error) { return got(s.OrganizationsApi.GetOrg(s.ctx, s.org).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.OrganizationsApi.UpdateOrg(s.ctx, s.org, part[admin.AtlasOrganization](s, d)).Execute())
				},
			}
		}},
		{"resource policy", "RESOURCE_POLICY_NOT_FOUND", func(s *site) life {
			const open = `forbid(principal, action == ResourcePolicy::Action::\"project.ipAccessList.modify\", resource) when { context.project.ipAccessList.contains(ip(\"0.0.0.0/0\")) };`
			const cloud = `forbid(principal, action == ResourcePolicy::Action::\"cluster.modify\", resource) unless { context.cluster.cloudProviders == [ResourcePolicy::CloudProvider::\"aws\"] };`
			return life{
				want: `{"name":"no open door","description":"none","policies":[{"body":"` + open + `"}]}`,
				then: `{"name":"closed doors","description":"two","policies":[{"body":"` + open + `"},{"body":"` + cloud + `"}]}`,
				create: func(d string) (any, error) {
					return got(s.ResourcePoliciesApi.CreateOrgResourcePolicy(s.ctx, s.org, to[admin.ApiAtlasResourcePolicyCreate](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.ResourcePoliciesApi.GetOrgResourcePolicy(s.ctx, s.org, id).Execute())
				},
				list: func() (any, error) { return got(s.ResourcePoliciesApi.ListOrgResourcePolicies(s.ctx, s.org).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ResourcePoliciesApi.UpdateOrgResourcePolicy(s.ctx, s.org, id, part[admin.ApiAtlasResourcePolicyEdit](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.ResourcePoliciesApi.DeleteOrgResourcePolicy(s.ctx, s.org, id).Execute())
				},
			}
		}},
		{"OIDC workforce provider", "IDENTITY_PROVIDER_NOT_FOUND", oidcProviderLife(
			`{"protocol":"OIDC","idpType":"WORKFORCE","displayName":"people","description":"staff","issuerUri":"https://idp.example.com/x","audience":"atlas","authorizationType":"GROUP",
				"groupsClaim":"groups","userClaim":"sub","clientId":"client","requestedScopes":["openid","profile"],"associatedDomains":["example.com"]}`,
			`{"protocol":"OIDC","idpType":"WORKFORCE","displayName":"staff","description":"all","issuerUri":"https://idp.example.com/y","audience":"db","authorizationType":"GROUP",
				"groupsClaim":"teams","userClaim":"mail","clientId":"other","requestedScopes":["openid"],"associatedDomains":["example.com"]}`)},
		{"OIDC workload provider", "IDENTITY_PROVIDER_NOT_FOUND", oidcProviderLife(
			`{"protocol":"OIDC","idpType":"WORKLOAD","displayName":"robots","description":"ci","issuerUri":"https://robots.example.com","audience":"atlas","authorizationType":"USER","userClaim":"sub"}`,
			`{"protocol":"OIDC","idpType":"WORKLOAD","displayName":"machines","description":"all","issuerUri":"https://robots.example.com","audience":"db","authorizationType":"GROUP","groupsClaim":"groups","userClaim":"sub"}`)},
		{"SAML provider", "", func(s *site) life {
			fed := s.federation()
			all, _, err := s.FederatedAuthenticationApi.ListIdentityProviders(s.ctx, fed).Execute()
			if err != nil {
				s.t.Fatal(err)
			}
			saml := all.GetResults()[0].GetId()
			return life{
				want: `{"protocol":"SAML","displayName":"saml 2","issuerUri":"urn:saml:2","requestBinding":"HTTP-REDIRECT","responseSignatureAlgorithm":"SHA-256","ssoDebugEnabled":true,"ssoUrl":"https://sso.example.com","status":"INACTIVE","associatedDomains":["example.com"]}`,
				then: `{"protocol":"SAML","displayName":"saml","status":"ACTIVE","associatedDomains":["example.com"]}`,
				read: func(string) (any, error) {
					return got(s.FederatedAuthenticationApi.GetIdentityProvider(s.ctx, fed, saml).Execute())
				},
				update: func(_, d string) (any, error) {
					return got(s.FederatedAuthenticationApi.UpdateIdentityProvider(s.ctx, fed, saml, part[admin.FederationIdentityProviderUpdate](s, d)).Execute())
				},
			}
		}},
		{"federation of an organisation", "", func(s *site) life {
			fed, with := s.federation(), `,"identityProviderId":"`+s.legacyID()+`"}` // without it the organisation is cut off
			return life{
				want: `{"domainRestrictionEnabled":true,"domainAllowList":["example.com"],"dataAccessIdentityProviderIds":["f0f000000000000000000001"],"postAuthRoleGrants":["ORG_MEMBER","ORG_READ_ONLY"],"orgId":"<org>"` + with,
				then: `{"domainRestrictionEnabled":true,"domainAllowList":["example.com","example.org"],"postAuthRoleGrants":["ORG_MEMBER"],"orgId":"<org>"` + with,
				read: func(string) (any, error) {
					return got(s.FederatedAuthenticationApi.GetConnectedOrgConfig(s.ctx, fed, s.org).Execute())
				},
				update: func(_, d string) (any, error) {
					return got(s.FederatedAuthenticationApi.UpdateConnectedOrgConfig(s.ctx, fed, s.org, part[admin.ConnectedOrgConfig](s, d)).Execute())
				},
			}
		}},
		{"role mapping", "ROLE_MAPPING_NOT_FOUND", func(s *site) life {
			fed := s.federation()
			return life{
				want: `{"externalGroupName":"dba","roleAssignments":[{"orgId":"<org>","role":"ORG_MEMBER"},{"groupId":"<prod>","role":"GROUP_DATABASE_ACCESS_ADMIN"}]}`,
				then: `{"externalGroupName":"dba","roleAssignments":[{"orgId":"<org>","role":"ORG_READ_ONLY"}]}`,
				create: func(d string) (any, error) {
					return got(s.FederatedAuthenticationApi.CreateRoleMapping(s.ctx, fed, s.org, to[admin.AuthFederationRoleMapping](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.FederatedAuthenticationApi.GetRoleMapping(s.ctx, fed, id, s.org).Execute())
				},
				list: func() (any, error) {
					return got(s.FederatedAuthenticationApi.ListRoleMappings(s.ctx, fed, s.org).Execute())
				},
				update: func(id, d string) (any, error) {
					return got(s.FederatedAuthenticationApi.UpdateRoleMapping(s.ctx, fed, id, s.org, part[admin.AuthFederationRoleMapping](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.FederatedAuthenticationApi.DeleteRoleMapping(s.ctx, fed, id, s.org).Execute())
				},
			}
		}},
		{"settings of a project", "", func(s *site) life {
			return life{
				want: `{"isCollectDatabaseSpecificsStatisticsEnabled":false,"isDataExplorerEnabled":false,"isExtendedStorageSizesEnabled":true,
					"isPerformanceAdvisorEnabled":false,"isRealtimePerformancePanelEnabled":false,"isSchemaAdvisorEnabled":false}`,
				then: `{"isDataExplorerEnabled":true,"isDataExplorerGenAIFeaturesEnabled":true,"isDataExplorerGenAISampleDocumentPassingEnabled":true,"isSchemaAdvisorEnabled":true}`,
				read: func(string) (any, error) { return got(s.ProjectsApi.GetGroupSettings(s.ctx, s.prod).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.ProjectsApi.UpdateGroupSettings(s.ctx, s.prod, part[admin.GroupSettings](s, d)).Execute())
				},
			}
		}},
		{"limit of a project", "", func(s *site) life {
			const name = "atlas.project.security.networkAccess.entries"
			return life{
				want: `{"name":"` + name + `","value":150}`, then: `{"name":"` + name + `","value":120}`,
				read: func(string) (any, error) { return got(s.ProjectsApi.GetGroupLimit(s.ctx, name, s.prod).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.ProjectsApi.SetGroupLimit(s.ctx, name, s.prod, part[admin.DataFederationLimit](s, d)).Execute())
				},
			}
		}},
	}
}
