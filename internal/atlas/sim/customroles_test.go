package sim

import (
	"strings"
	"testing"
)

func TestCreateRole(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"sdk form", `{"roleName":"r","actions":[{"action":"FIND","resources":[{"cluster":false,"db":"a","collection":"b"},{"cluster":true,"db":"","collection":""}]}]}`,
			202, `{"roleName":"r","actions":[{"action":"FIND","resources":[{"db":"a","collection":"b"},{"cluster":true}]}],"inheritedRoles":[]}`},
		{"any database", `{"roleName":"r","actions":[{"action":"INSERT","resources":[{"db":""}]}]}`,
			202, `{"roleName":"r","actions":[{"action":"INSERT","resources":[{"db":""}]}],"inheritedRoles":[]}`},
		{"inherits", `{"roleName":"r","inheritedRoles":[{"role":"outer","db":"admin"},{"role":"read","db":"shop"}]}`,
			202, `{"roleName":"r","actions":[],"inheritedRoles":[{"db":"admin","role":"outer"},{"db":"shop","role":"read"}]}`},
		{"taken", `{"roleName":"inner"}`, 409, "ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS"},
		{"no name", `{"actions":[]}`, 400, "MISSING_ATTRIBUTE"},
		{"built-in name", `{"roleName":"readWrite"}`, 400, "VALIDATION_ERROR"},
		{"xgen name", `{"roleName":"xgen-r"}`, 400, "VALIDATION_ERROR"},
		{"odd name", `{"roleName":"-r"}`, 400, "VALIDATION_ERROR"},
		{"unknown action", `{"roleName":"r","actions":[{"action":"find","resources":[]}]}`, 400, "INVALID_ENUM_VALUE"},
		{"no resource", `{"roleName":"r","actions":[{"action":"FIND","resources":[{"cluster":false}]}]}`, 400, "VALIDATION_ERROR"},
		{"unknown role", `{"roleName":"r","inheritedRoles":[{"role":"nope","db":"admin"}]}`, 400, "ATLAS_INVALID_ROLE"},
		{"role elsewhere", `{"roleName":"r","inheritedRoles":[{"role":"inner","db":"shop"}]}`, 400, "ATLAS_INVALID_ROLE_DATABASE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path("{prod}/customDBRoles/roles"), c.body)
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if c.status != 202 {
				if a.code() != c.want || len(w.Effects()) != 0 {
					t.Errorf("got %s", a.raw)
				}
				return
			}
			if got := w.as(ownerID, "GET", w.path("{prod}/customDBRoles/roles/r"), nil); a.raw != c.want || got.raw != c.want {
				t.Errorf("got  %s\nand  %s\nwant %s", a.raw, got.raw, c.want)
			}
			e := w.events("{prod}")
			if kinds(e) != "MONGODB_ROLE_ADDED" || strings.Contains(w.do("GET", w.path("{prod}/events"), nil).raw, `"r"`) {
				t.Errorf("events %v", e)
			}
		})
	}
}

func TestPatchRoleReplacesLists(t *testing.T) {
	w := start(t)
	a := w.as(ownerID, "PATCH", w.path("{prod}/customDBRoles/roles/inner"), `{"inheritedRoles":[{"role":"atlasAdmin","db":"admin"}]}`)
	const want = `{"roleName":"inner","actions":[{"action":"FIND","resources":[{"db":"shop","collection":"orders"}]}],"inheritedRoles":[{"db":"admin","role":"atlasAdmin"}]}`
	if a.status != 200 || a.raw != want {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "PATCH", w.path("{prod}/customDBRoles/roles/inner"), `{"actions":[],"inheritedRoles":[{"role":"outer","db":"admin"}]}`); a.status != 200 {
		t.Errorf("a cycle: %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{prod}")); got != "MONGODB_ROLE_UPDATED MONGODB_ROLE_UPDATED" {
		t.Errorf("events %s", got)
	}
	if a := w.as(ownerID, "PATCH", w.path("{prod}/customDBRoles/roles/nope"), `{}`); a.status != 404 || a.code() != "ATLAS_CUSTOM_ROLE_NOT_FOUND" {
		t.Errorf("patch of nothing: %d %s", a.status, a.raw)
	}
}

func TestRoleInUse(t *testing.T) {
	w := start(t)
	roles := w.path("{prod}/customDBRoles/roles/")
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"DELETE", roles + "outer", "", 409, "ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS"},
		{"DELETE", roles + "inner", "", 409, "ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES"},
		{"PATCH", w.path("{prod}/databaseUsers/$external/service"), `{"roles":[]}`, 200, ""},
		{"DELETE", roles + "outer", "", 204, ""},
		{"DELETE", roles + "inner", "", 204, ""},
		{"DELETE", roles + "inner", "", 404, "ATLAS_CUSTOM_ROLE_NOT_FOUND"},
	} {
		if a := w.as(ownerID, c.method, c.path, c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, a.status, a.raw, c.status, c.code)
		}
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/customDBRoles/roles"), nil); a.raw != "[]" {
		t.Errorf("left over: %s", a.raw)
	}
}
