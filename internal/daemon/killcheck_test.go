package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const (
	killSettle = 3 * time.Minute // the longest that a last life may take
	killFuzz   = 3 * time.Second // events have whole seconds, and reads take time
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// firstSight lets an undisturbed daemon see and judge everything once: what is wrong
// later came about while it was watched.
func (r *killRun) firstSight() {
	r.quietLife(1, func(s killState) string {
		if s.Judged < len(r.town.projects) {
			return fmt.Sprintf("%d of %d projects judged", s.Judged, len(r.town.projects))
		}
		return ""
	})
}

// settle gives a last daemon its time: until what it holds for open is what is wrong in
// Atlas, and nothing is left to do.
func (r *killRun) settle() { r.quietLife(5, r.unsettled) }

// quietLife runs a daemon until nothing is missing, so many seconds in a row, and stops
// it as it should be stopped.
func (r *killRun) quietLife(seconds int, missing func(killState) string) {
	c := r.start("")
	if !r.await(c.ready, 30*time.Second) {
		r.t.Fatalf("the daemon did not start (seed %d); its last words:\n%s", *seed, r.lastWords())
	}
	if _, err := io.WriteString(c.orders, "report\n"); err != nil {
		r.t.Fatal(err)
	}
	limit, why := time.After(killSettle), "it said nothing"
	for quiet := 0; quiet < seconds; {
		select {
		case s := <-c.states:
			if why = missing(s); why == "" {
				quiet++
			} else {
				quiet = 0
			}
		case <-c.done:
			r.t.Fatalf("the daemon ended by itself (seed %d); its last words:\n%s", *seed, r.lastWords())
		case <-limit:
			r.t.Errorf("seed %d: not settled after %s: %s", *seed, killSettle, why)
			quiet = seconds
		}
	}
	if _, err := io.WriteString(c.orders, "stop\n"); err != nil {
		r.t.Fatal(err)
	}
	if err := c.bury(); err != nil {
		r.t.Errorf("a daemon that was asked to stop: %v; its last words:\n%s", err, r.lastWords())
	}
}

// unsettled says how the daemon's state differs from Atlas's.
func (r *killRun) unsettled(s killState) string {
	open := map[killSubject]bool{}
	for _, f := range s.Open {
		open[f] = true
	}
	if diff := cmp.Diff(r.town.standing(), open); diff != "" {
		return "open findings (-what stands in Atlas +open):\n" + diff
	}
	if s.Undone > 0 {
		return fmt.Sprintf("%d actions are not done", s.Undone)
	}
	return ""
}

// killEnd is everything that is left.
type killEnd struct {
	*killRun
	effects   []sim.Effect
	findings  []killFact[access.FindingEvent]
	changes   []killFact[access.Change]
	decisions []killFact[access.Decision]
	kept      []access.Finding
	actions   []access.Action
	inventory map[string]access.Collection
}

// killFact is a message of a fact stream.
type killFact[T any] struct {
	id   string // message id
	body T
}

// check opens the store as the last daemon left it and holds everything against it.
func (r *killRun) check() {
	e := r.open()
	e.lost()
	e.twice()
	e.order()
	e.transitions()
	e.intents()
	e.sameInventory()
	for place, n := range r.counted {
		if *kills >= 100 && n < 14 {
			r.t.Errorf("%s: %d instants, want 14", place, n)
		}
	}
	ours := 0
	for _, x := range e.effects {
		if x.ByHTTP {
			ours++
		}
	}
	if ours < *kills/4 {
		r.t.Errorf("%d effects in the whole run: it proves nothing", ours)
	}
	states := map[access.ActionState]int{}
	for _, a := range e.actions {
		states[a.State]++
	}
	r.t.Logf("%d effects of people, %d of ours in %d requests; %d changes, %d finding events, %d decisions; actions: %v; %d access tokens",
		len(e.effects)-ours, ours, len(r.town.atlas.Mutations()), len(e.changes), len(e.findings), len(e.decisions), states, r.town.atlas.TokensIssued())
}

func (r *killRun) open() *killEnd {
	r.t.Helper()
	ctx := r.t.Context()
	f, err := loadFive("config.yaml", read(r.t, r.dir+"/config.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	d := &Daemon{opts: Options{File: f}, logger: zap.NewNop(), registry: prometheus.NewRegistry()}
	e := &killEnd{killRun: r, effects: r.town.atlas.Effects(), inventory: map[string]access.Collection{}}
	err = d.open(ctx)
	if err == nil {
		err = errors.Join(e.load(ctx, d), e.chain(ctx, d))
	}
	if err := errors.Join(err, d.close(ctx)); err != nil {
		r.t.Fatalf("open the store after the last stop: %v", err)
	}
	return e
}

func (e *killEnd) load(ctx context.Context, d *Daemon) (err error) {
	if e.kept, err = d.AllFindings(ctx); err != nil {
		return err
	}
	if e.actions, err = d.AllActions(ctx); err != nil {
		return err
	}
	keys, err := d.inventory.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if e.inventory[k], _, err = d.inventory.Get(ctx, k); err != nil {
			return err
		}
	}
	js, err := jetstream.New(d.conn)
	if err != nil {
		return err
	}
	return errors.Join(facts(ctx, js, "GW_FINDINGS", &e.findings), facts(ctx, js, "GW_CHANGES", &e.changes), facts(ctx, js, "GW_DECISIONS", &e.decisions))
}

func facts[T any](ctx context.Context, js jetstream.JetStream, stream string, out *[]killFact[T]) error {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	info := s.CachedInfo().State
	for seq := info.FirstSeq; seq <= info.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			return fmt.Errorf("%s %d: %w", stream, seq, err)
		}
		f := killFact[T]{id: m.Header.Get("Nats-Msg-Id")}
		if err := json.Unmarshal(m.Data, &f.body); err != nil {
			return fmt.Errorf("%s %d: %w", stream, seq, err)
		}
		*out = append(*out, f)
	}
	return nil
}

