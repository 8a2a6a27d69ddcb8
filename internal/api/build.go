package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// command is the command that a request asks for, if whoever asks may give it.
func (s *Server) command(ctx context.Context, v *view, r Request, id string) (access.Command, error) {
	who := v.who
	now := s.Now().UTC().Truncate(time.Millisecond)
	c := access.Command{
		V: access.Version, ID: id, Verb: r.Verb, By: who.principal, Via: "api", How: who.how, At: now, Until: now.Add(access.CommandLife),
		Reason: r.Reason, Ticket: r.Ticket, PlanHash: r.PlanHash, Vote: r.Vote,
	}
	if !who.somewhere(roleFor(r.Verb)) {
		return c, lacks(r.Verb)
	}
	var at thing
	var err error
	switch {
	case r.Action != "":
		at, err = v.ofActions(ctx, r, &c)
	case r.Finding != "":
		at, err = v.ofFindings(ctx, r, &c)
	case r.Waiver != "":
		at, err = v.ofWaivers(ctx, r, &c)
	default:
		at, err = v.ofPlaces(r, &c)
	}
	if err != nil {
		return c, err
	}
	if !who.may(roleFor(r.Verb), at) {
		return c, lacks(r.Verb)
	}
	if err := c.Validate(); err != nil {
		return c, invalid("see /api/v1/openapi.json for what the verb takes", "%v", err)
	}
	return c, nil
}

func lacks(v access.Verb) *Problem {
	return forbidden("ask somebody who may, or have the role given in the configuration, under auth", "%s takes the role %s there", v, roleFor(v))
}

// ofActions fills in what is about an action: its plan is the one that was seen. A denial
// counts whatever the plan is by now.
func (v *view) ofActions(ctx context.Context, r Request, c *access.Command) (thing, error) {
	a, at, err := v.action(ctx, r.Action)
	if err != nil {
		return at, err
	}
	if a.PlanHash != r.PlanHash && r.Vote != access.VoteDeny {
		return at, problem(http.StatusConflict, "stale", "The plan is another one by now", "read the action again, and decide about the plan that it has", "action %s has another plan than the one that was seen", a.ID)
	}
	c.Scope, c.Finding, c.Episode = a.Ref.Scope, a.Finding, a.Episode
	if a.Purpose != "" && r.Verb == access.VerbVote {
		c.Action = a.ID
	}
	return at, nil
}

// ofFindings fills in what is about a finding.
func (v *view) ofFindings(ctx context.Context, r Request, c *access.Command) (thing, error) {
	f, at, err := v.finding(ctx, r.Finding)
	if err != nil {
		return at, err
	}
	if !f.Open() {
		return at, problem(http.StatusConflict, "resolved", "The finding is resolved", "there is nothing to do about it", "finding %s is resolved: %s", f.ID, f.Resolution)
	}
	c.Scope, c.Finding, c.Episode = f.Ref.Scope, f.ID, f.Episode
	switch r.Verb {
	case access.VerbSnooze:
		d, wrong := span(r.For)
		if wrong != nil {
			return at, wrong
		}
		c.For = d
	case access.VerbWaive:
		w, wrong := waiver(f, r, *c)
		if wrong != nil {
			return at, wrong
		}
		c.Waiver = &w
	}
	return at, nil
}

// waiver is of this resource and these values only.
func waiver(f access.Finding, r Request, c access.Command) (access.Waiver, *Problem) {
	longest, now := access.WaiverCap(f.Severity), c.At
	switch {
	case !r.Until.After(now):
		return access.Waiver{}, invalid("give a later time", "until is over already")
	case r.Until.Sub(now) > longest:
		return access.Waiver{}, invalid("shorten it, and renew it if it is still needed", "a finding of severity %s is waived for %s at most, until %s", f.Severity, access.Lasts(longest), access.Stamp(now.Add(longest)))
	case f.Digest == "":
		return access.Waiver{}, problem(http.StatusConflict, "no-digest", "The finding cannot be waived yet", "wait until its project is judged again", "finding %s does not say which values violate", f.ID)
	}
	return access.Waiver{
		V: access.Version, ID: "cmd-" + c.ID, Rule: f.Rule, Kind: f.Ref.Kind, Name: f.Ref.Name, Key: f.Key, Project: f.Ref.Scope.ID(), Environment: f.Environment,
		Owner: c.By, Reason: r.Reason, Ticket: r.Ticket, Granted: now, Until: r.Until.UTC(), Digest: f.Digest,
	}, nil
}

// ofWaivers fills in what is about a waiver that commands gave.
func (v *view) ofWaivers(ctx context.Context, r Request, c *access.Command) (thing, error) {
	if err := v.load(ctx); err != nil {
		return thing{}, err
	}
	all, err := v.backend.Waivers(ctx)
	if err != nil {
		return thing{}, err
	}
	i := slices.IndexFunc(all.Waivers, func(w access.Waiver) bool { return w.ID == r.Waiver && v.who.sees(v.ofWaiver(w)) })
	if i < 0 {
		return thing{}, missing("waiver", r.Waiver)
	}
	w, at := all.Waivers[i], v.ofWaiver(all.Waivers[i])
	if w.Source != "" {
		return at, problem(http.StatusConflict, "configured", "The waiver stands in the configuration", "take it out of the file, and reload", "waiver %s stands in %s", w.ID, w.Source)
	}
	if at.place.Scope == "" {
		return at, missing("project", w.Project)
	}
	c.Scope, c.Waiver = at.place.Scope, &access.Waiver{ID: w.ID}
	return at, nil
}

// ofPlaces fills in what is about an org or a project.
func (v *view) ofPlaces(r Request, c *access.Command) (thing, error) {
	p, wrong := v.named(r.Org, r.Project)
	if wrong != nil {
		return thing{}, wrong
	}
	c.Scope, c.Rule, c.Incident = p.Scope, r.Rule, r.Incident
	switch r.Verb {
	case access.VerbIncident:
		d, wrong := span(r.For)
		if wrong != nil {
			return thing{}, wrong
		}
		c.For = d
	case access.VerbExpect:
		c.Rule = ""
		e, wrong := expectation(r, *c)
		if wrong != nil {
			return thing{}, wrong
		}
		c.Expect = &e
	}
	return thing{place: p}, nil
}

func expectation(r Request, c access.Command) (access.Expectation, *Problem) {
	from := r.From.UTC()
	if from.IsZero() {
		from = c.At
	}
	switch {
	case (r.Actor == "" || access.MostlyAll(r.Actor)) && (r.Name == "" || access.AnyName(r.Name)):
		return access.Expectation{}, invalid("give an actor or a name that means somebody or something in particular", "it would match whatever anybody does")
	case !r.Until.After(from) || !r.Until.After(c.At):
		return access.Expectation{}, invalid("give a later until", "it would never hold")
	case r.Until.Sub(c.At) > access.LongestExpectation:
		return access.Expectation{}, invalid("announce it later", "a change is announced %s ahead at most", access.Lasts(access.LongestExpectation))
	}
	return access.Expectation{
		V: access.Version, ID: "cmd-" + c.ID, Actor: r.Actor, Rule: r.Rule, Kind: r.Kind, Name: r.Name, Project: c.Scope.ID(), From: from, Until: r.Until.UTC(),
		Ticket: r.Ticket, Reason: r.Reason, Approved: c.By,
	}, nil
}
