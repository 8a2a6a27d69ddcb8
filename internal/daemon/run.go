package daemon

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/logsink"
)

const (
	tickEvery      = time.Second
	reconcileEvery = 5 * time.Minute
	readyEvery     = 15 * time.Second
)

// run starts everything that has a life of its own.
func (d *Daemon) run() {
	d.group.Go(func() error { return d.stream.Run(d.ctx, d.ownWorkers()...) })
	if d.does(RoleRemediate) {
		d.group.Go(func() error {
			return d.actions.Watch(d.ctx, func(_ string, a access.Action, _ uint64) { d.deadlines.Set(d.wakeKey(a), a.Wake) })
		})
		d.group.Go(func() error { d.deadlines.Run(d.ctx, d.wake); return nil })
	}
	if d.does(RoleAudit) {
		d.group.Go(func() error { return d.audit.run(d.ctx) })
	}
	if d.slack != nil {
		d.group.Go(func() error { return d.slack.gateway.Run(d.ctx) })
	}
	d.group.Go(d.schedule)
}

// workers are the consumers of every queue and of the facts that notify reads.
func (d *Daemon) workers() []stream.Worker {
	router := notify.Router{Routes: func() []notify.Route { return d.settings.get().routes }, Publish: d.stream.Publish}
	sender := notify.Sender{
		Sink: logsink.Sink{Logger: d.logger.Named("notify")}, Findings: d.findings, Actions: d.actions,
		Deliveries: d.deliveries, Now: d.fleet.Now, Delivered: d.metrics.delivered,
	}
	return []stream.Worker{
		{Topic: access.TopicPoll, Durable: "watcher", Concurrency: 4, Handle: stream.Handle(timed(d, "watch", d.watcher.Poll))},
		{Topic: access.TopicEval, Durable: "rules", Handle: stream.Handle(timed(d, "rules", d.rules.Eval))},
		{Topic: access.TopicAction, Durable: "remediate", Concurrency: 4, Handle: stream.Handle(timed(d, "remediate", d.remediate.Act))},
		{Topic: access.TopicCommand, Durable: "remediate", Concurrency: 1, Handle: d.command},
		{Topic: access.TopicFinding, Durable: "notify", Concurrency: 1, Handle: stream.Handle(observed(d, router.Finding))},
		{Topic: access.TopicDecision, Durable: "notify", Concurrency: 1, Handle: stream.Handle(observed(d, router.Decision))},
		{Topic: access.TopicNotify, Durable: "log", Under: "log", Concurrency: 1, Handle: stream.Handle(timed(d, "notify", sender.Send))},
		{Topic: access.TopicNotify, Durable: "slack", Under: config.SinkSlack, Concurrency: 4, Handle: stream.Handle(timed(d, "slack", d.slackNotice))},
	}
}

// timed measures how long a stage takes over one job.
func timed[T any](d *Daemon, stage string, handle func(context.Context, T) error) func(context.Context, T) error {
	latency := d.metrics.latency.WithLabelValues(stage)
	return func(ctx context.Context, job T) error {
		begin := time.Now()
		defer func() { latency.Observe(time.Since(begin).Seconds()) }()
		return handle(ctx, job)
	}
}

// observed shows a fact to the observer, if there is one, before it is routed.
func observed[T any](d *Daemon, route func(context.Context, T) error) func(context.Context, T) error {
	return func(ctx context.Context, fact T) error {
		if d.opts.Observe != nil {
			d.opts.Observe(fact)
		}
		return route(ctx, fact)
	}
}

// wakeKey carries what an Act needs, since a deadline is only a key and a time. Each action has
// its own: the end of that of a former episode is not that of the next one's deadline.
func (d *Daemon) wakeKey(a access.Action) string {
	key := string(a.Ref.Scope) + " " + a.Finding + " " + strconv.Itoa(a.Episode)
	if a.Purpose != "" || a.State == access.ActionVerified {
		key += " " + a.ID
	}
	return key
}

func (d *Daemon) wake(ctx context.Context, key string) {
	parts := append(strings.Split(key, " "), "", "")
	job := access.Act{Scope: access.Scope(parts[0]), Finding: parts[1], Action: parts[3], Why: "its time has come"}
	d.publish(ctx, access.NewOut(access.TopicAction, job.Scope, job, cmp.Or(job.Action, job.Finding)))
}

// schedule ticks. Every replica ticks; the queues make one job of them.
func (d *Daemon) schedule() error {
	c := cron.New()
	clock := d.opts.File.Schedule.Clock
	for every, do := range map[time.Duration]func(context.Context){
		tickEvery: d.tick, reconcileEvery: d.reconcile, readyEvery: d.checkReady,
	} {
		c.Schedule(cron.Every(every), cron.SkipIfStillRunning(cron.DiscardLogger)(cron.FuncJob(func() { do(d.ctx) })))
	}
	if d.slack != nil {
		if err := d.slackSchedule(c); err != nil {
			return err
		}
	}
	c.Schedule(cron.Every(clock), cron.FuncJob(func() { d.clock(d.ctx, "clock") }))
	d.reconcile(d.ctx)
	d.checkReady(d.ctx)
	d.tick(d.ctx)
	c.Start()
	<-d.ctx.Done()
	<-c.Stop().Done()
	return nil
}

