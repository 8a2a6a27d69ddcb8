package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	slackgo "github.com/slack-go/slack"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack"
	"github.com/gatewarden/gatewarden/remediate"
)

// slacker is all that this process does in Slack.
type slacker struct {
	client  *slack.Client
	gateway *slack.Gateway
	poster  *notify.Poster
	cards   *stream.KV[notify.Pointer] // for its keys: all that the poster keeps
}

// newSlack builds it; nil: the configuration has no Slack, or another process does it.
func (d *Daemon) newSlack() (*slacker, error) {
	f := d.opts.File
	if f.Slack.IsZero() || !d.does(RoleSlack) {
		return nil, nil
	}
	bot, app, secrets, err := slackSecrets(f.Slack)
	if err != nil {
		return nil, err
	}
	metrics, logger := slack.NewMetrics(d.registry), d.logger.Named("slack")
	conf := func() *config.File { return d.settings.get().file }
	look := func() slack.Look { return lookOf(conf()) }
	s := &slacker{client: slack.NewClient(slack.Options{
		BotToken: bot, AppToken: app, APIURL: f.Slack.API + "/", Team: f.Slack.Team, Enterprise: f.Slack.Enterprise, App: f.Slack.App,
		Channels: func() []string { return channelIDs(conf().Slack) }, Staff: func() slack.Staff { return staffOf(conf()) },
		Draw: func(c notify.Card) (string, []slackgo.Block) {
			m := slack.Render(c, d.fleet.Now(), lookFor(look(), conf().Slack.Mention && c.First()))
			return m.Text, m.Blocks
		},
		Notice: func(s notify.Story, link string) (string, []slackgo.Block) {
			m := slack.Found(s, link)
			return m.Text, m.Blocks
		},
		Scopes: slack.Needs(f.Slack.TrustEmail, len(f.Slack.Groups) > 0), Answers: answerHosts(f.Slack), Logger: logger, Metrics: metrics,
	})}
	store := cards(d.stream)
	s.cards = stream.Bucket[notify.Pointer](d.stream, "cards")
	s.poster = &notify.Poster{
		Board: boardByName{s.client, conf}, Stories: storyteller{d}, Store: store, Policy: func() notify.Policy { return hygieneOf(conf().Slack) },
		Publish: d.stream.Publish, Lines: slack.Lines, Now: d.fleet.Now, Delivered: d.metrics.delivered, Metrics: notify.NewCardMetrics(d.registry),
		GroupsOf: func(people []string) []string { return groupsOf(conf(), people) },
	}
	s.gateway = slack.NewGateway(slack.GatewayOptions{
		Client: s.client, Stories: storyteller{d}, Groups: store, Commands: chatCommands{d}, Book: chatBook{d},
		Modals: slack.Views{Look: look, DryRun: func() bool { return d.settings.get().policy.DryRun }, Now: d.fleet.Now},
		Inbox:  stream.Bucket[slack.Click](d.stream, "cards"), Says: slack.Answer, Process: d.process(),
		Copy: func(ctx context.Context, group string, at notify.Placed) {
			d.warn(ctx, "copies", "a copy of a card cannot be noted", store.Copied(ctx, group, at))
		},
		Refresh: func(ctx context.Context, group string) {
			d.warn(ctx, "cards", "a card cannot be drawn anew", s.poster.Refresh(ctx, group))
		},
		Secrets: func() []string { return secrets }, Refused: d.slackRefused, Logger: logger, Metrics: metrics,
	})
	return s, nil
}

// slackSecrets reads what Slack knows us by.
func slackSecrets(s config.Slack) (bot, app string, signing []string, err error) {
	read := func(name string, from config.Source) string {
		if from.IsZero() {
			return ""
		}
		v, no := from.Resolve()
		if no != nil {
			err = errors.Join(err, configError{fmt.Errorf("slack.%s: %w", name, no)})
		}
		return v.Reveal()
	}
	bot, app = read("bot_token", s.BotToken), read("app_token", s.AppToken)
	for i, from := range s.SigningSecrets {
		signing = append(signing, read(fmt.Sprintf("signing_secrets[%d]", i), from))
	}
	for _, t := range []struct{ name, value, begins string }{{"bot_token", bot, "xoxb-"}, {"app_token", app, "xapp-"}} {
		if t.value != "" && !strings.HasPrefix(t.value, t.begins) {
			err = errors.Join(err, configError{fmt.Errorf("slack.%s: the token does not begin with %s: bot tokens begin with xoxb-, app-level tokens with xapp-; give the right one", t.name, t.begins)})
		}
	}
	return bot, app, signing, err
}

