package daemon

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// TestEveryKind plants a change of every kind that can be read, and wants it told as
// exactly one Change, with the right states before and after: by one poll of the feed,
// with the actor that the event names, and by a sweep alone, when no event ever comes.
func TestEveryKind(t *testing.T) {
	byFeed, bySweep, failed := map[access.Kind]bool{}, map[access.Kind]bool{}, 0
	for _, pass := range []struct {
		name string
		play func(*kindRig, planted) []string
		told map[access.Kind]bool
	}{{"feed", (*kindRig).byFeed, byFeed}, {"sweep", (*kindRig).bySweep, bySweep}} {
		t.Run(pass.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				r := newKindRig(t, dir, "owner", read(t, "testdata/everykind.yaml"))
				r.poll(access.SourceFeed)
				if pass.name == "sweep" {
					r.atlas.SetVisibility(10 * 365 * 24 * time.Hour)
				}
				for _, p := range plantedChanges() {
					if wrong := pass.play(r, p); len(wrong) > 0 {
						failed++
						t.Errorf("%s %s by %s %s:\n  %s", p.kind, p.op, p.as, p.do, strings.Join(wrong, "\n  "))
					} else {
						pass.told[p.kind] = true
					}
				}
				r.close()
			})
		})
	}
	announced := map[access.Kind]bool{}
	for _, p := range plantedChanges() {
		announced[p.kind] = announced[p.kind] || p.silent == ""
	}
	for _, k := range allKinds() {
		if announced[k] == (k == access.KindAccessHistory) {
			t.Errorf("%s: the table has it announced by an event: %t", k, announced[k])
		}
		if !byFeed[k] || !bySweep[k] {
			t.Errorf("%s: told by feed %t, by sweep %t", k, byFeed[k], bySweep[k])
		}
	}
	if testing.Verbose() {
		fmt.Printf("%d kinds by feed, %d by sweep alone, %d failed\n", len(byFeed), len(bySweep), failed)
	}
}

func allKinds() []access.Kind { return slices.Concat(access.OrgKinds(), access.ProjectKinds()) }

// kindRig is a simulated Atlas before an assembled daemon of which nothing runs by
// itself: the test polls.
type kindRig struct {
	*stage
	d        *Daemon
	orgScope access.Scope
	seen     map[access.Scope]uint64 // sequence of the last change looked at
}

