package sim

import (
	"net/http"
	"slices"
	"strings"
)

const modifyAccessList = "project.ipAccessList.modify"

// policyProblem refuses the texts of a resource policy in the shape that the document has
// for it.
type policyProblem struct {
	kind, detail string
	policies     []object
}

// answer has the attributes of every error besides its own (a guess).
func (p *policyProblem) answer() answer {
	if p == nil {
		return answer{}
	}
	body := bad(p.kind, "%s", p.detail).body()
	body["errorType"], body["invalidPolicies"] = p.kind, p.policies
	return answer{status: http.StatusBadRequest, body: body}
}

// checkPolicies refuses texts that are no policy, nil if there is none. The first kind of
// mistake names the problem; all texts that have it are listed.
func checkPolicies(texts []PolicyText) *policyProblem {
	var out *policyProblem
	if len(texts) == 0 {
		return &policyProblem{"POLICY_HAS_FAILED_VALIDATIONS", "at least one policy is required", []object{}}
	}
	for _, t := range texts {
		kind, detail := judgePolicy(t.Body)
		if kind == "" || out != nil && out.kind != kind {
			continue
		}
		if out == nil {
			out = &policyProblem{kind: kind, detail: detail}
		}
		out.policies = append(out.policies, object{"body": t.Body, "errors": []object{{"detail": detail}}})
	}
	return out
}

func judgePolicy(body string) (kind, detail string) {
	if len(body) > longestPolicy {
		return "POLICY_HAS_BODY_EXCEEDING_MAX_SIZE", "the policy is too long"
	}
	p, err := parseCedar(body)
	switch {
	case err != nil:
		return "POLICY_PARSING_ERROR", err.Error()
	case p.principal != nil:
		return "POLICY_HAS_INVALID_PRINCIPAL", "the principal cannot be constrained"
	}
	for _, e := range append([]*cedarExpr{p.action, p.resource}, p.conditionExprs()...) {
		if name := e.strangeEntity(); name != "" {
			return "POLICY_HAS_UNEXPECTED_ENTITIES", "the entity " + name + " is not one of Atlas"
		}
	}
	return "", ""
}

func (p *cedarPolicy) conditionExprs() []*cedarExpr {
	var out []*cedarExpr
	for _, c := range p.conditions {
		out = append(out, c.expr)
	}
	return out
}

// strangeEntity is an entity outside Atlas's namespace and its older one.
func (e *cedarExpr) strangeEntity() string {
	if e == nil {
		return ""
	}
	if e.op == "entity" && !strings.HasPrefix(e.text, "ResourcePolicy::") && !strings.HasPrefix(e.text, "cloud::") {
		return e.text
	}
	for _, a := range e.args {
		if name := a.strangeEntity(); name != "" {
			return name
		}
	}
	return ""
}

// violated are the policies, by resource policy, that forbid the project to have the
// access list.
func (p *project) violated(list []AccessEntry) map[*ResourcePolicy][]PolicyText {
	r := p.accessRequest(list)
	out := map[*ResourcePolicy][]PolicyText{}
	for _, rp := range p.org.resourcePolicies {
		for i, one := range rp.parsed() {
			if one.forbids(r) {
				out[rp] = append(out[rp], rp.Policies[i])
			}
		}
	}
	return out
}

// accessRequest asks about the list as it would be. Security groups are no addresses.
func (p *project) accessRequest(list []AccessEntry) cedarRequest {
	addresses := []any{}
	for _, e := range list {
		if prefix, bad := parseAddress(e.CIDRBlock, false); bad == nil {
			addresses = append(addresses, prefix)
		}
	}
	return cedarRequest{
		action: cedarEntity{name: `ResourcePolicy::Action::"` + modifyAccessList + `"`},
		resource: cedarEntity{
			name: `ResourcePolicy::Project::"` + p.id + `"`, in: []string{`ResourcePolicy::Organization::"` + p.org.id + `"`},
		},
		context: object{"project": object{"ipAccessList": addresses, "clustersInProject": int64(len(p.clusters) + len(p.flex))}},
	}
}

// accessAllowed asks the resource policies about entries that are about to be added. It
// is asked for additions only: a deletion never makes a list worse (a guess). Status and
// code of the refusal are guesses; the event is documented.
func (c *call) accessAllowed(added []AccessEntry) *problem {
	if len(c.project.org.resourcePolicies) == 0 {
		return nil
	}
	list := slices.Clone(added)
	for _, e := range c.project.access {
		list = append(list, e.AccessEntry)
	}
	violated := c.project.violated(list)
	if len(violated) == 0 {
		return nil
	}
	var ids, names []string
	for _, rp := range c.org.resourcePolicies {
		if violated[rp] != nil {
			ids, names = append(ids, rp.ID), append(names, rp.Name)
		}
	}
	c.orgEvent("RESOURCE_POLICY_VIOLATED", c.project.id, object{"resourcePolicyId": ids[0]})
	c.projectEvent("RESOURCE_POLICY_VIOLATED", object{"resourcePolicyId": ids[0], "violatedPolicies": ids, "violationAction": modifyAccessList})
	return fail(http.StatusForbidden, "RESOURCE_POLICY_VIOLATED", "The change of the IP access list violates the resource policies %s.", strings.Join(names, ", "))
}

// nonCompliant lists the projects whose access list a policy forbids. Policies on other
// actions are not evaluated here.
func (c *call) nonCompliant() (answer, *problem) {
	rows := []any{}
	for _, p := range c.org.projects {
		var list []AccessEntry
		for _, e := range p.access {
			list = append(list, e.AccessEntry)
		}
		if causes := c.causes(p.violated(list)); len(causes) > 0 {
			rows = append(rows, object{
				"orgId": c.org.id, "resourceId": p.id, "resourceName": p.name, "resourceType": "PROJECT",
				"resourcePoliciesCausingNonCompliance": causes,
			})
		}
	}
	return answer{status: http.StatusOK, rows: rows}, nil
}

func (c *call) causes(violated map[*ResourcePolicy][]PolicyText) []object {
	var out []object
	for _, rp := range c.org.resourcePolicies {
		var texts []object
		for _, t := range violated[rp] {
			texts = append(texts, object{"policyId": t.ID})
		}
		if texts != nil {
			out = append(out, object{"resourcePolicyId": rp.ID, "resourcePolicyName": rp.Name, "policiesCausingNonCompliance": texts})
		}
	}
	return out
}
