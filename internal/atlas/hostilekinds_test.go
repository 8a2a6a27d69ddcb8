package atlas

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func listOf(total int, elements ...string) string {
	return fmt.Sprintf(`{"results":[%s],"totalCount":%d}`, strings.Join(elements, ","), total)
}

// A user goes and another comes between two pages: one is on both pages and one on none.
// Users with two teams, or none, have no name of their own in the list of team members.
func TestShiftedPagesOfSeveralStatesAreNoWhole(t *testing.T) {
	user := func(n int) string {
		return fmt.Sprintf(`{"id":"u%04d","username":"u%04d@example.com","orgMembershipStatus":"ACTIVE","teamIds":["a","b"],"roles":{}}`, n, n)
	}
	account := func(n int) string {
		return fmt.Sprintf(`{"clientId":"c%04d","roles":[],"secrets":[{"id":"x","expiresAt":"2027-01-01T00:00:00Z","lastUsedAt":"2026-01-01T00:00:00Z"},{"id":"y","expiresAt":"2027-01-01T00:00:00Z"}]}`, n)
	}
	for kind, element := range map[access.Kind]func(int) string{access.KindTeamMember: user, access.KindServiceAccountSecret: account} {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, answering(func(r *http.Request) (int, string) {
				var page []string
				if r.URL.Query().Get("pageNum") == "1" {
					for n := range pageSize {
						page = append(page, element(n))
					}
				} else {
					page = append(page, strings.ReplaceAll(element(pageSize-1), "2026-01-01", "2026-01-02")) // again, and used meanwhile
				}
				return 200, listOf(pageSize+1, page...)
			}), nil)
			if got := c.Read(t.Context(), org, kind); got.Status == access.StatusComplete {
				t.Errorf("%s: %d states of shifted pages pass for a whole", kind, len(got.States))
			}
		})
	}
}

// A reading has begun when its first request had, however its later ones are answered.
func TestReadingBeginsWithItsFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, answering(func(r *http.Request) (int, string) {
			defer time.Sleep(5 * time.Second)
			switch {
			case strings.HasSuffix(r.URL.Path, "/clusters"):
				return 200, listOf(2, `{"name":"free"}`, `{"name":"paid"}`)
			case strings.Contains(r.URL.Path, "/clusters/free/"):
				return 400, `{"errorCode":"FEATURE_UNSUPPORTED"}`
			}
			time.Sleep(3 * time.Second) // its answer comes after that of the free one
			return 200, listOf(1, `{"id":"j","deliveryType":"automated"}`)
		}), nil)
		before := c.Now()
		got := c.Read(t.Context(), prod, access.KindBackupRestoreJob)
		if late := got.Began.Sub(before); got.Status != access.StatusComplete || late < 0 || late > time.Second {
			t.Errorf("%s %q, begun %s after its first request", got.Status, got.Reason, late)
		}
	})
}

// What cannot be decoded goes by the name of the record, or the record counts as gone.
func TestOddMemberKeepsItsName(t *testing.T) {
	for _, k := range []access.Kind{access.KindOrgMember, access.KindInvitation, access.KindProjectMember} {
		src, _ := sourceOf(k)
		got := reading([]piece{{json.RawMessage(`{"username":"Alice@Example.com","roles":7}`), prod, ""}}, src, time.Time{})
		if !slices.Equal(got.Odd, []string{"alice@example.com"}) {
			t.Errorf("%s: odd %q", k, got.Odd)
		}
	}
}

// A Kelvin sign is no k and a dotted capital I no i: who has one is somebody else, and
// takes nobody's place in the collection.
func TestLookalikeUsernamesStayApart(t *testing.T) {
	for _, k := range []access.Kind{access.KindOrgMember, access.KindInvitation, access.KindTeamMember, access.KindProjectMember} {
		src, _ := sourceOf(k)
		names := map[string]bool{}
		for _, who := range []string{"kim@example.com", "\u212Aim@example.com", "k\u0130m@example.com"} {
			roles := `{}`
			if k == access.KindProjectMember {
				roles = `[]`
			}
			raw := fmt.Sprintf(`{"id":%q,"username":%q,"orgMembershipStatus":"ACTIVE","teamIds":["t"],"roles":%s}`, who, who, roles)
			states, err := src.states(piece{json.RawMessage(raw), org, ""})
			if err != nil || len(states) != 1 {
				t.Fatalf("%s %q: %v", k, who, err)
			}
			names[states[0].Name()] = true
		}
		if len(names) != 3 {
			t.Errorf("%s: three people have the names %v", k, names)
		}
	}
}

