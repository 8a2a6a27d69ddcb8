package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Staff is who may say something, as the configuration says.
type Staff struct {
	Principals []access.Principal
	Groups     map[string][]string // ids of principals by the group's name
	Ties       map[string]string   // ids of Slack user groups by the group's name
	Operators  []string            // principals and groups
	TrustEmail bool                // the workspace's e-mails say who somebody is
}

// member is a person as Slack knows them.
type member struct {
	slackgo.User
	at time.Time
}

const (
	memberFor   = 10 * time.Minute // what is known of a person is believed
	manyMembers = 5000
)

type members struct {
	mu sync.Mutex
	by map[string]member
}

// member is what Slack says of a user.
func (g *Gateway) member(ctx context.Context, id string) (member, error) {
	g.members.mu.Lock()
	known, ok := g.members.by[id]
	g.members.mu.Unlock()
	if ok && time.Since(known.at) < memberFor {
		return known, nil
	}
	var u *slackgo.User
	err := g.c.call(ctx, "users.info", "", "ask who "+atMost(id, 20)+" is", func(ctx context.Context) (err error) {
		u, err = g.c.api.GetUserInfoContext(ctx, id)
		return err
	})
	if err != nil {
		return member{}, err
	}
	now := member{User: *u, at: time.Now()}
	g.members.mu.Lock()
	defer g.members.mu.Unlock()
	if g.members.by == nil || len(g.members.by) >= manyMembers {
		g.members.by = map[string]member{}
	}
	g.members.by[id] = now
	return now, nil
}

// person is who it was, and by what we know.
type person struct {
	principal access.Principal
	how       string
}

// who finds out which principal a user is. Whatever is not sure is refused.
func (g *Gateway) who(ctx context.Context, c Click) (person, error) {
	m, err := g.member(ctx, c.User)
	switch {
	case err != nil && temporary(err):
		return person{}, err
	case err != nil:
		return person{}, refuse("unknown-user", "Slack does not say who you are, so nothing was done. Ask whoever runs Gatewarden to look at its log.")
	}
	switch {
	case m.Deleted:
		return person{}, refuse("deleted", "This account is deactivated, so nothing was done.")
	case m.IsBot || m.IsAppUser || m.IsConnectorBot || m.IsWorkflowBot || m.ID == "USLACKBOT":
		return person{}, refuse("bot", "Apps and bots decide nothing here.")
	case m.IsStranger || !g.home(c.UserTeam, m):
		return person{}, refuse("stranger", "Only members of our own workspace decide here. Ask one of them.")
	case m.IsRestricted || m.IsUltraRestricted:
		return person{}, refuse("guest", "Guests decide nothing here. Ask a full member of the workspace.")
	case m.IsInvitedUser:
		return person{}, refuse("guest", "The invitation to this workspace was not accepted yet.")
	}
	return principalOf(g.c.o.Staff(), c, m)
}

// home reports whether somebody is of our workspace, or of our organization where there is one. Both
// what came with the click and what Slack says of the user count.
func (g *Gateway) home(came string, m member) bool {
	o := g.c.o
	grid := o.Enterprise != "" && m.Enterprise.EnterpriseID == o.Enterprise
	return (came == "" || came == o.Team || grid) && (m.TeamID == o.Team || grid)
}

// principalOf is the one principal that a member is: by the configuration's list, or else by
// their e-mail where that is trusted.
func principalOf(staff Staff, c Click, m member) (person, error) {
	var by, how = []access.Principal(nil), "by the configuration"
	for _, p := range staff.Principals {
		if p.Slack != "" && p.Slack == m.ID {
			by = append(by, p)
		}
	}
	if len(by) == 0 && staff.TrustEmail && m.Profile.Email != "" {
		how = "by e-mail"
		for _, p := range staff.Principals {
			if p.Slack == "" && p.Email != "" && access.FoldName(p.Email) == access.FoldName(m.Profile.Email) {
				by = append(by, p)
			}
		}
	}
	switch len(by) {
	case 0:
		return person{}, refuse("nobody", fmt.Sprintf("The configuration does not say who you are, so nothing was done. Have your Slack id %s added to principals.", m.ID))
	case 1:
		return person{by[0], fmt.Sprintf("slack %s of %s, %s", m.ID, c.Team, how)}, nil
	}
	var ids []string
	for _, p := range by {
		ids = append(ids, p.ID)
	}
	return person{}, refuse("ambiguous", fmt.Sprintf("The configuration says that you are %s at once, so nothing was done. Have one Slack id or e-mail given to one principal.", strings.Join(ids, " and ")))
}

// stillIn makes sure that who may decide only by groups that are tied to user groups of Slack is
// in one of those now. names are the principals and groups that may; none known: any group.
func (g *Gateway) stillIn(ctx context.Context, p person, user string, names []string) error {
	staff := g.c.o.Staff()
	if slices.Contains(names, p.principal.ID) {
		return nil
	}
	var tied []string
	for name, ids := range staff.Groups {
		in := slices.Contains(ids, p.principal.ID) && (len(names) == 0 || slices.Contains(names, name))
		switch group := staff.Ties[name]; {
		case !in:
		case group != "":
			tied = append(tied, group)
		case len(names) > 0:
			return nil // a group that is not tied suffices
		}
	}
	slices.Sort(tied)
	var unsure error
	for _, group := range tied {
		in, err := g.groups.has(ctx, group, user)
		switch {
		case in:
			return nil
		case err != nil:
			unsure = err
		}
	}
	switch {
	case len(tied) == 0:
		return nil // not by a group at all: whether they may is decided by who is listed
	case unsure != nil:
		return refuse("group-unknown", "Whether you are still in the user group that decides could not be checked just now, so nothing was done. Try again in a minute, or decide by command or API.")
	}
	return refuse("group", "You are not in the Slack user group that decides about this (any more). Ask somebody who is.")
}
