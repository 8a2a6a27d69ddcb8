package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

const wideOpen = "0.0.0.0/0"

// waiverOf waives the world on the access list for so long.
func waiverOf(granted time.Time, length time.Duration) access.Waiver {
	return access.Waiver{
		V: 1, ID: "w1", Rule: "network/open-to-world", Name: wideOpen, Project: "shop-prod", Owner: "alice", Reason: "load test of the new shop",
		Granted: granted, Until: granted.Add(length),
	}
}

// waivedWorld is a project with the world on its access list.
func waivedWorld(now time.Time, waivers ...access.Waiver) Input {
	in := Input{Scope: prj, Environment: "prod", Now: now, Collections: map[access.Kind]access.Collection{}, Waivers: waivers}
	for _, k := range access.ProjectKinds() {
		c := access.NewCollection(prj, k, nil)
		c.FirstRead = t0
		in.Collections[k] = c
	}
	in.Collections[access.KindProject] = access.NewCollection(prj, access.KindProject, []access.State{access.Project{ID: prjID, Title: "shop-prod"}})
	put := func(entries ...access.State) {
		c := access.NewCollection(prj, access.KindIPAccessEntry, entries)
		c.FirstRead = t0
		in.Collections[access.KindIPAccessEntry] = c
	}
	put(access.IPAccessEntry{Entry: wideOpen})
	return in
}

func theOne(t *testing.T, doc access.Findings, rule string) access.Finding {
	t.Helper()
	for _, f := range doc.Findings {
		if f.Rule == rule && f.Ref.Name == wideOpen {
			return f
		}
	}
	t.Fatalf("no finding of %s", rule)
	return access.Finding{}
}

func TestWaiverHoldsAsLongAsItMay(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for _, c := range []struct {
		name   string
		waiver func(*access.Waiver)
		after  time.Duration
		want   access.FindingState
		why    string
	}{
		{"it holds", func(*access.Waiver) {}, time.Hour, access.FindingWaived, ""},
		{"its end", func(w *access.Waiver) { w.Until = w.Granted.Add(time.Hour) }, time.Hour, access.FindingOpen, "ended at"},
		{"a critical one ends after a day, whatever it says", func(w *access.Waiver) { w.Until = w.Granted.Add(80 * 24 * time.Hour) }, 24 * time.Hour, access.FindingOpen, "as long as severity critical allows"},
		{"just before that", func(w *access.Waiver) { w.Until = w.Granted.Add(80 * 24 * time.Hour) }, 24*time.Hour - time.Second, access.FindingWaived, ""},
		{"not begun", func(w *access.Waiver) { w.Granted = t0.Add(2 * time.Hour) }, time.Hour, access.FindingOpen, ""},
		{"without a time", func(w *access.Waiver) { w.Until = time.Time{} }, time.Hour, access.FindingOpen, ""},
		{"another rule", func(w *access.Waiver) { w.Rule = "dbuser/*" }, time.Hour, access.FindingOpen, ""},
		{"a family of rules", func(w *access.Waiver) { w.Rule = "network/*" }, time.Hour, access.FindingWaived, ""},
		{"another kind", func(w *access.Waiver) { w.Kind = access.KindDatabaseUser }, time.Hour, access.FindingOpen, ""},
		{"another name", func(w *access.Waiver) { w.Name = "::/0" }, time.Hour, access.FindingOpen, ""},
		{"another environment", func(w *access.Waiver) { w.Environment = "dev" }, time.Hour, access.FindingOpen, ""},
		{"the project by its id", func(w *access.Waiver) { w.Project = prjID }, time.Hour, access.FindingWaived, ""},
		{"another project", func(w *access.Waiver) { w.Project = "*-dev" }, time.Hour, access.FindingOpen, ""},
		{"every rule", func(w *access.Waiver) { w.Rule = "*/*" }, time.Hour, access.FindingOpen, ""},
		{"nothing in particular", func(w *access.Waiver) { w.Name, w.Project = "*/*", "*-*" }, time.Hour, access.FindingOpen, ""},
		{"every user", func(w *access.Waiver) { w.Name, w.Project = "admin/*", "" }, time.Hour, access.FindingOpen, ""},
		{"a whole environment", func(w *access.Waiver) { w.Name, w.Project, w.Environment = "", "", "prod" }, time.Hour, access.FindingWaived, ""},
		{"other values", func(w *access.Waiver) { w.Digest = "0123" }, time.Hour, access.FindingOpen, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := waiverOf(t0, 10*time.Hour)
			c.waiver(&w)
			in := waivedWorld(t0.Add(c.after), w)
			doc, events := e.Advance(access.Findings{}, in, e.Evaluate(in))
			if f := theOne(t, doc, ruleOpenToWorld); f.State != c.want {
				t.Errorf("the finding is %s, want %s", f.State, c.want)
			}
			if len(events) == 0 || events[0].To != c.want {
				t.Errorf("told as %v, want once, as %s", events, c.want)
			}
			v := access.Verdict{Rule: ruleOpenToWorld, Severity: access.Critical, Ref: access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: wideOpen}}
			if _, _, why := e.Waiver(in, v, "w1"); c.why != "" && !strings.Contains(why, c.why) {
				t.Errorf("why = %q, want %q in it", why, c.why)
			}
		})
	}
}

