package scan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Styles of projects: how clients reach their clusters.
const (
	byEndpoint = "endpoint" // a private endpoint; in production nothing public beside it
	byPeering  = "peering"  // a peering, and public entries
	byFlex     = "flex"     // a flex cluster, and public entries
)

// orgsOfFleet is how many orgs share the projects of a fleet.
const orgsOfFleet = 10

// newFleet makes a fleet in which nothing is wrong.
func newFleet(projects int, seed uint64) *fleet {
	f := &fleet{want: expected{}, planted: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 1))}
	for n := range orgsOfFleet {
		o := newOrg(f, n, (projects+n)/orgsOfFleet)
		o.calm()
		for _, p := range o.projects {
			p.calm()
		}
		f.orgs = append(f.orgs, o)
	}
	return f
}

func newProject(o *org, n int) *project {
	env := []string{"prod", "staging", "dev"}[n%3]
	if n%6 == 3 && o.n%2 == 0 {
		env = "prod-eu"
	}
	id := hex24(0xe000, o.n, n)
	p := &project{place: newPlace(access.ProjectScope(id)), org: o, n: n, id: id, product: fmt.Sprintf("product%02d", n/3), env: env, busy: map[string]bool{}}
	r := o.fleet.rng
	switch {
	case env == "dev" && r.IntN(3) > 0:
		p.style = byFlex
	case r.IntN(2) == 0:
		p.style = byEndpoint
	default:
		p.style = byPeering
	}
	project := access.Project{ID: id, OrgID: o.id, Title: p.title()}
	if r.IntN(2) == 0 {
		project.Tags = []access.Label{{Key: "env", Value: env}}
	}
	p.put(project, access.ProjectSettings{ProjectID: id, DataExplorer: env != "prod", CollectStatistics: true})
	p.clusters()
	p.paths()
	p.databaseUsers(r)
	p.accessList(r)
	p.watch()
	if env == "prod-eu" { // whom the matrix lets
		p.observed(access.KindProject, "shop.orders", "DATA_EXPLORER", "erin@example.com")
	}
	for _, row := range fleetMatrix() {
		if roles := row.Roles[env]; len(roles) > 0 {
			p.put(access.TeamGrant{Team: teamID(o, row.Team), Roles: access.SortNames(roles)})
		}
	}
	return p
}

func (p *project) dedicated() bool { return p.style != byFlex }

func (p *project) clusters() {
	tags := []access.Label{{Key: "env", Value: p.env}}
	if !p.dedicated() {
		p.put(access.FlexCluster{ID: hex24(11, p.org.n, p.n), Cluster: "main"})
		return
	}
	p.history.Logins = []access.Span{{From: fleetBegan, Until: ago(2 * time.Hour)}}
	p.put(
		access.Cluster{ID: hex24(12, p.org.n, p.n), Cluster: "main", Type: "REPLICASET", Tier: access.TierDedicated, Tags: tags},
		access.Cluster{ID: hex24(13, p.org.n, p.n), Cluster: "reports", Type: "REPLICASET", Tier: access.TierDedicated, Tags: tags},
	)
	switch p.n % 7 {
	case 3:
		p.put(access.FederatedDatabase{Instance: "lake"}, access.StreamWorkspace{ID: hex24(14, p.org.n, p.n), Workspace: "flow"})
	case 4:
		p.put(access.FlexCluster{ID: hex24(11, p.org.n, p.n), Cluster: "small"})
	}
}

// dark are the scopes of a user where no history of logins is kept, beside dedicated clusters.
func (p *project) dark() []access.UserScope {
	switch {
	case !p.dedicated():
	case p.n%7 == 3:
		return []access.UserScope{{Name: "lake", Type: "DATA_LAKE"}, {Name: "flow", Type: "STREAM"}}
	case p.n%7 == 4:
		return []access.UserScope{{Name: "small", Type: "CLUSTER"}}
	}
	return nil
}

// hidden says that somebody may log in where no history of it is kept.
func (p *project) hidden() bool { return !p.dedicated() || len(p.dark()) > 0 }

// paths are the private ways in.
func (p *project) paths() {
	switch p.style {
	case byEndpoint:
		p.put(access.PrivateEndpoint{Provider: "AWS", ID: hex24(15, p.org.n, p.n), For: access.EndpointClusters, Region: "us-east-1", Status: "AVAILABLE", Endpoints: []string{ourVPCE}})
	case byPeering:
		p.put(access.Peering{Provider: "AWS", ID: hex24(16, p.org.n, p.n), Account: peerOwner, Network: peerVPC, Region: "us-east-1", Status: "AVAILABLE"})
	}
}

// third is the digit of the environment in its addresses.
func (p *project) third() string {
	return map[string]string{"prod": "1", "prod-eu": "1", "staging": "2", "dev": "3"}[p.env]
}