// answerHosts are those to which answers to clicks go: Slack's, or that of an API elsewhere.
func answerHosts(s config.Slack) []string {
	if u, err := url.Parse(s.API); err == nil && u.Scheme == "http" {
		return []string{u.Scheme + "://" + u.Host} // a loopback address, as the configuration takes no other
	}
	return nil
}

func cards(s *stream.Stream) notify.Store {
	return notify.Store{
		Groups: stream.Bucket[notify.Group](s, "cards"), Places: stream.Bucket[notify.Place](s, "cards"), Pointers: stream.Bucket[notify.Pointer](s, "cards"),
		Channels: stream.Bucket[notify.Channel](s, "cards"), Held: stream.Bucket[notify.Held](s, "cards"), Days: stream.Bucket[notify.Day](s, "cards"),
	}
}

// boardByName is a board whose channels have the names that the routes give them.
type boardByName struct {
	*slack.Client
	conf func() *config.File
}

// Post implements [notify.Board].
func (n boardByName) Post(ctx context.Context, channel string, c notify.Card) (notify.Placed, error) {
	id := n.conf().Slack.Channels[channel]
	if id == "" {
		n.Health().Raise(slack.WrongChannel, channel, "it is not under slack.channels any more, and what was for it goes to slack.fallback, or waits where there is none: put it back")
		return notify.Placed{}, fmt.Errorf("post to %s: it is not under slack.channels any more: %w", channel, notify.ErrNoPlace)
	}
	n.Health().Clear(slack.WrongChannel, channel)
	return n.Client.Post(ctx, id, c)
}

