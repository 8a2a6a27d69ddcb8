package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"go.mongodb.org/atlas-sdk/v20250312020/admin"
	"go.mongodb.org/atlas-sdk/v20250312020/auth"
)

// answerFile is one answer of the real service, as testdata/answers/README.md says.
type answerFile struct {
	Operation string     `json:"operation"`
	Status    int        `json:"status"`
	Source    string     `json:"source"`
	Request   string     `json:"request"`
	Setup     []sentCall `json:"setup"`
	Send      any        `json:"send"`
	As        string     `json:"as"`
	Match     string     `json:"match"`
	Elided    bool       `json:"elided"`
	Note      string     `json:"note"`
	Body      any        `json:"body"`
}

type sentCall struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   any    `json:"body"`
}

// answerTypes are the official SDK's types of the answers.
var answerTypes = map[string]func() any{
	"createFederationSettingIdentityProvider": func() any { return new(admin.FederationOidcIdentityProvider) },
	"createGroup":                               func() any { return new(admin.Group) },
	"createGroupAccessListEntry":                func() any { return new(admin.PaginatedNetworkAccess) },
	"createGroupAlertConfig":                    func() any { return new(admin.GroupAlertsConfig) },
	"createGroupApiKey":                         func() any { return new(admin.ApiKeyUserDetails) },
	"createGroupCloudProviderAccess":            func() any { return new(admin.CloudProviderAccessRole) },
	"createGroupCluster":                        func() any { return new(admin.ClusterDescription20240805) },
	"createGroupCustomDbRoleRole":               func() any { return new(admin.UserCustomDBRole) },
	"createGroupDatabaseUser":                   func() any { return new(admin.CloudDatabaseUser) },
	"createGroupDatabaseUserCert":               func() any { return new(string) },
	"createGroupFlexCluster":                    func() any { return new(admin.FlexClusterDescription20241113) },
	"createGroupIntegration":                    func() any { return new(admin.PaginatedIntegration) },
	"createGroupInvite":                         func() any { return new(admin.GroupInvitation) },
	"createGroupPrivateEndpointEndpointService": func() any { return new(admin.EndpointService) },
	"createOrgApiKey":                           func() any { return new(admin.ApiKeyUserDetails) },
	"createOrgInvite":                           func() any { return new(admin.OrganizationInvitation) },
	"createOrgTeam":                             func() any { return new(admin.Team) },
	"deleteGroupCluster":                        func() any { return new(struct{}) },
	"getFederationSettingConnectedOrgConfig":    func() any { return new(admin.ConnectedOrgConfig) },
	"getGroupAccessListEntry":                   func() any { return new(admin.NetworkPermissionEntry) },
	"getGroupAuditLog":                          func() any { return new(admin.AuditLog) },
	"getGroupCluster":                           func() any { return new(admin.ClusterDescription20240805) },
	"getGroupDatabaseUser":                      func() any { return new(admin.CloudDatabaseUser) },
	"getGroupFlexCluster":                       func() any { return new(admin.FlexClusterDescription20241113) },
	"getGroupPrivateEndpointEndpointService":    func() any { return new(admin.EndpointService) },
	"getGroupUserSecurity":                      func() any { return new(admin.UserSecurity) },
	"getOrg":                                    func() any { return new(admin.AtlasOrganization) },
	"getOrgFederationSettings":                  func() any { return new(admin.OrgFederationSettings) },
	"listAlertConfigMatcherFieldNames":          func() any { return new([]string) },
	"listGroupAccessListEntries":                func() any { return new(admin.PaginatedNetworkAccess) },
	"listGroupAlertConfigs":                     func() any { return new(admin.PaginatedAlertConfig) },
	"listGroupAlerts":                           func() any { return new(admin.PaginatedAlert) },
	"listGroupApiKeys":                          func() any { return new(admin.PaginatedApiApiUser) },
	"listGroupCustomDbRoleRoles":                func() any { return new([]admin.UserCustomDBRole) },
	"listGroupDatabaseUserCerts":                func() any { return new(admin.PaginatedUserCert) },
	"listGroupDatabaseUsers":                    func() any { return new(admin.PaginatedApiAtlasDatabaseUser) },
	"listGroupEvents":                           func() any { return new(admin.GroupPaginatedEvent) },
	"listGroupFlexClusters":                     func() any { return new(admin.PaginatedFlexClusters20241113) },
	"listGroupIntegrations":                     func() any { return new(admin.PaginatedIntegration) },
	"listGroupInvites":                          func() any { return new([]admin.GroupInvitation) },
	"listGroupPrivateEndpointEndpointService":   func() any { return new([]admin.EndpointService) },
	"listGroupPrivateNetworkSettingEndpointIds": func() any { return new(admin.PaginatedPrivateNetworkEndpointIdEntry) },
	"listGroupStreamWorkspaces":                 func() any { return new(admin.PaginatedApiStreamsTenant) },
	"listGroups":                                func() any { return new(admin.PaginatedAtlasGroup) },
	"listOrgApiKeys":                            func() any { return new(admin.PaginatedApiApiUser) },
	"listOrgEvents":                             func() any { return new(admin.OrgPaginatedEvent) },
	"listOrgInvites":                            func() any { return new([]admin.OrganizationInvitation) },
	"listOrgTeams":                              func() any { return new(admin.PaginatedTeam) },
	"listOrgUsers":                              func() any { return new(admin.PaginatedOrgUser) },
	"listOrgs":                                  func() any { return new(admin.PaginatedOrganization) },
	"token":                                     func() any { return new(auth.Token) },
	"updateFederationSettingConnectedOrgConfig": func() any { return new(admin.ConnectedOrgConfig) },
	"updateGroupAuditLog":                       func() any { return new(admin.AuditLog) },
	"updateGroupBackupCompliancePolicy":         func() any { return new(admin.DataProtectionSettings20231001) },
	"updateGroupCustomDbRoleRole":               func() any { return new(admin.UserCustomDBRole) },
	"updateGroupUserSecurity":                   func() any { return new(admin.UserSecurity) },
}