// What a reading fans out over must be understood: what is under an element without a
// name is not read, and is not clean for that.
func TestNamelessParentIsOdd(t *testing.T) {
	for name, tc := range map[string]struct {
		scope   access.Scope
		kind    access.Kind
		parents string // the path that lists them
		element string
	}{
		"cluster":           {prod, access.KindBackupRestoreJob, "/clusters", `{"name":7}`},
		"cluster's history": {prod, access.KindAccessHistory, "/clusters", `{"name":7}`},
		"key":               {org, access.KindAPIAccessEntry, "/apiKeys", `{"id":"k"}`},
		"key's id":          {org, access.KindAPIAccessEntry, "/apiKeys", `{"publicKey":"abcdefgh"}`},
		"account":           {org, access.KindAPIAccessEntry, "/serviceAccounts", `{"clientId":7}`},
		"certified user":    {prod, access.KindX509Config, "/databaseUsers", `{"x509Type":"MANAGED"}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, answering(func(r *http.Request) (int, string) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/userSecurity"):
					return 200, `{"customerX509":{}}`
				case strings.HasSuffix(r.URL.Path, tc.parents):
					return 200, listOf(1, tc.element)
				case strings.Contains(r.URL.Path, "//"):
					return 404, `{"errorCode":"RESOURCE_NOT_FOUND"}`
				}
				return 200, listOf(0)
			}), nil)
			if got := c.Read(t.Context(), tc.scope, tc.kind); got.Status == access.StatusComplete && len(got.Odd) == 0 {
				t.Errorf("%s: what is under %s passes for nothing", name, tc.element)
			}
		})
	}
}

// MongoDB takes authorities by other labels too, and whatever is garbled here may be one.
func TestAuthorityOfAnotherLabelIsNotSkipped(t *testing.T) {
	good := testAuthority(t)
	for _, label := range []string{"TRUSTED CERTIFICATE", "X509 CERTIFICATE"} {
		other := strings.ReplaceAll(good, "BEGIN CERTIFICATE", "BEGIN "+label)
		other = strings.ReplaceAll(other, "END CERTIFICATE", "END "+label)
		for name, cas := range map[string]string{label: good + other, label + " first": other + good, "garbled": good + "-----BEGIN CERTIFICATE-----\nMII!\n-----END CERTIFICATE-----\n"} {
			doc, err := json.Marshal(map[string]any{"customerX509": map[string]any{"cas": cas}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := authorities(doc); err == nil {
				t.Errorf("%s: %d authorities are told of two", name, len(got))
			}
		}
	}
	doc, _ := json.Marshal(map[string]any{"customerX509": map[string]any{"cas": "a comment\n" + good + "\n# another\n"}})
	if got, err := authorities(doc); err != nil || len(got) != 1 {
		t.Errorf("with comments: %v %v", got, err)
	}
}

func testAuthority(t *testing.T) string {
	t.Helper()
	der := selfSigned(t)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Whoever can reach a cluster can fill its access history with failed logins.
func TestHistoryFloodIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(26 * 365 * 24 * time.Hour) // Atlas takes no time before 2008
		full := `{"accessLogs":[` + strings.TrimSuffix(strings.Repeat(`{},`, historyRows), ",") + `]}`
		calls := 0
		c := connect(t, answering(func(r *http.Request) (int, string) {
			if strings.HasSuffix(r.URL.Path, "/clusters") {
				return 200, listOf(1, `{"name":"c"}`)
			}
			calls++
			from, to := r.URL.Query().Get("start"), r.URL.Query().Get("end")
			var a, b int64
			fmt.Sscan(from, &a)
			fmt.Sscan(to, &b)
			if b-a > 3600_000 { // 19,000 an hour is not too much for one hour
				return 200, full
			}
			return 200, `{"accessLogs":[]}`
		}), nil)
		got := c.Read(t.Context(), prod, access.KindAccessHistory)
		if got.Status != access.StatusFailed || calls > historyWindows {
			t.Errorf("%s after %d requests for one cluster", got.Status, calls)
		}
	})
}

// A routing key is a secret field: it is no target either.
func TestIntegrationTargetHoldsNoSecretField(t *testing.T) {
	for _, field := range []string{"apiKey", "apiToken", "secret", "serviceKey", "password", "licenseKey", "readToken", "writeToken", "routingKey"} {
		a, errA := decodeIntegration(piece{json.RawMessage(fmt.Sprintf(`{"type":"X","id":"i",%q:"fake-secret-1"}`, field)), prod, ""})
		b, errB := decodeIntegration(piece{json.RawMessage(fmt.Sprintf(`{"type":"X","id":"i",%q:"fake-secret-2"}`, field)), prod, ""})
		if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s shows: %+v", field, a)
		}
	}
}

// Anybody who reaches a cluster makes up names that never get in. They are no resources
// without end, and hide nobody who did get in.
func TestMadeUpNamesAreBounded(t *testing.T) {
	lines := []string{`{"username":"zoe","authSource":"admin","authResult":true,"ipAddress":"192.0.2.1","timestamp":"2026-08-03T10:11:12Z"}`}
	for n := range 3 * mostStrangers {
		lines = append(lines, fmt.Sprintf(`{"username":"made-up-%04d","authSource":"admin","authResult":false,"ipAddress":"2001:db8::%x","timestamp":"2026-08-03T10:11:12Z"}`, n, n),
			fmt.Sprintf(`{"username":"zoe","authSource":"admin","authResult":false,"ipAddress":"2001:db8::%x","timestamp":"2026-08-03T10:11:12Z"}`, n))
	}
	states, err := decodeHistory(piece{json.RawMessage("[" + strings.Join(lines, ",") + "]"), prod, "c"})
	if err != nil || len(states) != mostStrangers+2 {
		t.Fatalf("%d records: %v", len(states), err)
	}
	zoe := false
	for _, s := range states {
		h := s.(access.AccessHistory)
		zoe = zoe || h.Username == "zoe" && slices.Equal(h.Addresses, []string{"192.0.2.1"})
		if len(h.Failing) > mostFailing {
			t.Errorf("%s: %d failing addresses", h.Name(), len(h.Failing))
		}
	}
	if !zoe {
		t.Error("who got in is not told")
	}
}
