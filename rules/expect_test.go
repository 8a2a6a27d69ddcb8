package rules

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestExpected(t *testing.T) {
	alice := access.Actor{Type: access.ActorHuman, Name: "Alice@Example.com"}
	key := access.Actor{Type: access.ActorAPIKey, Name: "abcdefgh", Principal: "ci"}
	rajesh := access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com", Principal: "rajesh"}
	within := access.Expectation{ID: "x", Actor: "alice", From: t0, Until: t0.Add(time.Hour), Reason: "move", Approved: "rajesh"}
	with := func(f func(*access.Expectation)) access.Expectation { x := within; f(&x); return x }
	for name, tc := range map[string]struct {
		x       access.Expectation
		actor   access.Actor
		at      time.Duration
		want    bool
		awaited bool
	}{
		"by the principal's id":           {x: within, actor: alice, want: true},
		"at the last instant":             {x: within, actor: alice, at: time.Hour - 1, want: true},
		"when it is over":                 {x: within, actor: alice, at: time.Hour},
		"before it begins":                {x: within, actor: alice, at: -1},
		"without an end":                  {x: with(func(x *access.Expectation) { x.Until = time.Time{} }), actor: alice},
		"by another one":                  {x: within, actor: key},
		"by nobody known":                 {x: within, awaited: true},
		"by nobody known, too late":       {x: within, at: time.Hour},
		"by the principal of a machine":   {x: with(func(x *access.Expectation) { x.Actor = "ci" }), actor: key, want: true},
		"by what the principal owns":      {x: with(func(x *access.Expectation) { x.Actor = "terraform" }), actor: key, want: true},
		"by a pattern":                    {x: with(func(x *access.Expectation) { x.Actor = "*@example.com" }), actor: alice, want: true},
		"a pattern is for the known":      {x: with(func(x *access.Expectation) { x.Actor = "*@example.com" }), awaited: true},
		"anybody and anything":            {x: with(func(x *access.Expectation) { x.Actor, x.Name = "*", "**" }), actor: alice},
		"everybody, and what has a slash": {x: with(func(x *access.Expectation) { x.Actor, x.Name = "*@*", "*/*" }), actor: alice},
		"for longer than 30 days":         {x: with(func(x *access.Expectation) { x.Until = x.From.Add(access.LongestExpectation + 1) }), actor: alice},
		"for ever": {x: with(func(x *access.Expectation) {
			x.From, x.Until = time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		}), actor: alice},
		"nobody approved it":            {x: with(func(x *access.Expectation) { x.Approved = "" }), actor: alice},
		"the actor approved it":         {x: with(func(x *access.Expectation) { x.Actor, x.Approved = "*@example.com", "rajesh" }), actor: rajesh},
		"the actor approved it by name": {x: with(func(x *access.Expectation) { x.Actor, x.Approved = "*@example.com", "RAJESH@example.com" }), actor: rajesh},
		"approved by who is to act":     {x: with(func(x *access.Expectation) { x.Approved = "alice" }), actor: alice},
		"neither actor nor name":        {x: with(func(x *access.Expectation) { x.Actor = "" }), actor: alice},
		"by name only":                  {x: with(func(x *access.Expectation) { x.Actor, x.Name = "", "bob@*" }), actor: alice, want: true},
		"the actor approved it, and acts through another": {x: with(func(x *access.Expectation) { x.Actor, x.Name, x.Approved = "", "bob@*", "rajesh" }),
			actor: access.Actor{Type: access.ActorDelegated, Name: "an app", OnBehalfOf: "rajesh@example.com"}},
		"the actor approved it, and is named by what is owned": {x: with(func(x *access.Expectation) { x.Actor, x.Name, x.Approved = "", "bob@*", "terraform" }),
			actor: access.Actor{Type: access.ActorAPIKey, Name: "a key for ci", ID: "abcdefgh"}},
		"by name only, of nobody known":     {x: with(func(x *access.Expectation) { x.Actor, x.Name = "", "bob@*" }), want: true},
		"another name":                      {x: with(func(x *access.Expectation) { x.Name = "eve@*" }), actor: alice},
		"its kind":                          {x: with(func(x *access.Expectation) { x.Kind = access.KindProjectMember }), actor: alice, want: true},
		"another kind":                      {x: with(func(x *access.Expectation) { x.Kind = access.KindTeamGrant }), actor: alice},
		"its rules":                         {x: with(func(x *access.Expectation) { x.Rule = "member/*" }), actor: alice, want: true},
		"other rules":                       {x: with(func(x *access.Expectation) { x.Rule = "network/*" }), actor: alice},
		"the project by name":               {x: with(func(x *access.Expectation) { x.Project = "*-prod" }), actor: alice, want: true},
		"the project by id":                 {x: with(func(x *access.Expectation) { x.Project = prjID }), actor: alice, want: true},
		"another project":                   {x: with(func(x *access.Expectation) { x.Project = "*-dev" }), actor: alice},
		"a principal's id is no one's name": {x: with(func(x *access.Expectation) { x.Actor = "Alice" }), actor: alice},
	} {
		t.Run(name, func(t *testing.T) {
			p := Policy{Expectations: []access.Expectation{tc.x}, Principals: []access.Principal{
				{ID: "alice", Atlas: []string{"alice@example.com"}}, {ID: "rajesh", Email: "rajesh@example.com"}, {ID: "terraform", Owns: []string{"abcdefgh"}},
			}}
			c := access.Change{Ref: access.Ref{Scope: prj, Kind: access.KindProjectMember, Name: "bob@example.com"}, Actor: tc.actor, Occurred: t0.Add(tc.at)}
			x, got := p.Expected(nil, c, "member/role-raised", "shop-prod")
			if got != tc.want || got && x.ID != "x" {
				t.Errorf("Expected = %v (%s), want %v", got, x.ID, tc.want)
			}
			stored := Policy{Principals: p.Principals}
			if _, also := stored.Expected(p.Expectations, c, "member/role-raised", "shop-prod"); also != got {
				t.Errorf("stored, it is expected %v, configured %v", also, got)
			}
			if got := p.Awaited(nil, c, "member/role-raised", "shop-prod"); got != tc.awaited {
				t.Errorf("Awaited = %v, want %v", got, tc.awaited)
			}
		})
	}
}

