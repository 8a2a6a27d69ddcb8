package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// What the story is about.
const (
	staging = "ecommerce-staging"
	prod    = "ecommerce-prod"

	appUser       = "prod_app_user"
	reportingUser = "prod_reporting_user"
	migrationUser = "prod_migration_orders_v42"
	oldSinUser    = "prod_batch_app_user"
	chainRole     = "supportTooling"

	world    = "0.0.0.0/0"
	readList = "listGroupAccessListEntries"
)

// The rules that the story expects.
const (
	ruleOpen      = "network/open-to-world"
	ruleTransient = "network/transient-open-to-world"
	ruleAdmin     = "dbuser/atlas-admin-app"
	ruleUnscoped  = "dbuser/unscoped"
	ruleExpired   = "dbuser/expired-migration-user"
)

// step is one step of the story.
type step struct {
	name     string // for machines
	title    string
	expected string
	play     func(*act)
}

func steps() []step {
	return []step{
		{"open-to-world", "The world is let in", "0.0.0.0/0 deleted and read back; the rest of the access list as before", openToWorld},
		{"two-halves", "The world is let in by halves", "0.0.0.0/1 and 128.0.0.0/1 both deleted and read back; the rest as before", twoHalves},
		{"admin-by-chain", "An application becomes administrator", "the user's roles put back to those from before this change; the custom roles untouched", adminByChain},
		{"unscoped", "A user loses its limits", "the user's scopes put back to those from before this change", unscoped},
		{"expired", "A migration outlives its date", "quarantined: roles [], the user itself and all else as before", expired},
		{"transient", "Opened and shut between two polls", "told, with who and when; nothing written", transient},
		{"old-sins", "The sins from before", "told as inherited, and not touched", oldSins},
		{"denied-reads", "A gate that cannot be seen", "unknown while Atlas denies the read: nothing judged, nothing written; seen and reverted once it answers", deniedReads},
	}
}

