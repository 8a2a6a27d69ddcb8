package sim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const longestPolicy = 16 << 10 // of a policy's text; a guess

// ResourcePolicy is a named list of Cedar policies of an organisation.
type ResourcePolicy struct {
	ID                string       `yaml:"id,omitempty" json:"id"`
	Name              string       `yaml:"name" json:"name"`
	Description       string       `yaml:"description,omitempty" json:"description,omitempty"`
	Policies          []PolicyText `yaml:"policies" json:"policies"`
	Version           string       `yaml:"version,omitempty" json:"version"`
	CreatedDate       *time.Time   `yaml:"createdDate,omitempty" json:"createdDate"`
	CreatedByUser     *PolicyUser  `yaml:"createdByUser,omitempty" json:"createdByUser,omitempty"`
	LastUpdatedDate   *time.Time   `yaml:"lastUpdatedDate,omitempty" json:"lastUpdatedDate"`
	LastUpdatedByUser *PolicyUser  `yaml:"lastUpdatedByUser,omitempty" json:"lastUpdatedByUser,omitempty"`
}

// PolicyText is one Cedar policy.
type PolicyText struct {
	ID   string `yaml:"id,omitempty" json:"id"`
	Body string `yaml:"body" json:"body"`
}

// PolicyUser is who wrote a resource policy.
type PolicyUser struct {
	ID   string `yaml:"id" json:"id"`
	Name string `yaml:"name" json:"name"`
}

// addPolicy takes one of a world, and fills in what was left out.
func (a *Atlas) addPolicy(o *org, w ResourcePolicy) error {
	p := deep(w)
	if p.Name == "" {
		return errors.New("a resource policy has no name")
	}
	if wrong := checkPolicies(p.Policies); wrong != nil {
		return fmt.Errorf("resource policy %q: %s", p.Name, wrong.detail)
	}
	p.ID = orDefault(p.ID, a.derive("resource policy", o.id, p.Name)[:24])
	p.Version = orDefault(p.Version, "v1")
	for i := range p.Policies {
		p.Policies[i].ID = orDefault(p.Policies[i].ID, a.derive("policy", p.ID, fmt.Sprint(i))[:24])
	}
	made := a.now().Truncate(time.Second)
	p.CreatedDate = new(valueOr(p.CreatedDate, made).UTC())
	p.LastUpdatedDate = new(valueOr(p.LastUpdatedDate, *p.CreatedDate).UTC())
	if o.policyNamed(p.Name) != nil {
		return fmt.Errorf("resource policy %q appears twice", p.Name)
	}
	o.resourcePolicies = append(o.resourcePolicies, &p)
	return nil
}

