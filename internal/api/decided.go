package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ofPattern is where something is that names its project by a pattern: where the pattern is
// one project's name or id. Else it is everywhere, and within no bounds.
func (v *view) ofPattern(project, owner string) thing {
	for _, p := range v.places {
		if project != "" && (project == p.Title || project == p.Scope.ID()) {
			return thing{p, owner}
		}
	}
	return thing{owner: owner}
}

// stored lists part of what commands have stored.
func stored[T any](s *Server, r *http.Request, who identity, of func(*view, access.Waivers) []T, at func(*view, T) thing, key func(T) string) (answer, error) {
	q, wrong := queried(r, "limit", "after")
	if wrong != nil {
		return answer{}, wrong
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	if err := v.load(r.Context()); err != nil {
		return answer{}, err
	}
	w, err := s.Backend.Waivers(r.Context())
	if err != nil {
		return answer{}, err
	}
	out := slices.DeleteFunc(slices.Clone(of(v, w)), func(x T) bool { return !who.sees(at(v, x)) })
	page, err := paged(q, out, key)
	return answer{body: page}, err
}

// Waiver is a waiver, or what is proposed to become one.
type Waiver struct {
	access.Waiver
	Proposed *Proposed `json:"proposed,omitempty"`
}

// Proposed says of a waiver that it is none yet: it lets nothing stand before more people ask
// for it.
type Proposed struct {
	Finding string    `json:"finding"`
	Episode int       `json:"episode"`
	By      []string  `json:"by"`     // who asked for it so far
	Needs   int       `json:"needs"`  // people more, as counted when the last one asked; they are counted anew when the next one does
	Lapses  time.Time `json:"lapses"` // when it is void, if too few have asked
}

func (s *Server) listWaivers(r *http.Request, who identity) (answer, error) {
	now := s.Now()
	return stored(s, r, who, func(v *view, w access.Waivers) (out []Waiver) {
		for _, x := range w.Waivers {
			out = append(out, Waiver{Waiver: x})
		}
		for _, x := range w.Proposed {
			if f := v.findings[x.Finding]; x.Waits(f, now) {
				out = append(out, proposed(x, f))
			}
		}
		return out
	}, func(v *view, w Waiver) thing {
		if w.Proposed != nil {
			f := v.findings[w.Proposed.Finding]
			return thing{v.place(f.Ref.Scope), f.Owner}
		}
		return v.ofWaiver(w.Waiver)
	}, func(w Waiver) string { return w.ID + "\x00" + sortable(w.Granted) + w.Source })
}

// ofWaiver is where a waiver is and whose: of one that commands gave, its finding's.
func (v *view) ofWaiver(w access.Waiver) thing {
	at := v.ofPattern(w.Project, w.Owner)
	if f, ok := v.findings[w.Finding(at.place.Scope)]; ok && w.Source == "" {
		at.owner = f.Owner
	}
	return at
}

// proposed is the waiver that a proposal would become. What it is of the finding tells.
func proposed(x access.Proposal, f access.Finding) Waiver {
	w := Waiver{Proposed: &Proposed{Finding: x.Finding, Episode: x.Episode, By: []string{}, Needs: x.Needs, Lapses: x.Lapses()}}
	w.Waiver = access.Waiver{
		V: access.Version, ID: "proposed-" + access.ActionID(x.Finding, x.Episode), Rule: f.Rule, Kind: f.Ref.Kind, Name: f.Ref.Name, Key: f.Key, Project: f.Ref.Scope.ID(),
		Environment: f.Environment, Granted: x.At, Until: x.Until, Digest: x.Digest,
	}
	for _, b := range x.Votes {
		w.Proposed.By = append(w.Proposed.By, b.By)
	}
	if len(x.Votes) > 0 {
		w.Owner, w.Reason = x.Votes[0].By, x.Votes[0].Reason
	}
	return w
}

func (s *Server) listExpectations(r *http.Request, who identity) (answer, error) {
	return stored(s, r, who, func(_ *view, w access.Waivers) []access.Expectation { return w.Expectations },
		func(v *view, e access.Expectation) thing { return v.ofPattern(e.Project, "") },
		func(e access.Expectation) string { return e.ID + "\x00" + sortable(e.From) + e.Source })
}

func (s *Server) listAcknowledgements(r *http.Request, who identity) (answer, error) {
	return stored(s, r, who, func(_ *view, w access.Waivers) []access.Acknowledgement { return w.Acknowledgements },
		func(v *view, a access.Acknowledgement) thing {
			f := v.findings[a.Finding]
			return thing{v.place(f.Ref.Scope), f.Owner}
		},
		func(a access.Acknowledgement) string { return access.ActionID(a.Finding, a.Episode) })
}

// Freeze is whether an org or project is frozen. What is said of an org holds in its projects.
type Freeze struct {
	Place
	access.Freeze
}

// Incident is one incident, and where.
type Incident struct {
	Place
	access.Incident
	Running bool `json:"running"`
}

// Adoption is one adoption, and where.
type Adoption struct {
	Place
	access.Adoption
}

// controls lists part of what is decided for the scopes that there are to see.
func controls[T any](s *Server, r *http.Request, who identity, of func(Place, access.Control) []T, key func(T) string) (answer, error) {
	q, wrong := queried(r, "limit", "after")
	if wrong != nil {
		return answer{}, wrong
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	all, err := s.Backend.Controls(r.Context())
	if err != nil {
		return answer{}, err
	}
	var out []T
	for scope, c := range all {
		if p := v.place(scope); who.sees(thing{place: p}) {
			out = append(out, of(p, c)...)
		}
	}
	page, err := paged(q, out, key)
	return answer{body: page}, err
}

func (s *Server) listFreezes(r *http.Request, who identity) (answer, error) {
	return controls(s, r, who, func(p Place, c access.Control) []Freeze {
		if !c.Freeze.On {
			return nil
		}
		return []Freeze{{p, c.Freeze}}
	}, func(f Freeze) string { return string(f.Scope) })
}

func (s *Server) listIncidents(r *http.Request, who identity) (answer, error) {
	now := s.Now()
	return controls(s, r, who, func(p Place, c access.Control) (out []Incident) {
		for _, i := range c.Incidents {
			out = append(out, Incident{p, i, i.Running(now)})
		}
		return out
	}, func(i Incident) string { return sortable(i.From) + i.Name + "\x00" + string(i.Scope) })
}

func (s *Server) listAdoptions(r *http.Request, who identity) (answer, error) {
	return controls(s, r, who, func(p Place, c access.Control) (out []Adoption) {
		for _, a := range c.Adoptions {
			out = append(out, Adoption{p, a})
		}
		return out
	}, func(a Adoption) string { return strings.Join([]string{string(a.Scope), a.Rule, a.Hash}, "\x00") })
}

// previewAdoption is GET /api/v1/adoptions/preview: what an adoption would make actionable.
func (s *Server) previewAdoption(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "rule", "project", "org")
	if wrong != nil {
		return answer{}, wrong
	}
	if q.one("rule") == "" {
		return answer{}, invalid("name the rule by its id", "parameter rule is missing")
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	p, wrong := v.named(q.one("org"), q.one("project"))
	if wrong != nil {
		return answer{}, wrong
	}
	out, err := s.Adopter.Adoptable(r.Context(), q.one("rule"), p.Scope)
	if out.Findings == nil {
		out.Findings = []Adopted{}
	}
	return answer{body: out}, err
}

// audit is GET /api/v1/audit. The chain is one, of all scopes: it is for those without bounds.
func (s *Server) audit(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "from", "to", "format")
	if wrong == nil {
		wrong = q.among("format", []string{"ndjson", "ocsf"})
	}
	if wrong != nil {
		return answer{}, wrong
	}
	if !who.everywhere(RoleViewer) {
		return answer{}, forbidden("use a token that is not bounded to orgs, projects or owners", "the audit is of everything, and the token of part of it")
	}
	from, wrong := q.instant("from")
	if wrong != nil {
		return answer{}, wrong
	}
	to, wrong := q.instant("to")
	if wrong != nil {
		return answer{}, wrong
	}
	format := "ndjson"
	if f := q.one("format"); f != "" {
		format = f
	}
	return answer{kind: "application/x-ndjson", stream: func(ctx context.Context, w http.ResponseWriter) error {
		return s.Auditor.Audit(ctx, w, from, to, format)
	}}, nil
}

// evidence is GET /api/v1/findings/{id}/evidence.
func (s *Server) evidence(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "format")
	if wrong == nil {
		wrong = q.among("format", []string{"json", "html"})
	}
	if wrong != nil {
		return answer{}, wrong
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	f, _, err := v.finding(r.Context(), r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	format, kind := "json", "application/json"
	if q.one("format") == "html" {
		format, kind = "html", "text/html; charset=utf-8"
	}
	return answer{kind: kind, stream: func(ctx context.Context, w http.ResponseWriter) error {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		return s.Auditor.Evidence(ctx, w, f.ID, format)
	}}, nil
}
