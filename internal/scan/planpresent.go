package scan

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// Present is what is true now, as far as it was read: one look at Atlas, or what a daemon
// knows.
type Present struct {
	At      time.Time
	Profile string
	Orgs    []string
	Scopes  map[access.Scope]map[access.Kind]access.Collection
	Once    bool // one look, without a past

	// Of a daemon.
	Uses    map[access.Scope]access.History
	Docs    map[access.Scope]access.Findings // that it keeps; nil: not known
	Held    map[access.Scope]string          // environments that hold, where Docs are not known
	Waivers access.Waivers                   // of its store
	Actions map[string]access.Action         // that are not done, by id
}

// Present is the inventory as what is true now.
func (inv Inventory) Present() Present {
	return Present{At: inv.At, Profile: inv.Profile, Orgs: inv.Orgs, Scopes: inv.Scopes, Once: true}
}

// OpenPresent reads a history for what is true at its end. What happened before is left out.
func OpenPresent(name string) (Present, History, error) {
	r, err := openHistory(name)
	if err != nil {
		return Present{}, History{}, err
	}
	defer r.close()
	h := r.history
	p := Present{At: h.At, Profile: h.Running.Policy.Profile, Orgs: h.Orgs, Scopes: map[access.Scope]map[access.Kind]access.Collection{}, Uses: map[access.Scope]access.History{}, Held: h.Held, Waivers: h.Waivers}
	for {
		l, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return p, h, nil
		case err != nil:
			return p, h, fmt.Errorf("%s: %w", name, err)
		case l.Collection != nil:
			c := *l.Collection
			if p.Scopes[c.Scope] == nil {
				p.Scopes[c.Scope] = map[access.Kind]access.Collection{}
			}
			p.Scopes[c.Scope][c.Kind] = c
		case l.Use != nil:
			p.Uses[l.Use.Scope] = *l.Use
		case l.Action != nil:
			if p.Actions == nil {
				p.Actions = map[string]access.Action{}
			}
			p.Actions[l.Action.ID] = *l.Action
		case l.Findings != nil:
			if p.Docs == nil {
				p.Docs = map[access.Scope]access.Findings{}
			}
			p.Docs[l.Findings.Scope] = *l.Findings
		}
	}
}

// stand is one scope as an engine judges it. Of a large fleet the verdicts are too many to be
// kept.
type stand struct {
	in      rules.Input
	doc     access.Findings
	unknown map[string]map[string]int // answers that could not be given, by rule and reason
}

// judged is every scope as the engine judges it after what stood before.
func (p Present) judged(e *rules.Engine, former map[access.Scope]access.Findings) map[access.Scope]stand {
	out := map[access.Scope]stand{}
	var verdicts []access.Verdict
	for _, in := range joined(e, p.Orgs, p.inputs(e, former)) {
		verdicts = e.EvaluateInto(verdicts, in)
		s := stand{in: in, unknown: unknownOf(e, in, verdicts)}
		s.doc, _ = e.Advance(former[in.Scope], in, verdicts)
		out[in.Scope] = s
	}
	return out
}

func (p Present) inputs(e *rules.Engine, former map[access.Scope]access.Findings) (out []rules.Input) {
	scopes := slices.Collect(maps.Keys(p.Scopes))
	for _, org := range p.Orgs {
		if scope := access.OrgScope(org); p.Scopes[scope] == nil {
			scopes = append(scopes, scope)
		}
	}
	slices.Sort(scopes)
	for _, scope := range scopes {
		doc := former[scope]
		in := rules.Input{
			Scope: scope, Collections: p.collections(e, scope), Now: p.At, Once: p.Once, Read: map[access.Kind]time.Time{}, Standing: doc.Standing, Open: doc.Findings, Called: doc.Called,
			History: p.Uses[scope], Waivers: p.Waivers.Waivers, Expected: p.Waivers.Expectations, Acknowledged: p.Waivers.Acknowledgements, Environment: doc.Environment,
		}
		if in.Environment == "" && doc.Judged.At.IsZero() {
			in.Environment = p.Held[scope]
		}
		for k, c := range in.Collections {
			if p.Once {
				in.Read[k] = c.FirstRead
			}
		}
		if project := access.States[access.Project](in.Collections[access.KindProject]); len(project) == 1 {
			matches, _ := e.Environment(project[0])
			in.Environment = e.Holds(in.Environment, matches)
		}
		out = append(out, in)
	}
	return out
}

// collections are those of a scope. What the engine asks for and was not read says so: nobody
// comes back to read it.
func (p Present) collections(e *rules.Engine, scope access.Scope) map[access.Kind]access.Collection {
	out := maps.Clone(p.Scopes[scope])
	if out == nil {
		out = map[access.Kind]access.Collection{}
	}
	for k, c := range out {
		if p.Once && c.Status == access.StatusUnread {
			c.Status = access.StatusFailed
			out[k] = c
		}
	}
	for _, k := range e.Kinds(scope) {
		if _, ok := out[k]; !ok {
			out[k] = access.Collection{V: access.Version, Scope: scope, Kind: k, Status: access.StatusFailed, Reason: "what was read of the installation does not hold it"}
		}
	}
	return out
}

// moment is a finding of the scope as it is answered.
func (s stand) moment(e *rules.Engine, f access.Finding) Moment {
	return Moment{
		Finding: f, Collections: s.in.Collections, Now: s.in.Now,
		Judge: func(other map[access.Kind]access.Collection) access.Verdict {
			in := s.in
			in.Collections = maps.Clone(s.in.Collections)
			maps.Copy(in.Collections, other)
			return e.Judge(in, f.Rule, f.Ref, f.Key)
		},
	}
}

// unknownOf counts by rule and reason what cannot be told: answers, and rules whose kinds were
// not read at all, of which there is no answer.
func unknownOf(e *rules.Engine, in rules.Input, verdicts []access.Verdict) map[string]map[string]int {
	out := map[string]map[string]int{}
	note := func(rule, why string) {
		if out[rule] == nil {
			out[rule] = map[string]int{}
		}
		out[rule][why]++
	}
	judged := map[string]bool{}
	for _, v := range verdicts {
		judged[v.Rule] = true
		if v.Answer == access.AnswerUnknown {
			note(v.Rule, v.Why)
		}
	}
	for _, r := range e.Rules() {
		if judged[r.ID] || r.On != rules.OnState || len(e.Missing(r.ID)) > 0 || in.Once && r.Past || !levelOf(r, in.Scope) || !appliesIn(e, r, in.Environment) {
			continue
		}
		for _, k := range e.Reads(r.ID, in.Scope) {
			if c := in.Collections[k]; c.Status != access.StatusComplete && c.Status != access.StatusUnsupported {
				note(r.ID, fmt.Sprintf("%s could not be read (%s): %s", k, c.Status, c.Reason))
				break
			}
		}
	}
	return out
}

func levelOf(r rules.Rule, scope access.Scope) bool {
	return slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return slices.Contains(access.OrgKinds(), k) == scope.IsOrg() })
}

func appliesIn(e *rules.Engine, r rules.Rule, env string) bool {
	return len(r.Environments) == 0 || slices.Contains(r.Environments, env) || env == "" && slices.ContainsFunc(r.Environments, e.Production)
}
