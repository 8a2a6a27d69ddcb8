package scan_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestPlantedToldOnce: what was planted is told once, and not again because a name, the
// hour or the list of new changes is another: only the violation itself is news. And not even
// a day later are the values that violate others: no waiver lapses by the passing of time.
func TestPlantedToldOnce(t *testing.T) {
	e := fleetEngine(t)
	f := newFleet(*plantedProjects, *plantedSeed)
	f.plant()
	for _, again := range []struct {
		name string
		read func(*place, map[access.Kind]access.Collection)
		late time.Duration
	}{
		{"a moment later", nil, 0},
		{"renamed", rename, 0},
		{"an hour later", nil, time.Hour},
		{"a day later", nil, 24 * time.Hour},
	} {
		t.Run(again.name, func(t *testing.T) {
			for _, o := range f.orgs {
				first, then := o.inputs(e, nil), o.inputs(e, again.read)
				for i, in := range first {
					doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
					next := then[i]
					next.Changes, next.Standing, next.Open, next.Now = nil, doc.Standing, doc.Findings, in.Now.Add(again.late)
					after, events := e.Advance(doc, next, e.Evaluate(next))
					retold(t, again.late, doc, after, events)
				}
			}
		})
	}
}

// retold checks that findings that stand before and after are told once.
func retold(t *testing.T, late time.Duration, doc, after access.Findings, events []access.FindingEvent) {
	t.Helper()
	for _, ev := range events {
		if late >= 24*time.Hour || late > 0 && ev.From != ev.To {
			continue // dates pass, and after a day severities with them
		}
		t.Errorf("%s of %s is told again (%s):\nwas %s\nis  %s", ev.Finding.Rule, ev.Finding.Ref.Name, ev.Why, facts(doc.Findings[ev.Finding.ID]), facts(ev.Finding))
	}
	for id, n := range after.Findings {
		if was, there := doc.Findings[id]; there && was.Open() && n.Open() && n.Digest != was.Digest {
			t.Errorf("%s of %s has other values:\nwas %s\nis  %s", n.Rule, n.Ref.Name, facts(was), facts(n))
		}
	}
}

func facts(n access.Finding) string {
	src, err := json.Marshal(n)
	if err != nil {
		return err.Error()
	}
	return string(src)
}

// rename gives projects and orgs other names.
func rename(_ *place, all map[access.Kind]access.Collection) {
	for _, k := range []access.Kind{access.KindProject, access.KindOrg} {
		c := all[k]
		c.Resources = slices.Clone(c.Resources)
		for i, r := range c.Resources {
			switch s := r.Box.State.(type) {
			case access.Project:
				s.Title = "renamed-" + s.Title
				c.Resources[i].Box.State = s
			case access.Org:
				s.Title = "The " + s.Title
				c.Resources[i].Box.State = s
			}
		}
		all[k] = c
	}
}
