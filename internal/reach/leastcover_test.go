package reach

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// cost is what smallestCover makes small: what the roles give together, then their number.
func cost(table dutyTable, roles []string) (gives, count int) {
	var all dutySet
	for _, r := range roles {
		all = all.or(table.gives[r])
	}
	return all.len(), len(roles)
}

// The suggestion does all that was seen, goes beyond what is held only where that is not
// enough, has no role to spare, and no other few roles do the same and give less.
func TestSuggestionIsLeast(t *testing.T) {
	table := theDuties()
	types := slices.SortedFunc(maps.Keys(table.shown), func(a, b feedType) int {
		if a.name == b.name && a.org {
			return -1
		}
		return slices.Compare([]string{a.name}, []string{b.name})
	})
	rapid.Check(t, func(t *rapid.T) {
		e := Evidence{
			OrgRoles:      rapid.SliceOfNDistinct(rapid.SampledFrom(OrgRoles()), 0, 2, rapid.ID).Draw(t, "org roles"),
			ProjectRoles:  rapid.SliceOfNDistinct(rapid.SampledFrom(ProjectRoles()), 0, 4, rapid.ID).Draw(t, "project roles"),
			OrgEvents:     map[string]time.Time{},
			ProjectEvents: map[string]time.Time{},
			Since:         judged.AddDate(-1, 0, 0), Window: EnoughEvidence,
		}
		for _, key := range rapid.SliceOfN(rapid.SampledFrom(types), 0, 12).Draw(t, "events") {
			last := judged.AddDate(0, 0, -rapid.IntRange(0, 180).Draw(t, "days ago"))
			if key.org {
				e.OrgEvents[key.name] = last
			} else {
				e.ProjectEvents[key.name] = last
			}
		}
		s := LeastPrivilege(e, judged)
		if s.Known == (len(e.OrgRoles)+len(e.ProjectRoles) == 0) {
			t.Fatalf("%+v", s)
		}
		if s.Known {
			checkLeast(t, newJudgement(e, judged), s)
		}
	})
}

func checkLeast(t *rapid.T, j *judgement, s Suggestion) {
	cover := func(roles []string) (all dutySet) {
		for _, r := range roles {
			all = all.or(j.enoughFor(r))
		}
		return all
	}
	if !j.need.within(cover(s.Roles)) {
		t.Fatalf("%v leave something seen uncovered: %+v", s.Roles, s)
	}
	for i, r := range s.Roles {
		if j.need.within(cover(slices.Delete(slices.Clone(s.Roles), i, i+1))) {
			t.Fatalf("%s is to spare in %v; needed: %b", r, s.Roles, j.need)
		}
		if len(s.Beyond) == 0 && !j.holds(r) {
			t.Fatalf("%s is wider than %v, which are enough", r, j.held)
		}
	}
	for _, d := range s.Seen {
		if !slices.Contains(s.Roles, d.Role) {
			t.Fatalf("%s is done by %q, which is not in %v", d.Name, d.Role, s.Roles)
		}
	}
	for _, k := range s.Kept {
		if !j.holds(k.Role) || slices.Contains(s.Roles, k.Role) || k.Why == "" {
			t.Fatalf("kept by a role that is not held, or without need: %+v of %v", k, s.Roles)
		}
	}
	checkNothingDropped(t, j, s)
	gives, count := cost(j.dutyTable, s.Roles)
	all := slices.Concat(OrgRoles(), ProjectRoles())
	for i, a := range all {
		for n, b := range all[i:] {
			for _, c := range all[i+n:] {
				few := slices.Compact([]string{a, b, c})
				g, m := cost(j.dutyTable, few)
				if (g < gives || g == gives && m < count) && j.need.within(cover(few)) {
					t.Fatalf("%v do what %v do, and give less", few, s.Roles)
				}
			}
		}
	}
}

// What the held roles are enough for, and is rare or leaves no event, is done by the
// suggested roles or kept.
func checkNothingDropped(t *rapid.T, j *judgement, s Suggestion) {
	for i, d := range j.duties {
		if !j.sureHeld.has(i) || d.kept == "" && j.last[i].IsZero() {
			continue
		}
		enough := func(r string) bool { return j.part[r].has(i) }
		kept := func(k KeptDuty) bool { return k.Name == d.name && enough(k.Role) }
		if !slices.ContainsFunc(s.Roles, enough) && !slices.ContainsFunc(s.Kept, kept) {
			t.Fatalf("%s is dropped in silence: %+v", d.name, s)
		}
	}
}

