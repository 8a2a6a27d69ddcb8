package sim

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// knownAction says whether a privilege action is in the API's enum.
func knownAction(name string) bool {
	return name != "" && strings.Contains(privilegeActions, " "+name+" ")
}

// privilegeActions is the enum of DatabasePrivilegeAction.action.
const privilegeActions = " FIND INSERT REMOVE UPDATE BYPASS_DOCUMENT_VALIDATION USE_UUID KILL_OP" +
	" BYPASS_DEFAULT_MAX_TIME_MS CREATE_COLLECTION CREATE_INDEX DROP_COLLECTION ENABLE_PROFILER" +
	" KILL_ANY_CURSOR CHANGE_STREAM COLL_MOD COMPACT CONVERT_TO_CAPPED DROP_DATABASE DROP_INDEX RE_INDEX" +
	" RENAME_COLLECTION_SAME_DB SET_USER_WRITE_BLOCK BYPASS_USER_WRITE_BLOCK LIST_SESSIONS" +
	" KILL_ANY_SESSION COLL_STATS CONN_POOL_STATS DB_HASH DB_STATS GET_CMD_LINE_OPTS GET_LOG" +
	" GET_PARAMETER GET_SHARD_MAP HOST_INFO IN_PROG LIST_DATABASES LIST_COLLECTIONS LIST_INDEXES" +
	" LIST_SHARDS NET_STAT REPL_SET_GET_CONFIG REPL_SET_GET_STATUS SERVER_STATUS VALIDATE SHARDING_STATE" +
	" TOP SQL_GET_SCHEMA SQL_SET_SCHEMA VIEW_ALL_HISTORY OUT_TO_S3 OUT_TO_AZURE OUT_TO_GCS" +
	" STORAGE_GET_CONFIG STORAGE_SET_CONFIG FLUSH_ROUTER_CONFIG ENABLE_SHARDING" +
	" CHECK_METADATA_CONSISTENCY MOVE_CHUNK SPLIT_CHUNK ANALYZE_SHARD_KEY REFINE_COLLECTION_SHARD_KEY" +
	" CLEAR_JUMBO_FLAG RESHARD_COLLECTION SHARDED_DATA_DISTRIBUTION GET_STREAM_PROCESSOR" +
	" CREATE_STREAM_PROCESSOR PROCESS_STREAM_PROCESSOR MODIFY_STREAM_PROCESSOR START_STREAM_PROCESSOR" +
	" STOP_STREAM_PROCESSOR DROP_STREAM_PROCESSOR SAMPLE_STREAM_PROCESSOR LIST_STREAM_PROCESSORS" +
	" LIST_CONNECTIONS STREAM_PROCESSOR_STATS "

// newerEventTypes are in the enums of the service but not yet in the official document
// of the SDK that apispec is made from.
const newerEventTypes = "OAUTH_CLIENT_CREATED OAUTH_CLIENT_UPDATED OAUTH_CLIENT_DELETED" +
	" OAUTH_CLIENT_SECRET_CREATED OAUTH_CLIENT_SECRET_DELETED OAUTH_AUTHORIZATION_GRANTED" +
	" OAUTH_AUTHORIZATION_DENIED OAUTH_TOKEN_ISSUED OAUTH_TOKEN_REVOKED OAUTH_USER_CONSENT_GRANTED" +
	" OAUTH_USER_CONSENT_REVOKED OPERATIONS_CONTACT_MODIFIED ORG_DELEGATION_SETTINGS_UPDATED" +
	" AI_MODELS_APIS_API_KEY_CREATED AI_MODELS_APIS_API_KEY_UPDATED AI_MODELS_APIS_API_KEY_DELETED"

// eventType is one row of /eventTypes.
type eventType struct {
	name      string
	alertable bool // an alert configuration of a project accepts it
}

// eventTypes are all types of both feeds, by name.
type eventTypes map[string]eventType

func newEventTypes() eventTypes {
	facts, out := apispec.Load().Events, eventTypes{}
	for _, name := range slices.Concat(facts.Org, facts.Project, strings.Fields(newerEventTypes)) {
		out[name] = eventType{name: name}
	}
	for _, name := range facts.Alertable {
		out[name] = eventType{name: name, alertable: true}
	}
	return out
}

// sorted are the types in the order of their names.
func (t eventTypes) sorted() []eventType {
	out := make([]eventType, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		out = append(out, t[name])
	}
	return out
}
