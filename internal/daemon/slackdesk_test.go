package daemon

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// desk is a stage whose daemon tells and asks in a Slack over real sockets, in real time.
type desk struct {
	*stage
	slack *slackfake.Slack
	ctx   context.Context
	logs  *observer.ObservedLogs // warnings and worse, since it was last opened
}

// people of ExampleCorp: alice and bob are asked, carol is an operator, rajesh changes things.
const deskConfig = `
atlas:
  base_url: http://127.0.0.1:1
  profile: remediate
  orgs:
    - id: ORG
      read:  {client_id: {env: GW_TEST_READ_ID},  client_secret: {env: GW_TEST_READ_SECRET}}
      write: {client_id: {env: GW_TEST_WRITE_ID}, client_secret: {env: GW_TEST_WRITE_SECRET}}
environments:
  prod: {projects: ["*-prod"], tags: {env: prod}}
  dev:  {projects: ["*-dev"], tags: {env: dev}}
identities:
  - {class: app, usernames: ["*_app_user"], roles: [readWrite@ecommerce]}
principals:
  - {id: alice, slack: U0ALICE, email: alice@example.com, atlas: [alice@example.com]}
  - {id: bob, slack: U0BOB, email: bob@example.com}
  - {id: carol, slack: U0CAROL, email: carol@example.com}
  - {id: rajesh, slack: U0RAJESH, email: rajesh@example.com, atlas: [rajesh@example.com]}
groups: {oncall: [alice, bob, rajesh]}
networks:
  prod: {app: [8.8.8.0/24], ci: [9.9.9.10/32]}
responses:
  - {rules: ["network/*", "dbuser/*"], environments: [prod], do: approve, approvers: [oncall], quorum: QUORUM, deadline: DEADLINE, undo: 24h}
  - {rules: ["network/*", "dbuser/*"], environments: [dev], do: approve, approvers: [oncall], quorum: QUORUM, deadline: DEADLINE, undo: 24h}
guards: {settle: {critical: 0s, other: 0s}, operators: [carol]}
dry_run: false
routes: [{to: [log, "slack:atlas-prod"]}]
slack:
  team: T0EXAMPLE
  app: A0GATE
  bot_token: {env: GW_TEST_SLACK_BOT}
  app_token: {env: GW_TEST_SLACK_APP}
  channels: {atlas-prod: C0PROD, security: C0SEC}
  groups: {oncall: S0ONCALL}
  api: FAKE
schedule: {feed: {active: 1s, idle: 1s}}
nats: {store: STORE}
`

const deskPatience = 45 * time.Second

// newDesk starts Slack, Atlas and the daemon. edits are pairs of what is replaced in the configuration.
func newDesk(t *testing.T, edits ...string) *desk {
	t.Helper()
	d := closedDesk(t, read(t, "testdata/world.yaml"), edits...)
	d.open()
	return d
}

// closedDesk is a desk whose daemon does not run yet.
func closedDesk(t *testing.T, world string, edits ...string) *desk {
	t.Helper()
	fake, err := slackfake.Start(slackfake.Options{Workspace: deskWorkspace(), PingEvery: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	t.Setenv("GW_TEST_SLACK_BOT", fake.Tokens().BotToken)
	t.Setenv("GW_TEST_SLACK_APP", fake.Tokens().AppToken)
	conf := strings.NewReplacer(append(slices.Clone(edits), "QUORUM", "1", "DEADLINE", "4h")...).Replace(deskConfig)
	s := newStage(t, t.TempDir(), world, conf)
	s.conf = strings.NewReplacer("FAKE", strings.TrimSuffix(fake.APIURL(), "/")).Replace(s.conf)
	d := &desk{stage: s, slack: fake, ctx: t.Context()}
	t.Cleanup(d.stop)
	return d
}

// deskWorkspace is ExampleCorp with alice on call, too.
func deskWorkspace() slackfake.Workspace {
	w := slackfake.Example()
	w.Groups[0].Users = append(w.Groups[0].Users, "U0ALICE")
	return w
}

// open starts the daemon over the real network, and waits until its clicks are heard.
func (d *desk) open() {
	d.t.Helper()
	f, err := d.load()
	if err != nil {
		d.t.Fatal(err)
	}
	core, logs := observer.New(zap.WarnLevel)
	logger := zap.New(core)
	if *verbose {
		logger = zap.New(zapcore.NewTee(core, zaptest.NewLogger(d.t).Core()))
	}
	d.logs = logs
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.ctx))
	if d.daemon, err = Start(ctx, Options{File: f, Load: d.load, Version: "test", Transport: d.transport(), NoListen: true, Logger: logger, Observe: d.observe}); err != nil {
		cancel()
		d.t.Fatal(err)
	}
	d.cancel = cancel
	d.until("the daemon listens to Slack", func() bool { return d.slack.Sockets() > 0 })
	d.judged("ecommerce-prod")
	d.judged("ecommerce-dev")
}