func (e *killEnd) wrong(format string, args ...any) {
	e.t.Helper()
	e.t.Errorf("seed %d: "+format, append([]any{*seed}, args...)...)
}

// told reports whether a finding, open or resolved, speaks of a violation that stood from
// one time to another: it began before the end and was not over before the beginning. Of
// several matches of a change rule between two judgements the finding tells the last.
func (e *killEnd) told(s killSubject, from, to time.Time) bool {
	return slices.ContainsFunc(e.findings, func(f killFact[access.FindingEvent]) bool {
		n := f.body.Finding
		if string(n.Ref.Scope) != s.Scope || n.Rule != s.Rule || n.Ref.Name != s.Name {
			return false
		}
		if n.Rule == "network/transient-open-to-world" {
			return n.CauseAt.After(from.Add(-killFuzz)) && f.body.At.Before(to.Add(time.Minute))
		}
		return n.CauseAt.Before(to.Add(killFuzz)) && (n.Open() || n.ResolvedAt.After(from.Add(-killFuzz)))
	})
}

// lost checks that every violation was told: each opening of the world that the feed told
// of, and whatever else a read of the daemon's shows, since a change to and fro between
// two reads leaves no trace.
func (e *killEnd) lost() {
	for i, x := range e.effects {
		if x.ByHTTP || x.Before != "" || !slices.Contains(killGates()[:2], x.Target) {
			continue
		}
		gone := time.Now()
		for _, y := range e.effects[i+1:] {
			if y.ProjectID == x.ProjectID && y.Target == x.Target && y.After == "" {
				gone = y.At
				break
			}
		}
		scope := string(access.ProjectScope(x.ProjectID))
		if !e.told(killSubject{"network/open-to-world", scope, x.Target}, x.At, gone) &&
			!e.told(killSubject{"network/transient-open-to-world", scope, x.Target}, x.At, gone) {
			e.wrong("%s of %s was there from %s to %s, and no finding tells of it", x.Target, scope, stampNano(x.At), stampNano(gone))
		}
	}
	for i, c := range e.changes {
		for _, s := range e.violated(i) {
			if !e.told(s, c.body.Observed, c.body.Observed) {
				e.wrong("change %s (%s of %s, seen at %s) shows a violation of %s, and no finding tells of it", c.body.ID, c.body.Op, c.body.Ref, stampNano(c.body.Observed), s.Rule)
			}
		}
	}
}

