package slack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

func TestGroups(t *testing.T) {
	decided := burst(3, 3)
	for i := range decided.Stories {
		decided.Stories[i] = put(decided.Stories[i])
	}
	decided.Counts[0].Open, decided.Counts[0].Waiting = 0, 0
	nobody := burst(3, 3)
	for i := range nobody.Stories {
		nobody.Stories[i].Question.May = nil
	}
	mixed := card(world(), user())
	for name, c := range map[string]struct {
		card      notify.Card
		has, lack []string
	}{
		"more than are listed":      {burst(200, 10), []string{"200 × Access list", "Revert all 199…", "and 190 more that are not listed here", "--rule network/open-to-world"}, []string{ActKeep, ActRevert + `"`}},
		"few":                       {burst(3, 3), []string{"Revert all 2…", "2 open, 2 waiting"}, []string{"not listed"}},
		"one left over":             {burst(11, 10), []string{"and 1 more that is not listed here"}, nil},
		"all decided":               {decided, []string{"🟢", "all over"}, []string{"Revert all"}},
		"nobody may decide":         {nobody, []string{"waits for a decision"}, []string{"Revert all"}},
		"of several rules":          {mixed, []string{"CRITICAL: 2 × ", "dbuser/beyond-declared", "several; each line says who"}, nil},
		"of which none can be told": {notify.Card{ID: "g", Total: 4}, []string{"nothing any more"}, nil},
	} {
		m := Render(c.card, now, testLook())
		got := compact(t, m.Blocks)
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, got)
			}
		}
		for _, not := range c.lack {
			if strings.Contains(got, not) {
				t.Errorf("%s has %q", name, not)
			}
		}
		if bad := inspectMessage(t, m, testLook()); len(bad) > 0 {
			t.Errorf("%s: %s", name, strings.Join(bad, "\n"))
		}
	}
}

// Each finding of a group has its own way in, which names that finding.
func TestMoreNamesItsFinding(t *testing.T) {
	c := burst(3, 3)
	got := compact(t, Render(c, now, testLook()).Blocks)
	for _, s := range c.Stories {
		v := Value{Group: c.ID, Rev: c.Rev, Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: s.Finding.Episode}
		if strings.Count(got, fmt.Sprintf("%q", v.String())) != 1 {
			t.Errorf("%s has no button of its own", s.Finding.Ref.Name)
		}
	}
}

func TestHome(t *testing.T) {
	h := testHome()
	h.DryRun = true
	for i := range 500 {
		s := world()
		s.Finding.Ref.Name = fmt.Sprintf("203.0.%d.%d/32", i/250, i%250)
		h.Pending, h.Open = append(h.Pending, s), append(h.Open, closed(s))
	}
	h.Total = 4000
	for range 40 {
		h.Held = append(h.Held, h.Held[0])
	}
	v := HomeView(h, now, testLook())
	got := compact(t, v)
	if bad := inspectView(t, v, testLook()); len(bad) > 0 {
		t.Error(strings.Join(bad, "\n"))
	}
	for _, want := range []string{"Dry run", "Waits for you: 502 decisions", "and 487 more", "Stands open: 4000 findings", "and 3975 more", "INC-7"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	h.Held = []Place{{Scope: prj, Incidents: []access.Incident{{Name: "INC-7", From: at, Until: now}}}}
	if got := compact(t, HomeView(h, now, testLook())); strings.Contains(got, "INC-7") {
		t.Error("it tells of an incident that is over")
	}
	if got := compact(t, HomeView(Home{Pending: h.Pending, Open: h.Open}, now, testLook())); strings.Contains(got, "203.0.") {
		t.Error("it tells findings to somebody whom nobody declared")
	}
}
