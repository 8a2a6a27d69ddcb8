package remediate

import (
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ownedFor is for how long it counts that what a tool made was put right once.
const ownedFor = 7 * 24 * time.Hour

// owned leaves to its owner what a tool made with its own credential inside its own pattern:
// its code says that it is to be so, and its next run would put it back. A critical finding
// is put right once all the same; from then on the owner is asked.
func owned(c Case) Refusal {
	o, ok := owner(c)
	if !ok {
		return Refusal{}
	}
	if c.Finding.Severity != access.Critical {
		return toPeople(GuardOwnership, "%s made it by its own credential %s, and owns it%s: %s", o.Tool, actorOf(c).Name, inCode(o), nextRun(o))
	}
	if before, ok := reverted(c, o); ok {
		return toPeople(GuardOwnership, "%s made it by its own credential %s, and owns it%s; it was put right once, at %s, and made again: %s",
			o.Tool, actorOf(c).Name, inCode(o), access.Stamp(before), nextRun(o))
	}
	return Refusal{}
}

// owner is the profile by whose credential and in whose pattern the finding came about.
func owner(c Case) (access.Ownership, bool) {
	for _, o := range c.Policy.Guards.Ownership {
		if madeBy(o, actorOf(c)) && holds(o, c, targets(c.Finding)) {
			return o, true
		}
	}
	return access.Ownership{}, false
}

// actorOf is who made the change that the finding rests on.
func actorOf(c Case) access.Actor {
	if c.Finding.Actor != (access.Actor{}) {
		return c.Finding.Actor
	}
	return c.Verdict.Actor
}

// madeBy reports whether it was made by one of the tool's credentials: a machine's, of just
// this id. A person who is called so is not one.
func madeBy(o access.Ownership, a access.Actor) bool {
	machine := a.Type == access.ActorAPIKey || a.Type == access.ActorServiceAccount
	return machine && a.Name != "" && slices.Contains(o.Credentials, a.Name)
}

// holds reports whether one of the resources is in the pattern.
func holds(o access.Ownership, c Case, refs []access.Ref) bool {
	kinds, names := usual(o)
	return ofProject(o.Projects, c) && slices.ContainsFunc(refs, func(r access.Ref) bool {
		return (len(kinds) == 0 || slices.Contains(kinds, r.Kind)) &&
			(len(names) == 0 || slices.ContainsFunc(names, func(p string) bool { return access.Match(p, r.Name) }))
	})
}

// usual is the pattern with what is known of the tool in the place of what is not given.
//
// Vault's plugin names its users v-<role>-<random>-<time> (hashicorp/vault-plugin-database-mongodbatlas,
// mongodbatlas.go); ConductorOne's connector baton_mongodb_atlas_<random>, for half an hour
// (conductorone/baton-mongodb-atlas, pkg/connector/mongodriver). The operator's kinds are those
// of its custom resources.
func usual(o access.Ownership) (kinds []access.Kind, names []string) {
	kinds, names = o.Kinds, o.Names
	var by []access.Kind
	var called []string
	switch o.Tool {
	case access.ToolVault:
		by, called = []access.Kind{access.KindDatabaseUser}, []string{"admin/v-*", "$external/v-*"}
	case access.ToolConductorOne:
		by, called = []access.Kind{access.KindDatabaseUser}, []string{"admin/baton_mongodb_atlas_*"}
	case access.ToolAKO:
		by = []access.Kind{access.KindProject, access.KindProjectSettings, access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole, access.KindTeamGrant,
			access.KindPrivateEndpoint, access.KindPeering, access.KindCluster, access.KindFlexCluster, access.KindAuditing, access.KindAlertConfig, access.KindIntegration}
	}
	if len(kinds) == 0 {
		kinds = by
	}
	if len(names) == 0 {
		names = called
	}
	return kinds, names
}

// reverted is when an action of ours had last put right what this owner had made of it.
func reverted(c Case, o access.Ownership) (at time.Time, ok bool) {
	for _, a := range c.Past {
		v := a.Outcome.Verified
		if c.Now.Sub(v) < ownedFor && madeBy(o, a.Actor) && v.After(at) {
			at, ok = v, true
		}
	}
	return at, ok
}

func inCode(o access.Ownership) string {
	if o.Where == "" {
		return ""
	}
	return " in " + o.Where
}

// nextRun says what the tool will do, and so where to change it.
func nextRun(o access.Ownership) string {
	where := o.Where
	if where == "" {
		where = "its code"
	}
	switch o.Tool {
	case access.ToolTerraform:
		return "terraform will put it back at its next apply: change it in " + where
	case access.ToolAKO:
		return "the operator will put it back when it next reconciles: change the custom resource in " + where
	case access.ToolVault:
		return "Vault takes it away when its lease ends, and makes the next one alike: revoke the lease, or change the role in " + where
	case access.ToolConductorOne:
		return "ConductorOne's connector makes such users for its own syncs, each for about half an hour: change what it may do in " + where
	}
	return "its next run may put it back: change it in " + where
}

// ownerInCode names who owns what a plan writes to, by the pattern alone; and says so where
// the tool's own credential made it.
func ownerInCode(c Case, plan access.Plan) string {
	refs := targets(c.Finding)
	for _, op := range plan.Operations {
		refs = append(refs, op.Ref)
	}
	if o, ok := owner(c); ok {
		return o.Tool + inCode(o) + ", whose credential made it"
	}
	var out []string
	for _, o := range c.Policy.Guards.Ownership {
		kinds, names := usual(o)
		if len(kinds)+len(names)+len(o.Projects) > 0 && holds(o, c, refs) {
			out = append(out, o.Tool+inCode(o)+", by its pattern")
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "; ")
}