func stampNano(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// violated is what the i-th change of the stream shows violated.
func (e *killEnd) violated(i int) (out []killSubject) {
	c := e.changes[i].body
	scope := string(c.Ref.Scope)
	if c.Op != access.OpCreated && c.Op != access.OpUpdated {
		return nil
	}
	if slices.Contains(killGates()[:2], c.Ref.Name) {
		return []killSubject{{"network/open-to-world", scope, c.Ref.Name}}
	}
	if u, ok := access.As[access.DatabaseUser](c.After); ok {
		if len(u.Scopes) == 0 {
			out = append(out, killSubject{"dbuser/unscoped", scope, c.Ref.Name})
		}
		if slices.ContainsFunc(u.Roles, func(r access.RoleGrant) bool { return r.Role == "atlasAdmin" }) {
			out = append(out, killSubject{"dbuser/atlas-admin-app", scope, c.Ref.Name})
		}
		return out
	}
	if !slices.Contains(killGates()[2:], c.Ref.Name) || e.sameRead(i, i+1) {
		return nil
	}
	there := map[string]bool{} // of a union: the state after the read that this change ends
	for _, former := range e.changes[:i+1] {
		if f := former.body; f.Ref.Scope == c.Ref.Scope && f.Ref.Kind == c.Ref.Kind && f.Op != access.OpAttributed && f.Op != access.OpObserved {
			there[f.Ref.Name] = f.Op != access.OpDeleted
		}
	}
	if there[killGates()[2]] && there[killGates()[3]] {
		out = append(out, killSubject{"network/open-to-world", scope, c.Ref.Scope.ID()})
	}
	return out
}

// sameRead reports whether two changes came of one read.
func (e *killEnd) sameRead(i, j int) bool {
	return j < len(e.changes) && readOf(e.changes[i].body.ID) == readOf(e.changes[j].body.ID)
}

func readOf(change string) string { return change[:max(0, strings.LastIndexByte(change, '.'))] }

// sameInventory checks that no change was lost: what the watcher last saw is what is.
func (e *killEnd) sameInventory() {
	for _, p := range e.town.atlas.Snapshot().Orgs[0].Projects {
		var want, got []string
		for _, x := range p.AccessList {
			want = append(want, x.CIDRBlock)
		}
		for _, u := range p.DatabaseUsers {
			want = append(want, fmt.Sprintf("%s/%s %d roles %d scopes", u.DatabaseName, u.Username, len(u.Roles), len(u.Scopes)))
		}
		scope := string(access.ProjectScope(p.ID))
		for _, x := range access.States[access.IPAccessEntry](e.inventory[scope+"."+string(access.KindIPAccessEntry)]) {
			got = append(got, x.Entry)
		}
		for _, u := range access.States[access.DatabaseUser](e.inventory[scope+"."+string(access.KindDatabaseUser)]) {
			got = append(got, fmt.Sprintf("%s %d roles %d scopes", u.Name(), len(u.Roles), len(u.Scopes)))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			e.wrong("%s is not in the inventory as it is (-Atlas +inventory):\n%s", p.Name, diff)
		}
	}
}

// order checks that no scope was ever judged on less than before, and that changes were
// published in the order of the reads, each once.
func (e *killEnd) order() {
	type judged struct{ rev, seq uint64 }
	last := map[string]judged{}
	for _, line := range e.judged {
		var scope string
		var j judged
		if _, err := fmt.Sscan(line, &scope, &j.rev, &j.seq); err != nil {
			e.wrong("report %q: %v", line, err)
			continue
		}
		if was := last[scope]; j.rev < was.rev || j.seq < was.seq {
			e.wrong("%s was judged up to change %d (revision %d) after up to change %d (revision %d)", scope, j.seq, j.rev, was.seq, was.rev)
		}
		last[scope] = j
	}
	read, once := map[string]uint64{}, map[string]bool{}
	for _, c := range e.changes {
		if once[c.id] {
			e.wrong("change %s was published twice", c.id)
		}
		once[c.id] = true
		kind, rev, _, ok := splitChange(c.body.ID)
		if !ok || c.body.Op == access.OpAttributed {
			continue
		}
		key := string(c.body.Ref.Scope) + "." + kind
		if rev < read[key] {
			e.wrong("change %s was published after one of revision %d", c.body.ID, read[key])
		}
		read[key] = rev
	}
}

func splitChange(id string) (kind string, rev, n uint64, ok bool) {
	parts := strings.Split(id, ".")
	if len(parts) != 5 {
		return "", 0, 0, false
	}
	rev, err := strconv.ParseUint(parts[3], 10, 64)
	n, err2 := strconv.ParseUint(parts[4], 10, 64)
	return parts[2], rev, n, err == nil && err2 == nil
}
