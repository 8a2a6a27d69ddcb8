package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

const govOrg = access.Scope("org.0123456789abcdef0123456f")

// govBook judges one scope again and again, with the changes that came in between.
type govBook struct {
	e   *Engine
	in  Input
	doc access.Findings
}

func newGovBook(e *Engine, scope access.Scope, states ...access.State) *govBook {
	b := &govBook{e: e, in: Input{Scope: scope, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{}}}
	for _, k := range b.e.Kinds(scope) {
		b.read(k, slices.DeleteFunc(slices.Clone(states), func(s access.State) bool { return s.Kind() != k })...)
	}
	b.judge()
	return b
}

func (b *govBook) read(k access.Kind, states ...access.State) {
	c := access.NewCollection(b.in.Scope, k, states)
	c.FirstRead = t0
	b.in.Collections[k] = c
}

// judge is told in words: rule, key and what became of the finding. It judges twice, and
// the second time nothing is new.
func (b *govBook) judge(changes ...access.Change) (told []string) {
	for range 2 {
		in := b.in
		in.Changes, in.Standing, in.Open = changes, b.doc.Standing, b.doc.Findings
		doc, events := b.e.Advance(b.doc, in, b.e.Evaluate(in))
		b.doc = doc
		for _, ev := range events {
			told = append(told, fmt.Sprintf("%s %s%s", ev.Finding.Rule, ev.To, cmpOr(strings.TrimSuffix(" "+ev.Finding.Key, " "), "")))
		}
	}
	return told
}

func (b *govBook) observed(k access.Kind, event string, after time.Duration) access.Change {
	name := b.in.Scope.ID()
	at := t0.Add(after)
	return access.Change{
		V: access.Version, ID: event + at.Format("150405"), Op: access.OpObserved, Type: event, Ref: access.Ref{Scope: b.in.Scope, Kind: k, Name: name},
		Occurred: at, Observed: at, Source: access.SourceFeed, Actor: access.Actor{Type: access.ActorAtlas},
	}
}

const (
	without = "ORG_USERS_WITHOUT_MFA"
	allHave = "ALL_ORG_USERS_HAVE_MFA"
)

