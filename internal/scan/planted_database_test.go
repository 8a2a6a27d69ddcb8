package scan_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// guest is a database user that a planting brings, three hours old, on the main cluster.
// As it stands nothing is wrong with it.
func (p *project) guest(purpose string, roles ...string) access.DatabaseUser {
	return p.dbUser(fmt.Sprintf("guest%d-%s", p.org.next(), purpose), grants(roles...), "main")
}

// lent is a guest of a secrets engine: temporary, of no declared roles.
func (p *project) lent(roles ...string) access.DatabaseUser {
	u := p.dbUser(fmt.Sprintf("v-guest%d", p.org.next()), grants(roles...), "main")
	u.DeleteAfterDate = fleetNow.Add(6 * time.Hour)
	return u
}

// arrives adds the guest, for which the rules are to be found.
func (p *project) arrives(u access.DatabaseUser, rules ...string) {
	p.visitor(u, 3*time.Hour)
	p.wants(u, rules...)
}

func (p *project) wants(u access.DatabaseUser, rules ...string) {
	for _, r := range rules {
		p.want(r, access.KindDatabaseUser, u.Name())
	}
}

// readsEverything is what follows where data is declared sensitive from a role on all of it.
func (p *project) readsEverything(u access.DatabaseUser) {
	if p.prod() {
		p.wants(u, "dbuser/sensitive-reach")
	}
}

func (p *project) customRole(name string, inherits []access.RoleGrant, privileges ...access.Privilege) {
	p.add(ago(4*time.Hour), access.CustomRole{Role: name, Inherits: inherits, Privileges: access.SortPrivileges(privileges)})
}

func notProd(p *project) bool { return !p.prod() }

func databasePlantings() []projectPlanting {
	return slices.Concat(scopePlantings(), expiryPlantings(), adminPlantings(), rolePlantings(), lifePlantings(), customRolePlantings(), signInPlantings())
}

func scopePlantings() []projectPlanting {
	return []projectPlanting{
		{"dbuser/unscoped", "", nil, "unscoped", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			u.Scopes = []access.UserScope{}
			p.arrives(u, "dbuser/unscoped")
		}},
		{"dbuser/unscoped", "where there are not only clusters", func(p *project) bool { return len(p.dark()) == 2 }, "unscoped", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			u.Scopes = []access.UserScope{}
			p.arrives(u, "dbuser/unscoped")
		}},
		{"dbuser/unscoped", "of no known class", notProd, "unscoped unknown", func(p *project) {
			u := p.dbUser(fmt.Sprintf("stranger%d", p.org.next()), grants("read", "shop", ""))
			u.Scopes = []access.UserScope{}
			p.arrives(u, "dbuser/unscoped")
		}},
		{"dbuser/excess-scope", "", dedicatedOnly, "excess scope", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			u.Scopes = onClusters("main", "reports")
			p.arrives(u, "dbuser/excess-scope")
		}},
		{"dbuser/dangling-scope", "", nil, "dangling scope", func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.Scopes = onClusters("main", "torn-down")
			p.visitor(u, 30*time.Hour)
			p.wants(u, "dbuser/dangling-scope")
		}},
		{"dbuser/dangling-scope", "of another type", dedicatedOnly, "dangling scope", func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.Scopes = []access.UserScope{{Name: "main", Type: "STREAM"}, {Name: "main", Type: "CLUSTER"}}
			p.visitor(u, 50*time.Hour)
			p.wants(u, "dbuser/dangling-scope")
		}},
	}
}

