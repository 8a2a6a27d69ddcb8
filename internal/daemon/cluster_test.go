package daemon

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap/zaptest"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/audit"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/streamtest"
)

// clusterRun is a daemon whose roles are parted over processes, as it were, each with its own
// user on a cluster of three with the deployed permissions.
type clusterRun struct {
	t       *testing.T
	ctx     context.Context
	cluster *streamtest.Cluster
	town    *killTown
	daemons map[Role]*Daemon
	auth    map[Role]string // what the configuration says of the key that signs commands
}

// TestRolesOnACluster has an opening reverted by six processes that each may do only their part,
// and then tries what the watcher's user must not be able to.
func TestRolesOnACluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r := &clusterRun{t: t, ctx: ctx, cluster: streamtest.Start(t, read(t, "../../deploy/nats/node.conf"), read(t, "../../deploy/nats/permissions.conf")), daemons: map[Role]*Daemon{}}
	var err error
	if r.town, err = newKillTown(1, 1); err != nil {
		t.Fatal(err)
	}
	r.makeKeys()
	if _, err := Start(ctx, r.options(RoleWatch)); err == nil || !strings.Contains(err.Error(), "run gatewarden bootstrap") {
		t.Fatalf("before the bootstrap: %v", err)
	}
	for _, did := range []stream.Did{stream.Created, stream.Kept} {
		done, err := Bootstrap(ctx, BootstrapOptions{File: r.file(RoleWatch), Credentials: r.cluster.Seed("GW_NATS_BOOTSTRAP"), Wait: time.Minute})
		if err != nil || slices.ContainsFunc(done.Steps, func(s stream.Step) bool { return s.Did != did }) {
			t.Fatalf("bootstrap: %+v, %v", done, err)
		}
	}
	stop := r.start()
	r.revert()
	r.command()
	r.deputies()
	r.refusals()
	r.audited()
	stop()
}

// audited: a process that may only keep the audit has recorded all that the others said, also what
// was forged, and proves what was put right.
func (r *clusterRun) audited() {
	d := r.daemons[RoleAudit]
	r.until("the audit has all facts", func() bool {
		got, err := d.AuditVerify(r.ctx)
		return err == nil && got.Verdict() == audit.Clean && got.Facts > 0 && got.Covered == got.Head.Seq && !slices.ContainsFunc(got.Sources, func(s audit.SourceResult) bool { return s.Waiting > 0 })
	})
	all, err := r.daemons[RoleAPI].AllActions(r.ctx)
	if err != nil || len(all) != 1 {
		r.t.Fatalf("%d actions, %v", len(all), err)
	}
	e, err := d.Evidence(r.ctx, all[0].Finding)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := audit.CheckEvidence(e, []ed25519.PublicKey{d.audit.public()}); got.Verdict() != audit.Clean || !slices.ContainsFunc(e.Steps, func(s audit.Step) bool { return s.Kind == audit.StepWrite }) {
		r.t.Errorf("the evidence of what was put right: %s %v", got.Verdict(), got.Problems)
	}
	if v, err := VerifyStopped(r.ctx, d.opts.File); err == nil || !strings.Contains(err.Error(), "ermission") {
		r.t.Errorf("by the inbox of another user: %v %v", v.Verdict, err)
	}
	if _, err := r.daemons[RoleWatch].Evidence(r.ctx, all[0].Finding); err == nil {
		r.t.Error("a watcher gives evidence")
	}
	if names, err := d.audit.erase(r.ctx, []string{e.Finding, "nobody"}); err != nil || len(names) != 0 {
		r.t.Errorf("erased %v, %v", names, err)
	}
	for pseudonym, name := range e.Names {
		if was, err := d.AuditErase(r.ctx, name); err != nil || len(was) == 0 {
			r.t.Errorf("erase %s: %v, %v", pseudonym, was, err)
		}
	}
}