func openToWorld(a *act) {
	a.screen.say("Rajesh tries to reach production from a café. His Terraform manages each entry by itself: its plan shows no drift.")
	a.does(person("rajesh@example.com", "198.51.100.23"), "adds 0.0.0.0/0 to the access list of "+prod,
		request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "0.0.0.0/0", "comment": "debugging checkout, remove later"}]`})
	if f, ok := a.detect(ruleOpen, world); ok {
		a.attributed(f.ID, "rajesh@example.com")
		a.verify(f, prod, nil, "deleteGroupAccessListEntry 0.0.0.0/0")
	}
}

func twoHalves(a *act) {
	a.screen.say("No entry is 0.0.0.0/0, and every check for one stays green. Together the two are all of IPv4.")
	ci := pipeline(account(a.before.Orgs[0], "terraform-ci"))
	a.does(ci, "adds 0.0.0.0/1 to "+prod, request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "0.0.0.0/1", "comment": "partner range a"}]`})
	a.does(ci, "adds 128.0.0.0/1 to "+prod, request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "128.0.0.0/1", "comment": "partner range b"}]`})
	if f, ok := a.detect(ruleOpen, a.id(prod)); ok {
		a.attributed(f.ID, account(a.before.Orgs[0], "terraform-ci").ClientID)
		a.verify(f, prod, nil, "deleteGroupAccessListEntry 0.0.0.0/1", "deleteGroupAccessListEntry 128.0.0.0/1")
	}
}

func adminByChain(a *act) {
	a.screen.say("supportTooling inherits opsToolbox, which inherits clusterCaretaker, which inherits atlasAdmin.")
	a.does(person("tomasz@example.com", "198.51.100.41"), "grants custom role supportTooling to "+appUser,
		request{"PATCH", a.user(appUser), `{"roles": [{"roleName": "readWrite", "databaseName": "ecommerce"}, {"roleName": "supportTooling", "databaseName": "admin"}]}`})
	if f, ok := a.detect(ruleAdmin, "admin/"+appUser); ok {
		a.attributed(f.ID, "tomasz@example.com")
		if a.must(len(f.Evidence.Path) > 0, "the finding does not tell by which chain") {
			a.note("by %s", strings.Join(f.Evidence.Path, " → "))
		}
		a.verify(f, prod, nil, "updateGroupDatabaseUser admin/"+appUser)
	}
}

func unscoped(a *act) {
	a.screen.say("An empty list of scopes means every cluster of the project, also those to come.")
	a.does(person("rajesh@example.com", "198.51.100.23"), "sets scopes: [] on "+reportingUser,
		request{"PATCH", a.user(reportingUser), `{"scopes": []}`})
	if f, ok := a.detect(ruleUnscoped, "admin/"+reportingUser); ok {
		a.attributed(f.ID, "rajesh@example.com")
		a.verify(f, prod, nil, "updateGroupDatabaseUser admin/"+reportingUser)
	}
}

func expired(a *act) {
	u, _ := dbUser(a.opening, prod, migrationUser)
	_, date, _ := strings.Cut(u.Description, "expires=")
	due, err := time.Parse(time.RFC3339, strings.TrimSpace(date))
	if !a.must(err == nil, "%s has no written date: %v", migrationUser, err) {
		return
	}
	a.at, a.mark = due, 0 // its time may come while something else is played
	a.screen.person("nobody", "", fmt.Sprintf("has removed %s; its description says expires=%s", migrationUser, date))
	f, ok := a.detect(ruleExpired, "admin/"+migrationUser)
	if !ok {
		return
	}
	quarantined := func(p sim.Project) sim.Project {
		p.DatabaseUsers = slices.Clone(p.DatabaseUsers)
		for i := range p.DatabaseUsers {
			if p.DatabaseUsers[i].Username == migrationUser {
				p.DatabaseUsers[i].Roles = []sim.Role{}
			}
		}
		return p
	}
	if a.verify(f, prod, quarantined, "updateGroupDatabaseUser admin/"+migrationUser); a.result != "" {
		a.result = "quarantined"
	}
}

func transient(a *act) {
	a.screen.say("Two requests within a moment. No list that anybody reads will ever show it; the feed will.")
	key := legacyKey(locate("", a.before).PublicKey)
	list := a.path(prod, "accessList")
	a.does(key, "adds 0.0.0.0/0 to "+prod+" and removes it again",
		request{"POST", list, `[{"cidrBlock": "0.0.0.0/0"}]`}, request{"DELETE", list + "/" + url.PathEscape(world), ""})
	f, ok := a.detect(ruleTransient, world)
	if !ok {
		return
	}
	a.attributed(f.ID, key.name)
	a.untouched(f)
	if f, ok = a.finding(a.ctx, f.ID); ok && !f.Evidence.Ended.IsZero() {
		a.note("open from %s to %s by the events", f.CauseAt.Format(time.TimeOnly), f.Evidence.Ended.Format(time.TimeOnly))
	}
	a.must(a.transition(ruleOpen, world) == "", "it was judged as if it still stood: %s", a.transition(ruleOpen, world))
	a.asWas(prod, nil)
}

func oldSins(a *act) {
	a.screen.say("They were there when the daemon first looked. Whoever relies on them was never asked: it tells, and leaves them.")
	a.at, a.mark, a.before = a.set.began, 0, a.opening
	a.inherited(ruleUnscoped, prod, "admin/"+oldSinUser)
	a.inherited(ruleOpen, staging, world)
	a.asWas(staging, nil)
	u, _ := dbUser(a.opening, prod, oldSinUser)
	now, _ := dbUser(a.set.atlas.Snapshot(), prod, oldSinUser)
	a.must(fmt.Sprint(u) == fmt.Sprint(now), "%s changed: %v", oldSinUser, now)
}

// inherited checks that what stood before is told as such and that nothing was written
// for it.
func (a *act) inherited(rule, project, name string) {
	scope := access.ProjectScope(a.id(project))
	opened, ok := a.await("finding "+rule+" on "+name, func(f fact) bool { return f.opened(rule, name) && f.ref().Scope == scope })
	if !ok {
		return
	}
	a.detected = max(a.detected, opened.at.Sub(a.at))
	f := opened.finding.Finding
	a.must(f.Origin == access.OriginInherited, "%s on %s is taken for %s", rule, name, f.Origin)
	a.note("%s %s on %s in %s: inherited", f.Severity, rule, name, project)
	a.untouched(f)
	f, ok = a.finding(a.ctx, f.ID)
	a.must(ok && f.State == access.FindingOpen, "%s on %s is %s", rule, name, f.State)
	a.screen.note("still", fmt.Sprintf("%s on %s in %s: told, open, and exactly as it was", rule, name, project))
}

func deniedReads(a *act) {
	a.screen.say("Somebody narrows the daemon's role, and in the same minute the world is let in.")
	a.set.atlas.Deny(readList, true)
	defer a.set.atlas.Deny(readList, false)
	a.does(person("alice@example.com", "198.51.100.12"), "adds new application subnets to "+staging,
		request{"POST", a.path(staging, "accessList"), `[{"cidrBlock": "3.120.180.64/28", "comment": "application subnets c"}]`})
	a.does(person("rajesh@example.com", "198.51.100.23"), "adds 0.0.0.0/0 to "+prod+", while Atlas denies reading the access list",
		request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "0.0.0.0/0", "comment": "just for today"}]`})
	if !a.blind() {
		return
	}
	a.screen.note("nothing", "three polls later: the event is seen, the list is not; unknown is neither clean nor a violation, and nothing is written for it")
	a.note("while denied: unknown, nothing judged or closed, nothing written")
	a.set.atlas.Deny(readList, false)
	again := time.Now()
	a.screen.person("alice@example.com", "in the Atlas console", "gives the daemon its role back; it tries again at its next sweep")
	f, ok := a.detect(ruleOpen, world)
	if !ok {
		return
	}
	a.note("seen %s after Atlas answered again", seconds(time.Since(again)))
	a.detected = 0
	a.attributed(f.ID, "rajesh@example.com")
	a.verify(f, prod, nil, "deleteGroupAccessListEntry 0.0.0.0/0")
	a.contained, a.shut = 0, 0 // the event came when it could not be judged: no figure to compare
	a.result = "unknown, then " + a.result
}

