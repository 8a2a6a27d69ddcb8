package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Options say which workspace it is, and how we get in.
type Options struct {
	BotToken   string          // xoxb-…
	AppToken   string          // xapp-…, for Socket Mode
	APIURL     string          // ends with a slash; empty: Slack's own
	Team       string          // id of the workspace; clicks from any other are refused
	Enterprise string          // id of the Enterprise Grid; empty: none
	App        string          // id of the app
	Channels   func() []string // as the routes name them, with or without #; swapped on reload
	Staff      func() Staff    // who may say something; swapped on reload
	Draw       func(notify.Card) (text string, blocks []slackgo.Block)
	Notice     func(s notify.Story, link string) (text string, blocks []slackgo.Block) // of a direct message; nil: plain
	Scopes     []string                                                                // that the app needs here; nil: those of [Needs]
	HTTP       http.RoundTripper                                                       // nil: the default
	Dial       func(ctx context.Context, network, addr string) (net.Conn, error)       // of sockets; nil: the network\'s
	Answers    []string                                                                // hosts to which answers may be sent; nil: Slack's
	Logger     *zap.Logger
	Metrics    *Metrics
}

// callWithin bounds each call.
const callWithin = 10 * time.Second

// Client posts and edits cards. It implements [notify.Board].
type Client struct {
	o      Options
	api    *slackgo.Client
	web    *http.Client
	limits *limits
	health *Health
	rooms  *rooms

	mu     sync.Mutex
	scopes []string // that the token has, as Slack says; nil: it did not say
	self   slackgo.AuthTestResponse
}

var _ notify.Board = (*Client)(nil)

// NewClient makes a client; nothing is called yet.
func NewClient(o Options) *Client {
	if o.APIURL == "" {
		o.APIURL = slackgo.APIURL
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Channels == nil {
		o.Channels = func() []string { return nil }
	}
	if o.Staff == nil {
		o.Staff = func() Staff { return Staff{} } // nobody
	}
	if o.Answers == nil {
		o.Answers = []string{"hooks.slack.com", "hooks.slack-gov.com"}
	}
	c := &Client{o: o, limits: newLimits(), health: NewHealth(o.Logger, o.Metrics)}
	c.web = &http.Client{Transport: &transport{base: o.HTTP, health: c.health}, Timeout: callWithin, CheckRedirect: stay}
	c.api = slackgo.New(o.BotToken, c.options()...)
	c.rooms = newRooms(c)
	return c
}

func (c *Client) options() []slackgo.Option {
	return []slackgo.Option{
		slackgo.OptionAPIURL(c.o.APIURL), slackgo.OptionHTTPClient(c.web), slackgo.OptionAppLevelToken(c.o.AppToken),
		slackgo.OptionOnResponseHeaders(c.headers),
	}
}

// stay refuses redirects: what we send holds a token.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Name implements [notify.Board].
func (c *Client) Name() string { return "slack" }

// Health is what is wrong.
func (c *Client) Health() *Health { return c.health }

// call makes one call of a method in its turn, and says what its error means.
func (c *Client) call(ctx context.Context, method, channel, what string, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	err := c.limits.wait(ctx, method, channel)
	if err == nil {
		err = do(ctx)
	}
	err = failed(err, "%s", what)
	if l, ok := errors.AsType[later](err); ok && codeOf(err) == "ratelimited" {
		c.limits.limited(method, l.after)
	}
	c.o.Metrics.called(method, err)
	c.judge(method, err)
	return err
}

// Post implements [notify.Board].
func (c *Client) Post(ctx context.Context, channel string, card notify.Card) (notify.Placed, error) {
	id, err := c.rooms.id(ctx, channel)
	if err != nil {
		return notify.Placed{}, err
	}
	var at notify.Placed
	err = c.drawn(card, channel, func(text string, blocks []slackgo.Block) error {
		return c.call(ctx, "chat.postMessage", id, "post to "+channel, func(ctx context.Context) error {
			ch, ts, err := c.api.PostMessageContext(ctx, id, append(said(text, blocks), marked(card))...)
			at = notify.Placed{Channel: ch, ID: ts}
			return err
		})
	})
	c.rooms.judge(channel, err)
	if err != nil {
		return notify.Placed{}, err
	}
	return at, nil
}

// Edit implements [notify.Board].
func (c *Client) Edit(ctx context.Context, at notify.Placed, card notify.Card) error {
	return c.drawn(card, at.Channel, func(text string, blocks []slackgo.Block) error {
		return c.edit(ctx, at, append(said(text, blocks), marked(card)))
	})
}

func (c *Client) edit(ctx context.Context, at notify.Placed, say []slackgo.MsgOption) error {
	return c.call(ctx, "chat.update", "", fmt.Sprintf("edit %s in %s", at.ID, at.Channel), func(ctx context.Context) error {
		_, _, _, err := c.api.UpdateMessageContext(ctx, at.Channel, at.ID, say...)
		return err
	})
}

// drawn sends a card as it is drawn; where Slack takes the text but not the drawing, the text alone.
func (c *Client) drawn(card notify.Card, channel string, send func(string, []slackgo.Block) error) error {
	text, blocks := c.o.Draw(card)
	err := send(text, blocks)
	switch {
	case err == nil:
		c.health.Clear(WrongBlocks, card.ID)
		return nil
	case !tooMuch(codeOf(err)):
		return err
	}
	c.health.Raise(WrongBlocks, card.ID, fmt.Sprintf("Slack refused how the card was drawn in %s, and it was sent as text without buttons (%v): decide by command or API, and report this as a bug", channel, err))
	return send(text, plain(unescaped(text)))
}

// Say implements [notify.Board]. It does not wait long for its turn: the card is kept from others until it is said.
func (c *Client) Say(ctx context.Context, at notify.Placed, l notify.Line) error {
	if pause := c.limits.left("chat.postMessage", at.Channel); pause > sayWithin {
		return failed(tooSoon{"chat.postMessage", pause}, "say something under %s in %s", at.ID, at.Channel)
	}
	m := Words(l.Text)
	say := append(said(m.Text, m.Blocks), slackgo.MsgOptionTS(at.ID))
	if l.Loud {
		say = append(say, slackgo.MsgOptionBroadcast())
	}
	return c.call(ctx, "chat.postMessage", at.Channel, fmt.Sprintf("say something under %s in %s", at.ID, at.Channel), func(ctx context.Context) error {
		_, _, err := c.api.PostMessageContext(ctx, at.Channel, say...)
		return err
	})
}

// Direct implements [notify.Board].
func (c *Client) Direct(ctx context.Context, principal string, s notify.Story, card notify.Placed) error {
	user, err := c.userOf(ctx, principal)
	if err != nil {
		return courtesy(err)
	}
	text, blocks := c.notice(s, c.link(ctx, card))
	return courtesy(c.call(ctx, "chat.postMessage", user, "tell "+principal+" directly", func(ctx context.Context) error {
		_, _, err := c.api.PostMessageContext(ctx, user, said(text, blocks)...)
		return err
	}))
}

// courtesy is what went wrong with a word to one person: what Slack refuses for longer, such as for a scope
// that only this takes, keeps no card waiting. That our token is not taken, it says of everything.
func courtesy(err error) error {
	code := codeOf(err)
	scope := code == "missing_scope" || code == "no_permission"
	if code == "" || temporary(err) || errors.Is(err, notify.ErrNoPlace) || errors.Is(err, notify.ErrNoBoard) && !scope {
		return err
	}
	return fmt.Errorf("%s: %w", err.Error(), notify.ErrNoPlace)
}

func (c *Client) notice(s notify.Story, link string) (string, []slackgo.Block) {
	if c.o.Notice != nil {
		return c.o.Notice(s, link)
	}
	text := fmt.Sprintf("A change that you or something of yours made was found: %s %s in %s. See %s", s.Finding.Severity, s.Finding.Message, s.Project, link)
	return literal(text), plain(text)
}

// link is where a card can be seen; empty: it could not be found out.
func (c *Client) link(ctx context.Context, at notify.Placed) string {
	var link string
	err := c.call(ctx, "chat.getPermalink", "", "ask for the link of "+at.ID, func(ctx context.Context) (err error) {
		link, err = c.api.GetPermalinkContext(ctx, &slackgo.PermalinkParameters{Channel: at.Channel, Ts: at.ID})
		return err
	})
	if err != nil || !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://127.0.0.1") {
		return ""
	}
	return link
}