// TestAnnouncedOnceTheActorIsKnown: a change that is announced waits for the word on who
// made it, and is told if that is another one, or if no word comes.
func TestAnnouncedOnceTheActorIsKnown(t *testing.T) {
	alice, mallory := access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}, access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
	for name, tc := range map[string]struct {
		late access.Actor
		wait time.Duration
		want access.FindingState
	}{
		"no word yet":         {wait: time.Minute},
		"it was alice":        {late: alice, wait: time.Minute},
		"it was mallory":      {late: mallory, wait: time.Minute, want: access.FindingOpen},
		"nobody ever told":    {wait: lateWord, want: access.FindingOpen},
		"alice after a while": {late: alice, wait: lateWord},
	} {
		t.Run(name, func(t *testing.T) {
			p := testPolicy()
			p.Expectations = []access.Expectation{{Actor: "alice@example.com", From: t0, Until: t0.Add(time.Hour), Approved: "bob"}}
			e := mustLoad(t, p)
			member := func(roles ...string) access.Box {
				return access.Box{State: access.ProjectMember{Username: "bob@example.com", Roles: roles}}
			}
			ref := access.Ref{Scope: prj, Kind: access.KindProjectMember, Name: "bob@example.com"}
			c := access.Change{ID: "c", Ref: ref, Op: access.OpUpdated, Before: member("GROUP_READ_ONLY"), After: member("GROUP_OWNER"), Occurred: t0.Add(time.Minute), Observed: t0.Add(time.Minute)}
			in := Input{Scope: prj, Environment: "prod", Now: c.Observed, Changes: []access.Change{c}, Collections: map[access.Kind]access.Collection{
				ref.Kind: access.NewCollection(prj, ref.Kind, []access.State{c.After.State}),
			}}
			doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
			in.Changes, in.Now = nil, in.Now.Add(tc.wait)
			if tc.late.Name != "" {
				c.Op, c.Rev, c.Actor = access.OpAttributed, 1, tc.late
				in.Changes = []access.Change{c}
			}
			for range 2 {
				in.Standing, in.Open = doc.Standing, doc.Findings
				doc, _ = e.Advance(doc, in, e.Evaluate(in))
				in.Changes = nil
			}
			var got access.FindingState
			for _, f := range doc.Findings {
				if f.Rule == "member/role-raised" {
					got = f.State
				}
			}
			if got != tc.want {
				t.Errorf("finding %q, want %q", got, tc.want)
			}
		})
	}
}