// TestWaiverOfValues follows a waiver that was made from a finding.
func TestWaiverOfValues(t *testing.T) {
	e := loadFive(t, testPolicy())
	in := waivedWorld(t0)
	doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
	w := waiverOf(t0, 20*time.Hour)
	w.Digest = theOne(t, doc, ruleOpenToWorld).Digest
	in = waivedWorld(t0.Add(time.Minute), w)
	doc, events := e.Advance(doc, in, e.Evaluate(in))
	if f := theOne(t, doc, ruleOpenToWorld); f.State != access.FindingWaived || f.Waiver.Owner != "alice" || f.Episode != 1 || len(events) != 1 {
		t.Fatalf("it is %s by %q in episode %d, told %d times", f.State, f.Waiver.Owner, f.Episode, len(events))
	}
	in = waivedWorld(t0.Add(2*time.Minute), w)
	c := access.NewCollection(prj, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: wideOpen, Comment: "for ever"}})
	c.FirstRead = t0
	in.Collections[access.KindIPAccessEntry] = c
	doc, events = e.Advance(doc, in, e.Evaluate(in))
	f := theOne(t, doc, ruleOpenToWorld)
	if f.State != access.FindingOpen || f.Episode != 2 || f.Origin != access.OriginInherited || !strings.Contains(f.OriginWhy, "changed") {
		t.Errorf("it is %s in episode %d, %q because %s", f.State, f.Episode, f.Origin, f.OriginWhy)
	}
	if len(events) != 1 || events[0].From != access.FindingWaived {
		t.Errorf("told as %v", events)
	}
}

