package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// report tells how things stand: every finding with its action, every effect that we had
// on Atlas, every transition, in order for each finding.
func (s *stage) report() string {
	s.t.Helper()
	synctest.Wait()
	var b strings.Builder
	findings, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	names := map[access.Scope]string{}
	for _, o := range s.atlas.Snapshot().Orgs {
		for _, p := range o.Projects {
			names[access.ProjectScope(p.ID)] = p.Name
		}
	}
	for _, f := range findings {
		a, _, err := s.daemon.actions.Get(s.t.Context(), access.ActionID(f.ID, f.Episode))
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintln(&b, findingLine(f, a, names)+outcome(a, s.begin))
	}
	for _, e := range inOrder(s.atlas.Effects()) {
		if e.ByHTTP {
			fmt.Fprintf(&b, "effect %s %s %s%s\n", e.OperationID, nameOf(names, e.ProjectID), e.Target, userEffect(e))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	told := slices.Clone(s.messages)
	slices.SortStableFunc(told, func(a, b string) int { return strings.Compare(ofFinding(a), ofFinding(b)) })
	for _, m := range slices.Compact(told) {
		fmt.Fprintf(&b, "told %s\n", replaceAll(m, names))
	}
	for _, m := range s.heard {
		fmt.Fprintln(&b, "heard "+m)
	}
	return replaceAll(b.String(), names)
}

// ofFinding is what a transition is of. Those of one finding come in order, and twice at
// worst; between findings there is no order.
func ofFinding(message string) string {
	before, _, _ := strings.Cut(message, " → ")
	return before[:strings.LastIndex(before, ": ")]
}

func nameOf(names map[access.Scope]string, id string) string {
	return or(names[access.ProjectScope(id)], id)
}

func replaceAll(text string, names map[access.Scope]string) string {
	for _, scope := range slices.Sorted(maps.Keys(names)) {
		text = strings.ReplaceAll(strings.ReplaceAll(text, string(scope), names[scope]), scope.ID(), names[scope])
	}
	return text
}

// outcome is the window in which the finding's violation stood open, by the story's
// clock, and the logins in it.
func outcome(a access.Action, begin time.Time) string {
	o := a.Outcome
	if o.ExposedFrom.IsZero() {
		return ""
	}
	since := func(t time.Time) time.Duration { return t.Sub(begin).Round(time.Second) }
	return fmt.Sprintf(" exposed=%s..%s logins=%d/%d,%s", since(o.ExposedFrom), since(o.ExposedUntil), o.Logins.Succeeded, o.Logins.Failed, or(string(o.Logins.Quality), "unknown"))
}

func findingLine(f access.Finding, a access.Action, names map[access.Scope]string) string {
	parts := []string{"finding", f.Rule, names[f.Ref.Scope], f.Ref.Name, string(f.State), string(f.Severity), or(string(f.Origin), "inherited"), fmt.Sprintf("episode=%d", f.Episode)}
	if f.Unknown != "" {
		parts = append(parts, "unknown")
	}
	if f.Actor.Name != "" {
		parts = append(parts, "by="+f.Actor.Name)
	}
	parts = append(parts, "action="+or(string(a.State), "none"))
	if a.Guard != "" {
		parts = append(parts, "guard="+a.Guard)
	}
	if f.Ref.Kind == access.KindDatabaseUser {
		for _, o := range a.Plan.Operations {
			parts = append(parts, fmt.Sprintf("plan=%s%s", o.Type, tersely(o.Roles, o.Scopes)))
		}
	}
	return strings.Join(parts, " ")
}

// inOrder puts the effects of the same minute, in which executors waited for one
// another's lock, into one order.
func inOrder(effects []sim.Effect) []sim.Effect {
	slices.SortStableFunc(effects, func(a, b sim.Effect) int {
		if c := a.At.Truncate(time.Minute).Compare(b.At.Truncate(time.Minute)); c != 0 {
			return c
		}
		return strings.Compare(a.ProjectID+a.Target, b.ProjectID+b.Target)
	})
	return effects
}

// userEffect is what a write changed of a database user: every field, as it was left.
func userEffect(e sim.Effect) string {
	if e.OperationID != "updateGroupDatabaseUser" {
		return ""
	}
	before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal([]byte(e.Before), &before) != nil || json.Unmarshal([]byte(e.After), &after) != nil {
		return " unreadable"
	}
	fields, out := maps.Clone(before), ""
	maps.Copy(fields, after)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if !bytes.Equal(before[field], after[field]) {
			out += " " + field + "=" + terse(field, after[field])
		}
	}
	return out
}

func terse(field string, raw json.RawMessage) string {
	var roles []access.RoleGrant
	var scopes []access.UserScope
	switch {
	case field == "roles" && json.Unmarshal(raw, &roles) == nil:
		return tersely(roles, nil)
	case field == "scopes" && json.Unmarshal(raw, &scopes) == nil:
		return tersely(nil, scopes)
	}
	return string(raw)
}

func tersely(roles []access.RoleGrant, scopes []access.UserScope) string {
	var out []string
	for _, r := range access.SortGrants(roles) {
		out = append(out, r.String())
	}
	for _, sc := range access.SortScopes(scopes) {
		out = append(out, sc.Name)
	}
	return fmt.Sprint(out)
}
