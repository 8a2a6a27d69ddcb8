package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const terraformID = "mdb_sa_id_64f000000000000000000b01"

func terraform() access.Ownership {
	return access.Ownership{Tool: access.ToolTerraform, Credentials: []string{terraformID}, Kinds: []access.Kind{access.KindIPAccessEntry}, Where: "infra/atlas/prod.tf"}
}

func machine(name string) access.Actor {
	return access.Actor{Type: access.ActorServiceAccount, Name: name}
}

// was is an action of ours that put the entry right, and whose change it answered.
func was(ref access.Ref, by access.Actor, cause, verified time.Time) access.Action {
	return access.Action{Ref: ref, State: access.ActionVerified, Actor: by, Outcome: access.Outcome{ExposedFrom: cause, Verified: verified}, Steps: []access.Step{{At: verified, To: access.ActionVerified}}}
}

// TestOwnership: only what a tool's own credential made inside its own pattern is left to its
// owner; what is critical is put right once all the same.
func TestOwnership(t *testing.T) {
	entry := access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: world0}
	user := func(name string) func(*Case) {
		return func(c *Case) {
			c.Finding = userFinding("dbuser/any-database-role", RemedyRestoreRoles, access.DatabaseUser{}, access.DatabaseUser{Database: "admin", Username: name})
			c.Finding.Ref.Scope, c.Finding.Actor, c.Finding.Severity = scope, machine(terraformID), access.High
		}
	}
	profile := func(tool string) func(*Case) {
		return func(c *Case) {
			c.Policy.Guards.Ownership = []access.Ownership{{Tool: tool, Credentials: []string{terraformID}}}
		}
	}
	both := func(sets ...func(*Case)) func(*Case) {
		return func(c *Case) {
			for _, set := range sets {
				set(c)
			}
		}
	}
	critical := func(c *Case) { c.Finding.Severity = access.Critical }
	past := func(by access.Actor, ago time.Duration) func(*Case) {
		return func(c *Case) { c.Past = []access.Action{was(entry, by, t0.Add(-ago-time.Minute), t0.Add(-ago))} }
	}
	for _, c := range []struct {
		name string
		set  func(*Case)
		why  string // empty: it is put right
	}{
		{"its own", func(*Case) {}, "terraform will put it back at its next apply: change it in infra/atlas/prod.tf"},
		{"its own, where it stands is not said", func(c *Case) { c.Policy.Guards.Ownership[0].Where = "" }, "change it in its code"},
		{"a person's", func(c *Case) { c.Finding.Actor = access.Actor{Type: access.ActorHuman, Name: "bob@example.com"} }, ""},
		{"a person who is called so", func(c *Case) { c.Finding.Actor.Type = access.ActorHuman }, ""},
		{"of a type that is not known", func(c *Case) { c.Finding.Actor.Type = "" }, ""},
		{"an API key of that name", func(c *Case) { c.Finding.Actor.Type = access.ActorAPIKey }, "terraform made it"},
		{"another machine's", func(c *Case) { c.Finding.Actor = machine("mdb_sa_id_64f000000000000000000b02") }, ""},
		{"nobody known", func(c *Case) { c.Finding.Actor = access.Actor{} }, ""},
		{"known as judged now", func(c *Case) { c.Finding.Actor, c.Verdict.Actor = access.Actor{}, machine(terraformID) }, "terraform made it"},
		{"another kind", func(c *Case) {
			c.Policy.Guards.Ownership[0].Kinds = []access.Kind{access.KindDatabaseUser}
		}, ""},
		{"another name", func(c *Case) { c.Policy.Guards.Ownership[0].Names = []string{"203.0.113.*"} }, ""},
		{"its name", func(c *Case) { c.Policy.Guards.Ownership[0].Names = []string{"203.0.113.*", "0.*"} }, "terraform made it"},
		{"another project", func(c *Case) { c.Policy.Guards.Ownership[0].Projects = []string{"*-dev"} }, ""},
		{"the project by its id", func(c *Case) { c.Policy.Guards.Ownership[0].Projects = []string{scope.ID()} }, "terraform made it"},
		{"the project by its name", func(c *Case) { c.Title, c.Policy.Guards.Ownership[0].Projects = "shop-prod", []string{"*-prod"} }, "terraform made it"},
		{"a project of no name", func(c *Case) { c.Policy.Guards.Ownership[0].Projects = []string{"*-prod"} }, ""},
		{"the second profile", func(c *Case) {
			c.Policy.Guards.Ownership = append([]access.Ownership{{Tool: access.ToolAKO, Credentials: []string{"x"}}}, c.Policy.Guards.Ownership...)
		}, "terraform made it"},
		{"no profiles", func(c *Case) { c.Policy.Guards.Ownership = nil }, ""},
		{"a cause that is its own", func(c *Case) {
			c.Finding.Ref.Kind, c.Finding.Ref.Name = access.KindProject, scope.ID()
			c.Finding.Evidence.Causes = []access.Ref{entry}
		}, "terraform made it"},
		{"a cause elsewhere", func(c *Case) {
			c.Finding.Ref.Kind, c.Finding.Ref.Name = access.KindProject, scope.ID()
			c.Finding.Evidence.Causes = []access.Ref{{Scope: "prj.64f000000000000000000002", Kind: access.KindIPAccessEntry, Name: world0}}
		}, ""},
		{"critical", critical, ""},
		{"critical, and put right before", both(critical, past(machine(terraformID), time.Hour)), "put right once, at 2026-11-20T11:00:00Z, and made again"},
		{"critical, a person's was put right before", both(critical, past(access.Actor{Type: access.ActorHuman, Name: "bob@example.com"}, time.Hour)), ""},
		{"critical, put right long ago", both(critical, past(machine(terraformID), ownedFor)), ""},
		{"critical, not put right", both(critical, past(machine(terraformID), time.Hour), func(c *Case) { c.Past[0].Outcome.Verified = time.Time{} }), ""},
		{"a user of Vault's", both(user("v-shop-x1y2"), profile(access.ToolVault)), "Vault takes it away when its lease ends"},
		{"no user of Vault's", both(user("shop_v-"), profile(access.ToolVault)), ""},
		{"a user of ConductorOne's", both(user("baton_mongodb_atlas_x1"), profile(access.ToolConductorOne)), "ConductorOne's connector makes such users"},
		{"no user of ConductorOne's", both(user("shop"), profile(access.ToolConductorOne)), ""},
		{"the operator's", both(user("shop"), profile(access.ToolAKO)), "the operator will put it back when it next reconciles"},
		{"none of the operator's", both(profile(access.ToolAKO), func(c *Case) { c.Finding.Ref.Kind = access.KindOrgMember }), ""},
		{"of another tool", both(user("shop"), profile(access.ToolCustom)), "its next run may put it back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kase(entryFinding(world0), list(world0, "203.0.113.0/28")...)
			k.Finding.Actor, k.Finding.Severity, k.Policy.Guards.Ownership = machine(terraformID), access.High, []access.Ownership{terraform()}
			c.set(&k)
			r := owned(k)
			switch {
			case c.why == "" && !r.OK():
				t.Errorf("left to %s", r.Why)
			case c.why != "" && (r.Guard != GuardOwnership || r.End != access.ActionTold || r.Tell || !strings.Contains(r.Why, c.why)):
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestOwnerInCode: an impact names the owner by the pattern alone, and says whether its
// credential made it.
func TestOwnerInCode(t *testing.T) {
	for _, c := range []struct {
		name  string
		actor access.Actor
		own   []access.Ownership
		want  string
	}{
		{"nobody", access.Actor{}, nil, ""},
		{"by the pattern", access.Actor{Name: "bob@example.com"}, []access.Ownership{terraform()}, "terraform in infra/atlas/prod.tf, by its pattern"},
		{"by the credential", machine(terraformID), []access.Ownership{terraform()}, "terraform in infra/atlas/prod.tf, whose credential made it"},
		{"another pattern", access.Actor{}, []access.Ownership{{Tool: access.ToolVault}}, ""},
		{"a pattern of everything names nobody", access.Actor{}, []access.Ownership{{Tool: access.ToolCustom}}, ""},
		{"two", access.Actor{}, []access.Ownership{terraform(), {Tool: access.ToolAKO}, terraform()}, "ako, by its pattern; terraform in infra/atlas/prod.tf, by its pattern"},
	} {
		k := kase(entryFinding(world0), list(world0)...)
		k.Finding.Actor, k.Policy.Guards.Ownership = c.actor, c.own
		if got := ImpactOf(k, deletionOf(world0), access.Logins{}, access.History{}); got.Owner != c.want || c.want != "" && !strings.HasSuffix(got.Says, "in code it is owned by "+c.want) {
			t.Errorf("%s: %q, %s", c.name, got.Owner, got.Says)
		}
	}
}

// TestOwnedIsRevertedOnce: what Terraform opens to the world is closed once, and then its
// owner is asked; what another rule of high severity finds of it is asked about at once.
func TestOwnedIsRevertedOnce(t *testing.T) {
	w, f := open(t)
	w.policy.Guards.Ownership = []access.Ownership{terraform()}
	w.change(f, func(f *access.Finding) { f.Actor = machine(terraformID) })
	if a := w.settle(f); a.State != access.ActionVerified {
		t.Fatalf("%s: %s", a.State, a.Why)
	}
	w.again(f, time.Hour)
	w.let(world0)
	a := w.settle(f)
	if a.State != access.ActionTold || a.Guard != GuardOwnership || !strings.Contains(a.Why, "change it in infra/atlas/prod.tf") || w.count("request") != 1 {
		t.Errorf("%s by %q: %s; %v", a.State, a.Guard, a.Why, w.log)
	}
	w, f = open(t)
	w.policy.Guards.Ownership = []access.Ownership{terraform()}
	w.change(f, func(f *access.Finding) { f.Actor, f.Severity = machine(terraformID), access.High })
	if a := w.settle(f); a.State != access.ActionTold || a.Guard != GuardOwnership || w.count("request") != 0 {
		t.Errorf("%s by %q: %s; %v", a.State, a.Guard, a.Why, w.log)
	}
}

// again opens the finding's next episode after a while.
func (w *world) again(f access.Finding, pause time.Duration) {
	w.now = w.now.Add(pause)
	w.change(f, func(f *access.Finding) {
		f.Episode++
		f.CauseAt, f.OpenedAt = w.now, w.now
	})
}
