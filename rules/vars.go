package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/gatewarden/gatewarden/internal/access"
)

// kindInfo is how expressions see a kind: the variable that holds the resource, with
// Atlas's own field names.
type kindInfo struct {
	variable string
	zero     access.State
}

var kinds = map[access.Kind]kindInfo{
	access.KindOrg:                   {"organization", access.Org{}},
	access.KindOrgSettings:           {"settings", access.OrgSettings{}},
	access.KindOrgMember:             {"member", access.OrgMember{}},
	access.KindInvitation:            {"invitation", access.Invitation{}},
	access.KindTeam:                  {"team", access.Team{}},
	access.KindTeamMember:            {"membership", access.TeamMember{}},
	access.KindAPIKey:                {"key", access.APIKey{}},
	access.KindServiceAccount:        {"account", access.ServiceAccount{}},
	access.KindServiceAccountSecret:  {"secret", access.ServiceAccountSecret{}},
	access.KindAPIAccessEntry:        {"source", access.APIAccessEntry{}},
	access.KindIdentityProvider:      {"provider", access.IdentityProvider{}},
	access.KindRoleMapping:           {"mapping", access.RoleMapping{}},
	access.KindFederation:            {"federation", access.Federation{}},
	access.KindResourcePolicy:        {"policy", access.ResourcePolicy{}},
	access.KindProject:               {"resource", access.Project{}},
	access.KindProjectSettings:       {"settings", access.ProjectSettings{}},
	access.KindProjectMember:         {"member", access.ProjectMember{}},
	access.KindTeamGrant:             {"grant", access.TeamGrant{}},
	access.KindProjectKey:            {"key", access.ProjectKey{}},
	access.KindProjectServiceAccount: {"account", access.ProjectServiceAccount{}},
	access.KindIPAccessEntry:         {"entry", access.IPAccessEntry{}},
	access.KindPrivateEndpoint:       {"endpoint", access.PrivateEndpoint{}},
	access.KindPeering:               {"peering", access.Peering{}},
	access.KindDatabaseUser:          {"user", access.DatabaseUser{}},
	access.KindCustomRole:            {"role", access.CustomRole{}},
	access.KindX509Config:            {"x509", access.X509Config{}},
	access.KindDatabaseAuth:          {"ldap", access.DatabaseAuth{}},
	access.KindCluster:               {"cluster", access.Cluster{}},
	access.KindFlexCluster:           {"cluster", access.FlexCluster{}},
	access.KindFederatedDatabase:     {"instance", access.FederatedDatabase{}},
	access.KindStreamWorkspace:       {"workspace", access.StreamWorkspace{}},
	access.KindAuditing:              {"auditing", access.Auditing{}},
	access.KindAlertConfig:           {"alert", access.AlertConfig{}},
	access.KindIntegration:           {"integration", access.Integration{}},
	access.KindBackupRestoreJob:      {"restore", access.BackupRestoreJob{}},
	access.KindBackupExportJob:       {"export", access.BackupExportJob{}},
	access.KindBackupExportBucket:    {"bucket", access.BackupExportBucket{}},
	access.KindAccessHistory:         {"login", access.AccessHistory{}},
}

func kindNames() map[string]bool {
	out := map[string]bool{}
	for k := range kinds {
		out[string(k)] = true
	}
	return out
}

func (k kindInfo) celType() *cel.Type { return cel.ObjectType(reflect.TypeOf(k.zero).String()) }

// variable is one name that expressions may use: its type, what it means in a sentence for
// who writes a rule, and how it is had.
type variable struct {
	name string
	typ  *cel.Type
	doc  string
	get  func(*subject) any
}

// common are there for every rule.
var common = []variable{
	{"now", cel.TimestampType, "The time of the judgement.", func(s *subject) any { return s.now }},
	{"project.id", cel.StringType, "The Atlas id of the project; in a rule on an org, that of the org.", func(s *subject) any { return s.w.in.Scope.ID() }},
	{"project.name", cel.StringType, "The name of the project.", func(s *subject) any { return s.w.projectName() }},
	{"project.tags", cel.MapType(cel.StringType, cel.StringType), "The tags of the project in Atlas, by key.", func(s *subject) any { return s.w.tags() }},
	{"environment.name", cel.StringType, "The configured environment that the project belongs to; empty where none matches.", func(s *subject) any { return s.w.in.Environment }},
	{"environment.production", cel.BoolType, "It is judged at full severity: a production environment, or none matches.", func(s *subject) any { return s.w.production }},
}

