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

// variable is one name that expressions may use, with its type and how it is had.
type variable struct {
	name string
	typ  *cel.Type
	get  func(*subject) any
}

// common are there for every rule.
var common = []variable{
	{"now", cel.TimestampType, func(s *subject) any { return s.now }},
	{"project.id", cel.StringType, func(s *subject) any { return s.w.in.Scope.ID() }},
	{"project.name", cel.StringType, func(s *subject) any { return s.w.projectName() }},
	{"project.tags", cel.MapType(cel.StringType, cel.StringType), func(s *subject) any { return s.w.tags() }},
	{"environment.name", cel.StringType, func(s *subject) any { return s.w.in.Environment }},
	{"environment.production", cel.BoolType, func(s *subject) any { return s.w.production }}, // true also where no environment matches
}

// ofResource are there for a state rule's resource, and for its severity, ceiling and message.
var ofResource = []variable{
	{"cause.through", cel.BoolType, func(s *subject) any { return s.came }}, // the newest cause is one of the resources that "through" names
}

// ofEntry tell of one entry of an access list.
var ofEntry = []variable{
	{"exposure.world", cel.BoolType, func(s *subject) any { return s.exposure().World() }}, // alone it is all public IPv4 or all public IPv6
	{"exposure.v4", cel.IntType, func(s *subject) any { return int64(s.exposure().V4) }},   // public addresses
	{"exposure.v6_64s", cel.IntType, func(s *subject) any { return int64(s.exposure().V6Slash64) }},
	{"exposure.declared", cel.BoolType, func(s *subject) any { return s.declared() }},                 // inside the declared networks of the environment
	{"exposure.causes", cel.ListType(cel.StringType), func(s *subject) any { return s.companions() }}, // the entry, and what must go with it for the rest not to be the world
	{"exposure.passing_world", cel.BoolType, func(s *subject) any { return s.passingWorld() }},        // of a change: it was, with what stood beside it, and is not alone
	{"exposure.security_group", cel.BoolType, func(s *subject) any { return s.securityGroup() }},
}

// ofUnion tell of all entries of an access list but those that are the world alone.
var ofUnion = []variable{
	{"union.world", cel.BoolType, func(s *subject) any { return s.union().exposure.World() }},
	{"union.families", cel.StringType, func(s *subject) any { return families(s.union().exposure) }},
	{"union.v4", cel.IntType, func(s *subject) any { return int64(s.union().exposure.V4) }},
	{"union.v6_64s", cel.IntType, func(s *subject) any { return int64(s.union().exposure.V6Slash64) }},
	{"union.entries", cel.IntType, func(s *subject) any { return len(s.union().entries) }},
	{"union.odd", cel.IntType, func(s *subject) any { return len(s.w.in.Collections[s.rule.Kind].Odd) }}, // entries that could not be decoded
	{"union.since", cel.TimestampType, func(s *subject) any { return s.union().since }},                  // when it became the world; unset: at first sight
	{"union.causes", cel.ListType(cel.StringType), func(s *subject) any { return s.union().causes }},     // wide undeclared entries that were added for it
	{"union.rest_world", cel.BoolType, func(s *subject) any { return s.union().rest.World() }},           // the world also without them
}

// ofUser tell of a database user.
var ofUser = []variable{
	{"identity.class", cel.StringType, func(s *subject) any { return s.className() }}, // "": no identity matches
	{"identity.owner", cel.StringType, func(s *subject) any { return s.identity().Owner }},
	{"identity.roles", cel.ListType(cel.ObjectType("access.RoleGrant")), func(s *subject) any { return s.identity().Roles }},
	{"identity.scopes", cel.ListType(cel.ObjectType("access.UserScope")), func(s *subject) any { return s.identity().Scopes }},
	{"identity.declares_roles", cel.BoolType, func(s *subject) any { return s.identity().Roles != nil }},
	{"identity.declares_admin", cel.BoolType, func(s *subject) any { return s.declaresAdmin() }},
	{"identity.until", cel.TimestampType, func(s *subject) any { return s.identity().Until }},
	{"identity.has_until", cel.BoolType, func(s *subject) any { return !s.identity().Until.IsZero() }},
	{"targets.names", cel.ListType(cel.StringType), func(s *subject) any { return s.w.targets() }}, // clusters, federated databases, stream workspaces
	{"targets.count", cel.IntType, func(s *subject) any { return len(s.w.targets()) }},
	{"admin.reached", cel.BoolType, func(s *subject) any { return s.admin().reached }}, // atlasAdmin, through roles at any depth
	{"admin.path", cel.ListType(cel.StringType), func(s *subject) any { return s.admin().path }},
	{"admin.roles", cel.ListType(cel.StringType), func(s *subject) any { return s.admin().custom }}, // the custom roles of the path
	{"admin.missing", cel.ListType(cel.StringType), func(s *subject) any { return s.admin().missing }},
	{"expiry.temporary", cel.BoolType, func(s *subject) any { return s.expiry().temporary }}, // it carries an expiry of any kind
	{"expiry.passed", cel.BoolType, func(s *subject) any { return s.expiry().passed() }},
	{"expiry.at", cel.TimestampType, func(s *subject) any { return s.expiry().at }}, // the first date that passed
	{"expiry.by", cel.StringType, func(s *subject) any { return s.expiry().by }},
	{"expiry.machine", cel.BoolType, func(s *subject) any { return s.expiry().machine }}, // an explicit machine-written date passed
	{"expiry.unknown", cel.StringType, func(s *subject) any { return s.expiry().unknown }},
}

