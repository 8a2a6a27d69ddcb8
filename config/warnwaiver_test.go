package config

import (
	"strings"
	"testing"
)

const warned = `atlas: {orgs: [{id: 64f0c0ffee64f0c0ffee64f0, read: {public_key: {env: A}, private_key: {env: B}}}]}
environments: {prod: {projects: ["*-prod"]}, tagged: {tags: {env: qa}}, rest: {catch_all: true}}
principals: [{id: alice}]
identities: [{class: app, usernames: ["shop_*", reports]}]
`

// TestWarnings: what is declared and cannot be of any effect.
func TestWarnings(t *testing.T) {
	waiver := func(project, env string) string {
		return "waivers: [{id: w, rule: dbuser/unscoped, project: " + project + ", environment: " + env + ", owner: alice, reason: agreed, granted: 2026-11-01T00:00:00Z, until: 2026-11-02T00:00:00Z}]\n"
	}
	readers := func(names string) string { return "sensitive: [{ns: shop.cards, readers: [" + names + "]}]\n" }
	for text, want := range map[string]string{
		readers("shop_app"):                        "",
		readers("reports, raports"):                `x.yaml:5:49: sensitive[0].readers[1]: "raports" is no username of the identities; did you mean "reports"?`,
		readers("alice"):                           `"alice" is a principal, a group or a team: give the names of database users`,
		readers(`nightly, "*_reader"`):             "",
		waiver("shop-dev", "prod"):                 `x.yaml:5:51: waivers[0].project: "shop-dev" is no project of environment prod, whose projects are *-prod: it waives nothing`,
		waiver("shop-prod", "prod"):                "",
		waiver("64f0c0ffee64f0c0ffee64f1", "prod"): "",
		waiver(`"shop-*"`, "prod"):                 "",
		waiver("shop-dev", "tagged"):               "",
		waiver("shop-dev", "rest"):                 "",
	} {
		f, err := Load("x.yaml", []byte(warned+text))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(f.Warnings) > 0 {
			got = Problems(f.Warnings).Error()
		}
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestSwitchedOff: who would turn a rule off is told how.
func TestSwitchedOff(t *testing.T) {
	_, err := Load("x.yaml", []byte(warned+"rules: {override: {key/unused: {enabled: false}}}\n"))
	const want = "x.yaml:5:33: rules.override.key/unused.enabled: unknown key; a rule is not switched off by an override: list those that are judged under rules.only"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