func (o *org) policyNamed(name string) *ResourcePolicy {
	for _, p := range o.resourcePolicies {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (c *call) policyView(p *ResourcePolicy) any {
	out := retyped[object](p)
	out["orgId"] = c.org.id
	return out
}

func (c *call) listPolicies() (answer, *problem) {
	return plain(c.org.resourcePolicies, c.policyView), nil
}

func (c *call) findPolicy() (*ResourcePolicy, *problem) {
	id := c.params["resourcePolicyId"]
	for _, p := range c.org.resourcePolicies {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, missing("RESOURCE_POLICY_NOT_FOUND", "No resource policy with ID %s exists in organization %s.", id, c.org.id) // the code is a guess
}

func (c *call) getPolicy() (answer, *problem) {
	p, bad := c.findPolicy()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.policyView(p))
}

// newPolicy reads the body of a create or a validate.
func (c *call) newPolicy() (ResourcePolicy, *policyProblem, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return ResourcePolicy{}, nil, bad
	}
	p := retyped[ResourcePolicy](doc)
	at := c.at.Truncate(time.Second)
	p.Version, p.CreatedDate, p.LastUpdatedDate = "v1", &at, &at
	p.CreatedByUser, p.LastUpdatedByUser = c.policyUser(), c.policyUser()
	if bad := c.checkPolicyName(p.Name, nil); bad != nil {
		return p, nil, bad
	}
	return p, checkPolicies(p.Policies), nil
}

// policyUser is the caller, as the metadata of a policy names it. For a service account
// the id is that part of the client id (a guess).
func (c *call) policyUser() *PolicyUser {
	id := orDefault(c.actor.UserID, orDefault(c.actor.APIKeyID, strings.TrimPrefix(c.actor.ClientID, "mdb_sa_id_")))
	name := orDefault(c.actor.Username, orDefault(c.actor.PublicKey, c.actor.ClientID))
	if id == "" {
		return nil
	}
	return &PolicyUser{strings.ToLower(id), name}
}

// checkPolicyName refuses a name that is taken with 400, as Atlas's page says; the code
// is a guess.
func (c *call) checkPolicyName(name string, except *ResourcePolicy) *problem {
	if name == "" {
		return missingAttribute("name")
	}
	if p := c.org.policyNamed(name); p != nil && p != except {
		return bad("RESOURCE_POLICY_NAME_ALREADY_EXISTS", "A resource policy named %s already exists.", name)
	}
	return nil
}

func (c *call) createPolicy() (answer, *problem) {
	p, wrong, bad := c.newPolicy()
	if bad != nil || wrong != nil {
		return wrong.answer(), bad
	}
	p.ID = c.a.nextID("resource policy")
	c.numberPolicies(&p)
	c.org.resourcePolicies = append(c.org.resourcePolicies, &p)
	c.effect("resource policy "+p.Name, "", p.state())
	c.orgEvent("RESOURCE_POLICY_CREATED", "", object{"resourcePolicyId": p.ID})
	return answer{status: http.StatusCreated, body: c.policyView(&p)}, nil
}

func (c *call) numberPolicies(p *ResourcePolicy) {
	for i := range p.Policies {
		p.Policies[i].ID = c.a.nextID("policy")
	}
}

// validatePolicy answers as create would, with ids that name nothing.
func (c *call) validatePolicy() (answer, *problem) {
	p, wrong, bad := c.newPolicy()
	if bad != nil || wrong != nil {
		return wrong.answer(), bad
	}
	p.ID = c.a.derive("validated policy", p.Name)[:24]
	for i := range p.Policies {
		p.Policies[i].ID = c.a.derive("validated policy", p.Name, fmt.Sprint(i))[:24]
	}
	return ok(c.policyView(&p))
}

// state is what a person can set.
func (p *ResourcePolicy) state() string {
	bodies := make([]string, 0, len(p.Policies))
	for _, t := range p.Policies {
		bodies = append(bodies, t.Body)
	}
	return text(object{"name": p.Name, "description": p.Description, "policies": bodies})
}

// updatePolicy replaces what is sent; the list of policies as a whole, with new ids.
func (c *call) updatePolicy() (answer, *problem) {
	held, bad := c.findPolicy()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	sent, next := retyped[ResourcePolicy](doc), *held
	next.Name = orDefault(sent.Name, held.Name)
	if _, has := doc["description"]; has {
		next.Description = sent.Description
	}
	if sent.Policies != nil {
		next.Policies = sent.Policies
	}
	if bad := c.checkPolicyName(next.Name, held); bad != nil {
		return answer{}, bad
	}
	if wrong := checkPolicies(next.Policies); wrong != nil {
		return wrong.answer(), nil
	}
	before := held.state()
	if next.state() == before {
		return ok(c.policyView(held))
	}
	if sent.Policies != nil {
		c.numberPolicies(&next)
	}
	next.LastUpdatedDate, next.LastUpdatedByUser = new(c.at.Truncate(time.Second)), c.policyUser()
	*held = next
	c.effect("resource policy "+held.Name, before, held.state())
	c.orgEvent("RESOURCE_POLICY_MODIFIED", "", object{"resourcePolicyId": held.ID})
	return ok(c.policyView(held))
}

// deletePolicy answers 200 with nothing, as the document says.
func (c *call) deletePolicy() (answer, *problem) {
	p, bad := c.findPolicy()
	if bad != nil {
		return answer{}, bad
	}
	c.org.resourcePolicies = slices.DeleteFunc(c.org.resourcePolicies, func(x *ResourcePolicy) bool { return x == p })
	c.effect("resource policy "+p.Name, p.state(), "")
	c.orgEvent("RESOURCE_POLICY_DELETED", "", object{"resourcePolicyId": p.ID})
	return empty(http.StatusOK)
}
