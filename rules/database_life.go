package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ends is when the user ends by its own word: the first of Atlas's date, a label's, and those
// that a machine wrote into its description; zero where it has none that can be read.
func (s *subject) ends() time.Time {
	u := s.user()
	all := written(u.Description)
	if !u.DeleteAfterDate.IsZero() {
		all = append(all, u.DeleteAfterDate)
	}
	for _, l := range u.Labels {
		if at, _, ok := parseExpiry(l.Value); ok && (l.Key == "expires" || l.Key == "gatewarden/expires") {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(all, time.Time.Compare)
}

func (s *subject) dated() bool { return !s.ends().IsZero() }

// endless reports whether the user has no end, or one that is farther than params.farthest.
func (s *subject) endless() bool {
	farthest, _ := s.rule.Params["farthest"].(time.Duration)
	at := s.ends()
	return at.IsZero() || farthest > 0 && at.After(s.now.Add(farthest))
}

// overAge reports whether the user is known to be older than its identity may be.
func (s *subject) overAge() bool {
	limit, created := s.identity().MaxAge, s.created()
	return limit > 0 && !created.IsZero() && !s.now.Before(created.Add(limit))
}

// renewed is when the user was created, or an update was last told of that shows in no
// readable field: a password is the only thing of a user that does not.
func (s *subject) renewed() time.Time {
	at := s.w.in.History.Rotations[string(access.KindDatabaseUser)+"/"+s.ref.Name]
	if created := s.created(); created.After(at) {
		at = created
	}
	return at
}

func (s *subject) feedSince() time.Time {
	return access.Since(s.w.in.History.Feed, s.now, access.SpanSlack)
}

// ownerState says whether somebody who answers for a user is in the org.
type ownerState int

const (
	ownerNone ownerState = iota
	ownerThere
	ownerGone
	ownerUnclear // the name is no e-mail address, and no principal or group with one
	ownerUnread
)

type ownership struct {
	name  string
	state ownerState
}

// owner is who answers for the user: as its own label says, else its identity.
func (s *subject) owner() ownership {
	name := s.identity().Owner
	for _, l := range s.user().Labels {
		if v := strings.TrimSpace(l.Value); isOwnerLabel(l.Key) && v != "" {
			name = v
		}
	}
	if name == "" {
		return ownership{}
	}
	addresses := s.w.addressesOf(name)
	if len(addresses) == 0 {
		return ownership{name, ownerUnclear}
	}
	return ownership{name, s.w.inOrg(addresses)}
}

// inOrg says whether one of the addresses is a member's.
func (w *world) inOrg(addresses []string) ownerState {
	state, members := ownerGone, w.orgMembers()
	for _, a := range addresses {
		switch {
		case members[a]:
			return ownerThere
		case w.collection(access.KindOrgMember).Unreadable(a):
			state = ownerUnread
		}
	}
	return state
}

// addressesOf are the e-mail addresses that a name stands for: itself, a principal's, or
// those of a group's principals.
func (w *world) addressesOf(name string) (out []string) {
	if strings.Contains(name, "@") {
		out = append(out, access.FoldName(name))
	}
	for _, p := range w.policy.Principals {
		if p.ID != name && p.Email != name && !slices.Contains(w.policy.Groups[name], p.ID) {
			continue
		}
		for _, a := range append(slices.Clone(p.Atlas), p.Email) {
			if strings.Contains(a, "@") {
				out = append(out, access.FoldName(a))
			}
		}
	}
	return out
}

func (w *world) orgMembers() map[string]bool {
	if w.memo.database.members == nil {
		out := map[string]bool{}
		for _, m := range access.States[access.OrgMember](w.collection(access.KindOrgMember)) {
			out[m.Username] = true
		}
		w.memo.database.members = out
	}
	return w.memo.database.members
}

// danglingFacts are the scopes of a user that name no target.
type danglingFacts struct {
	scopes     []string
	since      time.Time // at the latest
	exact      bool      // and not earlier
	unreadable bool      // an element of the targets could not be decoded, not even its name
}

// targetKinds are the kinds in which a scope's name is looked for, by the scope's type.
var targetKinds = map[string][]access.Kind{
	"CLUSTER":   {access.KindCluster, access.KindFlexCluster},
	"DATA_LAKE": {access.KindFederatedDatabase},
	"STREAM":    {access.KindStreamWorkspace},
}

func (s *subject) dangling() *danglingFacts {
	if s.lost == nil {
		s.lost = s.missing()
	}
	return s.lost
}

func (s *subject) missing() *danglingFacts {
	out := &danglingFacts{}
	for _, x := range s.user().Scopes {
		kinds, known := targetKinds[x.Type]
		if !known {
			kinds = access.TargetKinds()
		}
		if slices.ContainsFunc(kinds, func(k access.Kind) bool { _, there := s.w.in.Collections[k].Find(x.Name); return there }) {
			continue
		}
		if slices.ContainsFunc(kinds, func(k access.Kind) bool { return s.w.in.Collections[k].Unreadable(x.Name) }) {
			out.unreadable = true
			continue
		}
		since, exact := s.missingSince(kinds, x.Name)
		if len(out.scopes) == 0 || since.Before(out.since) {
			out.since, out.exact = since, exact
		}
		out.scopes = append(out.scopes, scopeText(x))
	}
	return out
}

// missingSince is since when the user, as it is, has been limited to a target that is not
// there. The trail of a collection holds the deletions of the last day; what is in none is
// gone for longer, or since before the first read: then that is not the exact time.
func (s *subject) missingSince(kinds []access.Kind, name string) (at time.Time, exact bool) {
	for _, k := range kinds {
		c := s.w.in.Collections[k]
		if c.FirstRead.After(at) {
			at = c.FirstRead
		}
		for _, r := range c.Trail.Recent {
			if r.Change.Op == access.OpDeleted && r.Change.Ref.Name == name && r.Change.Occurred.After(at) {
				at, exact = r.Change.Occurred, true
			}
		}
	}
	switch changed := s.res.ChangedAt; {
	case changed.After(at):
		at, exact = changed, true // whether it had the scope before is not asked: the day begins anew
	case s.res.FirstSeen.After(at):
		at = s.res.FirstSeen
	}
	return at, exact
}
