package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// slashFinding is ack and waive: what is about one finding, named by the beginning of its id.
func (g *Gateway) slashFinding(ctx context.Context, a asking) error {
	if len(a.args) == 0 {
		return refuse("usage", a.misused("the id of a finding is missing"))
	}
	s, err := g.find(ctx, a, a.args[0])
	if err != nil {
		return err
	}
	c := a.c
	c.Action = ActAck
	if a.verb == "waive" {
		if c, err = a.waives(c); err != nil {
			return err
		}
	}
	v := Value{Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: s.Finding.Episode}
	cmd, err := g.asks(c, v, s, a.p)
	if err != nil {
		return err
	}
	if err := g.stillIn(ctx, a.p, c.User, g.deciders(s, cmd)); err != nil {
		return err
	}
	return g.submit(ctx, c, cmd)
}

func (a asking) waives(c Click) (Click, error) {
	if len(a.args) < 2 {
		return c, refuse("usage", a.misused("for how long is missing"))
	}
	d, ok := span(a.args[1])
	if !ok {
		return c, refuse("usage", a.misused(fmt.Sprintf("%q is no time such as 8h or 2d", atMost(a.args[1], 20))))
	}
	c.Action = ViewKeep
	c.Form = Form{For: d, Reason: strings.Join(a.args[2:], " "), Ticket: a.flags["ticket"]}
	if c.Form.Reason == "" {
		return c, refuse("usage", a.misused("the reason is missing"))
	}
	return c, nil
}

// find is the one open finding whose id begins so.
func (g *Gateway) find(ctx context.Context, a asking, prefix string) (notify.Story, error) {
	prefix = strings.ToLower(prefix)
	if len(prefix) < 4 || strings.Trim(prefix, "0123456789abcdef") != "" {
		return notify.Story{}, refuse("usage", a.misused(fmt.Sprintf("%q is no id of a finding: it has four to 32 of the characters 0-9 and a-f", atMost(prefix, 40))))
	}
	found, err := g.o.Book.Find(ctx, prefix)
	switch {
	case err != nil:
		return notify.Story{}, fmt.Errorf("look up the finding %s: %w", atMost(prefix, 40), err)
	case len(found) == 0:
		return notify.Story{}, refuse("usage", "No finding has an id that begins with "+atMost(prefix, 40)+". /gatewarden findings lists those that stand.")
	case len(found) > 1:
		return notify.Story{}, refuse("usage", fmt.Sprintf("%d findings have an id that begins with %s: give more of it.", len(found), atMost(prefix, 40)))
	case !found[0].Finding.Open():
		return notify.Story{}, refuse("stale", "That finding is resolved: there is nothing left to decide.")
	}
	return found[0], nil
}

// slashPlace is what holds for an org or a project.
func (g *Gateway) slashPlace(ctx context.Context, a asking) error {
	args := a.args
	if a.verb == "incident" {
		if len(args) == 0 || args[0] != "start" && args[0] != "end" {
			return refuse("usage", a.misused("it is incident start, or incident end"))
		}
		if args[0] == "end" {
			a.verb = string(access.VerbEndIncident)
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return refuse("usage", a.misused("where is missing"))
	}
	at, err := g.place(ctx, a, args[0])
	if err != nil {
		return err
	}
	cmd, err := a.places(at, args[1:])
	if err != nil {
		return err
	}
	if a.verb != "freeze" { // which anybody declared may, at any time
		if err := g.stillIn(ctx, a.p, a.c.User, g.c.o.Staff().Operators); err != nil {
			return err
		}
	}
	return g.submit(ctx, a.c, cmd)
}

// places is the command about a place.
func (a asking) places(at Place, args []string) (access.Command, error) {
	now := a.c.At.UTC().Truncate(time.Millisecond)
	cmd := access.Command{
		V: access.Version, Verb: access.Verb(a.verb), Scope: at.Scope, By: a.p.principal.ID, Via: "slack", How: a.p.how, At: now, Until: now.Add(commandFor),
		Ticket: words(a.flags["ticket"], longestTicket),
	}
	cmd.ID = access.Hash("slack", a.c.ID, a.verb, string(at.Scope))
	if cmd.Verb == access.VerbIncident || cmd.Verb == access.VerbEndIncident {
		if len(args) == 0 {
			return cmd, refuse("usage", a.misused("the name of the incident is missing"))
		}
		cmd.Incident, args = atMost(args[0], 100), args[1:]
	}
	if a.verb == "incident" || a.verb == "expect" {
		if len(args) == 0 {
			return cmd, refuse("usage", a.misused("for how long is missing"))
		}
		d, ok := span(args[0])
		if !ok {
			return cmd, refuse("usage", a.misused(fmt.Sprintf("%q is no time such as 8h or 2d", atMost(args[0], 20))))
		}
		cmd.For, args = d, args[1:]
	}
	if cmd.Reason = words(strings.Join(args, " "), longestReason); cmd.Reason == "" {
		return cmd, refuse("usage", a.misused("the reason is missing"))
	}
	if a.verb == "expect" {
		return a.expects(cmd)
	}
	return cmd, nil
}

func (a asking) expects(cmd access.Command) (access.Command, error) {
	x := access.Expectation{
		V: access.Version, ID: "cmd-" + cmd.ID, Actor: a.flags["by"], Name: a.flags["name"], Rule: a.flags["rule"], Project: cmd.Scope.ID(), From: cmd.At, Until: cmd.At.Add(cmd.For),
		Ticket: cmd.Ticket, Reason: cmd.Reason, Approved: cmd.By,
	}
	switch {
	case cmd.Scope.IsOrg():
		return cmd, refuse("usage", a.misused("a change is announced for one project"))
	case (x.Actor == "" || access.MostlyAll(x.Actor)) && (x.Name == "" || access.AnyName(x.Name)):
		return cmd, refuse("usage", a.misused("give --by or --name that means somebody or something in particular"))
	case cmd.For > access.LongestExpectation:
		return cmd, refuse("usage", a.misused("a change is announced "+access.Lasts(access.LongestExpectation)+" ahead at most"))
	}
	cmd.For, cmd.Expect = 0, &x
	return cmd, nil
}

// place is the org or project of this name or id.
func (g *Gateway) place(ctx context.Context, a asking, name string) (Place, error) {
	places, err := g.o.Book.Places(ctx)
	if err != nil {
		return Place{}, fmt.Errorf("look up where %s is: %w", atMost(name, 40), err)
	}
	found := slices.DeleteFunc(slices.Clone(places), func(x Place) bool { return x.Name != name && x.Scope.ID() != name })
	switch len(found) {
	case 0:
		return Place{}, refuse("usage", a.misused(fmt.Sprintf("no project or org is called %q", atMost(name, 60))))
	case 1:
		return found[0], nil
	}
	return Place{}, refuse("usage", a.misused(fmt.Sprintf("%d projects and orgs are called %q: give the id", len(found), atMost(name, 60))))
}
