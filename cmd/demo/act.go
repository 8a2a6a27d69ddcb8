package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// act is one step while it is played. It collects what was seen and what does not hold;
// nothing in it is taken on trust from the step's own text.
type act struct {
	*story
	ctx     context.Context
	mark    int       // how many facts there were when it began
	effects int       // how many changes of state Atlas had recorded
	before  sim.World // as it was
	at      time.Time // when the thing happened that is to be noticed

	seen      []string
	wrong     []string
	result    string        // how it ended, in a word or two
	detected  time.Duration // zero: does not apply
	contained time.Duration
	shut      time.Duration // until the last write took effect in Atlas
}

// patience bounds each wait of a step.
const patience = 15 * time.Second

func (a *act) note(format string, args ...any) { a.seen = append(a.seen, fmt.Sprintf(format, args...)) }

func (a *act) must(ok bool, format string, args ...any) bool {
	if !ok {
		a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
	}
	return ok
}

// request is one request to the Admin API, or the click that makes it.
type request struct{ method, path, body string }

// does lets somebody act in Atlas, says so before, and starts the clock.
func (a *act) does(who actor, what string, requests ...request) {
	a.screen.person(who.name, who.how, what)
	a.at = time.Now()
	for _, r := range requests {
		if err := who.do(a.ctx, a.set, r); err != nil {
			a.must(false, "%s could not do it: %v", who.name, err)
		}
	}
}

// await waits for a fact of this step.
func (a *act) await(what string, match func(fact) bool) (fact, bool) {
	ctx, cancel := context.WithTimeout(a.ctx, patience)
	defer cancel()
	f, ok := a.facts.await(ctx, a.mark, match)
	return f, a.must(ok, "no %s within %s", what, patience)
}

// until waits for a condition that no fact announces.
func (a *act) until(what string, holds func() bool) bool {
	ctx, cancel := context.WithTimeout(a.ctx, patience)
	defer cancel()
	return a.must(until(ctx, holds), "%s: not within %s", what, patience)
}

// detect waits for the finding and notes how long it took.
func (a *act) detect(rule, name string) (access.Finding, bool) {
	f, ok := a.await("finding "+rule+" on "+a.nameOf(name), func(f fact) bool { return f.opened(rule, name) })
	if !ok {
		return access.Finding{}, false
	}
	a.detected = f.at.Sub(a.at)
	got := f.finding.Finding
	a.note("%s %s on %s", got.Severity, got.Rule, a.nameOf(got.Ref.Name))
	return got, true
}

// attributed waits until the finding names who did it: events may come after the read.
func (a *act) attributed(id, name string) {
	var got string
	ok := a.until("the finding names "+name, func() bool {
		f, _ := a.finding(a.ctx, id)
		got = f.Actor.Name
		return got == name
	})
	if ok {
		a.note("done by %s", got)
	}
}

// verify waits until the action on the finding is verified and checks what it did: the
// writes that Atlas recorded under its id are these and no others, the finding resolves,
// and the project is then as want makes it from how it was.
func (a *act) verify(f access.Finding, project string, want func(sim.Project) sim.Project, writes ...string) {
	id := access.ActionID(f.ID, f.Episode)
	done, ok := a.await("end of the action", func(x fact) bool { return x.ended(id) })
	if !ok {
		return
	}
	got := done.decision.Action
	if !a.must(got.State == access.ActionVerified, "the action ended as %s: %s", got.State, got.Why) {
		return
	}
	a.contained = done.at.Sub(a.at)
	var made []string
	for _, e := range a.effectsOf(id) {
		made = append(made, e.OperationID+" "+e.Target)
		a.shut = e.At.Sub(a.at)
	}
	slices.Sort(made)
	slices.Sort(writes)
	a.must(slices.Equal(made, writes), "Atlas recorded the writes %q and not %q", made, writes)
	a.await("end of the finding", func(x fact) bool {
		return x.finding != nil && x.finding.Finding.ID == f.ID && x.finding.Finding.Episode == f.Episode && x.finding.To == access.FindingResolved
	})
	a.asWas(project, want)
	a.result = "reverted"
	a.note("%s; read back and verified", got.Plan.Why)
}