// TestPublicAnswers holds the simulator against what is publicly seen of the real service.
func TestPublicAnswers(t *testing.T) {
	doc, files := officialDocument(t).T, answerFiles(t)
	if len(files) < 36 {
		t.Errorf("only %d answers of the real service", len(files))
	}
	differ, pending := 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			f := files[name]
			decodes(t, f)
			unserved, wrong := hasTheShape(t, doc, f)
			if unserved != "" {
				pending++
				t.Errorf("%s (%s)", unserved, f.Source)
			}
			if len(wrong) > 0 {
				differ++
				t.Errorf("%s (%s)", strings.Join(wrong, "\n"), f.Source)
			}
		})
	}
	t.Logf("%d answers, %d differ, %d pending", len(files), differ, pending)
}

func answerFiles(t *testing.T) map[string]answerFile {
	t.Helper()
	paths, err := filepath.Glob("testdata/answers/*.json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]answerFile{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f answerFile
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if f.Source == "" || f.Status == 0 || f.Request == "" {
			t.Errorf("%s: no source, status or request", path)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".json")] = f
	}
	return out
}

// decodes reads the body as a client would, and wants to find something in it.
func decodes(t *testing.T, f answerFile) {
	t.Helper()
	kind, ok := answerTypes[f.Operation]
	if f.Status >= 400 {
		kind, ok = func() any { return new(admin.ApiError) }, true
	}
	if !ok {
		t.Fatalf("no type for %s", f.Operation)
	}
	into := kind()
	raw, err := json.Marshal(f.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Errorf("decoding into %T: %v", into, err)
	}
	if string(raw) != "{}" && reflect.ValueOf(into).Elem().IsZero() {
		t.Errorf("decoding into %T finds nothing", into)
	}
}

// comparison drives a world to where an answer's call makes sense.
type comparison struct {
	*world
	now    time.Time
	file   answerFile
	lastID string
}

