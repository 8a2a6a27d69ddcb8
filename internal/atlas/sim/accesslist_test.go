package sim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCreateAccess(t *testing.T) {
	soon := epoch.Add(time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		name, body string
		status     int
		want       string // code, or the entry's fields
	}{
		{"address", `[{"ipAddress":"192.0.2.9","comment":"x"}]`, 201, "192.0.2.9/32 192.0.2.9 x"},
		{"single block", `[{"cidrBlock":"192.0.2.9/32"}]`, 201, "192.0.2.9/32 192.0.2.9 <nil>"},
		{"block", `[{"cidrBlock":"192.0.2.0/25"}]`, 201, "192.0.2.0/25 <nil> <nil>"},
		{"host bits", `[{"cidrBlock":"192.0.2.77/25"}]`, 201, "192.0.2.0/25 <nil> <nil>"},
		{"world", `[{"cidrBlock":"0.0.0.0/0"}]`, 201, "0.0.0.0/0 <nil> <nil>"},
		{"v6 world", `[{"cidrBlock":"::/0"}]`, 201, "::/0 <nil> <nil>"},
		{"v6 address", `[{"ipAddress":"2001:DB8:0::1"}]`, 201, "2001:db8::1/128 2001:db8::1 <nil>"},
		{"temporary", `[{"ipAddress":"192.0.2.9","deleteAfterDate":"` + soon + `"}]`, 201, "192.0.2.9/32 192.0.2.9 <nil>"},
		{"comment of 80", `[{"ipAddress":"192.0.2.9","comment":"` + strings.Repeat("é", 80) + `"}]`, 201, "192.0.2.9/32 192.0.2.9 " + strings.Repeat("é", 80)},
		{"comment of 81", `[{"ipAddress":"192.0.2.9","comment":"` + strings.Repeat("x", 81) + `"}]`, 400, "INVALID_NETWORK_PERMISSION_COMMENT"},
		{"nothing", `[]`, 201, "203.0.113.7/32 203.0.113.7 <nil>"}, // the Kubernetes operator sends it
		{"no address", `[{"comment":"x"}]`, 400, "MISSING_ONE_OF_ATTRIBUTES"},
		{"two values", `[{"ipAddress":"192.0.2.9","cidrBlock":"192.0.2.9/32"}]`, 400, "MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY"},
		{"block as address", `[{"ipAddress":"192.0.2.0/24"}]`, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"garbage", `[{"cidrBlock":"192.0.2.300/24"}]`, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"zone", `[{"ipAddress":"fe80::1%eth0"}]`, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"twice in one request", `[{"ipAddress":"192.0.2.9"},{"cidrBlock":"192.0.2.9/32"}]`, 400, "DUPLICATE_ADDRESSES_IN_INPUT"},
		{"past", `[{"ipAddress":"192.0.2.9","deleteAfterDate":"2026-08-03T09:00:00Z"}]`, 400, "EXPIRATION_DATE_IN_PAST"},
		{"too far", `[{"ipAddress":"192.0.2.9","deleteAfterDate":"2026-08-11T10:00:00Z"}]`, 400, "EXPIRATION_DATE_EXCEEDS_MAX"},
		{"permanent to temporary", `[{"ipAddress":"203.0.113.7","deleteAfterDate":"` + soon + `"}]`, 400, "PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY"},
		{"security group", `[{"awsSecurityGroup":"sg-0123"}]`, 400, "CANNOT_USE_AWS_SECURITY_GROUP_WITHOUT_VPC_PEERING_CONNECTION"},
		{"temporary group", `[{"awsSecurityGroup":"sg-0123","deleteAfterDate":"` + soon + `"}]`, 400, "NETWORK_PERMISSION_EXPIRATION_NOT_SUPPORTED"},
		{"one bad of two", `[{"ipAddress":"192.0.2.9"},{"ipAddress":"x"}]`, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path("{prod}/accessList"), c.body)
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if c.status != 201 {
				if a.code() != c.want || len(w.Effects()) != 0 || len(w.events("{prod}")) != 0 {
					t.Errorf("got %s, %d effects", a.raw, len(w.Effects()))
				}
				return
			}
			rows := a.results()
			last := rows[len(rows)-1]
			if got := fmt.Sprint(last["cidrBlock"], " ", last["ipAddress"], " ", last["comment"]); len(rows) != 3-strings.Count(c.body, "[]") || got != c.want {
				t.Errorf("got %d rows, last %q", len(rows), got)
			}
		})
	}
}