// tick publishes the polls that are due.
func (d *Daemon) tick(ctx context.Context) {
	if !d.does(RoleWatch) {
		return
	}
	due, err := d.watcher.Due(ctx, d.fleet.Now())
	if err != nil {
		d.warn(ctx, "polls", "the polls that are due cannot be found", err)
		return
	}
	d.publish(ctx, due...)
}

// clock has every scope judged again: dates pass without any change.
func (d *Daemon) clock(ctx context.Context, why string) {
	if !d.does(RoleRules) {
		return
	}
	scopes, err := d.watcher.Scopes(ctx)
	if err != nil {
		d.warn(ctx, "clock", "the scopes cannot be listed", err)
		return
	}
	for _, s := range scopes {
		d.publish(ctx, access.NewOut(access.TopicEval, s, access.Eval{Scope: s, Why: why}))
	}
}

// reconcile repairs what a dead process, a lost message or an outage left: outboxes that
// were never published, findings that nobody acts on, actions that stopped half way.
func (d *Daemon) reconcile(ctx context.Context) {
	flushed := 0
	for name, flush := range map[string]func(context.Context) (int, error){
		"watch": d.watch.Flush, "inventory": d.inventory.Flush, "history": d.history.Flush, "findings": d.findings.Flush, "facts": d.facts.Flush,
		"actions": d.actions.Flush, "control": d.records.Flush, "waivers": d.waivers.Flush,
	} {
		if !d.writes(name) {
			continue
		}
		n, err := flush(ctx)
		if err != nil {
			d.warn(ctx, "outboxes", "an outbox cannot be published", err, zap.String("bucket", name))
		}
		flushed += n
	}
	if flushed > 0 {
		d.logger.Info("outboxes that a process left behind are published", zap.Int("messages", flushed))
	}
	d.clock(ctx, "reconciler")
	if d.does(RoleRemediate) {
		d.unsettled(ctx)
		d.tend(ctx)
	}
	if d.does(RoleRules) {
		d.countWaivers(ctx)
		d.countUnmatched(ctx)
		d.checkReplays(ctx)
	}
}

// unsettled asks remediation to look at every open finding whose action is not done, and
// at every action that is not done.
func (d *Daemon) unsettled(ctx context.Context) {
	all, err := d.allFindings(ctx, true)
	if err != nil {
		d.warn(ctx, "unsettled", "the findings cannot be listed", err)
		return
	}
	for _, f := range all {
		a, _, err := d.actions.Get(ctx, access.ActionID(f.ID, f.Episode))
		if err != nil {
			d.warn(ctx, "unsettled", "an action cannot be read", err)
			return
		}
		if !a.State.Done() && (f.Open() || a.State != "") {
			d.publish(ctx, access.NewOut(access.TopicAction, f.Ref.Scope, access.Act{Scope: f.Ref.Scope, Finding: f.ID, Why: "reconciler"}, f.ID))
		}
	}
}

func (d *Daemon) publish(ctx context.Context, outs ...access.Out) {
	if len(outs) == 0 {
		return
	}
	d.warn(ctx, "publish", "jobs cannot be published", d.stream.Publish(ctx, outs...))
}

// checkReady finds out whether the daemon can do its work, and why not.
func (d *Daemon) checkReady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyEvery)
	defer cancel()
	why := ""
	if err := d.stream.Health(ctx); err != nil {
		why = "store: " + err.Error()
	} else if err := d.fleet.check(ctx); err != nil {
		why = "atlas: " + err.Error()
	} else if skew := d.fleet.Skew(); skew.Abs() > maxSkew {
		why = "clock: ours and that of Atlas differ by " + access.Lasts(skew.Abs()) + ": synchronise this machine's clock"
	} else if d.server != nil && d.server.Err() != nil {
		why = "store: " + d.server.Err().Error()
	}
	if ctx.Err() != nil && d.ctx.Err() != nil {
		return // stopping: the answers say nothing
	}
	d.mu.Lock()
	was := d.problem
	d.problem = why
	d.mu.Unlock()
	switch {
	case why != "" && why != was:
		d.logger.Error("not ready", zap.String("why", why))
	case why == "" && was != "":
		d.logger.Info("ready")
	}
}

const maxSkew = 5 * time.Second

func (d *Daemon) notReady() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.problem
}

// warn logs a trouble once for as long as its text stays the same, and its end. Nil is the end.
func (d *Daemon) warn(ctx context.Context, what, message string, err error, fields ...zap.Field) {
	if err != nil && (errors.Is(err, context.Canceled) || ctx.Err() != nil) {
		return
	}
	d.mu.Lock()
	was := d.problems[what]
	now := ""
	if err != nil {
		now = err.Error()
	}
	if d.problems == nil {
		d.problems = map[string]string{}
	}
	d.problems[what] = now
	d.mu.Unlock()
	switch {
	case now != "" && now != was:
		d.logger.Warn(message, append(fields, zap.Error(err))...)
	case now == "" && was != "":
		d.logger.Info("works again", zap.String("what", what))
	}
}
