package daemon

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

var (
	seed      = flag.Uint64("seed", 1, "seed of the fault run")
	changes   = flag.Int("changes", 150, "how many random changes the fault run makes")
	histories = flag.Int("histories", 6, "for how many resources a failing fault run tells all that happened")
)

// TestFaults lets everybody change everything at random while Atlas answers one request
// in five badly, and then compares what the daemon found and did with what an oracle
// reads in the simulator: see oracle_test.go for what should stand at the end, and the
// checks below for what should have been told and done on the way.
func TestFaults(t *testing.T) {
	t.Logf("seed %d, %d changes", *seed, *changes)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := newChaos(t, dir, *seed)
		c.play(*changes)
		end := c.finish()
		c.stop()
		end.compare()
		end.transients()
		end.effects()
		end.putRight()
		end.notVacuous()
		t.Logf("%d deeds, %d effects of ours, %d requests, %d finding transitions, %s of Atlas time",
			len(c.deeds), end.ours(), len(c.atlas.Requests()), len(c.seen.findings), time.Since(c.begin).Round(time.Minute))
	})
}

// ending is everything there is to know when all has settled.
type ending struct {
	*chaos
	now      time.Time
	world    sim.World
	log      []sim.Effect
	findings []access.Finding
	actions  []access.Action
	changes  []access.Change
	names    map[string]string // of projects, by id
	told     map[string]bool   // histories that were printed
}

