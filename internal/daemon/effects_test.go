package daemon

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// effects checks every change that we made in Atlas: it was planned and announced, made
// once an intent, allowed there, and rested on what was read just before.
func (e *ending) effects() {
	once := map[string]int{}
	for _, x := range e.log {
		if !x.ByHTTP {
			continue
		}
		project := e.names[x.ProjectID]
		bad := func(format string, args ...any) {
			e.t.Helper()
			e.wrong(project, entryOrUser(x.Target), "effect %d (%s %s in %s at %s, action %s): "+format,
				append([]any{x.Seq, x.OperationID, x.Target, project, stamp(x.At), x.ActionID}, args...)...)
		}
		key := x.ActionID + " " + x.ProjectID + " " + x.Target
		if once[key]++; once[key] > e.intents(x) {
			bad("it was made %d times, for %d intents", once[key], e.intents(x))
		}
		if !strings.HasSuffix(project, "-prod") {
			bad("nothing may be written there")
		}
		i := slices.IndexFunc(e.actions, func(a access.Action) bool { return a.ID == x.ActionID })
		if i < 0 {
			bad("there is no such action")
			continue
		}
		a := e.actions[i]
		if !e.intended(a, x) {
			bad("no intent with this operation came before it")
		}
		e.allowed(a, x, bad)
		e.informed(a, x, bad)
	}
}

func entryOrUser(target string) string {
	if strings.ContainsAny(target, ".:") {
		return entryName(target)
	}
	return target
}

// intended reports whether an intent was published whose plan has this very operation.
func (e *ending) intended(a access.Action, x sim.Effect) bool {
	return slices.ContainsFunc(e.seen.decisions, func(d access.Decision) bool {
		return d.Action.ID == a.ID && d.Type == "intent" && !d.At.After(x.At) && slices.ContainsFunc(d.Action.Plan.Operations, func(o access.Operation) bool { return planned(o, x) })
	})
}

// intents is how many intents the effect's action had published by then. Somebody may
// undo what it did, and it may then plan anew.
func (e *ending) intents(x sim.Effect) int {
	rounds := map[int]bool{}
	for _, d := range e.seen.decisions {
		if d.Action.ID == x.ActionID && d.Type == "intent" && !d.At.After(x.At) {
			rounds[len(d.Action.Steps)] = true
		}
	}
	return len(rounds)
}

// seenUser is a database user as the simulator records it.
type seenUser struct {
	Roles           []sim.Role  `json:"roles"`
	Scopes          []sim.Scope `json:"scopes"`
	Labels          []sim.Label `json:"labels"`
	Description     string      `json:"description"`
	DeleteAfterDate string      `json:"deleteAfterDate"`
	Password        string      `json:"password"`
}

func userIn(text string) (u seenUser) {
	if err := json.Unmarshal([]byte(text), &u); err != nil {
		panic("the simulator recorded no user: " + text)
	}
	return u
}

func (u seenUser) roles() (out []string) {
	for _, r := range u.Roles {
		out = append(out, access.RoleGrant{Role: r.RoleName, Database: r.DatabaseName, Collection: r.CollectionName}.String())
	}
	slices.Sort(out)
	return out
}

func (u seenUser) scopes() (out []string) {
	for _, s := range u.Scopes {
		out = append(out, s.Type+" "+s.Name)
	}
	slices.Sort(out)
	return out
}