// TestLaterEventEnds: what Atlas said stands until it says otherwise, in whatever batches
// that comes.
func TestLaterEventEnds(t *testing.T) {
	const open, resolved = "org/users-without-mfa open", "org/users-without-mfa resolved"
	type said struct {
		event string
		after time.Duration
	}
	e := mustLoad(t, testPolicy())
	for name, c := range map[string]struct {
		batches [][]said
		want    []string
	}{
		"it stands":                     {[][]said{{{without, 1}}, nil}, []string{open}},
		"later":                         {[][]said{{{without, 1}}, {{allHave, 2}}}, []string{open, resolved}},
		"at once":                       {[][]said{{{without, 1}, {allHave, 2}}}, []string{open, resolved}},
		"and again":                     {[][]said{{{without, 1}}, {{allHave, 2}, {without, 3}}}, []string{open, resolved, open}},
		"an earlier one ends nothing":   {[][]said{{{allHave, 1}, {without, 2}}}, []string{open}},
		"nor one of the same second":    {[][]said{{{without, 2}, {allHave, 2}}}, []string{open}},
		"nor another event":             {[][]said{{{without, 1}}, {{"OAUTH_CLIENT_CREATED", 2}}}, []string{open}},
		"the newest is the one to end":  {[][]said{{{without, 1}}, {{without, 4}}, {{allHave, 3}}}, []string{open, open}},
		"nobody ever was without":       {[][]said{{{allHave, 1}}}, nil},
		"it ends once":                  {[][]said{{{without, 1}}, {{allHave, 2}}, {{allHave, 3}}}, []string{open, resolved}},
		"a whole story in three pieces": {[][]said{{{without, 1}, {allHave, 2}, {without, 3}}, {{allHave, 4}}}, []string{open, resolved, open, resolved}},
	} {
		b := newGovBook(e, govOrg)
		var got []string
		for _, batch := range c.batches {
			var changes []access.Change
			for _, s := range batch {
				changes = append(changes, b.observed(access.KindOrgSettings, s.event, s.after*time.Minute))
			}
			b.in.Now = b.in.Now.Add(10 * time.Minute)
			got = append(got, b.judge(changes...)...)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAuditFilter(t *testing.T) {
	for want, filters := range map[govFilter][]string{
		govSome: {
			``, ` `, `{}`, `{"atype":"authenticate"}`, `{"atype":{"$in":["authCheck","none"]}}`, `{"atype":{"$regex":"^auth"}}`, `{"atype":{"$in":[{"$regex":"^auth"}]}}`,
			`{"atype":{"$eq":"dropDatabase"},"param.ns":"shop.orders"}`, `{"$or":[{"atype":"none"},{"atype":"createUser"}]}`, `{"$nor":[{"atype":"authCheck"}]}`,
			`{"users":{"$elemMatch":{"$or":[{"db":"admin"}]}},"atype":"authCheck","param.command":{"$in":["find","insert"]}}`, `{"$and":[]}`, `{"atype":{"$nin":[]}}`, `{"result":{"$gt":0}}`,
		},
		govNothing: {
			`{"atype":"none"}`, `{"atype":""}`, `{"atype":null}`, `{"atype":7}`, `{"atype":"Authenticate"}`, `{"atype":"authenticate "}`, `{"atype":"authentic\u0430te"}`,
			`{"atype":{"$in":[]}}`, `{"atype":{"$in":["none",""]}}`, `{"atype":{"$eq":"none"}}`, `{"$or":[]}`, `{"$or":[{"atype":"none"},{"atype":{"$in":[]}}]}`,
			`{"$and":[{"atype":"authCheck"},{"$or":[{"atype":"none"}]}]}`, `{"$nor":[{}]}`, `{"param.ns":{"$in":[]},"atype":"authCheck"}`,
		},
		govUnclear: {`{atype:1}`, `[]`, `null`, `"x"`, `{"atype":"authenticate"`, `true`},
	} {
		for _, f := range filters {
			s := &subject{res: &access.Resource{Box: access.Box{State: access.Auditing{Enabled: true, Filter: f}}}}
			if got := s.govFiltered(); got != want {
				t.Errorf("%s: got %d, want %d", f, got, want)
			}
		}
	}
}

func TestAuditingAbsent(t *testing.T) {
	shared, dedicated := access.Cluster{Cluster: "free", Tier: access.TierShared}, access.Cluster{Cluster: "orders", Tier: access.TierDedicated}
	for name, c := range map[string]struct {
		clusters []access.State
		odd      []string
		applies  bool
	}{
		"none":                 {nil, nil, false},
		"free":                 {[]access.State{shared}, nil, false},
		"free and dedicated":   {[]access.State{shared, dedicated}, nil, true},
		"not told":             {[]access.State{access.Cluster{Cluster: "x"}}, nil, true},
		"one that is not read": {[]access.State{shared}, []string{"x"}, true},
	} {
		clusters := access.NewCollection(prj, access.KindCluster, c.clusters)
		clusters.Odd = c.odd
		w := &world{in: &Input{Collections: map[access.Kind]access.Collection{access.KindCluster: clusters}}}
		if got := w.govUnaudited(); (got == "") != c.applies {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPlaceOfCluster(t *testing.T) {
	w := &world{policy: newPolicy(Policy{Environments: []access.Environment{
		{Name: "prod", Tags: map[string]string{"env": "prod"}}, {Name: "prod-eu"}, {Name: "dev", Projects: []string{"shop*"}, Tags: map[string]string{"env": "dev", "team": "shop"}},
	}})}
	for _, c := range []struct {
		name, tags, want string
	}{
		{"orders-prod", "", "prod"},
		{"PROD_1", "", "prod"},
		{"prod.eu.orders", "", "prod-eu"},
		{"orders-eu-prod", "", "prod"},
		{"shop-orders", "", ""}, // a pattern for projects says nothing of clusters
		{"production", "", ""},
		{"devices", "", ""},
		{"orders-dev", "env=prod", "prod"},
		{"orders-prod", "env=dev", "prod"}, // half of a tag decides nothing
		{"orders-prod", "env=dev team=shop", "dev"},
		{"", "", ""},
	} {
		var tags []access.Label
		for _, f := range strings.Fields(c.tags) {
			k, v, _ := strings.Cut(f, "=")
			tags = append(tags, access.Label{Key: k, Value: v})
		}
		if got, _ := w.govPlace(c.name, tags); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.name, c.tags, got, c.want)
		}
	}
}

// TestWeakeningStandsUntilBack: the finding ends when the project is where it was, and not
// when it is nearly there.
func TestWeakeningStandsUntilBack(t *testing.T) {
	at := func(title string) access.Project { return access.Project{ID: prjID, OrgID: "o", Title: title} }
	b := newGovBook(mustLoad(t, testPolicy()), prj, at("shop-prod"))
	step := func(from, to string, n int) []string {
		b.in.Now = t0.Add(time.Duration(n) * time.Hour)
		c := b.observed(access.KindProject, "GROUP_NAME_CHANGED", time.Duration(n)*time.Hour)
		c.Op, c.ID, c.Before, c.After, c.Fields = access.OpUpdated, fmt.Sprintf("%s.project.%d.0", prj, n), access.Box{State: at(from)}, access.Box{State: at(to)}, []string{"name"}
		b.read(access.KindProject, at(to))
		return slices.DeleteFunc(b.judge(c), func(s string) bool { return !strings.HasPrefix(s, "project/environment-weakened") })
	}
	var got [][]string
	for n, move := range [][2]string{{"shop-prod", "shop-staging"}, {"shop-staging", "shop-dev"}, {"shop-dev", "shop-staging"}, {"shop-staging", "shop-prod"}} {
		got = append(got, step(move[0], move[1], n+1))
	}
	want := [][]string{{"project/environment-weakened open"}, {"project/environment-weakened open"}, {"project/environment-weakened open"}, {"project/environment-weakened resolved"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPolicyHelps: an org with the policies that its finding asks for has the finding no
// more, and what the finding carries of them is bounded and one of them.
func TestPolicyHelps(t *testing.T) {
	p := testPolicy()
	p.Ranges.Providers = map[string][]string{"aws": {"3.0.0.0/15"}}
	b := newGovBook(mustLoad(t, p), govOrg)
	ref := access.Ref{Scope: govOrg, Kind: access.KindResourcePolicy, Name: govOrg.ID()}
	v := b.e.Judge(b.in, "org/no-resource-policy", ref, "")
	r, _ := b.e.Rule("org/no-resource-policy")
	var states []access.State
	for i, id := range r.Params["rules"].([]string) {
		text, ok := prevent.Policy(id, prevent.Given{Org: govOrg.ID(), Providers: p.Ranges.Providers, Networks: []string{"203.0.113.0/28", "16.0.0.0/8"}})
		if !ok || !strings.Contains(v.Message, id) || !strings.Contains(v.Evidence.Facts["as a whole"], "gatewarden rules policy "+id) {
			t.Errorf("%s (policy: %t) in %q, %v", id, ok, v.Message, v.Evidence.Facts)
		}
		states = append(states, access.ResourcePolicy{ID: fmt.Sprint(i), Title: id, Policies: text.Policies})
	}
	ready := v.Evidence.Facts["ready policy"]
	if len(ready) > govPolicyText+10 || !strings.HasPrefix(ready, "forbid") {
		t.Errorf("ready policy of %d: %s", len(ready), ready)
	}
	b.read(access.KindResourcePolicy, states...)
	if v := b.e.Judge(b.in, "org/no-resource-policy", ref, ""); v.Answer != access.AnswerPass {
		t.Errorf("%+v", v)
	}
	b.read(access.KindResourcePolicy, states[1:]...)
	if v := b.e.Judge(b.in, "org/no-resource-policy", ref, ""); v.Answer != access.AnswerViolation || !strings.Contains(v.Message, "network/open-to-world") {
		t.Errorf("%+v", v)
	}
}

// TestUnreadableByAge: what was read too long ago cannot be read either, whatever its
// status says.
func TestUnreadableByAge(t *testing.T) {
	b := newGovBook(mustLoad(t, testPolicy()), prj, access.Project{ID: prjID, Title: "shop-prod"})
	b.in.Read = map[access.Kind]time.Time{access.KindCluster: t0}
	b.in.MaxAge = func(access.Kind) time.Duration { return 30 * time.Minute }
	for after, want := range map[time.Duration]access.Answer{
		20 * time.Minute: access.AnswerPass, 50 * time.Minute: access.AnswerPass, 61 * time.Minute: access.AnswerViolation,
	} {
		b.in.Now = t0.Add(after)
		if v := b.e.Judge(b.in, "watch/unreadable", access.Ref{Scope: prj, Kind: access.KindCluster, Name: prjID}, ""); v.Answer != want {
			t.Errorf("after %s: %+v", after, v)
		}
	}
}

// TestBrowsedOncePerDay: one finding for a person and a day, whatever they opened.
func TestBrowsedOncePerDay(t *testing.T) {
	p := testPolicy()
	p.Matrix = []access.TeamAccess{{Team: "support", Roles: map[string][]string{"prod": {"GROUP_DATA_ACCESS_READ_ONLY"}}}}
	b := newGovBook(mustLoad(t, p), prj, access.Project{ID: prjID, Title: "shop-prod"})
	b.in.Facts = access.Facts{V: access.Version, Org: map[access.Kind]access.Collection{
		access.KindTeam:       access.NewCollection(govOrg, access.KindTeam, nil),
		access.KindTeamMember: access.NewCollection(govOrg, access.KindTeamMember, nil),
	}}
	var changes []access.Change
	for i, what := range []string{"mallory shop.orders", "mallory shop.customers", "eve shop.orders", "mallory shop.orders"} {
		who, name, _ := strings.Cut(what, " ")
		c := b.observed(access.KindProject, "DATA_EXPLORER", time.Duration(i)*9*time.Hour)
		c.Ref.Name, c.Actor = name, access.Actor{Type: access.ActorHuman, Name: who + "@example.com"}
		changes = append(changes, c)
	}
	b.in.Now = t0.Add(48 * time.Hour)
	var keys []string
	for _, told := range b.judge(changes...) {
		if rest, ok := strings.CutPrefix(told, "project/prod-data-browsed open "); ok {
			keys = append(keys, rest)
		}
	}
	day := func(hours int) string { return t0.Add(time.Duration(hours) * time.Hour).Format(time.DateOnly) }
	want := access.SortNames([]string{"mallory@example.com " + day(0), "mallory@example.com " + day(9), "eve@example.com " + day(18), "mallory@example.com " + day(27)})
	if diff := cmp.Diff(want, access.SortNames(keys)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChangesBlock(t *testing.T) {
	const both = good + `changes:
  kind: [cluster, project]
  key: change.id
  when: change.op == 'deleted'
  message: "'gone'"
`
	load := func(text string) string {
		if _, err := Load(testPolicy(), Source{"f.yaml", []byte(text)}); err != nil {
			return err.Error()
		}
		return ""
	}
	if got := load(both); got != "" {
		t.Errorf("a rule with changes: %s", got)
	}
	for want, text := range map[string]string{
		"changes needs when, message and key":     strings.Replace(both, "  key: change.id\n", "", 1),
		"changes is of state rules without a key": strings.Replace(both, "kind: cluster\n", "kind: cluster\non: change\n", 1),
		"changes: kind is missing":                strings.Replace(both, "  kind: [cluster, project]\n", "", 1),
		`kind "clutser": no rule can`:             strings.Replace(both, "[cluster, project]", "[clutser]", 1),
		"undeclared reference to 'before.name'":   strings.Replace(both, "change.op == 'deleted'", "before.name == ''", 1),
		`changes has no key "whole"`:              both + "  whole: {when: 'true'}\n",
		"ends and about are of change rules only": good + "ends: 'true'\n",
		"about: want scope":                       both + "  about: project\n",
	} {
		if got := load(text); !strings.Contains(got, want) {
			t.Errorf("%q is not in: %s", want, got)
		}
	}
}
