package scan_test

import (
	"slices"
	"strings"
	"testing"
)

// projectPlanting is a way to break a rule in a project.
type projectPlanting struct {
	rule, how string
	where     func(*project) bool // nil: anywhere
	uses      string              // what it has for itself, in words; two that share one are not planted together
	plant     func(*project)
}

// orgPlanting is a way to break a rule in an org.
type orgPlanting struct {
	rule, how string
	uses      string
	plant     func(*org)
}

func projectPlantings() []projectPlanting {
	return slices.Concat(networkPlantings(), databasePlantings(), peoplePlantings(), governancePlantings())
}

func orgPlantings() []orgPlanting {
	return slices.Concat(peopleOrgPlantings(), machinePlantings(), governanceOrgPlantings())
}

// plant breaks rules: each way at least once, then a few at random in each project.
func (f *fleet) plant() {
	all := projectPlantings()
	projects := f.shuffled()
	for _, how := range all {
		if i := slices.IndexFunc(projects, func(p *project) bool { return p.fits(how) }); i >= 0 {
			projects[i].take(how)
			p := projects[i]
			projects = append(slices.Delete(projects, i, i+1), p) // it comes last now
		}
	}
	for _, p := range projects {
		for n, tries := f.rng.IntN(4), 0; n > 0 && tries < 20; tries++ {
			if how := all[f.rng.IntN(len(all))]; p.fits(how) {
				p.take(how)
				n--
			}
		}
	}
	f.plantOrgs()
	for _, p := range projects {
		p.settle()
		p.compare()
	}
}

func (f *fleet) shuffled() []*project {
	var out []*project
	for _, o := range f.orgs {
		out = append(out, o.projects...)
	}
	f.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (f *fleet) plantOrgs() {
	all := orgPlantings()
	for i, how := range all {
		for j := range f.orgs {
			o := f.orgs[(i+j)%len(f.orgs)]
			if free(o.busy, how.uses) {
				o.take(how)
				break
			}
		}
	}
	for _, o := range f.orgs {
		for range 6 {
			if how := all[f.rng.IntN(len(all))]; free(o.busy, how.uses) {
				o.take(how)
			}
		}
	}
}

// free reports whether nothing else has what a planting needs for itself.
func free(busy map[string]bool, uses string) bool {
	return !slices.ContainsFunc(strings.Split(uses, " + "), func(u string) bool { return busy[u] })
}

func occupy(busy map[string]bool, uses string) {
	for _, u := range strings.Split(uses, " + ") {
		busy[u] = true
	}
}

func (o *org) take(how orgPlanting) {
	occupy(o.busy, how.uses)
	o.by = how.rule + " " + how.how
	o.fleet.planted[o.by]++
	how.plant(o)
}

func (p *project) fits(how projectPlanting) bool {
	return (how.where == nil || how.where(p)) && free(p.busy, how.uses)
}

func (p *project) take(how projectPlanting) {
	occupy(p.busy, how.uses)
	p.by = how.rule + " " + how.how
	p.org.by = p.by
	p.org.fleet.planted[p.by]++
	how.plant(p)
}

// complete checks that every planting was used.
func (f *fleet) complete(t *testing.T) {
	t.Helper()
	for _, how := range projectPlantings() {
		if f.planted[how.rule+" "+how.how] == 0 {
			t.Errorf("%s %s was planted nowhere", how.rule, how.how)
		}
	}
	for _, how := range orgPlantings() {
		if f.planted[how.rule+" "+how.how] == 0 {
			t.Errorf("%s %s was planted nowhere", how.rule, how.how)
		}
	}
}
