package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Render says how a finding and its action stand, for people: what, who, where, what
// was done or what a person must do. It is pure.
func Render(f access.Finding, a access.Action) Message {
	m := Message{Subject: f.ID, Severity: f.Severity, Finding: f, Action: a}
	m.Title = fmt.Sprintf("[%s] %s: %s", strings.ToUpper(string(f.Severity)), standing(f, a), f.Message)
	m.add("what", "%s %s (%s)", f.Ref.Kind, f.Ref.Name, f.Rule)
	m.add("where", "%s, environment %s", f.Ref.Scope, orUnknown(f.Environment, "none matches: judged as production"))
	m.add("who", "%s", Who(f.Actor))
	if f.Unknown != "" {
		m.add("unknown", "cannot be judged since %s: %s", stamp(f.UnknownSince), f.Unknown)
	}
	if f.Origin == access.OriginInherited && f.OriginWhy != "" {
		m.add("inherited", "%s", f.OriginWhy)
	}
	over := f.State == access.FindingResolved && a.State != access.ActionVerified
	for _, op := range a.Plan.Operations {
		if !over {
			m.add("plan", "%s", op.Describe())
		}
	}
	if a.Why != "" && !over { // what was to be done is of no use any more
		m.add("why", "%s", a.Why)
	}
	if o := a.Outcome; !o.ExposedUntil.IsZero() {
		m.add("exposed", "%s to %s (%s), logins in it: %s", stamp(o.ExposedFrom), stamp(o.ExposedUntil), access.Lasts(o.ExposedUntil.Sub(o.ExposedFrom)), logins(o.Logins))
	}
	return m
}

func (m *Message) add(label, format string, args ...any) {
	m.Lines = append(m.Lines, label+": "+fmt.Sprintf(format, args...))
}

func standing(f access.Finding, a access.Action) string {
	switch {
	case a.State == access.ActionVerified:
		return "put right and verified"
	case f.State == access.FindingResolved:
		return "resolved"
	case a.State == access.ActionRefused:
		return "not touched (" + a.Guard + ")"
	case a.State == access.ActionFailed:
		return "could not be put right"
	case a.State.Writing():
		return "being put right"
	case f.Unknown != "":
		return "unknown"
	}
	return string(f.State)
}

// Who names an actor, as far as the feed tells.
func Who(a access.Actor) string {
	if a.Type == access.ActorUnknown {
		return "not known (the feed has not said)"
	}
	parts := []string{strings.ReplaceAll(string(a.Type), "_", " ")}
	if a.Name != "" {
		parts = append(parts, a.Name)
	}
	if a.OnBehalfOf != "" {
		parts = append(parts, "on behalf of", a.OnBehalfOf)
	}
	if a.Address != "" {
		parts = append(parts, "from", a.Address)
	}
	return strings.Join(parts, " ")
}

func logins(l access.Logins) string {
	if l.Quality == access.QualityUnknown {
		return "unknown (" + orUnknown(l.Why, "not read") + ")"
	}
	if l.Succeeded+l.Failed == 0 && l.Quality == access.QualityComplete {
		return "none seen in a complete window"
	}
	return fmt.Sprintf("%d succeeded, %d failed seen (%s)", l.Succeeded, l.Failed, l.Quality)
}

func orUnknown(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return access.Stamp(t)
}
