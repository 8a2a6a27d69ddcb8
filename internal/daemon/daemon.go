// Package daemon wires the stages together and gives them a life: it opens the store,
// builds the stages from one configuration, connects them by subjects and buckets, ticks
// their clocks, serves health and metrics, and stops everything in the reverse order.
//
// # What runs
//
//	ticker (1 s)  ──poll jobs──▶ watcher ──changes, eval jobs──▶ rules ──findings, act jobs──▶ remediate ──decisions──▶ notify
//	webhooks        a signed alert marks what it tells of dirty and polls its project at once, and after 2, 5 and 15 s
//	clock (15 min)  every scope is judged again, so that dates that pass are seen
//	deadlines       an action's wake time, from a heap fed by a KV watch
//	reconciler (5 min)  outboxes that a dead process left, findings without a settled action
//	audit           every fact into the chain, a checkpoint a minute, a verification an hour
//
// No stage knows another: what this package hands to each is a small interface over a
// bucket or over Atlas. Every replica runs all of it; queues and compare-and-set decide
// who acts.
//
// # Life
//
// [Start] builds everything before anything runs and undoes what it began when a later
// step fails. Rules of users that have mistakes are left out at the start, and told of in the
// log, by a gauge and as findings: a daemon that does not start watches nothing. A reload
// with such rules is refused as a whole. [Daemon.Wait] returns when the context ends and everything has drained:
// tickers first, then the workers (a message being handled is finished and acknowledged),
// then the connection, then the store.
//
// # Readiness
//
// Liveness is the process. Readiness asks the store, the credentials and the clock skew,
// and says which of them is wrong. A denied kind makes findings unknown, not the daemon
// unready.
package daemon

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
	"github.com/gatewarden/gatewarden/watcher"
)

// Options say what to run. File is required.
type Options struct {
	File      *config.File
	Load      func() (*config.File, error) // for reloads; nil: none
	Version   string
	Roles     []Role               // what this process does, on an external cluster; nil: everything
	Logger    *zap.Logger          // nil: silent
	Registry  *prometheus.Registry // nil: its own
	Transport http.RoundTripper    // carries the requests to Atlas; nil: the network
	NoListen  bool                 // open no port
	Observe   func(fact any)       // sees every access.FindingEvent and access.Decision once published, in order; may see one twice; nil: nobody
	Probe     func(point string)   // called at every step of the stage pattern, see stream.Options; nil: nobody
	Lease     time.Duration        // of the executor's lock on a scope; 0: a minute
}

// Daemon is a running daemon.
type Daemon struct {
	opts     Options
	logger   *zap.Logger
	registry *prometheus.Registry
	metrics  *metrics
	settings current

	server *natsd.Server
	conn   *nats.Conn
	stream *stream.Stream
	fleet  *fleet
	busy   *busy

	watch      *stream.KV[watcher.Watch]
	inventory  *stream.KV[access.Collection]
	history    *stream.KV[access.History]
	findings   *stream.KV[access.Findings]
	facts      *stream.KV[access.Facts]
	waivers    *stream.KV[access.Waivers]
	told       *stream.KV[access.Contribution] // in the bucket of the facts
	actions    *stream.KV[access.Action]
	deliveries *stream.KV[notify.Delivery]
	replayed   *stream.KV[StoredReplays]
	controls   *stream.KV[access.Control]       // in the bucket of control
	records    *stream.KV[access.CommandRecord] // likewise

	signs     ed25519.PrivateKey // what the admin API asks for; nil: nothing can be asked for
	signsChat ed25519.PrivateKey // what is asked for in Slack; nil: nothing can be

	watcher   *watcher.Watcher
	rules     *rules.Stage
	remediate *remediate.Stage
	deadlines *stream.Deadlines
	receiver  *receiver // of Atlas's webhooks
	wakes     *wakes
	audit     *auditor // nil: another process has this role
	slack     *slacker // nil: there is none, or another process has this role

	ctx   context.Context // ends when the daemon is told to stop
	group *errgroup.Group

	replaying sync.Mutex // one replay at a time

	mu         sync.Mutex
	problem    string // why it is not ready; empty: it is
	problems   map[string]string
	matched    lastMatched
	unreplayed map[string]bool // rules that revert without a replay, by id and text, as told
}