func (r *clusterRun) file(role Role) *config.File {
	r.t.Helper()
	credentials := fmt.Sprintf("{url: %q, credentials: {nkey: {file: %q}}, tls: {ca: %q}}", r.cluster.URL, r.seed(role), r.cluster.CA)
	if auth := r.auth[role]; auth != "" {
		credentials += "\nauth: " + auth
	}
	dir := r.t.TempDir()
	if role == RoleAudit {
		for _, name := range []string{"key", "people"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("5e", 32)), 0o600); err != nil {
				r.t.Fatal(err)
			}
		}
		credentials += "\naudit: {book: book, key: {file: key}, people: {file: people}, every: 1s}"
	}
	conf := strings.NewReplacer("ADDRESS", "127.0.0.1:1", "audit: {every: 1s, verify: 10s}\n", "", "ORG", r.town.atlas.OrgID("ExampleCorp"), "{store: STORE}", credentials, "guards: {", "principals: [{id: alice}]\nguards: {operators: [alice], ").Replace(killConfig)
	f, err := loadFive(filepath.Join(dir, "config.yaml"), conf)
	if err != nil {
		r.t.Fatal(err)
	}
	f.Audit.Folder = r.t.TempDir() // else it is that of a daemon of this machine
	f.Audit.Book = filepath.Join(f.Audit.Folder, "book")
	return f
}

func (r *clusterRun) seed(role Role) string {
	return r.cluster.Seed("GW_NATS_" + strings.ToUpper(string(role)))
}

func (r *clusterRun) options(role Role) Options {
	o := Options{File: r.file(role), Version: "test", Roles: []Role{role}, NoListen: true, Transport: r.town.atlas.Transport()}
	if *verbose {
		o.Logger = zaptest.NewLogger(r.t).Named(string(role))
	}
	return o
}

func (r *clusterRun) start() (stop func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	for _, role := range Roles() {
		d, err := Start(ctx, r.options(role))
		if err != nil {
			r.t.Fatalf("%s: %v", role, err)
		}
		r.daemons[role] = d
	}
	return func() {
		cancel()
		for role, d := range r.daemons {
			if err := d.Wait(); err != nil {
				r.t.Errorf("%s ended: %v", role, err)
			}
		}
	}
}

// until waits for something that must come.
func (r *clusterRun) until(what string, done func() bool) {
	r.t.Helper()
	for !done() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-r.ctx.Done():
			r.t.Fatalf("never: %s", what)
		}
	}
}

func (r *clusterRun) revert() {
	api := r.daemons[RoleAPI]
	scope := access.ProjectScope(r.town.projects[0])
	r.until("the project is judged", func() bool {
		doc, _, err := api.findings.Get(r.ctx, string(scope))
		return err == nil && doc.Judged.Inventory[access.KindIPAccessEntry] > 0
	})
	r.town.open(r.town.project(scope.ID()), "open the world", "0.0.0.0/0")
	r.until("the entry is removed, and that is verified", func() bool {
		all, err := api.AllActions(r.ctx)
		return err == nil && len(all) == 1 && all[0].State == access.ActionVerified
	})
	r.until("it is told", func() bool {
		keys, err := r.daemons[RoleNotify].deliveries.Keys(r.ctx)
		return err == nil && len(keys) > 0
	})
	if p := r.town.project(scope.ID()); len(p.AccessList) != 2 {
		r.t.Errorf("the access list holds %v", p.AccessList)
	}
	if n := r.effects(); n != 1 {
		r.t.Errorf("%d effects of ours, want one", n)
	}
}

func (r *clusterRun) effects() (n int) {
	for _, e := range r.town.atlas.Effects() {
		if e.ByHTTP {
			n++
		}
	}
	return n
}