func TestAccessPaths(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{prod}/accessList"), `[{"cidrBlock":"::/0"},{"cidrBlock":"0.0.0.0/0"}]`)
	for _, c := range []struct{ path, want string }{
		{"203.0.113.7", "203.0.113.7/32"},
		{"203.0.113.7%2F32", "203.0.113.7/32"},
		{"198.51.100.0%2f24", "198.51.100.0/24"},
		{"198.51.100.9%2F24", "198.51.100.0/24"},
		{"0.0.0.0%2F0", "0.0.0.0/0"},
		{"::%2F0", "::/0"},
		{"%3A%3A%2F0", "::/0"},
	} {
		a := w.as(ownerID, "GET", w.path("{prod}/accessList/"+c.path), nil)
		if a.status != 200 || a.body["cidrBlock"] != c.want || a.body["groupId"] != w.ProjectID("prod") {
			t.Errorf("%s: %d %s", c.path, a.status, a.raw)
		}
		href := rowsOf(a.body["links"])[0]["href"].(string)
		if !strings.HasSuffix(href, "/accessList/"+url.PathEscape(c.want)) {
			t.Errorf("self link %s", href)
		}
	}
	for _, path := range []string{"198.51.100.0", "198.51.100.0%2F25", "1.2.3.4", "nope"} {
		if a := w.as(ownerID, "GET", w.path("{prod}/accessList/"+path), nil); a.status != 404 || a.code() != "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND" {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/accessList/198.51.100.0/24"), nil); a.status != 404 {
		t.Errorf("an unescaped slash: %d", a.status)
	}
}

func TestDuplicatePostUpdates(t *testing.T) {
	w := start(t)
	post := func(body string) answerOf { return w.as(ownerID, "POST", w.path("{prod}/accessList"), body) }
	if a := post(`[{"cidrBlock":"198.51.100.0/24","comment":"moved"}]`); a.status != 201 || len(a.results()) != 2 || a.results()[0]["comment"] != "moved" {
		t.Fatalf("update: %d %s", a.status, a.raw)
	}
	if a := post(`[{"cidrBlock":"198.51.100.0/24"}]`); a.status != 201 || a.results()[0]["comment"] != "moved" {
		t.Errorf("repeat: %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{prod}")); got != "NETWORK_PERMISSION_ENTRY_UPDATED NETWORK_PERMISSION_ENTRY_UPDATED" {
		t.Errorf("events %s", got)
	}
	effects := w.Effects()
	if len(effects) != 1 || !strings.Contains(effects[0].Before, "office") || !strings.Contains(effects[0].After, "moved") || effects[0].Target != "198.51.100.0/24" {
		t.Errorf("effects %+v", effects)
	}
}

func TestAccessDeleteTwice(t *testing.T) {
	w := start(t)
	path := w.path("{prod}/accessList/203.0.113.7")
	if a := w.as(ownerID, "DELETE", path, nil); a.status != 204 || a.raw != "" {
		t.Fatalf("delete: %d %q", a.status, a.raw)
	}
	if a := w.as(ownerID, "DELETE", path, nil); a.status != 404 {
		t.Errorf("second delete: %d", a.status)
	}
	if n := len(w.Effects()); n != 1 {
		t.Errorf("%d effects", n)
	}
	if e := w.events("{prod}"); len(e) != 1 || e[0]["whitelistEntry"] != "203.0.113.7" {
		t.Errorf("events %v", e)
	}
}

func TestAccessStatusBecomesActive(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.9"}]`)
	status := func() any {
		return w.as(ownerID, "GET", w.path("{prod}/accessList/192.0.2.9/status"), nil).body["STATUS"]
	}
	if got := status(); got != "PENDING" {
		t.Errorf("at first %v", got)
	}
	w.Advance(activateLag)
	if got := status(); got != "ACTIVE" {
		t.Errorf("later %v", got)
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/accessList/192.0.2.10/status"), nil); a.status != 404 {
		t.Errorf("of nothing: %d", a.status)
	}
}

func TestAccessLimit(t *testing.T) {
	w := start(t)
	w.fill(100)
	for i := 100; i < 200; i++ {
		w.do("POST", w.path("{prod}/accessList"), fmt.Sprintf(`[{"ipAddress":"10.2.0.%d"}]`, i))
	}
	a := w.as(ownerID, "POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.9"}]`)
	if a.status != 403 || a.code() != "ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED" {
		t.Errorf("entry 201: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "POST", w.path("{prod}/accessList"), `[{"ipAddress":"203.0.113.7","comment":"held"}]`); a.status != 201 {
		t.Errorf("an update of a full list: %d %s", a.status, a.raw)
	}
}

func TestTemporaryEntryVanishes(t *testing.T) {
	w := start(t)
	until := epoch.Add(time.Hour)
	w.do("POST", w.path("{prod}/accessList"), fmt.Sprintf(`[{"ipAddress":"192.0.2.9","deleteAfterDate":"%s"}]`, until.In(time.FixedZone("x", 7200)).Format(time.RFC3339)))
	get := func() answerOf { return w.as(ownerID, "GET", w.path("{prod}/accessList/192.0.2.9"), nil) }
	if got := get().body["deleteAfterDate"]; got != "2026-08-03T11:00:00Z" {
		t.Errorf("date %v", got)
	}
	w.Advance(time.Hour + removalLag - time.Second)
	if a := get(); a.status != 200 {
		t.Errorf("just expired: %d", a.status)
	}
	if a := w.do("POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.9","comment":"late"}]`); a.code() != "ALREADY_EXPIRED" {
		t.Errorf("touching an expired entry: %d %s", a.status, a.raw)
	}
	w.Advance(time.Second)
	if a := get(); a.status != 404 {
		t.Errorf("after the lag: %d", a.status)
	}
	e := w.events("{prod}")[0]
	if e["eventTypeName"] != "NETWORK_PERMISSION_ENTRY_REMOVED" || e["created"] != "2026-08-03T11:01:00Z" {
		t.Errorf("event %v", e)
	}
	for _, key := range []string{"username", "userId", "publicKey", "apiKeyId", "remoteAddress"} {
		if _, has := e[key]; has {
			t.Errorf("the event has a %s", key)
		}
	}
	last := w.Effects()[1]
	if last.OperationID != "expire" || last.ByHTTP || last.After != "" {
		t.Errorf("effect %+v", last)
	}
}

