package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// killTown is the simulated Atlas of a kill run, and the people who change it.
type killTown struct {
	atlas    *sim.Atlas
	projects []string // ids
	rnd      *rand.Rand
	deeds    map[string]int // by what was done
	wrong    []string       // what Atlas refused, which is a mistake of this test
	made     int            // migration users
}

const killConfig = `
atlas:
  base_url: http://ADDRESS
  profile: remediate
  orgs:
    - id: ORG
      read:  {client_id: {env: GW_TEST_READ_ID},  client_secret: {env: GW_TEST_READ_SECRET}}
      write: {client_id: {env: GW_TEST_WRITE_ID}, client_secret: {env: GW_TEST_WRITE_SECRET}}
environments:
  prod: {projects: ["*-prod"]}
identities:
  - {class: app, usernames: ["*_app_user"], roles: [readWrite@ecommerce]}
  - {class: migration, usernames: ["*_migration_*"], max_age: 72h}
responses:
  - {rules: ["network/*", "dbuser/*"], environments: [prod], do: revert}
guards: {settle: {critical: 0s, other: 1s}, caps: {project_hour: 100000, org_hour: 100000}}
dry_run: false
nats: {store: STORE}
schedule: {feed: {active: 1s, idle: 1s}, sweep: {gate: 30s, rest: 60s}, clock: 5s}
audit: {every: 1s, verify: 10s}
`

const killWorld = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_64f000000000000000000a01, secret: test-read-secret, name: gatewarden-read, roles: [ORG_READ_ONLY, "GROUP_DATABASE_ACCESS_ADMIN@*"]}
      - {clientId: mdb_sa_id_64f000000000000000000a02, secret: test-write-secret, name: gatewarden-write, roles: [ORG_READ_ONLY, "GROUP_NETWORK_ACCESS_MANAGER@*", "GROUP_DATABASE_ACCESS_ADMIN@*"]}
    users: [{username: rajesh@example.com, roles: [ORG_OWNER]}]
    projects:
`

const killProject = `
      - name: shop%d-prod
        clusters: [{name: orders}, {name: stock}]
        accessList: [{cidrBlock: 8.8.8.0/28, comment: application}, {ipAddress: 9.9.9.10, comment: CI}]
        databaseUsers:
          - {username: shop_app_user, databaseName: admin, roles: [{roleName: readWrite, databaseName: ecommerce}], scopes: [{name: orders, type: CLUSTER}]}
          - {username: stock_app_user, databaseName: admin, roles: [{roleName: readWrite, databaseName: ecommerce}], scopes: [{name: stock, type: CLUSTER}]}
