package prevent_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

const (
	orgID    = "64f000000000000000000001"
	shopProd = "64f0000000000000000000a1"
	shopDev  = "64f0000000000000000000b1"
	clientID = "mdb_sa_id_0123456789abcdef01234567"
	secret   = "fake-owner-secret"
)

const shopWorld = `
orgs:
  - name: ExampleCorp
    id: 64f000000000000000000001
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: fake-owner-secret, name: owner, roles: [ORG_OWNER]}
    projects:
      - name: shop-prod
        id: 64f0000000000000000000a1
        accessList: [{cidrBlock: 20.30.40.0/24}]
      - name: shop-dev
        id: 64f0000000000000000000b1
        accessList: [{cidrBlock: 0.0.0.0/0}]
`

// shop is an Atlas behind HTTP, and its owner.
type shop struct {
	t     *testing.T
	url   string
	token string
}

func start(t *testing.T) *shop {
	t.Helper()
	w, err := sim.ParseWorld("world.yaml", []byte(shopWorld))
	if err != nil {
		t.Fatal(err)
	}
	atlas, err := sim.New(sim.Options{World: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(atlas)
	t.Cleanup(server.Close)
	s := &shop{t: t, url: server.URL}
	form, err := http.NewRequest("POST", s.url+"/api/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	var answer struct {
		Token string `json:"access_token"`
	}
	s.send(form, &answer)
	s.token = answer.Token
	return s
}

func (s *shop) do(method, path string, body, into any) (status int, raw string) {
	s.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequest(method, s.url+"/api/atlas/v2"+path, bytes.NewReader(sent))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/vnd.atlas.2025-03-12+json")
	r.Header.Set("Content-Type", "application/vnd.atlas.2025-03-12+json")
	r.Header.Set("Authorization", "Bearer "+s.token)
	return s.send(r, into)
}

func (s *shop) send(r *http.Request, into any) (status int, raw string) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			s.t.Fatalf("%s %s: %d %s", r.Method, r.URL, resp.StatusCode, answer)
		}
	}
	return resp.StatusCode, string(answer)
}

// add says whether Atlas took the entry.
func (s *shop) add(project, entry string) bool {
	s.t.Helper()
	status, raw := s.do("POST", "/groups/"+project+"/accessList", []map[string]string{{"cidrBlock": entry}}, nil)
	if status != 201 && status != 403 {
		s.t.Fatalf("adding %s: %d %s", entry, status, raw)
	}
	return status == 201
}

// apply sends the rule's policy, after asking whether it is valid, and reads it back.
func (s *shop) apply(rule string, g prevent.Given) access.ResourcePolicy {
	s.t.Helper()
	text, ok := prevent.Policy(rule, g)
	if !ok {
		s.t.Fatalf("%s has no policy: %s", rule, text.Reason)
	}
	var bodies []map[string]string
	for _, p := range text.Policies {
		bodies = append(bodies, map[string]string{"body": p})
	}
	sent := map[string]any{"name": text.Name, "description": text.Description, "policies": bodies}
	const path = "/orgs/" + orgID + "/resourcePolicies"
	if status, raw := s.do("POST", path+":validate", sent, nil); status != 200 {
		s.t.Fatalf("%s is refused: %d %s", rule, status, raw)
	}
	var made struct {
		ID, Name, Description string
		Policies              []struct{ Body string }
	}
	if status, raw := s.do("POST", path, sent, &made); status != 201 {
		s.t.Fatalf("%s is not made: %d %s", rule, status, raw)
	}
	out := access.ResourcePolicy{ID: made.ID, Title: made.Name, Description: made.Description}
	for _, p := range made.Policies {
		out.Policies = append(out.Policies, p.Body)
	}
	return out
}

func given() prevent.Given {
	return prevent.Given{
		Org: orgID, Environment: "prod", Projects: []string{shopProd},
		Networks:  []string{"20.30.40.0/24", "8.8.8.8"},
		Developer: []string{"93.184.216.0/28"},
		Providers: map[string][]string{"aws": {"3.5.0.0/19"}},
		Peers:     []access.Peer{{Account: "000123456789"}},
	}
}

// Atlas takes every policy, enforces it, and what it gives back covers the rule.
func TestAtlasEnforces(t *testing.T) {
	for _, c := range []struct {
		rule    string
		refused []string
		taken   []string
	}{
		{"network/open-to-world", []string{"0.0.0.0/0", "::/0"}, []string{"203.0.113.0/24", "10.0.0.0/8"}},
		{"network/transient-open-to-world", []string{"0.0.0.0/0"}, []string{"203.0.113.0/24"}},
		{"network/exposure-too-wide", []string{"64.0.0.0/2"}, []string{"8.8.8.8/32"}},
		{"network/entry-too-broad", []string{"96.0.0.0/6", "2600::/7"}, []string{"96.0.0.0/8"}},
		{"network/undeclared-source", []string{"9.9.9.9/32", "0.0.0.0/0"}, []string{"8.8.8.8/32"}},
		{"network/developer-address-in-prod", []string{"93.184.216.14/32"}, []string{"93.184.216.16/32"}},
		{"network/provider-range", []string{"3.5.0.0/19", "3.4.0.0/15"}, []string{"3.6.0.0/24"}},
		{"network/public-beside-private", []string{"10.1.0.0/16"}, nil}, // the public entry that is there already
		{"network/unapproved-peering", nil, []string{"0.0.0.0/0"}},
		{"project/auditing-off", nil, []string{"0.0.0.0/0"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := start(t)
			held := s.apply(c.rule, given())
			for _, e := range c.refused {
				if s.add(shopProd, e) {
					t.Errorf("%s is taken", e)
				}
				if e != "0.0.0.0/0" && !s.add(shopDev, e) {
					t.Errorf("%s is refused elsewhere", e)
				}
			}
			for _, e := range c.taken {
				if !s.add(shopProd, e) {
					t.Errorf("%s is refused", e)
				}
			}
			if got := prevent.Covers([]access.ResourcePolicy{held}, c.rule, given()); got.Answer != prevent.Covered {
				t.Errorf("what Atlas holds: %+v", got)
			}
		})
	}
}

// The policies of all rules stand together, under different names but for the two rules
// of one policy.
func TestAtlasTakesAll(t *testing.T) {
	s := start(t)
	for _, rule := range prevent.Rules() {
		if rule != "network/transient-open-to-world" {
			s.apply(rule, given())
		}
	}
	var list []struct{ Name string }
	if status, raw := s.do("GET", "/orgs/"+orgID+"/resourcePolicies", nil, &list); status != 200 || len(list) != len(prevent.Rules())-1 {
		t.Errorf("%d %s", status, raw)
	}
}

// Atlas lists what stood before a policy of the whole org.
func TestAtlasListsOthers(t *testing.T) {
	s := start(t)
	s.apply("network/open-to-world", prevent.Given{Org: orgID})
	var list []struct{ ResourceID string }
	if status, raw := s.do("GET", "/orgs/"+orgID+"/nonCompliantResources", nil, &list); status != 200 || len(list) != 1 || list[0].ResourceID != shopDev {
		t.Errorf("%d %s", status, raw)
	}
}
