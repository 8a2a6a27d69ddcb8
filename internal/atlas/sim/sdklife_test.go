package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/atlas-sdk/v20250312020/admin"
	"go.mongodb.org/atlas-sdk/v20250312020/auth"
)

// estate is the world in which the official client keeps resources: an owner by key and
// an owner by service account, some people, and targets for what needs them.
const estate = `
orgs:
  - name: ExampleCorp
    serviceAccounts: [{clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", name: owner, roles: [ORG_OWNER]}]
    apiKeys: [{publicKey: abcdefgh, privateKey: 00000000-0000-0000-0000-000000000000, desc: owner, roles: [ORG_OWNER]}]
    users:
      - {username: alice@example.com, id: a11ce0000000000000000001, roles: [ORG_OWNER]}
      - {username: rajesh@example.com, id: b0b000000000000000000001, roles: [ORG_MEMBER]}
    teams: [{name: payments, id: 7ea000000000000000000000, usernames: [alice@example.com]}]
    projects:
      - name: prod
        clusters: [{name: main, backupEnabled: true, tags: [{key: env, value: dev}]}, {name: copy}]
        databaseUsers: [{username: service, x509Type: MANAGED, roles: [{roleName: read, databaseName: shop}]}]
        customRoles: [{roleName: inner, actions: [{action: FIND, resources: [{db: shop, collection: orders}]}]}]
        streamWorkspaces: [{name: flow}]
        backupSnapshots: [{id: 5a0000000000000000000001, clusterName: main, frequencyType: daily, createdAt: 2026-08-01T00:00:00Z, expiresAt: 2026-09-01T00:00:00Z}]
        cloudProviderAccess:
          - {roleId: ef0000000000000000000001, providerName: AWS, iamAssumedRoleArn: "arn:aws:iam::123456789012:role/backup"}
          - {roleId: ef0000000000000000000002, providerName: AZURE, servicePrincipalId: 00000000-0000-0000-0000-000000000001, tenantId: 00000000-0000-0000-0000-000000000002}
          - {roleId: ef0000000000000000000003, providerName: GCP}
        exportBuckets: [{_id: 5d0000000000000000000001, cloudProvider: AWS, bucketName: vault, iamRoleId: ef0000000000000000000001}]
        containers:
          - {id: "444444444444444444444444", providerName: AWS, regionName: US_EAST_1}
          - {id: "555555555555555555555555", providerName: AZURE, region: US_EAST, atlasCidrBlock: 10.8.0.0/21}
          - {id: "666666666666666666666666", providerName: GCP, atlasCidrBlock: 10.0.0.0/18}
      - name: dev
federations:
  - federatedDomains: [example.com]
    identityProviders:
      - {protocol: SAML, displayName: saml, issuerUri: "urn:saml", status: ACTIVE, ssoUrl: "https://idp.example.com", associatedDomains: [example.com]}
      - {id: f0f000000000000000000001, protocol: OIDC, displayName: staff, issuerUri: "https://staff.example.com", audience: atlas, authorizationType: GROUP, groupsClaim: groups, clientId: c, requestedScopes: [openid]}
    connectedOrgConfigs: [{orgId: ExampleCorp, identityProviderId: saml, domainRestrictionEnabled: false}]
`

// settles is how long everything asynchronous in these lives takes at most.
const settles = 10 * time.Minute

// site is one credential's view of an estate of its own, over a real connection.
type site struct {
	*world
	*admin.APIClient
	ctx            context.Context
	org, prod, dev string
	words          *strings.Replacer
	connect        func() *admin.APIClient
}

// credentials are the client's own ways to authenticate.
func credentials(ctx context.Context) map[string]admin.ClientModifier {
	return map[string]admin.ClientModifier{
		"key": admin.UseDigestAuth("abcdefgh", keySecret), "account": admin.UseOAuthAuth(ctx, ownerID, secrets[ownerID]),
	}
}

// eachSite runs f with each credential.
func eachSite(t *testing.T, f func(s *site)) {
	for _, name := range []string{"key", "account"} {
		t.Run(name, func(t *testing.T) {
			w := startWorld(t, estate)
			server := httptest.NewServer(w.Atlas)
			t.Cleanup(server.Close)
			ctx := context.WithValue(t.Context(), auth.HTTPClient, server.Client())
			s := &site{world: w, ctx: ctx, org: w.OrgID("ExampleCorp"), prod: w.ProjectID("prod"), dev: w.ProjectID("dev")}
			s.words = strings.NewReplacer("<org>", s.org, "<prod>", s.prod, "<dev>", s.dev)
			s.connect = func() *admin.APIClient {
				client, err := admin.NewClient(admin.UseBaseURL(server.URL), credentials(ctx)[name])
				if err != nil {
					t.Fatal(err)
				}
				return client
			}
			s.APIClient = s.connect()
			f(s)
			for _, q := range w.Requests() {
				if q.Credential != map[string]string{"key": "abcdefgh", "account": ownerID}[name] {
					t.Errorf("%s %s by %s", q.Method, q.Path, q.Credential)
				}
			}
		})
	}
}