// The table of roles and the sets of duties agree: a role that contains another is enough
// for all that the other is enough for.
func TestContainmentHoldsForDuties(t *testing.T) {
	table := theDuties()
	all := slices.Concat(OrgRoles(), ProjectRoles())
	for _, a := range all {
		for _, b := range all {
			if includesRole(a, b) && !(table.sure[b].within(table.sure[a]) && table.part[b].within(table.part[a])) {
				t.Errorf("%s includes %s and is not enough for what it is enough for", a, b)
			}
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{OrgOwner, ProjectOwner, true}, {OrgOwner, "GROUP_TRIGGER_MANAGER", true}, {orgReadOnly, projectReadOnly, true},
		{orgReadOnly, "GROUP_ALERTS_MANAGER", false}, {orgStreamAdmin, projectStreamOwner, true}, {ProjectOwner, orgMember, false},
		{orgMember, projectReadOnly, false}, {"GROUP_KING", "GROUP_KING", true}, {OrgOwner, "GROUP_KING", false},
	} {
		if got := includesRole(c.a, c.b); got != c.want {
			t.Errorf("%s includes %s: %v", c.a, c.b, got)
		}
	}
}

func TestSmallestCover(t *testing.T) {
	set := func(of ...int) (s dutySet) {
		for _, i := range of {
			s = s.with(i)
		}
		return s
	}
	for name, c := range map[string]struct {
		need  dutySet
		roles []coverRole
		want  []string
	}{
		"nothing to do": {want: []string{}},
		"two narrow ones beat a broad one": {
			need:  set(1, 2),
			roles: []coverRole{{"broad", set(1, 2), set(1, 2, 3), false}, {"a", set(1), set(1), false}, {"b", set(2), set(2), false}},
			want:  []string{"a", "b"},
		},
		"one beats two that give as much": {
			need:  set(1, 100),
			roles: []coverRole{{"a", set(1), set(1), false}, {"b", set(100), set(100), false}, {"both", set(1, 100), set(1, 100), true}},
			want:  []string{"both"},
		},
		"the purpose-built of two": {
			need:  set(5),
			roles: []coverRole{{"a", set(5), set(5, 6), true}, {"b", set(5), set(5, 7), false}},
			want:  []string{"b"},
		},
		"the first of two by name": {
			need:  set(5),
			roles: []coverRole{{"b", set(5), set(5, 7), false}, {"a", set(5), set(5, 6), false}},
			want:  []string{"a"},
		},
		"purpose-built ones of many alike": {
			need: set(1, 2),
			roles: []coverRole{
				{"a", set(1), set(1, 3), true}, {"b", set(1), set(1, 4), false}, {"c", set(2), set(2, 5), true}, {"d", set(2), set(2, 6), false},
			},
			want: []string{"b", "d"},
		},
		"what greed gets wrong": {
			need: set(1, 2, 3, 4),
			roles: []coverRole{
				{"greedy", set(1, 2, 3), set(1, 2, 3, 9), false}, {"rest", set(4), set(4, 10), false},
				{"left", set(1, 2), set(1, 2), false}, {"right", set(3, 4), set(3, 4), false},
			},
			want: []string{"left", "right"},
		},
		"a broad one that is needed anyway": {
			need: set(1, 2), roles: []coverRole{{"owner", set(1, 2), set(1, 2, 3), true}, {"a", set(1), set(1), false}},
			want: []string{"owner"},
		},
		"nobody can": {need: set(1), roles: []coverRole{{"a", set(2), set(2), false}}, want: []string{}},
	} {
		if got := smallestCover(c.need, c.roles); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Whoever did everything that takes no owner gets all the roles for it, and still no owner.
func TestEverythingButOwning(t *testing.T) {
	table := theDuties()
	e := Evidence{
		OrgRoles: []string{OrgOwner}, ProjectEvents: map[string]time.Time{}, OrgEvents: map[string]time.Time{},
		Since: judged.AddDate(-1, 0, 0),
	}
	duties := dutySet{}
	for key, s := range table.shown {
		if s.reason != "" || slices.ContainsFunc(table.duties[s.duty].enough, owner) && !slices.Contains(table.duties[s.duty].page, "GROUP_ACCESS_MANAGER") {
			continue
		}
		duties = duties.with(s.duty)
		if key.org {
			e.OrgEvents[key.name] = judged
		} else {
			e.ProjectEvents[key.name] = judged
		}
	}
	s := LeastPrivilege(e, judged)
	want := []string{
		"GROUP_ACCESS_MANAGER", "GROUP_ALERTS_MANAGER", "GROUP_BACKUP_MANAGER", "GROUP_CLUSTER_CREATOR", "GROUP_DATA_ACCESS_ADMIN",
		"GROUP_MODEL_OWNER", "GROUP_NETWORK_ACCESS_MANAGER", "GROUP_REAL_TIME_PERFORMANCE_OPERATOR", "GROUP_STREAM_PROCESSING_OWNER",
		"GROUP_SUPPORT_ACCESS_MANAGER", "ORG_BILLING_ADMIN", "ORG_GROUP_CREATOR",
	}
	if !s.Known || !s.Narrower || len(s.Seen) != duties.len() || !slices.Equal(s.Roles, want) {
		t.Errorf("%d duties: %+v", duties.len(), s)
	}
}
