package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// SinkSlack begins the names of sinks that are channels of Slack: slack:atlas-prod.
const SinkSlack = "slack"

// Slack says how people are told and asked in Slack. A zero Team means that they are not.
type Slack struct {
	API                   string // of Slack, without a slash at the end
	Team, Enterprise, App string // ids; what comes from others is refused
	BotToken              Source
	AppToken              Source            // of Socket Mode; zero: not used
	SigningSecrets        []Source          // of what Slack posts to http.public, in place of Socket Mode; two while they are rotated
	Key                   Source            // by which commands from Slack are signed; zero: one that this process makes itself
	Channels              map[string]string // ids, by the name in routes
	Fallback              string            // the channel's name in routes; empty: none
	Groups                map[string]string // ids of user groups, by the name of the group that they bound
	TrustEmail            bool
	Mention               bool
	Quiet                 Quiet
	Budget                int    // cards a day for each who may answer
	Flood                 int    // new cards a channel and minute
	SecondLook            string // the channel's name in routes; empty: nobody looks again
	Daily                 string // the channel's name in routes; empty: nobody is told
}

// IsZero reports whether there is no Slack.
func (s Slack) IsZero() bool { return s.Team == "" }

// Quiet are the hours in which only what is critical is told. A zero Zone means none.
type Quiet struct {
	From, To time.Duration // since midnight, by a clock in Zone
	Zone     string
}

func slackKeys() *shape {
	channel := text("a channel's name as routes has it")
	return object(
		key("team", one(patterned("the workspace's id such as T012AB3CD", `^T[A-Z0-9]{2,20}$`)), "The workspace. Whoever belongs to another one is refused.").must(),
		key("enterprise", one(patterned("an Enterprise Grid's id such as E012AB3CD", `^E[A-Z0-9]{2,20}$`)), "The Enterprise Grid that the workspace belongs to, if it does."),
		key("app", one(patterned("the app's id such as A012AB3CD", `^A[A-Z0-9]{2,20}$`)), "The app, as its Basic Information page says.").must(),
		key("bot_token", sourceKeys(), "The bot's token, which begins with xoxb-.").must(),
		key("app_token", sourceKeys(), "The app-level token with connections:write, which begins with xapp-: clicks come over a connection that this process opens (Socket Mode)."),
		key("signing_secrets", nonnil(list(sourceKeys())), "In place of app_token, or beside it while one takes over from the other: clicks are posted by Slack to http.public, /slack/interactive, /slack/commands and /slack/events, signed with this. Two while it is rotated."),
		key("key", sourceKeys(), "The Ed25519 private key, as PKCS #8 in PEM, by which commands from Slack are signed. Left out: one that this process makes, in a file beside the store."),
		key("channels", table(channelName(), one(patterned("a channel's id such as C012AB3CD", `^[CG][A-Z0-9]{2,20}$`))), "The channels that routes name, and their ids. The bot must be a member of each.").must(),
		key("fallback", one(channel), "The channel for what cannot be posted where it belongs."),
		key("groups", table(groupName(), one(patterned("a user group's id such as S012AB3CD", `^S[A-Z0-9]{2,20}$`))), "User groups of Slack that bound groups of this file: their members answer from Slack only while they are in both."),
		key("trust_email", one(boolean()), "People are also known by the e-mail address of their profile: only where the workspace has single sign-on and nobody can change their own.").or("false"),
		key("mention", one(boolean()), "The user groups of those who are asked are mentioned once, on critical and high findings.").or("false"),
		key("quiet", object(
			key("from", one(clock()), "When they begin, by a clock in zone.").must(),
			key("to", one(clock()), "When they end. Not after from: on the next day.").must(),
			key("zone", one(zone()), "The time zone, such as Europe/Berlin.").or("UTC"),
		), "Hours in which only what is critical is told; the rest comes as one digest at their end."),
		key("budget", one(count()), "Cards that ask, a day, for each who may answer: beyond them what is not critical comes as a digest.").or("30"),
		key("flood", one(count().parsed(flood)), "New cards a channel and minute: beyond them findings come together. Slack takes about 60 messages a minute.").or("20"),
		key("second_look", one(channel), "The channel in which, once a week, somebody else is asked to look at one in twenty of what was kept. Left out: nobody looks again."),
		key("daily", one(channel), "The channel in which, once a day, it is told how many findings stand open, by who owns them. Left out: nowhere."),
		key("api", one(slackURL()), "Where Slack's API is: https, or http to a loopback address.").or("https://slack.com/api"),
	)
}

