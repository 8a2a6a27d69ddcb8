package watcher

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func (r *rig) pollOrg() {
	r.t.Helper()
	if err := r.w.Poll(context.Background(), access.Poll{Scope: org, Source: access.SourceFeed, At: r.clock()}); err != nil {
		r.t.Fatalf("poll of the org: %v", err)
	}
}

func (r *rig) scopes() []access.Scope {
	out, err := r.w.Scopes(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func TestNewProjectIsPolledAtOnce(t *testing.T) {
	r := newRig(t)
	r.pollOrg()
	if diff := cmp.Diff([]access.Scope{org, project}, r.scopes()); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	other := "64f0000000000000000000a2"
	r.projects = append(r.projects, access.Project{ID: other, OrgID: orgID})
	r.pass(20 * time.Second)
	r.pollOrg()
	polls := decoded[access.Poll](r.out, access.TopicPoll)
	if len(polls) != 2 || polls[1].Scope != access.ProjectScope(other) {
		t.Errorf("polls %+v, want one for each project", polls)
	}
	writes := r.watch.writes
	r.pass(20 * time.Second)
	r.pollOrg()
	if r.watch.writes != writes {
		t.Error("an unchanged list was written")
	}
}

func TestAProjectThatVanishes(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	r.put(project, entryOf("0.0.0.0/0"))
	r.pollOrg()
	r.poll()
	list := r.projects
	r.projects = nil
	r.pass(time.Minute)
	r.pollOrg()
	r.poll()
	if len(r.scopes()) != 2 || len(r.collection(access.KindIPAccessEntry).Resources) != 1 {
		t.Fatal("a project that only its list lacks must stay")
	}
	r.eventErr[project] = fmt.Errorf("401: %w", access.ErrForbidden)
	r.poll()
	if len(r.scopes()) != 2 {
		t.Fatal("a refusal says nothing about existence")
	}
	r.eventErr[project] = fmt.Errorf("404: %w", access.ErrGone)
	r.pass(time.Minute)
	r.poll()
	r.poll()
	if diff := cmp.Diff([]access.Scope{org}, r.scopes()); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	want(t, r, "deleted "+projectID+" events=0", "deleted 0.0.0.0/0 events=0")
	if dirty, _ := r.w.Dirty(ctx, project); len(dirty) > 0 {
		t.Errorf("dirty %v: nothing of a project that is gone is awaited", dirty)
	}

	// It was a mistake after all: what comes back is baseline, not new.
	r.projects, r.eventErr[project] = list, nil
	r.pass(time.Minute)
	r.pollOrg()
	r.poll()
	if n := len(r.changes()); n != 2 || len(r.scopes()) != 2 {
		t.Errorf("%d changes, scopes %v: want no new change", n, r.scopes())
	}
	if c := r.collection(access.KindIPAccessEntry); len(c.Resources) != 1 || !c.Resources[0].Baseline {
		t.Errorf("collection = %+v, want a baseline", c)
	}
}

func TestAnOutageIsNoDeletion(t *testing.T) {
	r := newRig(t)
	r.put(project, entryOf("0.0.0.0/0"))
	r.pollOrg()
	r.poll()
	r.eventErr[project] = fmt.Errorf("404: %w", access.ErrGone) // though the org still lists it
	r.pass(time.Minute)
	r.poll()
	want(t, r)
	if len(r.scopes()) != 2 {
		t.Errorf("scopes %v", r.scopes())
	}
}

func TestDue(t *testing.T) {
	ctx := context.Background()
	busy := true
	r := newRig(t, func(o *Options) {
		o.Active, o.Idle = 20*time.Second, time.Minute
		o.Busy = func(access.Scope) bool { return busy }
	})
	r.pollOrg()
	count := func(w *Watcher, seconds int) (n int, ids map[string]bool) {
		ids = map[string]bool{}
		for range seconds {
			r.pass(time.Second)
			out, err := w.Due(ctx, r.clock())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range out {
				var p access.Poll
				if err := json.Unmarshal(o.Body, &p); err != nil || p.Scope != o.Scope || o.Topic != access.TopicPoll {
					t.Fatalf("message %+v: %v", o, err)
				}
				ids[o.ID] = true
			}
			n += len(out)
		}
		return n, ids
	}
	count(r.w, 1)
	if n, ids := count(r.w, 120); n != 12 || len(ids) != 12 {
		t.Errorf("%d polls and %d ids in two busy minutes of two scopes, want 12", n, len(ids))
	}
	busy = false
	count(r.w, 1)
	if n, _ := count(r.w, 120); n != 4 {
		t.Errorf("%d polls in two idle minutes of two scopes, want 4", n)
	}
	other, err := New(r.w.opts)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := r.w.Due(ctx, r.clock().Add(time.Hour))
	b, _ := other.Due(ctx, r.clock().Add(time.Hour))
	if len(a) != 2 || len(b) != 2 || a[0].ID != b[0].ID || a[1].ID != b[1].ID {
		t.Errorf("two replicas disagree about the ids: %+v, %+v", a, b)
	}
}

func TestStaleKindsAreDirty(t *testing.T) {
	r := watched(t)
	ctx := context.Background()
	if dirty, _ := r.w.Dirty(ctx, project); len(dirty) != 0 {
		t.Errorf("dirty %v right after a read", dirty)
	}
	r.pass(31 * time.Minute)
	dirty, _ := r.w.Dirty(ctx, project)
	if dirty[access.KindIPAccessEntry].IsZero() || !dirty[access.KindCluster].IsZero() {
		t.Errorf("dirty %v after 31 minutes, want the gate kinds", dirty)
	}
	if dirty, _ := r.w.Dirty(ctx, access.ProjectScope("64f0000000000000000000ff")); len(dirty) != 5 {
		t.Errorf("dirty %v of a scope never seen, want all", dirty)
	}
}

// A refusal of a kind that is swept seldom is not kept for hours: the rules that read it
// would be blind for all that time.
func TestDeniedKindIsTriedAgainSoon(t *testing.T) {
	r := watched(t)
	key := string(project) + "." + string(access.KindCluster)
	r.bad[key] = access.Reading{Status: access.StatusDenied, Reason: "401"}
	r.pass(7 * time.Hour)
	r.poll()
	if got := r.collection(access.KindCluster).Status; got != access.StatusDenied {
		t.Fatalf("status %q, want denied", got)
	}
	delete(r.bad, key)
	r.pass(16 * time.Minute)
	r.poll()
	if got := r.collection(access.KindCluster).Status; got != access.StatusComplete {
		t.Errorf("status %q a quarter of an hour after it may be read again, want complete", got)
	}
}

func TestSweepsArePhased(t *testing.T) {
	r := newRig(t)
	start := r.clock()
	due := map[int]int{}
	for i := range 400 {
		scope := access.ProjectScope(fmt.Sprintf("64f00000000000000000%04x", i))
		for m := 1; m <= 15; m++ {
			if r.w.turned(scope, access.KindIPAccessEntry, start, start.Add(time.Duration(m)*time.Minute), r.w.interval(access.KindIPAccessEntry)) {
				due[m]++
				break
			}
		}
	}
	total := 0
	for m, n := range due {
		total += n
		if n > 400/5 {
			t.Errorf("%d of 400 scopes are swept in minute %d", n, m)
		}
	}
	if total != 400 {
		t.Errorf("%d of 400 scopes are swept within the interval", total)
	}
	r.w.projects.Store(501)
	if got := r.w.interval(access.KindIPAccessEntry); got != time.Hour {
		t.Errorf("gate kinds of 501 projects are swept every %v", got)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := newRig(t, func(o *Options) { o.Metrics = NewMetrics(reg) })
	NewMetrics(reg) // a second one shares the first one's
	key := string(project) + "." + string(access.KindCustomRole)
	r.bad[key] = access.Reading{Status: access.StatusDenied}
	r.poll()
	r.put(project, entryOf("0.0.0.0/0"))
	r.pass(time.Minute)
	r.sweep()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	now := float64(r.clock().Unix())
	if diff := cmp.Diff(map[string]float64{
		"gatewarden_changes_total sweep": 1, "gatewarden_changes_missed_by_feed_total": 1,
		"gatewarden_unknown_collections custom_role":              1,
		"gatewarden_feed_last_success_timestamp_seconds project":  now,
		"gatewarden_sweep_last_success_timestamp_seconds project": now,
	}, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestGoldenWatch(t *testing.T) {
	at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	doc := Watch{
		V: 1, First: at, Gone: at, Cursor: at, Seen: map[string]time.Time{"e1": at}, Seq: 7, Fed: at, Swept: at,
		Pending: []Pending{{Event: access.Event{V: 1, ID: "e1", Type: added, Scope: project, Created: at, Actor: alice, Target: "203.0.113.7"},
			Kind: access.KindIPAccessEntry, Op: access.OpCreated, At: at}},
		Dirty:    map[access.Kind]Mark{access.KindIPAccessEntry: {Seq: 7, At: at, Source: access.SourceFeed, Why: added, Gap: true, Held: true}},
		Reads:    map[access.Kind]Read{access.KindIPAccessEntry: {Complete: at, Tried: at}},
		Projects: map[string]Listed{projectID: {Since: at, Missing: at, Deleted: true, Gone: true}},
	}
	got, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "watch.golden.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("the stored form (-golden +got):\n%s", diff)
	}
	var back Watch
	if err := json.Unmarshal(want, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc, back); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
}
