package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// govOrgMember is what everybody and everything in an org holds at least.
const govOrgMember = "ORG_MEMBER"

// govOwnKinds are those in which our own credentials stand, with what belongs to them.
func govOwnKinds() []access.Kind {
	return []access.Kind{
		access.KindAPIKey, access.KindServiceAccount, access.KindServiceAccountSecret, access.KindAPIAccessEntry,
		access.KindProjectKey, access.KindProjectServiceAccount,
	}
}

// govOwnCredential is which of our own credentials the subject is, or belongs to; empty:
// none.
func (s *subject) govOwnCredential() string {
	name := s.ref.Name
	if s.change != nil {
		name = s.change.Ref.Name
	}
	if !slices.Contains(govOwnKinds(), s.ref.Kind) {
		return ""
	}
	if s.ref.Kind == access.KindServiceAccountSecret || s.ref.Kind == access.KindAPIAccessEntry {
		name, _, _ = strings.Cut(name, "/")
	}
	if !slices.Contains(s.w.Own.Credentials, name) {
		return ""
	}
	return name
}

// govNeeds are the roles that the profile has for one of our credentials.
type govNeeds struct {
	known        bool
	org, project []string
	least        []string // roles on the org without which it cannot do its part
}

func (w *world) govNeeds(credential string) govNeeds {
	p, ok := reach.ProfileNamed(w.Profile)
	if !ok {
		return govNeeds{}
	}
	all := govNeeds{known: true, org: slices.Concat(p.Read, p.Write), project: slices.Concat(p.ReadProjects, p.WriteProjects)}
	switch {
	case len(w.Own.Write) == 0: // which is which is not known: it may be either
	case slices.Contains(w.Own.Write, credential): // it may read too
		all.least = p.Write
	default:
		all.org, all.project, all.least = p.Read, p.ReadProjects, p.Read
	}
	return all
}

// beyond are the roles that are not needed, nor contained in what is.
func (n govNeeds) beyond(org, project []string) []string {
	out := []string{}
	for _, r := range org {
		if r != govOrgMember && !slices.ContainsFunc(n.org, func(e string) bool { return reach.ContainsOrgRole(e, r) }) {
			out = append(out, r)
		}
	}
	needed := slices.Clone(n.project)
	for _, r := range n.org {
		needed = append(needed, reach.ImpliedProjectRoles(r)...)
	}
	for _, r := range project {
		if !slices.ContainsFunc(needed, func(e string) bool { return reach.ContainsProjectRole(e, r) }) {
			out = append(out, r)
		}
	}
	return access.SortNames(out)
}

// govLacking are the roles that are needed and not contained in what is held.
func govLacking(needed, held []string, contains func(a, b string) bool) []string {
	out := []string{}
	for _, r := range needed {
		if !slices.ContainsFunc(held, func(h string) bool { return contains(h, r) }) {
			out = append(out, r)
		}
	}
	return out
}

// govRoles are the roles on the org and on projects of a credential as it is listed.
func govRoles(b access.Box) (org, project []string) {
	switch t := b.State.(type) {
	case access.APIKey:
		for _, r := range t.Roles {
			if r.Project == "" {
				org = append(org, r.Role)
			} else {
				project = append(project, r.Role)
			}
		}
	case access.ServiceAccount:
		org = t.Roles
	case access.ProjectKey:
		project = t.Roles
	case access.ProjectServiceAccount:
		project = t.Roles
	}
	return access.SortNames(slices.Clone(org)), access.SortNames(slices.Clone(project))
}

// govOwnState is what is wrong with what one of our own credentials holds.
func (s *subject) govOwnState() string {
	if e, ok := access.As[access.APIAccessEntry](s.res.Box); ok {
		return s.w.govOwnAddress(e.Entry)
	}
	n := s.w.govNeeds(s.govOwnCredential())
	if !n.known {
		return ""
	}
	var wrong []string
	org, project := govRoles(s.res.Box)
	if more := n.beyond(org, project); len(more) > 0 {
		wrong = append(wrong, "holds "+strings.Join(more, ", ")+", which profile "+s.w.Profile+" does not need")
	}
	ofOrg := s.ref.Kind == access.KindAPIKey || s.ref.Kind == access.KindServiceAccount
	if less := govLacking(n.least, org, reach.ContainsOrgRole); ofOrg && len(less) > 0 {
		wrong = append(wrong, "lacks "+strings.Join(less, ", ")+", which profile "+s.w.Profile+" needs")
	}
	return strings.Join(wrong, ", and ")
}

// govOwnAddress is what is wrong with an address that may use one of our own credentials.
func (w *world) govOwnAddress(entry string) string {
	p, ok := w.prefix(entry)
	switch {
	case !ok:
		return ""
	case p.Bits() == 0:
		return "may be used from anywhere"
	case len(w.Own.Addresses) > 0 && !reach.Contains(w.govOwnAddresses(), p):
		return "may be used from " + entry + ", which is none of our own addresses"
	}
	return ""
}