// ofResource are there for a state rule's resource, and for its severity, ceiling and message.
var ofResource = []variable{
	{"cause.through", cel.BoolType, "The newest cause of the violation is one of the resources that `through` names.", func(s *subject) any { return s.came }},
}

// ofEntry tell of one entry of an access list.
var ofEntry = []variable{
	{"exposure.world", cel.BoolType, "The entry alone lets in all public IPv4 or all public IPv6 addresses.", func(s *subject) any { return s.exposure().World() }},
	{"exposure.v4", cel.IntType, "How many public IPv4 addresses the entry lets in.", func(s *subject) any { return int64(s.exposure().V4) }},
	{"exposure.v6_64s", cel.IntType, "How many public IPv6 networks of length /64 the entry lets in.", func(s *subject) any { return int64(s.exposure().V6Slash64) }},
	{"exposure.declared", cel.BoolType, "The entry lies inside the declared networks of the environment.", func(s *subject) any { return s.declared() }},
	{"exposure.causes", cel.ListType(cel.StringType), "The entry, and those that must go with it for the rest of the list not to be the world.", func(s *subject) any { return s.companions() }},
	{"exposure.passing_world", cel.BoolType, "Of a change: the entry was the world together with what stood beside it, and is not alone.", func(s *subject) any { return s.passingWorld() }},
	{"exposure.security_group", cel.BoolType, "The entry is an AWS security group, and no range of addresses.", func(s *subject) any { return s.securityGroup() }},
}

// ofUnion tell of all entries of an access list but those that are the world alone.
var ofUnion = []variable{
	{"union.world", cel.BoolType, "All entries that are not the world alone let in the world together.", func(s *subject) any { return s.union().exposure.World() }},
	{"union.families", cel.StringType, "Which of IPv4 and IPv6 they let in wholly, for a message.", func(s *subject) any { return families(s.union().exposure) }},
	{"union.v4", cel.IntType, "How many public IPv4 addresses they let in together.", func(s *subject) any { return int64(s.union().exposure.V4) }},
	{"union.v6_64s", cel.IntType, "How many public IPv6 networks of length /64 they let in together.", func(s *subject) any { return int64(s.union().exposure.V6Slash64) }},
	{"union.entries", cel.IntType, "How many entries they are.", func(s *subject) any { return len(s.union().entries) }},
	{"union.odd", cel.IntType, "How many entries of the list could not be decoded.", func(s *subject) any { return len(s.w.in.Collections[s.rule.Kind].Odd) }},
	{"union.since", cel.TimestampType, "When they became the world; unset if they were at first sight.", func(s *subject) any { return s.union().since }},
	{"union.causes", cel.ListType(cel.StringType), "The wide undeclared entries that were added for it.", func(s *subject) any { return s.union().causes }},
	{"union.rest_world", cel.BoolType, "They let in the world also without these causes.", func(s *subject) any { return s.union().rest.World() }},
}