// untouched waits until the action on the finding has ended by telling, and checks that
// nothing was written for it.
func (a *act) untouched(f access.Finding) {
	id := access.ActionID(f.ID, f.Episode)
	done, ok := a.await("end of the action", func(x fact) bool { return x.ended(id) })
	if !ok {
		return
	}
	got := done.decision.Action
	a.must(got.State == access.ActionTold, "the action ended as %s: %s", got.State, got.Why)
	a.must(len(got.Outcome.Requests) == 0 && len(a.effectsOf(id)) == 0, "something was written: %q", got.Outcome.Requests)
	a.result = "told"
}

// effectsOf are the changes of state that Atlas recorded under the action's id.
func (a *act) effectsOf(id string) []sim.Effect {
	return slices.DeleteFunc(a.set.atlas.Effects(), func(e sim.Effect) bool { return e.ActionID != id })
}

// ours are the changes of state since the act began that carry any action's id.
func (a *act) ours() []sim.Effect {
	return slices.DeleteFunc(a.set.atlas.Effects()[a.effects:], func(e sim.Effect) bool { return e.ActionID == "" })
}

// asWas checks the project against how it was when the act began, changed by want. Nil
// is: in no way, but for the user whose date may pass at any time.
func (a *act) asWas(name string, want func(sim.Project) sim.Project) {
	p, _ := project(a.before, name)
	q, _ := project(a.set.atlas.Snapshot(), name)
	if want == nil {
		p, q = without(p, migrationUser), without(q, migrationUser)
	} else {
		p = want(p)
	}
	wanted, got := text(p), text(q)
	a.must(wanted == got, "%s is not as it should be: %s", name, firstDifference(wanted, got))
}

func without(p sim.Project, user string) sim.Project {
	p.DatabaseUsers = slices.DeleteFunc(slices.Clone(p.DatabaseUsers), func(u sim.DatabaseUser) bool { return u.Username == user })
	return p
}

// text is a project as a document, without what logins leave.
func text(p sim.Project) string {
	p.AccessHistory = nil
	raw, err := sim.World{Orgs: []sim.Org{{Projects: []sim.Project{p}}}}.YAML()
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "nothing", "nothing"
		if i < len(w) {
			a = strings.TrimSpace(w[i])
		}
		if i < len(g) {
			b = strings.TrimSpace(g[i])
		}
		if a != b {
			return fmt.Sprintf("want %q, have %q", a, b)
		}
	}
	return ""
}

// actor is somebody who does things in Atlas, and how.
type actor struct {
	name, how string
	do        func(ctx context.Context, s *set, r request) error
}

// person acts in the Atlas user interface.
func person(name, address string) actor {
	return byHand(name, "in the Atlas console", sim.Actor{Username: name, RemoteAddress: address})
}

// legacyKey acts with the API key of an old build server.
func legacyKey(public string) actor {
	return byHand(public, "a legacy API key", sim.Actor{PublicKey: public, RemoteAddress: "198.51.100.90"})
}

func byHand(name, how string, who sim.Actor) actor {
	return actor{name, how, func(_ context.Context, s *set, r request) error {
		var payload any
		if r.body != "" {
			payload = r.body
		}
		if status, answer := s.atlas.Do(who, r.method, r.path, payload); status >= 300 {
			return fmt.Errorf("%s %s: answer %d: %s", r.method, r.path, status, answer)
		}
		return nil
	}}
}

// transition tells of the first finding of this rule and name that opened in the act;
// empty: none did.
func (a *act) transition(rule, name string) string {
	list, _ := a.facts.since(a.mark)
	for _, f := range list {
		if f.opened(rule, name) && f.ref().Scope == access.ProjectScope(a.id(prod)) {
			return f.finding.Finding.Message
		}
	}
	return ""
}

// nameOf is a resource's name for people: a project is called by its name.
func (a *act) nameOf(name string) string {
	for _, p := range a.opening.Orgs[0].Projects {
		if p.ID == name {
			return p.Name + " as a whole"
		}
	}
	return name
}
