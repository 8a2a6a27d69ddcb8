package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const projects = 12

// town is the simulated Atlas behind a socket, and the people who change it.
type town struct {
	atlas    *sim.Atlas
	server   *http.Server
	address  string
	org      string
	projects []string // ids
	rnd      *rand.Rand
	deeds    map[string]int
	refused  []string // what Atlas refused to people, which is a mistake of this program
	made     int      // migration users
}

const worldHead = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_64f000000000000000000a01, secret: test-read-secret, name: gatewarden-read, roles: [ORG_READ_ONLY, "GROUP_DATABASE_ACCESS_ADMIN@*"]}
      - {clientId: mdb_sa_id_64f000000000000000000a02, secret: test-write-secret, name: gatewarden-write, roles: [ORG_READ_ONLY, "GROUP_NETWORK_ACCESS_MANAGER@*", "GROUP_DATABASE_ACCESS_ADMIN@*"]}
    users: [{username: rajesh@example.com, roles: [ORG_OWNER]}]
    projects:
`

const worldProject = `      - name: %s
        clusters: [{name: orders}, {name: stock}]
        accessList: [{cidrBlock: 8.8.8.0/28, comment: application}, {ipAddress: 9.9.9.10, comment: CI}]
        databaseUsers:
          - {username: shop_app_user, databaseName: admin, roles: [{roleName: readWrite, databaseName: ecommerce}], scopes: [{name: orders, type: CLUSTER}]}
          - {username: stock_app_user, databaseName: admin, roles: [{roleName: readWrite, databaseName: ecommerce}], scopes: [{name: stock, type: CLUSTER}]}