func TestMovedExpiry(t *testing.T) {
	w := start(t)
	post := func(d time.Duration) {
		w.do("POST", w.path("{prod}/accessList"), fmt.Sprintf(`[{"ipAddress":"192.0.2.9","deleteAfterDate":"%s"}]`, epoch.Add(d).Format(time.RFC3339)))
	}
	post(time.Hour)
	post(3 * time.Hour)
	w.Advance(2 * time.Hour)
	if a := w.do("GET", w.path("{prod}/accessList/192.0.2.9"), nil); a.status != 200 {
		t.Errorf("the old date still counts: %d", a.status)
	}
	w.Advance(2 * time.Hour)
	if a := w.do("GET", w.path("{prod}/accessList/192.0.2.9"), nil); a.status != 404 {
		t.Errorf("the new date does not count: %d", a.status)
	}
}

func TestLostUpdates(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := start(t)
		w.SetLostUpdates(lost)
		w.OnRequest(func(r Request) {
			if r.Mutating {
				w.OnRequest(nil)
				w.do("POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.1"}]`)
			}
		})
		a := w.as(ownerID, "POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.2"}]`)
		if want := map[bool]int{false: 4, true: 3}[lost]; len(a.results()) != want {
			t.Errorf("lost updates %t: %d entries, want %d", lost, len(a.results()), want)
		}
	}
}
