package rules

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// subject is what one evaluation is about: a resource, a change, or all of a kind. It
// is CEL's activation: facts are worked out when an expression asks for them, once.
type subject struct {
	w       *world
	rule    *Rule
	ref     access.Ref
	res     *access.Resource // empty where the subject is no resource
	change  *access.Change   // of a change rule
	match   *access.Change   // of its ends: the earlier change, which matched
	now     time.Time
	telling bool      // what is worked out is told to people: times to the second
	came    bool      // the cause is one of those that the rule comes through
	anew    bool      // its open finding is of another violation: [subject.outgrown]
	since   time.Time // of a union whose finding is open: when it became the world

	failure failure // of a rule on failures

	exposed *reach.Exposure
	who     *access.Identity
	class   ref.Val // of who
	exp     *expiryFacts
	uni     *unionFacts
	closed  *roleList
	lost    *danglingFacts
	heir    *inheritance
	each    string // of a rule with each_of: the name
	ppl     *peopleFacts
}

// ResolveName implements CEL's Activation.
func (s *subject) ResolveName(name string) (any, bool) {
	if get, ok := getters[name]; ok { // where [direct] does not come first
		v := get(s)
		if t, ok := v.(time.Time); ok {
			v = s.clock(t)
		}
		return v, true
	}
	v, ok := s.rule.params[name]
	return v, ok
}

// clock is a time as the expression that is asked sees it: texts show no parts of a second.
func (s *subject) clock(t time.Time) time.Time {
	if s.telling {
		return t.Truncate(time.Second)
	}
	return t
}

// Parent implements CEL's Activation.
func (*subject) Parent() interpreter.Activation { return nil }

// entryName is the access list entry that the subject is about.
func (s *subject) entryName() string { return s.ref.Name }

func (s *subject) exposure() reach.Exposure {
	if s.exposed == nil {
		var e reach.Exposure
		if p, ok := s.w.prefix(s.entryName()); ok {
			e = reach.Expose([]netip.Prefix{p})
		}
		s.exposed = &e
	}
	return *s.exposed
}

func (s *subject) declared() bool {
	p, ok := s.w.prefix(s.entryName())
	return ok && s.w.policy.declared[s.w.in.Environment].Contains(p)
}

func (s *subject) securityGroup() bool { return reach.IsSecurityGroup(s.entryName()) }

// present reports whether the resource of a change is there in the last complete read,
// or may be.
func (s *subject) present() bool {
	c := s.w.in.Collections[s.ref.Kind]
	_, ok := c.Find(s.ref.Name)
	return ok || c.Unreadable(s.ref.Name)
}

// matched is the change that an expression for ends asks about.
func (s *subject) matched() access.Change {
	if s.match == nil {
		return access.Change{}
	}
	return *s.match
}

// ended is when the change was undone or, where that is not known, when it was seen to
// be gone.
func (s *subject) ended() time.Time {
	if s.change.Ended.IsZero() {
		return s.change.Observed
	}
	return s.change.Ended
}

// collection is how the subject's kind was read.
func (s *subject) collection() access.Collection { return s.w.in.Collections[s.ref.Kind] }

func (s *subject) user() access.DatabaseUser {
	u, _ := access.As[access.DatabaseUser](s.res.Box)
	return u
}

func (s *subject) identity() *access.Identity {
	if s.who == nil {
		s.who = &nobody
		if s.ref.Kind == access.KindDatabaseUser && !s.res.Box.IsZero() {
			if s.who = s.w.policy.identity(s.w.in.Environment, s.user()); s.who.Class == access.ClassAtlasManaged && byHand(s.res.Actor) {
				s.who = s.w.policy.unmanaged(s.w.in.Environment, s.user())
			}
		} else if h, ok := access.As[access.AccessHistory](s.res.Box); ok {
			s.who = s.w.policy.identity(s.w.in.Environment, s.w.visitor(h))
		} else if names := s.machineNames(); names != nil {
			s.who = s.machineIdentity(names)
		}
	}
	return s.who
}

// className is the class of the identity, ready for expressions: most rules on database users
// ask for it.
func (s *subject) className() ref.Val {
	if s.class == nil {
		s.class = types.String(s.identity().Class)
	}
	return s.class
}

// loose reports whether the user is of a class that permits more than none does, by nothing
// but a pattern for names: whoever makes users may call one so. The very name, a label, or an
// age that such users may reach binds the class. (break_glass is bound by its own rule.)
func (s *subject) loose() bool {
	id := s.identity()
	if id.Class != access.ClassSync && id.Class != access.ClassMigration && id.Class != access.ClassPlatformAdmin {
		return false
	}
	aged := id.MaxAge > 0 && id.Class == access.ClassMigration
	named := slices.Contains(id.Usernames, s.user().Username) && !strings.Contains(s.user().Username, "*") // one called like the pattern is not named
	return len(id.Labels) == 0 && !aged && !named
}

// syncs reports whether the user copies a cluster now, as declared.
func (s *subject) syncs() bool {
	id := s.identity()
	return id.Class == access.ClassSync && s.now.Before(id.Until) && !s.loose()
}