// life is one resource as a Terraform provider keeps it. Documents are in Atlas's own
// names, with <org>, <prod> and <dev> for ids.
type life struct {
	want, then   string // what the configuration says at first, and after a change
	shown, after string // the same as Atlas shows it, where that differs
	hidden       string // attributes that Atlas takes and never shows
	key          string // the attribute that names one of them; id unless it says so
	oneWay       bool   // what is read is no document for an update
	noisy        bool   // every write makes an event, also one that changes nothing

	create func(doc string) (any, error) // nil for settings, which are always there
	read   func(id string) (any, error)  // nil where there is only a list
	list   func() (any, error)
	update func(id, doc string) (any, error)
	remove func(id string) error
}

// lifeCycle is a kind of resource. gone is the error code of what is no longer there.
type lifeCycle struct {
	resource, gone string
	of             func(s *site) life
}

func got[T any](v T, _ *http.Response, err error) (any, error) { return v, err }

func done(_ *http.Response, err error) error { return err }

// to is the client's request for a document, all of which the request must have.
func to[T any](s *site, doc string) *T {
	s.t.Helper()
	return decoded[T](s, doc, true)
}

// part is the client's request for as much of a document as it has: an update leaves
// out what cannot change.
func part[T any](s *site, doc string) *T {
	s.t.Helper()
	return decoded[T](s, doc, false)
}

func decoded[T any](s *site, doc string, strict bool) *T {
	s.t.Helper()
	out := new(T)
	dec := json.NewDecoder(strings.NewReader(s.words.Replace(doc)))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(out); err != nil {
		s.t.Fatalf("%s as a %T: %v", doc, out, err)
	}
	return out
}

func (l life) keyName() string {
	if l.key == "" {
		return "id"
	}
	return l.key
}

// idOf finds the id of what was made: in the answer, in the row of the answer that has
// all that was wanted, or in the wish itself.
func (s *site) idOf(l life, made any) string {
	var wish map[string]any
	json.Unmarshal([]byte(s.words.Replace(l.want)), &wish)
	answer, _ := jsonOf(s.t, made).(map[string]any)
	for _, doc := range append(append([]map[string]any{answer}, s.matching(l, answer)...), wish) {
		switch id := doc[l.keyName()].(type) {
		case string:
			return id
		case float64:
			return fmt.Sprint(int64(id))
		}
	}
	s.t.Fatalf("nothing of %v names it: %s", answer, l.keyName())
	return ""
}

func (s *site) matching(l life, answer any) []map[string]any {
	var out []map[string]any
	for _, row := range rows(answer) {
		if len(s.plan(l, l.want, l.shown, row)) == 0 {
			out = append(out, row)
		}
	}
	return out
}

// plan is planOf for a document of the life.
func (s *site) plan(l life, said, shown string, read any) []string {
	s.t.Helper()
	if shown == "" {
		shown = said
	}
	var desired any
	if err := json.Unmarshal([]byte(s.words.Replace(shown)), &desired); err != nil {
		s.t.Fatalf("%s: %v", shown, err)
	}
	return planOf("", desired, jsonOf(s.t, read), strings.Fields(l.hidden))
}

// listed counts the id in the list.
func (s *site) listed(l life, id string) int {
	s.t.Helper()
	page, err := l.list()
	if err != nil {
		s.t.Fatalf("list: %v", err)
	}
	n := 0
	for _, row := range rows(jsonOf(s.t, page)) {
		if v := row[l.keyName()]; v == id || fmt.Sprint(v) == id {
			n++
		}
	}
	return n
}

// look reads it, by its list where there is no other way.
func (s *site) look(l life, id string) any {
	s.t.Helper()
	if l.read != nil {
		got, err := l.read(id)
		if err != nil {
			s.t.Fatalf("read: %v", err)
		}
		return jsonOf(s.t, got)
	}
	page, err := l.list()
	if err != nil {
		s.t.Fatalf("list: %v", err)
	}
	for _, row := range rows(jsonOf(s.t, page)) {
		if row[l.keyName()] == id || fmt.Sprint(row[l.keyName()]) == id {
			return row
		}
	}
	s.t.Fatalf("%s is not in the list", id)
	return nil
}

