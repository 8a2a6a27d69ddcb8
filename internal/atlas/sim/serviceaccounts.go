package sim

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const clientPrefix = "mdb_sa_id_"

// accounts are the organisation's accounts, or those with a role in the project.
func (c *call) accounts() []*principal {
	var out []*principal
	for _, p := range c.org.principals {
		if p.clientID != "" && (c.project == nil || len(p.projectRoles(c.project)) > 0) {
			out = append(out, p)
		}
	}
	return out
}

// account finds the account of the path in the scope of the call.
func (c *call) account() (*principal, *problem) {
	accounts := c.accounts()
	i := slices.IndexFunc(accounts, func(p *principal) bool { return p.clientID == c.params["clientId"] })
	if i < 0 {
		return nil, c.noAccount()
	}
	return accounts[i], nil
}

// noAccount has a code that is a guess: the pages on errors are older than accounts.
func (c *call) noAccount() *problem {
	return missing("SERVICE_ACCOUNT_NOT_FOUND", "There is no service account with client ID %s.", c.params["clientId"])
}

// ownAccount is [call.account] for a change. Atlas's own accounts are not for customers
// to change (a guess).
func (c *call) ownAccount() (*principal, *problem) {
	p, wrong := c.account()
	if wrong == nil && p.managed {
		return nil, atlasOwn(p)
	}
	return p, wrong
}

func atlasOwn(p *principal) *problem {
	return fail(http.StatusForbidden, "ACCESS_FORBIDDEN", "The service account %s is managed by Atlas.", p.clientID)
}

// accountView shows an account with its roles in the scope of the call.
func (c *call) accountView(p *principal) any {
	roles := p.orgRoles()
	if c.project != nil {
		roles = p.projectRoles(c.project)
	}
	secrets := []object{}
	for _, s := range p.secrets {
		secrets = append(secrets, s.view())
	}
	return object{
		"clientId": p.clientID, "name": p.name, "description": p.description, "createdAt": p.created,
		"roles": distinct(roles), "secrets": secrets,
	}
}

func (c *call) listAccounts() (answer, *problem) {
	all, wrong := c.boolQuery("includeSystemManaged", false)
	if wrong != nil {
		return answer{}, wrong
	}
	shown := c.accounts()
	if !all {
		shown = slices.DeleteFunc(shown, func(p *principal) bool { return p.managed })
	}
	return paged(c, http.StatusOK, shown, c.accountView)
}

func (c *call) getAccount() (answer, *problem) {
	p, wrong := c.account()
	if wrong != nil {
		return answer{}, wrong
	}
	return ok(c.accountView(p))
}

// accountRequest checks the body; roles are nil where none were sent.
func (c *call) accountRequest() (doc object, roles []string, wrong *problem) {
	doc, wrong = c.document(apispec.Enum) // of roles: checkRoles answers
	if wrong != nil {
		return nil, nil, wrong
	}
	roles, given := textList(doc["roles"])
	if given && len(roles) == 0 {
		return nil, nil, invalidField("roles", "must have at least one role")
	}
	return doc, roles, c.checkRoles(roles)
}

// createAccount makes an account with its first secret, which is in this answer and
// nowhere else. One made in a project is a member of the organisation.
func (c *call) createAccount() (answer, *problem) {
	doc, roles, wrong := c.accountRequest()
	if wrong != nil {
		return answer{}, wrong
	}
	hours, wrong := c.secretLife(doc)
	if wrong != nil {
		return answer{}, wrong
	}
	if most := c.limit(limitOrgAccounts); c.org.accountsHeld() >= most {
		return answer{}, tooMany("MAX_SERVICE_ACCOUNTS_EXCEEDED", "service accounts", most)
	}
	made := c.a.fresh("new service account", func(made string) bool { return c.a.clients[clientPrefix+made[:24]] != nil })
	p := &principal{org: c.org, clientID: clientPrefix + made[:24], created: c.at.Truncate(time.Second)}
	p.name, _ = doc["name"].(string)
	p.description, _ = doc["description"].(string)
	if c.project != nil {
		p.setRoles(nil, []string{"ORG_MEMBER"})
	}
	p.setRoles(c.project, roles)
	s := c.newSecret(p, hours)
	c.org.principals = append(c.org.principals, p)
	c.a.clients[p.clientID] = p
	c.effect(p.target(), "", p.state())
	c.orgEvent("SERVICE_ACCOUNT_CREATED", "", nil)
	if c.project != nil {
		c.projectEvent("SERVICE_ACCOUNT_ADDED_TO_GROUP", nil)
	}
	out := overlay(c.accountView(p).(object), object{"secrets": []object{s.shown()}})
	return answer{status: http.StatusCreated, body: out}, nil
}

