package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EnoughEvidence is how long an actor is watched before what it does says what it needs.
const EnoughEvidence = 90 * 24 * time.Hour

// Evidence is what an actor may do, and what it was seen doing, in an org, in one of its
// projects, or in both.
type Evidence struct {
	OrgRoles      []string             // held in the org
	ProjectRoles  []string             // held in the project, by itself or through teams
	OrgEvents     map[string]time.Time // by event type in the org's feed: the last day
	ProjectEvents map[string]time.Time
	Since         time.Time     // since when the feeds have been read without a gap until now; of two, the later
	Window        time.Duration // how much of it is asked for; EnoughEvidence if zero
}

// Suggestion is the least privilege that does what an actor was seen doing.
type Suggestion struct {
	Known    bool
	Why      string     // what the suggestion rests on, or why there is none
	From     time.Time  // when the evidence will be enough, if it is what is missing
	Roles    []string   // the documented roles that are enough and give the least, sorted
	Seen     []SeenDuty // what they are for
	Kept     []KeptDuty // what is lost with the held roles though not being seen says little
	Beyond   []string   // what was seen though no held role is enough for it
	Owner    []string   // what was seen that only an owner can do
	Notes    []string   // what to look at before the roles are changed
	Narrower bool       // the roles are within those held, and less
	Unknown  []string   // event types that were seen and are not mapped: there is no suggestion
}

// SeenDuty is something that the actor was seen doing.
type SeenDuty struct {
	Name string
	Does string
	Last time.Time // zero for what every role of the org or the project is for
	Role string    // of the suggestion, and enough for it
}

// KeptDuty is something that the held roles are enough for and the suggested ones are
// not, and that is not dropped in silence: whoever has it adds the role.
type KeptDuty struct {
	Name string
	Does string
	Why  string    // rare, leaves no event, or seen only before the window
	Last time.Time // zero if it was never seen
	Role string    // the narrowest one within those held that keeps it
}

// LeastPrivilege says which roles are enough for what the actor was seen doing in the
// window before now. It is unknown while the evidence is shorter than that, when an
// event was seen that nobody mapped, and when a role is held that is not documented.
func LeastPrivilege(e Evidence, now time.Time) Suggestion {
	if e.Window <= 0 {
		e.Window = EnoughEvidence
	}
	if s, ok := e.unknown(now); ok {
		return s
	}
	j := newJudgement(e, now)
	if len(j.unmapped) > 0 {
		return Suggestion{
			Unknown: j.unmapped,
			Why:     "it is not known what these events show: " + strings.Join(j.unmapped, ", "),
		}
	}
	return j.suggestion()
}