// makeKeys gives the API the key that signs commands, and remediation only its public half.
func (r *clusterRun) makeKeys() {
	dir := r.t.TempDir()
	key, err := newGatewayKey(filepath.Join(dir, keyFile))
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		r.t.Fatal(err)
	}
	r.auth = map[Role]string{
		RoleAPI:       fmt.Sprintf("{gateway: {key: {file: %q}}}", filepath.Join(dir, keyFile)),
		RoleRemediate: fmt.Sprintf("{gateways: [{name: api, public_key: %s}]}", base64.StdEncoding.EncodeToString(raw)),
	}
}

// command: what one process signs, another believes and does.
func (r *clusterRun) command() {
	now := r.daemons[RoleAPI].fleet.Now()
	c := access.Command{V: access.Version, ID: "freeze-000000000000000001", Verb: access.VerbFreeze, Scope: access.ProjectScope(r.town.projects[0]), By: "alice", At: now, Until: now.Add(time.Minute), Reason: "a test"}
	record, err := r.daemons[RoleAPI].Submit(r.ctx, c)
	if err != nil || !record.Accepted {
		r.t.Fatalf("freeze: %+v, %v", record, err)
	}
	if _, err := r.daemons[RoleNotify].Submit(r.ctx, c); !errors.Is(err, errNoKey) {
		r.t.Errorf("a process without a key: %v", err)
	}
}

// watcher is a client with the watcher's user that does what it likes.
func (r *clusterRun) watcher() (*nats.Conn, <-chan error) {
	seed := func() (string, error) {
		text, err := os.ReadFile(r.seed(RoleWatch))
		return string(text), err
	}
	nc, err := stream.Connect(stream.Dial{URL: r.cluster.URL, CA: r.cluster.CA, Seed: seed, Inbox: "_INBOX_gw_watch"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	denied := make(chan error, 16)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err })
	return nc, denied
}

// refusals: a taken watcher decides nothing, reads no commands and takes nothing away.
func (r *clusterRun) refusals() {
	nc, denied := r.watcher()
	for _, subject := range []string{
		"gw.command.prj.1", "gw.decision.prj.1.intent", "gw.action.x", "gw.finding.prj.1", "gw.audit", "gw.notify.log.x",
		"$KV.gw_actions.x", "$KV.gw_control.x", "$KV.gw_waivers.all", "$KV.gw_findings.x", "$KV.gw_locks.x", "$KV.gw_deliveries.x", "gw.chunk.gw_actions.x.y.z",
		"$JS.API.STREAM.DELETE.GW_AUDIT", "$JS.API.STREAM.PURGE.KV_gw_actions", "$JS.API.STREAM.UPDATE.GW_EVENTS", "$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.SNAPSHOT.GW_COMMANDS",
		"$JS.API.STREAM.MSG.GET.GW_COMMANDS", "$JS.API.STREAM.MSG.DELETE.KV_gw_actions", "$JS.API.DIRECT.GET.KV_gw_actions.$KV.gw_actions.x",
		"$JS.API.CONSUMER.CREATE.GW_COMMANDS.mine", "$JS.API.CONSUMER.MSG.NEXT.GW_ACTIONS.remediate", "$JS.API.CONSUMER.DELETE.GW_ACTIONS.remediate", "$JS.ACK.GW_ACTIONS.remediate.1.1.1.1.1",
		"_INBOX_gw_remediate.x", "$SYS.REQ.SERVER.PING",
	} {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			r.t.Fatal(err)
		}
		r.wantDenied(denied, subject)
	}
	for _, subject := range []string{">", "gw.command.>", "_INBOX_gw_remediate.>", "$JS.EVENT.>"} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			r.t.Fatal(err)
		}
		r.wantDenied(denied, subject)
	}
}

func (r *clusterRun) wantDenied(denied <-chan error, subject string) {
	r.t.Helper()
	select {
	case err := <-denied:
		if !strings.Contains(err.Error(), `"`+subject+`"`) {
			r.t.Errorf("%s: %v", subject, err)
		}
	case <-r.ctx.Done():
		r.t.Fatalf("the watcher may use %s", subject)
	}
}

