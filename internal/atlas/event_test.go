package atlas

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestDecodeEvent(t *testing.T) {
	at := time.Date(2026, 8, 10, 3, 6, 32, 0, time.UTC)
	const base = `"created":"2026-08-10T03:06:32Z","id":"6a7900000000000000000001",`
	for name, tc := range map[string]struct {
		scope access.Scope
		raw   string
		want  access.Event
	}{
		// As recorded from Atlas, ids filled in.
		"database user by api key": {prod, `{"apiKeyId":"683500000000000000000001",` + base + `"dbUserUsername":"CN=user389","eventTypeName":"MONGODB_USER_ADDED","groupId":"b01000000000000000000001","isGlobalAdmin":false,"publicKey":"nmtxqlkl","remoteAddress":"52.161.45.225"}`,
			access.Event{Type: "MONGODB_USER_ADDED", Target: "CN=user389", Project: "b01000000000000000000001",
				Actor: access.Actor{Type: access.ActorAPIKey, Name: "nmtxqlkl", ID: "683500000000000000000001", Address: "52.161.45.225"}}},
		"key's access list, org feed": {org, `{` + base + `"eventTypeName":"API_KEY_ACCESS_LIST_ENTRY_ADDED","orgId":"a01000000000000000000001","targetPublicKey":"mcpvrzod","whitelistEntry":"52.190.182.226"}`,
			access.Event{Type: "API_KEY_ACCESS_LIST_ENTRY_ADDED", Target: "mcpvrzod/52.190.182.226/32", Actor: access.Actor{Type: access.ActorAtlas}}},
		"human": {prod, `{` + base + `"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","whitelistEntry":"10.1.2.3/8","userId":"u","username":"alice@example.com"}`,
			access.Event{Type: "NETWORK_PERMISSION_ENTRY_ADDED", Target: "10.0.0.0/8", Project: prodID, Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com", ID: "u"}}},
		"employee": {prod, `{` + base + `"isGlobalAdmin":true,"username":"someone@mongodb.com","userId":"u","delegatePrincipal":{"id":"d"}}`,
			access.Event{Project: prodID, Actor: access.Actor{Type: access.ActorEmployee, Name: "someone@mongodb.com", ID: "u"}}},
		"delegated": {prod, `{` + base + `"delegatePrincipal":{"id":"d1","name":"assistant","onBehalfOf":"alice@example.com"},"username":"alice@example.com"}`,
			access.Event{Project: prodID, Actor: access.Actor{Type: access.ActorDelegated, Name: "assistant", ID: "d1", OnBehalfOf: "alice@example.com"}}},
		"delegated, by user": {prod, `{` + base + `"delegatePrincipal":{"id":"d1"},"username":"alice@example.com"}`,
			access.Event{Project: prodID, Actor: access.Actor{Type: access.ActorDelegated, Name: "d1", ID: "d1", OnBehalfOf: "alice@example.com"}}},
		"service account": {prod, `{` + base + `"publicKey":"mdb_sa_id_0123456789abcdef01234501","apiKeyId":"k"}`,
			access.Event{Project: prodID, Actor: access.Actor{Type: access.ActorServiceAccount, Name: readerID, ID: "k"}}},
		"Atlas":           {prod, `{` + base + `"isGlobalAdmin":false,"clusterName":"c1"}`, access.Event{Project: prodID, Target: "c1", Actor: access.Actor{Type: access.ActorAtlas}}},
		"only an address": {prod, `{` + base + `"remoteAddress":"192.0.2.1"}`, access.Event{Project: prodID, Actor: access.Actor{Address: "192.0.2.1"}}},
		"an odd actor":    {prod, `{` + base + `"userId":{"id":5}}`, access.Event{Project: prodID}},
		"member of a team": {org, `{` + base + `"eventTypeName":"JOINED_TEAM","targetUsername":"Rajesh@example.com"}`,
			access.Event{Type: "JOINED_TEAM", Target: "Rajesh@example.com", Actor: access.Actor{Type: access.ActorAtlas}}},
		"member and team": {org, `{` + base + `"targetUsername":"rajesh@example.com","teamId":"t"}`,
			access.Event{Target: "t/rajesh@example.com", Actor: access.Actor{Type: access.ActorAtlas}}},
		"key": {org, `{` + base + `"eventTypeName":"API_KEY_CREATED","targetPublicKey":"mcpvrzod"}`,
			access.Event{Type: "API_KEY_CREATED", Target: "mcpvrzod", Actor: access.Actor{Type: access.ActorAtlas}}},
		"documents": {prod, `{` + base + `"eventTypeName":"DATA_EXPLORER_CRUD","clusterName":"c1","database":"shop","collection":"orders","username":"alice@example.com"}`,
			access.Event{Type: "DATA_EXPLORER_CRUD", Target: "shop.orders", Project: prodID, Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}}},
		"a database": {prod, `{` + base + `"database":"shop"}`, access.Event{Target: "shop", Project: prodID, Actor: access.Actor{Type: access.ActorAtlas}}},
		"tags": {prod, `{` + base + `"eventTypeName":"CLUSTER_TAGS_MODIFIED","resourceId":"c0ffee000000000000000001","resourceType":"cluster"}`,
			access.Event{Type: "CLUSTER_TAGS_MODIFIED", Target: "c0ffee000000000000000001", Project: prodID, Actor: access.Actor{Type: access.ActorAtlas}}},
		"team": {org, `{` + base + `"teamId":"t","groupId":"g"}`, access.Event{Project: "g", Target: "t", Actor: access.Actor{Type: access.ActorAtlas}}},
	} {
		tc.want.V, tc.want.ID, tc.want.Scope, tc.want.Created, tc.want.Raw = 1, "6a7900000000000000000001", tc.scope, at, json.RawMessage(tc.raw)
		if diff := cmp.Diff(tc.want, decodeEvent(json.RawMessage(tc.raw), tc.scope)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The id that an event without one gets does not depend on links or the order of keys.
func TestContentID(t *testing.T) {
	id := func(s string) string { return decodeEvent(json.RawMessage(s), prod).ID }
	if a, b := id(`{"x":1,"links":[1],"y":2}`), id(`{"y":2,"x":1}`); a != b {
		t.Errorf("%s, %s", a, b)
	}
	if a, b := id(`{"x":1}`), id(`{"x":2}`); a == b {
		t.Error("two events share an id")
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"id":"1","created":"2026-08-10T03:06:32Z","delegatePrincipal":{"onBehalfOf":{"name":"x"}},"whitelistEntry":"::ffff:1.2.3.4/100"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		e := decodeEvent(raw, prod)
		if e.ID == "" || string(e.Raw) != string(raw) || e.ID != decodeEvent(raw, prod).ID {
			t.Errorf("%+v", e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("it does not encode: %v", err)
		}
	})
}

// TestDecodeEventHostile: an id or a time that could not be stored or be a part of a name
// is replaced, the same at each reading, and the event survives.
func TestDecodeEventHostile(t *testing.T) {
	for name, raw := range map[string]string{
		"id with dots":   `{"id":"a.b.ip_access_entry.99999999.0","created":"2026-08-10T03:06:32Z","eventTypeName":"X"}`,
		"id of 70 kB":    `{"id":"` + strings.Repeat("a", 70_000) + `","created":"2026-08-10T03:06:32Z","eventTypeName":"X"}`,
		"id with spaces": `{"id":"a b","created":"2026-08-10T03:06:32Z","eventTypeName":"X"}`,
		"year 10000":     `{"id":"ok","created":"9999-12-31T23:59:59-01:00","eventTypeName":"X"}`,
	} {
		e, again := decodeEvent(json.RawMessage(raw), prod), decodeEvent(json.RawMessage(raw), prod)
		if !plainID.MatchString(e.ID) || e.ID != again.ID || e.Type != "X" {
			t.Errorf("%s: id %.40q, type %q", name, e.ID, e.Type)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("%s: cannot be stored: %v", name, err)
		}
	}
}