func expiryPlantings() []projectPlanting {
	migrates := func(edit func(*project, *access.DatabaseUser)) func(*project) {
		return func(p *project) {
			u := p.guest("migration-9", "readWrite", "shop", "")
			edit(p, &u)
			p.arrives(u, "dbuser/expired-migration-user")
		}
	}
	const uses = "an expired user"
	return []projectPlanting{
		{"dbuser/expired-migration-user", "label", nil, uses, migrates(func(_ *project, u *access.DatabaseUser) {
			u.Labels = access.SortLabels(append(u.Labels, access.Label{Key: "expires", Value: "2026-06-10T10:30:00Z"}))
		})},
		{"dbuser/expired-migration-user", "a day in a label", nil, uses, migrates(func(_ *project, u *access.DatabaseUser) {
			u.Labels = access.SortLabels(append(u.Labels, access.Label{Key: "gatewarden/expires", Value: "2026-06-09"}))
		})},
		{"dbuser/expired-migration-user", "description", nil, uses, migrates(func(_ *project, u *access.DatabaseUser) {
			u.Description = "to the new shop, expires=2026-06-10T09:00:00Z"
		})},
		{"dbuser/expired-migration-user", "deleteAfterDate", nil, uses, migrates(func(_ *project, u *access.DatabaseUser) { u.DeleteAfterDate = ago(time.Hour) })},
		{"dbuser/expired-migration-user", "any temporary user", nil, uses, func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.DeleteAfterDate = ago(2 * time.Hour)
			p.arrives(u, "dbuser/expired-migration-user")
		}},
		{"dbuser/expired-migration-user", "older than its class", nil, uses, func(p *project) {
			u := p.guest("migration-9", "readWrite", "shop", "")
			p.visitor(u, 100*time.Hour)
			p.wants(u, "dbuser/expired-migration-user")
			if p.prod() {
				p.wants(u, "dbuser/temporary-without-expiry")
			}
		}},
		{"dbuser/expired-migration-user", "an event told when it came", notProd, uses, func(p *project) {
			u := p.guest("migration-9", "readWrite", "shop", "")
			p.resident(u, "10.99.0.1")
			p.created[u.Name()] = daysAgo(220)
			p.wants(u, "dbuser/expired-migration-user")
		}},
		{"dbuser/temporary-without-expiry", "migration", inProd, "no expiry", func(p *project) {
			p.arrives(p.guest("migration-9", "readWrite", "shop", ""), "dbuser/temporary-without-expiry")
		}},
		{"dbuser/human-in-prod", "", inProd, "a person", func(p *project) {
			p.arrives(p.dbUser("person-frank", grants("read", "shop", ""), "main"), "dbuser/human-in-prod", "dbuser/temporary-without-expiry")
		}},
	}
}

// adminPlantings are about users with atlasAdmin. Such a user has all other roles, too, and
// whatever is declared sensitive.
func adminPlantings() []projectPlanting {
	admin := func(purpose string, rules ...string) func(*project) {
		return func(p *project) {
			u := p.guest(purpose, "atlasAdmin", "admin", "")
			p.arrives(u, append(rules, "dbuser/atlas-admin-app")...)
			p.readsEverything(u)
		}
	}
	const uses = "an administrator"
	return []projectPlanting{
		{"dbuser/atlas-admin-app", "app", nil, uses, admin("app", "dbuser/excess-role")},
		{"dbuser/atlas-admin-app", "reporting", nil, uses, admin("reporting", "dbuser/excess-role")},
		{"dbuser/atlas-admin-app", "bi_etl", nil, uses, admin("etl", "dbuser/excess-role")},
		{"dbuser/atlas-admin-app", "monitoring", nil, uses, admin("monitor", "dbuser/excess-role")},
		{"dbuser/atlas-admin-app", "automation", nil, uses, admin("runner", "dbuser/excess-role")},
		{"dbuser/atlas-admin-app", "sync past its end", nil, uses, admin("mongosync-old")},
		{"dbuser/atlas-admin-app", "unknown in production", inProd, uses, func(p *project) {
			u := p.dbUser(fmt.Sprintf("stranger%d", p.org.next()), grants("atlasAdmin", "admin", ""), "main")
			p.arrives(u, "dbuser/atlas-admin-app", "dbuser/undeclared", "dbuser/sensitive-reach")
		}},
		{"dbuser/atlas-admin-app", "five roles deep, in a cycle", nil, uses, func(p *project) {
			stem := fmt.Sprintf("deep%d-", p.org.next())
			for i := range 5 {
				in := grants(stem+fmt.Sprint(i+1), "admin", "")
				if i == 4 {
					in = grants("atlasAdmin", "admin", "", stem+"0", "admin", "")
				}
				p.customRole(stem+fmt.Sprint(i), in)
				p.want("role/privileged-inheritance", access.KindCustomRole, stem+fmt.Sprint(i))
			}
			u := p.guest("app", stem+"0", "admin", "")
			p.arrives(u, "dbuser/atlas-admin-app", "dbuser/excess-role")
			p.readsEverything(u)
		}},
		{"dbuser/break-glass-present", "", nil, "break glass", func(p *project) {
			u := p.dbUser(fmt.Sprintf("breakglass-%d", p.org.next()), grants("atlasAdmin", "admin", ""), "main")
			u.DeleteAfterDate = fleetNow.Add(4 * time.Hour)
			p.arrives(u, "dbuser/break-glass-present")
			p.readsEverything(u)
		}},
		{"dbuser/break-glass-used", "", dedicatedOnly, "break glass", func(p *project) {
			u := p.dbUser(fmt.Sprintf("breakglass-%d", p.org.next()), grants("atlasAdmin", "admin", ""), "main")
			u.DeleteAfterDate = fleetNow.Add(4 * time.Hour)
			p.arrives(u, "dbuser/break-glass-present")
			p.readsEverything(u)
			h := access.AccessHistory{Cluster: "main", Database: u.Database, Username: u.Username, Addresses: []string{"10.99.0.1"}, FirstLogin: onDay(0), LastLogin: onDay(0), LastFrom: map[string]time.Time{"10.99.0.1": onDay(0)}}
			p.login(u.Name(), "10.99.0.1", 0)
			p.made(ago(time.Hour), h, "", "")
			p.want("dbuser/break-glass-used", access.KindAccessHistory, h.Name())
		}},
	}
}

