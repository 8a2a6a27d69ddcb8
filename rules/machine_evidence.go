package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// machineEvidence is what would be enough for what a credential was seen doing, at the
// level that is judged: in the org, or in the project.
type machineEvidence struct {
	narrower   bool
	roles      []string // enough for what was seen
	keepers    []string // those that would keep what leaves no event or is rare
	seen, kept []string
	why        string
	unknown    string
}

// rolesHere are the roles of the credential on what is judged: the org's view of a
// credential judges its roles on the org, the project's those on the project. So each
// rests on the feed that tells of them.
func (s *subject) rolesHere() []string {
	switch m := s.res.Box.State.(type) {
	case access.ProjectKey:
		return m.Roles
	case access.ProjectServiceAccount:
		return m.Roles
	}
	return s.machine().org
}

// beyondDeclared are the roles that no declared one contains. Everything in an org is a
// member of it.
func (s *subject) beyondDeclared() []string {
	out, declared := []string{}, s.identity().AtlasRoles
	if declared == nil {
		return out
	}
	for _, r := range s.rolesHere() {
		if r != roleOrgMember && !containedIn(declared, r) {
			out = append(out, r)
		}
	}
	return out
}

const roleOrgMember = "ORG_MEMBER"

func (s *subject) evidence() *machineEvidence {
	m := &s.w.memo.machine
	out, ok := m.evidence[s.res]
	if !ok {
		if m.evidence == nil {
			m.evidence = map[*access.Resource]*machineEvidence{}
		}
		out = s.machineEvidence()
		m.evidence[s.res] = out
	}
	return out
}

func (s *subject) machineEvidence() *machineEvidence {
	held := s.rolesHere()
	if len(held) == 0 || s.w.in.Once { // one look shows nothing that was done
		return &machineEvidence{}
	}
	// What is not narrower for who was seen doing nothing is not for anybody.
	if e := newEvidence(held, reach.LeastPrivilege(s.feed(nil, s.now.Add(-2*reach.EnoughEvidence)), s.now)); e.unknown == "" && !e.narrower {
		return e
	}
	if r := spanningRole(held); s.ref.Scope.IsOrg() && r != "" {
		return &machineEvidence{unknown: r + " acts in every project, and what it did there only the feeds of these tell"}
	}
	h := s.w.in.History
	return newEvidence(held, reach.LeastPrivilege(s.feed(h.Duties[s.machineID()], s.held(access.Since(h.Feed, s.now, access.SpanSlack))), s.now))
}

// held is since when what is held now was watched, of a feed that was read since then: what
// came or changed later shows less of what it is for.
func (s *subject) held(since time.Time) time.Time {
	for _, at := range []time.Time{added(*s.res), s.res.ChangedAt} {
		if !since.IsZero() && at.After(since) {
			since = at
		}
	}
	return since
}

// feed is the evidence of a feed in which the credential was seen doing something.
func (s *subject) feed(seen map[string]time.Time, since time.Time) reach.Evidence {
	if s.ref.Scope.IsOrg() {
		return reach.Evidence{OrgRoles: s.rolesHere(), OrgEvents: seen, Since: since}
	}
	return reach.Evidence{ProjectRoles: s.rolesHere(), ProjectEvents: seen, Since: since}
}

// spanningRole is a role on the org by which one acts on what is in its projects.
func spanningRole(held []string) string {
	for _, r := range held {
		if slices.ContainsFunc(reach.ImpliedProjectRoles(r), func(p string) bool { return p != roleProjectReadOnly }) {
			return r
		}
	}
	return ""
}

const roleProjectReadOnly = "GROUP_READ_ONLY"

// newEvidence takes a suggestion for a machine, which does not lose a duty because nobody
// could see it: what would be enough is narrower only if the roles for what leaves no
// event, or is rare, are added to it. Only a broad role is not kept for such a duty alone.
func newEvidence(held []string, s reach.Suggestion) *machineEvidence {
	out := &machineEvidence{why: s.Why}
	if !s.Known {
		out.unknown = "what it needs is not known: " + s.Why
		return out
	}
	out.roles = s.Roles
	for _, d := range s.Seen {
		out.seen = append(out.seen, d.Does)
	}
	for _, k := range s.Kept {
		out.kept = append(out.kept, fmt.Sprintf("%s (%s)", k.Does, strings.Trim(k.Why+"; "+k.Role, "; ")))
		if k.Role != "" && !broad(k.Role) && !containedIn(out.roles, k.Role) {
			out.keepers = append(out.keepers, k.Role)
		}
	}
	out.keepers = access.SortNames(out.keepers)
	enough := slices.Concat(out.roles, out.keepers)
	out.narrower = len(enough) > 0 && allContained(enough, held) && !allContained(held, enough)
	return out
}

// broad are the roles that are for many things at once.
func broad(role string) bool {
	return slices.Contains([]string{reach.OrgOwner, reach.ProjectOwner, roleOrgStreamAdmin, roleStreamOwner, "GROUP_CLUSTER_MANAGER"}, role)
}

func allContained(list, roles []string) bool {
	return !slices.ContainsFunc(list, func(r string) bool { return !containedIn(roles, r) })
}
