package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

//go:embed slack.yaml
var slackTemplate string

const (
	dev         = "ecommerce-dev"
	slackRoom   = "C0PROD" // where the cards appear
	deskAlice   = "U0ALICE"
	deskBob     = "U0BOB"
	deskCarol   = "U0CAROL"
	deskRajesh  = "U0RAJESH"
	deskGustav  = "U0GUEST"
	buttonYes   = "gw.revert"
	buttonNo    = "gw.deny"
	buttonKeep  = "gw.keep"
	buttonAgree = "gw.second"
	formKeep    = "gw.view.keep"
)

// openSlack starts the workspace in which the daemon tells and asks.
func openSlack(w sim.World, address string) (*slackfake.Slack, error) {
	if _, ok := project(w, dev); !ok {
		return nil, fmt.Errorf("%w: the story in Slack cannot be played in this world, which lacks project %s", errUsage, dev)
	}
	place := slackfake.Example()
	place.Groups[0].Users = []string{deskAlice, deskBob} // who is on call decides
	s, err := slackfake.Start(slackfake.Options{Listen: address, Workspace: place})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return s, nil
}

// grace is how long a revert waits for a denial: long enough to watch, or no longer than it
// takes to show that it does wait.
func grace(once bool) time.Duration {
	if once {
		return 3 * time.Second
	}
	return time.Minute
}

// heard waits until the daemon hears clicks.
func (s *story) heard(ctx context.Context) error {
	bound, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if !until(bound, func() bool { return s.set.slack.Sockets() > 0 }) {
		if ctx.Err() != nil {
			return fmt.Errorf("connect to Slack: %w: %w", errInterrupted, context.Cause(ctx))
		}
		return fmt.Errorf("the daemon did not connect to Slack within %s", patience)
	}
	return nil
}

// seat is where the page shows a channel as a person sees it; "home" is the app's own page.
func seat(base, user, channel string) string {
	return base + "?" + "user=" + url.QueryEscape(user) + "&channel=" + url.QueryEscape(channel)
}

// seats are the people that one can be, in the order in which the story needs them.
func seats() []struct{ user, name, what string } {
	return []struct{ user, name, what string }{
		{deskBob, "Bob", "on call: decides"},
		{deskAlice, "Alice", "on call: decides"},
		{deskRajesh, "Rajesh", "changes things, and so decides nothing"},
		{deskCarol, "Carol", "operator: may freeze"},
		{deskGustav, "Gustav", "a guest"},
	}
}

func (s *screen) slackHeader(set *set) {
	s.field("Slack", "simulated, at "+set.slack.URL()+": the daemon calls its Web API and hears clicks over Socket Mode")
	s.field("policy", fmt.Sprintf("what opens production asks who is on call; what makes an application administrator is reverted after %s unless somebody denies it; in dev it takes two to decide, and one may keep",
		set.file.Responses[1].Grace))
	s.print("")
	for _, p := range seats() {
		s.print("  " + s.ink.person.Width(8).Render(p.name) + trimRight(seat(set.slack.URL(), p.user, slackRoom)) + s.ink.faint.Render("  "+p.what))
	}
}

// inviteToSlack says how to go on by hand.
func (s *screen) inviteToSlack(set *set) {
	s.invite(set, set.atlas.Snapshot())
	s.print(s.ink.faint.Render("# and in Slack: what waits for Bob, and the words that anybody may write in the channel"))
	s.print(seat(set.slack.URL(), deskBob, "home"))
	s.print(strings.Join([]string{"/gatewarden status", "/gatewarden findings", "/gatewarden freeze " + prod + " hands off", "/gatewarden help"}, "   ") + "\n")
}