// TestApproverTurnsOutToBeTheActor: what was noted while nobody knew who acted is taken back
// once the word comes that it was the one who approved it.
func TestApproverTurnsOutToBeTheActor(t *testing.T) {
	p := testPolicy()
	p.Principals = []access.Principal{{ID: "rajesh", Email: "rajesh@example.com"}}
	p.Expectations = []access.Expectation{{V: 1, ID: "cutover", Name: wideOpen, Rule: "network/*", From: t0, Until: t0.Add(time.Hour), Reason: "r", Approved: "rajesh"}}
	e := mustLoad(t, p)
	for _, again := range []bool{true, false} {
		in := waivedWorld(t0.Add(time.Minute))
		col := in.Collections[access.KindIPAccessEntry]
		r := &col.Resources[0]
		r.FirstSeen, r.ChangedAt, r.Cause = t0.Add(30*time.Second), t0.Add(30*time.Second), string(prj)+".ip_access_entry.1.0"
		change := access.Change{V: 1, ID: r.Cause, Ref: access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: wideOpen}, Op: access.OpCreated, After: r.Box, Occurred: r.ChangedAt, Observed: r.ChangedAt}
		in.Changes = []access.Change{change}
		doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
		late := change
		late.Op, late.Rev, late.Actor = access.OpAttributed, 1, access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
		in.Changes, in.Open, in.Now, r.Actor = []access.Change{late}, doc.Findings, in.Now.Add(time.Minute), late.Actor
		if again {
			in.Changes = []access.Change{change, late}
		}
		doc, _ = e.Advance(doc, in, e.Evaluate(in))
		if f := theOne(t, doc, ruleOpenToWorld); f.Expected != "" {
			t.Errorf("again %v: expected by %q, and %q both approved and did it", again, f.Expected, f.Actor.Name)
		}
	}
}

