package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// staff is a world with people: alice owns the organisation, bob works in prod and in the
// team payments, which has prod, too; paula is invited, hugo by the deprecated way to prod
// alone, ivan's invitation has expired, rita rejected hers; carl has every project.
const staff = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", name: owner, roles: [ORG_OWNER]}
      - {clientId: mdb_sa_id_0123456789abcdef01234568, secret: fake-reader, name: reader, roles: [ORG_READ_ONLY]}
      - {clientId: mdb_sa_id_0123456789abcdef01234569, secret: fake-member, name: member, roles: [ORG_MEMBER, GROUP_NETWORK_ACCESS_MANAGER@prod]}
    users:
      - {username: alice@example.com, id: a11ce0000000000000000001, roles: [ORG_OWNER], lastAuth: 2026-08-01T09:00:00Z}
      - {username: bob@example.com, id: b0b000000000000000000001, roles: [ORG_MEMBER, ORG_BILLING_ADMIN, GROUP_READ_ONLY@prod, GROUP_CLUSTER_MANAGER@prod], firstName: Bob, lastName: Roe, country: IE}
      - {username: carl@example.com, roles: [ORG_READ_ONLY, "GROUP_BACKUP_MANAGER@*"]}
      - {username: paula@example.com, roles: [ORG_MEMBER, GROUP_READ_ONLY@dev], orgMembershipStatus: PENDING, invitationId: b00000000000000000000001, inviterUsername: alice@example.com, invitationCreatedAt: 2026-08-01T00:00:00Z}
      - {username: hugo@example.com, orgMembershipStatus: PENDING, invitedToGroup: true}
      - {username: ivan@example.com, orgMembershipStatus: INVITATION_EXPIRED}
      - {username: rita@example.com, orgMembershipStatus: INVITATION_REJECTED}
    teams:
      - {name: payments, id: 7ea000000000000000000000, usernames: [bob@example.com, carl@example.com]}
      - {name: idle, id: 7ea000000000000000000001, usernames: [alice@example.com]}
    projects:
      - name: prod
        teams: [{teamId: payments, roleNames: [GROUP_DATA_ACCESS_READ_ONLY]}]
        invites: [{id: b00000000000000000000002, username: hugo@example.com, roles: [GROUP_READ_ONLY]}]
      - name: dev
  - name: OtherCorp
    users: [{username: bob@example.com, id: b0b000000000000000000001, roles: [ORG_OWNER]}, {username: zoe@example.com, id: 20e000000000000000000001}]
    projects: [{name: foreign}]
