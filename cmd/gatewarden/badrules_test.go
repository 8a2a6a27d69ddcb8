package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goodRule is a user's rule that loads.
const goodRule = `id: mine/named
title: a title
why: a reason
severity: low
kind: cluster
when: cluster.name.startsWith('x')
message: "'cluster ' + cluster.name"
tests:
  - name: both
    given: {cluster: [{name: xa}, {name: xb}, {name: a}, {name: b}]}
    want: {xa: violation, xb: violation, a: pass, b: pass}
  - name: unreadable
    given: {cluster: [{name: xa}], status: {cluster: failed}}
    want: {xa: unknown}
`

const goodConfig = `atlas:
  orgs:
    - id: 64f000000000000000000001
      read: {client_id: {env: GW_BAD_ID}, client_secret: {env: GW_BAD_SECRET}}
environments:
  prod: {projects: ["*-prod"]}
  dev: {projects: ["*-dev"]}
nats: {store: store}
rules: {paths: [rules]}
`

// TestBadRulesAndWaivers: each mistake in rules, waivers and what they rest on is a message
// with its place, and exit code 2; what is only doubtful is a warning with its place.
func TestBadRulesAndWaivers(t *testing.T) {
	t.Setenv("GW_BAD_ID", "mdb_sa_id_64f000000000000000000a01")
	t.Setenv("GW_BAD_SECRET", "not-a-real-secret")
	change := func(old, now string) string { return strings.Replace(goodRule, old, now, 1) }
	waiver := func(rest string) string {
		return "waivers:\n  - {id: w, rule: network/open-to-world, owner: alice, reason: a test of the load, granted: 2026-11-01T00:00:00Z, " + rest + "}\n"
	}
	override := func(of string) []string { return []string{"[rules]", "[rules], override: {" + of + "}"} }
	for name, c := range map[string]struct {
		rule   string   // "": goodRule
		second string   // another rule file
		conf   string   // after goodConfig
		edit   []string // of goodConfig: old, new
		want   []string
		loads  bool
	}{
		"all is well":             {want: []string{`conf.yaml: ok`}, loads: true},
		"a typo in a field":       {rule: change("cluster.name.s", "cluster.nmae.s"), want: []string{`rules/a.yaml:6:14: .*undefined field 'nmae'`}},
		"a typo in a key":         {rule: change("severity:", "severty:"), want: []string{`rules/a.yaml:4:1: .*did you mean "severity"`}},
		"a typo in a function":    {rule: change("startsWith", "startWith"), want: []string{`rules/a.yaml:6:29: .*undeclared reference to 'startWith'`}},
		"a condition of a type":   {rule: change("cluster.name.startsWith('x')", "cluster.name"), want: []string{`rules/a.yaml:6:7: .*when gives string: want bool`}},
		"compared with a number":  {rule: change("cluster.name.startsWith('x')", "cluster.name == 1"), want: []string{`rules/a.yaml:6:20: .*no matching overload`}},
		"a costly loop":           {rule: change("cluster.name.startsWith('x')", "cluster.tags.all(a, cluster.tags.all(b, cluster.tags.all(c, a.key + b.key != c.key)))"), want: []string{`rules/a.yaml:6:\d+: .*nest`}},
		"a costly text":           {rule: change("cluster.name.startsWith('x')", "cluster.tags.exists(a, cluster.tags.exists(b, (a.value + b.value).matches('(a+)+$')))"), want: []string{`rules/a.yaml:6:\d+: .*may cost \d+ units`}},
		"no tests":                {rule: goodRule[:strings.Index(goodRule, "tests:")], want: []string{`rules/a.yaml:1:1: .*at least 2, 2 and 1 are needed`}},
		"too few tests":           {rule: change("xb: violation, ", ""), want: []string{`rules/a.yaml:1:1: .*its tests show violation 1, none`}},
		"a test that fails":       {rule: change("a: pass", "a: violation"), want: []string{`rules/a.yaml:9:5: .*test "both": a: is pass, want violation`}},
		"an id that is there":     {second: goodRule, want: []string{`rules/b.yaml:1:1: rule mine/named is there already: rules/a.yaml:1:1`}},
		"an id of our own":        {rule: change("mine/named", "dbuser/unscoped"), want: []string{`rules/a.yaml:1:1: rule dbuser/unscoped is there already: builtin/`}},
		"not YAML":                {rule: "id: [", want: []string{`rules/a.yaml:\d+:\d+: not YAML`}},
		"both at once":            {rule: change("severity:", "severty:"), second: strings.Replace(change("cluster.name.s", "cluster.nmae.s"), "mine/named", "mine/other", 1), want: []string{`rules/a.yaml:4:1: `, `rules/b.yaml:6:14: `}},
		"an override of nothing":  {edit: []string{"[rules]", "[rules], override: {network/open-to-wrold: {severity: low}}"}, want: []string{`conf.yaml:9:\d+: rules.override.*did you mean "network/open-to-world"`}},
		"a parameter of no name":  {edit: override("mine/named: {params: {prefix: x}}"), want: []string{`conf.yaml:9:\d+: rules.override.mine/named.params.prefix: no parameter "prefix": the rule has none`}},
		"a parameter misspelt":    {edit: override("network/entry-too-broad: {params: {min_prefix_4: 24}}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.params.min_prefix_4: no parameter .*did you mean "min_prefix_v4"`}},
		"a parameter of a type":   {edit: override("network/entry-too-broad: {params: {min_prefix_v4: \"24\"}}"), want: []string{`conf.yaml:9:86: rules.override.network/entry-too-broad.params.min_prefix_v4: parameter min_prefix_v4: want a whole number, such as 24`}},
		"two of them":             {edit: override("network/entry-too-broad: {params: {min_prefix_v4: 2.5, x: {a: b}}}"), want: []string{`params.min_prefix_v4: `, `params.x: no parameter "x": the rule has min_prefix_v4, min_prefix_v6`}},
		"a ceiling raised":        {edit: override("network/entry-too-broad: {ceiling: auto}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.ceiling: ceiling auto is above the rule's, ask: .*accept_risk`}},
		"a ceiling of no name":    {edit: override("network/entry-too-broad: {ceiling: max}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.ceiling: "max" is not a ceiling`}},
		"a severity of no name":   {edit: override("network/entry-too-broad: {severity: grave}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.severity: "grave" is not a severity`}},
		"an environment unknown":  {edit: override("network/entry-too-broad: {environments: [prod, prd]}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.environments\[1\]: .*did you mean "prod"`}},
		"a key of an override":    {edit: override("network/entry-too-broad: {ceilng: tell}"), want: []string{`conf.yaml:9:\d+: rules.override.network/entry-too-broad.ceilng: unknown key; did you mean "ceiling"`}},
		"a list of overrides":     {edit: []string{"[rules]", "[rules], override: [a]"}, want: []string{`conf.yaml:9:\d+: rules.override: expected a mapping`}},
		"no secret, and a typo":   {rule: change("cluster.name.s", "cluster.nmae.s"), edit: []string{"GW_BAD_ID", "GW_UNSET_ID"}, want: []string{`conf.yaml:4:\d+: read credentials of org .*GW_UNSET_ID`, `rules/a.yaml:6:14: `}},
		"a waiver without an end": {conf: waiver("name: 0.0.0.0/0"), want: []string{`conf.yaml:11:5: waivers\[0\].until: missing`}},
		"a waiver too long":       {conf: waiver("name: 0.0.0.0/0, environment: prod, until: 2026-11-05T00:00:00Z"), want: []string{`conf.yaml:11:\d+: waivers\[0\].until: a finding of severity critical is waived for 1 days at most`}},
		"a waiver for ever":       {conf: waiver("name: 0.0.0.0/0, until: 2028-11-05T00:00:00Z"), want: []string{`conf.yaml:11:\d+: waivers\[0\].until: \d+ days after granted, too long`}},
		"a waiver of everything":  {conf: waiver("until: 2026-11-01T12:00:00Z"), want: []string{`conf.yaml:11:5: waivers\[0\]: it matches everything`}},
		"a waiver of all names":   {conf: waiver(`name: "*", project: "**", until: 2026-11-01T12:00:00Z`), want: []string{`conf.yaml:11:5: waivers\[0\]: it matches everything`}},
		"a waiver of all rules":   {conf: strings.Replace(waiver(`name: x, until: 2026-11-01T12:00:00Z`), "network/open-to-world", `"*"`, 1), want: []string{`conf.yaml:11:19: waivers\[0\].rule: "\*" matches every rule`}},
		"a waiver of no rule":     {conf: strings.Replace(waiver(`name: x, until: 2026-11-01T12:00:00Z`), "network/open-to-world", "network/open-to-wrold", 1), want: []string{`conf.yaml:11:19: waivers\[0\].rule: .*did you mean "network/open-to-world"`}},
		"a waiver nowhere":        {conf: waiver("environment: prd, until: 2026-11-01T12:00:00Z"), want: []string{`conf.yaml:11:\d+: waivers\[0\].environment: unknown environment "prd".*did you mean "prod"`}},
		"identities that clash": {conf: "identities:\n  - {class: app, usernames: [\"*_app\"]}\n  - {class: migration, usernames: [\"*_app\"]}\n",
			want: []string{`conf.yaml:12:\d+: identities\[1\].usernames\[0\]: "\*_app" is of class app already`}},
		"an identity never used": {conf: "identities:\n  - {class: app, usernames: [\"*_app\"]}\n  - {class: migration, usernames: [big_app]}\n",
			want: []string{`warning: .*identities\[1\].usernames\[0\]: never used`}, loads: true},
		"a matrix of no environment":   {conf: "matrix:\n  platform: {prd: [GROUP_READ_ONLY]}\n", want: []string{`conf.yaml:11:\d+: matrix.platform.prd: unknown environment "prd".*did you mean "prod"`}},
		"a matrix of no role":          {conf: "matrix:\n  platform: {prod: [GROUP_READONLY]}\n", want: []string{`conf.yaml:11:\d+: matrix.platform.prod\[0\]: .*did you mean "GROUP_READ_ONLY"`}},
		"a matrix of the other roles":  {conf: "matrix:\n  platform: {prod: [ORG_OWNER]}\n", want: []string{`conf.yaml:11:\d+: matrix.platform.prod\[0\]: `}},
		"environments that overlap":    {edit: []string{"*-dev", "*-prod"}, want: []string{`warning: conf.yaml:7:\d+: environments.dev.projects\[0\]: "\*-prod" stands under prod too: such projects are judged as the stricter`}, loads: true},
		"a path of no rules":           {edit: []string{"[rules]", "[ruels]"}, want: []string{`conf.yaml:9:\d+: rules.paths\[0\]: `}},
		"a sensitive namespace of all": {conf: "sensitive:\n  - {ns: shop.people, readers: [\"*\"]}\n", want: []string{`conf.yaml:11:\d+: sensitive\[0\].readers\[0\]: "\*" matches every user`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			conf := goodConfig + c.conf
			conf = strings.NewReplacer(c.edit...).Replace(conf)
			files := map[string]string{"conf.yaml": conf, "rules/a.yaml": c.rule}
			if c.rule == "" {
				files["rules/a.yaml"] = goodRule
			}
			if c.second != "" {
				files["rules/b.yaml"] = c.second
			}
			write(t, files)
			var out, errs bytes.Buffer
			code := run([]string{"check", "--config", "conf.yaml"}, &out, &errs)
			said := errs.String()
			if c.loads {
				said = out.String()
			}
			if want := map[bool]int{true: exitOK, false: exitUsage}[c.loads]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			expect(t, said, c.want, !c.loads)
			if _, err := os.Stat("store"); err == nil {
				t.Error("it made a store")
			}
			if c.rule != "" && !c.loads && len(c.want) == 1 && strings.HasPrefix(c.want[0], "rules/a.yaml") {
				errs.Reset()
				if code := run([]string{"rules", "test", "rules"}, &out, &errs); code == exitOK {
					t.Error("rules test says that all is well")
				}
				expect(t, errs.String(), c.want, true)
			}
		})
	}
}

func write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// expect looks for each text; of mistakes, each line has its place.
func expect(t *testing.T, said string, want []string, placed bool) {
	t.Helper()
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(said) {
			t.Errorf("it does not say %s:\n%s", w, said)
		}
	}
	place := regexp.MustCompile(`^\S+:\d+:\d+: `)
	for line := range strings.Lines(said) {
		if placed && !place.MatchString(line) {
			t.Errorf("without a place: %s", line)
		}
	}
}
