package sim

import (
	"fmt"
	"strings"
	"testing"
)

func TestProjectLife(t *testing.T) {
	w := start(t)
	body := fmt.Sprintf(`{"name":"New project","orgId":%q,"tags":[{"key":"env","value":"dev"}]}`, w.OrgID("ExampleCorp"))
	made := w.as(ownerID, "POST", "/groups", body)
	id, _ := made.body["id"].(string)
	if made.status != 201 || !isID(id) || made.body["clusterCount"] != 0.0 || made.body["created"] != "2026-08-03T10:00:00Z" {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	if a := w.as(ownerID, "GET", "/groups/byName/New%20project", nil); a.body["id"] != id {
		t.Errorf("by name: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "POST", "/groups", body); a.status != 409 || a.code() != "GROUP_ALREADY_EXISTS" {
		t.Errorf("twice: %d %s", a.status, a.raw)
	}
	changed := w.as(ownerID, "PATCH", "/groups/"+id, `{"name":"renamed","tags":[{"key":"env","value":"prod"}]}`)
	if changed.status != 200 || changed.body["name"] != "renamed" || fmt.Sprint(changed.body["tags"]) != "[map[key:env value:prod]]" {
		t.Errorf("update: %d %s", changed.status, changed.raw)
	}
	feed := w.do("GET", "/groups/"+id+"/events", nil).results()
	if got := kinds(feed); got != "GROUP_TAGS_MODIFIED GROUP_NAME_CHANGED GROUP_CREATED" {
		t.Errorf("project feed: %s", got)
	}
	if a := w.as(ownerID, "DELETE", "/groups/"+id, nil); a.status != 202 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", "/groups/"+id, nil); a.status != 404 {
		t.Errorf("still there: %d", a.status)
	}
	org := w.events("{org}")
	if got := kinds(org); got != "GROUP_DELETED GROUP_TAGS_MODIFIED GROUP_CREATED" {
		t.Errorf("organisation feed: %s", got)
	}
	for _, e := range org {
		if e["groupId"] != id || e["orgId"] != w.OrgID("ExampleCorp") {
			t.Errorf("event %v", e)
		}
	}
	if org[1]["resourceId"] != id || org[1]["resourceType"] != "project" {
		t.Errorf("tag event %v", org[1])
	}
}

// What the organisation held of a deleted project goes with it: roles of people, keys and
// accounts, team grants and role mappings.
func TestDeletedProjectIsForgotten(t *testing.T) {
	for name, c := range map[string]struct {
		world string
		grant string // a key with a role on the project
		shown []string
	}{
		"people and machines": {staff, `{"desc":"k","roles":["GROUP_READ_ONLY"]}`, []string{"{org}/users", "{org}/apiKeys", "{org}/users/{bob}", "{org}/groups"}},
		"role mappings":       {governed, "", []string{"{fed}/connectedOrgConfigs/ORG/roleMappings", "{org}/groups"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := startWorld(t, c.world)
			gone, held := w.ProjectID("prod"), w.projects[w.ProjectID("prod")].org
			path := func(p string) string {
				if len(w.federations) > 0 {
					return w.fedPath(p)
				}
				return w.staffPath(p)
			}
			if c.grant != "" {
				if a := w.do("POST", w.path("{prod}/apiKeys"), c.grant); a.status != 200 && a.status != 201 {
					t.Fatalf("a key: %d %s", a.status, a.raw)
				}
			}
			for _, p := range c.shown {
				if a := w.do("GET", path(p), nil); a.status != 200 || !strings.Contains(a.raw, gone) {
					t.Errorf("before, %s does not show it: %d %s", p, a.status, a.raw)
				}
			}
			if a := w.as(ownerID, "DELETE", w.path("{prod}"), nil); a.status != 202 {
				t.Fatalf("delete: %d %s", a.status, a.raw)
			}
			for _, p := range c.shown {
				if a := w.do("GET", path(p), nil); a.status != 200 || strings.Contains(a.raw, gone) {
					t.Errorf("%s still shows it: %d %s", p, a.status, a.raw)
				}
			}
			for _, who := range held.principals {
				for _, g := range who.grants {
					if g.GroupID == gone {
						t.Errorf("%s keeps %s on it", who.credential(), g.RoleName)
					}
				}
			}
			for _, team := range held.teams {
				for _, g := range team.grants {
					if g.project.id == gone {
						t.Errorf("team %s keeps its grant", team.name)
					}
				}
			}
			if text, err := w.Snapshot().YAML(); err != nil || strings.Contains(string(text), gone) {
				t.Errorf("the snapshot still has it: %v", err)
			}
		})
	}
}

func TestProjectRefusals(t *testing.T) {
	w := start(t)
	org := w.OrgID("ExampleCorp")
	for _, c := range []struct {
		id, method, path, body string
		status                 int
		code                   string
	}{
		{ownerID, "POST", "/groups", `{"orgId":"` + org + `"}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "POST", "/groups", `{"name":"x"}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "POST", "/groups", `{"name":"x","orgId":"ffffffffffffffffffffffff"}`, 404, "ORG_NOT_FOUND"},
		{ownerID, "POST", "/groups", `{"name":"a/b","orgId":"` + org + `"}`, 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "/groups", `{"name":"x","orgId":"` + w.OrgID("OtherCorp") + `"}`, 401, "NOT_ORG_GROUP_CREATOR"},
		{readerID, "POST", "/groups", `{"name":"x","orgId":"` + org + `"}`, 401, "NOT_ORG_GROUP_CREATOR"},
		{ownerID, "PATCH", w.path("{dev}"), `{"name":"prod"}`, 409, "GROUP_ALREADY_EXISTS"},
		{ownerID, "PATCH", w.path("{dev}"), `{"tags":[{"key":"","value":"x"}]}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", w.path("{dev}"), `{"tags":[{"key":"a","value":"x"},{"key":"a","value":"y"}]}`, 400, "VALIDATION_ERROR"},
		{ownerID, "DELETE", w.path("{prod}"), ``, 409, "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS"},
		{memberID, "GET", "/groups/byName/dev", ``, 401, "NOT_IN_GROUP"},
		{ownerID, "GET", "/groups/byName/nope", ``, 401, "NOT_IN_GROUP"},
	} {
		if a := w.as(c.id, c.method, c.path, c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.raw, c.status, c.code)
		}
	}
	if n := len(w.Effects()) + len(w.events("{org}")); n != 0 {
		t.Errorf("refused requests left %d traces", n)
	}
}

func TestClusterLife(t *testing.T) {
	w := start(t)
	state := func() any { return w.do("GET", w.path("{dev}/clusters/c1"), nil).body["stateName"] }
	made := w.as(ownerID, "POST", w.path("{dev}/clusters"), `{"name":"c1","clusterType":"REPLICASET","replicationSpecs":[{}]}`)
	if made.status != 201 || made.body["stateName"] != "CREATING" {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	if a := w.as(ownerID, "POST", w.path("{dev}/clusters"), `{"name":"c1"}`); a.status != 400 || a.code() != "DUPLICATE_CLUSTER_NAME" {
		t.Errorf("twice: %d %s", a.status, a.raw)
	}
	w.Advance(createTakes)
	if got := state(); got != "IDLE" {
		t.Errorf("created: %v", got)
	}
	if a := w.as(ownerID, "DELETE", w.path("{dev}/clusters/c1"), nil); a.status != 202 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if got := state(); got != "DELETING" {
		t.Errorf("deleted: %v", got)
	}
	w.Advance(deleteTakes)
	if got := state(); got != nil {
		t.Errorf("gone: %v", got)
	}
	feed := w.events("{dev}")
	if got := kinds(feed); got != "CLUSTER_DELETED CLUSTER_DELETE_SUBMITTED CLUSTER_READY CLUSTER_CREATED" {
		t.Errorf("events %s", got)
	}
	for _, e := range feed {
		if e["clusterName"] != "c1" {
			t.Errorf("event %v", e)
		}
	}
	if a := w.do("GET", w.path("{dev}/events?clusterNames=other"), nil); len(a.results()) != 0 {
		t.Errorf("events of another cluster: %s", a.raw)
	}
	if a := w.as(ownerID, "DELETE", w.path("{dev}/clusters/c1"), nil); a.status != 404 || a.code() != "CLUSTER_NOT_FOUND" {
		t.Errorf("delete of nothing: %d %s", a.status, a.raw)
	}
}

func TestScopeTargets(t *testing.T) {
	w := start(t)
	names := func(rows []map[string]any) string {
		var out []string
		for _, r := range rows {
			out = append(out, r["name"].(string))
		}
		return strings.Join(out, " ")
	}
	for path, want := range map[string]string{"clusters": "main free", "flexClusters": "flexy", "streams": "flow"} {
		if got := names(w.as(ownerID, "GET", w.path("{prod}/"+path), nil).results()); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for query, want := range map[string]string{"": "lake", "?type=USER": "lake", "?type=ONLINE_ARCHIVE": ""} {
		a := w.do("GET", w.path("{prod}/dataFederation"+query), nil)
		status, raw := a.status, a.raw
		if status != 200 || !strings.HasPrefix(raw, "[") || strings.Contains(raw, "lake") != (want != "") {
			t.Errorf("dataFederation%s: %d %s", query, status, raw)
		}
	}
	if a := w.do("GET", w.path("{prod}/dataFederation?type=NOPE"), nil); a.status != 400 {
		t.Errorf("bad type: %d", a.status)
	}
	for path, want := range map[string]int{"flexClusters/flexy": 200, "flexClusters/nope": 404, "dataFederation/lake": 200, "dataFederation/nope": 404} {
		if a := w.do("GET", w.path("{prod}/"+path), nil); a.status != want {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	all := w.as(ownerID, "GET", "/clusters", nil).results()
	if len(all) != 2 || all[0]["groupName"] != "prod" || names(rowsOf(all[0]["clusters"])) != "main free" {
		t.Errorf("all clusters: %v", all)
	}
}