// blind waits until the daemon has met the denial, counts the collection as unknown, and
// has gone on polling for a while; by then it must have judged and written nothing.
func (a *act) blind() bool {
	refused := func(r sim.Request) bool { return r.OperationID == readList && (r.Status == 401 || r.Status == 403) }
	old := access.FindingID(ruleOpen, access.Ref{Scope: access.ProjectScope(a.id(staging)), Kind: access.KindIPAccessEntry, Name: world}, "")
	polled := func(r sim.Request) bool { return r.OperationID == "listGroupEvents" && r.Status == 200 }
	var first time.Time
	ok := a.until("a refused read of the access list", func() bool {
		first = a.requested(prod, a.at, 1, refused)
		return !first.IsZero()
	}) && a.until("the access list counts as unknown", func() bool {
		return a.set.gauge("gatewarden_unknown_collections", "kind", string(access.KindIPAccessEntry)) > 0
	}) && a.until("the open finding in "+staging+" is marked unknown", func() bool {
		f, _ := a.finding(a.ctx, old)
		return f.State == access.FindingOpen && !f.UnknownSince.IsZero() && strings.Contains(f.Unknown, "cannot be read")
	}) && a.until("three more polls of the feed", func() bool { return !a.requested(prod, first, 3, polled).IsZero() })
	if !ok {
		return false
	}
	a.must(a.transition(ruleOpen, world) == "", "it was judged without being read: %s", a.transition(ruleOpen, world))
	a.must(len(a.ours()) == 0, "something was written: %v", a.ours())
	p, _ := project(a.set.atlas.Snapshot(), prod)
	return a.must(slices.ContainsFunc(p.AccessList, func(e sim.AccessEntry) bool { return e.CIDRBlock == world }), "0.0.0.0/0 is gone")
}