// TestWaiverOutlived: a finding that opens while a waiver for other values of it is there
// says so, once; and so does the waiver.
func TestWaiverOutlived(t *testing.T) {
	e := loadFive(t, testPolicy())
	w := waiverOf(t0, 20*time.Hour)
	w.Digest = "0123456789"
	in := waivedWorld(t0.Add(time.Hour), w)
	doc, events := e.Advance(access.Findings{}, in, e.Evaluate(in))
	f := theOne(t, doc, ruleOpenToWorld)
	const want = "waived before, by w1, for other values"
	if f.State != access.FindingOpen || strings.Count(f.OriginWhy, want) != 1 {
		t.Errorf("it is %s because %q, want %q", f.State, f.OriginWhy, want)
	}
	if len(events) != 1 || !strings.Contains(events[0].Why, want) || events[0].Finding.OriginWhy != f.OriginWhy {
		t.Errorf("told as %v", events)
	}
	in.Now = in.Now.Add(time.Minute)
	if doc, events = e.Advance(doc, in, e.Evaluate(in)); theOne(t, doc, ruleOpenToWorld).OriginWhy != f.OriginWhy || len(events) > 0 {
		t.Errorf("told again: %v", events)
	}
	for name, c := range map[string]struct {
		waiver func(*access.Waiver)
		after  time.Duration
		want   bool
	}{
		"other values":   {func(*access.Waiver) {}, time.Hour, true},
		"its values":     {func(w *access.Waiver) { w.Digest = f.Digest }, time.Hour, false},
		"any values":     {func(w *access.Waiver) { w.Digest = "" }, time.Hour, false},
		"ended anyway":   {func(*access.Waiver) {}, 21 * time.Hour, false},
		"another's name": {func(w *access.Waiver) { w.Name = "::/0" }, time.Hour, false},
	} {
		w := w
		c.waiver(&w)
		if got := Outlived(w, f, "shop-prod", t0.Add(c.after)); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestWaiverRemindsOnce(t *testing.T) {
	e := loadFive(t, testPolicy())
	w := waiverOf(t0, 24*time.Hour)
	var doc access.Findings
	told := map[time.Duration]int{}
	for after := time.Hour; after < 24*time.Hour; after += time.Hour {
		in := waivedWorld(t0.Add(after), w)
		var events []access.FindingEvent
		doc, events = e.Advance(doc, in, e.Evaluate(in))
		if len(events) > 0 {
			told[after] = len(events)
		}
	}
	if len(told) != 2 || told[time.Hour] != 1 || told[20*time.Hour] != 1 {
		t.Errorf("told %v: want once at first and once four hours before the end", told)
	}
}

// TestWaivedEntryStays: what is waived is not deleted for a union that is the world.
func TestWaivedEntryStays(t *testing.T) {
	e := mustLoad(t, testPolicy())
	w := waiverOf(t0, 20*time.Hour)
	w.Name = "0.0.0.0/1"
	in := waivedWorld(t0.Add(time.Hour), w)
	c := access.NewCollection(prj, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: "0.0.0.0/1"}, access.IPAccessEntry{Entry: "128.0.0.0/1"}})
	c.FirstRead = t0
	for i := range c.Resources {
		c.Resources[i].FirstSeen, c.Resources[i].ChangedAt = t0.Add(time.Minute), t0.Add(time.Minute)
	}
	in.Collections[access.KindIPAccessEntry] = c
	v := e.Judge(in, ruleOpenToWorld, access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: prjID}, "")
	if v.Answer != access.AnswerViolation || len(v.Evidence.Causes) != 1 || v.Evidence.Causes[0].Name != "128.0.0.0/1" {
		t.Errorf("%s by %v: want a violation by the entry that nobody waived", v.Answer, v.Evidence.Causes)
	}
}

// TestOneEvaluator: judging step by step, as the daemon does, and judging once at the end,
// as scan does, agree on what stands and on what is waived.
func TestOneEvaluator(t *testing.T) {
	inConfig := testPolicy()
	inConfig.Waivers = []access.Waiver{{V: 1, ID: "c1", Rule: "network/*", Environment: "prod", Name: "10.*", Owner: "alice", Reason: "r", Granted: t0, Until: t0.Add(50 * time.Hour)}}
	e := mustLoad(t, inConfig)
	rapid.Check(t, func(t *rapid.T) {
		var waivers []access.Waiver
		for i := range rapid.IntRange(0, 4).Draw(t, "waivers") {
			granted := t0.Add(time.Duration(rapid.IntRange(-30, 60).Draw(t, "granted")) * time.Hour)
			waivers = append(waivers, access.Waiver{
				V: 1, ID: fmt.Sprint("k", i), Rule: rapid.SampledFrom([]string{"network/*", "network/open-to-world", "dbuser/unscoped", "*/*"}).Draw(t, "rule"),
				Name:  rapid.SampledFrom([]string{"", "*", wideOpen, "0.0.0.0/1", "admin/*"}).Draw(t, "name"),
				Owner: "alice", Reason: "r", Granted: granted, Until: granted.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "hours")) * time.Hour),
			})
		}
		var doc access.Findings
		var in Input
		for step := range rapid.IntRange(1, 6).Draw(t, "steps") {
			in = waivedWorld(t0.Add(time.Duration(step)*17*time.Hour), waivers...)
			var entries, users []access.State
			for _, x := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{wideOpen, "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "203.0.113.9/32"}), rapid.ID).Draw(t, "entries") {
				entries = append(entries, access.IPAccessEntry{Entry: x})
			}
			for _, u := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"prod_app_user", "somebody"}), rapid.ID).Draw(t, "users") {
				users = append(users, access.DatabaseUser{Database: "admin", Username: u, Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "atlasAdmin", Database: "admin"}}})
			}
			for k, states := range map[access.Kind][]access.State{access.KindIPAccessEntry: entries, access.KindDatabaseUser: users} {
				c := access.NewCollection(prj, k, states)
				c.FirstRead = t0
				in.Collections[k] = c
			}
			in.Standing, in.Open = doc.Standing, doc.Findings
			doc, _ = e.Advance(doc, in, e.Evaluate(in))
		}
		in.Standing, in.Open = nil, nil
		once, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
		if a, b := standing(doc), standing(once); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("step by step %v, at once %v", a, b)
		}
	})
}

