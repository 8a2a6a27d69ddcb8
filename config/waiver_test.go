package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesOfEverybody: a name that every user with a password has narrows nothing.
func TestNamesOfEverybody(t *testing.T) {
	const head = `atlas: {orgs: [{id: 64f0c0ffee64f0c0ffee64f0, read: {public_key: {env: A}, private_key: {env: B}}}]}
environments: {prod: {projects: ["*-prod"]}}
principals: [{id: alice}]
`
	const waiver = "waivers: [{id: w, rule: dbuser/unscoped, name: %q, %sowner: alice, reason: agreed, granted: 2026-11-01T00:00:00Z, until: 2026-11-02T00:00:00Z}]\n"
	const expectation = "expectations: [{id: e, name: %q, %sfrom: 2026-11-01T00:00:00Z, until: 2026-11-02T00:00:00Z, reason: agreed, approved: alice}]\n"
	const every, anybody = "x.yaml:4:48: waivers[0].name: it matches everything that the rule finds", "x.yaml:4:30: expectations[0].name: it matches whatever anybody does"
	for _, c := range []struct{ form, name, more, want string }{
		{waiver, "admin/*", "", every},
		{waiver, "adm*", "", every},
		{waiver, "$external/**", "", every},
		{waiver, "*/*", "", "x.yaml:4:11: waivers[0]: it matches everything"},
		{waiver, "admin/*", "environment: prod, ", ""},
		{waiver, "admin/*", "project: shop-prod, ", ""},
		{waiver, "admin/app*", "", ""},
		{waiver, "admin/*_tmp", "", ""},
		{expectation, "admin/*", "", anybody},
		{expectation, "admin/*", "actor: bob, ", ""},
		{expectation, "admin/app", "", ""},
	} {
		_, err := Load("x.yaml", []byte(head+fmt.Sprintf(c.form, c.name, c.more)))
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s, want %q", c.name, c.more, got, c.want)
		}
	}
}
