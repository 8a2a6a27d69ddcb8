package main

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// fact tells what the daemon published, in its own words.
func (s *screen) fact(f fact, project func(access.Scope) string) {
	if f.finding != nil {
		s.finding(*f.finding, project)
		return
	}
	s.decision(f.decision.Action)
}

func (s *screen) finding(e access.FindingEvent, project func(access.Scope) string) {
	f := e.Finding
	switch {
	case e.From == e.To && strings.Contains(f.Unknown, "cannot be read"):
		s.now("?", s.ink.warn, "unknown", fmt.Sprintf("%s on %s in %s stays %s and cannot be judged: %s", f.Rule, name(f), project(f.Ref.Scope), f.State, f.Unknown))
	case e.To == access.FindingWaived:
		s.now("○", s.ink.calm, "kept", fmt.Sprintf("%s on %s in %s: %s", f.Rule, name(f), project(f.Ref.Scope), or(e.Why, "for a while")))
	case e.From == e.To: // a word more about it, or it is being read again
	case e.To == access.FindingResolved && e.From != "" && e.From != access.FindingResolved:
		s.now("○", s.ink.calm, "closed", fmt.Sprintf("%s on %s in %s: %s", f.Rule, name(f), project(f.Ref.Scope), or(f.Resolution, e.Why)))
	default:
		s.now("◆", s.ink.notice, "saw", saw(f, project(f.Ref.Scope)))
		s.now("▲", s.severity(f.Severity), "judged", s.severity(f.Severity).Render(strings.ToUpper(string(f.Severity))+" "+f.Rule)+"  "+f.Message)
	}
}

// name is what the finding is about.
func name(f access.Finding) string {
	if f.Ref.Name == f.Ref.Scope.ID() {
		return "the access list as a whole"
	}
	return f.Ref.Name
}

// saw says what the finding is about and what is known of how it came about.
func saw(f access.Finding, project string) string {
	text := name(f) + " in " + project
	if f.Ref.Name != f.Ref.Scope.ID() {
		text = strings.ReplaceAll(string(f.Ref.Kind), "_", " ") + " " + text
	}
	if f.Actor.Name != "" {
		text += ", by " + f.Actor.Name
	}
	if f.Actor.Address != "" {
		text += " from " + f.Actor.Address
	}
	if f.Origin == access.OriginInherited {
		text += ": it was there before us"
	}
	return text
}

func (s *screen) severity(sev access.Severity) lipgloss.Style {
	if sev == access.Critical || sev == access.High {
		return s.ink.bad
	}
	return s.ink.warn
}

func (s *screen) decision(a access.Action) {
	switch a.State {
	case "": // of what somebody said, and of no action
	case access.ActionProposed:
		if a.Guard != "" {
			s.now("…", s.ink.faint, "waits", a.Why)
		}
	case access.ActionRunning:
		s.now("▶", s.ink.warn, "acts", or(a.Plan.Why, a.Why))
	case access.ActionVerifying:
	case access.ActionAwaiting:
		s.now("?", s.ink.warn, "asks", or(a.Why, "people decide"))
	case access.ActionApproved:
		s.now("✓", s.ink.notice, "decided", or(a.Why, "approved"))
	case access.ActionVerified:
		s.now("✔", s.ink.good, "verified", verified(a))
	case access.ActionSuperseded:
		s.now("○", s.ink.calm, "settled", a.Why)
	case access.ActionTold:
		s.now("✉", s.ink.notice, "told", or(a.Why, "nothing to write"))
	default:
		s.now("!", s.ink.bad, string(a.State), a.Why)
	}
}

// verified is the outcome: how long the gate stood open, and who came.
func verified(a access.Action) string {
	text, o := "read back: it is done", a.Outcome
	if !o.ExposedFrom.IsZero() && !o.ExposedUntil.IsZero() {
		text += "; it stood open for at most " + seconds(o.ExposedUntil.Sub(o.ExposedFrom))
	}
	switch {
	case o.Logins.Quality == access.QualityUnknown:
		return text + "; who logged in meanwhile is not known"
	case o.Logins.Quality == access.QualityPartial:
		return text + fmt.Sprintf("; %d logins seen, and not all may be shown", o.Logins.Succeeded)
	case o.Logins.Succeeded == 0:
		return text + "; nobody logged in meanwhile"
	}
	return text + fmt.Sprintf("; %d logins in that time", o.Logins.Succeeded)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// invite says how to go on by hand.
func (s *screen) invite(set *set, w sim.World) {
	at := locate(set.served.url, w)
	base := at.BaseURL + "/api/atlas/v2/groups/" + at.Projects[prod]
	who := fmt.Sprintf("curl -s --digest -u '%s:%s' -H 'Accept: %s'", at.PublicKey, at.PrivateKey, mediaType)
	ask := fmt.Sprintf("curl -s -H 'Authorization: Bearer %s' http://%s", set.token, set.file.HTTP.Admin)
	s.print(s.ink.title.Render("Your turn.") + " Both keep running; what the daemon sees and does appears here. ctrl-C ends it.")
	for _, c := range []struct{ what, command string }{
		{"let the world in", who + fmt.Sprintf(" -H 'Content-Type: %s' -d '[{\"cidrBlock\": \"0.0.0.0/0\"}]' %s/accessList", mediaType, base)},
		{"look at the access list", who + " " + base + "/accessList"},
		{"what the daemon thinks", ask + "/api/v1/findings"},
		{"and did", ask + "/api/v1/actions?state=all"},
		{"its metrics", "curl -s http://" + set.file.HTTP.Ops + "/metrics"},
		{"its log", "tail -f " + set.log.Name()},
	} {
		// Commands are printed whole, however long, so that they can be copied.
		s.print(s.ink.faint.Render("# "+c.what) + "\n" + c.command)
	}
	s.print("")
}