func standing(doc access.Findings) map[string]access.FindingState {
	out := map[string]access.FindingState{}
	for _, f := range doc.Findings {
		if f.Open() {
			out[f.Rule+" "+f.Ref.Name+" "+f.Waiver.ID] = f.State
		}
	}
	return out
}

// TestExpectedIsNoted: the finding of a change that was announced says so, also when who
// made it becomes known only later.
func TestExpectedIsNoted(t *testing.T) {
	p := testPolicy()
	p.Principals = []access.Principal{{ID: "alice", Email: "alice@example.com"}, {ID: "rajesh", Email: "rajesh@example.com"}}
	p.Expectations = []access.Expectation{{V: 1, ID: "cutover", Actor: "alice", Rule: "network/*", From: t0, Until: t0.Add(time.Hour), Reason: "r", Approved: "rajesh"}}
	e := mustLoad(t, p)
	alice := access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}
	for _, c := range []struct {
		name         string
		first, later access.Actor
		want         string
	}{
		{"known at once", alice, access.Actor{}, "cutover"},
		{"known later", access.Actor{}, alice, "cutover"},
		{"somebody else", access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}, access.Actor{}, ""},
		{"the approver", access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}, access.Actor{}, ""},
		{"nobody knows", access.Actor{}, access.Actor{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := waivedWorld(t0.Add(time.Minute))
			col := in.Collections[access.KindIPAccessEntry]
			r := &col.Resources[0]
			r.FirstSeen, r.ChangedAt, r.Cause, r.Actor = t0.Add(30*time.Second), t0.Add(30*time.Second), string(prj)+".ip_access_entry.1.0", c.first
			change := access.Change{
				V: 1, ID: r.Cause, Ref: access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: wideOpen}, Op: access.OpCreated, After: r.Box,
				Actor: c.first, Occurred: r.ChangedAt, Observed: r.ChangedAt,
			}
			in.Changes = []access.Change{change}
			doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
			if c.later.Type != access.ActorUnknown {
				late := change
				late.Op, late.Rev, late.After, late.Actor = access.OpAttributed, 1, access.Box{}, c.later
				in.Changes, in.Open, in.Now, r.Actor = []access.Change{change, late}, doc.Findings, in.Now.Add(time.Minute), c.later
				doc, _ = e.Advance(doc, in, e.Evaluate(in))
			}
			if f := theOne(t, doc, ruleOpenToWorld); f.Expected != c.want {
				t.Errorf("expected by %q, want %q", f.Expected, c.want)
			}
		})
	}
}