// byHand reports whether somebody made or edited the resource: Atlas lets nobody do that with
// a user of its own (that its events name Atlas as the actor then is a guess), so one who is
// only called like those is not one.
func byHand(by access.Actor) bool {
	return by.Type == access.ActorHuman || by.Type == access.ActorAPIKey || by.Type == access.ActorServiceAccount
}

// declaresAdmin reports whether the declared roles of the identity reach atlasAdmin.
func (s *subject) declaresAdmin() bool {
	reaches, _, _ := s.w.catalog().ReachesAdmin(Grants(s.identity().Roles))
	return reaches
}

// adminFacts is whether and how a database user reaches atlasAdmin.
type adminFacts struct {
	reached bool
	path    []string // role names, from a granted one to atlasAdmin
	custom  []string // the custom roles of the path
	missing []string // roles that nobody knows
}

func (s *subject) admin() *adminFacts { return &s.roleList().admin }

func (w *world) reachAdmin(all reach.Closure) adminFacts {
	out := adminFacts{path: all.Path(reach.AtlasAdmin), missing: all.Missing}
	out.reached = out.path != nil
	for _, name := range out.path {
		if _, ok := w.roles[name]; ok {
			out.custom = append(out.custom, name)
		}
	}
	return out
}

// expiryFacts is when a database user should have ended, and by what.
type expiryFacts struct {
	temporary bool
	at        time.Time // the first date that passed
	by        string
	machine   bool   // a date written by a machine passed: Atlas's own, or RFC 3339 in a label or description
	unknown   string // why it cannot be told, if nothing passed
}

func (x *expiryFacts) passed() bool { return !x.at.IsZero() }

// end takes in one date.
func (x *expiryFacts) end(now, at time.Time, by string, machine bool) {
	if at.IsZero() || now.Before(at) {
		return
	}
	x.machine = x.machine || machine
	if x.at.IsZero() || at.Before(x.at) {
		x.at, x.by = at, by
	}
}

func (s *subject) expiry() *expiryFacts {
	if s.exp == nil {
		s.exp = s.expire()
	}
	return s.exp
}

func (s *subject) expire() *expiryFacts {
	u, x := s.user(), &expiryFacts{}
	if !u.DeleteAfterDate.IsZero() {
		lag, _ := s.rule.Params["atlas_lag"].(time.Duration)
		x.temporary = true
		if !s.now.Before(u.DeleteAfterDate.Add(lag)) {
			x.end(s.now, u.DeleteAfterDate, "its deleteAfterDate", true)
		}
	}
	for _, l := range u.Labels {
		if l.Key != "expires" && l.Key != "gatewarden/expires" {
			continue
		}
		x.temporary = true
		at, machine, ok := parseExpiry(l.Value)
		if !ok && x.unknown == "" {
			x.unknown = "its label " + l.Key + " holds no date that can be read: write it as 2026-01-31T00:00:00Z"
		}
		x.end(s.now, at, "its label "+l.Key, machine)
	}
	for _, at := range written(u.Description) {
		x.temporary = true
		x.end(s.now, at, "the expiry in its description", true)
	}
	s.tooOld(x)
	return x
}

// tooOld judges the age that the identity may reach, counted from the user's creation.
func (s *subject) tooOld(x *expiryFacts) {
	limit := s.identity().MaxAge
	if limit <= 0 {
		return
	}
	created := s.created()
	if created.IsZero() {
		if x.unknown == "" {
			x.unknown = "it may be " + access.Lasts(limit) + " old, and when it was created is not known"
		}
		return
	}
	x.end(s.now, created.Add(limit), "the age of "+access.Lasts(limit)+" that its identity allows", false)
}

// created is when the user was created: as an event told, or as we saw it. What was
// there at first sight, or came in a gap, has no known age.
func (s *subject) created() time.Time {
	if at, ok := s.w.in.Created[s.ref.Name]; ok {
		return at
	}
	return added(*s.res)
}

// added is when a resource was added while we watched; zero if it was not, or if that
// fell into a gap.
func added(r access.Resource) time.Time {
	switch {
	case r.Baseline || r.CameInGap || r.ChangedAt.IsZero() && r.FirstSeen.IsZero():
		return time.Time{}
	case r.FirstSeen.IsZero() || !r.ChangedAt.IsZero() && !r.ChangedAt.After(r.FirstSeen): // created, not changed since
		if r.Gap {
			return time.Time{}
		}
		return r.ChangedAt
	}
	return r.FirstSeen // changed since; it was first seen a moment after it was added
}

// parseExpiry reads a label's date: RFC 3339, as machines write it, or a plain day,
// which lasts until it ends in UTC.
func parseExpiry(s string) (at time.Time, machine, ok bool) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), true, true
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1), false, true
	}
	return time.Time{}, false, false
}

// written are the expires=<RFC 3339> of a text. What is written otherwise was written
// by a person and is no date.
func written(text string) (out []time.Time) {
	for _, word := range strings.Fields(text) {
		v, ok := strings.CutPrefix(strings.TrimLeft(word, "([{\"',;"), "expires=")
		if !ok {
			continue
		}
		if t, err := time.Parse(time.RFC3339, strings.TrimRight(v, ")]}\"',;.")); err == nil {
			out = append(out, t.UTC())
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// canonical is the canonical spelling of an access list entry; what is none stays.
func canonical(entry string) string {
	if c, err := reach.Canonical(entry); err == nil {
		return c
	}
	return entry
}
