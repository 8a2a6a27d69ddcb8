package watcher

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// deletions are what events told of what is gone.
type deletions struct {
	named map[string]bool
	all   []about // everything with such a name: a team's members with the team
	parts []about // one resource each
	open  int     // how many resources without a name
}

func toldDeletions(live []Pending) (d deletions) {
	d.named = map[string]bool{}
	for _, p := range live {
		a := p.about()
		switch {
		case p.Op != access.OpDeleted:
		case a.open():
			d.open++
		case a.named():
			for _, n := range a.names {
				d.named[n] = true
			}
		case p.Side && p.Kind != access.KindX509Config: // a revocation is of one user's, also where it does not say whose
			d.all = append(d.all, a)
		default:
			d.parts = append(d.parts, a)
		}
	}
	return d
}

// explain uses up the event that it finds, if that is about one resource only.
func (d *deletions) explain(name string) bool {
	fits := func(a about) bool { return a.fits(name) }
	if d.named[name] || slices.ContainsFunc(d.all, fits) {
		return true
	}
	i := slices.IndexFunc(d.parts, fits)
	if i >= 0 {
		d.parts = slices.Delete(d.parts, i, i+1)
	}
	return i >= 0
}