func (c *chaos) finish() *ending {
	c.t.Helper()
	e := &ending{chaos: c, now: time.Now(), world: c.atlas.Snapshot(), log: c.atlas.Effects(), names: map[string]string{}, told: map[string]bool{}}
	for _, o := range e.world.Orgs {
		for _, p := range o.Projects {
			e.names[p.ID] = p.Name
		}
	}
	var err error
	if e.findings, err = c.daemon.AllFindings(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	if e.actions, err = c.daemon.AllActions(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	for id := range e.names {
		all, _, err := c.daemon.stream.Changes(c.t.Context(), access.ProjectScope(id), 0, 1_000_000)
		if err != nil {
			c.t.Fatal(err)
		}
		e.changes = append(e.changes, all...)
	}
	return e
}

func (e *ending) ours() (n int) {
	for _, x := range e.log {
		if x.ByHTTP {
			n++
		}
	}
	return n
}

const transientRule = "network/transient-open-to-world"

// compare holds the open findings of the state rules against the oracle's.
func (e *ending) compare() {
	want := newOracle(e.now, e.log, e.names).judge(e.world)
	for _, f := range e.findings {
		if !f.Open() || f.Rule == transientRule {
			continue
		}
		k := subjectKey{f.Rule, e.names[f.Ref.Scope.ID()], f.Ref.Name}
		o, ok := want[k]
		delete(want, k)
		switch {
		case !ok:
			e.wrong(k.project, k.name, "finding %s of %s stands in %s, and nothing is wrong there (%s; unknown: %q)", k.rule, k.name, k.project, f.Message, f.Unknown)
		case o.judgement == must && f.Unknown != "":
			e.wrong(k.project, k.name, "finding %s of %s in %s is unknown after everything has settled: %s", k.rule, k.name, k.project, f.Unknown)
		case o.severity != "" && o.severity != string(f.Severity) || o.class != f.Class:
			e.wrong(k.project, k.name, "finding %s of %s in %s is %s of class %q, want %s of class %q", k.rule, k.name, k.project, f.Severity, f.Class, o.severity, o.class)
		}
	}
	for k, o := range want {
		if o.judgement == must {
			e.wrong(k.project, k.name, "no finding %s of %s stands in %s", k.rule, k.name, k.project)
		}
	}
}

// opening is a time in which one entry, the world alone, was on a list.
type opening struct {
	project, name string
	from, to      time.Time // to is zero while it stands
	byUs          bool      // we removed it
	seq           int
}

func (e *ending) openings() (out []opening) {
	open := map[[2]string]int{}
	for _, x := range e.log {
		if strings.Contains(x.Target, ".") == strings.Contains(x.Target, ":") && !strings.HasPrefix(x.Target, "::ffff:") || !strings.Contains(x.Target, "/") {
			continue // no address
		}
		if !opensWorld([]span{spanOf(x.Target)}) {
			continue
		}
		k := [2]string{e.names[x.ProjectID], x.Target}
		switch {
		case x.Before == "":
			open[k] = len(out)
			out = append(out, opening{project: k[0], name: entryName(x.Target), from: x.At, seq: x.Seq})
		case x.After == "":
			if i, ok := open[k]; ok {
				out[i].to, out[i].byUs = x.At, x.ByHTTP
				delete(open, k)
			}
		}
	}
	return out
}

// inside reports whether the other opening, of the same name, lasted all the time.
func (o opening) inside(other opening) bool {
	return other.seq != o.seq && other.project == o.project && other.name == o.name && other.from.Before(o.from) &&
		(other.to.IsZero() || !o.to.IsZero() && other.to.After(o.to))
}

// transients checks what the change rules said: every opening was told of, and nothing
// was made up.
func (e *ending) transients() {
	all := e.openings()
	for _, o := range all {
		if slices.ContainsFunc(all, o.inside) {
			continue // its twin in the other spelling let the same addresses in all the time: it opened nothing
		}
		if !slices.ContainsFunc(e.seen.findings, func(f access.FindingEvent) bool { return e.tells(f, o) }) {
			e.wrong(o.project, o.name, "%s was on the list of %s from %s to %s, and nobody was told", o.name, o.project, stamp(o.from), stamp(o.to))
		}
	}
	for _, f := range e.seen.findings {
		if f.Finding.Rule != transientRule || f.From != "" {
			continue
		}
		project := e.names[f.Finding.Ref.Scope.ID()]
		if !slices.ContainsFunc(all, func(o opening) bool {
			return o.project == project && o.name == f.Finding.Ref.Name && !o.to.IsZero() && o.from.Sub(f.Finding.CauseAt).Abs() <= 2*time.Second
		}) {
			e.wrong(project, f.Finding.Ref.Name, "%s of %s in %s was told (%s), and there was no such opening", f.Finding.Rule, f.Finding.Ref.Name, project, f.Finding.Message)
		}
	}
}

// tells reports whether the transition is about the opening: of the time in which it
// says that the entry was there, a part is the opening's.
func (e *ending) tells(f access.FindingEvent, o opening) bool {
	x := f.Finding
	if e.names[x.Ref.Scope.ID()] != o.project || x.Ref.Name != o.name {
		return false
	}
	const near = 2 * time.Second
	switch x.Rule {
	case transientRule:
		return x.CauseAt.Sub(o.from).Abs() <= near
	case "network/open-to-world":
		from := x.OpenedAt
		if !x.CauseAt.IsZero() && x.CauseAt.Before(from) {
			from = x.CauseAt
		}
		to := x.ResolvedAt
		if to.IsZero() {
			to = f.At
		}
		if !x.Evidence.Ended.IsZero() && x.Evidence.Ended.Before(to) {
			to = x.Evidence.Ended
		}
		return !to.Before(o.from.Add(-near)) && (o.to.IsZero() || !from.After(o.to.Add(near)))
	}
	return false
}

// putRight checks that what was opened in production while the daemon watched is gone,
// but where an entry from before keeps the world open anyhow (then people are asked) or
// where Atlas refused the deletion.
func (e *ending) putRight() {
	for _, o := range e.openings() {
		if !strings.HasSuffix(o.project, "-prod") || !o.to.IsZero() || e.openBefore(o) || e.refused(o) {
			continue
		}
		e.wrong(o.project, o.name, "%s was opened in %s at %s and nobody closed it", o.name, o.project, stamp(o.from))
	}
}

// openBefore reports whether pay-prod's entry from long ago was still there soon after
// the opening began. Taken away and put back within minutes it is still the old one (no
// read may have missed it), and so is its IPv4-mapped twin, which has the same name.
func (e *ending) openBefore(o opening) bool {
	const blink = 5 * time.Minute
	there, gone := 1, time.Time{}
	for _, x := range e.log {
		switch {
		case e.names[x.ProjectID] != "pay-prod" || !strings.HasSuffix(x.Target, "/0") && !strings.HasSuffix(x.Target, "/96") || entryName(x.Target) != "0.0.0.0/0":
			continue
		case x.Before == "":
			there++
		case x.After == "":
			there--
		}
		switch {
		case there == 0:
			gone = x.At
		case !gone.IsZero() && x.At.Sub(gone) >= blink:
			return o.project == "pay-prod" && o.from.Before(gone.Add(blink))
		default:
			gone = time.Time{}
		}
	}
	return o.project == "pay-prod" && (gone.IsZero() || o.from.Before(gone.Add(blink)))
}

// refused reports whether Atlas refused to let us delete the entry in the episode that
// stands: that has failed for good, and people know.
func (e *ending) refused(o opening) bool {
	return slices.ContainsFunc(e.findings, func(f access.Finding) bool {
		return e.names[f.Ref.Scope.ID()] == o.project && f.Ref.Name == o.name && f.Open() && slices.ContainsFunc(e.actions, func(a access.Action) bool {
			return a.ID == access.ActionID(f.ID, f.Episode) && a.State == access.ActionFailed
		})
	})
}

// notVacuous checks that a run of some length had something of everything in it.
func (e *ending) notVacuous() {
	e.t.Helper()
	rules := map[string]int{}
	for _, f := range e.seen.findings {
		if f.From != f.To {
			rules[f.Finding.Rule]++
		}
	}
	e.t.Logf("transitions by rule: %v", rules)
	if *changes < 100 {
		return
	}
	for _, r := range []string{"network/open-to-world", transientRule, "dbuser/unscoped", "dbuser/expired-migration-user", "dbuser/atlas-admin-app"} {
		if rules[r] < 2 {
			e.t.Errorf("seed %d: %s had %d transitions: the run proves little", e.seed, r, rules[r])
		}
	}
	if e.ours() < 3 {
		e.t.Errorf("seed %d: %d effects of ours: the run proves little", e.seed, e.ours())
	}
}

// wrong reports a mismatch with all that happened to the resource.
func (e *ending) wrong(project, name, format string, args ...any) {
	e.t.Helper()
	e.t.Errorf("seed %d: %s%s", e.seed, fmt.Sprintf(format, args...), e.history(project, name))
}

// history is everything that was done to, and said about, one resource, in order. It is
// given once a resource.
func (e *ending) history(project, name string) string {
	if e.told[project+name] || len(e.told) >= *histories {
		return ""
	}
	e.told[project+name] = true
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	add := func(at time.Time, format string, args ...any) {
		lines = append(lines, line{at, fmt.Sprintf(format, args...)})
	}
	id := e.atlas.ProjectID(project)
	short := strings.TrimPrefix(name, "admin/")
	about := func(s string) bool {
		return name == id || strings.Contains(s, short) || strings.Contains(s, strings.ReplaceAll(short, "/", "%2F")) || strings.Contains(s, "customDBRoles") && strings.HasPrefix(name, "admin/")
	}
	for _, d := range e.deeds {
		if d.project == "" && d.status == 0 || d.project == project && about(d.what) && d.status < 300 {
			add(d.at, "deed %d: %s %s = %d", d.n, d.who, d.what, d.status)
		}
	}
	for _, x := range e.log {
		if x.ProjectID == id && (about(x.Target) || x.ByHTTP && name == id) {
			add(x.At, "effect %d ours=%t action %s %s %s: %s → %s", x.Seq, x.ByHTTP, x.ActionID, x.OperationID, x.Target, x.Before, x.After)
		}
	}
	for _, x := range e.changes {
		if x.Ref.Scope.ID() == id && x.Ref.Name == name {
			add(x.Observed, "change %s rev %d %s type %s occurred %s ended %s events %v by %q own %q gap %t", x.ID, x.Rev, x.Op, x.Type, stamp(x.Occurred), stamp(x.Ended), x.Events, x.Actor.Name, x.Own, x.Gap)
		}
	}
	for _, f := range e.seen.findings {
		if f.Finding.Ref.Scope.ID() == id && (f.Finding.Ref.Name == name) {
			add(f.At, "finding %s %s→%s episode %d origin %q cause %s opened %s unknown %q: %s; %s", f.Finding.Rule, f.From, f.To, f.Finding.Episode, f.Finding.Origin, stamp(f.Finding.CauseAt), stamp(f.Finding.OpenedAt), f.Finding.Unknown, f.Why, f.Finding.OriginWhy)
		}
	}
	for _, d := range e.seen.decisions {
		if d.Action.Ref.Scope.ID() == id && d.Action.Ref.Name == name {
			add(d.At, "%s %s %s guard %q: %s", d.Type, d.Action.ID, d.Action.State, d.Action.Guard, d.Message)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "\n\t%s %s", stamp(l.at), l.text)
	}
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format("02T15:04:05.000") }