// appNetwork is the network of the project's application on the internet, and an address in it.
func (p *project) appNetwork() (network, address string) {
	stem := fmt.Sprintf("34.%s0.%d.", p.third(), p.n%16)
	return fmt.Sprintf("%s%d/28", stem, 16*(p.n/16)), fmt.Sprintf("%s%d", stem, 16*(p.n/16)+3)
}

func (p *project) privateNetwork() (network, address string) {
	return fmt.Sprintf("10.%s0.%d.0/28", p.third(), p.n), fmt.Sprintf("10.%s0.%d.3", p.third(), p.n)
}

// public says that the access list has public entries.
func (p *project) public() bool { return !p.prod() || p.style != byEndpoint }

func (p *project) documented() string { return "SHOP-" + fmt.Sprint(100+p.n) + " owner=backend" }

func (p *project) accessList(r *rand.Rand) {
	private, _ := p.privateNetwork()
	p.allow(private)
	if !p.public() {
		return
	}
	app, _ := p.appNetwork()
	p.allow(app)
	vpn := fmt.Sprintf("34.%s2.0.%d/32", p.third(), p.n)
	p.allow(vpn)
	p.login(p.user("reporting"), strings.TrimSuffix(vpn, "/32"), 3)
	if r.IntN(2) == 0 {
		p.allow("34.50.0.1/32") // declared shared: in all environments
		p.login(p.user("monitor"), "34.50.0.1", 1)
	}
}

// allow puts a declared entry on the list. Where entries must be temporary, it is.
func (p *project) allow(cidr string) {
	e := access.IPAccessEntry{Entry: cidr, Comment: p.documented()}
	if p.env == "dev" {
		e.DeleteAfterDate = fleetNow.AddDate(0, 0, 3)
		p.add(daysAgo(1), e)
		return
	}
	p.put(e)
}

// user is the canonical name of the project's user for a purpose.
func (p *project) user(purpose string) string { return p.database() + "/" + p.username(purpose) }

func (p *project) username(purpose string) string { return p.title() + "-" + purpose }

func (p *project) database() string {
	if p.prod() {
		return "$external"
	}
	return "admin"
}

// dbUser is a database user as the environment wants it: with a certificate in production,
// else with a password.
func (p *project) dbUser(username string, roles []access.RoleGrant, scopes ...string) access.DatabaseUser {
	u := access.DatabaseUser{
		Database: p.database(), Username: username, Auth: access.AuthSCRAM, Roles: access.SortGrants(roles), Scopes: onClusters(scopes...),
		Labels: []access.Label{{Key: "owner", Value: "carol@example.com"}},
	}
	if p.prod() {
		u.Auth = access.AuthX509Managed
	}
	return u
}

func (p *project) reports() string {
	if p.dedicated() {
		return "reports"
	}
	return "main"
}

// resident puts a user who has been there all along and logs in from an address.
func (p *project) resident(u access.DatabaseUser, from string) {
	p.put(u)
	p.logsIn(u, from, 1)
	if u.Auth == access.AuthSCRAM {
		p.rotated(access.KindDatabaseUser, u.Name(), 20)
	}
}

// logsIn is a login that our own history and Atlas's know of.
func (p *project) logsIn(u access.DatabaseUser, from string, day int) {
	if !p.dedicated() {
		return
	}
	p.login(u.Name(), from, day)
	if day > 7 {
		return // Atlas keeps a week
	}
	cluster := "main"
	if len(u.Scopes) > 0 {
		cluster = u.Scopes[0].Name
	}
	h, _ := p.state(access.KindAccessHistory, cluster+"/"+u.Name()).(access.AccessHistory)
	h.Cluster, h.Database, h.Username = cluster, u.Database, u.Username
	h.Addresses = access.SortNames(append(h.Addresses, from))
	h.FirstLogin, h.LastLogin = onDay(6), onDay(day)
	seen := map[string]time.Time{from: onDay(day)}
	for a, at := range h.LastFrom {
		seen[a] = at
	}
	h.LastFrom = seen
	p.put(h)
}

func (p *project) databaseUsers(r *rand.Rand) {
	_, address := p.appNetwork()
	if !p.public() {
		_, address = p.privateNetwork()
	}
	p.put(
		access.CustomRole{Role: "app-base", Privileges: []access.Privilege{{Action: "FIND", Database: "shop", Collection: "orders"}}},
		access.CustomRole{Role: "app-writer", Inherits: grants("app-base", "admin", ""), Privileges: []access.Privilege{{Action: "INSERT", Database: "shop", Collection: "orders"}, {Action: "UPDATE", Database: "shop", Collection: "orders"}}},
	)
	p.resident(p.dbUser(p.username("app"), grants("app-writer", "admin", ""), "main"), address)
	p.resident(p.dbUser(p.username("reporting"), grants("read", "reporting", "sales", "read", "reporting", "customer_pii"), p.reports()), address)
	p.resident(p.dbUser(p.username("etl"), grants("read", "shop", "orders", "readWrite", "reporting", "sales"), access.SortNames([]string{"main", p.reports()})...), address)
	p.resident(p.dbUser(p.username("monitor"), grants("clusterMonitor", "admin", ""), "main"), address)
	if dark := p.dark(); dark != nil { // nobody saw it log in, and nobody could have
		u := p.dbUser(p.username("dark-reporting"), grants("read", "reporting", "sales"))
		u.Scopes = access.SortScopes(append(dark, onClusters("main")...))
		p.put(u)
		p.rotated(access.KindDatabaseUser, u.Name(), 20)
		p.allow(fmt.Sprintf("10.%s0.201.0/28", p.third()))
	}
	_, inside := p.privateNetwork()
	p.logsIn(p.dbUser(p.username("app"), nil, "main"), inside, 1) // a private network is no workload of its own
	if p.dedicated() && !p.public() {
		return
	}
	p.visitors(r, address)
}

