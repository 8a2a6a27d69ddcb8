package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// govUnaudited is why auditing cannot be asked for here; empty: it can.
func (w *world) govUnaudited() string {
	clusters := w.in.Collections[access.KindCluster]
	all := access.States[access.Cluster](clusters)
	switch {
	case slices.ContainsFunc(all, access.Cluster.Dedicated) || len(clusters.Odd) > 0:
		return ""
	case len(all) > 0:
		return "its clusters are free or shared ones, which Atlas does not audit"
	}
	return "there is no dedicated cluster, and Atlas audits no other"
}

// govFilter is what an audit filter lets through.
type govFilter int

const (
	govSome    govFilter = iota // something, or what only MongoDB can tell
	govNothing                  // no event at all
	govUnclear                  // it is no filter
)

// govFiltered judges the filter of a project's auditing: nothing passes it if none of the
// actions that MongoDB audits can, whatever else an event says. No filter, and {}, let
// everything through, as in MongoDB. What depends on values counts as something.
func (s *subject) govFiltered() govFilter {
	a, _ := access.As[access.Auditing](s.res.Box)
	if strings.TrimSpace(a.Filter) == "" {
		return govSome
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(a.Filter), &doc); err != nil || doc == nil {
		return govUnclear
	}
	if slices.ContainsFunc(govActions(), func(action string) bool { return govPasses(doc, action) != govNever }) {
		return govSome
	}
	return govNothing
}

// govAnswer is whether an event of some action meets a condition.
type govAnswer int

const (
	govNever   govAnswer = iota
	govPerhaps           // it depends on what else the event says
	govAlways
)

func (a govAnswer) not() govAnswer { return govAlways - a }

// govAll is the answer of conditions that must all hold, govAny of those of which one must.
func govAll[T any](list []T, ask func(T) govAnswer) govAnswer {
	out := govAlways
	for _, x := range list {
		out = min(out, ask(x))
	}
	return out
}

func govAny[T any](list []T, ask func(T) govAnswer) govAnswer {
	return govAll(list, func(x T) govAnswer { return ask(x).not() }).not()
}

// govPasses answers for the conditions of a filter, or of a part of one.
func govPasses(part any, action string) govAnswer {
	doc, ok := part.(map[string]any)
	if !ok {
		return govPerhaps
	}
	return govAll(slices.Collect(maps.Keys(doc)), func(field string) govAnswer {
		list, isList := doc[field].([]any)
		ask := func(part any) govAnswer { return govPasses(part, action) }
		switch {
		case field == "$and" && isList:
			return govAll(list, ask)
		case field == "$or" && isList:
			return govAny(list, ask)
		case field == "$nor" && isList:
			return govAny(list, ask).not()
		case field == "atype":
			return govMeets(doc[field], action)
		case !strings.HasPrefix(field, "$"):
			return govPossible(doc[field])
		}
		return govPerhaps
	})
}

// govPossible answers for the condition of any other field: only an empty list of values
// tells by itself that no event meets it.
func govPossible(cond any) govAnswer {
	doc, _ := cond.(map[string]any)
	if in, ok := doc["$in"].([]any); ok && len(in) == 0 {
		return govNever
	}
	return govPerhaps
}

// govMeets answers for the condition on the kind of action, which every event has one of.
func govMeets(cond any, action string) govAnswer {
	doc, ok := cond.(map[string]any)
	if !ok {
		return govIs(cond, action)
	}
	return govAll(slices.Collect(maps.Keys(doc)), func(op string) govAnswer {
		v := doc[op]
		list, isList := v.([]any)
		is := func(v any) govAnswer { return govIs(v, action) }
		switch {
		case op == "$eq":
			return is(v)
		case op == "$ne":
			return is(v).not()
		case op == "$in" && isList:
			return govAny(list, is)
		case op == "$nin" && isList:
			return govAny(list, is).not()
		case op == "$not":
			return govMeets(v, action).not()
		case op == "$exists":
			return govSure(v == true || v == 1.0)
		}
		return govPerhaps
	})
}

// govIs answers whether a value is the action; a regular expression may be any.
func govIs(v any, action string) govAnswer {
	if _, pattern := v.(map[string]any); pattern {
		return govPerhaps
	}
	return govSure(v == any(action))
}

func govSure(yes bool) govAnswer {
	if yes {
		return govAlways
	}
	return govNever
}

// govActions are the actions that MongoDB audits, as the reference of its audit messages
// lists them (https://www.mongodb.com/docs/manual/reference/audit-message/). A filter for
// later ones alone is taken for nothing until they are added here.
func govActions() []string {
	return strings.Fields(`
		addShard applicationMessage auditConfigure authCheck authenticate clientMetadata createCollection createDatabase
		createIndex createRole createUser directAuthMutation dropAllRolesFromDatabase dropAllUsersFromDatabase dropCollection
		dropDatabase dropIndex dropRole dropUser enableSharding getClusterParameter grantPrivilegesToRole
		grantRolesToRole grantRolesToUser importCollection logout refineCollectionShardKey removeShard renameCollection
		replSetReconfig revokePrivilegesFromRole revokeRolesFromRole revokeRolesFromUser rotateLog setClusterParameter
		shardCollection shutdown startup updateCachedClusterServerParameter updateRole updateUser`)
}