`

var names = strings.NewReplacer(
	"{alice}", "a11ce0000000000000000001", "{bob}", "b0b000000000000000000001", "{zoe}", "20e000000000000000000001",
	"{payments}", "7ea000000000000000000000", "{idle}", "7ea000000000000000000001",
)

// staffPath also expands {bob} and the like to ids.
func (w *world) staffPath(p string) string {
	p = names.Replace(p)
	for _, name := range []string{"carl", "paula", "hugo", "ivan", "rita", "new"} {
		p = strings.ReplaceAll(p, "{"+name+"}", w.derive("user", name+"@example.com")[:24])
	}
	p = strings.ReplaceAll(p, "{ops}", w.derive("team", "1")[:24]) // the first that was made by the API
	for _, name := range []string{"prod", "dev", "foreign"} {      // as a value
		p = strings.ReplaceAll(p, "<"+name+">", w.ProjectID(name))
	}
	return w.path(p)
}

// staffDo acts as alice by clicking.
func (w *world) staffDo(method, path, body string) answerOf {
	w.t.Helper()
	return w.do(method, w.staffPath(path), w.staffPath(body))
}

// told are the events since the last call, oldest first, as feed:KIND:field.
func (w *world) told(seen map[string]bool) string {
	w.t.Helper()
	var out []string
	for _, scope := range []string{"{org}", "{prod}", "{dev}"} {
		if scope == "{dev}" && w.ProjectID("dev") == "" { // deleted, and its feed with it
			continue
		}
		rows := w.events(scope)
		for _, e := range slices.Backward(rows) {
			id := e["id"].(string)
			if seen[id] {
				continue
			}
			seen[id] = true
			user, _ := e["targetUsername"].(string)
			team, _ := e["teamId"].(string)
			user, _, _ = strings.Cut(user, "@")
			group := ""
			if _, has := e["groupId"]; has && scope == "{org}" {
				group = "+groupId"
			}
			if e["username"] != "alice@example.com" && e["username"] != nil {
				group += " by " + e["username"].(string)
			}
			out = append(out, strings.Trim(scope, "{}")+":"+e["eventTypeName"].(string)+":"+user+team+group)
		}
	}
	return strings.Join(out, " ")
}

// who lists the rows of an answer as name[status roles].
func who(a answerOf) string {
	var out []string
	for _, r := range a.results() {
		name, _, _ := strings.Cut(r["username"].(string), "@")
		if roles, ok := r["roles"].([]any); ok && r["orgMembershipStatus"] != nil {
			name += fmt.Sprint(roles)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestUserLists(t *testing.T) {
	w := startWorld(t, staff)
	for _, c := range []struct{ version, path, want string }{
		{"2025-02-19", "{org}/users", "alice bob carl paula"},
		{"2023-01-01", "{org}/users", "alice bob carl"},
		{"2023-01-01", "{org}/users?username=bob@example.com", "alice bob carl"},
		{"2025-02-19", "{org}/users?username=bob@example.com", "bob"},
		{"2025-02-19", "{org}/users?orgMembershipStatus=PENDING", "paula"},
		{"2025-02-19", "{org}/users?orgMembershipStatuses=INVITATION_EXPIRED&orgMembershipStatuses=INVITATION_REJECTED", "ivan rita"},
		{"2025-02-19", "{org}/users?itemsPerPage=2&pageNum=2", "carl paula"},
		{"2025-02-19", "{org}/teams/{payments}/users", "bob carl"},
		{"2025-02-19", "{org}/teams/{payments}/users?userId={bob}", "bob"},
		{"2025-02-19", "{prod}/users", "carl[GROUP_BACKUP_MANAGER] bob[GROUP_READ_ONLY GROUP_CLUSTER_MANAGER]"},
		{"2023-01-01", "{prod}/users", "carl bob"},
		{"2025-02-19", "{dev}/users", "carl[GROUP_BACKUP_MANAGER] paula[GROUP_READ_ONLY]"},
		{"2025-02-19", "{dev}/users?orgMembershipStatuses=ACTIVE", "carl[GROUP_BACKUP_MANAGER]"},
		{"2025-02-19", "{prod}/users?flattenTeams=true", "carl[GROUP_BACKUP_MANAGER GROUP_DATA_ACCESS_READ_ONLY] bob[GROUP_READ_ONLY GROUP_CLUSTER_MANAGER GROUP_DATA_ACCESS_READ_ONLY]"},
		{"2025-02-19", "{dev}/users?includeOrgUsers=true", "carl[GROUP_BACKUP_MANAGER GROUP_READ_ONLY] paula[GROUP_READ_ONLY] alice[GROUP_OWNER]"},
	} {
		a := w.as(ownerID, "GET", w.staffPath(c.path), nil, "Accept", "application/vnd.atlas."+c.version+"+json")
		if got := who(a); a.status != 200 || got != c.want {
			t.Errorf("%s %s: %d %s\n got %s\nwant %s", c.version, c.path, a.status, a.code(), got, c.want)
		}
		if old := c.version < pendingSince; old != (a.header.Get("Sunset") != "") {
			t.Errorf("%s %s: Sunset %q", c.version, c.path, a.header.Get("Sunset"))
		}
	}
	if a := w.as(ownerID, "GET", w.path("{org}/invites"), nil); a.header.Get("Deprecation") == "" || a.header.Get("Sunset") == "" {
		t.Errorf("a deprecated operation answers without its end: %v", a.header)
	}
}

func TestUserViews(t *testing.T) {
	w := startWorld(t, staff)
	for path, want := range map[string]string{
		"{org}/users/{bob}": `{"country":"IE","createdAt":"2026-05-05T10:00:00Z","firstName":"Bob","id":"{bob}","lastName":"Roe","mobileNumber":null,
			"orgMembershipStatus":"ACTIVE","roles":{"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_READ_ONLY","GROUP_CLUSTER_MANAGER"]}],
			"orgRoles":["ORG_MEMBER","ORG_BILLING_ADMIN"]},"teamIds":["{payments}"],"username":"bob@example.com"}`,
		"{org}/users/{paula}": `{"id":"{paula}","invitationCreatedAt":"2026-08-01T00:00:00Z","invitationExpiresAt":"2026-08-31T00:00:00Z","inviterUsername":"alice@example.com",
			"orgMembershipStatus":"PENDING","roles":{"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["GROUP_READ_ONLY"]}],"orgRoles":["ORG_MEMBER"]},"teamIds":[],"username":"paula@example.com"}`,
		"{prod}/users/{bob}": `{"country":"IE","createdAt":"2026-05-05T10:00:00Z","firstName":"Bob","id":"{bob}","lastName":"Roe","mobileNumber":null,
			"orgMembershipStatus":"ACTIVE","roles":["GROUP_READ_ONLY","GROUP_CLUSTER_MANAGER"],"username":"bob@example.com"}`,
		"/users/{alice}": `{"country":"US","createdAt":"2026-05-05T10:00:00Z","emailAddress":"alice@example.com","firstName":"Alice","id":"{alice}","lastAuth":"2026-08-01T09:00:00Z","lastName":"Example",
			"links":[{"href":"https://cloud.mongodb.com/api/atlas/v2/users/{alice}","rel":"self"}],"mobileNumber":null,"roles":[{"orgId":"ORG","roleName":"ORG_OWNER"}],"teamIds":["{idle}"],"username":"alice@example.com"}`,
		"{org}/teams/byName/idle": `{"id":"{idle}","links":[{"href":"https://cloud.mongodb.com/api/atlas/v2/orgs/ORG/teams/{idle}","rel":"self"}],"name":"idle"}`,
	} {
		var got, expected any
		a := w.staffDo("GET", path, "")
		json.Unmarshal([]byte(a.raw), &got)
		if err := json.Unmarshal([]byte(strings.ReplaceAll(w.staffPath(want), "ORG\"", w.OrgID("ExampleCorp")+"\"")), &expected); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(expected)
		json.Unmarshal([]byte(strings.ReplaceAll(string(text), "/ORG/", "/"+w.OrgID("ExampleCorp")+"/")), &expected)
		if d := cmp.Diff(expected, got); d != "" {
			t.Errorf("%s: %d %s", path, a.status, d)
		}
	}
}