// rolePlantings are about what else users hold.
func rolePlantings() []projectPlanting {
	holds := func(purpose string, roles []string, wide bool, rules ...string) func(*project) {
		return func(p *project) {
			u := p.guest(purpose, roles...)
			p.arrives(u, rules...)
			if wide {
				p.readsEverything(u)
			}
		}
	}
	const anywhere, excess = "dbuser/any-database-role", "dbuser/excess-role"
	return []projectPlanting{
		{anywhere, "readAnyDatabase", nil, anywhere, holds("app", []string{"readAnyDatabase", "admin", ""}, true, anywhere, excess)},
		{anywhere, "readWriteAnyDatabase", nil, anywhere, holds("etl", []string{"readWriteAnyDatabase", "admin", ""}, true, anywhere, excess)},
		{anywhere, "enableSharding", nil, anywhere, holds("reporting", []string{"enableSharding", "admin", ""}, false, anywhere, excess)},
		{anywhere, "dbAdminAnyDatabase", nil, anywhere, holds("app", []string{"dbAdminAnyDatabase", "admin", ""}, false, anywhere, excess)},
		{anywhere, "dbAdmin of an app", nil, anywhere, holds("app", []string{"app-writer", "admin", "", "dbAdmin", "shop", ""}, false, anywhere, excess)},
		{anywhere, "by closure", nil, anywhere, func(p *project) {
			role := fmt.Sprintf("wide%d", p.org.next())
			p.customRole(role, grants("readWriteAnyDatabase", "admin", ""))
			p.want("role/privileged-inheritance", access.KindCustomRole, role)
			u := p.guest("app", role, "admin", "")
			p.arrives(u, anywhere, excess)
			p.readsEverything(u)
		}},
		{excess, "", nil, excess, holds("reporting", []string{"read", "reporting", "sales", "read", "shop", ""}, false, excess)},
		{"dbuser/sensitive-reach", "not listed", inProd, "sensitive", func(p *project) {
			p.arrives(p.lent("read", "reporting", "customer_pii"), "dbuser/sensitive-reach")
		}},
		{"dbuser/sensitive-reach", "by a role on the database", inProd, "sensitive", holds("reporting", []string{"read", "reporting", ""}, false, "dbuser/sensitive-reach", excess)},
		{"dbuser/sensitive-reach", "by a custom role", inProd, "sensitive", func(p *project) {
			role := fmt.Sprintf("curious%d", p.org.next())
			p.customRole(role, nil, access.Privilege{Action: "FIND", Database: "reporting", Collection: "customer_pii"})
			p.arrives(p.lent(role, "admin", ""), "dbuser/sensitive-reach")
		}},
		{"dbuser/narrow-role-defeated", "", nil, "narrow", func(p *project) {
			p.arrives(p.lent("readWrite", "shop", "", "read", "shop", "orders"), "dbuser/narrow-role-defeated")
		}},
		{"dbuser/narrow-role-defeated", "by a custom role", nil, "narrow", func(p *project) {
			p.arrives(p.lent("app-writer", "admin", "", "app-base", "admin", ""), "dbuser/narrow-role-defeated")
		}},
		{"dbuser/automation-with-data", "", nil, "automation", holds("runner", []string{"readWrite", "shop", ""}, false, "dbuser/automation-with-data", excess)},
		{"dbuser/automation-with-data", "by a custom role", nil, "automation", holds("runner", []string{"app-base", "admin", ""}, false, "dbuser/automation-with-data", excess)},
		{"dbuser/without-roles", "", nil, "without roles", func(p *project) { p.arrives(p.lent(), "dbuser/without-roles") }},
		{"dbuser/undeclared", "", inProd, "undeclared", func(p *project) {
			p.arrives(p.dbUser(fmt.Sprintf("stranger%d", p.org.next()), grants("read", "shop", "orders"), "main"), "dbuser/undeclared")
		}},
		{"dbuser/password-in-prod", "", inProd, "password", func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.Auth, u.Database = access.AuthSCRAM, "admin"
			p.arrives(u, "dbuser/password-in-prod")
		}},
		{"dbuser/orphaned", "", nil, "owner", func(p *project) {
			u := p.lent("readWrite", "shop", "")
			u.Labels = []access.Label{{Key: "owner", Value: "Gone@example.com"}}
			p.arrives(u, "dbuser/orphaned")
		}},
	}
}

