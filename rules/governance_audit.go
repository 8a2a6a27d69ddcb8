package rules

import (
	"encoding/json"
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

// govFiltered judges the filter of a project's auditing. No filter, and {}, let everything
// through, as in MongoDB. Nothing passes one that asks for an action that MongoDB does not
// audit, or that contradicts itself by its form; what depends on values counts as something.
func (s *subject) govFiltered() govFilter {
	a, _ := access.As[access.Auditing](s.res.Box)
	if strings.TrimSpace(a.Filter) == "" {
		return govSome
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.Filter), &doc); err != nil || doc == nil {
		return govUnclear
	}
	if govNone(doc) {
		return govNothing
	}
	return govSome
}

// govNone reports whether nothing passes the conditions, all of which must hold.
func govNone(doc map[string]json.RawMessage) bool {
	for field, raw := range doc {
		var parts []map[string]json.RawMessage
		list := json.Unmarshal(raw, &parts) == nil
		switch {
		case field == "$and" && list && slices.ContainsFunc(parts, govNone),
			field == "$or" && list && !slices.ContainsFunc(parts, func(p map[string]json.RawMessage) bool { return !govNone(p) }),
			field == "$nor" && list && slices.ContainsFunc(parts, func(p map[string]json.RawMessage) bool { return len(p) == 0 }),
			field == "atype" && govNoAction(raw):
			return true
		case !strings.HasPrefix(field, "$") && govImpossible(raw):
			return true
		}
	}
	return false
}

// govImpossible reports whether no value meets the condition of a field.
func govImpossible(raw json.RawMessage) bool {
	var cond map[string]json.RawMessage
	if json.Unmarshal(raw, &cond) != nil {
		return false
	}
	var in []json.RawMessage
	return cond["$in"] != nil && json.Unmarshal(cond["$in"], &in) == nil && len(in) == 0
}

// govNoAction reports whether no audited action meets the condition on the kind of action.
func govNoAction(raw json.RawMessage) bool {
	var one any
	if json.Unmarshal(raw, &one) != nil {
		return false
	}
	unknown := func(v any) bool {
		name, ok := v.(string)
		return !ok || !slices.Contains(govActions(), name)
	}
	cond, ok := one.(map[string]any)
	if !ok {
		return unknown(one)
	}
	if v, there := cond["$eq"]; there && unknown(v) {
		return true
	}
	list, ok := cond["$in"].([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !unknown(v) || govPattern(v) })
}

// govPattern: a regular expression is no name.
func govPattern(v any) bool { _, is := v.(map[string]any); return is }

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
