package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"
)

// homeFor is how long after it was opened a Home tab is drawn anew.
const homeFor = time.Hour

// showHome draws a person's Home tab. Who may not decide sees why.
func (g *Gateway) showHome(ctx context.Context, c Click) error {
	if g.o.Modals == nil || g.o.Book == nil {
		return nil
	}
	h, err := g.homeOf(ctx, c)
	if err != nil {
		return err
	}
	g.homeOpen(c.User)
	return g.c.call(ctx, "views.publish", "", "show the Home tab to "+c.User, func(ctx context.Context) error {
		_, err := g.c.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: c.User, View: g.o.Modals.Home(h)})
		return err
	})
}

func (g *Gateway) homeOf(ctx context.Context, c Click) (Home, error) {
	p, err := g.who(ctx, c)
	if r, no := errors.AsType[refusal](err); no {
		return Home{Why: r.says}, nil
	}
	if err != nil {
		return Home{}, err
	}
	h := Home{Principal: p.principal.ID}
	if h.Open, h.Total, err = g.o.Book.Open(ctx, "", ""); err != nil {
		return h, fmt.Errorf("look up the findings that stand: %w", err)
	}
	mine, _, err := g.o.Book.Open(ctx, p.principal.ID, "")
	if err != nil {
		return h, fmt.Errorf("look up what waits for %s: %w", p.principal.ID, err)
	}
	for _, s := range mine {
		if s.Question.Open() && slices.Contains(s.Question.May, p.principal.ID) && !slices.Contains(s.Question.Yes, p.principal.ID) {
			h.Pending = append(h.Pending, s)
		}
	}
	places, err := g.o.Book.Places(ctx)
	if err != nil {
		return h, fmt.Errorf("look up what is frozen: %w", err)
	}
	for _, x := range places {
		if x.Freeze.On || len(x.Incidents) > 0 {
			h.Held = append(h.Held, x)
		}
	}
	return h, nil
}

// renewHome draws a person's Home tab anew after they decided something, if they had it open lately.
func (g *Gateway) renewHome(ctx context.Context, c Click) {
	g.mu.Lock()
	at, was := g.homes[c.User]
	g.mu.Unlock()
	if was && time.Since(at) < homeFor {
		g.atOnce(ctx, Click{V: c.V, ID: c.ID, Kind: KindHome, At: time.Now(), App: c.App, Team: c.Team, Enterprise: c.Enterprise, User: c.User, UserTeam: c.UserTeam, Home: true, Tries: 2})
	}
}

func (g *Gateway) homeOpen(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.homes) >= manyPeople {
		clear(g.homes)
	}
	g.homes[user] = time.Now()
}
