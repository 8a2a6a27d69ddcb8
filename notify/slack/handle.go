package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// refusal is that nothing is done about a click, why, and what to do next.
type refusal struct {
	reason string // for the metric: one of few words
	says   string // for the person
}

func (r refusal) Error() string { return r.reason + ": " + r.says }

func refuse(reason, says string) error { return refusal{reason, says} }

// Handle does what a click asks for. It may be called again with the same click: the commands that
// it gives have ids made from it. An error means: try again later.
func (g *Gateway) Handle(ctx context.Context, c Click) error { return g.handle(ctx, &c) }

func (g *Gateway) handle(ctx context.Context, c *Click) error {
	err := g.tried(ctx, *c)
	r, no := errors.AsType[refusal](err)
	switch {
	case no:
		g.refused(ctx, *c, r)
		return nil
	case errors.Is(err, ErrPending) && !c.Noted:
		c.Noted = true
		g.answer(ctx, *c, "Noted. It takes longer than usual; what becomes of it is shown on the card.")
	case err != nil && c.Tries >= 2 && !c.Noted && ctx.Err() == nil:
		c.Noted = true
		g.answer(ctx, *c, "This is not done yet: something that it takes does not answer. It is tried again until "+access.Stamp(c.At.Add(commandFor))+"; the card shows what becomes of it.")
	}
	return err
}

func (g *Gateway) tried(ctx context.Context, c Click) error {
	switch old := time.Since(c.At) > access.CommandLife; {
	case old && c.Noted:
		return ErrPending // it may have been given, and nobody said what became of it
	case old:
		return refuse("late", "This was clicked too long ago, and nothing was done. Look at the card, and click again.")
	}
	if c.Tries <= 1 && !g.paced(c.Team+" "+c.User) { // first: what is refused below is put on record, each time
		return refuse("pace", "That were many clicks in a minute: this one was not taken. Wait a little.")
	}
	if err := g.genuine(c); err != nil {
		return err
	}
	switch c.Kind {
	case KindHome:
		return g.showHome(ctx, c)
	case KindCommand:
		return g.command(ctx, c)
	}
	return g.clicked(ctx, c)
}

// genuine refuses what does not come from our app in our workspace.
func (g *Gateway) genuine(c Click) error {
	o := g.c.o
	switch {
	case o.App != "" && c.App != o.App:
		return refuse("app", "This is of another app.")
	case o.Team == "" || c.Team != o.Team && (c.Team != "" || o.Enterprise == ""):
		return refuse("team", "Only members of our own workspace decide here.")
	case c.Enterprise != o.Enterprise && o.Enterprise != "":
		return refuse("enterprise", "Only members of our own organization decide here.")
	case c.Kind == KindAction && c.Actions != 1, c.Kind == KindAction && !slices.Contains(allowed(), c.Action), c.Kind == KindForm && !slices.Contains(forms(), c.Action):
		return refuse("action", "This button is not known to this version: look at the card again.")
	}
	return nil
}

// clicked is what a button or a form asks for.
func (g *Gateway) clicked(ctx context.Context, c Click) error {
	v, c, err := meant(c)
	if err != nil {
		return refuse("value", "What this button carries is not understood, and nothing was done: "+atMost(err.Error(), 200)+". Look at the card again.")
	}
	var opening *opening
	if c.opens() {
		opening = g.opening(ctx, c)
		defer opening.close()
	}
	err = g.decided(ctx, c, v, opening)
	if r, no := errors.AsType[refusal](err); no && opening != nil {
		opening.refused(ctx, r)
	}
	return err
}

func (g *Gateway) decided(ctx context.Context, c Click, v Value, o *opening) error {
	group, err := g.ofCard(ctx, c, v)
	if err != nil {
		return err
	}
	p, err := g.who(ctx, c)
	if err != nil {
		return err
	}
	if v.Scope == "" {
		return g.ofGroup(ctx, c, v, group, p, o)
	}
	s, err := g.story(ctx, v)
	if err != nil {
		return err
	}
	if group.ID != "" && !holds(group, v) {
		return refuse("stale", "This finding is told of on another card by now. Look for that one.")
	}
	return g.ofFinding(ctx, c, v, s, p, o)
}

// meant is the value of a click. That of a form stands in what the modal carried, as does the
// message of a button in a modal.
func meant(c Click) (Value, Click, error) {
	raw := c.Value
	switch {
	case c.Kind == KindForm:
		m, err := parseAbout(c.Value)
		if err != nil {
			return Value{}, c, err
		}
		c.About, raw = m, m.Value
		c.Channel, c.Message = m.Channel, m.Message
	case c.View != "":
		c.Channel, c.Message = c.About.Channel, c.About.Message
	}
	v, err := Value{}, error(nil)
	if c.Action == ActSnooze {
		v, c.Form.For, err = ParseSnooze(raw)
	} else {
		v, err = ParseValue(raw)
	}
	if err == nil && (v.Scope == "") != (v.Finding == "") {
		err = fmt.Errorf("read what the button carries: a finding without its scope")
	}
	return v, c, err
}