// userOf is the Slack user of a principal.
func (c *Client) userOf(ctx context.Context, principal string) (string, error) {
	staff := c.o.Staff()
	for _, p := range staff.Principals {
		switch {
		case p.ID != principal:
		case p.Slack != "":
			return p.Slack, nil
		case p.Email != "" && staff.TrustEmail:
			var id string
			err := c.call(ctx, "users.lookupByEmail", "", "look up "+principal, func(ctx context.Context) error {
				u, err := c.api.GetUserByEmailContext(ctx, p.Email)
				if err == nil {
					id = u.ID
				}
				return err
			})
			return id, err
		}
	}
	return "", fmt.Errorf("tell %s directly: nothing says who that is in Slack (principals.slack): %w", principal, notify.ErrNoPlace)
}

// said are the options of whatever we post: nothing in it is parsed, and no link unfolds.
func said(text string, blocks []slackgo.Block) []slackgo.MsgOption {
	return []slackgo.MsgOption{
		slackgo.MsgOptionText(atMost(text, 4000), false), slackgo.MsgOptionBlocks(blocks...), slackgo.MsgOptionParse(false), slackgo.MsgOptionLinkNames(false),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(),
	}
}

// marked says by what a message can be known, should we forget that it is ours.
func marked(card notify.Card) slackgo.MsgOption {
	return slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: "gatewarden_card", EventPayload: map[string]any{"group": card.ID, "rev": card.Rev}})
}

// whoami asks Slack who we are.
func (c *Client) whoami(ctx context.Context) (slackgo.AuthTestResponse, error) {
	var r *slackgo.AuthTestResponse
	err := c.call(ctx, "auth.test", "", "ask Slack who we are", func(ctx context.Context) (err error) {
		r, err = c.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return slackgo.AuthTestResponse{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = *r
	return *r, nil
}

// me is who we are, as Slack said last.
func (c *Client) me(ctx context.Context) (slackgo.AuthTestResponse, error) {
	c.mu.Lock()
	known := c.self
	c.mu.Unlock()
	if known.BotID != "" {
		return known, nil
	}
	return c.whoami(ctx)
}

// temporary reports whether it may pass by itself.
func temporary(err error) bool {
	return errors.Is(err, access.ErrTemporary) || errors.Is(err, context.DeadlineExceeded)
}