func (o *org) accountsHeld() int {
	n := 0
	for _, p := range o.principals {
		if p.clientID != "" && !p.managed {
			n++
		}
	}
	return n
}

// accountEvent goes into the organisation's feed, and for what was done in a project
// into the project's too (a guess). It names no account: the real events do not.
func (c *call) accountEvent(kind string) {
	c.orgEvent(kind, "", nil)
	if c.project != nil {
		c.projectEvent(kind, nil)
	}
}

func (c *call) updateAccount() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	doc, roles, wrong := c.accountRequest()
	if wrong != nil {
		return answer{}, wrong
	}
	before, name, description := p.state(), p.name, p.description
	if s, given := doc["name"].(string); given {
		p.name = s
	}
	if s, given := doc["description"].(string); given {
		p.description = s
	}
	if p.name != name || p.description != description {
		c.accountEvent("SERVICE_ACCOUNT_DETAILS_CHANGED")
	}
	if roles != nil && p.setRoles(c.project, roles) {
		c.scopeEvent("SERVICE_ACCOUNT_ROLES_CHANGED")
	}
	c.effect(p.target(), before, p.state())
	return ok(c.accountView(p))
}

// scopeEvent goes into the feed of the scope of the call: roles are in one scope.
func (c *call) scopeEvent(kind string) {
	if c.project != nil {
		c.projectEvent(kind, nil)
		return
	}
	c.orgEvent(kind, "", nil)
}

func (c *call) deleteAccount() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	c.a.dismiss(p)
	c.effect(p.target(), p.state(), "")
	c.orgEvent("SERVICE_ACCOUNT_DELETED", "", nil)
	return empty(http.StatusNoContent)
}

// removeAccount takes the account out of the project. It stays in the organisation and
// its secrets stay good.
func (c *call) removeAccount() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	before := p.state()
	p.setRoles(c.project, nil)
	c.effect(p.target(), before, p.state())
	c.projectEvent("SERVICE_ACCOUNT_REMOVED_FROM_GROUP", nil)
	return empty(http.StatusNoContent)
}

// inviteAccount gives an account of the organisation roles in the project, besides those
// it may have there (a guess).
func (c *call) inviteAccount() (answer, *problem) {
	p := c.a.clients[c.params["clientId"]]
	switch {
	case p == nil || p.org != c.org:
		return answer{}, c.noAccount()
	case p.managed:
		return answer{}, atlasOwn(p)
	}
	_, roles, wrong := c.accountRequest()
	if wrong != nil {
		return answer{}, wrong
	}
	before, held, kind := p.state(), p.projectRoles(c.project), "SERVICE_ACCOUNT_ROLES_CHANGED"
	if len(held) == 0 {
		kind = "SERVICE_ACCOUNT_ADDED_TO_GROUP"
	}
	if p.setRoles(c.project, slices.Concat(held, roles)) {
		c.projectEvent(kind, nil)
	}
	c.effect(p.target(), before, p.state())
	return ok(c.accountView(p))
}

// accountProjects lists the projects in which the account has roles.
func (c *call) accountProjects() (answer, *problem) {
	p, wrong := c.account()
	if wrong != nil {
		return answer{}, wrong
	}
	var in []*project
	for _, q := range c.org.projects {
		if len(p.projectRoles(q)) > 0 {
			in = append(in, q)
		}
	}
	return paged(c, http.StatusOK, in, func(q *project) any {
		return object{"groupId": q.id, "roles": distinct(p.projectRoles(q))}
	})
}

// worldAccount is the account as a world states it. Secret is a good one, if any.
func (p *principal) worldAccount(now time.Time) ServiceAccount {
	created := p.created
	out := ServiceAccount{
		ClientID: p.clientID, Name: p.name, Roles: slices.Clone(p.grants), Description: p.description,
		CreatedAt: &created, SystemManaged: p.managed, Secrets: AccountSecrets{},
	}
	for _, s := range p.secrets {
		if out.Secret == "" && now.Before(s.expires) {
			out.Secret = s.value
		}
		out.Secrets = append(out.Secrets, s.world())
	}
	for _, e := range p.access {
		out.AccessList = append(out.AccessList, AccountAddress(e.world()))
	}
	return out
}
