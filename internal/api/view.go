package api

import (
	"context"
	"net/http"
	"regexp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// view is what one request sees: places and findings, each loaded when it is first needed.
type view struct {
	backend  Backend
	who      identity
	places   map[access.Scope]Place
	findings map[string]access.Finding // nil: not loaded
}

func (s *Server) view(ctx context.Context, who identity) (*view, error) {
	places, err := s.Backend.Places(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{backend: s.Backend, who: who, places: map[access.Scope]Place{}}
	for _, p := range places {
		v.places[p.Scope] = p
	}
	return v, nil
}

// place is where a scope is; of one that nobody told of yet, the scope alone.
func (v *view) place(s access.Scope) Place {
	if p, ok := v.places[s]; ok {
		return p
	}
	p := Place{Scope: s}
	if s.IsOrg() {
		p.Org = s.ID()
	}
	return p
}

func (v *view) load(ctx context.Context) error {
	if v.findings != nil {
		return nil
	}
	all, err := v.backend.AllFindings(ctx)
	if err != nil {
		return err
	}
	v.findings = make(map[string]access.Finding, len(all))
	for _, f := range all {
		v.findings[f.ID] = f
	}
	return nil
}

// finding is one that may be seen.
func (v *view) finding(ctx context.Context, id string) (access.Finding, thing, error) {
	if err := v.load(ctx); err != nil {
		return access.Finding{}, thing{}, err
	}
	f, ok := v.findings[id]
	at := thing{v.place(f.Ref.Scope), f.Owner}
	if !ok || !v.who.sees(at) {
		return access.Finding{}, thing{}, missing("finding", id)
	}
	return f, at, nil
}

// ofAction is where an action is and whose. Of one whose finding is forgotten nobody knows whose.
func (v *view) ofAction(a access.Action) thing {
	return thing{v.place(a.Ref.Scope), v.findings[a.Finding].Owner}
}

// action is one that may be seen.
func (v *view) action(ctx context.Context, id string) (access.Action, thing, error) {
	if err := v.load(ctx); err != nil {
		return access.Action{}, thing{}, err
	}
	if !regexp.MustCompile(`^[0-9a-f]{32}-[0-9]{1,9}(-[a-z]{1,20})?$`).MatchString(id) { // nothing else is asked of the store
		return access.Action{}, thing{}, missing("action", id)
	}
	a, ok, err := v.backend.Action(ctx, id)
	switch {
	case err != nil:
		return access.Action{}, thing{}, err
	case !ok || !v.who.sees(v.ofAction(a)):
		return access.Action{}, thing{}, missing("action", id)
	}
	return a, v.ofAction(a), nil
}

// named is the one place that an org's id or a project's name or id means; neither means the
// one org that there is to see.
func (v *view) named(org, project string) (Place, *Problem) {
	var found []Place
	for _, p := range v.places {
		hit := project != "" && !p.Scope.IsOrg() && (p.Title == project || p.Scope.ID() == project) ||
			project == "" && p.Scope.IsOrg() && (org == "" || p.Scope.ID() == org || p.Title == org)
		if hit && v.who.sees(thing{place: p}) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && project != "":
		return Place{}, problem(http.StatusConflict, "ambiguous", "More than one is meant", "name it by its id; /api/v1/places lists them", "%d projects are called %q", len(found), shortened(project))
	case len(found) > 1:
		return Place{}, invalid("name one by org; /api/v1/places lists them", "there are %d orgs", len(found))
	case project != "":
		return Place{}, missing("project", project)
	case org != "":
		return Place{}, missing("org", org)
	}
	return Place{}, invalid("name a project; /api/v1/places lists what there is", "no org is within the token's scope")
}
