package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

var machineNow = time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)

// machineOrg is an org as the judgement takes it: with these resources, and what these
// projects tell.
func machineOrg(projects []access.Contribution, states ...access.State) Input {
	scope := access.OrgScope(testOrg)
	byKind := map[access.Kind][]access.State{}
	for _, s := range states {
		byKind[s.Kind()] = append(byKind[s.Kind()], s)
	}
	in := Input{Scope: scope, Now: machineNow, Collections: map[access.Kind]access.Collection{}, Facts: access.Facts{V: 1, Scope: scope, Projects: projects}}
	for _, k := range access.OrgKinds() {
		c := access.NewCollection(scope, k, byKind[k])
		c.FirstRead = machineNow.AddDate(-1, 0, 0)
		for i := range c.Resources {
			c.Resources[i].FirstSeen, c.Resources[i].Baseline = c.FirstRead, true
		}
		in.Collections[k] = c
	}
	return in
}

func machineProjectNamed(n int, title, env string) access.Contribution {
	return access.Contribution{V: 1, Scope: access.ProjectScope(fmt.Sprintf("%024x", n)), Org: testOrg, Title: title, Environment: env}
}

// machineAnswers are the answers of a family's rules, by rule and name.
func machineAnswers(e *Engine, in Input) map[string]string {
	out := map[string]string{}
	for _, v := range e.Evaluate(in) {
		if strings.HasPrefix(v.Rule, "key/") || strings.HasPrefix(v.Rule, "serviceaccount/") {
			out[v.Rule+" "+v.Ref.Name] = fmt.Sprint(v.Answer, " ", v.Severity, " ", v.Why, v.Message, v.Evidence.Facts)
		}
	}
	return out
}

func machineSubject(e *Engine, in Input, name string) *subject {
	w := newWorld(e, &in)
	for _, k := range orgMachines {
		if r, ok := in.Collections[k].Find(name); ok {
			return w.subject(&Rule{Kind: k, Reads: []access.Kind{k}}, &r)
		}
	}
	return nil
}

// busyOrg breaks most rules of the family, by several credentials.
func busyOrg() Input {
	prod, dev := machineProjectNamed(2, "shop-prod", "prod"), machineProjectNamed(3, "shop-dev", "dev")
	prod.Entries = []string{"203.0.113.0/28"}
	prod.ServiceAccounts = []access.ProjectServiceAccount{{ClientID: "mdb_sa_id_a", Title: "ci", Roles: []string{reach.ProjectOwner}}}
	dev.ServiceAccounts = []access.ProjectServiceAccount{{ClientID: "mdb_sa_id_a", Title: "ci", Roles: []string{reach.ProjectOwner}}}
	old := machineNow.AddDate(-1, 0, 0)
	return machineOrg([]access.Contribution{prod, dev},
		access.ServiceAccount{ClientID: "mdb_sa_id_a", Title: "ci", Roles: []string{"ORG_MEMBER"}, CreatedAt: old},
		access.ServiceAccountSecret{ClientID: "mdb_sa_id_a", ID: "s1", CreatedAt: old, ExpiresAt: machineNow.AddDate(0, 0, 3)},
		access.APIAccessEntry{Identity: "mdb_sa_id_a", Entry: "203.0.113.4/32", CreatedAt: old},
		access.APIKey{PublicKey: "aaaaaaaa", Roles: []access.AtlasRole{{Role: reach.OrgOwner, Org: testOrg}}},
		access.APIKey{PublicKey: "bbbbbbbb", Roles: []access.AtlasRole{{Role: "GROUP_READ_ONLY", Project: prod.Scope.ID()}}},
		access.APIAccessEntry{Identity: "bbbbbbbb", Entry: "0.0.0.0/0", CreatedAt: old},
	)
}