// judged waits until a project is watched.
func (d *desk) judged(project string) {
	d.t.Helper()
	scope := access.ProjectScope(d.atlas.ProjectID(project))
	var first time.Time // when it was seen to be judged
	d.until(project+" is judged", func() bool {
		doc, _, err := d.daemon.findings.Get(d.ctx, string(scope))
		w, _, no := d.daemon.watch.Get(d.ctx, string(scope))
		// Atlas tells times to the second: what happens within the one of the first sight, or of the first
		// judgement, counts as before it.
		second := time.Now().Truncate(time.Second)
		watched := !w.Fed.IsZero() && second.After(w.First.Add(time.Second)) && (first.IsZero() || second.After(first.Add(time.Second)))
		if first.IsZero() && doc.Judged.Inventory[access.KindIPAccessEntry] > 0 {
			first, watched = time.Now(), false
		}
		return err == nil && no == nil && doc.Judged.Inventory[access.KindIPAccessEntry] > 0 && watched && len(w.Dirty) == 0
	})
}

// until waits for something that nothing announces.
func (d *desk) until(what string, holds func() bool) {
	d.t.Helper()
	for end := time.Now().Add(deskPatience); !holds(); {
		if time.Now().After(end) {
			d.t.Fatalf("%s: not within %s\n%s", what, deskPatience, d.seen())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// seen is what stands in Slack, for a test that fails.
func (d *desk) seen() string {
	var b strings.Builder
	for _, ch := range []string{"C0PROD", "C0SEC"} {
		for _, m := range d.slack.Messages(ch) {
			b.WriteString(ch + ": " + m.Text + "\n")
			for _, r := range m.Replies {
				b.WriteString("    " + r.Text + "\n")
			}
		}
	}
	for _, u := range []string{"U0ALICE", "U0BOB", "U0CAROL", "U0RAJESH", "U0GUEST"} {
		for _, e := range d.slack.Ephemerals(u) {
			b.WriteString("only " + u + ": " + e.Text + "\n")
		}
	}
	return b.String()
}

// words are all the text of a message, whatever block it is in.
func words(m slackfake.Message) string {
	raw, _ := json.Marshal(m.Blocks) // it came as JSON
	return m.Text + " " + string(raw)
}

// card waits for a message in the channel that says all of this.
func (d *desk) card(channel string, says ...string) slackfake.Message {
	d.t.Helper()
	var got slackfake.Message
	d.until("a card that says "+strings.Join(says, ", "), func() bool {
		for _, m := range d.slack.Messages(channel) {
			if w := words(m); !slices.ContainsFunc(says, func(s string) bool { return !strings.Contains(w, s) }) {
				got = m
				return true
			}
		}
		return false
	})
	return got
}

// now is a card as it stands.
func (d *desk) now(m slackfake.Message) slackfake.Message {
	for _, x := range d.slack.Messages(m.Channel) {
		if x.TS == m.TS {
			return x
		}
	}
	return slackfake.Message{}
}

// becomes waits until a card says all of this.
func (d *desk) becomes(m slackfake.Message, says ...string) slackfake.Message {
	d.t.Helper()
	d.until("the card says "+strings.Join(says, ", "), func() bool {
		w := words(d.now(m))
		return !slices.ContainsFunc(says, func(s string) bool { return !strings.Contains(w, s) })
	})
	return d.now(m)
}

// offers reports whether a card has this button.
func offers(m slackfake.Message, action string) bool {
	return strings.Contains(words(m), `"action_id":"`+action+`"`)
}

// click clicks, and waits until it is acknowledged.
func (d *desk) click(user string, m slackfake.Message, action string, o ...slackfake.ClickOption) {
	d.t.Helper()
	got, err := d.slack.Click(user, m.Channel, m.TS, action, o...)
	if err != nil {
		d.t.Fatalf("%s clicks %s: %v\n%s", user, action, err, d.seen())
	}
	if _, took, err := got.Wait(d.ctx); err != nil || took > 3*time.Second {
		d.t.Fatalf("%s clicks %s: acknowledged after %s, %v", user, action, took, err)
	}
}

// hears waits until a person alone was told this.
func (d *desk) hears(user, says string) {
	d.t.Helper()
	d.until(user+" hears "+says, func() bool {
		return slices.ContainsFunc(d.slack.Ephemerals(user), func(e slackfake.Ephemeral) bool { return strings.Contains(words(e.Message), says) })
	})
}

// opens lets rajesh open a project to an address.
func (d *desk) opens(project, cidr string) {
	d.t.Helper()
	if err := d.act("rajesh@example.com", "POST", "/groups/{"+project+"}/accessList", `[{"cidrBlock":"`+cidr+`","comment":"<!channel> please"}]`); err != nil {
		d.t.Fatal(err)
	}
}

// entry reports whether a project's access list has an address.
func (d *desk) entry(project, cidr string) bool {
	for _, o := range d.atlas.Snapshot().Orgs {
		for _, p := range o.Projects {
			if p.Name == project && slices.ContainsFunc(p.AccessList, func(e sim.AccessEntry) bool { return e.CIDRBlock == cidr }) {
				return true
			}
		}
	}
	return false
}

// modal waits for the one that a person has open.
func (d *desk) modal(user, callback string) slackfake.View {
	d.t.Helper()
	var v slackfake.View
	d.until(user+" has "+callback+" open", func() bool {
		for _, x := range d.slack.Views(user) {
			if x.CallbackID == callback {
				v = x
				return true
			}
		}
		return false
	})
	return v
}

// submit fills in a modal, and returns what the app answered.
func (d *desk) submit(user string, v slackfake.View, values map[string]any) string {
	d.t.Helper()
	got, err := d.slack.Submit(user, v.ID, values)
	if err != nil {
		d.t.Fatalf("%s submits %s: %v", user, v.CallbackID, err)
	}
	ack, _, err := got.Wait(d.ctx)
	if err != nil {
		d.t.Fatalf("%s submits %s: %v", user, v.CallbackID, err)
	}
	return string(ack)
}

// votes are those that were given, of the finding of a rule.
func (d *desk) votes(rule, name string) []access.Ballot {
	d.t.Helper()
	return d.action(d.found(rule, name)).Votes
}

// found is the finding of a rule.
func (d *desk) found(rule, name string) access.Finding {
	d.t.Helper()
	all, err := d.daemon.AllFindings(d.ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(f access.Finding) bool { return f.Rule == rule && f.Ref.Name == name })
	if i < 0 {
		d.t.Fatalf("no finding %s of %s", rule, name)
	}
	return all[i]
}

// action is what is done about a finding.
func (d *desk) action(f access.Finding) access.Action {
	d.t.Helper()
	a, _, err := d.daemon.actions.Get(d.ctx, access.ActionID(f.ID, f.Episode))
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// restart ends the daemon and starts it again.
func (d *desk) restart() {
	d.t.Helper()
	d.stop()
	d.open()
}

// asked reports whether people are asked about a finding.
func (d *desk) asked(rule, name string) bool {
	all, err := d.daemon.AllFindings(d.ctx)
	i := slices.IndexFunc(all, func(f access.Finding) bool { return f.Rule == rule && f.Ref.Name == name })
	return err == nil && i >= 0 && d.action(all[i]).State == access.ActionAwaiting
}

// ours are the changes of state that our writes made.
func (d *desk) ours() []sim.Effect {
	return slices.DeleteFunc(d.atlas.Effects(), func(e sim.Effect) bool { return e.ActionID == "" })
}

// recorded reports whether there is the record of a command by somebody.
func (d *desk) recorded(verb access.Verb, by string) bool {
	keys, err := d.daemon.records.Keys(d.ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.ContainsFunc(keys, func(k string) bool {
		r, _, err := d.daemon.records.Get(d.ctx, k)
		return err == nil && strings.HasPrefix(k, "cmd.") && r.Command.Verb == verb && r.Command.By == by
	})
}
