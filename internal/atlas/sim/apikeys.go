package sim

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const mostDescription = 250

// keys are the organisation's keys, or those with a role in the project.
func (c *call) keys(q *project) []*principal {
	var out []*principal
	for _, p := range c.org.principals {
		if p.publicKey != "" && (q == nil || len(p.projectRoles(q)) > 0) {
			out = append(out, p)
		}
	}
	return out
}

// orgKey finds the key of the path in the organisation. That it is missing is a 400.
func (c *call) orgKey() (*principal, *problem) { return c.findKey(nil) }

func (c *call) findKey(q *project) (*principal, *problem) {
	keys := c.keys(q)
	i := slices.IndexFunc(keys, func(p *principal) bool { return p.keyID == c.params["apiUserId"] })
	if i < 0 {
		return nil, bad("API_KEY_NOT_FOUND", "There is no API key with ID %s.", c.params["apiUserId"])
	}
	return keys[i], nil
}

// keyView shows a key. Its roles are all it has, in the organisation and in projects.
func (c *call) keyView(p *principal) any {
	path := "/orgs/" + c.org.id
	if c.project != nil {
		path = "/groups/" + c.project.id
	}
	return object{
		"id": p.keyID, "desc": p.name, "publicKey": p.publicKey, "privateKey": p.maskedKey(),
		"roles": p.roleViews(), "links": c.self(path + "/apiKeys/" + p.keyID),
	}
}

// maskedKey leaves the last twelve characters of a private key. A world may state one
// that is too short for that.
func (p *principal) maskedKey() string {
	const left = 12
	if len(p.privateKey) < 2*left {
		return "********-****-****-************"
	}
	return "********-****-****-" + p.privateKey[len(p.privateKey)-left:]
}

func (c *call) listOrgKeys() (answer, *problem) {
	return paged(c, http.StatusOK, c.keys(nil), c.keyView)
}

func (c *call) listProjectKeys() (answer, *problem) {
	return paged(c, http.StatusOK, c.keys(c.project), c.keyView)
}

func (c *call) getOrgKey() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	return ok(c.keyView(p))
}

// keyRequest is the body of a create or a change; nil is what was not sent.
type keyRequest struct {
	desc  *string
	roles []string
}

// keyRequest reads the body. What is wrong with its values has answers of its own.
func (c *call) keyRequest() (keyRequest, *problem) {
	doc, wrong := c.document(apispec.Missing, apispec.Enum, apispec.Range)
	if wrong != nil {
		return keyRequest{}, wrong
	}
	var in keyRequest
	if s, given := doc["desc"].(string); given {
		if s == "" {
			return in, bad("API_KEY_REQUIRES_DESCRIPTION", "An API key must have a description.")
		}
		if utf8.RuneCountInString(s) > mostDescription {
			return in, bad("INVALID_API_KEY_DESC", "The description of an API key must have at most %d characters.", mostDescription)
		}
		in.desc = &s
	}
	roles, given := textList(doc["roles"])
	if given && len(roles) == 0 {
		return in, noKeyRoles()
	}
	in.roles = roles
	return in, c.checkRoles(roles)
}

func noKeyRoles() *problem {
	return bad("MISSING_API_KEY_ROLES", "An API key must have at least one role.")
}

// newKey makes the key that the body describes, without roles yet. Its private key is in
// the answer to this request and nowhere else.
func (c *call) newKey() (*principal, keyRequest, *problem) {
	in, wrong := c.keyRequest()
	switch most := c.limit(limitOrgKeys); {
	case wrong != nil:
		return nil, in, wrong
	case in.desc == nil:
		return nil, in, bad("API_KEY_REQUIRES_DESCRIPTION", "An API key must have a description.")
	case in.roles == nil:
		return nil, in, noKeyRoles()
	case len(c.keys(nil)) >= most:
		return nil, in, tooMany("MAX_API_KEYS_EXCEEDED", "API keys", most)
	}
	p := &principal{org: c.org, name: *in.desc}
	p.completeKey(c.a.fresh("new api key", func(made string) bool { return c.a.keys[letters(made[24:32])] != nil }))
	c.org.principals = append(c.org.principals, p)
	c.a.keys[p.publicKey] = p
	return p, in, nil
}

// createdKey is the answer of a create, the only one with the private key.
func (c *call) createdKey(p *principal) (answer, *problem) {
	c.effect(p.target(), "", p.state())
	return ok(overlay(c.keyView(p).(object), object{"privateKey": p.privateKey}))
}

