package daemon

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	runtimemetrics "runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

var members = flag.Int("members", 300, "of the large org in TestVolume; a tenth of it are its projects")

// TestVolume reads what is far larger than Atlas's usual limits, by the real client and
// into the real store, under the real clock: an org and its projects, a project at its
// limits, and one far above. One change in it is found, and a read that finds none
// writes nothing.
func TestVolume(t *testing.T) {
	large, full := largeOrg(t, *members), fullProject(t)
	if testing.Verbose() {
		fmt.Println(large)
		fmt.Println(full)
	}
}

func largeOrg(t *testing.T, n int) string {
	r := newVolume(t, largeWorld(n))
	began := time.Now()
	r.poll(access.SourceFeed, r.org)
	took := time.Since(began)
	projects := r.projects()
	began = time.Now()
	r.poll(access.SourceFeed, projects...)
	rest := time.Since(began)
	if len(projects) != n/10 || r.size(r.org, access.KindOrgMember) != n+1 {
		t.Errorf("%d projects and %d members, want %d and %d", len(projects), r.size(r.org, access.KindOrgMember), n/10, n+1)
	}
	r.act("POST", "/orgs/"+r.org.ID()+"/users/"+memberID(n/2)+":addRole", `{"orgRole":"ORG_GROUP_CREATOR"}`)
	r.oneChange(r.org, access.KindOrgMember, memberName(n/2))
	wrote := r.secondRead(append(projects, r.org)...)
	t.Logf("all of the org's projects were read in %s more", round(rest))
	return fmt.Sprintf("large org: %d members, %d projects, collections of %.1f MiB, first read in %s, peak heap %d MiB, one change found, second read wrote %d",
		n, len(projects), r.stored(append(projects, r.org)...), round(took), r.peak(), wrote)
}

func fullProject(t *testing.T) string {
	r := newVolume(t, fullWorld(5000))
	r.poll(access.SourceFeed, r.org)
	out := []string{}
	for _, p := range []struct {
		name           string
		entries, users int
	}{{"full-prod", 200, 100}, {"huge-prod", 5000, 5000}} {
		scope := access.ProjectScope(r.atlas.ProjectID(p.name))
		began := time.Now()
		r.poll(access.SourceFeed, scope)
		took := time.Since(began)
		if e, u, c := r.size(scope, access.KindIPAccessEntry), r.size(scope, access.KindDatabaseUser), r.size(scope, access.KindCustomRole); e != p.entries || u != p.users || c != 100 {
			t.Errorf("%s: %d entries, %d users, %d custom roles", p.name, e, u, c)
		}
		r.act("PATCH", "/groups/"+scope.ID()+"/databaseUsers/admin/user0007", `{"description":"changed"}`)
		r.oneChange(scope, access.KindDatabaseUser, "admin/user0007")
		out = append(out, fmt.Sprintf("%d entries, %d users, 100 custom roles, collections of %.1f MiB, first read in %s, one change found, second read wrote %d",
			p.entries, p.users, r.stored(scope), round(took), r.secondRead(scope)))
	}
	t.Logf("peak heap with the crowded projects: %d MiB", r.peak())
	return "full project: " + strings.Join(out, "; with raised limits ")
}

// volume is an assembled daemon under the real clock.
type volume struct {
	t     *testing.T
	atlas *sim.Atlas
	d     *Daemon
	org   access.Scope

	mu   sync.Mutex
	heap uint64
	stop func()
}