// What a rule does not say that it reads makes no difference to it: its answers, messages
// and facts are the same with that kind empty.
func TestMachineRulesRestOnWhatTheyRead(t *testing.T) {
	e := mustLoad(t, testPolicy())
	full := machineAnswers(e, busyOrg())
	if len(full) < 20 {
		t.Fatalf("only %d verdicts: %v", len(full), full)
	}
	without := func(k access.Kind) Input {
		in := busyOrg()
		c := in.Collections[k]
		c.Resources = nil
		if ofOrg(k) {
			in.Collections[k] = c
			return in
		}
		for i := range in.Facts.Projects {
			switch p := &in.Facts.Projects[i]; k {
			case access.KindProjectServiceAccount:
				p.ServiceAccounts = nil
			case access.KindIPAccessEntry:
				p.Entries = nil
			case access.KindProject:
				p.Title, p.Environment = "", ""
			}
		}
		return in
	}
	for _, k := range slices.Concat(access.OrgKinds(), []access.Kind{access.KindProject, access.KindProjectServiceAccount, access.KindIPAccessEntry}) {
		answers := machineAnswers(e, without(k))
		for name, was := range full {
			id, _, _ := strings.Cut(name, " ")
			rule, _ := e.Rule(id)
			if slices.Contains(rule.Reads, k) || rule.On == OnChange {
				continue
			}
			if diff := cmp.Diff(was, answers[name]); diff != "" {
				t.Errorf("%s without %s (-full +without):\n%s", name, k, diff)
			}
		}
	}
}

func TestMachineDeniedReads(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for _, k := range access.OrgKinds() {
		in := busyOrg()
		c := in.Collections[k]
		c.Status = access.StatusDenied
		in.Collections[k] = c
		for _, v := range e.Evaluate(in) {
			rule, _ := e.Rule(v.Rule)
			if !strings.HasPrefix(v.Rule, "key/") && !strings.HasPrefix(v.Rule, "serviceaccount/") {
				continue
			}
			needs := v.Ref.Kind == k || !slices.Contains(rule.Kinds, k) && slices.Contains(rule.Reads, k)
			if denied := strings.Contains(v.Why, string(k)+" cannot be read (denied)"); denied != needs || needs && v.Answer != access.AnswerUnknown {
				t.Errorf("%s denied: %s of %s is %q (%s), reads %v", k, v.Rule, v.Ref.Name, v.Answer, v.Why, rule.Reads)
			}
		}
	}
}

func TestMachineSources(t *testing.T) {
	p := testPolicy()
	p.Networks = []access.Network{
		{Environment: "prod", Purposes: map[string][]string{"ci": {"198.51.100.16/28"}, "app": {"203.0.113.0/28"}}},
		{Environment: "dev", Purposes: map[string][]string{"ci": {"198.51.100.32/28", "2001:db8:1::/48"}}},
	}
	p.Own = access.OwnAccess{Credentials: []string{"ownownow"}, Addresses: []string{"198.51.100.200/32"}}
	e := mustLoad(t, p)
	for _, c := range []struct {
		name      string
		list      []string
		world     bool
		untrusted []string
	}{
		{"inside", []string{"198.51.100.20/32", "198.51.100.32/28"}, false, []string{}},
		{"both halves of two declared ones", []string{"198.51.100.16/29", "198.51.100.24/29"}, false, []string{}},
		{"mapped, inside", []string{"::ffff:198.51.100.16/124"}, false, []string{}},
		{"mapped, outside", []string{"::ffff:203.0.113.4/128"}, false, []string{"203.0.113.4/32"}},
		{"one bit too wide", []string{"198.51.100.0/27"}, false, []string{"198.51.100.0/27"}},
		{"IPv6 inside and outside", []string{"2001:db8:1:2::/64", "2001:db8:2::/48"}, false, []string{"2001:db8:2::/48"}},
		{"declared for the app, not for pipelines", []string{"203.0.113.1/32"}, false, []string{"203.0.113.1/32"}},
		{"the address of Gatewarden is not everybody's", []string{"198.51.100.200/32"}, false, []string{"198.51.100.200/32"}},
		{"split in eight", []string{"0.0.0.0/3", "32.0.0.0/3", "64.0.0.0/3", "96.0.0.0/3", "128.0.0.0/3", "160.0.0.0/3", "192.0.0.0/3"}, true, nil},
		{"all of IPv6 that is in use", []string{"2000::/4"}, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			states := []access.State{access.APIKey{PublicKey: "aaaaaaaa"}}
			for _, x := range c.list {
				states = append(states, access.APIAccessEntry{Identity: "aaaaaaaa", Entry: x})
			}
			s := machineSubject(e, machineOrg(nil, states...), "aaaaaaaa")
			if got := s.sources().world; got != c.world {
				t.Errorf("world: %v, want %v", got, c.world)
			}
			if diff := cmp.Diff(c.untrusted, s.untrusted()); c.untrusted != nil && diff != "" {
				t.Errorf("untrusted (-want +got):\n%s", diff)
			}
		})
	}
	own := machineSubject(e, machineOrg(nil, access.APIKey{PublicKey: "ownownow"}, access.APIAccessEntry{Identity: "ownownow", Entry: "198.51.100.200/32"}), "ownownow")
	if got := own.untrusted(); len(got) != 0 {
		t.Errorf("our own address is untrusted for our own key: %v", got)
	}
}

