package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
)

const noWildcard = `forbid(principal, action == ResourcePolicy::Action::"project.ipAccessList.modify", resource) when { context.project.ipAccessList.contains(ip("0.0.0.0/0")) };`

func policyBody(name string, bodies ...string) string {
	var list []object
	for _, b := range bodies {
		list = append(list, object{"body": b})
	}
	return text(object{"name": name, "policies": list})
}

func TestPolicyLife(t *testing.T) {
	w := start(t)
	list := w.path("{org}/resourcePolicies")
	if a := w.as(readerID, "GET", list, nil); a.raw != "[]" {
		t.Errorf("at first %s", a.raw)
	}
	valid := w.as(ownerID, "POST", list+":validate", policyBody("p", noWildcard))
	if valid.status != 200 || valid.body["name"] != "p" || len(w.Effects()) != 0 {
		t.Errorf("validate: %d %s", valid.status, valid.raw)
	}
	made := w.as(ownerID, "POST", list, policyBody("p", noWildcard))
	id, _ := made.body["id"].(string)
	by := fmt.Sprint(made.body["createdByUser"])
	if made.status != 201 || !isID(id) || rowsOf(made.body["policies"])[0]["body"] != noWildcard || by != "map[id:0123456789abcdef01234567 name:"+ownerID+"]" {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	path := list + "/" + id
	if a := w.as(readerID, "GET", path, nil); a.raw != made.raw {
		t.Errorf("got %s, want %s", a.raw, made.raw)
	}
	for range 2 {
		if a := w.do("PATCH", path, `{"name":"q","description":"d"}`); a.status != 200 || a.body["name"] != "q" || a.body["description"] != "d" {
			t.Errorf("patch: %d %s", a.status, a.raw)
		}
	}
	for i, want := range []int{200, 404} {
		if a := w.as(ownerID, "DELETE", path, nil); a.status != want || want == 200 && a.raw != "" {
			t.Errorf("delete %d: %d %s", i, a.status, a.raw)
		}
	}
	e := w.events("{org}")
	if kinds(e) != "RESOURCE_POLICY_DELETED RESOURCE_POLICY_MODIFIED RESOURCE_POLICY_CREATED" || e[1]["username"] != "alice@example.com" || e[1]["resourcePolicyId"] != id {
		t.Errorf("events %v", e)
	}
	if a := w.as(readerID, "POST", list+":validate", policyBody("p", noWildcard)); a.status != 401 {
		t.Errorf("a reader: %d", a.status)
	}
}

func TestPolicyNames(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{org}/resourcePolicies"), policyBody("one", noWildcard))
	two := w.do("POST", w.path("{org}/resourcePolicies"), policyBody("two", noWildcard)).body["id"].(string)
	w.refusals([]refusal{
		{"POST", "{org}/resourcePolicies", policyBody("one", noWildcard), 400, "RESOURCE_POLICY_NAME_ALREADY_EXISTS"},
		{"PATCH", "{org}/resourcePolicies/" + two, `{"name":"one"}`, 400, "RESOURCE_POLICY_NAME_ALREADY_EXISTS"},
		{"POST", "{org}/resourcePolicies", `{"name":"x"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "{org}/resourcePolicies", policyBody("", noWildcard), 400, "MISSING_ATTRIBUTE"},
		{"PATCH", "{org}/resourcePolicies/" + two, `{"policies":[{"body":"x"}]}`, 400, "POLICY_PARSING_ERROR"},
		{"GET", "{org}/resourcePolicies/ffffffffffffffffffffffff", "", 404, "RESOURCE_POLICY_NOT_FOUND"},
	})
}

func TestPolicyTexts(t *testing.T) {
	const head = `forbid(principal, action, resource) `
	for _, c := range []struct{ body, want string }{
		{noWildcard, ""},
		{head + ";", ""},
		{`permit(principal, action, resource);`, ""},
		{"@id(\"x\")\nforbid ( // all\n principal,action in [ResourcePolicy::Action::\"cluster.modify\"], resource == ResourcePolicy::Cluster::\"a\") unless { true };", ""},
		{head + `when { context.cluster has diskSizeGB && context.cluster.diskSizeGB > 4096 };`, ""},
		{head + `when { (context.cluster has a && context.cluster.a < 30) || !(context.cluster["b"] >= -2) } unless { resource in ResourcePolicy::Project::"x" };`, ""},
		{head + `unless { [ResourcePolicy::Region::"aws:eu-west-1"].containsAll(context.cluster.regions) };`, ""},
		{head + `when { if context.a == {b: 1, "c": "\"x"} then true else false };`, ""},
		{``, "POLICY_PARSING_ERROR"},
		{`no policy`, "POLICY_PARSING_ERROR"},
		{`forbid(principal, action, resource)`, "POLICY_PARSING_ERROR"},
		{`forbid(principal, resource, action);`, "POLICY_PARSING_ERROR"},
		{`forbid(principal, action);`, "POLICY_PARSING_ERROR"},
		{head + `when { };`, "POLICY_PARSING_ERROR"},
		{head + `when { true;`, "POLICY_PARSING_ERROR"},
		{head + `where { true };`, "POLICY_PARSING_ERROR"},
		{head + `when { "open };`, "POLICY_PARSING_ERROR"},
		{head + `when { a ? b };`, "POLICY_PARSING_ERROR"},
		{head + `when { a.b( };`, "POLICY_PARSING_ERROR"},
		{head + `when { 99999999999999999999 == 1 };`, "POLICY_PARSING_ERROR"},
		{head + `; ` + head + `;`, "POLICY_PARSING_ERROR"},
		{head + `when { context.a.contains() };`, "POLICY_PARSING_ERROR"},
		{head + `when { nobody.x };`, "POLICY_PARSING_ERROR"},
		{head + `when { call(1) };`, "POLICY_PARSING_ERROR"},
		{`forbid(principal == ResourcePolicy::User::"x", action, resource);`, "POLICY_HAS_INVALID_PRINCIPAL"},
		{`forbid(principal, action == Action::"view", resource);`, "POLICY_HAS_UNEXPECTED_ENTITIES"},
		{`forbid(principal, action in [cloud::Action::"view", Action::"view"], resource);`, "POLICY_HAS_UNEXPECTED_ENTITIES"},
		{`forbid(principal, action, resource is Photo);`, "POLICY_HAS_UNEXPECTED_ENTITIES"},
		{`forbid(principal, action, resource is ResourcePolicy::Project in ResourcePolicy::Organization::"x");`, ""},
		{head + `when { resource is Photo in ResourcePolicy::Project::"x" };`, "POLICY_HAS_UNEXPECTED_ENTITIES"},
		{head + `unless { [[Album::"x"]].contains(context.a) };`, "POLICY_HAS_UNEXPECTED_ENTITIES"},
		{head + `when { ` + strings.Repeat("!", 17<<10) + `true };`, "POLICY_HAS_BODY_EXCEEDING_MAX_SIZE"},
	} {
		w := start(t)
		a := w.as(ownerID, "POST", w.path("{org}/resourcePolicies:validate"), policyBody("p", c.body))
		if c.body == "" {
			c.want = "VALIDATION_ERROR" // the document wants a character
		}
		if c.want == "" && a.status != 200 || c.want != "" && (a.status != 400 || a.code() != c.want) {
			t.Errorf("%.80s: %d %.200s, want %q", c.body, a.status, a.raw, c.want)
		}
		if !strings.HasPrefix(c.want, "POLICY") {
			continue
		}
		wrong := rowsOf(a.body["invalidPolicies"])
		if a.body["errorType"] != c.want || len(wrong) != 1 || wrong[0]["body"] != c.body || len(rowsOf(wrong[0]["errors"])) != 1 {
			t.Errorf("%.80s: %.200s", c.body, a.raw)
		}
	}
}

// Policies on the access list are evaluated as it would be after the change.
func TestPolicyForbidsAccess(t *testing.T) {
	const head = `forbid(principal, action == ResourcePolicy::Action::"project.ipAccessList.modify", resource) `
	const list = `context.project.ipAccessList`
	for _, c := range []struct {
		name, policy, add string
		forbidden         bool
	}{
		{"wildcard", noWildcard, "0.0.0.0/0", true},
		{"other block", noWildcard, "192.0.2.0/24", false},
		{"v6 wildcard", noWildcard, "::/0", false},
		{"either wildcard", head + `when { ` + list + `.containsAny([ip("0.0.0.0/0"), ip("::/0")]) };`, "::/0", true},
		{"allowed addresses", head + `unless { [ip("192.0.2.1"), ip("198.51.100.0/24"), ip("203.0.113.7/32")].containsAll(` + list + `) };`, "192.0.2.1/32", false},
		{"other address", head + `unless { [ip("192.0.2.1/32"), ip("198.51.100.0/24"), ip("203.0.113.7/32")].containsAll(` + list + `) };`, "192.0.2.2/32", true},
		{"none at all", head + `unless { ` + list + `.isEmpty() };`, "192.0.2.2/32", true},
		{"other project", head + `when { resource in ResourcePolicy::Project::"ffffffffffffffffffffffff" };`, "0.0.0.0/0", false},
		{"this project", head + `when { resource in ResourcePolicy::Project::"PROD" && ` + list + `.contains(ip("0.0.0.0/0")) };`, "0.0.0.0/0", true},
		{"excluded project", head + `when { ` + list + `.contains(ip("0.0.0.0/0")) } unless { resource in ResourcePolicy::Project::"PROD" };`, "0.0.0.0/0", false},
		{"its organization", head + `when { resource in ResourcePolicy::Organization::"ORG" };`, "192.0.2.2/32", true},
		{"other organization", head + `when { resource in ResourcePolicy::Organization::"PROD" };`, "192.0.2.2/32", false},
		{"resource of the scope", `forbid(principal, action, resource == ResourcePolicy::Project::"PROD");`, "192.0.2.2/32", true},
		{"other action", strings.Replace(noWildcard, "project.ipAccessList", "cluster", 1), "0.0.0.0/0", false},
		{"actions", `forbid(principal, action in [ResourcePolicy::Action::"x", ResourcePolicy::Action::"project.ipAccessList.modify"], resource);`, "192.0.2.2/32", true},
		{"permit", strings.Replace(noWildcard, "forbid", "permit", 1), "0.0.0.0/0", false},
		{"no such context", head + `when { context.cluster.diskSizeGB > 1 };`, "0.0.0.0/0", false},
		{"has and count", head + `when { context has cluster || context.project.clustersInProject >= 3 && !(1 == 2) && 1 != 2 };`, "192.0.2.2/32", true},
		{"equal sets", head + `when { ` + list + ` == [ip("203.0.113.7"), ip("198.51.100.0/24"), ip("192.0.2.2")] };`, "192.0.2.2/32", true},
		{"address methods", head + `when { ip("10.1.0.0/16").isInRange(ip("10.0.0.0/8")) && ip("::1").isIpv6() && !ip("::1").isIpv4() };`, "192.0.2.2/32", true},
		{"either way", head + `when { if context has cluster then false else ` + list + `.contains(ip("0.0.0.0/0")) };`, "0.0.0.0/0", true},
		{"nonsense", head + `when { ` + list + `.contains(ip(1)) || true };`, "0.0.0.0/0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			ids := strings.NewReplacer("PROD", w.ProjectID("prod"), "ORG", w.OrgID("ExampleCorp"))
			made := w.do("POST", w.path("{org}/resourcePolicies"), policyBody("p", ids.Replace(c.policy)))
			if made.status != 201 {
				t.Fatalf("got %d %s", made.status, made.raw)
			}
			effects := len(w.Effects())
			a := w.as(ownerID, "POST", w.path("{prod}/accessList"), `[{"cidrBlock":"`+c.add+`"}]`)
			if !c.forbidden {
				if a.status != 201 {
					t.Errorf("got %d %s", a.status, a.raw)
				}
				return
			}
			if a.status != 403 || a.code() != "RESOURCE_POLICY_VIOLATED" || len(w.Effects()) != effects {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			p, o := w.events("{prod}")[0], w.events("{org}")[0]
			if kinds([]map[string]any{p, o}) != "RESOURCE_POLICY_VIOLATED RESOURCE_POLICY_VIOLATED" || p["publicKey"] != ownerID || o["groupId"] != w.ProjectID("prod") {
				t.Errorf("events %v and %v", p, o)
			}
			if fmt.Sprint(p["resourcePolicyId"], p["violatedPolicies"], p["violationAction"]) != fmt.Sprintf("%v[%[1]v]project.ipAccessList.modify", made.body["id"]) || o["resourcePolicyId"] != made.body["id"] {
				t.Errorf("events %v and %v", p, o)
			}
		})
	}
}

func TestNonCompliant(t *testing.T) {
	w := start(t)
	path := w.path("{org}/nonCompliantResources")
	w.do("POST", w.path("{dev}/accessList"), `[{"cidrBlock":"0.0.0.0/0"}]`)
	made := w.do("POST", w.path("{org}/resourcePolicies"), policyBody("p", noWildcard, `forbid(principal, action == ResourcePolicy::Action::"cluster.modify", resource);`))
	a := w.as(readerID, "GET", path, nil)
	want := fmt.Sprintf(`[{"orgId":"%s","resourceId":"%s","resourceName":"dev","resourcePoliciesCausingNonCompliance":[{"policiesCausingNonCompliance":[{"policyId":"%s"}],"resourcePolicyId":"%s","resourcePolicyName":"p"}],"resourceType":"PROJECT"}]`,
		w.OrgID("ExampleCorp"), w.ProjectID("dev"), rowsOf(made.body["policies"])[0]["id"], made.body["id"])
	if a.raw != want {
		t.Errorf("got  %s\nwant %s", a.raw, want)
	}
	w.do("DELETE", w.path("{dev}/accessList/0.0.0.0%2F0"), nil)
	if a := w.as(readerID, "GET", path, nil); a.raw != "[]" {
		t.Errorf("got %s", a.raw)
	}
}

// Reading and evaluating a policy never panics, whatever the text.
func FuzzCedar(f *testing.F) {
	f.Add(noWildcard)
	f.Add(`@a("b") permit(principal in X::"y", action, resource) when { if context.a.contains({c: [2]}) then -1 else !context["e"] } unless { ip("::1").isInRange(resource.f) };`)
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 1<<10 {
			return
		}
		p, err := parsePolicy(body)
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, error %v", p, err)
		}
		if kind, _ := judgePolicy(body); (kind == "POLICY_PARSING_ERROR") == (err == nil) {
			t.Errorf("judged %q, error %v", kind, err)
		}
		context := cedar.NewRecord(cedar.RecordMap{"a": cedar.NewSet(cedar.Long(1))})
		if err == nil && forbids(p, nil, cedar.Request{Context: context}) && p.Effect() != cedar.Forbid {
			t.Error("a permit forbids")
		}
	})
}
