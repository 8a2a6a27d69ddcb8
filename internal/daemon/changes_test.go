package daemon

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// change is one random change, or a few that belong together.
func (c *chaos) change(n int) {
	p, who := c.project(), c.somebody()
	do := func(method, path string, body any) { c.do(n, who, p, method, path, body) }
	switch x := c.rnd.IntN(100); {
	case x < 17:
		do("POST", "/accessList", []any{c.entry()})
	case x < 30:
		do("DELETE", "/accessList/"+url.PathEscape(c.address()), nil)
	case x < 33:
		do("DELETE", "/accessList/"+url.PathEscape(c.address()), nil)
		do("POST", "/accessList", []any{c.entry()})
	case x < 36:
		c.split(do)
	case x < 44:
		c.openAndClose(do)
	case x < 54:
		do("POST", "/databaseUsers", c.newUser())
	case x < 60:
		do("DELETE", "/databaseUsers/admin/"+c.username(), nil)
	case x < 70:
		do("PATCH", "/databaseUsers/admin/"+c.username(), map[string]any{"roles": c.grants()})
	case x < 76:
		do("PATCH", "/databaseUsers/admin/"+c.username(), map[string]any{"scopes": c.scopes()})
	case x < 80:
		do("PATCH", "/databaseUsers/admin/"+c.username(), c.dates())
	case x < 84:
		c.flip(do)
	case x < 93:
		c.changeRole(do)
	case x < 95:
		do("DELETE", "/customDBRoles/roles/"+c.role(), nil)
	case x < 98:
		do("POST", "/clusters", map[string]any{"name": c.cluster(), "clusterType": "REPLICASET"})
	default:
		do("DELETE", "/clusters/"+c.cluster(), nil)
	}
}

func (c *chaos) somebody() sim.Actor {
	return pick(c.rnd,
		sim.Actor{Username: "rajesh@example.com", RemoteAddress: "9.9.9.20"}, sim.Actor{Username: "alice@example.com", RemoteAddress: "9.9.9.21"},
		sim.Actor{ClientID: "mdb_sa_id_64f000000000000000000b01", RemoteAddress: "9.9.9.10"}, sim.Actor{PublicKey: "legacykey"}, sim.Actor{},
	)
}

// do acts; that Atlas refuses much of it (it exists, it does not) is as in life.
func (c *chaos) do(n int, who sim.Actor, project, method, path string, body any) {
	status, _ := c.atlas.Do(who, method, "/groups/"+c.atlas.ProjectID(project)+path, body)
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.log(n, or(who.Username, or(who.ClientID, or(who.PublicKey, "Atlas"))), project, method+" "+path+" "+string(text), status)
}

// address is one of few, so that the same come and go again and again.
func (c *chaos) address() string {
	rnd := c.rnd
	switch x := rnd.IntN(20); {
	case x < 5:
		return pick(rnd, "0.0.0.0/0", "0.0.0.0/0", "::/0", "2000::/3", "::/1", "::ffff:0:0/96")
	case x < 11:
		return pick(rnd, "0.0.0.0/1", "128.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2", "192.0.0.0/3", "2000::/4", "3000::/4", "2000::/5", "2800::/5", "8000::/1", "::ffff:0:0/97", "::ffff:128.0.0.0/97")
	case x < 14:
		return fmt.Sprintf("%d.0.0.0/4", 16*rnd.IntN(16))
	case x < 15:
		return fmt.Sprintf("%d.0.0.0/8", rnd.IntN(4)*50)
	case x < 17:
		return fmt.Sprintf("8.8.%d.0/24", rnd.IntN(4))
	case x < 18:
		return fmt.Sprintf("2a01:4f8:%d::/48", rnd.IntN(3))
	}
	return fmt.Sprintf("9.9.9.%d", 30+rnd.IntN(4))
}

func (c *chaos) entry() map[string]any { return c.entryOf(c.address()) }

func (c *chaos) entryOf(address string) map[string]any {
	e := map[string]any{"cidrBlock": address, "comment": pick(c.rnd, "", "debugging", "ticket 4711", "expires=2020-01-01T00:00:00Z")}
	if !strings.Contains(address, "/") {
		delete(e, "cidrBlock")
		e["ipAddress"] = address
	}
	if c.rnd.IntN(8) == 0 {
		e["deleteAfterDate"] = time.Now().Add(time.Duration(1+c.rnd.IntN(60)) * time.Minute).UTC().Format(time.RFC3339)
	}
	return e
}

// split opens the world in parts, in one request or one after the other.
func (c *chaos) split(do func(string, string, any)) {
	parts := pick(c.rnd,
		[]string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"}, []string{"2000::/4", "3000::/4"},
		[]string{"2000::/5", "2800::/5"}, []string{"::ffff:0:0/97", "128.0.0.0/1"},
		[]string{"0.0.0.0/4", "16.0.0.0/4", "32.0.0.0/4", "48.0.0.0/4", "64.0.0.0/4", "80.0.0.0/4", "96.0.0.0/4", "112.0.0.0/4", "128.0.0.0/4", "144.0.0.0/4", "160.0.0.0/4", "176.0.0.0/4", "192.0.0.0/4", "208.0.0.0/4"},
	)
	var all []any
	for _, p := range parts {
		all = append(all, c.entryOf(p))
	}
	if c.rnd.IntN(2) == 0 {
		do("POST", "/accessList", all)
		return
	}
	for _, e := range all {
		do("POST", "/accessList", []any{e})
		time.Sleep(time.Duration(c.rnd.IntN(4000)) * time.Millisecond)
	}
}

