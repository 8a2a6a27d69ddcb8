package sim

import (
	"fmt"
	"slices"
	"time"
)

// AcceptInvitation is what a person does with the mails that came: every invitation of
// that user name which has not expired is accepted, to organisations and to projects.
func (a *Atlas) AcceptInvitation(username string) error {
	return a.answerInvitation(username, "accept", (*call).accept)
}

// RejectInvitation turns down the invitations to organisations.
func (a *Atlas) RejectInvitation(username string) error {
	return a.answerInvitation(username, "reject", (*call).reject)
}

func (a *Atlas) answerInvitation(username, verb string, reply func(*call, *member) bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.tick(now)
	some := false
	for _, o := range a.orgs {
		if m := o.byUsername[username]; m != nil {
			c := &call{a: a, org: o, at: now, actor: a.identify(Actor{Username: username}), route: &route{op: verb + "Invitation"}}
			some = reply(c, m) || some
		}
	}
	if !some {
		return fmt.Errorf("%s invitation of %s: there is none that is pending", verb, username)
	}
	return nil
}

// accept makes a pending user an active one who is in the projects and teams that it was
// invited to; it says whether there was anything to accept.
func (c *call) accept(m *member) bool {
	some := m.standing(c.at) == userPending
	if some {
		before := m.shape()
		now := c.at.Truncate(time.Second)
		m.status, m.hidden, m.lastAuth = userActive, false, &now
		after := m.shape()
		c.effect("user "+m.username, before.text, after.text)
		c.orgEvent("JOINED_ORG", "", object{"targetUsername": m.username})
		c.announce(m, shape{text: before.text, orgRoles: before.orgRoles}, after)
	}
	if m.status != userActive {
		return false
	}
	for _, p := range c.org.projects {
		if i := p.inviteOf(m.username); i != nil && c.alive(i) {
			some = true
			p.invites = slices.DeleteFunc(p.invites, func(x *groupInvite) bool { return x == i })
			c.effectIn(p, "project invitation "+m.username, i.state(), "")
			c.reshape(m, func() { m.assign(p, withoutRepeats(slices.Concat(m.rolesOn(p), i.roles))) })
		}
	}
	return some
}

// reject leaves the user in the lists that ask for those who rejected. No event is
// documented for it.
func (c *call) reject(m *member) bool {
	if m.standing(c.at) != userPending {
		return false
	}
	c.reshape(m, func() { m.status = userRejected })
	return true
}