// lifePlantings are about users who have been there all along.
func lifePlantings() []projectPlanting {
	return []projectPlanting{
		{"dbuser/unused", "never", seen, "unused", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			p.put(u)
			p.rotated(access.KindDatabaseUser, u.Name(), 30)
			p.wants(u, "dbuser/unused")
		}},
		{"dbuser/unused", "not lately", func(p *project) bool { return p.dedicated() && !p.hidden() }, "unused", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			p.resident(u, "10.99.0.1")
			p.history.Users[u.Name()] = access.Use{}
			p.login(u.Name(), "10.99.0.1", 130)
			p.drop(access.KindAccessHistory, "main/"+u.Name())
			p.wants(u, "dbuser/unused")
		}},
		{"dbuser/credential-too-old", "", notProd, "old password", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			p.resident(u, "10.99.0.1")
			delete(p.history.Rotations, "database_user/"+u.Name())
			p.wants(u, "dbuser/credential-too-old")
		}},
		{"dbuser/credential-too-old", "rotated long ago", notProd, "old password", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			p.resident(u, "10.99.0.1")
			p.rotated(access.KindDatabaseUser, u.Name(), 140)
			p.wants(u, "dbuser/credential-too-old")
		}},
		{"dbuser/shared-by-workloads", "", dedicatedOnly, "two workloads", func(p *project) {
			u := p.guest("app", "app-writer", "admin", "")
			network, _ := p.appNetwork()
			p.resident(u, network[:len(network)-3]) // the network's first address
			p.logsIn(u, fmt.Sprintf("34.%s1.0.9", p.third()), 2)
			p.wants(u, "dbuser/shared-by-workloads")
		}},
		{"dbuser/shared-across-environments", "", inProd, "a shared name", sharedName},
	}
}

// sharedName gives a project of production and one below a user of the same name, each with
// a password.
func sharedName(p *project) {
	name := fmt.Sprintf("v-both%d", p.org.next())
	for _, other := range p.org.projects {
		if other.env == "prod" {
			continue
		}
		for _, at := range []*project{p, other} {
			u := at.dbUser(name, grants("readWrite", "shop", ""), "main")
			u.Database, u.Auth, u.DeleteAfterDate = "admin", access.AuthSCRAM, fleetNow.Add(6*time.Hour)
			at.visitor(u, 3*time.Hour)
		}
		p.want("dbuser/password-in-prod", access.KindDatabaseUser, "admin/"+name)
		p.org.want("dbuser/shared-across-environments", access.KindDatabaseUser, "admin/"+name)
		return
	}
	panic("an org with production only")
}

