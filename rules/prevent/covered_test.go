package prevent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

const onList = `forbid(principal, action == ResourcePolicy::Action::"project.ipAccessList.modify", resource) `

func existing(texts ...string) []access.ResourcePolicy {
	var out []access.ResourcePolicy
	for i, t := range texts {
		out = append(out, access.ResourcePolicy{ID: fmt.Sprint(i), Title: fmt.Sprint("policy ", i), Policies: []string{t}})
	}
	return out
}

func TestCovers(t *testing.T) {
	const documented = onList + `when { context.project.ipAccessList.contains(ip("0.0.0.0/0")) };`
	const open, auditing, peering = "network/open-to-world", "project/auditing-off", "network/unapproved-peering"
	const onCluster = `forbid(principal, action == ResourcePolicy::Action::"cluster.modify", resource) `
	for _, c := range []struct {
		name    string
		texts   string // apart by newlines
		rule    string
		given   Given
		want    Answer
		missing string
	}{
		{"nothing", "", open, Given{}, Open, "0.0.0.0/0 in any project"},
		{"the documented one", documented, open, Given{}, Partly, "::/0 in any project"},
		{"another action", onCluster + ";", open, Given{}, Open, "0.0.0.0/0"},
		{"everything", `forbid(principal, action, resource);`, open, Given{}, Covered, ""},
		{"everything, for a permit too", `permit(principal, action, resource);`, open, Given{}, Open, "0.0.0.0/0"},
		{"every change of lists", onList + ";", open, Given{}, Covered, ""},
		{"an empty list", onList + "unless { context.project.ipAccessList.isEmpty() };", open, Given{}, Covered, ""},
		{"only some", onList + `unless { [ip("8.8.8.8/32")].containsAll(context.project.ipAccessList) };`, open, Given{}, Covered, ""},
		{"only some, the world among them", onList + `unless { [ip("8.8.8.8/32"), ip("0.0.0.0/0")].containsAll(context.project.ipAccessList) };`, open, Given{}, Partly, "0.0.0.0/0"},
		{"a project excepted", onList + `unless { resource in ResourcePolicy::Project::"` + shopDev + `" };`, open, Given{}, Partly, "project " + shopDev},
		{"a project excepted by ours too", onList + `unless { resource in ResourcePolicy::Project::"` + shopDev + `" };`, open, Given{Except: []string{shopDev}}, Covered, ""},
		{"one project of all", onList + `when { resource in ResourcePolicy::Project::"` + shopProd + `" };`, open, Given{}, Partly, "any project"},
		{"the projects of the environment", onList + `when { resource in ResourcePolicy::Project::"` + shopProd + `" || resource == ResourcePolicy::Project::"` + payProd + `" };`, open, shop(), Covered, ""},
		{"one project of the environment", onList + `when { resource in ResourcePolicy::Project::"` + shopProd + `" };`, open, shop(), Partly, payProd},
		{"the org", onList + `when { resource in ResourcePolicy::Organization::"` + orgID + `" };`, open, shop(), Covered, ""},
		{"with a few clusters only", onList + `when { context.project.clustersInProject < 10 };`, open, Given{}, Partly, "0.0.0.0/0"},
		{"no Cedar", `no policy`, open, Given{}, Unknown, "0.0.0.0/0"},
		{"an older schema", `forbid(principal, action == cloud::Action::"project.edit", resource);`, open, Given{}, Unknown, "0.0.0.0/0"},
		{"an older schema in a list", `forbid(principal, action in [cloud::Action::"project.edit"], resource);`, open, Given{}, Unknown, "0.0.0.0/0"},
		{"what we do not know of", onList + "when { context.project.someday };", open, Given{}, Unknown, "0.0.0.0/0"},
		{"no Cedar beside enough", "no policy\n" + onList + ";", open, Given{}, Covered, ""},
		{"by two", documented + "\n" + onList + `when { context.project.ipAccessList != [ip("0.0.0.0/0")] };`, open, Given{}, Covered, ""},

		{"a wider list than declared", onList + `unless { [ip("20.30.40.0/24"), ip("20.30.41.0/24")].containsAll(context.project.ipAccessList) };`, "network/undeclared-source", Given{Networks: []string{"20.30.40.0/24"}}, Partly, "20.30.41.0/24"},
		{"the range around the declared one", onList + `unless { [ip("20.30.40.0/23")].containsAll(context.project.ipAccessList) };`, "network/undeclared-source", Given{Networks: []string{"20.30.40.0/24"}}, Partly, "20.30.40.0/23"},
		{"a narrower list than declared", onList + `unless { [ip("20.30.40.0/24")].containsAll(context.project.ipAccessList) };`, "network/undeclared-source", Given{Networks: []string{"20.30.40.0/24", "20.30.41.0/24"}}, Covered, ""},
		{"the wildcard is not undeclared sources", documented, "network/undeclared-source", Given{Networks: []string{"20.30.40.0/24"}}, Partly, "9.9.9.9/32"},

		{"auditing", onCluster + "when { context.project.databaseAuditing.enabled == false };", auditing, Given{}, Covered, ""},
		{"auditing on one provider", onCluster + `when { !context.project.databaseAuditing.enabled && context.cluster.cloudProviders == [ResourcePolicy::CloudProvider::"aws"] };`, auditing, Given{}, Partly, "azure"},
		{"regions only", onCluster + `unless { [ResourcePolicy::Region::"aws:eu-west-1"].containsAll(context.cluster.regions) };`, auditing, Given{}, Open, "aws:eu-west-1"},
		{"clusters never", onCluster + ";", auditing, Given{}, Unknown, ""},
		{"one cluster", `forbid(principal, action == ResourcePolicy::Action::"cluster.modify", resource == ResourcePolicy::Cluster::"670968dfc0a2297ef46bc02a");`, auditing, Given{}, Open, "aws"},

		{"a frozen list of peerings", `forbid(principal, action == ResourcePolicy::Action::"project.vpcPeering.modify", resource) when { context.project.peeringConnections == ["aws:000123456789:vpc-0316c47cc923ce313:10.0.0.0/16"] };`, peering, shop(), Partly, "project.vpcPeering.modify"},
		{"peerings and endpoints", `forbid(principal, action in [ResourcePolicy::Action::"project.vpcPeering.modify", ResourcePolicy::Action::"project.privateEndpoint.modify"], resource);`, peering, shop(), Covered, ""},
		{"peerings alone", `forbid(principal, action == ResourcePolicy::Action::"project.vpcPeering.modify", resource);`, peering, shop(), Partly, "project.privateEndpoint.modify"},

		{"no policy for the rule", onList + ";", "dbuser/unscoped", Given{}, Without, ""},
		{"not enough is given", onList + ";", "network/undeclared-source", Given{}, Without, ""},
	} {
		got := Covers(existing(strings.FieldsFunc(c.texts, func(r rune) bool { return r == '\n' })...), c.rule, c.given)
		if got.Answer != c.want || (len(got.Missing) == 0) != (c.missing == "") || !strings.Contains(strings.Join(got.Missing, "\n"), c.missing) {
			t.Errorf("%s: %+v, want %s without %s", c.name, got, c.want, c.missing)
		}
		if len(got.Missing) > mostMissing {
			t.Errorf("%s: %d are missing", c.name, len(got.Missing))
		}
	}
}

