package daemon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// rewriting edits the answers to GETs whose path contains match.
func rewriting(match string, edit func([]byte) []byte) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, match) || resp.StatusCode != http.StatusOK {
				return resp, err
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			body = edit(body)
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Del("Content-Length")
			return resp, nil
		})
	}
}

const (
	opened = `as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"d"}]`
	raised = `as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`
)

func steps(t *testing.T, s *stage, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := s.step(line); err != nil {
			t.Fatal(line, err)
		}
	}
}

// TestOddEventsDoNotBlindTheWatch: whatever an event of the feed carries, what happens
// after it is seen and put right.
func TestOddEventsDoNotBlindTheWatch(t *testing.T) {
	for name, event := range map[string]string{
		"an id that looks like one of ours": `{"id":"a.b.ip_access_entry.99999999.0","created":"2026-11-22T02:00:50Z"`,
		"an id of 70 kB":                    `{"id":"` + strings.Repeat("a", 70_000) + `","created":"2026-11-22T02:00:50Z"`,
		"a year that JSON cannot carry":     `{"id":"64f0000000000000000000aa","created":"9999-12-31T23:59:59-01:00"`,
	} {
		t.Run(name, func(t *testing.T) {
			event += `,"eventTypeName":"NETWORK_PERMISSION_ENTRY_UPDATED","whitelistEntry":"1.2.3.4/32","username":"x@example.com"}`
			bubble(t, nil, func(t *testing.T, s *stage) {
				s.between = rewriting("/events", func(body []byte) []byte {
					if time.Since(s.begin) < time.Minute {
						return body
					}
					body = bytes.Replace(body, []byte(`"results":[`), []byte(`"results":[`+event+`,`), 1)
					return bytes.Replace(body, []byte(",]"), []byte("]"), 1)
				})
				s.start()
				steps(t, s, "at 2m "+opened, "at 10m nothing")
				if report := s.report(); !strings.Contains(report, "effect deleteGroupAccessListEntry ecommerce-prod 0.0.0.0/0") {
					t.Errorf("the entry was not put right:\n%s", report)
				}
			})
		})
	}
}

// TestOddEntryIsNotTakenForGone: an entry that cannot be decoded is there, or may be.
func TestOddEntryIsNotTakenForGone(t *testing.T) {
	for _, date := range []string{"+10000-01-01T04:59:59Z", "9999-12-31T23:59:59-01:00"} {
		t.Run(date, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, s *stage) {
				s.between = rewriting("/accessList", func(body []byte) []byte {
					return bytes.Replace(body, []byte(`"comment":"d"`), []byte(`"comment":"d","deleteAfterDate":"`+date+`"`), 1)
				})
				s.start()
				steps(t, s, "at 2m "+opened, "at 10m nothing")
				if report := s.report(); strings.Contains(report, "transient") {
					t.Errorf("told that it is over while it stands:\n%s", report)
				}
			})
		})
	}
}

// TestLargeRoleDoesNotBlindTheRules: a custom role of more than a megabyte is stored, and
// what is granted beside it is judged.
func TestLargeRoleDoesNotBlindTheRules(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		steps(t, s, "at 40s nothing")
		var resources []string
		for i := range 4500 {
			resources = append(resources, fmt.Sprintf(`{"db":"ecommerce","collection":"%s%d"}`, strings.Repeat("c", 200), i))
		}
		role := rawJSON(`{"roleName":"big","actions":[{"action":"FIND","resources":[` + strings.Join(resources, ",") + `]}]}`)
		if status, answer := s.atlas.Do(sim.Actor{Username: "rajesh@example.com"}, "POST", "/groups/"+s.atlas.ProjectID("ecommerce-prod")+"/customDBRoles/roles", role); status >= 300 {
			t.Fatalf("%d %.200s", status, answer)
		}
		steps(t, s, "at 2m "+raised, "at 8m nothing")
		if report := s.report(); !strings.Contains(report, "dbuser/atlas-admin-app") || !strings.Contains(report, "action=verified") {
			t.Errorf("atlasAdmin beside a large role was not put right:\n%s", report)
		}
	})
}

// TestReloadToDryRunStopsAPlanUnderWay: directly before each write the guards that a
// reload can change are asked again.
func TestReloadToDryRunStopsAPlanUnderWay(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		deletes := 0
		s.between = func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(r)
				if r.Method == http.MethodDelete {
					if deletes++; deletes == 1 {
						if err := s.reconfigure("dry_run: false => dry_run: true"); err != nil {
							t.Error(err)
						}
					}
				}
				return resp, err
			})
		}
		s.start()
		steps(t, s,
			`at 2m as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/2"},{"cidrBlock":"64.0.0.0/2"},{"cidrBlock":"128.0.0.0/2"},{"cidrBlock":"192.0.0.0/2"}]`,
			"at 10m nothing")
		if deletes != 1 {
			t.Errorf("%d deletions, want the one before the reload:\n%s", deletes, s.report())
		}
	})
}
