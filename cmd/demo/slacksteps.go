package main

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// slackSteps is the story as a team lives it in Slack. Each step goes on once it was decided,
// whatever the decision.
func slackSteps() []step {
	return []step{
		{"guest", "A guest would like to help", "refused, with the reason; nothing written", guestRefused},
		{"revert", "One click", "0.0.0.0/0 deleted and read back, and the card says so; the rest as before", oneClick},
		{"grace", "Nobody needs to do anything", "announced, with the time; then the roles put back, and the card says so", nobodyActs},
		{"elsewhere", "Decided at a terminal", "Alice approves by the API; the card turns, and offers nothing any more", decidedElsewhere},
		{"keep", "Something may stay for a while", "kept by two people, for a reason and a time; nothing written", keptByTwo},
	}
}

func rajesh() actor { return person("rajesh@example.com", "203.0.113.61") }

// opener is the request that opens a project to the world.
func (a *act) opener(name, comment string) request {
	return request{"POST", a.path(name, "accessList"), `[{"cidrBlock": "0.0.0.0/0", "comment": "` + comment + `"}]`}
}

// opens lets somebody open production to the world, and waits for the card.
func (a *act) opens(who actor, comment string) (access.Finding, bool) {
	name := prod
	a.does(who, "adds 0.0.0.0/0 to "+name, a.opener(name, comment))
	f, ok := a.await("finding of "+name, func(f fact) bool {
		return f.opened(ruleOpen, world) && f.ref().Scope == access.ProjectScope(a.id(name))
	})
	if !ok {
		return access.Finding{}, false
	}
	a.detected = f.at.Sub(a.at)
	got := f.finding.Finding
	_, ok = a.card(got.ID, world, name, buttonYes, who.name)
	return got, ok
}

// standing is the finding of a project's being open, from an earlier step.
func (a *act) standing(name string) (access.Finding, bool) {
	all, err := a.set.daemon.AllFindings(a.ctx)
	if err != nil {
		return access.Finding{}, false
	}
	for _, f := range all {
		if f.Rule == ruleOpen && f.Ref.Name == world && f.Ref.Scope == access.ProjectScope(a.id(name)) {
			return f, true
		}
	}
	return access.Finding{}, false
}

func guestRefused(a *act) {
	a.screen.say("Rajesh tries to reach production from a café. A card appears in #atlas-prod: what, who, what it exposes, what a click does.")
	f, ok := a.opens(rajesh(), "temporary, from the café")
	if !ok {
		return
	}
	m, _ := a.card(f.ID, buttonYes)
	a.asks(deskGustav, "click Revert now as Gustav, who is a guest and sees the card, too", func() error { return a.clicks(deskGustav, m, buttonYes) })
	a.decided("Gustav is told", func() bool { return a.told(deskGustav) != "" || a.over(f) })
	a.result = "refused"
	if a.told(deskGustav) == "" {
		a.note("nobody tried")
		a.result = "not tried"
		return
	}
	a.must(len(a.state(f).Votes) == 0 && a.has(prod, world), "the guest's click did something")
	a.note("only Gustav is told, and why")
}

func oneClick(a *act) {
	f, ok := a.standing(prod)
	if !a.must(ok, "the finding is not there") {
		return
	}
	m, ok := a.card(f.ID)
	if !ok {
		return
	}
	a.asks(deskBob, "click Revert now as Bob", func() error {
		a.at = time.Now()
		return a.clicks(deskBob, m, buttonYes)
	})
	if !a.decided("the decision", func() bool { return a.over(f) }) {
		return
	}
	if x := a.state(f); x.State != access.ActionVerified {
		a.let(x)
		return
	}
	a.must(!a.has(prod, world), "0.0.0.0/0 is still there")
	a.turned(m, "put right and verified")
	a.reverted()
}

// reverted notes when it was.
func (a *act) reverted() {
	if a.once {
		a.contained = time.Since(a.at)
	}
	a.result = "reverted"
}

// let is the story's way on when the reader decided otherwise: whoever opened it shuts it.
func (a *act) let(x access.Action) {
	a.result = "decided otherwise: " + string(x.State)
	a.note("%s", a.result)
	for _, name := range []string{prod, dev} {
		if x.Ref.Scope == access.ProjectScope(a.id(name)) && a.has(name, world) {
			a.does(rajesh(), "takes it away by himself", request{"DELETE", a.path(name, "accessList/0.0.0.0%2F0"), ""})
			a.until("the finding ends", func() bool { f, ok := a.standing(name); return !ok || f.State != access.FindingOpen })
		}
	}
}