// govOwnChange is what a change did to one of our own credentials, against the profile.
func (s *subject) govOwnChange() string {
	if s.govOwnCredential() == "" {
		return ""
	}
	c := s.change
	switch s.ref.Kind {
	case access.KindServiceAccountSecret:
		return s.govOwnSecret()
	case access.KindAPIAccessEntry:
		return s.govOwnEntry()
	}
	if c.Op == access.OpObserved {
		return "was changed, as an event tells (" + c.Type + "), and shows no difference"
	}
	n := s.w.govNeeds(s.govOwnCredential())
	orgBefore, projectBefore := govRoles(c.Before)
	orgAfter, projectAfter := govRoles(c.After)
	gained := n.beyond(govMinus(orgAfter, orgBefore), govMinus(projectAfter, projectBefore))
	lost := slices.Concat(
		govLost(n.org, orgBefore, orgAfter, reach.ContainsOrgRole),
		govLost(n.project, projectBefore, projectAfter, reach.ContainsProjectRole),
	)
	if !n.known {
		lost = slices.Concat(govMinus(orgBefore, orgAfter), govMinus(projectBefore, projectAfter))
	}
	var told []string
	for what, roles := range map[string][]string{"gained": gained, "lost": lost} {
		if len(roles) > 0 {
			told = append(told, what+" "+strings.Join(roles, ", "))
		}
	}
	slices.Sort(told)
	return strings.Join(told, ", and ")
}

func govMinus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(r string) bool { return slices.Contains(b, r) })
}

// govLost are the needed roles that were held before and are not now.
func govLost(needed, before, after []string, contains func(a, b string) bool) []string {
	return slices.DeleteFunc(govLacking(needed, after, contains), func(r string) bool {
		return !slices.ContainsFunc(before, func(h string) bool { return contains(h, r) })
	})
}

// govOwnSecret: a secret that had ended is cleared away.
func (s *subject) govOwnSecret() string {
	before, _ := access.As[access.ServiceAccountSecret](s.change.Before)
	switch {
	case s.change.Op == access.OpCreated, s.change.Type == "SERVICE_ACCOUNT_SECRET_ADDED":
		return "got a new secret"
	case s.change.Op == access.OpDeleted && !before.ExpiresAt.IsZero() && !s.change.Occurred.Before(before.ExpiresAt):
		return ""
	case s.change.Op == access.OpDeleted, s.change.Op == access.OpObserved:
		return "lost a secret"
	}
	return ""
}

// govOwnRotation reports whether the change is of a secret of one of our own credentials, made
// by a person who owns it, under one of the names by which the feed tells of that person.
// A machine of the owner is not the owner, whatever names it is declared under, nor is the
// credential itself: whose thief would make himself a second secret. Nor is an assistant,
// which may be called anything, nor an employee of Atlas.
func (s *subject) govOwnRotation() bool {
	credential, a := s.govOwnCredential(), s.govActor()
	if credential == "" || s.ref.Kind != access.KindServiceAccountSecret || a.Type != access.ActorHuman || a.OnBehalfOf != "" || s.govOwnAct() != "" {
		return false
	}
	return slices.ContainsFunc(s.w.Principals, func(p access.Principal) bool {
		named := slices.ContainsFunc(append([]string{p.Email}, p.Atlas...), func(n string) bool { return sameName(n, a.Name) })
		return named && slices.Contains(p.Owns, credential)
	})
}

func (s *subject) govOwnEntry() string {
	_, entry, _ := strings.Cut(s.change.Ref.Name, "/")
	inside := false
	if p, ok := s.w.prefix(entry); ok {
		inside = len(s.w.Own.Addresses) > 0 && reach.Contains(s.w.govOwnAddresses(), p)
	}
	switch {
	case s.change.Op == access.OpDeleted, s.change.Op == access.OpObserved && strings.HasSuffix(s.change.Type, "_DELETED"):
		return "may no longer be used from " + entry
	case !inside && (s.change.Op == access.OpCreated || s.change.Op == access.OpObserved):
		return "may be used from " + entry + " now"
	}
	return ""
}

// govOwnAct is what one of our own credentials did without an action of ours; empty:
// nothing. Reading leaves no change, and the tokens that we ask for may leave an event (a
// guess). What was done to a resource that an action of ours just changed is taken for its
// trace, and judged by all other rules.
func (s *subject) govOwnAct() string {
	a, c := s.govActor(), s.change
	switch {
	case !slices.Contains(s.w.Own.Credentials, a.Name) && !slices.Contains(s.w.Own.Credentials, a.OnBehalfOf),
		c.Own != "" || c.Intended != "" || strings.HasPrefix(c.Type, "OAUTH_TOKEN_"), s.govOurHook():
		return ""
	}
	return fmt.Sprintf("%s %s %s", c.Op, c.Ref.Kind, c.Ref.Name) + govIn(c.Type)
}

func govIn(event string) string {
	if event == "" {
		return ""
	}
	return " (" + event + ")"
}

// govOwnDoubt is why it cannot be told whether we acted: a late event may still name the
// actor. An event by itself names whom it will.
func (s *subject) govOwnDoubt() string {
	late := s.change.Op != access.OpObserved && s.now.Before(s.change.Observed.Add(govLateWord))
	if len(s.w.Own.Credentials) > 0 && late && s.govActor().Type == access.ActorUnknown && s.change.Intended == "" {
		return "who did it is not told yet"
	}
	return ""
}

// govOwnAddresses are our own addresses, sorted.
func (w *world) govOwnAddresses() []netip.Prefix {
	if w.memo.governance.addresses == nil {
		w.memo.governance.addresses = []netip.Prefix{}
		for _, a := range w.Own.Addresses {
			if p, err := reach.ParseEntry(a); err == nil {
				w.memo.governance.addresses = append(w.memo.governance.addresses, p)
			}
		}
		slices.SortFunc(w.memo.governance.addresses, func(a, b netip.Prefix) int {
			return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
		})
	}
	return w.memo.governance.addresses
}