func channelIDs(s config.Slack) []string {
	var out []string
	for _, id := range s.Channels {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func staffOf(f *config.File) slack.Staff {
	return slack.Staff{Principals: f.Principals, Groups: f.Groups, Ties: f.Slack.Groups, Operators: f.Guards.Operators, TrustEmail: f.Slack.TrustEmail}
}

func lookOf(f *config.File) slack.Look {
	l := slack.Look{Atlas: f.Atlas.BaseURL, Users: map[string]string{}, Groups: f.Slack.Groups}
	for _, p := range f.Principals {
		if p.Slack != "" {
			l.Users[p.ID] = p.Slack
		}
	}
	return l
}

func lookFor(l slack.Look, mention bool) slack.Look { l.Mention = mention; return l }

func hygieneOf(s config.Slack) notify.Policy {
	p := notify.Policy{Burst: s.Flood, Budget: s.Budget, Fallback: s.Fallback}
	if s.Quiet.Zone != "" {
		zone, err := time.LoadLocation(s.Quiet.Zone)
		if err != nil {
			zone = time.UTC // the configuration takes no zone that cannot be loaded
		}
		p.Quiet = notify.Quiet{From: s.Quiet.From, To: s.Quiet.To, Zone: zone}
	}
	return p
}

// groupsOf are the names of the groups that one of the people is in.
func groupsOf(f *config.File, people []string) []string {
	var out []string
	for name, members := range f.Groups {
		if slices.ContainsFunc(members, func(m string) bool { return slices.Contains(people, m) }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// slackNotice handles what Slack is to be told. Without Slack nobody is: what a former configuration
// left is dropped.
func (d *Daemon) slackNotice(ctx context.Context, n access.Notice) error {
	if d.slack == nil {
		d.logger.Debug("a notice for Slack is dropped: it is not configured", zap.String("finding", n.Finding))
		return nil
	}
	return d.slack.poster.Handle(ctx, n)
}

// chatCommands signs what people ask for in Slack.
type chatCommands struct{ d *Daemon }

// Submit implements slack's Commands.
func (c chatCommands) Submit(ctx context.Context, cmd access.Command) (access.CommandRecord, error) {
	r, err := c.d.submitChat(ctx, cmd)
	if err == nil && r.Accepted && cmd.Verb == access.VerbVote {
		c.d.countVote(ctx, cmd, r)
	}
	switch {
	case errors.Is(err, ErrReused):
		return r, nil // the record of the first time is the answer
	case errors.Is(err, ErrPending):
		return r, fmt.Errorf("%w: %w", slack.ErrPending, err)
	}
	return r, err
}

// slackRefused puts on record whom the gateway refused what: as a command that asks for nothing, so
// that the chain of the audit has it. Who clicks too fast, or too late, is only counted.
func (d *Daemon) slackRefused(ctx context.Context, r slack.Refusal) {
	if d.signsChat == nil || r.Reason == "pace" || r.Reason == "late" || r.Reason == "usage" {
		return
	}
	at := r.At.UTC().Truncate(time.Millisecond)
	c := access.Command{
		V: access.Version, ID: access.Hash("slack refused", r.Click), Verb: access.VerbRefused, Scope: d.firstOrg(), By: "slack:" + r.User, Via: remediate.ViaChat,
		How: "slack " + r.User + " of " + r.Team, At: at, Until: at.Add(access.CommandLife), Reason: fmt.Sprintf("%s: %s (%s, finding %s)", r.Reason, r.Says, r.Action, cmp.Or(r.Finding, "none")),
	}
	raw, err := access.Seal(c, d.signsChat)
	if err == nil {
		err = d.stream.Publish(ctx, access.Out{Topic: access.TopicCommand, Scope: c.Scope, ID: "cmd." + c.ID, Body: raw})
	}
	d.warn(ctx, "slack refusals", "a refusal cannot be put on record", err)
}

// countVote counts a vote by the groups of the one who gave it, and how long they thought about it.
func (d *Daemon) countVote(ctx context.Context, c access.Command, r access.CommandRecord) {
	a, _, err := d.actions.Get(ctx, r.Action)
	if err != nil {
		return // it is only counted
	}
	d.slack.poster.Metrics.Voted(c.Vote, groupsOf(d.settings.get().file, []string{c.By}), notify.Asked(a), c.At)
}

// When what comes again is told, as cron specs in UTC. Every replica ticks: what is told has a name by
// which it is told once.
const (
	dailyAt  = "0 8 * * *"
	weeklyAt = "0 9 * * 1"
	tidyAt   = "30 3 * * *"
)

// slackSchedule tells what comes again, and tidies up.
func (d *Daemon) slackSchedule(c *cron.Cron) error {
	for spec, do := range map[string]func(context.Context) error{dailyAt: d.slackDaily, weeklyAt: d.slackWeekly, tidyAt: d.slackTidy} {
		if _, err := c.AddFunc("CRON_TZ=UTC "+spec, func() { d.warn(d.ctx, "slack "+spec, "what is told in Slack by the clock is not", do(d.ctx)) }); err != nil {
			return fmt.Errorf("schedule %s: %w", spec, err)
		}
	}
	return nil
}

// firstOrg is the scope of what is about no one project.
func (d *Daemon) firstOrg() access.Scope {
	return access.OrgScope(d.settings.get().file.Atlas.Orgs[0].ID)
}

func (d *Daemon) slackDaily(ctx context.Context) error {
	channel := d.settings.get().file.Slack.Daily
	if channel == "" {
		return nil
	}
	all, err := d.AllFindings(ctx)
	if err != nil {
		return err
	}
	return d.slack.poster.Daily(ctx, d.firstOrg(), channel, all)
}

func (d *Daemon) slackWeekly(ctx context.Context) error {
	channel := d.settings.get().file.Slack.SecondLook
	if channel == "" {
		return nil
	}
	stored, _, err := d.waivers.Get(ctx, access.WaiversKey)
	if err != nil {
		return fmt.Errorf("load waivers: %w", err)
	}
	return d.slack.poster.LookAgain(ctx, d.firstOrg(), channel, stored.Waivers)
}

func (d *Daemon) slackTidy(ctx context.Context) error {
	keys, err := d.slack.cards.Keys(ctx)
	if err != nil {
		return fmt.Errorf("list the cards: %w", err)
	}
	return d.slack.poster.Tidy(ctx, keys, d.slack.cards.Delete)
}

// slackProblems are what is wrong with Slack, for people: it makes nothing else stop.
func (d *Daemon) slackProblems() (out []string) {
	if d.slack == nil {
		return nil
	}
	for _, p := range d.slack.client.Health().Problems() {
		out = append(out, p.What+" "+p.About+": "+p.Says)
	}
	return out
}

// slackRestarts reports whether a change is of what is built once.
func slackRestarts(a, b config.Slack) bool {
	return a.Team != b.Team || a.Enterprise != b.Enterprise || a.App != b.App || a.API != b.API || a.BotToken != b.BotToken || a.AppToken != b.AppToken ||
		a.Key != b.Key || a.TrustEmail != b.TrustEmail || len(a.Groups) > 0 != (len(b.Groups) > 0) || !slices.Equal(a.SigningSecrets, b.SigningSecrets)
}

// process is a name for this process that its next life has, too, where there is one of it only.
func (d *Daemon) process() string {
	if d.opts.File.NATS.External() {
		return ""
	}
	return "the only one"
}