func newKindRig(t *testing.T, dir, profile, world string, edits ...func(conf string) string) *kindRig {
	t.Helper()
	conf := strings.Replace(read(t, "testdata/config.yaml"), "profile: remediate", "profile: "+profile, 1)
	conf = strings.Replace(conf, "schedule: {", "schedule: {sweep: {gate: 1000h, rest: 1000h}, ", 1)
	for _, edit := range edits {
		conf = edit(conf)
	}
	r := &kindRig{stage: newStage(t, dir, world, conf), seen: map[access.Scope]uint64{}}
	r.orgScope = access.OrgScope(r.atlas.OrgID("ExampleCorp"))
	f, err := r.load()
	if err != nil {
		t.Fatal(err)
	}
	logger := zap.NewNop()
	if *verbose {
		logger = zaptest.NewLogger(t)
	}
	if r.d, err = assembled(t.Context(), Options{File: f, Version: "test", Transport: r.transport(), NoListen: true, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *kindRig) close() {
	r.t.Helper()
	if err := r.d.close(r.t.Context()); err != nil {
		r.t.Error(err)
	}
}

func (r *kindRig) org() access.Scope { return r.orgScope }

func (r *kindRig) project() access.Scope {
	return access.ProjectScope(r.atlas.ProjectID("ecommerce-prod"))
}

// poll polls the org and the project, once each.
func (r *kindRig) poll(source access.Source) {
	r.t.Helper()
	for _, scope := range []access.Scope{r.org(), r.project()} {
		if err := r.d.watcher.Poll(r.t.Context(), access.Poll{Scope: scope, Source: source, At: time.Now()}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// sweep reads everything. That nothing is left of a list is believed when a second
// reading agrees.
func (r *kindRig) sweep() {
	r.t.Helper()
	r.poll(access.SourceSweep)
	time.Sleep(40 * time.Second)
	r.poll(access.SourceFeed)
}

// fresh are the changes in the stream that came since the last look.
func (r *kindRig) fresh() (out []access.Change) {
	r.t.Helper()
	for _, scope := range []access.Scope{r.org(), r.project()} {
		changes, last, err := r.d.stream.Changes(r.t.Context(), scope, r.seen[scope], 0)
		if err != nil {
			r.t.Fatal(err)
		}
		r.seen[scope] = last
		out = append(out, changes...)
	}
	return out
}

// plant makes the change, and lets it take its time.
func (r *kindRig) plant(p planted) []string {
	time.Sleep(30 * time.Second)
	if p.accept != "" {
		if err := r.atlas.AcceptInvitation(p.accept); err != nil {
			return []string{err.Error()}
		}
	} else if p.login != "" {
		r.atlas.RecordLogin(r.project().ID(), "prod-cluster", p.login, "admin", "8.8.8.9", true)
	} else if method, rest, _ := strings.Cut(p.do, " "); rest != "" {
		path, body, _ := strings.Cut(rest, " ")
		var payload any
		if body != "" {
			payload = json.RawMessage(r.fill(body))
		}
		if status, answer := r.atlas.Do(r.actor(p.as), method, r.fill(path), payload); status >= 300 {
			return []string{fmt.Sprintf("Atlas says %d: %s", status, answer)}
		}
	}
	time.Sleep(p.wait + 30*time.Second)
	return nil
}

func (r *kindRig) fill(s string) string {
	return strings.NewReplacer("{org}", r.org().ID(), "{prod}", r.project().ID(), "{fed}", "64f000000000000000000901").Replace(s)
}

func (r *kindRig) actor(who string) sim.Actor {
	switch {
	case strings.HasPrefix(who, "mdb_sa_id_"):
		return sim.Actor{ClientID: who, RemoteAddress: "198.51.100.7"}
	case strings.Contains(who, "@"):
		return sim.Actor{Username: who, RemoteAddress: "198.51.100.7"}
	}
	return sim.Actor{PublicKey: who, RemoteAddress: "198.51.100.7"}
}

// byFeed wants one poll of the feeds to tell the change; one that no event announces is
// told by the next sweep. So is what the change does elsewhere without an event.
func (r *kindRig) byFeed(p planted) []string {
	if wrong := r.plant(p); wrong != nil {
		return wrong
	}
	r.poll(access.SourceFeed)
	if p.silent != "" {
		if told := r.fresh(); len(told) > 0 {
			return []string{"told by the feed, and the table says that it is not: " + brief(told)}
		}
		return r.swept(p)
	}
	wrong := r.judge(p, r.fresh(), access.SourceFeed, p.also)
	r.sweep()
	if later := r.fresh(); !slices.Equal(besides(later, ""), slices.Sorted(slices.Values(p.later))) {
		wrong = append(wrong, fmt.Sprintf("the next sweep tells %s, want %v", brief(later), p.later))
	}
	return wrong
}

func (r *kindRig) bySweep(p planted) []string {
	if wrong := r.plant(p); wrong != nil {
		return wrong
	}
	r.poll(access.SourceFeed)
	if told := r.fresh(); len(told) > 0 {
		return []string{fmt.Sprintf("told without an event: %s", brief(told))}
	}
	return r.swept(p)
}

// swept wants a sweep to tell the change and all that comes with it.
func (r *kindRig) swept(p planted) []string {
	r.sweep()
	also := slices.DeleteFunc(slices.Concat(p.also, p.later), func(s string) bool { return strings.HasSuffix(s, " "+string(access.OpObserved)) })
	return r.judge(p, r.fresh(), access.SourceSweep, also)
}

// besides lists the changes of other kinds as "kind op".
func besides(told []access.Change, own access.Kind) []string {
	out := []string{}
	for _, c := range told {
		if c.Ref.Kind != own {
			out = append(out, string(c.Ref.Kind)+" "+string(c.Op))
		}
	}
	slices.Sort(out)
	return out
}

func brief(changes []access.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s %s %s %v by %q from %s (%s)", c.Ref.Kind, c.Op, c.Ref.Name, c.Fields, c.Actor.Name, c.Source, c.Type))
	}
	return strings.Join(out, "; ")
}

// judge says what is wrong with what was told.
func (r *kindRig) judge(p planted, told []access.Change, source access.Source, also []string) (wrong []string) {
	if got := besides(told, p.kind); !slices.Equal(got, append([]string{}, slices.Sorted(slices.Values(also))...)) {
		wrong = append(wrong, fmt.Sprintf("beside it %v changed, want %v", got, also))
	}
	own := slices.DeleteFunc(slices.Clone(told), func(c access.Change) bool { return c.Ref.Kind != p.kind })
	if len(own) != 1 {
		return append(wrong, fmt.Sprintf("%d changes of the kind, want one: %s", len(own), brief(told)))
	}
	c := own[0]
	if c.Op != p.op || c.Source != source || (p.name != "" && c.Ref.Name != r.fill(p.name)) {
		wrong = append(wrong, fmt.Sprintf("told as %s; want it %s from %s, name %s", brief(own), p.op, source, p.name))
	}
	if c.Before.IsZero() != (p.op == created) || c.After.IsZero() != (p.op == deleted) {
		wrong = append(wrong, fmt.Sprintf("before %v, after %v", c.Before, c.After))
	}
	wrong = append(wrong, r.differs("before", p.before, c.Before)...)
	wrong = append(wrong, r.differs("after", p.after, c.After)...)
	if p.op == updated {
		if want := changedKeys(p); !slices.Equal(c.Fields, want) {
			wrong = append(wrong, fmt.Sprintf("changed fields %v, want %v", c.Fields, want))
		}
	}
	return append(wrong, r.credited(p, c)...)
}

// credited checks who the change is laid at the door of.
func (r *kindRig) credited(p planted, c access.Change) []string {
	want := r.actor(p.as)
	name, kind := want.Username, access.ActorHuman
	switch {
	case c.Source == access.SourceSweep:
		name, kind = "", access.ActorUnknown
	case p.nobody != "":
		name, kind = "", access.ActorAtlas
	case want.ClientID != "":
		name, kind = want.ClientID, access.ActorServiceAccount
	case want.PublicKey != "":
		name, kind = want.PublicKey, access.ActorAPIKey
	}
	if c.Actor.Name != name || c.Actor.Type != kind || (c.Source == access.SourceSweep) != (len(c.Events) == 0) {
		return []string{fmt.Sprintf("actor %q %q by events %v, want %q %q", c.Actor.Type, c.Actor.Name, c.Events, kind, name)}
	}
	return nil
}

// anything stands for a value that the table cannot know.
const anything = "*"

// differs compares the fields that the table names.
func (r *kindRig) differs(side, want string, got access.Box) []string {
	if want == "" {
		return nil
	}
	have, wanted := asMap(r.t, got), map[string]any{}
	if err := json.Unmarshal([]byte(r.fill(want)), &wanted); err != nil {
		return []string{side + ": " + err.Error()}
	}
	var wrong []string
	for k, v := range wanted {
		if v != any(anything) && !reflect.DeepEqual(have[k], v) {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %v, want %v", side, k, have[k], v))
		}
	}
	return wrong
}

func asMap(t *testing.T, b access.Box) map[string]any {
	out := map[string]any{}
	if b.IsZero() {
		return out
	}
	raw, err := json.Marshal(b.State)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func changedKeys(p planted) []string {
	keys := map[string]any{}
	for _, side := range []string{p.before, p.after} {
		if side != "" {
			_ = json.Unmarshal([]byte(side), &keys) // differs has told of a mistake
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