// TestWaivedEntryStaysAsLongAsItIsWaived: where the severity is lower the waiver holds
// longer, and so long nothing else deletes the entry.
func TestWaivedEntryStaysAsLongAsItIsWaived(t *testing.T) {
	e := mustLoad(t, testPolicy())
	w := waiverOf(t0, 7*24*time.Hour)
	w.Project = ""
	in := waivedWorld(t0.Add(72*time.Hour), w)
	in.Environment = "dev"
	in.Collections[access.KindProject] = access.NewCollection(prj, access.KindProject, []access.State{access.Project{ID: prjID, Title: "shop-dev"}})
	c := access.NewCollection(prj, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: wideOpen}, access.IPAccessEntry{Entry: "0.0.0.0/1"}, access.IPAccessEntry{Entry: "128.0.0.0/1"}})
	c.FirstRead = t0
	for i := range c.Resources {
		at := t0.Add(70 * time.Hour)
		if c.Resources[i].Name() != wideOpen {
			at = at.Add(time.Hour)
		}
		c.Resources[i].FirstSeen, c.Resources[i].ChangedAt = at, at
	}
	in.Collections[access.KindIPAccessEntry] = c
	doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
	f := theOne(t, doc, ruleOpenToWorld)
	for _, g := range doc.Findings {
		if g.Rule == ruleOpenToWorld {
			if g.State != access.FindingOpen {
				continue
			}
			for _, x := range g.Evidence.Causes {
				if x.Name == wideOpen && f.State == access.FindingWaived {
					t.Errorf("%s is waived until %s, and %s would delete it", x.Name, f.Waiver.Until, g.Ref.Name)
				}
			}
		}
	}
}

// TestWaiverIsNotTakenOverByName: whoever may rename a project chooses no waiver for it.
func TestWaiverIsNotTakenOverByName(t *testing.T) {
	e := mustLoad(t, testPolicy())
	w := waiverOf(t0, 20*time.Hour)
	w.Project = "shop-dev"
	in := waivedWorld(t0.Add(time.Hour), w)
	in.Collections[access.KindProject] = access.NewCollection(prj, access.KindProject, []access.State{access.Project{ID: prjID, Title: "shop-dev"}})
	doc, _ := e.Advance(access.Findings{Environment: "prod"}, in, e.Evaluate(in))
	f := theOne(t, doc, ruleOpenToWorld)
	if f.State != access.FindingOpen {
		t.Errorf("%s: a production project took over the waiver of shop-dev with its name", f.State)
	}
	w.Project = prjID
	in.Waivers = []access.Waiver{w}
	doc, _ = e.Advance(access.Findings{Environment: "prod"}, in, e.Evaluate(in))
	if f := theOne(t, doc, ruleOpenToWorld); f.State != access.FindingWaived {
		t.Errorf("%s: its id means it whatever it is called", f.State)
	}
}

// TestJudgeTakesWhatTheExecutorGives: of the kinds that Takes names alone, the verdict is that of
// the whole: waivers go by the name of the project.
func TestJudgeTakesWhatTheExecutorGives(t *testing.T) {
	e := mustLoad(t, testPolicy())
	half := access.Waiver{V: 1, ID: "w1", Rule: ruleOpenToWorld, Name: "0.0.0.0/1", Project: "shop-prod", Owner: "alice", Reason: "agreed", Granted: t0, Until: t0.Add(20 * time.Hour)}
	in := waivedWorld(t0.Add(3*time.Hour), half)
	c := access.NewCollection(prj, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: "0.0.0.0/1"}, access.IPAccessEntry{Entry: "128.0.0.0/1"}})
	c.FirstRead = t0
	for i := range c.Resources {
		r := &c.Resources[i]
		at := t0.Add(time.Duration(i+1) * time.Hour)
		r.FirstSeen, r.ChangedAt, r.Cause, r.Actor = at, at, "c"+r.Name(), access.Actor{Type: access.ActorHuman, Name: "x@example.com"}
	}
	in.Collections[access.KindIPAccessEntry] = c
	ref := access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: prj.ID()}
	daemon := e.Judge(in, ruleOpenToWorld, ref, "")
	executor := in
	executor.Collections = map[access.Kind]access.Collection{}
	for _, k := range e.Takes(ruleOpenToWorld, prj) {
		executor.Collections[k] = in.Collections[k]
	}
	again := e.Judge(executor, ruleOpenToWorld, ref, "")
	if len(daemon.Evidence.Causes) != len(again.Evidence.Causes) || daemon.Ceiling != again.Ceiling {
		t.Errorf("the executor's verdict has causes %v (%v), the daemon's %v (%v)", again.Evidence.Causes, again.Ceiling, daemon.Evidence.Causes, daemon.Ceiling)
	}
}