// deputies are ways to have the server write where the watcher may not.
func (r *clusterRun) deputies() {
	nc, _ := r.watcher()
	change := "gw.change.0.prj.1.ip_access_entry"
	for what, header := range map[string]nats.Header{
		"rollup":   {"Nats-Rollup": {"all"}},
		"schedule": {"Nats-Schedule": {"@at " + time.Now().Add(time.Second).UTC().Format(time.RFC3339)}, "Nats-Schedule-Target": {"gw.change.1.x"}},
	} {
		answer, err := nc.RequestMsgWithContext(r.ctx, &nats.Msg{Subject: change, Header: header, Data: []byte("{}")})
		if err != nil || !strings.Contains(string(answer.Data), `"error"`) {
			r.t.Errorf("%s: %v %v", what, answer, err)
		}
	}
	// What it delivers is the client's own, with forged words and header: it is stored under its own subject, which
	// no consumer of the other stream takes.
	forged := &nats.Msg{Subject: "$KV.gw_watch.forged", Header: nats.Header{"Gw-Scope": {"prj.1"}}, Data: []byte("{}")}
	if err := nc.PublishMsg(forged); err != nil {
		r.t.Fatal(err)
	}
	create := "$JS.API.CONSUMER.CREATE.KV_gw_watch.%s.$KV.gw_watch.forged"
	for name, config := range map[string]string{"pushed": `"deliver_subject":"gw.decision.prj.1.intent"`, "pulled": `"durable_name":"pulled"`} {
		body := `{"stream_name":"KV_gw_watch","config":{"ack_policy":"none","filter_subject":"$KV.gw_watch.forged",` + config + `}}`
		if answer, err := nc.RequestWithContext(r.ctx, fmt.Sprintf(create, name), []byte(body)); err != nil || strings.Contains(string(answer.Data), `"error"`) {
			r.t.Fatalf("%s: %v %v", name, answer, err)
		}
	}
	if err := nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.KV_gw_watch.pulled", "gw.finding.prj.1", []byte("1")); err != nil {
		r.t.Fatal(err)
	}
	// The server's answer is a message of its own: it may lie on any subject, and must mean nothing there.
	for _, to := range []string{"gw.action.forged", "gw.decision.prj.1.intent", "gw.finding.prj.1"} {
		if err := nc.PublishRequest("gw.event.prj.1", to, []byte("{}")); err != nil {
			r.t.Fatal(err)
		}
	}
	admin := r.daemons[RoleAPI]
	before, err := r.stored(admin, "GW_DECISIONS")
	if err != nil {
		r.t.Fatal(err)
	}
	if err := nc.PublishRequest("gw.event.prj.1", "gw.command.prj.1", []byte("{}")); err != nil {
		r.t.Fatal(err)
	}
	r.until("the forged command is told of", func() bool {
		now, err := r.stored(admin, "GW_DECISIONS")
		return err == nil && now > before
	})
	r.until("all three are dead letters", func() bool {
		info, err := r.stored(admin, "GW_DLQ")
		return err == nil && info >= 3
	})
	if n := r.effects(); n != 1 {
		r.t.Errorf("%d effects of ours after forged messages, want the one from before", n)
	}
	all, err := admin.AllActions(r.ctx)
	if err != nil || len(all) != 1 {
		r.t.Errorf("%d actions after forged messages, %v", len(all), err)
	}
}

// stored is how many messages a stream holds.
func (r *clusterRun) stored(d *Daemon, name string) (uint64, error) {
	answer, err := d.conn.RequestWithContext(r.ctx, "$JS.API.STREAM.INFO."+name, nil)
	if err != nil {
		return 0, err
	}
	var info struct{ State struct{ Messages uint64 } }
	err = json.Unmarshal(answer.Data, &info)
	return info.State.Messages, err
}