// visitors are users that not every project has.
func (p *project) visitors(r *rand.Rand, address string) {
	if r.IntN(2) == 0 {
		p.put(access.CustomRole{Role: "deployer", Privileges: []access.Privilege{{Action: "CREATE_INDEX", Database: "shop", Collection: "orders"}}})
		p.resident(p.dbUser(p.username("runner"), grants("deployer", "admin", ""), "main"), address)
	}
	if r.IntN(2) == 0 { // a migration that goes on, with its end in a label
		u := p.dbUser(p.username("migration-7"), grants("readWrite", "shop", "", "dbAdmin", "shop", ""), "main")
		u.Labels = access.SortLabels(append(u.Labels, access.Label{Key: "gatewarden/expires", Value: fleetNow.Add(24 * time.Hour).Format(time.RFC3339)}))
		p.visitor(u, 20*time.Hour)
	}
	if r.IntN(2) == 0 { // of a secrets engine
		u := p.dbUser("v-"+p.title()+"-x", grants("readWrite", "shop", ""), "main")
		u.DeleteAfterDate = fleetNow.Add(6 * time.Hour)
		p.visitor(u, 2*time.Hour)
	}
	switch {
	case p.env == "dev":
		p.resident(p.dbUser("person-erin", grants("read", "shop", ""), "main"), address)
		p.put(access.DatabaseUser{Database: "admin", Username: "mms-backup", Auth: access.AuthSCRAM, Roles: grants("atlasAdmin", "admin", ""), Scopes: []access.UserScope{}})
	case p.env == "staging":
		p.resident(labelled(p.dbUser("dba-"+p.product, grants("atlasAdmin", "admin", ""), "main"), "dba"), address)
		p.resident(labelled(p.dbUser(p.username("mongosync"), grants("atlasAdmin", "admin", ""), "main"), "sync"), address)
	}
}

// labelled is a user that says what it is for by more than its name.
func labelled(u access.DatabaseUser, purpose string) access.DatabaseUser {
	u.Labels = access.SortLabels(append(u.Labels, access.Label{Key: "purpose", Value: purpose}))
	return u
}

// visitor adds a user who came while it was watched.
func (p *project) visitor(u access.DatabaseUser, age time.Duration) {
	p.add(ago(age), u)
	p.created[u.Name()] = ago(age)
}

// watch is what watches the project, and its backups.
func (p *project) watch() {
	p.put(
		access.DatabaseAuth{ProjectID: p.id, Port: 636},
		access.Auditing{ProjectID: p.id, Enabled: p.prod(), Filter: `{"atype":{"$in":["authenticate","createUser","dropUser"]}}`},
		access.AlertConfig{ID: hex24(17, p.org.n, p.n), EventType: "NETWORK_PERMISSION_ENTRY_ADDED", Enabled: true, Notifications: []access.Notification{{Type: "WEBHOOK", Integration: hex24(19, p.org.n, p.n)}}},
		access.AlertConfig{ID: hex24(18, p.org.n, p.n), EventType: "OUTSIDE_METRIC_THRESHOLD", Enabled: true, Notifications: []access.Notification{{Type: "EMAIL", Target: "oncall@example.com"}}},
		access.Integration{Type: "WEBHOOK", ID: hex24(19, p.org.n, p.n), Target: ownHook, TargetHash: "h"},
		access.BackupExportBucket{ID: hex24(20, p.org.n, p.n), Provider: "AWS", Bucket: buckets},
		access.X509Config{ProjectID: p.id, Certificates: []access.Certificate{{Subject: "CN=ca", Serial: "1", Fingerprint: "f", NotAfter: fleetNow.AddDate(1, 0, 0)}}},
	)
	if p.n%4 == 0 { // LDAP as it should be
		p.put(access.DatabaseAuth{ProjectID: p.id, Authentication: true, Hostname: "ldap.example.com", Port: 636, BindUsername: "cn=atlas", CAFingerprint: "f"})
	}
	if p.prod() {
		u := p.username("app")
		p.put(access.X509Config{ProjectID: p.id, User: u, Certificates: []access.Certificate{{Subject: "CN=" + u, Serial: "1", CreatedAt: daysAgo(60), NotAfter: fleetNow.AddDate(0, 4, 0)}}})
	}
}