// live goes through the whole life.
func (s *site) live(l life, gone string) {
	id := ""
	if l.create == nil {
		s.change(l, "", l.want, l.shown)
	} else {
		effects := len(s.Effects())
		made, err := l.create(l.want)
		if err != nil || l.remove != nil && len(s.Effects()) == effects {
			s.t.Fatalf("create: %v, %d effects", err, len(s.Effects())-effects)
		}
		id = s.idOf(l, made)
		s.settled(l, id, l.want, l.shown)
	}
	if l.update != nil {
		s.unchanged(l, id, l.want, l.shown)
		if l.then != "" {
			s.change(l, id, l.then, l.after)
			s.unchanged(l, id, l.then, l.after)
		}
		s.writeBack(l, id)
	}
	held := s.look(l, id)
	s.APIClient = s.connect() // as an import would
	if d := cmp.Diff(held, s.look(l, id)); d != "" {
		s.t.Errorf("imported: %s", d)
	}
	if l.list != nil && s.listed(l, id) != 1 {
		s.t.Errorf("listed %d times", s.listed(l, id))
	}
	if l.remove != nil {
		s.end(l, id, gone)
	}
}

// settled waits until all is done and finds nothing left to plan.
func (s *site) settled(l life, id, said, shown string) {
	s.t.Helper()
	s.Advance(settles)
	if left := s.plan(l, said, shown, s.look(l, id)); len(left) > 0 {
		s.t.Errorf("a second plan has %s", strings.Join(left, "; "))
	}
}

func (s *site) change(l life, id, said, shown string) {
	s.t.Helper()
	effects := len(s.Effects())
	if _, err := l.update(id, said); err != nil {
		s.t.Fatalf("update to %s: %v", said, err)
	}
	if len(s.Effects()) == effects {
		s.t.Errorf("the update to %s had no effect", said)
	}
	s.settled(l, id, said, shown)
}

// traces are what real changes leave: effects, and events in the feeds.
func (s *site) traces(l life) []string {
	s.t.Helper()
	var out []string
	for _, e := range s.Effects() {
		out = append(out, e.OperationID+" "+e.Target+" "+e.Before+" "+e.After)
	}
	for _, scope := range []string{"/orgs/" + s.org, "/groups/" + s.prod, "/groups/" + s.dev} {
		if !l.noisy {
			out = append(out, kinds(s.events(scope)))
		}
	}
	return out
}

// unchanged updates to what already is.
func (s *site) unchanged(l life, id, said, shown string) {
	s.t.Helper()
	before := s.traces(l)
	if _, err := l.update(id, said); err != nil {
		s.t.Fatalf("the same update again: %v", err)
	}
	if d := cmp.Diff(before, s.traces(l)); d != "" {
		s.t.Errorf("the same update again did %s", d)
	}
	s.settled(l, id, said, shown)
}

// writeBack updates to what was read.
func (s *site) writeBack(l life, id string) {
	s.t.Helper()
	if l.oneWay {
		return
	}
	held := s.look(l, id)
	doc, err := json.Marshal(held)
	if err != nil {
		s.t.Fatal(err)
	}
	before := s.traces(l)
	if _, err := l.update(id, string(doc)); err != nil {
		s.t.Errorf("written back: %v", err)
	}
	if d := cmp.Diff(before, s.traces(l)); d != "" {
		s.t.Errorf("written back, it did %s", d)
	}
	if d := cmp.Diff(held, s.look(l, id)); d != "" {
		s.t.Errorf("written back: %s", d)
	}
}

func (s *site) end(l life, id, gone string) {
	s.t.Helper()
	effects := len(s.Effects())
	if err := l.remove(id); err != nil {
		s.t.Fatalf("delete: %v", err)
	}
	s.Advance(settles)
	if len(s.Effects()) == effects {
		s.t.Error("the deletion had no effect")
	}
	if l.read != nil {
		_, err := l.read(id)
		if known, ok := admin.AsError(err); !ok || known.GetErrorCode() != gone || known.GetError() < 400 {
			s.t.Errorf("read after the deletion: %v, want %s", err, gone)
		}
	}
	if l.list != nil && s.listed(l, id) != 0 {
		s.t.Error("it is listed after the deletion")
	}
}

func lifeCycles() []lifeCycle {
	return slices.Concat(orgLives(), machineLives(), governanceLives(), databaseLives(), alertLives(), networkLives(), targetLives(), backupLives())
}

// Every resource that a Terraform provider would keep lives its whole life by the
// official client, with each kind of credential.
func TestSDKLifeCycles(t *testing.T) {
	for _, c := range lifeCycles() {
		t.Run(c.resource, func(t *testing.T) {
			eachSite(t, func(s *site) { s.live(c.of(s), c.gone) })
		})
	}
}