// hasTheShape compares ours with the real answer. It returns why there is nothing to
// compare yet, or where they differ.
func hasTheShape(t *testing.T, doc *openapi3.T, f answerFile) (unserved string, wrong []string) {
	t.Helper()
	src, err := os.ReadFile("testdata/answers/world.yaml")
	if err != nil {
		t.Fatal(err)
	}
	start, err := ParseWorld("world.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{now: epoch, file: f}
	a, err := New(Options{World: start, Seed: 7, Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	c.world = &world{a, t, &http.Client{Transport: a.Transport()}}
	for _, s := range f.Setup {
		got, missing := c.send(s.Method, s.Path, s.Body)
		if missing {
			return s.Method + " " + s.Path + " is not served", nil
		}
		if got.status/100 != 2 {
			return "", []string{fmt.Sprintf("setup %s %s: %d %s", s.Method, s.Path, got.status, got.raw)}
		}
	}
	if len(f.Setup) > 0 {
		c.now = c.now.Add(30 * time.Minute) // what takes its time is then ready
	}
	method, path, _ := strings.Cut(f.Request, " ")
	got, missing := c.send(method, path, f.Send)
	if missing {
		return f.Operation + " is not served", nil
	}
	if got.status != f.Status {
		return "", []string{fmt.Sprintf("answered %d, the real service %d: %s", got.status, f.Status, got.raw)}
	}
	return "", c.compare(doc, got)
}

func (c *comparison) compare(doc *openapi3.T, got answerOf) []string {
	if text, ok := c.file.Body.(string); ok {
		return lacking(text, got.raw)
	}
	var ours any
	if err := json.Unmarshal([]byte(got.raw), &ours); err != nil {
		return []string{fmt.Sprintf("ours is no JSON: %v: %q", err, got.raw)}
	}
	s := likeness{doc: doc, match: strings.Fields(c.file.Match)}
	return s.differs("", c.file.Body, ours, schemasOf(doc, c.file))
}

// lacking are the PEM lines of a text that another lacks.
func lacking(text, ours string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "-----") && !strings.Contains(ours, line) {
			out = append(out, fmt.Sprintf("ours lacks %q", line))
		}
	}
	return out
}

// send makes one call with a fresh credential. It says whether the call is not served.
func (c *comparison) send(method, path string, body any) (answerOf, bool) {
	c.t.Helper()
	if strings.HasSuffix(path, tokenPath) {
		return c.asksForToken(), false
	}
	path, missing := c.fill(path)
	if missing {
		return answerOf{}, true
	}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		text, missing := c.fill(string(raw))
		if missing {
			return answerOf{}, true
		}
		body = text
	}
	req := c.request(method, path, body)
	client := &http.Client{Transport: digestTransport{c.Transport()}}
	if c.file.As != "key" {
		req.Header.Set("Authorization", "Bearer "+c.token(ownerID))
		client = c.http
	}
	got := c.over(client, req)
	if id, ok := got.body["id"].(string); ok {
		c.lastID = id
	}
	return got, got.status == http.StatusNotImplemented
}

func (c *comparison) asksForToken() answerOf {
	req, err := http.NewRequest("POST", "http://atlas.test"+tokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(ownerID, strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(secrets[ownerID], " ", "%20"), "/", "%2F"), "+", "%2B"))
	return c.world.send(req)
}

func (c *comparison) over(client *http.Client, req *http.Request) answerOf {
	old := c.http
	c.http = client
	defer func() { c.http = old }()
	return c.world.send(req)
}

// fill puts ids in the place of names. It says whether the world has no such thing.
func (c *comparison) fill(s string) (string, bool) {
	if strings.Contains(s, "{federation}") {
		req := c.request("GET", "/orgs/"+c.OrgID("ExampleCorp")+"/federationSettings", nil)
		req.Header.Set("Authorization", "Bearer "+c.token(ownerID))
		got := c.world.send(req)
		id, ok := got.body["id"].(string)
		if !ok {
			return "", true
		}
		s = strings.ReplaceAll(s, "{federation}", id)
	}
	return strings.NewReplacer(
		"{org}", c.OrgID("ExampleCorp"), "{group}", c.ProjectID("prod"), "{group2}", c.ProjectID("empty"),
		"{last.id}", c.lastID, "{tomorrow}", c.now.Add(24*time.Hour).UTC().Format(time.RFC3339),
	).Replace(s), false
}