`

func newKillTown(projects int, seed uint64) (*killTown, error) {
	text := killWorld
	for i := range projects {
		text += fmt.Sprintf(strings.TrimPrefix(killProject, "\n"), i+1)
	}
	w, err := sim.ParseWorld("world.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	k := &killTown{rnd: rand.New(rand.NewPCG(seed, 2)), deeds: map[string]int{}}
	if k.atlas, err = sim.New(sim.Options{World: w, Seed: seed}); err != nil {
		return nil, err
	}
	for _, set := range []string{"groupEvents_group", "orgEvents_organization", "accessList_group", "inspection_user", "groups_user"} {
		k.atlas.SetRateLimit(set, 1_000_000, 1_000_000) // a feed is read once a second, and by every new process
	}
	k.atlas.SetVisibility(200 * time.Millisecond)
	k.atlas.SetLate(0.1, 2*time.Second)
	k.atlas.SetDisorder(true)
	for i := range projects {
		k.projects = append(k.projects, k.atlas.ProjectID(fmt.Sprintf("shop%d-prod", i+1)))
	}
	return k, nil
}

// live has people change things until ctx ends.
func (k *killTown) live(ctx context.Context, wg *sync.WaitGroup) {
	defer wg.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(50+k.rnd.IntN(250)) * time.Millisecond):
			k.deed(k.projects[k.rnd.IntN(len(k.projects))])
		}
	}
}

// killGates are what nobody should add: the world, and its halves.
func killGates() []string {
	return []string{"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1"}
}

// deed is one thing that somebody does in a project.
func (k *killTown) deed(project string) {
	p := k.project(project)
	user := p.DatabaseUsers[k.rnd.IntN(len(p.DatabaseUsers))]
	switch n := k.rnd.IntN(20); {
	case n < 5:
		k.open(p, "open the world", killGates()[k.rnd.IntN(2)])
	case n < 8:
		halves := killGates()[2:]
		k.rnd.Shuffle(2, func(i, j int) { halves[i], halves[j] = halves[j], halves[i] })
		for _, h := range halves[:1+min(1, k.rnd.IntN(4))] {
			k.open(p, "add a half", h)
		}
	case n < 9:
		k.open(p, "open and close at once", "0.0.0.0/0")
		k.shut(p, "0.0.0.0/0")
	case n < 12:
		for _, e := range p.AccessList {
			if slices.Contains(killGates(), e.CIDRBlock) {
				k.shut(p, e.CIDRBlock)
			}
		}
	case n < 17 && strings.HasSuffix(user.Username, "_app_user"):
		k.appUser(project, user)
	case n < 17:
		if len(user.Roles) == 0 || k.rnd.IntN(4) == 0 {
			k.do("remove a migration user", "DELETE", "/groups/"+project+"/databaseUsers/admin/"+user.Username, nil)
		}
	case n < 19:
		k.made++
		k.do("make a migration user", "POST", "/groups/"+project+"/databaseUsers", map[string]any{
			"username": fmt.Sprintf("shop_migration_%d", k.made), "databaseName": "admin", "password": "not-a-real-one-1",
			"roles":  []any{map[string]any{"roleName": "readWrite", "databaseName": "ecommerce"}},
			"scopes": []any{map[string]any{"name": "orders", "type": "CLUSTER"}},
			"labels": []any{map[string]any{"key": "expires", "value": time.Now().Add(time.Duration(1+k.rnd.IntN(6)) * time.Second).UTC().Format(time.RFC3339)}},
		})
	}
}

// appUser makes an application's user worse or better.
func (k *killTown) appUser(project string, u sim.DatabaseUser) {
	patch := func(what string, body map[string]any) {
		k.do(what, "PATCH", "/groups/"+project+"/databaseUsers/admin/"+u.Username, body)
	}
	switch k.rnd.IntN(5) {
	case 0, 1:
		patch("unscope a user", map[string]any{"scopes": []any{}})
	case 2, 3:
		patch("make a user admin", map[string]any{"roles": append(rolesWithout(u, "atlasAdmin"), sim.Role{RoleName: "atlasAdmin", DatabaseName: "admin"})})
	case 4:
		patch("put a user right by hand", map[string]any{
			"scopes": []any{map[string]any{"name": "orders", "type": "CLUSTER"}}, "roles": []any{map[string]any{"roleName": "readWrite", "databaseName": "ecommerce"}},
		})
	}
}

func rolesWithout(u sim.DatabaseUser, role string) []sim.Role {
	return slices.DeleteFunc(slices.Clone(u.Roles), func(r sim.Role) bool { return r.RoleName == role })
}

func (k *killTown) open(p sim.Project, what, cidr string) {
	k.do(what, "POST", "/groups/"+p.ID+"/accessList", []any{map[string]any{"cidrBlock": cidr, "comment": "debugging"}})
}

func (k *killTown) shut(p sim.Project, cidr string) {
	k.do("remove an entry by hand", "DELETE", "/groups/"+p.ID+"/accessList/"+strings.ReplaceAll(cidr, "/", "%2F"), nil)
}

// do acts. What is not there any more may be refused: the daemon was faster.
func (k *killTown) do(what, method, path string, body any) {
	k.deeds[what]++
	status, answer := k.atlas.Do(sim.Actor{Username: "rajesh@example.com", RemoteAddress: "198.51.100.7"}, method, path, body)
	if status >= 300 && status != 404 {
		k.wrong = append(k.wrong, fmt.Sprintf("%s: %s %s: %d %s", what, method, path, status, answer))
	}
}

func (k *killTown) project(id string) sim.Project {
	for _, p := range k.atlas.Snapshot().Orgs[0].Projects {
		if p.ID == id {
			return p
		}
	}
	return sim.Project{}
}

// standing is what is wrong in Atlas now, by a reading of the rule book that shares
// nothing with the engine.
func (k *killTown) standing() map[killSubject]bool {
	out := map[killSubject]bool{}
	for _, p := range k.atlas.Snapshot().Orgs[0].Projects {
		scope := string(access.ProjectScope(p.ID))
		entries := map[string]bool{}
		for _, e := range p.AccessList {
			entries[e.CIDRBlock] = true
		}
		for _, name := range openGates(p.ID, entries) {
			out[killSubject{"network/open-to-world", scope, name}] = true
		}
		for _, u := range p.DatabaseUsers {
			for _, rule := range userWrongs(asSeen(u), time.Now()) {
				out[killSubject{rule, scope, "admin/" + u.Username}] = true
			}
		}
	}
	return out
}

// openGates names what opens a project: entries, or the project for a union.
func openGates(project string, entries map[string]bool) (names []string) {
	for _, world := range killGates()[:2] {
		if entries[world] {
			names = append(names, world)
		}
	}
	if entries[killGates()[2]] && entries[killGates()[3]] {
		names = append(names, project)
	}
	return names
}

func asSeen(u sim.DatabaseUser) seenUser {
	text, err := json.Marshal(u)
	if err != nil {
		panic(err)
	}
	return userIn(string(text))
}

// userWrongs names the rules that a user violates.
func userWrongs(u seenUser, now time.Time) (rules []string) {
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
