package rules

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// putFirst gives the input these states of a kind, as they were at first sight.
func putFirst(in Input, k access.Kind, states ...access.State) {
	c := access.NewCollection(in.Scope, k, states)
	c.FirstRead = t0
	in.Collections[k] = c
}

// TestWaiverLapsesByWhatStandsElsewhere: what violates may be of another kind than the resource
// that the finding is of, and a waiver was given for what was seen.
func TestWaiverLapsesByWhatStandsElsewhere(t *testing.T) {
	p := testPolicy()
	p.Sensitive = []access.Sensitive{{Namespace: "crm.people"}, {Namespace: "payroll"}}
	p.Networks = append(p.Networks, access.Network{Environment: "prod", Purposes: map[string][]string{"ci": {"198.51.100.16/28"}}})
	e := mustLoad(t, p)
	reads := func(privileges ...access.Privilege) func(time.Time, ...access.Waiver) Input {
		return func(now time.Time, ws ...access.Waiver) Input {
			in := waivedWorld(now, ws...)
			putFirst(in, access.KindIPAccessEntry)
			putFirst(in, access.KindCustomRole, access.CustomRole{Role: "tool", Privileges: privileges}, access.CustomRole{Role: "other", Privileges: privileges})
			putFirst(in, access.KindDatabaseUser, access.DatabaseUser{Database: "admin", Username: "bob", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "tool", Database: "admin"}}})
			return in
		}
	}
	from := func(entries ...string) func(time.Time, ...access.Waiver) Input {
		return func(now time.Time, ws ...access.Waiver) Input {
			org := access.OrgScope("0000000000000000000000a1")
			in := Input{Scope: org, Now: now, Collections: map[access.Kind]access.Collection{}, Waivers: ws, Facts: access.Facts{V: 1, Scope: org}}
			for _, k := range access.OrgKinds() {
				putFirst(in, k)
			}
			putFirst(in, access.KindOrg, access.Org{ID: org.ID(), Title: "acme"})
			putFirst(in, access.KindAPIKey, access.APIKey{PublicKey: "aaaaaaaa"})
			var list []access.State
			for _, x := range entries {
				list = append(list, access.APIAccessEntry{Identity: "aaaaaaaa", Entry: x})
			}
			putFirst(in, access.KindAPIAccessEntry, list...)
			return in
		}
	}
	find := access.Privilege{Action: "FIND", Database: "crm", Collection: "people"}
	for _, c := range []struct {
		name, rule, of string
		before, after  func(time.Time, ...access.Waiver) Input
		want           access.FindingState
	}{
		{"another namespace", "dbuser/sensitive-reach", "admin/bob", reads(find), reads(find, access.Privilege{Action: "FIND", Database: "payroll"}), access.FindingOpen},
		{"the same namespace, to be written", "dbuser/sensitive-reach", "admin/bob", reads(find), reads(find, access.Privilege{Action: "REMOVE", Database: "crm", Collection: "people"}), access.FindingOpen},
		{"nothing new", "dbuser/sensitive-reach", "admin/bob", reads(find), reads(find), access.FindingWaived},
		{"another source", "key/untrusted-source", "aaaaaaaa", from("203.0.113.4/32"), from("203.0.113.4/32", "16.0.0.0/4"), access.FindingOpen},
		{"another source that is declared", "key/untrusted-source", "aaaaaaaa", from("203.0.113.4/32"), from("203.0.113.4/32", "198.51.100.17/32"), access.FindingWaived},
	} {
		in := c.before(t0)
		doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
		f := oneOf(t, doc, c.rule, c.of)
		w := access.Waiver{V: 1, ID: "w", Rule: c.rule, Name: c.of, Owner: "alice", Reason: "r", Granted: t0, Until: t0.Add(6 * 24 * time.Hour), Digest: f.Digest}
		if !in.Scope.IsOrg() {
			w.Project = in.Scope.ID()
		}
		in = c.after(t0.Add(time.Hour), w)
		doc, _ = e.Advance(doc, in, e.Evaluate(in))
		if got := oneOf(t, doc, c.rule, c.of); got.State != c.want {
			t.Errorf("%s: it is %s; was %q, is %q", c.name, got.State, f.Message, got.Message)
		}
	}
}

func oneOf(t *testing.T, doc access.Findings, rule, name string) access.Finding {
	t.Helper()
	for _, f := range doc.Findings {
		if f.Rule == rule && f.Ref.Name == name {
			return f
		}
	}
	t.Fatalf("no finding of %s on %s", rule, name)
	return access.Finding{}
}