func (e Evidence) unknown(now time.Time) (Suggestion, bool) {
	if len(e.OrgRoles)+len(e.ProjectRoles) == 0 {
		return Suggestion{Why: "no role is held"}, true
	}
	for _, r := range e.OrgRoles {
		if !KnownOrgRole(r) {
			return Suggestion{Why: fmt.Sprintf("%q is no documented role of an org", r)}, true
		}
	}
	for _, r := range e.ProjectRoles {
		if !KnownProjectRole(r) {
			return Suggestion{Why: fmt.Sprintf("%q is no documented role of a project", r)}, true
		}
	}
	if e.Since.IsZero() {
		return Suggestion{Why: "the feed is not being read without a gap"}, true
	}
	if from := e.Since.Add(e.Window); now.Before(from) {
		return Suggestion{From: from, Why: fmt.Sprintf("watched since %s; %d days of evidence there will be on %s",
			day(e.Since), int(e.Window.Hours()/24), day(from))}, true
	}
	return Suggestion{}, false
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// judgement is the evidence in terms of duties.
type judgement struct {
	Evidence
	dutyTable
	held     []string
	sureHeld dutySet           // what the held roles are surely enough for
	partHeld dutySet           // the same, and what they are enough for in part
	base     dutySet           // what every role is for
	need     dutySet           // the same, and what was seen in the window
	last     map[int]time.Time // when each duty was last seen, in the window or before it
	unmapped []string
}

func newJudgement(e Evidence, now time.Time) *judgement {
	j := &judgement{Evidence: e, dutyTable: theDuties(), last: map[int]time.Time{}}
	j.held = slices.Concat(e.OrgRoles, e.ProjectRoles)
	for _, r := range j.held {
		j.sureHeld, j.partHeld = j.sureHeld.or(j.sure[r]), j.partHeld.or(j.part[r])
	}
	if len(e.OrgRoles) > 0 {
		j.base = j.base.with(j.named(dutyOrgMember))
	}
	if len(e.ProjectRoles) > 0 {
		j.base = j.base.with(j.named(dutyProjectRead))
	}
	j.need = j.base
	// Days are held, not instants: the day on which the window begins is inside.
	begin := now.Add(-e.Window).UTC().Truncate(24 * time.Hour)
	j.take(e.OrgEvents, true, begin)
	j.take(e.ProjectEvents, false, begin)
	slices.Sort(j.unmapped)
	j.unmapped = slices.Compact(j.unmapped)
	return j
}

func (j *judgement) take(events map[string]time.Time, org bool, begin time.Time) {
	for eventType, last := range events {
		s, ok := j.shows(eventType, org)
		switch {
		case !ok:
			j.unmapped = append(j.unmapped, eventType)
		case s.reason != "", s.own && !j.partHeld.has(s.duty):
		default:
			if last.After(j.last[s.duty]) {
				j.last[s.duty] = last
			}
			if !last.Before(begin) {
				j.need = j.need.with(s.duty)
			}
		}
	}
}

// enoughFor are the duties that the role may be suggested for. Where the held roles are
// enough, it has to be one within them; where they are so only in part, they evidently
// were enough for the part that was done.
func (j *judgement) enoughFor(role string) dutySet {
	does := j.sure[role].or(j.part[role].without(j.sureHeld).and(j.partHeld))
	if j.holds(role) {
		return does
	}
	return does.without(j.partHeld.without(j.base))
}

func (j *judgement) enoughForAll(roles []string) (all dutySet) {
	for _, r := range roles {
		all = all.or(j.sure[r]).or(j.enoughFor(r))
	}
	return all
}

func (j *judgement) holds(role string) bool {
	return slices.ContainsFunc(j.held, func(h string) bool { return includesRole(h, role) })
}

// candidates are the documented roles that may be suggested.
func (j *judgement) candidates() (out []coverRole) {
	for _, name := range documentedRoles() {
		out = append(out, coverRole{name: name, covers: j.enoughFor(name), grants: j.gives[name], older: !purposeBuilt(name)})
	}
	return out
}

func (j *judgement) suggestion() Suggestion {
	s := Suggestion{Known: true, Roles: smallestCover(j.need, j.candidates())}
	does := j.enoughForAll(s.Roles)
	for i, d := range j.duties {
		switch {
		case j.need.has(i):
			j.explain(&s, i)
		case j.partHeld.has(i) && !does.has(i):
			if why := d.whyKept(j.last[i]); why != "" {
				s.Kept = append(s.Kept, KeptDuty{Name: d.name, Does: d.does, Why: why, Last: j.last[i], Role: j.keeper(i)})
			}
		}
	}
	s.Narrower = j.narrower(s.Roles)
	s.Why = fmt.Sprintf("watched since %s; duties seen in the last %d days: %d",
		day(j.Since), int(j.Window.Hours()/24), len(s.Seen))
	return s
}

// explain says of a needed duty which role is for it, and what is to be known of it.
func (j *judgement) explain(s *Suggestion, i int) {
	if j.base.has(i) {
		return
	}
	d := j.duties[i]
	role := j.narrowest(slices.DeleteFunc(slices.Clone(s.Roles), func(r string) bool { return !j.enoughFor(r).has(i) }))
	s.Seen = append(s.Seen, SeenDuty{Name: d.name, Does: d.does, Last: j.last[i], Role: role})
	if !j.partHeld.has(i) {
		s.Beyond = append(s.Beyond, d.does)
	}
	if !slices.ContainsFunc(slices.Concat(d.enough, d.partly), func(r string) bool { return !owner(r) }) {
		s.Owner = append(s.Owner, d.does)
	}
	if named := slices.DeleteFunc(slices.Clone(d.enough), func(r string) bool { return slices.Contains(d.page, r) }); len(named) > 0 &&
		slices.Contains(d.page, role) {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: the documentation of roles says that %s is enough; the operation names %s",
			d.does, role, strings.Join(named, ", ")))
	}
	for _, r := range d.partly {
		// It is of use only if nothing else that was seen needs the wider role.
		rest := append(slices.DeleteFunc(slices.Clone(s.Roles), func(o string) bool { return o == role }), r)
		if j.holds(r) && j.gives[r].len() < j.gives[role].len() && j.need.without(dutySet{}.with(i)).within(j.enoughForAll(rest)) {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: %s is enough for a part of it; the events do not tell which part was done", d.does, r))
		}
	}
}

func (d duty) whyKept(last time.Time) string {
	switch {
	case d.kept != "" && !last.IsZero():
		return d.kept + "; last seen on " + day(last)
	case !last.IsZero():
		return "last seen on " + day(last)
	}
	return d.kept
}

// keeper is the narrowest role within those held that keeps a duty.
func (j *judgement) keeper(i int) string {
	among := func(roles []string) string {
		return j.narrowest(slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return !j.holds(r) }))
	}
	return cmp.Or(among(j.duties[i].enough), among(j.duties[i].partly))
}

func (j *judgement) narrowest(roles []string) string {
	if len(roles) == 0 {
		return ""
	}
	return slices.MinFunc(roles, func(a, b string) int {
		return cmp.Or(cmp.Compare(j.gives[a].len(), j.gives[b].len()), cmp.Compare(a, b))
	})
}

func (j *judgement) narrower(roles []string) bool {
	within := func(list, of []string) bool {
		return !slices.ContainsFunc(list, func(r string) bool {
			return !slices.ContainsFunc(of, func(o string) bool { return includesRole(o, r) })
		})
	}
	return within(roles, j.held) && !within(j.held, roles)
}

func owner(role string) bool { return role == OrgOwner || role == ProjectOwner }

// purposeBuilt says that a role is one of the newer ones, each for one thing.
func purposeBuilt(role string) bool { return slices.Contains(purposeBuiltRoles(), role) }

func purposeBuiltRoles() []string {
	return []string{
		"GROUP_ACCESS_MANAGER", "GROUP_NETWORK_ACCESS_MANAGER", "GROUP_CLUSTER_CREATOR", "GROUP_REPLICA_SET_MANAGER",
		"GROUP_CLUSTER_LOG_VIEWER", "GROUP_CLUSTER_RESILIENCE_TESTER", "GROUP_BACKUP_CREATOR",
		"GROUP_BACKUP_RECOVERY_OPERATOR", "GROUP_BACKUP_EXPORT_OPERATOR", "GROUP_INDEX_MANAGER",
		"GROUP_REAL_TIME_PERFORMANCE_OPERATOR", "GROUP_SUPPORT_ACCESS_MANAGER", "GROUP_ALERTS_MANAGER",
		"GROUP_TRIGGER_MANAGER", "GROUP_MODEL_OWNER",
	}
}