func newVolume(t *testing.T, w sim.World) *volume {
	t.Helper()
	a, err := sim.New(sim.Options{World: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := &volume{t: t, atlas: a, org: access.OrgScope(a.OrgID("ExampleCorp"))}
	r.unlimited()
	conf := strings.NewReplacer("ORG", r.org.ID(), "STORE", filepath.Join(t.TempDir(), "store"), "profile: remediate", "profile: owner").Replace(read(t, "testdata/config.yaml"))
	f, err := loadFive("config.yaml", conf)
	if err != nil {
		t.Fatal(err)
	}
	if r.d, err = assembled(t.Context(), Options{File: f, Version: "test", Transport: a.Transport(), NoListen: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.sample(ctx) }()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(func() {
		r.stop()
		if err := r.d.close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	return r
}

// unlimited fills every token bucket: what is measured is the reading, not the waiting.
func (r *volume) unlimited() {
	r.t.Helper()
	_, answer := r.atlas.Do(sim.Actor{Username: alice}, "GET", "/rateLimits?itemsPerPage=500", nil)
	var sets struct {
		Results []struct {
			ID string `json:"endpointSetId"`
		} `json:"results"`
	}
	if err := json.Unmarshal(answer, &sets); err != nil || len(sets.Results) == 0 {
		r.t.Fatalf("no rate limits: %v", err)
	}
	for _, s := range sets.Results {
		r.atlas.SetRateLimit(s.ID, 1e6, 1e6)
	}
}

// sample watches the heap, live objects and not yet collected ones alike.
func (r *volume) sample(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	s := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for ctx.Err() == nil {
		runtimemetrics.Read(s)
		r.mu.Lock()
		r.heap = max(r.heap, s[0].Value.Uint64())
		r.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (r *volume) peak() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heap >> 20
}

// poll polls the scopes as the daemon's workers would, a few at a time.
func (r *volume) poll(source access.Source, scopes ...access.Scope) {
	r.t.Helper()
	var group errgroup.Group
	group.SetLimit(4)
	for _, scope := range scopes {
		group.Go(func() error {
			return r.d.watcher.Poll(r.t.Context(), access.Poll{Scope: scope, Source: source, At: r.d.fleet.Now()})
		})
	}
	if err := group.Wait(); err != nil {
		r.t.Fatal(err)
	}
	for _, scope := range scopes {
		if unknown, err := r.d.watcher.Dirty(r.t.Context(), scope); err != nil || len(unknown) > 0 {
			r.t.Fatalf("%s: not read: %v, %v", scope, unknown, err)
		}
	}
}

func (r *volume) projects() (out []access.Scope) {
	r.t.Helper()
	scopes, err := r.d.watcher.Scopes(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range scopes {
		if !s.IsOrg() {
			out = append(out, s)
		}
	}
	return out
}

func (r *volume) collection(scope access.Scope, k access.Kind) access.Collection {
	r.t.Helper()
	c, _, err := r.d.inventory.Get(r.t.Context(), string(scope)+"."+string(k))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *volume) size(scope access.Scope, k access.Kind) int {
	r.t.Helper()
	return len(r.collection(scope, k).Resources)
}

// stored is the size of the collections of scopes in MiB, before compression.
func (r *volume) stored(scopes ...access.Scope) float64 {
	r.t.Helper()
	total := 0
	for _, scope := range scopes {
		kinds := access.ProjectKinds()
		if scope.IsOrg() {
			kinds = access.OrgKinds()
		}
		for _, k := range kinds {
			raw, err := json.Marshal(r.collection(scope, k))
			if err != nil {
				r.t.Fatal(err)
			}
			total += len(raw)
		}
	}
	return float64(total) / (1 << 20)
}

func (r *volume) act(method, path, body string) {
	r.t.Helper()
	if status, answer := r.atlas.Do(sim.Actor{Username: alice}, method, path, rawJSON(body)); status >= 300 {
		r.t.Fatalf("%s %s: %d %.300s", method, path, status, answer)
	}
	r.atlas.Advance(time.Minute)
}

// oneChange wants the next poll to tell one change, and this one.
func (r *volume) oneChange(scope access.Scope, k access.Kind, name string) {
	r.t.Helper()
	before, err := r.d.stream.ChangesEnd(r.t.Context(), scope)
	if err != nil {
		r.t.Fatal(err)
	}
	r.poll(access.SourceFeed, scope)
	told, _, err := r.d.stream.Changes(r.t.Context(), scope, before, 0)
	if err != nil || len(told) != 1 || told[0].Ref.Kind != k || told[0].Ref.Name != name || told[0].Op != updated || told[0].Actor.Name != alice {
		r.t.Errorf("told %s (%v), want one change of %s %s", brief(told), err, k, name)
	}
}

// secondRead reads everything again, and counts what that stores beside the time of the
// reading itself.
func (r *volume) secondRead(scopes ...access.Scope) uint64 {
	r.t.Helper()
	r.atlas.Advance(time.Minute)
	before := r.messages()
	r.poll(access.SourceSweep, scopes...)
	wrote := r.messages() - before
	if wrote != 0 {
		r.t.Errorf("a read that found nothing new wrote %d messages", wrote)
	}
	return wrote
}

// messages counts all that was ever written to the store's streams and buckets, but for
// gw_watch, which holds when each kind was read.
func (r *volume) messages() (n uint64) {
	r.t.Helper()
	js, err := jetstream.New(r.d.conn)
	if err != nil {
		r.t.Fatal(err)
	}
	streams := js.ListStreams(r.t.Context())
	for info := range streams.Info() {
		if info.Config.Name != "KV_gw_watch" {
			n += info.State.LastSeq
		}
	}
	if err := streams.Err(); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
