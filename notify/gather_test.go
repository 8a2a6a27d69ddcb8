package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestCauses(t *testing.T) {
	base := access.Finding{Rule: "r", Environment: "prod", Severity: access.High, Actor: access.Actor{Name: "alice@example.com"}}
	for name, c := range map[string]struct {
		change func(*access.Finding)
		same   bool
	}{
		"another project":     {func(f *access.Finding) { f.Ref.Scope = access.ProjectScope("x") }, true},
		"another resource":    {func(f *access.Finding) { f.Ref.Name = "x" }, true},
		"a milder one":        {func(f *access.Finding) { f.Severity = access.Low }, true},
		"a critical one":      {func(f *access.Finding) { f.Severity = access.Critical }, false},
		"another rule":        {func(f *access.Finding) { f.Rule = "q" }, false},
		"another environment": {func(f *access.Finding) { f.Environment = "dev" }, false},
		"another actor":       {func(f *access.Finding) { f.Actor.Name = "bob@example.com" }, false},
		"known as somebody":   {func(f *access.Finding) { f.Actor.Principal = "alice" }, false},
	} {
		f := base
		c.change(&f)
		if got := causeOf(f) == causeOf(base); got != c.same {
			t.Errorf("%s: the same cause: %v", name, got)
		}
	}
}

