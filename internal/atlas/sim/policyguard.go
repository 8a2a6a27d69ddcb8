package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
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
	wrong := bad(p.kind, "%s", p.detail)
	body := wrong.body()
	body["errorType"], body["invalidPolicies"] = p.kind, p.policies
	return answer{status: http.StatusBadRequest, body: body, header: wrong.answer().header}
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
	p, err := parsePolicy(body)
	if err != nil {
		return "POLICY_PARSING_ERROR", err.Error()
	}
	tree := (*ast.Policy)(p.AST())
	if _, free := tree.Principal.(ast.ScopeTypeAll); !free {
		return "POLICY_HAS_INVALID_PRINCIPAL", "the principal cannot be constrained"
	}
	if name := strangeEntity(tree); name != "" {
		return "POLICY_HAS_UNEXPECTED_ENTITIES", "the entity " + name + " is not one of Atlas"
	}
	return "", ""
}

// parsePolicy reads exactly one policy. No schema is known, so that names and types in
// the conditions are not checked.
func parsePolicy(body string) (*cedar.Policy, error) {
	list, err := cedar.NewPolicyListFromBytes("", []byte(body))
	switch {
	case err != nil:
		return nil, err // says where in the text
	case len(list) != 1:
		return nil, fmt.Errorf("there are %d policies, want one", len(list))
	}
	return list[0], nil
}

// strangeEntity is the first entity, or type of entities, outside Atlas's namespace and
// its older one.
func strangeEntity(p *ast.Policy) string {
	strange := ""
	check := func(of cedar.EntityType, text string) {
		known := strings.HasPrefix(string(of), "ResourcePolicy::") || strings.HasPrefix(string(of), "cloud::")
		if !known && strange == "" {
			strange = text
		}
	}
	if actions, ok := p.Action.(ast.ScopeTypeInSet); ok { // the only list without nodes
		for _, e := range actions.Entities {
			check(e.Type, e.String())
		}
	}
	ast.Inspect(eval.PolicyToNode(p), func(n ast.IsNode) bool {
		switch n := n.(type) {
		case ast.NodeValue:
			if e, ok := n.Value.(cedar.EntityUID); ok {
				check(e.Type, e.String())
			}
		case ast.NodeTypeIs:
			check(n.EntityType, string(n.EntityType))
		case ast.NodeTypeIsIn:
			check(n.EntityType, string(n.EntityType))
		}
		return true
	})
	return strange
}

// violated are the policies, by resource policy, that forbid the project to have the
// access list.
func (p *project) violated(list []AccessEntry) map[*ResourcePolicy][]PolicyText {
	known, r := p.accessRequest(list)
	out := map[*ResourcePolicy][]PolicyText{}
	for _, rp := range p.org.resourcePolicies {
		for _, t := range rp.Policies {
			if one, err := parsePolicy(t.Body); err == nil && forbids(one, known, r) {
				out[rp] = append(out[rp], t)
			}
		}
	}
	return out
}

// forbids says whether the policy forbids the request. As in Cedar, a policy that asks for
// what is not there does not apply.
func forbids(p *cedar.Policy, known cedar.EntityMap, r cedar.Request) bool {
	decision, why := cedar.Authorize(cedar.PolicyMap{"": p}, known, r)
	return decision == cedar.Deny && len(why.Reasons) > 0
}

// accessRequest asks about the list as it would be, with the entities to know for it. It
// names no principal. Security groups are no addresses.
func (p *project) accessRequest(list []AccessEntry) (cedar.EntityMap, cedar.Request) {
	var addresses []cedar.Value
	for _, e := range list {
		if prefix, bad := parseAddress(e.CIDRBlock, false); bad == nil {
			addresses = append(addresses, cedar.IPAddr(prefix))
		}
	}
	project := cedar.NewEntityUID("ResourcePolicy::Project", cedar.String(p.id))
	org := cedar.NewEntityUID("ResourcePolicy::Organization", cedar.String(p.org.id))
	known := cedar.EntityMap{project: {UID: project, Parents: cedar.NewEntityUIDSet(org)}}
	return known, cedar.Request{
		Action:   cedar.NewEntityUID("ResourcePolicy::Action", modifyAccessList),
		Resource: project,
		Context: cedar.NewRecord(cedar.RecordMap{"project": cedar.NewRecord(cedar.RecordMap{
			"ipAccessList": cedar.NewSet(addresses...), "clustersInProject": cedar.Long(len(p.clusters) + len(p.flex)),
		})}),
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