// TestAnnouncedChangesAreNotes: by every change rule, what one of its own tests shows to be a
// violation is a note once the change was announced to the rule; a critical one not by an
// expectation that names no rule.
func TestAnnouncedChangesAreNotes(t *testing.T) {
	rules := map[string]bool{}
	builtinWorlds(t, func(t *testing.T, r *Rule, test fileTest) {
		if test.world.Change == nil {
			return
		}
		of := r
		if r.changes != nil {
			of = r.changes
		}
		judge := func(rule string) (out []access.Verdict) {
			w := test.world
			w.Expected = []access.Expectation{
				{ID: "over", Name: "*", Actor: "*", Rule: rule, From: test.world.Change.Occurred.Add(-time.Hour), Until: test.world.Change.Occurred.Add(time.Hour), Approved: "somebody"},
			}
			for _, c := range append(test.world.Changes, *test.world.Change) {
				w.Expected = append(w.Expected, access.Expectation{ID: "x", Name: c.Name, Rule: rule, From: c.Occurred.Add(-time.Hour), Until: c.Occurred.Add(time.Hour), Approved: "somebody"})
			}
			_, _, all := judgeWorld(t, r, w)
			for _, v := range all {
				if r.asks(v.Key).On == OnChange && v.Answer == access.AnswerViolation {
					out = append(out, v)
				}
			}
			return out
		}
		_, _, plain := judgeWorld(t, r, test.world)
		for _, v := range plain {
			if r.asks(v.Key).On != OnChange || v.Answer != access.AnswerViolation || test.world.Change.Name == "" || v.Severity == access.Info {
				continue
			}
			rules[r.ID] = true
			for _, got := range judge(r.ID) {
				if got.Severity != access.Info || got.Message == "" {
					t.Errorf("announced, %s is %s (%s): want a note", got.Ref.Name, got.Severity, got.Message)
				}
			}
			for _, got := range judge("") {
				if (got.Severity != access.Info) != (of.Severity == access.Critical) {
					t.Errorf("announced to no rule, %s is %s, and the rule is %s", got.Ref.Name, got.Severity, of.Severity)
				}
			}
		}
	})
	for _, r := range mustLoad(t, testPolicy()).rules {
		if (r.On == OnChange || r.changes != nil) && !rules[r.ID] {
			t.Errorf("%s: none of its tests shows what an announcement makes of it", r.ID)
		}
	}
}

// TestNotedOnce: what was announced stays a note when the expectation goes out of the store,
// and is told in full where the actor turns out to be another one.
func TestNotedOnce(t *testing.T) {
	alice, mallory := access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}, access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
	p := testPolicy()
	e := mustLoad(t, p)
	x := access.Expectation{V: 1, ID: "ldap", Actor: "alice@example.com", Rule: "dbauth/*", From: t0, Until: t0.Add(time.Hour), Approved: "bob"}
	ref := access.Ref{Scope: prj, Kind: access.KindDatabaseAuth, Name: prjID}
	for name, tc := range map[string]struct {
		actor access.Actor
		kept  bool
		want  []access.Severity // at first, and once the store has the expectation or not
	}{
		"by alice, as announced":        {alice, true, []access.Severity{access.Info, access.Info}},
		"and the store forgets of it":   {alice, false, []access.Severity{access.Info, access.Info}},
		"by mallory":                    {mallory, true, []access.Severity{access.Medium, access.Medium}},
		"of whom nobody told so far":    {access.Actor{}, true, []access.Severity{access.Medium, access.Medium}},
		"mallory, and the store forgot": {mallory, false, []access.Severity{access.Medium, access.Medium}},
	} {
		t.Run(name, func(t *testing.T) {
			c := access.Change{ID: "c", Ref: ref, Op: access.OpUpdated, Fields: []string{"hostname"}, Before: access.Box{State: access.DatabaseAuth{Hostname: "a"}}, After: access.Box{State: access.DatabaseAuth{Hostname: "b"}}, Occurred: t0.Add(time.Minute), Observed: t0.Add(time.Minute), Actor: tc.actor}
			in := Input{Scope: prj, Environment: "prod", Now: c.Observed, Changes: []access.Change{c}, Expected: []access.Expectation{x}, Collections: map[access.Kind]access.Collection{
				ref.Kind: access.NewCollection(prj, ref.Kind, []access.State{c.After.State}),
			}}
			doc := access.Findings{}
			for i, want := range tc.want {
				doc, _ = e.Advance(doc, in, e.Evaluate(in))
				var f access.Finding
				for _, f = range doc.Findings { // there is one
				}
				if f.Rule != "dbauth/changed" || f.Severity != want || (f.Expected != "") != (want == access.Info) {
					t.Errorf("judgement %d: %s, expected %q, want %s", i, f.Severity, f.Expected, want)
				}
				in.Changes, in.Standing, in.Open, in.Now = nil, doc.Standing, doc.Findings, in.Now.Add(time.Hour)
				if !tc.kept {
					in.Expected = nil
				}
			}
		})
	}
}