// step is one act of alice's and what comes of it.
type step struct{ name, method, path, body, want, events string }

// play runs steps in one world; want is a status or a status and a code.
func play(t *testing.T, w *world, steps []step) {
	t.Helper()
	seen := map[string]bool{}
	w.told(seen)
	for _, s := range steps {
		effects := len(w.Effects())
		a := w.staffDo(s.method, s.path, s.body)
		if got := strings.TrimSpace(fmt.Sprint(a.status, " ", a.code())); got != s.want {
			t.Errorf("%s: got %s, want %s: %s", s.name, got, s.want, a.raw)
		}
		if got := w.told(seen); got != w.staffPath(s.events) {
			t.Errorf("%s: events\n got %s\nwant %s", s.name, got, w.staffPath(s.events))
		}
		if changed := len(w.Effects()) > effects; changed != (s.events != "") {
			t.Errorf("%s: effects %v, events %q", s.name, w.Effects()[effects:], s.events)
		}
	}
}

func TestOrgUserLifeCycle(t *testing.T) {
	w := startWorld(t, staff)
	const ask = `{"username":"new@example.com","roles":{"orgRoles":["ORG_MEMBER"],"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["GROUP_OWNER"]}]},"teamIds":["{idle}"]}`
	play(t, w, []step{
		{"invite", "POST", "{org}/users", ask, "201", "org:INVITED_TO_ORG:new org:INVITED_TO_TEAM:new dev:INVITED_TO_GROUP:new"},
		{"again", "POST", "{org}/users", ask, "409 USER_ALREADY_EXISTS", ""},
		{"no mail address", "POST", "{org}/users", `{"username":"new","roles":{"orgRoles":["ORG_MEMBER"]}}`, "400 INVALID_USERNAME", ""},
		{"no org role", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":[]}}`, "400 VALIDATION_ERROR", ""},
		{"org roles missing", "POST", "{org}/users", `{"username":"n@example.com","roles":{}}`, "400 MISSING_ATTRIBUTE", ""},
		{"unknown org role", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_KING"]}}`, "400 INVALID_ENUM_VALUE", ""},
		{"unknown project role", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"],"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["GROUP_KING"]}]}}`, "400 UNSUPPORTED_ROLE", ""},
		{"org role on a project", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"],"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["ORG_OWNER"]}]}}`, "400 INVALID_ROLE_FOR_GROUP", ""},
		{"foreign project", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"],"groupRoleAssignments":[{"groupId":"<foreign>","groupRoles":["GROUP_OWNER"]}]}}`, "404 GROUP_NOT_FOUND", ""},
		{"unknown team", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"]},"teamIds":["7ea000000000000000000009"]}`, "404 TEAM_NOT_FOUND", ""},
		{"unknown attribute", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"]},"x":1}`, "400 INVALID_ATTRIBUTE", ""},
		{"get", "GET", "{org}/users/{new}", "", "200", ""},
		{"get foreign", "GET", "{org}/users/{zoe}", "", "404 USER_NOT_IN_ORG", ""},
		{"get nobody", "GET", "{org}/users/000000000000000000000000", "", "404 USER_NOT_FOUND", ""},
		{"get hidden", "GET", "{org}/users/{hugo}", "", "404 USER_NOT_IN_ORG", ""},
		{"get expired", "GET", "{org}/users/{ivan}", "", "404 USER_NOT_IN_ORG", ""},
		{"get expired on demand", "GET", "{org}/users/{ivan}?orgMembershipStatuses=INVITATION_EXPIRED", "", "200", ""},
		{"bad status", "GET", "{org}/users?orgMembershipStatuses=GONE", "", "400 INVALID_ENUM_VALUE", ""},
		{"expired is invited anew", "POST", "{org}/users", `{"username":"ivan@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`, "201", "org:INVITED_TO_ORG:ivan"},
		{"patch to the same", "PATCH", "{org}/users/{new}", `{"roles":{"orgRoles":["ORG_MEMBER"],"groupRoleAssignments":[{"groupId":"<dev>","groupRoles":["GROUP_OWNER"]}]},"teamIds":["{idle}"]}`, "200", ""},
		{"patch pending", "PATCH", "{org}/users/{new}", `{"roles":{"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_OWNER"]}]}}`, "200", "prod:INVITED_TO_GROUP:new dev:GROUP_INVITATION_DELETED:new"},
		{"patch bob", "PATCH", "{org}/users/{bob}", `{"roles":{"orgRoles":["ORG_READ_ONLY"],"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_READ_ONLY"]},{"groupId":"<dev>","groupRoles":["GROUP_OWNER"]}]},"teamIds":["{idle}"]}`, "200",
			"org:USER_ROLES_CHANGED_AUDIT:bob org:REMOVED_FROM_TEAM:bob org:JOINED_TEAM:bob prod:USER_ROLES_CHANGED_AUDIT:bob dev:JOINED_GROUP:bob"},
		{"patch resets lists", "PATCH", "{org}/users/{bob}", `{"roles":{"groupRoleAssignments":[]},"teamIds":[]}`, "200", "org:REMOVED_FROM_TEAM:bob prod:REMOVED_FROM_GROUP:bob dev:REMOVED_FROM_GROUP:bob"},
		{"patch without a role", "PATCH", "{org}/users/{bob}", `{"roles":{"orgRoles":[]}}`, "403 CANNOT_REMOVE_ALL_USER_ROLES", ""},
		{"demote the last owner", "PATCH", "{org}/users/{alice}", `{"roles":{"orgRoles":["ORG_MEMBER"]}}`, "403 CANNOT_DEMOTE_LAST_ORG_OWNER", ""},
		{"by verb", "POST", "{org}/users/{alice}:removeRole", `{"orgRole":"ORG_OWNER"}`, "403 CANNOT_DEMOTE_LAST_ORG_OWNER", ""},
		{"by put", "PUT", "{org}/users/{alice}/roles", `{"orgRoles":["ORG_MEMBER"]}`, "403 CANNOT_DEMOTE_LAST_ORG_OWNER", ""},
		{"remove the last owner", "DELETE", "{org}/users/{alice}", "", "403 CANNOT_DELETE_LAST_ADMIN", ""},
		{"add role", "POST", "{org}/users/{bob}:addRole", `{"orgRole":"ORG_OWNER"}`, "200", "org:USER_ROLES_CHANGED_AUDIT:bob"},
		{"add it again", "POST", "{org}/users/{bob}:addRole", `{"orgRole":"ORG_OWNER"}`, "200", ""},
		{"bad role", "POST", "{org}/users/{bob}:addRole", `{"orgRole":"GROUP_OWNER"}`, "400 INVALID_ENUM_VALUE", ""},
		{"remove role", "POST", "{org}/users/{bob}:removeRole", `{"orgRole":"ORG_READ_ONLY"}`, "200", "org:USER_ROLES_CHANGED_AUDIT:bob"},
		{"remove what he has not", "POST", "{org}/users/{bob}:removeRole", `{"orgRole":"ORG_READ_ONLY"}`, "200", ""},
		{"two owners", "POST", "{org}/users/{alice}:addRole", `{"orgRole":"ORG_MEMBER"}`, "200", "org:USER_ROLES_CHANGED_AUDIT:alice"},
		{"demote one", "POST", "{org}/users/{alice}:removeRole", `{"orgRole":"ORG_OWNER"}`, "200", "org:USER_ROLES_CHANGED_AUDIT:alice"},
		{"the only role", "POST", "{org}/users/{alice}:removeRole", `{"orgRole":"ORG_MEMBER"}`, "403 CANNOT_REMOVE_ALL_USER_ROLES", ""},
		{"put roles", "PUT", "{org}/users/{alice}/roles", `{"orgRoles":["ORG_OWNER"]}`, "200", "org:USER_ROLES_CHANGED_AUDIT:alice"},
		{"put nothing", "PUT", "{org}/users/{alice}/roles", `{"orgRoles":[]}`, "403 CANNOT_REMOVE_ALL_USER_ROLES", ""},
		{"put on pending", "PUT", "{org}/users/{paula}/roles", `{"orgRoles":["ORG_OWNER"]}`, "404 USER_NOT_IN_ORG", ""},
		{"take the invitation back", "DELETE", "{org}/users/{new}", "", "204", "org:ORG_INVITATION_DELETED:new org:REMOVED_FROM_TEAM:new prod:GROUP_INVITATION_DELETED:new"},
		{"again", "DELETE", "{org}/users/{new}", "", "404 USER_NOT_FOUND", ""},
		{"remove carl, who is everywhere", "DELETE", "{org}/users/{carl}", "", "204", "org:REMOVED_FROM_ORG:carl org:REMOVED_FROM_TEAM:carl prod:REMOVED_FROM_GROUP:carl dev:REMOVED_FROM_GROUP:carl"},
		{"account of another organisation", "GET", "/users/{zoe}", "", "200", ""},
		{"account by name", "GET", "/users/byName/nobody@example.com", "", "404 USERNAME_NOT_FOUND", ""},
	})
	if got := who(w.staffDo("GET", "{org}/teams/{payments}/users", "")); got != "" {
		t.Errorf("the team still has %s", got)
	}
}

func TestOrgUserLimit(t *testing.T) {
	w := startWorld(t, `orgs: [{name: ExampleCorp, limits: {org.users: 2, team.users: 1, project.users: 1, org.teams: 1, project.teams: 1}, users: [{username: alice@example.com, roles: [ORG_OWNER]}, {username: b@example.com, roles: [GROUP_OWNER@prod]}],
		teams: [{name: t, id: 7ea000000000000000000000, usernames: [b@example.com]}, {name: u, id: 7ea000000000000000000001}], projects: [{name: prod, teams: [{teamId: t, roleNames: [GROUP_OWNER]}]}, {name: dev}]}]`)
	id := w.byName("alice@example.com")
	play(t, w, []step{
		{"org", "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`, "400 MAX_USERS_PER_ORG_EXCEEDED", ""},
		{"project", "POST", "{prod}/users", `{"username":"alice@example.com","roles":["GROUP_OWNER"]}`, "400 MAX_USERS_PER_GROUP_EXCEEDED", ""},
		{"project by patch", "PATCH", "{org}/users/" + id, `{"roles":{"groupRoleAssignments":[{"groupId":"<prod>","groupRoles":["GROUP_OWNER"]}]}}`, "400 MAX_USERS_PER_GROUP_EXCEEDED", ""},
		{"team", "POST", "{org}/teams/{payments}:addUser", `{"id":"` + id + `"}`, "400 MAX_USERS_PER_TEAM_EXCEEDED", ""},
		{"team by patch", "PATCH", "{org}/users/" + id, `{"teamIds":["{payments}"]}`, "400 MAX_USERS_PER_TEAM_EXCEEDED", ""},
		{"team, deprecated", "POST", "{org}/teams/{payments}/users", `[{"id":"` + id + `"}]`, "400 MAX_USERS_PER_TEAM_EXCEEDED", ""},
		{"teams", "POST", "{org}/teams", `{"name":"n","usernames":["alice@example.com"]}`, "400 MAX_TEAMS_PER_ORG_EXCEEDED", ""},
		{"grants", "POST", "{prod}/teams", `[{"teamId":"{idle}","roleNames":["GROUP_OWNER"]}]`, "400 MAX_TEAMS_PER_GROUP_EXCEEDED", ""},
	})
}

// byName is the id of a user of ExampleCorp.
func (w *world) byName(username string) string {
	w.t.Helper()
	rows := w.do("GET", w.path("{org}/users?username="+username), nil).results()
	if len(rows) != 1 {
		w.t.Fatalf("%s is %d users", username, len(rows))
	}
	return rows[0]["id"].(string)
}

func TestPeopleNeedRoles(t *testing.T) {
	w := startWorld(t, staff)
	for _, c := range []struct {
		as, method, path, body string
		want                   int
	}{
		{readerID, "GET", "{org}/users", "", 200},
		{readerID, "POST", "{org}/users", `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`, 401},
		{readerID, "GET", "{org}/invites", "", 401},
		{readerID, "GET", "{org}/teams", "", 200},
		{readerID, "POST", "{org}/teams", `{"name":"n","usernames":["bob@example.com"]}`, 401},
		{readerID, "GET", "{prod}/teams", "", 200},
		{memberID, "GET", "{prod}/users", "", 200},
		{memberID, "POST", "{prod}/users", `{"username":"n@example.com","roles":["GROUP_OWNER"]}`, 401},
		{memberID, "GET", "{dev}/users", "", 401},
		{memberID, "GET", "/users/{bob}", "", 401},
		{ownerID, "GET", "/users/{bob}", "", 200},
		{ownerID, "GET", "/users/{zoe}", "", 404},
		{ownerID, "GET", "{foreign}/users", "", 401},
		{ownerID, "GET", "{org}/users/{bob}", "", 200},
	} {
		if a := w.as(c.as, c.method, w.staffPath(c.path), c.body); a.status != c.want {
			t.Errorf("%s %s %s: %d %s, want %d", c.as, c.method, c.path, a.status, a.code(), c.want)
		}
	}
	a := w.as(ownerID, "DELETE", w.staffPath("{org}/users/{paula}"), nil, "Accept", "application/vnd.atlas.2023-01-01+json")
	if a.status != http.StatusNotFound {
		t.Errorf("the old removal of a pending user: %d", a.status)
	}
	a = w.as(ownerID, "POST", w.path("{org}/users"), `{"username":"n@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`)
	if a.status != 201 || a.body["inviterUsername"] != ownerID {
		t.Errorf("invited by a service account: %d %s", a.status, a.raw)
	}
}

// What is in a world comes back from it, also after people came, went and answered.
func TestPeopleRoundTrip(t *testing.T) {
	w := startWorld(t, staff)
	w.staffDo("POST", "{org}/users", `{"username":"new@example.com","roles":{"orgRoles":["ORG_MEMBER"]},"teamIds":["{idle}"]}`)
	w.staffDo("POST", "{prod}/invites", `{"username":"n@example.com","roles":["GROUP_OWNER"]}`)
	w.staffDo("DELETE", "{dev}/users/{carl}", "")
	if err := w.AcceptInvitation("paula@example.com"); err != nil {
		t.Fatal(err)
	}
	first := w.Snapshot()
	text, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	other, err := New(Options{World: read, Seed: 99, Now: func() time.Time { return epoch.Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
}

func TestImpossiblePeople(t *testing.T) {
	for want, part := range map[string]string{
		"appears twice":                 "users: [{username: a, id: aaaaaaaaaaaaaaaaaaaaaaaa}, {username: b, id: aaaaaaaaaaaaaaaaaaaaaaaa}]",
		"is not in the organisation":    "teams: [{name: t, usernames: [nobody]}]",
		"missing or taken":              "teams: [{name: t}, {name: t}]",
		"does not have it":              "projects: [{name: p, teams: [{teamId: t, roleNames: [GROUP_OWNER]}]}]",
		"granted twice":                 "teams: [{name: t}], projects: [{name: p, teams: [{teamId: t, roleNames: [GROUP_OWNER]}, {teamId: t, roleNames: [GROUP_OWNER]}]}]",
		"has no roles":                  "teams: [{name: t}], projects: [{name: p, teams: [{teamId: t, roleNames: []}]}]",
		"no such user":                  "projects: [{name: p, invites: [{username: u, roles: [GROUP_OWNER]}]}]",
		`"LOST" is not ACTIVE, PENDING`: "users: [{username: a, orgMembershipStatus: LOST}]",
	} {
		world, err := ParseWorld("w", []byte("orgs: [{name: o, "+part+"}]"))
		if err == nil {
			_, err = New(Options{World: world, Now: func() time.Time { return epoch }})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