// ofUser tell of a database user.
var ofUser = []variable{
	{"identity.class", cel.StringType, "The class of the declared identity that the user has; empty if no identity matches.", func(s *subject) any { return s.className() }},
	{"identity.owner", cel.StringType, "Who answers for the user, as its identity declares.", func(s *subject) any { return s.identity().Owner }},
	{"identity.roles", cel.ListType(cel.ObjectType("access.RoleGrant")), "The roles that its identity declares.", func(s *subject) any { return s.identity().Roles }},
	{"identity.scopes", cel.ListType(cel.ObjectType("access.UserScope")), "The scopes that its identity declares.", func(s *subject) any { return s.identity().Scopes }},
	{"identity.declares_roles", cel.BoolType, "Its identity declares roles.", func(s *subject) any { return s.identity().Roles != nil }},
	{"identity.declares_admin", cel.BoolType, "Its identity declares atlasAdmin, or a role that reaches it.", func(s *subject) any { return s.declaresAdmin() }},
	{"identity.until", cel.TimestampType, "Until when its identity is declared; ask identity.has_until first.", func(s *subject) any { return s.identity().Until }},
	{"identity.has_until", cel.BoolType, "Its identity is declared until a date.", func(s *subject) any { return !s.identity().Until.IsZero() }},
	{"identity.loose", cel.BoolType, "It is of a class that permits more than none does, by nothing but a pattern for names.", func(s *subject) any { return s.loose() }},
	{"identity.syncs", cel.BoolType, "It is a sync before its declared end, and more than a pattern for names says so.", func(s *subject) any { return s.syncs() }},
	{"targets.names", cel.ListType(cel.StringType), "The clusters, federated databases and stream workspaces of the project.", func(s *subject) any { return s.w.targets() }},
	{"targets.count", cel.IntType, "How many of these the project has.", func(s *subject) any { return len(s.w.targets()) }},
	{"admin.reached", cel.BoolType, "The user reaches atlasAdmin, through roles at any depth.", func(s *subject) any { return s.admin().reached }},
	{"admin.path", cel.ListType(cel.StringType), "The way from the user to atlasAdmin, role by role.", func(s *subject) any { return s.admin().path }},
	{"admin.roles", cel.ListType(cel.StringType), "The custom roles on this way.", func(s *subject) any { return s.admin().custom }},
	{"admin.missing", cel.ListType(cel.StringType), "Roles of the user, or of its roles, that nobody knows.", func(s *subject) any { return s.admin().missing }},
	{"expiry.temporary", cel.BoolType, "The user carries an expiry of any kind.", func(s *subject) any { return s.expiry().temporary }},
	{"expiry.passed", cel.BoolType, "One of its expiries passed; of the one that Atlas acts on, with what `params.atlas_lag` gives it.", func(s *subject) any { return s.expiry().passed() }},
	{"expiry.at", cel.TimestampType, "The first expiry that passed; ask expiry.passed first.", func(s *subject) any { return s.expiry().at }},
	{"expiry.by", cel.StringType, "What says so: Atlas itself, a label, the name or the identity.", func(s *subject) any { return s.expiry().by }},
	{"expiry.machine", cel.BoolType, "The expiry that passed was written as an explicit date by a machine.", func(s *subject) any { return s.expiry().machine }},
	{"expiry.unknown", cel.StringType, "Why the expiry cannot be told; empty if it can.", func(s *subject) any { return s.expiry().unknown }},
}

// ofChange tell of a change.
var ofChange = []variable{
	{"change.op", cel.StringType, "What happened: created, updated, deleted, or observed for what only an event tells of.", func(s *subject) any { return string(s.change.Op) }},
	{"change.type", cel.StringType, "The type of the event in the Atlas activity feed; empty if a read showed the change.", func(s *subject) any { return s.change.Type }},
	{"change.name", cel.StringType, "The name of the resource that changed.", func(s *subject) any { return s.change.Ref.Name }},
	{"change.id", cel.StringType, "The id of the change, the same each time that it is looked at.", func(s *subject) any { return s.change.ID }},
	{"change.occurred", cel.TimestampType, "When it happened.", func(s *subject) any { return s.change.Occurred }},
	{"change.over", cel.BoolType, "An observed change is known to be undone.", func(s *subject) any { return !s.change.Ended.IsZero() }},
	{"change.ended", cel.TimestampType, "When it was undone; ask change.over first.", func(s *subject) any { return s.ended() }},
	{"change.source", cel.StringType, "How it was found out: by an event, or by a read.", func(s *subject) any { return string(s.change.Source) }},
	{"match.type", cel.StringType, "In `ends`: the event type of the earlier change that matched.", func(s *subject) any { return s.matched().Type }},
	{"match.name", cel.StringType, "In `ends`: the name of the resource of the earlier change that matched.", func(s *subject) any { return s.matched().Ref.Name }},
	{"change.gap", cel.BoolType, "It happened while the events were not seen without a gap, so that who did it is not certain.", func(s *subject) any { return s.change.Gap }},
	{"change.actor", cel.ObjectType("access.Actor"), "Who did it: type, name, id, address, onBehalfOf, and principal where the actor is declared.", func(s *subject) any { return s.change.Actor }},
	{"change.fields", cel.ListType(cel.StringType), "The names of the fields that changed.", func(s *subject) any { return s.change.Fields }},
	{"change.readable", cel.BoolType, "The kind of the change can be judged on now.", func(s *subject) any { return s.w.trouble(s.rule.Kind) == "" }},
	{"change.present", cel.BoolType, "The resource is there in the last complete read.", func(s *subject) any { return s.present() }},
	{"change.expected", cel.BoolType, "The change was announced beforehand, to this rule.", func(s *subject) any { return s.expected() }},
	{"change.awaited", cel.BoolType, "The change would be an announced one if its actor, who is not known so far, were the announced one.", func(s *subject) any { return s.awaited() }},
}

