package rules

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Who is invited holds nothing yet, and gets all of it by accepting. So roles count as given
// when somebody puts them into an invitation that was there already; what an invitation said
// at first is pending for all to see, and is told by other rules.

func pending(status string) bool { return status == "PENDING" }

// joins reports whether the change is that somebody accepted.
func (s *subject) joins() bool {
	was, known := statusOf(s.change.Before)
	is, _ := statusOf(s.change.After)
	return known && !active(was) && active(is)
}

// statusOf is the membership that a record shows, of a kind whose records show one.
func statusOf(b access.Box) (status string, known bool) {
	switch t := b.State.(type) {
	case access.ProjectMember:
		return t.Status, true
	case access.TeamMember:
		return t.Status, true
	}
	return "", false
}

// invited reports whether the change is an invitation, and not one more role or team in an
// invitation that was there: who is put into a team while invited was not invited to it. The
// doubt is why that cannot be told.
func (s *subject) invited() (yes bool, doubt string) {
	c := s.change
	switch after := c.After.State.(type) {
	case access.ProjectMember:
		before, had := access.As[access.ProjectMember](c.Before)
		return pending(after.Status) && (!had || lapsed(before.Status)), ""
	case access.Invitation:
		before, had := access.As[access.Invitation](c.Before)
		return !had || lapsed(before.Status), ""
	case access.TeamMember:
		before, had := access.As[access.TeamMember](c.Before)
		switch {
		case !pending(after.Status):
			return false, ""
		case had && !active(before.Status):
			return true, ""
		}
		first, doubt := s.firstInvitation(after.Username)
		return slices.Contains(first.Teams, after.Team), doubt
	}
	return false, ""
}

// asInvited reports whether somebody joined with exactly what the invitation said: that gave
// the roles, and it was pending for all to see; what was put into it later was told then.
// What the org's invitations said is told by those that went with this judgement. To become
// an owner is told all the same.
func (s *subject) asInvited() bool {
	switch after := s.change.After.State.(type) {
	case access.ProjectMember:
		before, ok := access.As[access.ProjectMember](s.change.Before)
		return ok && s.joins() && sameRoles(before.Roles, after.Roles)
	case access.TeamMember:
		if _, ok := access.As[access.TeamMember](s.change.Before); ok {
			return s.joins()
		}
		return active(after.Status) && slices.Contains(s.taken(after.Username).Teams, after.Team)
	case access.OrgMember:
		i := s.taken(after.Username)
		return s.change.Before.IsZero() && i.Username != "" && sameRoles(i.OrgRoles, after.OrgRoles)
	}
	return false
}

// taken is the invitation that the person had until now; the zero one if they had none.
func (s *subject) taken(username string) access.Invitation {
	first, gone := s.toldInvitation(username)
	if !gone {
		return access.Invitation{}
	}
	return first
}

// toldInvitation is the first that the changes that went with this judgement tell of a
// person's invitation, so that what was put into it since is not taken for its own, and
// whether it is gone by them.
func (s *subject) toldInvitation(username string) (first access.Invitation, gone bool) {
	for _, c := range s.w.in.Changes {
		if c.Ref.Scope != s.ref.Scope || c.Ref.Kind != access.KindInvitation || c.Op == access.OpAttributed || c.Op == access.OpObserved {
			continue
		}
		for _, b := range []access.Box{c.Before, c.After} {
			i, ok := access.As[access.Invitation](b)
			if !ok || i.Username != username || lapsed(i.Status) {
				continue
			}
			if first.Username == "" {
				first = i
			}
			gone = c.Op == access.OpDeleted
		}
	}
	return first, gone
}

// firstInvitation is what a person who has not accepted was first invited to, as far as it is
// known; the zero one if there is none, or if it was changed since it was first seen.
func (s *subject) firstInvitation(username string) (first access.Invitation, doubt string) {
	if first, _ = s.toldInvitation(username); first.Username != "" {
		return first, ""
	}
	if doubt = s.w.trouble(access.KindInvitation); doubt != "" {
		return first, doubt
	}
	c := s.w.in.Collections[access.KindInvitation]
	r, ok := c.Find(username)
	read, known := s.w.in.Read[access.KindInvitation]
	switch {
	case c.Unreadable(username):
		return first, "what " + username + " was invited to could not be decoded when it was last read"
	case !ok && known && read.Before(s.change.Observed):
		return first, "what " + username + " was invited to was not read since"
	case ok && asFirstSeen(c, r):
		first, _ = access.As[access.Invitation](r.Box)
	}
	return first, ""
}

// asFirstSeen reports whether nothing of the resource changed since it came. What came while
// it was read came after the read began.
func asFirstSeen(c access.Collection, r access.Resource) bool {
	return !r.ChangedAt.After(r.FirstSeen) || slices.ContainsFunc(c.Trail.Recent, func(x access.RecentChange) bool {
		return x.Change.ID == r.Cause && x.Change.Op == access.OpCreated
	})
}

// lapsed reports whether the invitation can no longer be accepted: what follows is another.
func lapsed(status string) bool {
	return status == "INVITATION_EXPIRED" || status == "INVITATION_REJECTED"
}

// invitedTo is what an invitation gives in the org, and on projects that are new in it: what
// it gives on the others, and by teams, is told where the project and the team are judged.
func (s *subject) invitedTo(org []string, projects []access.ProjectRoles) holdings {
	h, before := holdings{}, access.Invitation{}
	if s.change.Op != access.OpCreated {
		before, _ = access.As[access.Invitation](s.change.Before)
	}
	h.add(s.ref.Scope.ID(), org...)
	for _, p := range projects {
		if !slices.ContainsFunc(before.Projects, func(b access.ProjectRoles) bool { return b.Project == p.Project }) {
			h.add(p.Project, p.Roles...)
		}
	}
	return h
}

// accepted is the record of who has accepted the invitation. There is a doubt where the
// invitation is gone and the members were not read as lately.
func (s *subject) accepted() (r access.Resource, ok, doubt bool) {
	c := s.w.in.Collections[access.KindOrgMember]
	r, ok = c.Find(s.ref.Name)
	doubt = s.w.trouble(access.KindOrgMember) != "" || c.Unreadable(s.ref.Name) ||
		s.w.in.Read[access.KindOrgMember].Before(s.w.in.Read[access.KindInvitation])
	return r, ok, doubt
}

func sameRoles(a, b []string) bool {
	return slices.Equal(access.SortNames(slices.Clone(a)), access.SortNames(slices.Clone(b)))
}
