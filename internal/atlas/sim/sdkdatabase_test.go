package sim

import (
	"encoding/json"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// databaseUserLife is the life of one user, whose path is by database and name.
func databaseUserLife(db, want, then string) func(s *site) life {
	return func(s *site) life {
		return life{
			want: want, then: then, key: "username", hidden: "password", noisy: true,
			create: func(d string) (any, error) {
				return got(s.DatabaseUsersApi.CreateDatabaseUser(s.ctx, s.prod, to[admin.CloudDatabaseUser](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.DatabaseUsersApi.GetDatabaseUser(s.ctx, s.prod, db, id).Execute())
			},
			list: func() (any, error) { return got(s.DatabaseUsersApi.ListDatabaseUsers(s.ctx, s.prod).Execute()) },
			update: func(id, d string) (any, error) {
				return got(s.DatabaseUsersApi.UpdateDatabaseUser(s.ctx, s.prod, db, id, part[admin.CloudDatabaseUser](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.DatabaseUsersApi.DeleteDatabaseUser(s.ctx, s.prod, db, id).Execute())
			},
		}
	}
}

// accessEntryLife is the life of an entry, which is updated by writing it again.
func accessEntryLife(key, want, then string) func(s *site) life {
	return func(s *site) life {
		write := func(d string) (any, error) {
			return got(s.ProjectIPAccessListApi.CreateAccessListEntry(s.ctx, s.prod, &[]admin.NetworkPermissionEntry{*to[admin.NetworkPermissionEntry](s, d)}).Execute())
		}
		return life{
			want: want, then: then, key: key, noisy: true, oneWay: key == "ipAddress", // which comes with the block that it is
			create: write, update: func(_, d string) (any, error) { return write(d) },
			read: func(id string) (any, error) {
				return got(s.ProjectIPAccessListApi.GetAccessListEntry(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) {
				return got(s.ProjectIPAccessListApi.ListAccessListEntries(s.ctx, s.prod).Execute())
			},
			remove: func(id string) error {
				return done(s.ProjectIPAccessListApi.DeleteAccessListEntry(s.ctx, s.prod, id).Execute())
			},
		}
	}
}

// databaseLives are who gets at the data, from where and how.
func databaseLives() []lifeCycle {
	const noEntry, noUser = "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND", "USERNAME_NOT_FOUND"
	return []lifeCycle{
		{"access list block", noEntry, accessEntryLife("cidrBlock", `{"cidrBlock":"198.18.0.0/15","comment":"vpn"}`, `{"cidrBlock":"198.18.0.0/15","comment":"the vpn"}`)},
		{"access list address", noEntry, accessEntryLife("ipAddress", `{"ipAddress":"198.51.100.9","comment":"vpn"}`, `{"ipAddress":"198.51.100.9","comment":"b"}`)},
		{"temporary access list entry", noEntry, accessEntryLife("cidrBlock", `{"cidrBlock":"198.18.0.0/15","comment":"vpn","deleteAfterDate":"2026-08-05T10:00:00Z"}`,
			`{"cidrBlock":"198.18.0.0/15","comment":"vpn","deleteAfterDate":"2026-08-06T10:00:00Z"}`)},
		{"SCRAM user", noUser, databaseUserLife("admin",
			`{"username":"app","databaseName":"admin","groupId":"<prod>","password":"fake-password","description":"the app","labels":[{"key":"owner","value":"web"}],
				"roles":[{"roleName":"readWrite","databaseName":"shop","collectionName":"orders"},{"roleName":"inner","databaseName":"admin"}],"scopes":[{"name":"main","type":"CLUSTER"},{"name":"lake","type":"DATA_LAKE"}]}`,
			`{"username":"app","databaseName":"admin","groupId":"<prod>","description":"an app","labels":[],"roles":[{"roleName":"read","databaseName":"shop"}],"scopes":[]}`)},
		{"temporary user", noUser, databaseUserLife("admin",
			`{"username":"visitor","databaseName":"admin","groupId":"<prod>","password":"fake-password","deleteAfterDate":"2026-08-05T10:00:00Z","roles":[{"roleName":"read","databaseName":"shop"}]}`,
			`{"username":"visitor","databaseName":"admin","groupId":"<prod>","deleteAfterDate":"2026-08-06T10:00:00Z","roles":[{"roleName":"read","databaseName":"shop"}]}`)},
		{"managed X.509 user", noUser, databaseUserLife("$external",
			`{"username":"batch","databaseName":"$external","groupId":"<prod>","x509Type":"MANAGED","awsIAMType":"NONE","ldapAuthType":"NONE","oidcAuthType":"NONE","roles":[{"roleName":"read","databaseName":"shop"}]}`,
			`{"username":"batch","databaseName":"$external","groupId":"<prod>","x509Type":"MANAGED","roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`)},
		{"X.509 user", noUser, databaseUserLife("$external",
			`{"username":"CN=batch,OU=shop,O=Example","databaseName":"$external","groupId":"<prod>","x509Type":"CUSTOMER","roles":[{"roleName":"read","databaseName":"shop"}]}`, "")},
		{"AWS IAM user", noUser, databaseUserLife("$external",
			`{"username":"arn:aws:iam::123456789012:role/batch","databaseName":"$external","groupId":"<prod>","awsIAMType":"ROLE","roles":[{"roleName":"read","databaseName":"shop"}]}`,
			`{"username":"arn:aws:iam::123456789012:role/batch","databaseName":"$external","groupId":"<prod>","awsIAMType":"ROLE","roles":[{"roleName":"read","databaseName":"sales"}]}`)},
		{"LDAP user", noUser, databaseUserLife("$external",
			`{"username":"CN=batch,DC=example,DC=com","databaseName":"$external","groupId":"<prod>","ldapAuthType":"USER","roles":[{"roleName":"read","databaseName":"shop"}]}`, "")},
		{"OIDC group", noUser, databaseUserLife("admin",
			`{"username":"0123456789abcdef01234567/devs","databaseName":"admin","groupId":"<prod>","oidcAuthType":"IDP_GROUP","roles":[{"roleName":"read","databaseName":"shop"}]}`,
			`{"username":"0123456789abcdef01234567/devs","databaseName":"admin","groupId":"<prod>","oidcAuthType":"IDP_GROUP","roles":[{"roleName":"dbAdmin","databaseName":"shop"}]}`)},
		{"OIDC workload", noUser, databaseUserLife("$external",
			`{"username":"0123456789abcdef01234567/ci","databaseName":"$external","groupId":"<prod>","oidcAuthType":"USER","roles":[{"roleName":"read","databaseName":"shop"}]}`, "")},
		{"custom role", "ATLAS_CUSTOM_ROLE_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"roleName":"clerk","actions":[{"action":"FIND","resources":[{"db":"shop","collection":"orders"},{"db":"shop","collection":"carts"}]},{"action":"SERVER_STATUS","resources":[{"cluster":true}]}],
					"inheritedRoles":[{"db":"admin","role":"inner"},{"db":"shop","role":"read"}]}`,
				then: `{"actions":[{"action":"INSERT","resources":[{"db":"shop","collection":""}]}],"inheritedRoles":[]}`, key: "roleName", noisy: true,
				create: func(d string) (any, error) {
					return got(s.CustomDatabaseRolesApi.CreateCustomDbRole(s.ctx, s.prod, to[admin.UserCustomDBRole](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.CustomDatabaseRolesApi.GetCustomDbRole(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) { return got(s.CustomDatabaseRolesApi.ListCustomDbRoles(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.CustomDatabaseRolesApi.UpdateCustomDbRole(s.ctx, s.prod, id, part[admin.UpdateCustomDBRole](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.CustomDatabaseRolesApi.DeleteCustomDbRole(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"certificate", "", func(s *site) life {
			return life{ // ends with its user only
				want: `{"monthsUntilExpiration":6}`, shown: `{"groupId":"<prod>","subject":"CN=service","notAfter":"2027-02-03T10:00:00Z"}`, key: "subject",
				create: func(d string) (any, error) {
					_, err := got(s.X509AuthenticationApi.CreateDatabaseUserCert(s.ctx, s.prod, "service", to[admin.UserCert](s, d)).Execute())
					return map[string]string{"subject": "CN=service"}, err
				},
				list: func() (any, error) {
					return got(s.X509AuthenticationApi.ListDatabaseUserCerts(s.ctx, s.prod, "service").Execute())
				},
			}
		}},
		{"user security", "", func(s *site) life {
			cas, err := json.Marshal(authority(s.t, "ca", epoch.AddDate(1, 0, 0), false))
			if err != nil {
				s.t.Fatal(err)
			}
			return life{
				want: `{"customerX509":{"cas":` + string(cas) + `},"ldap":{"authenticationEnabled":true,"authorizationEnabled":true,"authzQueryTemplate":"{USER}?memberOf?sub","bindPassword":"fake-password",
					"bindUsername":"CN=a,DC=b","caCertificate":` + string(cas) + `,"hostname":"ldap.example.com","port":389,"userToDNMapping":[{"match":"(.+)@EXAMPLE","ldapQuery":"DC=b??sub?(mail={0})"},{"match":"(.+)","substitution":"CN={0},DC=b"}]}}`,
				then:   `{"ldap":{"authorizationEnabled":false,"port":636}}`,
				hidden: "bindPassword",
				read:   func(string) (any, error) { return got(s.LDAPConfigurationApi.GetUserSecurity(s.ctx, s.prod).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.LDAPConfigurationApi.UpdateUserSecurity(s.ctx, s.prod, part[admin.UserSecurity](s, d)).Execute())
				},
			}
		}},
		{"LDAP verification", "", func(s *site) life {
			return life{
				want:   `{"bindPassword":"fake-password","bindUsername":"CN=a,DC=b","hostname":"ldap.example.com","port":636}`,
				shown:  `{"request":{"bindUsername":"CN=a,DC=b","hostname":"ldap.example.com","port":636},"status":"SUCCESS","groupId":"<prod>"}`,
				hidden: "bindPassword", key: "requestId",
				create: func(d string) (any, error) {
					return got(s.LDAPConfigurationApi.VerifyUserSecurityLdap(s.ctx, s.prod, to[admin.LDAPVerifyConnectivityJobRequestParams](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.LDAPConfigurationApi.GetUserSecurityVerify(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"auditing", "", func(s *site) life {
			return life{
				want: `{"enabled":true,"auditAuthorizationSuccess":true,"auditFilter":"{\"atype\":\"authenticate\"}"}`, then: `{"enabled":false,"auditAuthorizationSuccess":false,"auditFilter":"{\"atype\":\"dropDatabase\"}"}`,
				read: func(string) (any, error) { return got(s.AuditingApi.GetGroupAuditLog(s.ctx, s.prod).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.AuditingApi.UpdateAuditLog(s.ctx, s.prod, part[admin.AuditLog](s, d)).Execute())
				},
			}
		}},
	}
}