// ofReading tell how a kind of the scope was read.
var ofReading = []variable{
	{"reading.kind", cel.StringType, "The kind that was read.", func(s *subject) any { return string(s.ref.Kind) }},
	{"reading.status", cel.StringType, "How the last read ended: complete, denied, failed, unsupported or suspect; empty: it was never tried.", func(s *subject) any { return string(s.collection().Status) }},
	{"reading.reason", cel.StringType, "Why the read is not complete.", func(s *subject) any { return s.collection().Reason }},
	{"reading.since", cel.TimestampType, "When the status became what it is.", func(s *subject) any { return s.collection().StatusSince }},
	{"reading.last", cel.TimestampType, "When the last complete read began, where that is known.", func(s *subject) any { return s.w.in.Read[s.ref.Kind] }},
	{"reading.odd", cel.ListType(cel.StringType), "Names of elements that could not be decoded.", func(s *subject) any { return s.collection().Odd }},
	{"reading.required", cel.BoolType, "Rules cannot be judged because of it.", func(s *subject) any { return s.w.trouble(s.ref.Kind) != "" }},
	{"reading.rules", cel.ListType(cel.StringType), "The ids of the rules that rest on the kind here.", func(s *subject) any { return s.w.resting(s.ref.Kind) }},
}

// ofFailure tell of a rule that failed in this judgement.
var ofFailure = []variable{
	{"failure.rule", cel.StringType, "The id of the rule that failed.", func(s *subject) any { return s.failure.rule }},
	{"failure.error", cel.StringType, "The first error of it.", func(s *subject) any { return s.failure.err }},
	{"failure.count", cel.IntType, "How many of its evaluations failed here; of a refused rule, how many mistakes it has.", func(s *subject) any { return s.failure.count }},
	{"failure.refused", cel.BoolType, "The rule was refused for its mistakes when it was loaded, and is not in force.", func(s *subject) any { return s.failure.refused }},
	{"failure.quarantined", cel.BoolType, "The rule ran into the cost limit so often that it is not asked again in this judgement.", func(s *subject) any { return s.failure.quarantined() }},
}

// Which of a rule's expressions see which variables.
const (
	forEach    = 1 << iota // one resource
	forWhole               // all of a kind together
	forChange              // a change
	forReading             // how a kind was read
	forFailure             // a rule that failed
)

// family is variables with where they are seen: in rules on these kinds (nil: all), in
// expressions of these modes.
type family struct {
	kinds     []access.Kind
	modes     int
	variables []variable
}

// allFamilies are all variables but those that hold a resource.
var allFamilies = slices.Concat([]family{
	{nil, forEach | forWhole | forChange | forReading | forFailure, common},
	{nil, forEach, ofResource},
	{nil, forEach, ofName},
	{nil, forChange, ofChange},
	{nil, forReading, ofReading},
	{nil, forFailure, ofFailure},
	{[]access.Kind{access.KindIPAccessEntry}, forEach | forChange, ofEntry},
	{[]access.Kind{access.KindIPAccessEntry}, forWhole, ofUnion},
	{[]access.Kind{access.KindDatabaseUser}, forEach | forChange, ofUser},
}, networkFamilies(), databaseFamilies(), peopleFamilies(), machineFamilies(), governanceFamilies())