func keptByTwo(a *act) {
	a.screen.say("The card of dev has come by now. There it may be right for a while. Keeping takes as many people as fixing, a time, and a reason, and never who made the change.")
	f, ok := a.standing(dev)
	if !a.must(ok, "the finding is not there") {
		return
	}
	m, ok := a.card(f.ID)
	if !ok {
		return
	}
	a.asks(deskBob, "click Keep for … as Bob, give a time and a reason; then agree to it as Alice", func() error {
		if err := a.clicks(deskBob, m, buttonKeep); err != nil {
			return err
		}
		if err := a.fills(deskBob, formKeep, map[string]any{"for": "4h0m0s", "reason": "planned", "ticket": "OPS-7"}); err != nil {
			return err
		}
		if _, ok := a.card(f.ID, buttonAgree); !ok {
			return nil // it is told
		}
		return a.clicks(deskAlice, m, buttonAgree)
	})
	if !a.decided("the decision", func() bool { return a.over(f) }) {
		return
	}
	now, _ := a.finding(a.ctx, f.ID)
	if now.State != access.FindingWaived {
		a.until("what was decided is done", func() bool { return a.state(f).State.Done() })
		a.result = "decided otherwise: " + string(a.state(f).State)
		return
	}
	a.must(a.has(dev, world), "what was kept is gone")
	a.turned(m, "waived until")
	a.result = "kept for a while"
}

func nobodyActs(a *act) {
	a.screen.say("This one is reverted by itself: the card says when, and who is on call may deny it until then.")
	a.does(rajesh(), "adds 0.0.0.0/0 to "+dev+", too: that is high and not critical, and its card waits ten seconds for others of one cause", a.opener(dev, "load test from the office"))
	grant := `{"roles": [{"roleName": "readWrite", "databaseName": "ecommerce"}, {"roleName": "atlasAdmin", "databaseName": "admin"}]}`
	a.does(rajesh(), "makes "+appUser+" administrator of "+prod, request{"PATCH", a.user(appUser), grant})
	f, ok := a.detect(ruleAdmin, "admin/"+appUser)
	if !ok {
		return
	}
	m, ok := a.card(f.ID, "Will be put right", buttonNo)
	if !ok {
		return
	}
	a.asks(deskAlice, "watch the card as Alice: the revert is announced. Do nothing, or deny it", func() error { return nil })
	if !a.decided("the revert", func() bool { return a.over(f) && a.state(f).State.Done() }) {
		return
	}
	if x := a.state(f); x.State != access.ActionVerified {
		a.result = "decided otherwise: " + string(x.State)
		return
	}
	a.must(a.rolesAreBack(), "the roles of %s are not those from before", appUser)
	a.turned(m, "put right and verified")
	a.reverted()
}

func (a *act) rolesAreBack() bool {
	was, _ := dbUser(a.before, prod, appUser)
	is, ok := dbUser(a.set.atlas.Snapshot(), prod, appUser)
	return ok && text(sim.Project{DatabaseUsers: []sim.DatabaseUser{was}}) == text(sim.Project{DatabaseUsers: []sim.DatabaseUser{is}})
}

// homeward is how long Alice takes to her terminal: time for the reader to open the card.
const homeward = 8 * time.Second

func decidedElsewhere(a *act) {
	a.screen.say("Production again, by an old build server. This time nobody clicks: Alice decides at her terminal, and the card in Slack must not stay behind.")
	f, ok := a.opens(legacyKey(a.story.opening.Orgs[0].APIKeys[0].PublicKey), "nightly build")
	if !ok {
		return
	}
	m, ok := a.card(f.ID)
	if !ok {
		return
	}
	a.asks(deskBob, "watch the card as Bob: its buttons go, and it names Alice", func() error { return nil })
	if !a.once {
		until(a.ctx, func() bool { return time.Since(a.at) > homeward })
	}
	x := a.state(f)
	a.screen.person("Alice", "at her terminal", "gatewarden decide "+x.ID+" approve")
	a.at = time.Now()
	if err := a.votes(a.ctx, x); err != nil && a.once {
		a.must(false, "Alice could not decide: %v", err)
	}
	if !a.decided("the decision", func() bool { return a.over(f) }) {
		return
	}
	if x := a.state(f); x.State != access.ActionVerified {
		a.let(x)
		return
	}
	a.must(!a.has(prod, world), "0.0.0.0/0 is still there")
	if a.turned(m, "put right and verified", "alice") {
		now, _ := posted(a.set.slack, f.ID, "put right and verified", "alice")
		a.must(!says(now, []string{buttonYes}), "the card still offers what is done")
	}
	a.reverted()
}
