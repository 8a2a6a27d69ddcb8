package sim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// open puts an address on prod's list as somebody.
func (w *world) open(who Actor, ip string) {
	w.t.Helper()
	status, raw := w.Do(who, "POST", w.path("{prod}/accessList"), []map[string]string{{"ipAddress": ip}})
	if status != 201 {
		w.t.Fatalf("adding %s: %d %s", ip, status, raw)
	}
}

func TestEventActors(t *testing.T) {
	for _, c := range []struct {
		name string
		who  Actor
		want map[string]any
	}{
		{"atlas", Actor{}, map[string]any{"isGlobalAdmin": false}},
		{"known human", Actor{Username: "alice@example.com", RemoteAddress: "192.0.2.1"},
			map[string]any{"isGlobalAdmin": false, "username": "alice@example.com", "userId": "aaaaaaaaaaaaaaaaaaaaaaaa", "remoteAddress": "192.0.2.1"}},
		{"human with an id", Actor{Username: "bob@example.com", UserID: "bbbbbbbbbbbbbbbbbbbbbbbb"},
			map[string]any{"isGlobalAdmin": false, "username": "bob@example.com", "userId": "bbbbbbbbbbbbbbbbbbbbbbbb"}},
		{"employee", Actor{Username: "x@mongodb.com", UserID: "cccccccccccccccccccccccc", GlobalAdmin: true},
			map[string]any{"isGlobalAdmin": true, "username": "x@mongodb.com", "userId": "cccccccccccccccccccccccc"}},
		{"key", Actor{PublicKey: "zzzzzzzz", APIKeyID: "dddddddddddddddddddddddd"},
			map[string]any{"isGlobalAdmin": false, "publicKey": "zzzzzzzz", "apiKeyId": "dddddddddddddddddddddddd"}},
		{"service account", Actor{ClientID: ownerID}, map[string]any{"isGlobalAdmin": false, "publicKey": ownerID}},
		{"delegate", Actor{ClientID: ownerID, Delegate: &Delegate{"i", "agent", "alice"}},
			map[string]any{"isGlobalAdmin": false, "publicKey": ownerID, "delegatePrincipal": map[string]any{"id": "i", "name": "agent", "onBehalfOf": "alice"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			w.open(c.who, "192.0.2.9")
			e := w.events("{prod}")[0]
			links := rowsOf(e["links"])
			if !isID(e["id"].(string)) || len(links) != 1 || !strings.HasSuffix(links[0]["href"].(string), "/groups/"+w.ProjectID("prod")+"/events/"+e["id"].(string)) {
				t.Errorf("event %v", e)
			}
			delete(e, "id")
			delete(e, "links")
			c.want["created"], c.want["eventTypeName"] = "2026-08-03T10:00:00Z", "NETWORK_PERMISSION_ENTRY_ADDED"
			c.want["groupId"], c.want["whitelistEntry"] = w.ProjectID("prod"), "192.0.2.9"
			if d := cmp.Diff(c.want, e); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEventsOfCredentials(t *testing.T) {
	w := start(t)
	w.as(ownerID, "DELETE", w.path("{prod}/accessList/203.0.113.7"), nil)
	path := w.path("{prod}/databaseUsers/admin/app")
	challenge := w.send(w.request("DELETE", path, nil)).header.Get("WWW-Authenticate")
	if a := w.send(w.request("DELETE", path, nil, "Authorization", digestHeader(challenge, "abcdefgh", keySecret, "DELETE", apiPrefix+path, "auth"))); a.status != 204 {
		t.Fatalf("delete with a key: %d %s", a.status, a.raw)
	}
	feed := w.events("{prod}")
	if kinds(feed) != "MONGODB_USER_DELETED NETWORK_PERMISSION_ENTRY_REMOVED" {
		t.Fatalf("events %v", feed)
	}
	if e := feed[0]; e["publicKey"] != "abcdefgh" || !isID(fmt.Sprint(e["apiKeyId"])) || e["remoteAddress"] != "127.0.0.1" {
		t.Errorf("by key: %v", e)
	}
	if e := feed[1]; e["publicKey"] != ownerID || e["apiKeyId"] != nil || e["username"] != nil {
		t.Errorf("by service account: %v", e)
	}
}

func TestFeedsDoNotOverlap(t *testing.T) {
	w := start(t)
	w.open(Actor{}, "192.0.2.9")
	w.do("DELETE", w.path("{prod}/databaseUsers/admin/app"), nil)
	if e := w.events("{org}"); len(e) != 0 {
		t.Errorf("organisation feed: %v", e)
	}
	if e := w.events("{dev}"); len(e) != 0 {
		t.Errorf("the other project's feed: %v", e)
	}
	for _, e := range w.events("{prod}") {
		if e["orgId"] != nil || e["groupId"] != w.ProjectID("prod") {
			t.Errorf("event %v", e)
		}
	}
	w.do("POST", "/groups", fmt.Sprintf(`{"name":"x","orgId":%q}`, w.OrgID("ExampleCorp")))
	e := w.events("{org}")[0]
	href := rowsOf(e["links"])[0]["href"].(string)
	if !strings.HasSuffix(href, "/groups/null/events/"+e["id"].(string)) {
		t.Errorf("self link %s", href)
	}
}

func TestEventQueries(t *testing.T) {
	w := start(t)
	for i := range 5 {
		w.open(Actor{}, fmt.Sprintf("192.0.2.%d", i))
		w.Advance(10 * time.Second)
	}
	w.do("DELETE", w.path("{prod}/databaseUsers/admin/app"), nil)
	for _, c := range []struct{ query, want string }{
		{"", "50 40 30 20 10 0"},
		{"minDate=2026-08-03T10:00:30Z", "50 40 30"},
		{"minDate=" + url.QueryEscape("2026-08-03T12:00:30+02:00"), "50 40 30"},
		{"maxDate=2026-08-03T10:00:20Z", "20 10 0"},
		{"minDate=2026-08-03T10:00:10Z&maxDate=2026-08-03T10:00:20Z", "20 10"},
		{"eventType=MONGODB_USER_DELETED", "50"},
		{"eventType=MONGODB_USER_DELETED&eventType=NETWORK_PERMISSION_ENTRY_ADDED", "50 40 30 20 10 0"},
		{"excludedEventType=NETWORK_PERMISSION_ENTRY_ADDED", "50"},
		{"itemsPerPage=2&pageNum=2", "30 20"},
		{"itemsPerPage=2&pageNum=4", ""},
	} {
		a := w.as(ownerID, "GET", w.path("{prod}/events?"+c.query), nil)
		var got []string
		for _, e := range a.results() {
			at, _ := time.Parse(time.RFC3339, e["created"].(string))
			got = append(got, fmt.Sprint(at.Sub(epoch.Truncate(time.Second)).Seconds()))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %q, want %q (%s)", c.query, s, c.want, a.raw)
		}
	}
	for query, code := range map[string]string{
		"minDate=yesterday": "INVALID_DATE_FORMAT", "eventType=NOPE": "INVALID_ENUM_VALUE",
		"minDate=2026-08-03T10:00:30Z&maxDate=2026-08-03T10:00:20Z": "INVALID_DATE_RANGE", "itemsPerPage=501": "INVALID_QUERY_PARAMETER",
	} {
		if a := w.as(ownerID, "GET", w.path("{prod}/events?"+query), nil); a.status != 400 || a.code() != code {
			t.Errorf("%q: %d %s", query, a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/events?itemsPerPage=2&includeCount=false"), nil); a.body["totalCount"] != 0.0 || rels(a) != "self" {
		t.Errorf("without a count: %s", a.raw)
	}
}

func TestOneEvent(t *testing.T) {
	w := start(t)
	w.SetVisibility(time.Minute)
	w.open(Actor{}, "192.0.2.9")
	w.Advance(time.Minute)
	id := w.events("{prod}")[0]["id"].(string)
	if a := w.as(ownerID, "GET", w.path("{prod}/events/"+id+"?includeRaw=true"), nil); a.status != 200 || a.body["raw"] == nil || unknownKeys("raw", a.body["raw"]) != "" {
		t.Errorf("get: %d %s, unknown %s", a.status, a.raw, unknownKeys("raw", a.body["raw"]))
	}
	w.Advance(-time.Second)
	if a := w.as(ownerID, "GET", w.path("{prod}/events/"+id), nil); a.status != 404 || a.code() != "EVENT_NOT_FOUND" {
		t.Errorf("invisible: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", w.path("{org}/events/"+id), nil); a.status != 404 || a.code() != "ORG_EVENT_NOT_FOUND" {
		t.Errorf("in the other feed: %d %s", a.status, a.raw)
	}
}

func TestVisibility(t *testing.T) {
	w := start(t)
	w.SetVisibility(30 * time.Second)
	w.open(Actor{}, "192.0.2.9")
	w.Advance(30*time.Second - 1)
	if e := w.events("{prod}"); len(e) != 0 {
		t.Errorf("too early: %v", e)
	}
	w.Advance(1)
	if e := w.events("{prod}"); len(e) != 1 || e[0]["created"] != "2026-08-03T10:00:00Z" {
		t.Errorf("in time: %v", e)
	}
}

func TestLateEvents(t *testing.T) {
	w := start(t)
	w.SetLate(0.5, time.Hour)
	for i := range 40 {
		w.open(Actor{}, fmt.Sprintf("192.0.2.%d", i))
	}
	early := len(w.events("{prod}"))
	w.Advance(time.Hour)
	if all := len(w.events("{prod}")); early < 8 || early > 32 || all != 40 {
		t.Errorf("%d of %d events were in time", early, all)
	}
}

func TestDisorderShufflesOnlyEqualSeconds(t *testing.T) {
	w := start(t)
	for i := range 30 {
		w.open(Actor{}, fmt.Sprintf("192.0.2.%d", i))
		if i%10 == 9 {
			w.Advance(time.Second)
		}
	}
	list := func() (ids, created []any) {
		for _, e := range w.events("{prod}") {
			ids, created = append(ids, e["id"]), append(created, e["created"])
		}
		return ids, created
	}
	inOrder, before := list()
	w.SetDisorder(true)
	shuffled, after := list()
	again, _ := list()
	if !cmp.Equal(before, after) {
		t.Errorf("seconds are out of order: %v", after)
	}
	if cmp.Equal(inOrder, shuffled) || !cmp.Equal(shuffled, again) {
		t.Errorf("shuffled %t, stable %t", !cmp.Equal(inOrder, shuffled), cmp.Equal(shuffled, again))
	}
}

func TestInjectedEvents(t *testing.T) {
	w := start(t)
	w.open(Actor{}, "192.0.2.9")
	raw := map[string]any{"id": "dup", "created": "2026-08-03T09:00:00Z", "eventTypeName": "NEVER_HEARD_OF", "strange": map[string]any{"x": 1.0}}
	w.InjectEvent(false, w.ProjectID("prod"), raw)
	w.InjectEvent(false, w.ProjectID("prod"), raw)
	w.InjectEvent(false, w.ProjectID("prod"), map[string]any{"id": 7.0, "created": "not a date"})
	w.InjectEvent(true, w.OrgID("ExampleCorp"), map[string]any{})
	w.InjectEvent(true, "nowhere", map[string]any{})
	raw["id"] = "changed afterwards"
	rows := w.events("{prod}")
	var ids []any
	for _, r := range rows {
		ids = append(ids, r["id"])
	}
	if len(rows) != 4 || ids[0] != 7.0 || ids[2] != "dup" || ids[3] != "dup" || cmp.Diff(rows[3]["strange"], map[string]any{"x": 1.0}) != "" {
		t.Errorf("feed %v", rows)
	}
	if rows := w.events("{org}"); len(rows) != 1 {
		t.Errorf("organisation feed %v", rows)
	}
}

// However the clock jumps, a feed is sorted, complete, and pages do not overlap.
func TestFeedProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := start(t)
		w.SetDisorder(rapid.Bool().Draw(rt, "disorder"))
		n := rapid.IntRange(0, 25).Draw(rt, "events")
		for i := range n {
			w.open(Actor{}, fmt.Sprintf("192.0.2.%d", i))
			w.Advance(time.Duration(rapid.IntRange(-3, 3).Draw(rt, "jump")) * 700 * time.Millisecond)
		}
		w.Advance(time.Hour)
		size := rapid.IntRange(1, 30).Draw(rt, "page")
		seen, last := map[any]bool{}, "9999"
		for page := 1; ; page++ {
			rows := w.do("GET", w.path(fmt.Sprintf("{prod}/events?itemsPerPage=%d&pageNum=%d", size, page)), nil).results()
			for _, e := range rows {
				if e["created"].(string) > last {
					rt.Fatalf("%v comes after %s", e["created"], last)
				}
				seen[e["id"]], last = true, e["created"].(string)
			}
			if len(rows) < size {
				break
			}
		}
		if len(seen) != n {
			rt.Fatalf("%d of %d events", len(seen), n)
		}
	})
}

// unknownKeys are those that a schema does not have.
func unknownKeys(schema string, v any) string {
	var out []string
	for _, wrong := range apispec.Load().Check(apispec.Load().Schemas[schema], v) {
		if wrong.Rule == apispec.Unknown {
			out = append(out, wrong.Path)
		}
	}
	return strings.Join(out, " ")
}