// openAndClose opens the world for some seconds, once or several times.
func (c *chaos) openAndClose(do func(string, string, any)) {
	world := pick(c.rnd, "0.0.0.0/0", "::/0", "2000::/3", "::/1")
	for range 1 + c.rnd.IntN(2) {
		do("POST", "/accessList", []any{map[string]any{"cidrBlock": world}})
		time.Sleep(time.Duration(c.rnd.IntN(12_000)) * time.Millisecond)
		do("DELETE", "/accessList/"+url.PathEscape(world), nil)
		time.Sleep(time.Duration(c.rnd.IntN(3000)) * time.Millisecond)
	}
}

func (c *chaos) username() string {
	return pick(c.rnd, "shop_app_user", "pay_app_user", "dev_app_user", "some_app_user", "shop_reporting_user", "old_reporting_user",
		"shop_migration_0", "pay_migration_0", "new_migration_1", "new_migration_2", "ops_breakglass_1", "dba_jane", "somebody", "loose_app_user")
}

func (c *chaos) role() string { return pick(c.rnd, "r1", "r2", "r3", "r4", "legacy", "orderReader") }

func (c *chaos) cluster() string { return pick(c.rnd, "orders", "reporting", "ledger", "extra") }

func (c *chaos) grants() []any {
	out := []any{}
	for i, name := range []string{"readWrite", "read", "atlasAdmin", "r1", "r2", "r3", "legacy", "clusterMonitor"} {
		if c.rnd.IntN(5) > 0 || i == 2 && c.rnd.IntN(2) == 0 {
			continue
		}
		db := "admin"
		if i < 2 {
			db = "ecommerce"
		}
		out = append(out, map[string]any{"roleName": name, "databaseName": db})
	}
	if len(out) == 0 && c.rnd.IntN(10) > 0 {
		out = append(out, map[string]any{"roleName": "readWrite", "databaseName": "ecommerce"})
	}
	return out
}

func (c *chaos) scopes() []any {
	if c.rnd.IntN(2) == 0 {
		return []any{}
	}
	return []any{map[string]any{"name": c.cluster(), "type": "CLUSTER"}}
}

func (c *chaos) newUser() map[string]any {
	u := map[string]any{"username": c.username(), "databaseName": "admin", "password": "obviously-fake-1", "roles": c.grants(), "scopes": c.scopes()}
	if c.rnd.IntN(3) == 0 {
		for k, v := range c.dates() {
			u[k] = v
		}
	}
	if c.rnd.IntN(6) == 0 {
		u["deleteAfterDate"] = time.Now().Add(time.Duration(5+c.rnd.IntN(90)) * time.Minute).UTC().Format(time.RFC3339)
	}
	return u
}

// dates are what people and machines write about a user's end.
func (c *chaos) dates() map[string]any {
	soon := time.Now().Add(time.Duration(c.rnd.IntN(240)-60) * time.Minute).UTC().Format(time.RFC3339)
	label := func(k, v string) map[string]any {
		return map[string]any{"labels": []any{map[string]any{"key": k, "value": v}}}
	}
	switch c.rnd.IntN(9) {
	case 0:
		return label("expires", soon)
	case 1:
		return label("gatewarden/expires", soon)
	case 2:
		return label("expires", pick(c.rnd, "2020-01-01", "2099-01-01", "soon"))
	case 3:
		return map[string]any{"labels": []any{}}
	case 4:
		return label("owner", "alice")
	case 5:
		return map[string]any{"description": "ticket 42, expires=" + soon}
	case 6:
		return map[string]any{"description": "expires=" + pick(c.rnd, "tomorrow", "2020-01-01")}
	case 7:
		return map[string]any{"description": "(expires=" + soon + ")"}
	}
	return map[string]any{"description": "nothing to say"}
}

// flip changes a user there and back within seconds, and perhaps there again.
func (c *chaos) flip(do func(string, string, any)) {
	path := "/databaseUsers/admin/" + c.username()
	a, b := map[string]any{"roles": c.grants()}, map[string]any{"roles": []any{map[string]any{"roleName": "atlasAdmin", "databaseName": "admin"}}}
	if c.rnd.IntN(3) == 0 {
		a, b = map[string]any{"scopes": []any{map[string]any{"name": "orders", "type": "CLUSTER"}}}, map[string]any{"scopes": []any{}}
	}
	for i := range 2 + c.rnd.IntN(3) {
		do("PATCH", path, []map[string]any{a, b}[i%2])
		time.Sleep(time.Duration(c.rnd.IntN(4000)) * time.Millisecond)
	}
}

// changeRole makes or changes a custom role; chains and cycles come about by themselves.
func (c *chaos) changeRole(do func(string, string, any)) {
	inherits := []any{}
	for range c.rnd.IntN(3) {
		inherits = append(inherits, map[string]any{"db": "admin", "role": c.role()})
	}
	if c.rnd.IntN(6) == 0 {
		inherits = append(inherits, map[string]any{"db": "admin", "role": "atlasAdmin"})
	}
	name := c.role()
	do("POST", "/customDBRoles/roles", map[string]any{"roleName": name, "actions": []any{}, "inheritedRoles": inherits})
	do("PATCH", "/customDBRoles/roles/"+name, map[string]any{"inheritedRoles": inherits})
}