func customRolePlantings() []projectPlanting {
	held := func(rule string, wide bool, inherits []access.RoleGrant, privileges ...access.Privilege) func(*project) {
		return func(p *project) {
			role := fmt.Sprintf("custom%d", p.org.next())
			p.customRole(role, inherits, privileges...)
			u := p.lent(role, "admin", "")
			p.arrives(u)
			if wide {
				p.readsEverything(u)
			}
			p.want(rule, access.KindCustomRole, role)
		}
	}
	return []projectPlanting{
		{"role/dangerous-actions", "", nil, "role/dangerous-actions", held("role/dangerous-actions", false, nil, access.Privilege{Action: "DROP_DATABASE", Database: "shop"})},
		{"role/privileged-inheritance", "", nil, "role/privileged-inheritance", held("role/privileged-inheritance", true, grants("readAnyDatabase", "admin", ""))},
		{"role/any-resource", "the cluster", nil, "role/any-resource", held("role/any-resource", false, nil, access.Privilege{Action: "LIST_DATABASES", Cluster: true})},
		{"role/any-resource", "every database", nil, "role/any-resource", held("role/any-resource", true, nil, access.Privilege{Action: "FIND"})},
		{"role/unused", "", nil, "role/unused", func(p *project) {
			role := fmt.Sprintf("custom%d", p.org.next())
			p.customRole(role, nil, access.Privilege{Action: "FIND", Database: "shop", Collection: "orders"})
			p.want("role/unused", access.KindCustomRole, role)
		}},
	}
}

// signInPlantings are about LDAP and certificates.
func signInPlantings() []projectPlanting {
	const ldap, certificates = "LDAP", "certificates"
	secure := func(p *project) access.DatabaseAuth {
		return access.DatabaseAuth{ProjectID: p.id, Authentication: true, Hostname: "ldap.example.com", Port: 636, BindUsername: "cn=atlas", CAFingerprint: "f"}
	}
	return []projectPlanting{
		{"dbauth/ldap-plain", "port", nil, ldap, func(p *project) {
			a := secure(p)
			a.Port = 389
			p.put(a)
			p.want("dbauth/ldap-plain", access.KindDatabaseAuth, "")
		}},
		{"dbauth/ldap-plain", "no CA", nil, ldap, func(p *project) {
			a := secure(p)
			a.CAFingerprint = ""
			p.put(a)
			p.want("dbauth/ldap-plain", access.KindDatabaseAuth, "")
		}},
		{"dbauth/ldap-plain", "while it was watched", nil, ldap, func(p *project) {
			before, after := secure(p), secure(p)
			after.Port = 389
			p.became(ago(time.Hour), before, after, "USER_SECURITY_SETTINGS_UPDATED", "erin@example.com", "port")
			p.want("dbauth/ldap-plain", access.KindDatabaseAuth, "")
			p.want("dbauth/changed", access.KindDatabaseAuth, "")
		}},
		{"dbauth/changed", "LDAP", nil, ldap, func(p *project) {
			before, after := secure(p), secure(p)
			after.Hostname = "ldap2.example.com"
			p.became(ago(time.Hour), before, after, "USER_SECURITY_SETTINGS_UPDATED", "erin@example.com", "hostname")
			p.want("dbauth/changed", access.KindDatabaseAuth, "")
		}},
		{"dbauth/changed", "CA", nil, certificates, func(p *project) {
			before := p.state(access.KindX509Config, p.id).(access.X509Config)
			after := before
			after.Certificates = []access.Certificate{{Subject: "CN=other ca", Serial: "2", Fingerprint: "g", NotAfter: fleetNow.AddDate(1, 0, 0)}}
			p.became(ago(time.Hour), before, after, "USER_SECURITY_SETTINGS_UPDATED", "erin@example.com", "certificates")
			p.want("dbauth/changed", access.KindX509Config, "")
		}},
		{"dbauth/changed", "revocation list", nil, "the feed of certificates", func(p *project) {
			p.observed(access.KindX509Config, p.id, "CUSTOMER_X509_CRL_UPDATED", "erin@example.com")
			p.want("dbauth/changed", access.KindX509Config, "")
		}},
		{"dbuser/certificate-expiring", "CA", nil, certificates, func(p *project) {
			p.put(access.X509Config{ProjectID: p.id, Certificates: []access.Certificate{{Subject: "CN=ca", Serial: "1", Fingerprint: "f", NotAfter: fleetNow.AddDate(0, 0, 10)}}})
			p.want("dbuser/certificate-expiring", access.KindX509Config, "")
		}},
		{"dbuser/certificate-expiring", "of a user", inProd, "a certificate", func(p *project) {
			c := access.X509Config{ProjectID: p.id, User: p.username("app"), Certificates: []access.Certificate{{Subject: "CN=app", Serial: "1", CreatedAt: daysAgo(80), NotAfter: daysAgo(1)}}}
			p.put(c)
			p.want("dbuser/certificate-expiring", access.KindX509Config, c.Name())
		}},
	}
}