func channelName() scalar {
	return patterned("a name for a channel: lower-case letters, digits, - and _", `^[a-z0-9][a-z0-9_-]{0,79}$`)
}

func flood(s string) (any, error) {
	v, err := count().parse(s)
	if n, ok := v.(int); err == nil && ok && (n < 1 || n > 30) {
		return nil, fmt.Errorf("%q is not from 1 to 30: cards and digests together must stay below what Slack takes", s)
	}
	return v, err
}

// slackURL is the base of the API's methods.
func slackURL() scalar {
	s := baseURL()
	s.want = "a URL such as https://slack.com/api"
	return s
}

func (b *builder) slack(t *tree) Slack {
	s := Slack{
		API: as[string](t.get("api")), Team: as[string](t.get("team")), Enterprise: as[string](t.get("enterprise")), App: as[string](t.get("app")),
		BotToken: b.source(t.get("bot_token")), AppToken: b.source(t.get("app_token")), SigningSecrets: each(t.get("signing_secrets"), b.source),
		Key: b.source(t.get("key")), Channels: pairs(t.get("channels")), Fallback: as[string](t.get("fallback")), Groups: pairs(t.get("groups")),
		TrustEmail: as[bool](t.get("trust_email")), Mention: as[bool](t.get("mention")), Budget: as[int](t.get("budget")), Flood: as[int](t.get("flood")),
		SecondLook: as[string](t.get("second_look")), Daily: as[string](t.get("daily")),
	}
	if q := t.get("quiet"); q.given {
		s.Quiet = Quiet{From: as[time.Duration](q.get("from")), To: as[time.Duration](q.get("to")), Zone: as[string](q.get("zone"))}
		if s.Quiet.From == s.Quiet.To {
			b.at(q, "from and to are the same: nothing but what is critical would ever be told")
		}
	}
	if !t.given {
		return Slack{}
	}
	b.reachable(t, s)
	for _, name := range []string{"fallback", "second_look", "daily"} {
		b.channel(t.get(name), as[string](t.get(name)), s)
	}
	for _, name := range t.get("groups").keys {
		if len(b.grouped[name]) == 0 {
			b.at(t.get("groups").sub[name], "%q is no group of groups, or has no members: a user group only bounds one%s", name, meant(name, keysOf(b.grouped)))
		}
	}
	b.channelTwice(t.get("channels"))
	return s
}

// reachable reports what is missing to take clicks.
func (b *builder) reachable(t *tree, s Slack) {
	switch app, http := t.get("app_token").given, t.get("signing_secrets").given; {
	case !app && !http:
		b.at(t, "give app_token for Socket Mode, or signing_secrets where Slack can reach http.public")
	case len(s.SigningSecrets) > 2:
		b.at(t.get("signing_secrets"), "%d secrets: the one in use and, while it is rotated, the next", len(s.SigningSecrets))
	}
}

func (b *builder) channel(t *tree, name string, s Slack) {
	if name != "" && s.Channels[name] == "" {
		b.at(t, "%q is not under slack.channels%s", name, meant(name, keysOf(s.Channels)))
	}
}

func (b *builder) channelTwice(t *tree) {
	seen := map[string]string{}
	for _, name := range t.keys {
		id := as[string](t.sub[name])
		if first, twice := seen[id]; twice && id != "" {
			b.at(t.sub[name], "%s is %s already: one channel, one name", id, first)
			continue
		}
		seen[id] = name
	}
}

// sinks reports routes to channels that nothing declares.
func (b *builder) sinks(t *tree, s Slack, given bool) {
	for _, route := range t.items {
		for _, to := range route.get("to").items {
			kind, name, _ := strings.Cut(as[string](to), ":")
			switch {
			case kind != SinkSlack:
			case !given:
				b.at(to, "slack is not configured: give slack, or leave the sink out")
			case s.Channels[name] == "":
				b.at(to, "%q is not under slack.channels%s", name, meant(name, keysOf(s.Channels)))
			}
		}
	}
}

func keysOf[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
