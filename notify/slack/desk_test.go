package slack

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// desk is a gateway before a workspace without a network, in a bubble of time.
type desk struct {
	*slackfake.Slack
	t      *testing.T
	ctx    context.Context
	client *Client
	gate   *Gateway
	o      GatewayOptions
	logs   *observer.ObservedLogs
	reg    *prometheus.Registry
	inbox  *drawer[Click]

	mu       sync.Mutex
	staff    Staff
	channels []string
	stories  map[string]notify.Story // by finding
	groups   map[string]notify.Group
	given    []access.Command
	asked    int // how often a command was given, repetitions too
	decline  string
	submit   func(ctx context.Context, c access.Command) (access.CommandRecord, error)
	refusals []Refusal
	copies   []notify.Placed
	stop     context.CancelFunc
	ended    chan struct{}
}

const (
	scopeProd = access.Scope("prj.64f000000000000000000002")
	planOne   = "11111111111111111111111111111111"
)

// atDesk tells a story before a running gateway.
func atDesk(t *testing.T, o slackfake.Options, tell func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, o)
		d.run()
		tell(d)
	})
}

func newDesk(t *testing.T, o slackfake.Options) *desk {
	t.Helper()
	ln, dial := slackfake.Memory()
	o.Listener = ln
	s, err := slackfake.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	d := &desk{
		Slack: s, t: t, ctx: t.Context(), logs: logs, reg: prometheus.NewRegistry(), inbox: newDrawer[Click](),
		stories: map[string]notify.Story{}, groups: map[string]notify.Group{}, channels: []string{"atlas-prod"},
		staff: Staff{
			Principals: []access.Principal{
				{ID: "alice", Slack: "U0ALICE", Email: "alice@example.com"}, {ID: "bob", Slack: "U0BOB"}, {ID: "rajesh", Slack: "U0RAJESH"},
				{ID: "carol", Email: "carol@example.com"}, {ID: "guest", Slack: "U0GUEST"}, {ID: "robot", Slack: "U0ROBOT"}, {ID: "olga", Slack: "U0OTHER"},
			},
			Groups: map[string][]string{"platform-oncall": {"bob", "rajesh"}}, Operators: []string{"alice"},
		},
	}
	tr := &http.Transport{DialContext: dial}
	metrics := NewMetrics(d.reg)
	d.client = NewClient(Options{
		BotToken: s.Tokens().BotToken, AppToken: s.Tokens().AppToken, APIURL: s.APIURL(), Team: "T0EXAMPLE", App: "A0GATE", HTTP: tr, Dial: dial,
		Channels: func() []string { d.mu.Lock(); defer d.mu.Unlock(); return slices.Clone(d.channels) },
		Staff:    func() Staff { d.mu.Lock(); defer d.mu.Unlock(); return d.staff },
		Draw:     drawTest, Answers: []string{strings.TrimSuffix(s.URL(), "/")}, Logger: zap.New(core), Metrics: metrics,
	})
	d.o = GatewayOptions{
		Client: d.client, Stories: d, Groups: d, Commands: signs{d}, Book: d, Modals: formsTest{}, Inbox: d.inbox, Process: "one", Logger: zap.New(core),
		Refused: func(_ context.Context, r Refusal) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.refusals = append(d.refusals, r)
		},
		Copy: func(_ context.Context, _ string, p notify.Placed) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.copies = append(d.copies, p)
		},
		Secrets: func() []string { return []string{s.Tokens().SigningSecret} },
	}
	t.Cleanup(func() {
		d.end()
		tr.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// run starts the gateway, and waits until it is connected.
func (d *desk) run() {
	d.gate = NewGateway(d.o)
	ctx, stop := context.WithCancel(d.ctx)
	d.stop, d.ended = stop, make(chan struct{})
	gate := d.gate
	go func() {
		defer close(d.ended)
		if err := gate.Run(ctx); err != nil {
			d.t.Error(err)
		}
	}()
	d.settle()
}

func (d *desk) end() {
	if d.stop != nil {
		d.stop()
		<-d.ended
		d.stop = nil
	}
}

func (d *desk) settle() { synctest.Wait() }

// pass lets time go by.
func (d *desk) pass(t time.Duration) { time.Sleep(t); d.settle() }

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// finding is an open one of a project, with an action that is asked about.
func finding(id string) notify.Story {
	f := access.Finding{
		ID: id, Rule: "network/open-to-world", State: access.FindingOpen, Episode: 1, Severity: access.Critical, Message: "open to the <!channel> world", Digest: "values", Environment: "prod",
		Ref: access.Ref{Scope: scopeProd, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"},
	}
	a := access.Action{
		ID: access.ActionID(id, 1), Finding: id, Episode: 1, Rule: f.Rule, Ref: f.Ref, State: access.ActionAwaiting, PlanHash: planOne,
		Ask: access.Ask{Approvers: []string{"platform-oncall", "alice"}, Quorum: 1},
	}
	return notify.Story{
		Finding: f, Action: a, Project: "shop-prod", Approvers: []string{"platform-oncall", "alice"}, Decides: []string{"alice", "bob", "carol", "rajesh"}, Authors: []string{"rajesh"},
		Question: notify.Question{Action: a.ID, Plan: planOne, May: []string{"alice", "bob", "carol", "rajesh"}, Need: 1, Until: time.Now().Add(4 * time.Hour)},
		Keep:     notify.Keep{Most: 24 * time.Hour, Need: 1},
	}
}

// card posts a card of findings and makes its group known.
func (d *desk) card(id string, stories ...notify.Story) notify.Placed {
	d.t.Helper()
	g := notify.Group{V: 1, ID: id, Channel: "atlas-prod", Rev: 1}
	c := notify.Card{ID: id, Rev: 1, Stories: stories, Total: len(stories)}
	for _, s := range stories {
		g.Members = append(g.Members, notify.Member{Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: s.Finding.Episode})
		g.Votes = append(g.Votes, notify.Offered{Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: s.Finding.Episode, Action: s.Action.ID, Plan: s.Action.PlanHash})
		d.stories[s.Finding.ID] = s
	}
	p, err := d.client.Post(d.ctx, "atlas-prod", c)
	d.must(err)
	g.At = p
	d.mu.Lock()
	d.groups[id] = g
	d.mu.Unlock()
	d.settle()
	return p
}

// set alters what the gateway reads.
func (d *desk) set(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

// change alters a story as it is stored.
func (d *desk) change(id string, do func(*notify.Story)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stories[id]
	do(&s)
	d.stories[id] = s
}

// click clicks and waits for all that follows at once.
func (d *desk) click(user string, p notify.Placed, action string, opts ...slackfake.ClickOption) *slackfake.Delivery {
	d.t.Helper()
	got, err := d.Click(user, p.Channel, p.ID, action, opts...)
	d.must(err)
	d.settle()
	return got
}

// acked is how long a click took to be acknowledged.
func (d *desk) acked(got *slackfake.Delivery) time.Duration {
	d.t.Helper()
	_, took, err := got.Wait(d.ctx)
	d.must(err)
	return took
}

// told is what a person was told that nobody else sees, newest last.
func (d *desk) told(user string) []string {
	var out []string
	for _, e := range d.Ephemerals(user) {
		out = append(out, unescaped(e.Text))
	}
	return out
}

// lastly checks what a person was told last.
func (d *desk) lastly(user, want string) {
	d.t.Helper()
	told := d.told(user)
	if len(told) == 0 || !strings.Contains(told[len(told)-1], want) {
		d.t.Fatalf("%s was told %q, want %q last; refused: %v", user, told, want, d.reasons())
	}
}

func (d *desk) reasons() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, r := range d.refusals {
		out = append(out, r.Reason)
	}
	return out
}

func (d *desk) commands() []access.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.given)
}

// signs implements Commands: what is given twice under one id has one record.
type signs struct{ d *desk }

func (s signs) Submit(ctx context.Context, c access.Command) (access.CommandRecord, error) {
	return s.d.give(ctx, c)
}

func (d *desk) give(ctx context.Context, c access.Command) (access.CommandRecord, error) {
	d.mu.Lock()
	d.asked++
	special := d.submit
	d.mu.Unlock()
	if special != nil {
		return special(ctx, c)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.ContainsFunc(d.given, func(x access.Command) bool { return x.ID == c.ID }) {
		d.given = append(d.given, c)
	}
	return access.CommandRecord{V: 1, Command: c, Accepted: d.decline == "", Why: orElse(d.decline, "done as asked")}, nil
}

// Lose has the next commands about a finding fail.
func (d *desk) Lose(id string, times int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.submit = func(ctx context.Context, c access.Command) (access.CommandRecord, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if c.Finding == id && times > 0 {
			times--
			return access.CommandRecord{}, access.ErrTemporary
		}
		if !slices.ContainsFunc(d.given, func(x access.Command) bool { return x.ID == c.ID }) {
			d.given = append(d.given, c)
		}
		return access.CommandRecord{Command: c, Accepted: true}, nil
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (d *desk) Story(_ context.Context, scope access.Scope, id string, _ int) (notify.Story, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.stories[id]
	return s, ok && s.Finding.Ref.Scope == scope, nil
}

func (d *desk) Group(_ context.Context, id string) (notify.Group, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := d.groups[id]
	return g, ok, nil
}

func (d *desk) At(_ context.Context, p notify.Placed) (notify.Group, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.groups {
		if g.At == p {
			return g, true, nil
		}
	}
	return notify.Group{}, false, nil
}

func (d *desk) Open(_ context.Context, principal, project string) ([]notify.Story, int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []notify.Story
	for _, id := range slices.Sorted(maps.Keys(d.stories)) {
		s := d.stories[id]
		if (principal == "" || slices.Contains(s.Decides, principal)) && (project == "" || project == s.Project) {
			out = append(out, s)
		}
	}
	return out, len(out), nil
}

func (d *desk) Find(_ context.Context, prefix string) ([]notify.Story, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []notify.Story
	for id, s := range d.stories {
		if strings.HasPrefix(id, prefix) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (d *desk) Places(context.Context) ([]Place, error) {
	return []Place{
		{Scope: "org.64f000000000000000000001", Name: "ExampleCorp", Org: "ExampleCorp"}, {Scope: scopeProd, Name: "shop-prod", Org: "ExampleCorp", Freeze: access.Freeze{On: true, By: "alice", Reason: "a drill"}},
	}, nil
}