// Each policy covers its own rule, each of its texts is needed, and what a second policy
// forbids beside makes no difference.
func TestCoversItself(t *testing.T) {
	for _, rule := range Rules() {
		text := mustPolicy(t, rule, shop())
		if got := Covers([]access.ResourcePolicy{{Policies: text.Policies}}, rule, shop()); got.Answer != Covered {
			t.Errorf("%s: %+v", rule, got)
		}
		for i := range text.Policies {
			rest := slices.Delete(slices.Clone(text.Policies), i, i+1)
			if got := Covers([]access.ResourcePolicy{{Policies: rest}}, rule, shop()); got.Answer == Covered {
				t.Errorf("%s is covered without\n%s", rule, text.Policies[i])
			}
		}
	}
}

// A policy of another rule covers a rule when it forbids as much.
func TestCoversByAnother(t *testing.T) {
	policy := func(rule string) []access.ResourcePolicy {
		return []access.ResourcePolicy{{Policies: mustPolicy(t, rule, shop()).Policies}}
	}
	for _, c := range []struct {
		by, rule string
		want     Answer
	}{
		{"network/entry-too-broad", "network/exposure-too-wide", Covered},
		{"network/open-to-world", "network/transient-open-to-world", Covered},
		{"network/undeclared-source", "network/open-to-world", Covered},
		{"network/undeclared-source", "network/provider-range", Covered},
		{"network/open-to-world", "network/entry-too-broad", Partly},
		{"network/entry-too-broad", "network/open-to-world", Partly}, // not the mapped ones
		{"network/unapproved-peering", "network/open-to-world", Open},
	} {
		if got := Covers(policy(c.by), c.rule, shop()); got.Answer != c.want {
			t.Errorf("%s by %s: %+v", c.rule, c.by, got)
		}
	}
}

func TestUnread(t *testing.T) {
	texts := existing("no policy", onList+"when { context.project.someday };", onList+"when { false };", "no policy")
	texts[3].Title = "policy 0"
	if got := Covers(texts, "network/open-to-world", Given{}); !slices.Equal(got.Unread, []string{"policy 0", "policy 1"}) {
		t.Errorf("unread %v", got.Unread)
	}
}

// Texts are outside bytes: whatever they are, there is an answer.
func FuzzCovers(f *testing.F) {
	f.Add(onList + `when { context.project.ipAccessList.contains(ip("0.0.0.0/0")) };`)
	f.Add(`@a("b") permit(principal in X::"y", action, resource is Z in Y::"q") when { if context.a.contains({c: [2]}) then -1 else !context["e"] } unless { ip("::1").isInRange(resource.f) };`)
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 1<<10 {
			return
		}
		got := Covers(existing(body), "project/auditing-off", Given{})
		if got.Answer == Without || got.Answer == Covered && len(got.Missing) > 0 {
			t.Errorf("%q: %+v", body, got)
		}
	})
}