func TestWhatAGroupTakes(t *testing.T) {
	of := func(n int) Group { return Group{ID: "g", Members: make([]Member, n), Last: at} }
	moved := of(1)
	moved.Into = "d"
	window := gathering{Window: time.Minute}
	for name, c := range map[string]struct {
		want  gathering
		group Group
		more  int
		after time.Duration
		takes bool
	}{
		"within the window": {window, of(1), 1, time.Minute, true},
		"after it":          {window, of(1), 1, time.Minute + 1, false},
		"for ever":          {gathering{}, of(1), 1, 24 * time.Hour, true},
		"begun and empty":   {window, of(0), 1, time.Hour, true},
		"the last":          {window, of(499), 1, 0, true},
		"full":              {window, of(500), 1, 0, false},
		"too many at once":  {window, of(400), 101, 0, false},
		"moved":             {window, moved, 1, 0, false},
		"not there":         {window, Group{}, 1, 0, false},
	} {
		if got := c.want.takes(c.group, c.more, at.Add(c.after)); got != c.takes {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestJoining(t *testing.T) {
	m := Member{Finding: "f", Episode: 1, Severity: access.High}
	worse := m
	worse.Severity = access.Critical
	second := m
	second.Episode = 2
	later := at.Add(time.Minute)
	for name, c := range map[string]struct {
		group   Group
		member  Member
		is      joined
		members []Member
		hold    time.Time
	}{
		"the first":                {Group{ID: "g", Hold: later}, m, entered, []Member{m}, later},
		"again":                    {Group{ID: "g", Members: []Member{m}}, m, entered, []Member{m}, time.Time{}},
		"another episode":          {Group{ID: "g", Members: []Member{m}}, second, entered, []Member{m, second}, time.Time{}},
		"a critical one":           {Group{ID: "g", Digest: "d", Hold: later, Members: []Member{second}}, worse, entered, []Member{second, worse}, time.Time{}},
		"one more critical one":    {Group{ID: "g", Digest: "d", Hold: later, Members: []Member{{Finding: "x", Severity: access.Critical}}}, worse, entered, []Member{{Finding: "x", Severity: access.Critical}, worse}, later},
		"of one that was told":     {Group{ID: "g", Digest: "d", Hold: later, At: Placed{ID: "1"}}, worse, entered, []Member{worse}, later},
		"it got worse":             {Group{ID: "g", Members: []Member{m}}, worse, entered, []Member{worse}, time.Time{}},
		"it got worse in a digest": {Group{ID: "g", Digest: "d", Hold: later, Members: []Member{m, second}}, worse, refused, []Member{second}, later},
		"full":                     {Group{ID: "g", Members: make([]Member, maxMembers)}, m, refused, make([]Member, maxMembers), time.Time{}},
		"moved, with it":           {Group{ID: "g", Into: "d", Members: []Member{m}}, m, moved, []Member{m}, time.Time{}},
		"moved, without it":        {Group{ID: "g", Into: "d", Members: []Member{second}}, m, refused, []Member{second}, time.Time{}},
		"not there":                {Group{}, m, refused, nil, time.Time{}},
	} {
		before := slices.Clone(c.group.Members)
		got, is, changed := join(c.group, c.member, at)
		if diff := cmp.Diff(c.members, got.Members); diff != "" || is != c.is || !got.Hold.Equal(c.hold) {
			t.Errorf("%s: %v, held until %s\n%s", name, is, got.Hold, diff)
		}
		if same := cmp.Equal(before, got.Members); same == changed {
			t.Errorf("%s: changed: %v", name, changed)
		}
		if !cmp.Equal(before, c.group.Members) {
			t.Errorf("%s: the document was written to in place", name)
		}
	}
}

func TestHolding(t *testing.T) {
	f := access.Finding{ID: "f", Episode: 1, Rule: "network/entry-too-broad", State: access.FindingOpen, Severity: access.High, Ref: access.Ref{Kind: access.KindIPAccessEntry}}
	over := f
	over.State = access.FindingResolved
	m, by := memberOf(f), Member{Finding: "world", Episode: 1}
	for name, c := range map[string]struct {
		doc     Held
		finding access.Finding
		held    bool
		members []Member
	}{
		"nothing holds":       {Held{}, f, false, nil},
		"it waits":            {Held{By: by}, f, true, []Member{m}},
		"it waits already":    {Held{By: by, Members: []Member{m}}, f, true, []Member{m}},
		"it is over":          {Held{By: by, Members: []Member{m}}, over, true, nil},
		"it was over before":  {Held{By: by}, over, false, nil},
		"it may go":           {Held{Members: []Member{m}}, f, false, []Member{m}},
		"over, when it could": {Held{Members: []Member{m}}, over, true, nil},
		"too many wait":       {Held{By: by, Members: make([]Member, maxMembers)}, f, false, make([]Member, maxMembers)},
	} {
		got, held, changed := hold(c.doc, c.finding)
		if held != c.held || len(got.Members) != len(c.members) || changed != (len(c.doc.Members) != len(c.members)) {
			t.Errorf("%s: held %v, changed %v, %v", name, held, changed, got.Members)
		}
	}
	for _, c := range []struct {
		rule     string
		kind     access.Kind
		severity access.Severity
		want     bool
	}{
		{"network/entry-too-broad", access.KindIPAccessEntry, access.High, true},
		{"network/entry-too-broad", access.KindIPAccessEntry, access.Critical, false},
		{"network/unapproved-peering", access.KindPeering, access.High, false},
		{openToWorld, access.KindIPAccessEntry, access.High, false},
		{"dbuser/admin", access.KindIPAccessEntry, access.High, false},
	} {
		if got := waits(access.Finding{Rule: c.rule, Ref: access.Ref{Kind: c.kind}, Severity: c.severity}); got != c.want {
			t.Errorf("%s of a %s, %s: %v", c.rule, c.kind, c.severity, got)
		}
	}
}

func TestInstead(t *testing.T) {
	long, now := at.Add(-time.Hour), at
	night := Policy{Quiet: Quiet{From: 0, To: 23 * time.Hour}}.orDefaults()
	day := Policy{}.orDefaults()
	for name, c := range map[string]struct {
		policy Policy
		t      telling
		spent  bool
		want   string
	}{
		"it stands":           {day, telling{opened: long}, false, ""},
		"over at once":        {day, telling{over: true, opened: at.Add(-time.Minute)}, false, ""},
		"over long ago":       {day, telling{over: true, opened: long, critical: true}, true, "missed"},
		"the budget is spent": {day, telling{opened: long}, true, "budget 2026-11-22T02:15:00Z"},
		"critical all the same": {
			night, telling{opened: long, critical: true}, true, ""},
		"in quiet hours": {night, telling{opened: long}, true, "quiet 2026-11-22T23:00:00Z"},
	} {
		got, away := c.policy.instead(c.t, "slack", c.spent, now)
		if got.Cause != c.want || away != (c.want != "") || away != (got.Digest != "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestSlots(t *testing.T) {
	c := Channel{}
	for i := range 3 {
		next, fresh, ok := c.slot(fmt.Sprint(i), 2, at.Add(time.Duration(i)*time.Second))
		if ok != (i < 2) || fresh != ok {
			t.Errorf("card %d: %v %v", i, ok, fresh)
		}
		c = next
	}
	if _, fresh, ok := c.slot("0", 2, at); !ok || fresh {
		t.Error("a card that has its slot takes another")
	}
	if c, _, ok := c.slot("2", 2, at.Add(time.Minute)); !ok || len(c.Cards) != 2 {
		t.Errorf("a minute later: %v", c)
	}
}

// TestACardShowsTheWorst and counts all, however many there are.
func TestACardShowsTheWorst(t *testing.T) {
	w, sum := newPosterWorld(false), newTally()
	for i := range 100 {
		s := w.found(fmt.Sprint(i), fmt.Sprint("r/", i%2), access.Severities()[i%5], 1)
		switch {
		case i%5 == 0 && i > 20:
			s.Finding.State = access.FindingResolved
		case i == 96:
			s.Question = Question{Action: "a", Plan: "p", Need: 1, May: []string{"bob", "alice"}}
		}
		sum.add(memberOf(s.Finding), s, i != 98)
	}
	got := sum.telling(Group{ID: "g"})
	var shown []string
	for _, s := range got.card.Stories {
		shown = append(shown, s.Finding.Message)
	}
	if diff := cmp.Diff([]string{"0", "5", "10", "15", "20", "96", "1", "6", "11", "16"}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	counts := []Count{{"r/0", access.Critical, 42, 1, 50}, {"r/1", access.Critical, 42, 0, 50}}
	if diff := cmp.Diff(counts, got.card.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"alice", "bob"}, got.asked); diff != "" || len(got.votes) != 1 || !got.critical || got.over {
		t.Errorf("%+v %s", got, diff)
	}
}

func TestChannelsHaveSubjectsOfTheirOwn(t *testing.T) {
	var got []access.Out
	r := Router{
		Routes:  func() []Route { return []Route{{To: []string{"log", "slack:a", "slack:b"}}} },
		Publish: recorder(&got),
	}
	f := finding()
	if err := r.Finding(t.Context(), access.FindingEvent{Finding: f}); err != nil {
		t.Fatal(err)
	}
	undo := access.Action{ID: access.ActionID(f.ID, 1) + "-undo", Finding: f.ID, Episode: 1, Ref: f.Ref, Purpose: access.PurposeUndo}
	if err := r.Decision(t.Context(), access.Decision{Action: undo}); err != nil {
		t.Fatal(err)
	}
	if err := r.Decision(t.Context(), access.Decision{Type: access.FactControl, Message: "it has ended", Action: access.Action{Ref: f.Ref}}); err != nil {
		t.Fatal(err)
	}
	type sent struct{ Sink, Subject, To, Finding, Action, Says string }
	var all []sent
	for _, o := range got {
		var n access.Notice
		if err := json.Unmarshal(o.Body, &n); err != nil {
			t.Fatal(err)
		}
		all = append(all, sent{o.Keys[0], o.Keys[1], n.To, n.Finding, n.Action, n.Says})
	}
	episode := access.ActionID(f.ID, 1)
	a, b := access.Hash("slack:a", episode), access.Hash("slack:b", episode)
	says := access.Notice{Scope: scope, Says: "it has ended"}.Subject()
	want := []sent{
		{"log", f.ID, "", f.ID, episode, ""}, {"slack", a, "a", f.ID, "", ""}, {"slack", b, "b", f.ID, "", ""},
		{"log", undo.ID, "", f.ID, undo.ID, ""}, {"slack", a, "a", f.ID, "", ""}, {"slack", b, "b", f.ID, "", ""},
		{"log", says, "", "", "", "it has ended"}, {"slack", access.Hash("slack:a", says), "a", "", "", "it has ended"}, {"slack", access.Hash("slack:b", says), "b", "", "", "it has ended"},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestCardMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewCardMetrics(reg)
	w := newPosterWorld(false)
	w.poster.Metrics, w.poster.GroupsOf = m, func([]string) []string { return []string{"oncall"} }
	for i := range 3 {
		s := w.found(fmt.Sprint(i), fmt.Sprint("r/", i), access.Critical, 1)
		s.Question = Question{Action: "a", Plan: "p", Need: 1, May: []string{"alice"}}
		w.set(s)
		w.after(t, time.Minute)
	}
	w.resolve(access.Hash("0"))
	w.after(t, time.Minute)
	asked := Asked(access.Action{Steps: []access.Step{{To: access.ActionProposed}, {At: at, To: access.ActionAwaiting}}})
	m.Voted(access.VoteApprove, []string{"oncall"}, asked, at.Add(3*time.Second))
	m.Voted(access.VoteDeny, []string{"oncall"}, Asked(access.Action{}), at)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, s := range f.Metric {
			name := f.GetName()
			for _, l := range s.Label {
				name += " " + l.GetValue()
			}
			got[name] = s.GetCounter().GetValue() + s.GetGauge().GetValue() + s.GetHistogram().GetSampleSum()
		}
	}
	want := map[string]float64{
		"gatewarden_cards_total finding": 3, "gatewarden_cards_total edit": 1, "gatewarden_cards_per_approver oncall": 3,
		"gatewarden_votes_total oncall approve": 1, "gatewarden_votes_total oncall deny": 1, "gatewarden_decision_seconds": 3,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
