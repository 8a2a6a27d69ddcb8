package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Finding is a finding and where it is.
type Finding struct {
	access.Finding
	Org     string `json:"org,omitempty"`     // its id
	Project string `json:"project,omitempty"` // its name
}

// Action is an action and where it is.
type Action struct {
	access.Action
	Org     string `json:"org,omitempty"`     // its id
	Project string `json:"project,omitempty"` // its name
	Owner   string `json:"owner,omitempty"`   // of its finding
}

// every is the value of a state that takes them all.
const every = "all"

func severities() (out []string) {
	for _, s := range access.Severities() {
		out = append(out, string(s))
	}
	return out
}

// listFindings is GET /api/v1/findings: those that stand, if no state is asked for.
func (s *Server) listFindings(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "state", "rule", "severity", "environment", "project", "owner", "limit", "after")
	if wrong == nil {
		wrong = q.among("state", []string{every, string(access.FindingOpen), string(access.FindingWaived), string(access.FindingAcknowledged), string(access.FindingResolved)})
	}
	if wrong == nil {
		wrong = q.among("severity", severities())
	}
	if wrong != nil {
		return answer{}, wrong
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	all, err := s.Backend.AllFindings(r.Context())
	if err != nil {
		return answer{}, err
	}
	var out []Finding
	for _, f := range all {
		p := v.place(f.Ref.Scope)
		stands := len(q.all("state")) == 0 && f.Open() || slices.Contains(q.all("state"), every) || slices.Contains(q.all("state"), string(f.State))
		if stands && who.sees(thing{p, f.Owner}) && q.glob("rule", f.Rule) && q.any("severity", string(f.Severity)) && q.any("environment", f.Environment) &&
			q.glob("project", p.Title, f.Ref.Scope.ID()) && q.any("owner", f.Owner) {
			out = append(out, Finding{f, p.Org, projectOf(p)})
		}
	}
	page, err := paged(q, out, func(f Finding) string {
		return strings.Join([]string{string(f.Ref.Scope), f.Rule, f.Ref.Name, f.Key, f.ID}, "\x00")
	})
	return answer{body: page}, err
}

func projectOf(p Place) string {
	if p.Scope.IsOrg() {
		return ""
	}
	return p.Title
}

func (s *Server) oneFinding(r *http.Request, who identity) (answer, error) {
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	f, at, err := v.finding(r.Context(), r.PathValue("id"))
	return answer{body: Finding{f, at.place.Org, projectOf(at.place)}}, err
}

// unfinished is the state that takes all actions that are not done.
const unfinished = "open"

func actionStates() []string {
	return []string{
		every, unfinished, string(access.ActionProposed), string(access.ActionAwaiting), string(access.ActionApproved), string(access.ActionRunning), string(access.ActionVerifying),
		string(access.ActionVerified), string(access.ActionVetoed), string(access.ActionExpired), string(access.ActionFailed), string(access.ActionSuperseded),
		string(access.ActionStale), string(access.ActionRefused), string(access.ActionUndone), string(access.ActionTold),
	}
}

// listActions is GET /api/v1/actions: those that are not done, if no state is asked for.
func (s *Server) listActions(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "state", "finding", "rule", "severity", "environment", "project", "owner", "limit", "after")
	if wrong == nil {
		wrong = q.among("state", actionStates())
	}
	if wrong == nil {
		wrong = q.among("severity", severities())
	}
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
	all, err := s.Backend.AllActions(r.Context())
	if err != nil {
		return answer{}, err
	}
	states := q.all("state")
	if len(states) == 0 {
		states = []string{unfinished}
	}
	var out []Action
	for _, a := range all {
		at := v.ofAction(a)
		in := slices.Contains(states, every) || slices.Contains(states, string(a.State)) || slices.Contains(states, unfinished) && !a.State.Done()
		if in && who.sees(at) && q.any("finding", a.Finding) && q.glob("rule", a.Rule) && q.any("severity", string(a.Severity)) &&
			q.any("environment", a.Environment) && q.glob("project", at.place.Title, a.Ref.Scope.ID()) && q.any("owner", at.owner) {
			out = append(out, Action{a, at.place.Org, projectOf(at.place), at.owner})
		}
	}
	page, err := paged(q, out, func(a Action) string { return sortable(a.Created) + a.ID })
	return answer{body: page}, err
}

// sortable is a time whose text stands in the order of time.
func sortable(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func (s *Server) oneAction(r *http.Request, who identity) (answer, error) {
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	a, at, err := v.action(r.Context(), r.PathValue("id"))
	return answer{body: Action{a, at.place.Org, projectOf(at.place), at.owner}}, err
}

// listPlaces is GET /api/v1/places: the orgs and projects that there are to see.
func (s *Server) listPlaces(r *http.Request, who identity) (answer, error) {
	q, wrong := queried(r, "project", "limit", "after")
	if wrong != nil {
		return answer{}, wrong
	}
	places, err := s.Backend.Places(r.Context())
	if err != nil {
		return answer{}, err
	}
	out := slices.DeleteFunc(slices.Clone(places), func(p Place) bool {
		return !who.sees(thing{place: p}) || !q.glob("project", p.Title, p.Scope.ID())
	})
	page, err := paged(q, out, func(p Place) string { return string(p.Scope) })
	return answer{body: page}, err
}
