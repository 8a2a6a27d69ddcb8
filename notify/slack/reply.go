package slack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"
	"go.uber.org/zap"
)

const responseFor = 29 * time.Minute // a response_url is good for half an hour

// answer tells the person something that nobody else sees. That it does not arrive is logged: what was
// decided is decided.
func (g *Gateway) answer(ctx context.Context, c Click, says string) {
	if c.Kind == KindHome {
		return
	}
	if c.Response != "" && time.Since(c.At) < responseFor {
		err := g.respond(ctx, c, says)
		if err == nil {
			return
		}
		g.o.Logger.Debug("an answer was not taken", zap.String("click", c.ID), zap.Error(err))
	}
	if err := g.whisper(ctx, c, says); err != nil {
		g.o.Logger.Warn("a person could not be answered", zap.String("click", c.ID), zap.String("user", c.User), zap.Error(err))
	}
}

// respond answers by the address that came with the click, if it is one of Slack's.
func (g *Gateway) respond(ctx context.Context, c Click, says string) error {
	u, err := url.Parse(c.Response)
	if err != nil || u.Host == "" || u.User != nil || !slices.Contains(g.c.o.Answers, u.Host) && !slices.Contains(g.c.o.Answers, u.Scheme+"://"+u.Host) {
		return fmt.Errorf("answer a click: the address for answers is not of Slack")
	}
	if u.Scheme != "https" && !slices.Contains(g.c.o.Answers, u.Scheme+"://"+u.Host) {
		return fmt.Errorf("answer a click: the address for answers is not https")
	}
	return g.c.call(ctx, "response_url", "", "answer a click", func(ctx context.Context) error {
		return slackgo.PostWebhookCustomHTTPContext(ctx, c.Response, g.c.web, &slackgo.WebhookMessage{
			Text: literal(says), ResponseType: slackgo.ResponseTypeEphemeral, Blocks: &slackgo.Blocks{BlockSet: plain(says)},
		})
	})
}

// whisper answers in the channel, for the person alone; outside of one by a direct message.
func (g *Gateway) whisper(ctx context.Context, c Click, says string) error {
	if c.Channel == "" {
		return g.c.call(ctx, "chat.postMessage", c.User, "answer "+c.User, func(ctx context.Context) error {
			_, _, err := g.c.api.PostMessageContext(ctx, c.User, said(literal(says), plain(says))...)
			return err
		})
	}
	return g.c.call(ctx, "chat.postEphemeral", "", "answer "+c.User, func(ctx context.Context) error {
		_, err := g.c.api.PostEphemeralContext(ctx, c.Channel, c.User, said(literal(says), plain(says))...)
		return err
	})
}