// ofCard is the group whose card was clicked. What was on no card (the Home tab) is of none.
func (g *Gateway) ofCard(ctx context.Context, c Click, v Value) (notify.Group, error) {
	if c.Home || c.View != "" && c.Message == "" {
		return notify.Group{}, nil
	}
	at := notify.Placed{Channel: c.Channel, ID: c.Message}
	if at.Channel == "" || at.ID == "" {
		return notify.Group{}, refuse("message", "This message is not known, and nothing was done.")
	}
	group, ok, err := g.o.Groups.At(ctx, at)
	switch {
	case err != nil:
		return group, fmt.Errorf("find the card that was clicked: %w", err)
	case !ok:
		if group, err = g.copied(ctx, c, v, at); err != nil {
			return group, err
		}
	case group.ID != v.Group:
		return group, refuse("value", "What this button carries is not of this card, and nothing was done.")
	}
	return group, g.unshared(ctx, c.Channel)
}

// copied is the group of a card that we posted and do not know: an answer of Slack's was lost, and it
// was posted again. It is accepted, and made to point to the one that counts.
func (g *Gateway) copied(ctx context.Context, c Click, v Value, at notify.Placed) (notify.Group, error) {
	unknown := refuse("message", "This message is not a card of ours that is known, and nothing was done. Look for the newest one.")
	me, err := g.c.me(ctx)
	if err != nil {
		return notify.Group{}, err
	}
	if c.Bot == "" && c.Kind != KindForm && c.View == "" || c.Bot != "" && c.Bot != me.BotID {
		return notify.Group{}, unknown
	}
	ours, err := g.c.rooms.ours(ctx, at.Channel)
	if err != nil {
		return notify.Group{}, err
	}
	group, ok, err := g.o.Groups.Group(ctx, v.Group)
	switch {
	case err != nil:
		return group, fmt.Errorf("find the group of a copy: %w", err)
	case !ok || !ours || group.At.Channel != "" && group.At.Channel != at.Channel:
		return notify.Group{}, unknown
	}
	g.o.Logger.Info("a copy of a card came to light", zap.String("group", group.ID), zap.String("channel", at.Channel), zap.String("message", at.ID))
	g.heal(ctx, group, at)
	return group, nil
}

// heal makes a copy point to the card. That it cannot be is no reason to refuse the click.
func (g *Gateway) heal(ctx context.Context, group notify.Group, at notify.Placed) {
	if group.At.ID == "" || group.At == at {
		return // the copy is all there is: whoever posts takes it up
	}
	says := "This is a copy of a card; the one that counts is below or above it."
	if link := g.c.link(ctx, group.At); link != "" {
		says = "This is a copy of a card; the one that counts is " + link
	}
	if err := g.c.edit(ctx, at, said(literal(says), plain(says))); err != nil {
		g.o.Logger.Warn("a copy of a card could not be edited", zap.String("group", group.ID), zap.Error(err))
	}
	if g.o.Copy != nil {
		g.o.Copy(ctx, group.ID, at)
	}
}

// unshared refuses channels that people of other workspaces read.
func (g *Gateway) unshared(ctx context.Context, channel string) error {
	if strings.HasPrefix(channel, "D") {
		return nil // a direct message with us
	}
	r, err := g.c.rooms.room(ctx, channel)
	switch {
	case err != nil && temporary(err):
		return err
	case err != nil:
		return refuse("channel", "Whether this channel is shared with another workspace could not be found out, so nothing was done. Invite the app into it, or decide by command or API.")
	case r.shared:
		return refuse("shared", "This channel is shared with another workspace: nothing is decided here. Use one that is not, or decide by command or API.")
	}
	return nil
}

func holds(group notify.Group, v Value) bool {
	return slices.ContainsFunc(group.Members, func(m notify.Member) bool {
		return m.Scope == v.Scope && m.Finding == v.Finding && m.Episode == v.Episode
	})
}

// story is the finding that a button is about, as it stands.
func (g *Gateway) story(ctx context.Context, v Value) (notify.Story, error) {
	s, ok, err := g.o.Stories.Story(ctx, v.Scope, v.Finding, v.Episode)
	switch {
	case err != nil:
		return s, fmt.Errorf("load what the card is about: %w", err)
	case !ok:
		return s, refuse("stale", "This finding is gone: there is nothing left to decide.")
	case s.Finding.Episode != v.Episode:
		return s, refuse("stale", "This is about an earlier time that the finding stood; it has opened again since, on a card of its own. Look at that one.")
	}
	return s, nil
}

// refused tells, counts, logs and audits that nothing was done.
func (g *Gateway) refused(ctx context.Context, c Click, r refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	g.o.Metrics.refused.WithLabelValues(r.reason).Inc()
	v, c, _ := meant(c)
	g.o.Logger.Warn("a click was refused", zap.String("reason", r.reason), zap.String("click", c.ID), zap.String("action", c.Action),
		zap.String("user", c.User), zap.String("team", c.Team), zap.String("channel", c.Channel), zap.String("finding", atMost(v.Finding, 40)))
	if g.o.Refused != nil {
		g.o.Refused(ctx, Refusal{
			At: c.At, Reason: r.reason, Says: atMost(r.says, 500), Click: c.ID, Kind: c.Kind, Action: c.Action, Team: c.Team, User: c.User,
			Channel: c.Channel, Message: c.Message, Finding: atMost(v.Finding, 40),
		})
	}
	switch r.reason {
	case "app", "team", "enterprise": // nobody of ours, whom we could find
		_ = g.respond(ctx, c, r.says)
	default:
		g.answer(ctx, c, r.says)
	}
	if r.reason == "stale" && v.Group != "" && g.o.Refresh != nil {
		g.o.Refresh(ctx, v.Group)
	}
}