`

// secrets are the credentials of the daemons.
func (*town) secrets() []string {
	return []string{
		"GW_CHAOS_READ_ID=mdb_sa_id_64f000000000000000000a01", "GW_CHAOS_READ_SECRET=test-read-secret",
		"GW_CHAOS_WRITE_ID=mdb_sa_id_64f000000000000000000a02", "GW_CHAOS_WRITE_SECRET=test-write-secret",
	}
}

func newTown(seed uint64) (*town, error) {
	text, names := worldHead, []string{}
	for i := range projects {
		name := fmt.Sprintf("shop%d-prod", i+1)
		if i%3 == 2 {
			name = fmt.Sprintf("shop%d-ask", i+1)
		}
		names = append(names, name)
		text += fmt.Sprintf(worldProject, name)
	}
	w, err := sim.ParseWorld("world.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	t := &town{rnd: rand.New(rand.NewPCG(seed, 2)), deeds: map[string]int{}}
	if t.atlas, err = sim.New(sim.Options{World: w, Seed: seed}); err != nil {
		return nil, err
	}
	for _, set := range []string{"groupEvents_group", "orgEvents_organization", "accessList_group", "inspection_user", "groups_user"} {
		t.atlas.SetRateLimit(set, 1_000_000, 1_000_000) // a feed is read once a second, and by every new process
	}
	t.org = t.atlas.OrgID("ExampleCorp")
	for _, name := range names {
		t.projects = append(t.projects, t.atlas.ProjectID(name))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.address = l.Addr().String()
	t.server = &http.Server{Handler: t.atlas, ReadHeaderTimeout: time.Minute}
	go func() { _ = t.server.Serve(l) }() // it ends by close
	return t, nil
}

func (t *town) close() { _ = t.server.Close() }

// misbehave has Atlas answer one request in twenty badly, and tell late and out of order.
func (t *town) misbehave(on bool) {
	t.atlas.SetDisorder(on)
	if !on {
		t.atlas.SetFaults()
		t.atlas.SetVisibility(0)
		t.atlas.SetLate(0, 0)
		return
	}
	t.atlas.SetVisibility(200 * time.Millisecond)
	t.atlas.SetLate(0.1, 2*time.Second)
	const each, wait = 0.006, 3 * time.Second
	t.atlas.SetFaults(
		sim.Fault{Route: "*", Kind: sim.Fault429, Rate: each, RetryAfter: 1},
		sim.Fault{Route: "*", Kind: sim.Fault500, Rate: each},
		sim.Fault{Route: "*", Kind: sim.Fault503, Rate: each},
		sim.Fault{Route: "*", Kind: sim.FaultTimeout, Rate: each, Delay: wait},
		sim.Fault{Route: "*", Kind: sim.FaultCut, Rate: each},
		sim.Fault{Route: "*", Methods: "GET", Kind: sim.FaultEmpty200, Rate: each},
		sim.Fault{Route: "*", Methods: "GET", Kind: sim.FaultShortPage, Rate: each},
		sim.Fault{Route: "*", Methods: "POST,PATCH,DELETE", Kind: sim.FaultApplied500, Rate: 5 * each},
		sim.Fault{Route: "*", Methods: "POST,PATCH,DELETE", Kind: sim.FaultAppliedTimeout, Rate: 5 * each, Delay: wait},
		sim.Fault{Route: "token", Kind: sim.Fault500, Rate: 0.05},
	)
}

// The entries that nobody should add: the world, and its halves.
func worlds() []string { return []string{"0.0.0.0/0", "::/0"} }
func halves() []string { return []string{"0.0.0.0/1", "128.0.0.0/1"} }

// change is one thing that somebody does somewhere.
func (t *town) change() {
	p := t.project(t.projects[t.rnd.IntN(len(t.projects))])
	user := p.DatabaseUsers[t.rnd.IntN(len(p.DatabaseUsers))]
	switch n := t.rnd.IntN(20); {
	case n < 6:
		t.add(p, "open the world", worlds()[t.rnd.IntN(2)])
	case n < 8:
		t.add(p, "add a half", halves()[t.rnd.IntN(2)])
	case n < 9:
		t.add(p, "open and close at once", "0.0.0.0/0")
		t.remove(p, "0.0.0.0/0")
	case n < 11:
		for _, e := range p.AccessList {
			if slices.Contains(append(worlds(), halves()...), e.CIDRBlock) {
				t.remove(p, e.CIDRBlock)
			}
		}
	case n < 17 && strings.HasSuffix(user.Username, "_app_user"):
		t.appUser(p, user)
	case n < 17:
		if len(user.Roles) == 0 || t.rnd.IntN(4) == 0 {
			t.do("remove a migration user", "DELETE", "/groups/"+p.ID+"/databaseUsers/admin/"+user.Username, nil)
		}
	default:
		t.made++
		ends := time.Now().Add(time.Duration(1+t.rnd.IntN(6)) * time.Second)
		t.do("make a migration user", "POST", "/groups/"+p.ID+"/databaseUsers", map[string]any{
			"username": fmt.Sprintf("shop_migration_%d", t.made), "databaseName": "admin", "password": "not-a-real-one-1",
			"roles":  []any{map[string]any{"roleName": "readWrite", "databaseName": "ecommerce"}},
			"scopes": []any{map[string]any{"name": "orders", "type": "CLUSTER"}},
			"labels": []any{map[string]any{"key": "expires", "value": ends.UTC().Format(time.RFC3339)}},
		})
	}
}

// appUser makes an application's user worse or better.
func (t *town) appUser(p sim.Project, u sim.DatabaseUser) {
	patch := func(what string, body map[string]any) {
		t.do(what, "PATCH", "/groups/"+p.ID+"/databaseUsers/admin/"+u.Username, body)
	}
	switch t.rnd.IntN(5) {
	case 0, 1:
		patch("unscope a user", map[string]any{"scopes": []any{}})
	case 2, 3:
		roles := slices.DeleteFunc(slices.Clone(u.Roles), func(r sim.Role) bool { return r.RoleName == "atlasAdmin" })
		patch("make a user admin", map[string]any{"roles": append(roles, sim.Role{RoleName: "atlasAdmin", DatabaseName: "admin"})})
	default:
		patch("put a user right by hand", map[string]any{
			"scopes": []any{map[string]any{"name": "orders", "type": "CLUSTER"}}, "roles": []any{map[string]any{"roleName": "readWrite", "databaseName": "ecommerce"}},
		})
	}
}

func (t *town) add(p sim.Project, what, cidr string) {
	t.do(what, "POST", "/groups/"+p.ID+"/accessList", []any{map[string]any{"cidrBlock": cidr, "comment": "debugging"}})
}

func (t *town) remove(p sim.Project, cidr string) {
	t.do("remove an entry by hand", "DELETE", "/groups/"+p.ID+"/accessList/"+strings.ReplaceAll(cidr, "/", "%2F"), nil)
}

// do acts, through the back door. What is not there any more may be refused: a daemon was faster.
func (t *town) do(what, method, path string, body any) {
	t.deeds[what]++
	status, answer := t.atlas.Do(sim.Actor{Username: "rajesh@example.com", RemoteAddress: "198.51.100.7"}, method, path, body)
	if status >= 300 && status != http.StatusNotFound {
		t.refused = append(t.refused, fmt.Sprintf("%s: %s %s: %d %s", what, method, path, status, answer))
	}
}

func (t *town) project(id string) sim.Project {
	for _, p := range t.atlas.Snapshot().Orgs[0].Projects {
		if p.ID == id {
			return p
		}
	}
	return sim.Project{}
}

// subject is what a finding is about.
type subject struct{ rule, project, name string }

// standing is what is wrong in Atlas now, by a reading of the rule book that shares nothing with the engine.
func (t *town) standing() map[subject]bool {
	out := map[subject]bool{}
	for _, p := range t.atlas.Snapshot().Orgs[0].Projects {
		there := map[string]bool{}
		for _, e := range p.AccessList {
			there[e.CIDRBlock] = true
		}
		for _, w := range worlds() {
			if there[w] {
				out[subject{"network/open-to-world", p.ID, w}] = true
			}
		}
		if there[halves()[0]] && there[halves()[1]] {
			out[subject{"network/open-to-world", p.ID, p.ID}] = true
		}
		for _, u := range p.DatabaseUsers {
			for _, rule := range userWrongs(u, time.Now()) {
				out[subject{rule, p.ID, "admin/" + u.Username}] = true
			}
		}
	}
	return out
}

// userWrongs names the rules that a user violates.
func userWrongs(u sim.DatabaseUser, now time.Time) (rules []string) {
	if len(u.Scopes) == 0 {
		rules = append(rules, "dbuser/unscoped")
	}
	if slices.ContainsFunc(u.Roles, func(r sim.Role) bool { return r.RoleName == "atlasAdmin" }) {
		rules = append(rules, "dbuser/atlas-admin-app")
	}
	for _, l := range u.Labels {
		if at, err := time.Parse(time.RFC3339, l.Value); err == nil && l.Key == "expires" && at.Before(now) && len(u.Roles) > 0 {
			rules = append(rules, "dbuser/expired-migration-user")
		}
	}
	return rules
}