func TestMachineMakers(t *testing.T) {
	p := testPolicy()
	p.Principals = []access.Principal{
		{ID: "alice", Email: "Alice@Example.com"},
		{ID: "pipeline", Atlas: []string{"abcdefgh"}, Owns: []string{"mdb_sa_id_ci"}},
	}
	p.Groups = map[string][]string{"platform": {"alice"}}
	e := mustLoad(t, p)
	human := func(name string) access.Actor { return access.Actor{Type: access.ActorHuman, Name: name} }
	for _, c := range []struct {
		actor   access.Actor
		allowed []string
		want    bool
	}{
		{human("alice@example.com"), []string{"platform"}, true},
		{human("ALICE@EXAMPLE.COM"), []string{"alice"}, true},
		{human("alice@example.com"), []string{"alice@example.com"}, true},
		{human("rajesh@example.com"), []string{"platform"}, false},
		{access.Actor{Type: access.ActorHuman, Name: "a@example.com", Principal: "alice"}, []string{"platform"}, true},
		{human("x@example.com"), []string{"*@example.com"}, true},
		{human("x@evil-example.com"), []string{"*@example.com"}, false},
		{human("x@example.com.evil.org"), []string{"*@example.com"}, false},
		{human("x@mail.example.com"), []string{"*@example.com"}, false},
		{human("alice@example.com\u200b"), []string{"alice@example.com"}, false},
		{human("al\u0131ce@example.com"), []string{"alice@example.com"}, false},
		{human("\u212aim@example.com"), []string{"kim@example.com"}, false},
		{human(""), []string{"*"}, false},
		{access.Actor{Type: access.ActorAPIKey, Name: "abcdefgh"}, []string{"pipeline"}, true},
		{access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_ci"}, []string{"pipeline"}, true},
		{access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_other"}, []string{"pipeline"}, false},
		{access.Actor{Type: access.ActorDelegated, Name: "assistant", ID: "d1", OnBehalfOf: "alice@example.com"}, []string{"platform"}, true},
		{access.Actor{Type: access.ActorDelegated, Name: "alice@example.com", ID: "alice@example.com", OnBehalfOf: "mallory@example.com"}, []string{"platform", "alice@example.com"}, false},
		{access.Actor{Type: access.ActorEmployee, Name: "support@mongodb.com"}, []string{"platform"}, false},
		{access.Actor{Type: access.ActorAtlas}, []string{"platform"}, true},
	} {
		in := machineOrg(nil)
		change := access.Change{ID: "c", Op: access.OpCreated, Ref: access.Ref{Scope: in.Scope, Kind: access.KindAPIKey, Name: "aaaaaaaa"}, Actor: c.actor}
		w := newWorld(e, &in)
		s := w.changeSubject(&Rule{Kind: access.KindAPIKey, Params: map[string]any{"allowed": c.allowed}}, change)
		if got := s.makerAllowed(); got != c.want {
			t.Errorf("%+v by %v: allowed %v, want %v", c.actor, c.allowed, got, c.want)
		}
	}
}

// A later word on who made it counts at once.
func TestMachineMakerToldLater(t *testing.T) {
	p := testPolicy()
	p.Overrides = map[string]Override{"key/undeclared": {Params: map[string]any{"allowed": []string{"alice@example.com"}}}}
	e := mustLoad(t, p)
	in := machineOrg(nil, access.APIKey{PublicKey: "aaaaaaaa"})
	made := access.Change{
		V: 1, ID: string(in.Scope) + ".api_key.1.0", Op: access.OpCreated, Ref: access.Ref{Scope: in.Scope, Kind: access.KindAPIKey, Name: "aaaaaaaa"},
		After: access.Box{State: access.APIKey{PublicKey: "aaaaaaaa"}}, Occurred: machineNow, Observed: machineNow,
	}
	told := made
	told.Op, told.Rev, told.Actor = access.OpAttributed, 1, access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
	for _, c := range []struct {
		changes []access.Change
		want    access.Answer
	}{
		{[]access.Change{made}, access.AnswerUnknown},
		{[]access.Change{made, told}, access.AnswerViolation},
	} {
		in.Changes = c.changes
		got := access.Answer("none")
		for _, v := range e.Evaluate(in) {
			if v.Rule == "key/undeclared" {
				got = v.Answer
			}
		}
		if got != c.want {
			t.Errorf("after %d changes it is %q, want %q", len(c.changes), got, c.want)
		}
	}
}

// The org is in no environment: an identity of any counts there, the first one first.
func TestMachineIdentity(t *testing.T) {
	p := testPolicy()
	p.Identities = []access.Identity{
		{Class: access.ClassAutomation, Machines: []string{"ci-*", "mdb_sa_id_a"}, Environments: []string{"dev"}, AtlasRoles: []string{reach.ProjectOwner}},
		{Class: access.ClassApp, Machines: []string{"*-shop", "mdb_sa_id_x"}},
		{Class: access.ClassAutomation, Machines: []string{"ci-*"}, Environments: []string{"prod"}, AtlasRoles: []string{"GROUP_CLUSTER_MANAGER"}},
	}
	e := mustLoad(t, p)
	for title, want := range map[string]string{"ci-shop": access.ClassAutomation, "web-shop": access.ClassApp, "ci": "", "CI-shop": access.ClassApp, "ci\u2010shop": ""} {
		s := machineSubject(e, machineOrg(nil, access.ServiceAccount{ClientID: "mdb_sa_id_b", Title: title}), "mdb_sa_id_b")
		if got := s.identity().Class; got != want {
			t.Errorf("%q is of class %q, want %q", title, got, want)
		}
	}
	owner := []access.ProjectServiceAccount{{ClientID: "mdb_sa_id_a", Title: "ci-a", Roles: []string{reach.ProjectOwner}}}
	var projects []access.Contribution
	for i, env := range []string{"prod", "dev", ""} {
		c := machineProjectNamed(i+2, "shop-"+env, env)
		c.ServiceAccounts = owner
		projects = append(projects, c)
	}
	s := machineSubject(e, machineOrg(projects, access.ServiceAccount{ClientID: "mdb_sa_id_a", Title: "ci-a", Roles: []string{"ORG_MEMBER"}}), "mdb_sa_id_a")
	if diff := cmp.Diff([]string{"shop-", "shop-prod"}, projectTitles(s.ownedProjects())); diff != "" {
		t.Errorf("owned without being declared (-want +got):\n%s", diff)
	}
}

// Whatever roles are held: a way to the data needs a role for users and one for the
// network on the same project, by Atlas's own table of what operations require.
func TestMachineToDataProperty(t *testing.T) {
	e := mustLoad(t, testPolicy())
	users := []string{"GROUP_OWNER", "GROUP_DATABASE_ACCESS_ADMIN", "GROUP_STREAM_PROCESSING_OWNER"}
	doors := []string{"GROUP_OWNER", "GROUP_NETWORK_ACCESS_MANAGER"}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.SampledFrom(append(reach.ProjectRoles(), "GROUP_NEW_ROLE")), rapid.ID[string])
		var key access.APIKey
		var projects []access.Contribution
		want := []string{}
		for n := range 3 {
			c := machineProjectNamed(n+2, fmt.Sprintf("p%d", n), "prod")
			projects = append(projects, c)
			held := names.Draw(t, "roles")
			in := func(list []string) bool {
				return slices.ContainsFunc(held, func(r string) bool { return slices.Contains(list, r) })
			}
			if in(users) && in(doors) {
				want = append(want, c.Title)
			}
			for _, r := range held {
				key.Roles = append(key.Roles, access.AtlasRole{Role: r, Project: c.Scope.ID()})
			}
		}
		key.PublicKey = "aaaaaaaa"
		got := machineSubject(e, machineOrg(projects, key), "aaaaaaaa").toData()
		if diff := cmp.Diff(want, projectTitles(got.projects)); diff != "" || got.everywhere {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// What would be enough is never more than what is held, and nobody is told to give up a
// role that is the narrowest one for what leaves no event.
func TestMachineEvidenceProperty(t *testing.T) {
	seen := []string{"NETWORK_PERMISSION_ENTRY_ADDED", "MONGODB_USER_ADDED", "MONGODB_ROLE_UPDATED", "CLUSTER_CREATED", "API_KEY_CREATED", "SOMETHING_NEW"}
	rapid.Check(t, func(t *rapid.T) {
		e := reach.Evidence{
			ProjectRoles: rapid.SliceOfDistinct(rapid.SampledFrom(reach.ProjectRoles()), rapid.ID[string]).Draw(t, "roles"),
			Since:        machineNow.AddDate(0, 0, -rapid.IntRange(80, 100).Draw(t, "days")), ProjectEvents: map[string]time.Time{},
		}
		for _, x := range rapid.SliceOf(rapid.SampledFrom(seen)).Draw(t, "events") {
			e.ProjectEvents[x] = machineNow.AddDate(0, 0, -3)
		}
		got := newEvidence(e.ProjectRoles, reach.LeastPrivilege(e, machineNow))
		enough := slices.Concat(got.roles, got.keepers)
		switch {
		case got.unknown != "" && got.narrower:
			t.Fatalf("unknown, and narrower: %+v", got)
		case got.narrower && (!allContained(enough, e.ProjectRoles) || allContained(e.ProjectRoles, enough)):
			t.Fatalf("%v is not narrower than %v", enough, e.ProjectRoles)
		case slices.Equal(e.ProjectRoles, []string{"GROUP_CLUSTER_LOG_VIEWER"}) && got.narrower:
			t.Fatalf("reading logs leaves no event: %+v", got)
		}
	})
}

// One look is enough to hold a credential against its declaration, and for no more.
func TestMachineOneLook(t *testing.T) {
	p := testPolicy()
	p.Identities = []access.Identity{{Class: access.ClassAutomation, Machines: []string{"ci"}, AtlasRoles: []string{"ORG_READ_ONLY"}}}
	e := mustLoad(t, p)
	in := machineOrg(nil,
		access.ServiceAccount{ClientID: "a", Title: "ci", Roles: []string{"ORG_GROUP_CREATOR"}},
		access.ServiceAccount{ClientID: "b", Title: "ci", Roles: []string{"ORG_READ_ONLY"}},
		access.ServiceAccount{ClientID: "c", Title: "other", Roles: []string{"ORG_GROUP_CREATOR"}},
	)
	for _, once := range []bool{true, false} {
		in.Once = once
		got := map[string]access.Answer{}
		for _, v := range e.Evaluate(in) {
			if v.Rule == "key/over-privileged" {
				got[v.Ref.Name] = v.Answer
			}
		}
		want := map[string]access.Answer{"a": access.AnswerViolation, "b": access.AnswerPass, "c": access.AnswerNotApplicable}
		if !once {
			want["c"] = access.AnswerUnknown
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("once %v (-want +got):\n%s", once, diff)
		}
	}
}

func TestMachineLabels(t *testing.T) {
	e := mustLoad(t, testPolicy())
	s := machineSubject(e, machineOrg(nil, access.APIKey{PublicKey: "aaaaaaaa", Description: "ci\"\n<!here> `x`"}), "aaaaaaaa")
	if got, want := s.machineLabel(), "API key aaaaaaaa (\"ci\\\"\\n<!here> `x`\")"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	many := make([]string, 20)
	if got := machineList(many); !strings.HasSuffix(got, " and 12 more") {
		t.Errorf("a long list is %q", got)
	}
}