func (c *call) createOrgKey() (answer, *problem) {
	p, in, wrong := c.newKey()
	if wrong != nil {
		return answer{}, wrong
	}
	p.setRoles(nil, in.roles)
	c.keyEvent("API_KEY_CREATED", p)
	return c.createdKey(p)
}

// createProjectKey makes a key of the organisation that has the roles in the project,
// and is a mere member of the organisation (a guess).
func (c *call) createProjectKey() (answer, *problem) {
	p, in, wrong := c.newKey()
	if wrong != nil {
		return answer{}, wrong
	}
	p.setRoles(nil, []string{"ORG_MEMBER"})
	p.setRoles(c.project, in.roles)
	c.keyEvent("API_KEY_CREATED", p)
	c.projectEvent("API_KEY_ADDED_TO_GROUP", object{"targetPublicKey": p.publicKey})
	return c.createdKey(p)
}

// keyEvent goes into the organisation's feed, also for what was done in a project.
func (c *call) keyEvent(kind string, p *principal) {
	c.orgEvent(kind, "", object{"targetPublicKey": p.publicKey})
}

// describe sets the description where one was sent.
func (c *call) describe(p *principal, desc *string) {
	if desc == nil || *desc == p.name {
		return
	}
	p.name = *desc
	c.keyEvent("API_KEY_DESCRIPTION_CHANGED", p)
}

func (c *call) updateOrgKey() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	in, wrong := c.keyRequest()
	if wrong != nil {
		return answer{}, wrong
	}
	before := p.state()
	c.describe(p, in.desc)
	if in.roles != nil && p.setRoles(nil, in.roles) {
		c.keyEvent("API_KEY_ROLES_CHANGED", p)
	}
	c.effect(p.target(), before, p.state())
	return ok(c.keyView(p))
}

func (c *call) deleteOrgKey() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	c.a.dismiss(p)
	c.effect(p.target(), p.state(), "")
	c.keyEvent("API_KEY_DELETED", p)
	return empty(http.StatusNoContent)
}

// assignKey gives the key these roles in the project and no others there.
func (c *call) assignKey(p *principal, roles []string) {
	kind := "API_KEY_ROLES_CHANGED"
	if len(p.projectRoles(c.project)) == 0 {
		kind = "API_KEY_ADDED_TO_GROUP"
	}
	if p.setRoles(c.project, roles) {
		c.projectEvent(kind, object{"targetPublicKey": p.publicKey})
	}
}

// updateProjectKey also takes a key that is not in the project yet: Atlas's own command
// line assigns keys that way.
func (c *call) updateProjectKey() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	in, wrong := c.keyRequest()
	if wrong != nil {
		return answer{}, wrong
	}
	if in.roles == nil && (in.desc == nil || len(p.projectRoles(c.project)) == 0) {
		return answer{}, noKeyRoles()
	}
	before := p.state()
	c.describe(p, in.desc)
	if in.roles != nil {
		c.assignKey(p, in.roles)
	}
	c.effect(p.target(), before, p.state())
	return ok(c.keyView(p))
}

// addProjectKey gives a key more roles in the project (that it keeps those it has there
// is a guess).
func (c *call) addProjectKey() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	docs, wrong := c.documents(apispec.Missing, apispec.Enum, apispec.Range)
	if wrong != nil {
		return answer{}, wrong
	}
	var roles []string
	for _, doc := range docs {
		more, _ := textList(doc["roles"])
		roles = append(roles, more...)
	}
	if len(roles) == 0 {
		return answer{}, noKeyRoles()
	}
	if wrong := c.checkRoles(roles); wrong != nil {
		return answer{}, wrong
	}
	before := p.state()
	c.assignKey(p, slices.Concat(p.projectRoles(c.project), roles))
	c.effect(p.target(), before, p.state())
	return empty(http.StatusNoContent)
}

func (c *call) removeProjectKey() (answer, *problem) {
	p, wrong := c.findKey(c.project)
	if wrong != nil {
		return answer{}, wrong
	}
	before := p.state()
	p.setRoles(c.project, nil)
	c.effect(p.target(), before, p.state())
	c.projectEvent("API_KEY_REMOVED_FROM_GROUP", object{"targetPublicKey": p.publicKey})
	return empty(http.StatusNoContent)
}

// worldKey is the key as a world states it.
func (p *principal) worldKey() APIKey {
	out := APIKey{ID: p.keyID, PublicKey: p.publicKey, PrivateKey: p.privateKey, Desc: p.name, Roles: slices.Clone(p.grants)}
	for _, e := range p.access {
		out.AccessList = append(out.AccessList, KeyAddress(e.world()))
	}
	return out
}