// rest is what no operation of ours touches.
func (u seenUser) rest() string {
	u.Roles, u.Scopes = nil, nil
	raw, err := json.Marshal(u)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// planned reports whether the effect is what the operation says, and no more.
func planned(o access.Operation, x sim.Effect) bool {
	if o.Ref.Scope.ID() != x.ProjectID || o.Ref.Name != entryOrUser(x.Target) {
		return false
	}
	if o.Type == access.DeleteAccessEntry {
		return x.OperationID == "deleteGroupAccessListEntry" && x.After == ""
	}
	if x.OperationID != "updateGroupDatabaseUser" {
		return false
	}
	before, after := userIn(x.Before), userIn(x.After)
	var roles, scopes []string
	for _, r := range o.Roles {
		roles = append(roles, r.String())
	}
	for _, s := range o.Scopes {
		scopes = append(scopes, s.Type+" "+s.Name)
	}
	slices.Sort(roles)
	slices.Sort(scopes)
	sameRoles, sameScopes := slices.Equal(before.roles(), after.roles()), slices.Equal(before.scopes(), after.scopes())
	switch o.Type {
	case access.SetUserRoles:
		return len(roles) > 0 && slices.Equal(after.roles(), roles) && sameScopes && before.rest() == after.rest()
	case access.QuarantineUser:
		return len(after.roles()) == 0 && sameScopes && before.rest() == after.rest()
	case access.SetUserScopes:
		return len(scopes) > 0 && slices.Equal(after.scopes(), scopes) && sameRoles && before.rest() == after.rest()
	}
	return false
}

// allowed checks the resource's past: somebody else touched it while we watched, and
// what is put back is what it had, or what is declared for it.
func (e *ending) allowed(a access.Action, x sim.Effect, bad func(string, ...any)) {
	touched := false
	var roles, scopes [][]string
	for _, y := range e.log {
		if y.Seq >= x.Seq || y.ProjectID != x.ProjectID || y.Target != x.Target {
			continue
		}
		touched = touched || !y.ByHTTP
		if x.OperationID == "updateGroupDatabaseUser" && y.Before != "" {
			u := userIn(y.Before)
			roles, scopes = append(roles, u.roles()), append(scopes, u.scopes())
		}
	}
	dated := a.Rule == "dbuser/expired-migration-user"
	if !touched && !dated {
		bad("it was so before we came, and nobody has touched it since")
	}
	if x.OperationID != "updateGroupDatabaseUser" {
		return
	}
	before, after := userIn(x.Before), userIn(x.After)
	has := func(all [][]string, one []string) bool {
		return slices.ContainsFunc(all, func(s []string) bool { return slices.Equal(s, one) })
	}
	if changed := !slices.Equal(before.roles(), after.roles()); changed && len(after.Roles) > 0 && !has(roles, after.roles()) && !slices.Equal(after.roles(), []string{"readWrite@ecommerce"}) {
		bad("roles %v were never its own, nor declared", after.roles())
	}
	if changed := !slices.Equal(before.scopes(), after.scopes()); changed && !has(scopes, after.scopes()) && len(after.Scopes) != 1 {
		bad("scopes %v were never its own", after.scopes())
	}
	if len(after.Roles) == 0 && !dated && !has(roles, nil) {
		bad("it never was without roles, and is not expired")
	}
}

// lists are the reads that each rule rests on.
func lists(rule string) []string {
	targets := []string{"listGroupClusters", "listGroupFlexClusters", "listGroupDataFederation", "listGroupStreamWorkspaces"}
	switch rule {
	case "network/open-to-world":
		return []string{"listGroupAccessListEntries"}
	case "dbuser/atlas-admin-app":
		return []string{"listGroupDatabaseUsers", "listGroupCustomDbRoleRoles"}
	case "dbuser/unscoped":
		return append(targets, "listGroupDatabaseUsers")
	}
	return []string{"listGroupDatabaseUsers"}
}

// informed checks that all that the rule reads was read well between the last thing that
// happened to the resource, or that another action did to the project, and the write.
func (e *ending) informed(a access.Action, x sim.Effect, bad func(string, ...any)) {
	requests := e.atlas.Requests()
	i := slices.IndexFunc(requests, func(q sim.Request) bool {
		return q.Mutating && q.ActionID == x.ActionID && q.At.Equal(x.At) && q.OperationID == x.OperationID
	})
	if i < 0 {
		bad("no request made it")
		return
	}
	var since time.Time
	for _, y := range e.log {
		if y.Seq < x.Seq && y.ProjectID == x.ProjectID && (y.Target == x.Target || y.ByHTTP && y.ActionID != x.ActionID) {
			since = y.At
		}
	}
	for _, op := range lists(a.Rule) {
		if !slices.ContainsFunc(requests[:i], func(q sim.Request) bool {
			return q.OperationID == op && q.Status == 200 && strings.Contains(q.Path, x.ProjectID) && !q.At.Before(since)
		}) {
			bad("%s was not read well between %s and the write", op, stamp(since))
		}
		for _, s := range e.spells {
			if s.operation == op && x.At.After(s.from.Add(2*time.Minute)) && x.At.Before(s.to) {
				bad("%s was denied since %s", op, stamp(s.from))
			}
		}
	}
}