// pastVariables rest on [Input.History].
func pastVariables() []string { return slices.Concat(networkPast(), databasePast(), peoplePast()) }

// getters holds every variable by name.
var getters = func() map[string]func(*subject) any {
	out := map[string]func(*subject) any{}
	for _, f := range allFamilies {
		for _, v := range f.variables {
			out[v.name] = v.get
		}
	}
	for _, k := range kinds {
		out[k.variable] = func(s *subject) any { return s.res.Box.State }
	}
	out["before"] = func(s *subject) any { return orZero(s.rule.Kind, s.change.Before) }
	out["after"] = func(s *subject) any { return orZero(s.rule.Kind, s.change.After) }
	return out
}()

func orZero(k access.Kind, b access.Box) any {
	if b.IsZero() {
		return kinds[k].zero
	}
	return b.State
}

// variables are those that rules on all of the kinds see, with one type in all.
func variables(of []access.Kind, mode int) []variable {
	out := variablesOf(of[0], mode)
	for _, k := range of[1:] {
		also := map[string]*cel.Type{}
		for _, v := range variablesOf(k, mode) {
			also[v.name] = v.typ
		}
		out = slices.DeleteFunc(out, func(v variable) bool { return also[v.name] == nil || !also[v.name].IsExactType(v.typ) })
	}
	return out
}

func variablesOf(k access.Kind, mode int) (out []variable) {
	for _, f := range allFamilies {
		if f.modes&mode != 0 && (f.kinds == nil || slices.Contains(f.kinds, k)) {
			out = append(out, f.variables...)
		}
	}
	switch mode {
	case forEach:
		out = append(out, variable{name: kinds[k].variable, typ: kinds[k].celType(), doc: "The resource that is judged, with the names that its fields have in Atlas."})
	case forChange:
		out = append(out, variable{name: "before", typ: kinds[k].celType(), doc: "The resource before the change; its fields are empty if it was not there."},
			variable{name: "after", typ: kinds[k].celType(), doc: "The resource after the change; its fields are empty if it is gone."})
	}
	return out
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// paramValue normalises a parameter: int64, float64, bool, string, time.Duration or
// []string. A text that is a duration is one.
func paramValue(raw any) (any, bool) {
	switch v := raw.(type) {
	case int:
		return int64(v), true
	case int64, float64, bool, time.Duration, []string:
		return v, true
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return d, true
		}
		return v, true
	case []any:
		out := make([]string, 0, len(v))
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	return nil, false
}

func paramType(v any) *cel.Type {
	switch v.(type) {
	case int64:
		return cel.IntType
	case float64:
		return cel.DoubleType
	case bool:
		return cel.BoolType
	case time.Duration:
		return cel.DurationType
	case []string:
		return cel.ListType(cel.StringType)
	}
	return cel.StringType
}

// celTypes are the Go types that expressions see, by their JSON names, which are
// Atlas's own.
func celTypes() cel.EnvOption {
	args := []any{ext.ParseStructTag("json"), reflect.TypeFor[access.Actor]()}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		args = append(args, reflect.TypeOf(kinds[k].zero))
	}
	return ext.NativeTypes(args...)
}

// decode reads a resource from its JSON, strictly; what is not given is as it would be
// in the simplest resource of the kind.
func (k kindInfo) decode(raw []byte) (access.Box, error) {
	into := reflect.New(reflect.TypeOf(k.zero))
	if u, ok := into.Interface().(*access.DatabaseUser); ok {
		u.Database, u.Auth = "admin", access.AuthSCRAM
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into.Interface()); err != nil {
		return access.Box{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return access.Box{State: normal(into.Elem().Interface().(access.State))}, nil
}

// normal is the state as the reader of Atlas leaves it.
func normal(s access.State) access.State {
	switch t := s.(type) {
	case access.IPAccessEntry:
		t.Entry = canonical(t.Entry)
		return t
	case access.APIAccessEntry:
		t.Entry = canonical(t.Entry)
		return t
	case access.DatabaseUser:
		t.Roles, t.Scopes, t.Labels = access.SortGrants(t.Roles), access.SortScopes(t.Scopes), access.SortLabels(t.Labels)
		return t
	}
	return s
}