// TestWholeIsToldByItsRule: a cluster that is called as the id of its project is not all clusters.
func TestWholeIsToldByItsRule(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for _, extra := range []string{"other", prjID} {
		look := func(at time.Duration, ws []access.Waiver, names ...string) Input {
			in := waivedWorld(t0.Add(at), ws...)
			all := []access.State{access.Cluster{Cluster: extra}}
			for _, n := range names {
				all = append(all, access.Cluster{Cluster: n})
			}
			putFirst(in, access.KindIPAccessEntry)
			putFirst(in, access.KindCluster, all...)
			return in
		}
		in := look(0, nil, "shop-staging", "shop-dev")
		doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
		f := oneOf(t, doc, "project/mixed-environments", prjID)
		w := access.Waiver{V: 1, ID: "w", Rule: f.Rule, Name: f.Ref.Name, Project: prjID, Owner: "a", Reason: "r", Granted: t0, Until: t0.Add(6 * 24 * time.Hour), Digest: f.Digest}
		for state, names := range map[access.FindingState][]string{
			access.FindingWaived: {"shop-staging", "shop-dev"},
			access.FindingOpen:   {"shop-staging", "shop-dev", "shop-prod-payments"},
		} {
			in = look(time.Hour, []access.Waiver{w}, names...)
			after, _ := e.Advance(doc, in, e.Evaluate(in))
			if g := oneOf(t, after, f.Rule, prjID); g.State != state {
				t.Errorf("beside %s, %v: it is %s", extra, names, g.State)
			}
		}
	}
}

// judgedWorld is what a built-in rule found in the world of one of its tests.
type judgedWorld struct {
	test string
	e    *Engine
	in   Input
	all  map[string]access.Verdict // violations of state, by ref
}

// judgedWorlds are those of all tests of a rule in which it found something.
func judgedWorlds(t *testing.T, d *draft) (out []judgedWorld) {
	t.Helper()
	for _, x := range d.tests {
		r, err := x.world.adjust(d.rule)
		if err != nil {
			t.Fatal(err)
		}
		j := judgedWorld{test: x.name, e: &Engine{rules: []*Rule{r}, policy: newPolicy(x.world.policy(nil))}}
		j.e.setViews()
		if j.in, err = x.world.input(j.e, r); err != nil {
			t.Fatal(err)
		}
		if j.all = j.violations(j.in.Now); len(j.all) > 0 {
			out = append(out, j)
		}
	}
	return out
}

func (j judgedWorld) violations(now time.Time) map[string]access.Verdict {
	in, out := j.in, map[string]access.Verdict{}
	in.Now = now
	for _, v := range j.e.Evaluate(in) {
		if r := j.e.find(v.Rule); v.Answer == access.AnswerViolation && v.Evidence.Ended.IsZero() && r.asks(v.Key).On != OnChange {
			out[fmt.Sprint(v.Ref, v.Key)] = v
		}
	}
	return out
}

func (j judgedWorld) digest(v access.Verdict) string {
	return j.e.digest(&j.in, func() *aliases { return namesOf(&j.in) }, v)
}

// builtInDrafts are the built-in rules with their tests.
func builtInDrafts(t *testing.T) (out []*draft) {
	t.Helper()
	e := mustLoad(t, Policy{})
	for _, src := range builtins() {
		for _, d := range parse(src, &LoadErrors{}, false) {
			d.rule = e.find(d.rule.ID)
			out = append(out, d)
		}
	}
	return out
}

// TestDigestFollowsWhatIsSaid: of any two worlds of a rule's tests in which the same resource
// violates and the rule says something else of it, the digests are two. And a digest is
// the same an hour or a day later: no waiver lapses by the passing of time.
func TestDigestFollowsWhatIsSaid(t *testing.T) {
	more := []string{ // what is said tells more than the values that violate
		"dbuser/shared-by-workloads",        // one address of each network
		"dbuser/shared-across-environments", // projects of its tests are called like words
		"org/mfa-not-required",              // a parameter
		"watch/rule-failing",                // how often
	}
	pairs, later := 0, 0
	for _, d := range builtInDrafts(t) {
		worlds := judgedWorlds(t, d)
		for i, a := range worlds {
			for _, ref := range slices.Sorted(maps.Keys(a.all)) {
				v := a.all[ref]
				for _, b := range worlds[i+1:] {
					w, there := b.all[ref]
					if !there || a.said(v) == b.said(w) || !a.in.Now.Equal(b.in.Now) || slices.Contains(more, d.rule.ID) {
						continue
					}
					if pairs++; a.digest(v) == b.digest(w) {
						t.Errorf("%s: %q and %q have one digest:\n%s\n%s", d.rule.ID, a.test, b.test, v.Message, w.Message)
					}
				}
				for _, late := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
					w, still := a.violations(a.in.Now.Add(late))[ref]
					if !still {
						continue
					}
					if later++; a.digest(w) != a.digest(v) {
						t.Errorf("%s: %q has another digest %s later:\n%q\n%q", d.rule.ID, a.test, late, v.Values, w.Values)
					}
				}
			}
		}
	}
	if t.Logf("%d pairs, %d later", pairs, later); pairs < 50 || later < 300 {
		t.Errorf("%d pairs and %d looks later are too few", pairs, later)
	}
}

func (j judgedWorld) said(v access.Verdict) string { return namesOf(&j.in).plain(v.Message) }