// Run starts a daemon and blocks until ctx ends and everything has stopped.
func Run(ctx context.Context, o Options) error {
	d, err := Start(ctx, o)
	if err != nil {
		return err
	}
	return d.Wait()
}

// Start builds and starts a daemon. It runs until ctx ends; call Wait.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	d, err := assembled(ctx, o)
	if err != nil {
		return nil, err
	}
	if !o.NoListen {
		if err := d.serve(d.ctx, Addresses(o.File.HTTP)); err != nil {
			return nil, errors.Join(err, d.close(ctx))
		}
	}
	d.run()
	return d, nil
}

// assembled is a daemon with its store open and its stages built, of which nothing runs.
func assembled(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{opts: o, logger: o.Logger, registry: o.Registry, problem: "starting"}
	if d.logger == nil {
		d.logger = zap.NewNop()
	}
	if d.registry == nil {
		d.registry = prometheus.NewRegistry()
	}
	d.metrics = newMetrics(d.registry, o.Version)
	s, err := buildSound(o.File)
	if err != nil {
		return nil, configError{err}
	}
	d.settings.p.Store(s)
	d.tellWarnings(nil)
	d.tellRefused(s.engine)
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	d.group, d.ctx = errgroup.WithContext(ctx)
	if err := d.assemble(); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

// open opens the store and asserts its layout.
func (d *Daemon) open(ctx context.Context) error {
	if err := d.openStream(ctx); err != nil {
		return err
	}
	d.watch = stream.Bucket[watcher.Watch](d.stream, "watch")
	d.inventory = stream.Bucket[access.Collection](d.stream, "inventory")
	d.history = stream.Bucket[access.History](d.stream, "history")
	d.findings = stream.Bucket[access.Findings](d.stream, "findings")
	d.facts = stream.Bucket[access.Facts](d.stream, "facts")
	d.told = stream.Bucket[access.Contribution](d.stream, "facts")
	d.waivers = stream.Bucket[access.Waivers](d.stream, "waivers")
	d.actions = stream.Bucket[access.Action](d.stream, "actions")
	d.deliveries = stream.Bucket[notify.Delivery](d.stream, "deliveries")
	d.replayed = stream.Bucket[StoredReplays](d.stream, "replays")
	d.controls = stream.Bucket[access.Control](d.stream, "control")
	d.records = stream.Bucket[access.CommandRecord](d.stream, "control")
	return d.keyring()
}

// assemble builds the stages over the open store.
func (d *Daemon) assemble() error {
	f := d.opts.File
	clients, orgs, err := d.clients(f)
	if err != nil {
		return err
	}
	d.fleet = &fleet{clients: clients, orgs: orgs, watch: d.watch, owner: map[access.Scope]string{}}
	d.settings.get().policy.Org = d.orgOf
	d.believes(d.settings.get())
	engine := func() *rules.Engine { return d.settings.get().engine }
	d.busy = &busy{watch: d.watch, findings: d.findings, production: func(env string) bool { return engine().Production(env) }, known: map[access.Scope]answered{}}
	if d.watcher, err = watcher.New(d.watcherOptions(f, orgs)); err != nil {
		return err
	}
	d.rules = rules.NewStage(rules.StageOptions{
		Engine: engine, Findings: d.findings, Inventory: d.inventory, Dirty: d.watcher, Changes: d.stream, Told: d.told, Facts: d.facts, Stale: d.stale, History: d.history, Waivers: d.waivers,
		Logger: d.logger.Named("rules"), Metrics: rules.NewMetrics(d.registry), Now: d.fleet.Now,
	})
	d.remediate = remediate.NewStage(remediate.Options{
		Actions: d.actions, Findings: d.findings, Control: stream.Bucket[remediate.Ledger](d.stream, "control"),
		Controls: d.controls, Records: d.records, Waivers: d.waivers, Atlas: urgent{d.fleet},
		CanWrite: d.canWrite, Judge: judge{engine, d.inventory, d.findings, d.facts, d.waivers, d.history, d.fleet, d.stale},
		Reads: func(rule string, scope access.Scope) []access.Kind { return engine().Reads(rule, scope) },
		Locks: locks{d.stream, rand.Text(), cmp.Or(d.opts.Lease, lease)}, Policy: func() remediate.Policy { return d.settings.get().policy }, Skew: d.fleet.Skew,
		Logger: d.logger.Named("remediate"), Metrics: remediate.NewMetrics(d.registry), Now: d.fleet.Now, Counter: d.fleet, History: d.historyOf,
	})
	d.deadlines = stream.NewDeadlines(d.logger.Named("deadlines"))
	d.receiver = d.newReceiver()
	if d.slack, err = d.newSlack(); err != nil {
		return err
	}
	if d.does(RoleAudit) {
		d.audit, err = d.newAudit()
	}
	return err
}

// stale is how old the word of other scopes may be: each renews it when it is judged, at the
// clock's ticks at least, out of kinds that are read once a sweep.
func (d *Daemon) stale() time.Duration {
	return 3 * max(d.watcher.SweepInterval(), d.opts.File.Schedule.Clock)
}

func (d *Daemon) watcherOptions(f *config.File, orgs []string) watcher.Options {
	profile := profileOf(f)
	return watcher.Options{
		Atlas: d.fleet, Now: d.fleet.Now, Watch: d.watch, Inventory: d.inventory, History: d.history, Intents: intents{d},
		Kinds: profile.Kinds, Principals: f.Principals, Orgs: orgs, Active: f.Schedule.FeedActive, Idle: f.Schedule.FeedIdle,
		Joins: joins(), Busy: func(s access.Scope) bool { return d.busy.is(d.ctx, s, d.fleet.Now()) },
		SweepGate: f.Schedule.SweepGate, SweepRest: f.Schedule.SweepRest,
		Logger: d.logger.Named("watcher"), Metrics: watcher.NewMetrics(d.registry),
	}
}

// joins are the kinds that rules join: one that is read has the others read too, if they
// are dirty or a minute old.
func joins() map[access.Kind][]access.Kind {
	return map[access.Kind][]access.Kind{
		access.KindDatabaseUser:  append(access.TargetKinds(), access.KindCustomRole),
		access.KindCustomRole:    {access.KindDatabaseUser},
		access.KindIPAccessEntry: {access.KindProject},
	}
}

// intents gives the watcher the running actions; the stage that knows them is built later.
type intents struct{ d *Daemon }

// Intents implements the watcher's Intents.
func (i intents) Intents(ctx context.Context, scope access.Scope) ([]access.Intent, error) {
	return i.d.remediate.Intents(ctx, scope)
}

// locks gives remediate the scope locks of the store, under a name of this process.
type locks struct {
	s      *stream.Stream
	owner  string
	length time.Duration
}

const lease = time.Minute

// Acquire implements remediate's Locks.
func (l locks) Acquire(ctx context.Context, scope access.Scope) (remediate.Lease, error) {
	return l.s.Acquire(ctx, scope, l.owner, l.length)
}

// historyOf is what was seen of who used what in a scope.
func (d *Daemon) historyOf(ctx context.Context, scope access.Scope) (access.History, error) {
	doc, _, err := d.history.Get(ctx, string(scope))
	return doc, err
}

// orgOf is the Atlas id of the org of a scope; empty while it is not known.
func (d *Daemon) orgOf(scope access.Scope) string {
	org, err := d.fleet.org(d.ctx, scope)
	if err != nil {
		return ""
	}
	return org
}

// canWrite reports whether the org of the scope has write credentials: one org without
// any stops no other.
func (d *Daemon) canWrite(scope access.Scope) bool {
	c, err := d.fleet.client(d.ctx, scope)
	return err == nil && c.CanWrite()
}

func (d *Daemon) dirtyScope(ctx context.Context, scope access.Scope) {
	if err := d.noticeDirty(ctx, scope); err != nil {
		d.logger.Error("a scope could not be marked dirty", zap.String("scope", string(scope)), zap.Error(err))
	}
}

// Wait blocks until the daemon has stopped.
func (d *Daemon) Wait() error {
	err := d.group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, d.close(context.WithoutCancel(d.ctx)))
}

const shutdownGrace = 20 * time.Second

// close closes the connection, then the store. It may be called with either not open.
func (d *Daemon) close(ctx context.Context) error {
	if d.conn != nil {
		d.conn.Close()
	}
	if d.server == nil {
		return nil
	}
	grace, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	if err := d.server.Shutdown(grace); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	d.logger.Info("stopped")
	return nil
}