// ofChange tell of a change.
var ofChange = []variable{
	{"change.op", cel.StringType, func(s *subject) any { return string(s.change.Op) }},
	{"change.type", cel.StringType, func(s *subject) any { return s.change.Type }}, // the event's
	{"change.name", cel.StringType, func(s *subject) any { return s.change.Ref.Name }},
	{"change.id", cel.StringType, func(s *subject) any { return s.change.ID }},
	{"change.occurred", cel.TimestampType, func(s *subject) any { return s.change.Occurred }},
	{"change.over", cel.BoolType, func(s *subject) any { return !s.change.Ended.IsZero() }}, // of an observed one: known to be undone
	{"change.ended", cel.TimestampType, func(s *subject) any { return s.ended() }},
	{"change.source", cel.StringType, func(s *subject) any { return string(s.change.Source) }},
	{"match.type", cel.StringType, func(s *subject) any { return s.matched().Type }}, // in ends, of the earlier change that matched: its event's
	{"match.name", cel.StringType, func(s *subject) any { return s.matched().Ref.Name }},
	{"change.gap", cel.BoolType, func(s *subject) any { return s.change.Gap }},
	{"change.actor", cel.ObjectType("access.Actor"), func(s *subject) any { return s.change.Actor }},
	{"change.fields", cel.ListType(cel.StringType), func(s *subject) any { return s.change.Fields }},
	{"change.readable", cel.BoolType, func(s *subject) any { return s.w.trouble(s.rule.Kind) == "" }}, // the kind can be judged on now
	{"change.present", cel.BoolType, func(s *subject) any { return s.present() }},                     // the resource is there in the last complete read
	{"change.expected", cel.BoolType, func(s *subject) any { return s.expected() }},                   // it was announced beforehand, to this rule
	{"change.awaited", cel.BoolType, func(s *subject) any { return s.awaited() }},                     // it would be expected if its actor, not known so far, were the announced one
}

// ofReading tell how a kind of the scope was read.
var ofReading = []variable{
	{"reading.kind", cel.StringType, func(s *subject) any { return string(s.ref.Kind) }},
	{"reading.status", cel.StringType, func(s *subject) any { return string(s.collection().Status) }},        // complete, denied, failed, unsupported, suspect; "": never tried
	{"reading.reason", cel.StringType, func(s *subject) any { return s.collection().Reason }},                // why it is not complete
	{"reading.since", cel.TimestampType, func(s *subject) any { return s.collection().StatusSince }},         // when the status became what it is
	{"reading.last", cel.TimestampType, func(s *subject) any { return s.w.in.Read[s.ref.Kind] }},             // begin of the last complete read, where known
	{"reading.odd", cel.ListType(cel.StringType), func(s *subject) any { return s.collection().Odd }},        // names of elements that could not be decoded
	{"reading.required", cel.BoolType, func(s *subject) any { return s.w.trouble(s.ref.Kind) != "" }},        // rules cannot be judged because of it
	{"reading.rules", cel.ListType(cel.StringType), func(s *subject) any { return s.w.resting(s.ref.Kind) }}, // the rules that rest on it here
}

// ofFailure tell of a rule that failed in this judgement.
var ofFailure = []variable{
	{"failure.rule", cel.StringType, func(s *subject) any { return s.failure.rule }},
	{"failure.error", cel.StringType, func(s *subject) any { return s.failure.err }}, // the first
	{"failure.count", cel.IntType, func(s *subject) any { return s.failure.count }},  // of its evaluations here
	{"failure.quarantined", cel.BoolType, func(s *subject) any { return s.failure.quarantined() }},
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
		out = append(out, variable{name: kinds[k].variable, typ: kinds[k].celType()})
	case forChange:
		out = append(out, variable{name: "before", typ: kinds[k].celType()}, variable{name: "after", typ: kinds[k].celType()})
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
