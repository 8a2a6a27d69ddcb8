package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCreateUser(t *testing.T) {
	const role = `"roles":[{"roleName":"read","databaseName":"shop"}]`
	const pw = `"password":"fake-password"`
	user := func(name, db string, more ...string) string {
		fields := append([]string{fmt.Sprintf(`"username":%q,"databaseName":%q`, name, db)}, more...)
		return "{" + strings.Join(fields, ",") + "}"
	}
	idp := "0123456789abcdef01234567"
	for _, c := range []struct {
		name, body string
		status     int
		want       string // code, or the event's name of the user
	}{
		{"scram", user("new", "admin", pw, role), 201, "new"},
		{"no roles", user("new", "admin", pw, `"roles":[]`), 201, "new"},
		{"managed x509", user("svc", "$external", `"x509Type":"MANAGED"`, role), 201, "CN=svc"},
		{"customer x509", user("CN=svc,OU=x", "$external", `"x509Type":"CUSTOMER"`, role), 201, "CN=svc,OU=x"},
		{"aws user", user("arn:aws:iam::123456789012:user/bob", "$external", `"awsIAMType":"USER"`, role), 201, "arn:aws:iam::123456789012:user/bob"},
		{"aws role", user("arn:aws:iam::123456789012:role/ci", "$external", `"awsIAMType":"ROLE"`, role), 201, "arn:aws:iam::123456789012:role/ci"},
		{"ldap user", user("CN=a,DC=b", "$external", `"ldapAuthType":"USER"`, role), 201, "CN=a,DC=b"},
		{"ldap group", user("CN=a,DC=b", "$external", `"ldapAuthType":"GROUP"`, role), 201, "CN=a,DC=b"},
		{"ldap group on admin", user("CN=a,DC=b", "admin", `"ldapAuthType":"GROUP"`, role), 201, "CN=a,DC=b"},
		{"oidc group", user(idp+"/devs", "admin", `"oidcAuthType":"IDP_GROUP"`, role), 201, idp + "/devs"},
		{"oidc user", user(idp+"/sub", "$external", `"oidcAuthType":"USER"`, role), 201, idp + "/sub"},
		{"own group id", user("new", "admin", pw, role, `"groupId":"THIS"`), 201, "new"},
		{"taken", user("app", "admin", pw, role), 409, "USER_ALREADY_EXISTS"},
		{"no name", `{"databaseName":"admin",` + pw + `,` + role + `}`, 400, "MISSING_ATTRIBUTE"},
		{"no database", `{"username":"new",` + pw + `,` + role + `}`, 400, "MISSING_ATTRIBUTE"},
		{"no role list", user("new", "admin", pw), 400, "MISSING_ATTRIBUTE"},
		{"no password", user("new", "admin", role), 400, "MISSING_ATTRIBUTE"},
		{"short password", user("new", "admin", `"password":"short"`, role), 400, "WEAK_PASSWORD"},
		{"common password", user("new", "admin", `"password":"password"`, role), 400, "COMMON_PASSWORD"},
		{"scram outside", user("new", "$external", pw, role), 400, "DATABASE_NAME_INVALID_ADMIN"},
		{"x509 inside", user("svc", "admin", `"x509Type":"MANAGED"`, role), 400, "DATABASE_NAME_INVALID_EXTERNAL"},
		{"other database", user("new", "shop", pw, role), 400, "INVALID_ENUM_VALUE"},
		{"bad type", user("new", "admin", pw, role, `"x509Type":"SOME"`), 400, "INVALID_ENUM_VALUE"},
		{"managed with CN", user("CN=svc", "$external", `"x509Type":"MANAGED"`, role), 400, "ATLAS_MANAGED_X509_NAME_INVALID"},
		{"customer without DN", user("svc", "$external", `"x509Type":"CUSTOMER"`, role), 400, "ATLAS_INVALID_USERNAME"},
		{"aws without arn", user("bob", "$external", `"awsIAMType":"USER"`, role), 400, "ATLAS_INVALID_USERNAME"},
		{"oidc without idp", user("devs", "admin", `"oidcAuthType":"IDP_GROUP"`, role), 400, "ATLAS_INVALID_USERNAME"},
		{"ldap without DN", user("bob", "$external", `"ldapAuthType":"USER"`, role), 400, "ATLAS_INVALID_LDAP_NAME"},
		{"x509 with password", user("svc", "$external", `"x509Type":"MANAGED"`, pw, role), 400, "ATLAS_X509_USER_CANNOT_USE_SCRAM"},
		{"x509 with ldap", user("CN=a", "$external", `"x509Type":"CUSTOMER"`, `"ldapAuthType":"USER"`, role), 400, "ATLAS_X509_USER_CANNOT_USE_LDAP"},
		{"two kinds", user("arn:aws:x", "$external", `"awsIAMType":"USER"`, `"oidcAuthType":"USER"`, role), 400, "VALIDATION_ERROR"},
		{"temporary x509", user("svc", "$external", `"x509Type":"MANAGED"`, role, `"deleteAfterDate":"2026-08-04T00:00:00Z"`), 400, "ATLAS_X509_USER_CANNOT_BE_TEMPORARY"},
		{"temporary", user("new", "admin", pw, role, `"deleteAfterDate":"2026-08-04T00:00:00Z"`), 201, "new"},
		{"past", user("new", "admin", pw, role, `"deleteAfterDate":"2026-08-02T00:00:00Z"`), 400, "EXPIRATION_DATE_IN_PAST"},
		{"too far", user("new", "admin", pw, role, `"deleteAfterDate":"2026-08-12T00:00:00Z"`), 400, "EXPIRATION_DATE_EXCEEDS_MAX"},
		{"reserved", user("mms-automation", "admin", pw, role), 400, "BLOCKED_USERNAME"},
		{"foreign group", user("new", "admin", pw, role, `"groupId":"ffffffffffffffffffffffff"`), 400, "GROUP_MISMATCH"},
		{"unknown role", user("new", "admin", pw, `"roles":[{"roleName":"root","databaseName":"admin"}]`), 400, "ATLAS_INVALID_ROLE"},
		{"custom role", user("new", "admin", pw, `"roles":[{"roleName":"inner","databaseName":"admin"}]`), 201, "new"},
		{"custom role elsewhere", user("new", "admin", pw, `"roles":[{"roleName":"inner","databaseName":"shop"}]`), 400, "ATLAS_INVALID_ROLE_DATABASE"},
		{"admin role elsewhere", user("new", "admin", pw, `"roles":[{"roleName":"atlasAdmin","databaseName":"shop"}]`), 400, "ATLAS_INVALID_ROLE_DATABASE"},
		{"role twice", user("new", "admin", pw, `"roles":[{"roleName":"read","databaseName":"a"},{"roleName":"read","databaseName":"a"}]`), 400, "DUPLICATE_DATABASE_ROLES"},
		{"collection", user("new", "admin", pw, `"roles":[{"roleName":"read","databaseName":"a","collectionName":"c"}]`), 201, "new"},
		{"collection of dbAdmin", user("new", "admin", pw, `"roles":[{"roleName":"dbAdmin","databaseName":"a","collectionName":"c"}]`), 400, "ATLAS_RESTRICTED_COLLECTION"},
		{"scope type", user("new", "admin", pw, role, `"scopes":[{"name":"main","type":"SHARD"}]`), 400, "INVALID_ENUM_VALUE"},
		{"scope name", user("new", "admin", pw, role, `"scopes":[{"name":"-x","type":"CLUSTER"}]`), 400, "VALIDATION_ERROR"},
		{"scope of nothing", user("new", "admin", pw, role, `"scopes":[{"name":"gone","type":"CLUSTER"}]`), 201, "new"},
		{"empty label", user("new", "admin", pw, role, `"labels":[{"key":"","value":"x"}]`), 400, "VALIDATION_ERROR"},
		{"unknown field", user("new", "admin", pw, role, `"colour":"red"`), 400, "INVALID_ATTRIBUTE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path("{prod}/databaseUsers"), strings.ReplaceAll(c.body, "THIS", w.ProjectID("prod")))
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if c.status != 201 {
				if a.code() != c.want || len(w.Effects()) != 0 || len(w.events("{prod}")) != 0 {
					t.Errorf("got %s, %d effects", a.raw, len(w.Effects()))
				}
				return
			}
			if strings.Contains(a.raw, "fake-password") {
				t.Errorf("the password comes back: %s", a.raw)
			}
			e := w.events("{prod}")
			if len(e) != 1 || e[0]["eventTypeName"] != "MONGODB_USER_ADDED" || e[0]["dbUserUsername"] != c.want {
				t.Errorf("events %v", e)
			}
		})
	}
}

// fieldsOf picks fields as JSON.
func fieldsOf(a answerOf, names ...string) string {
	out := map[string]any{}
	for _, n := range names {
		if v, has := a.body[n]; has {
			out[n] = v
		}
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func TestUserShape(t *testing.T) {
	w := start(t)
	a := w.as(ownerID, "GET", w.path("{prod}/databaseUsers/$external/service"), nil)
	delete(a.body, "links")
	want := map[string]any{
		"username": "service", "databaseName": "$external", "groupId": w.ProjectID("prod"),
		"awsIAMType": "NONE", "ldapAuthType": "NONE", "oidcAuthType": "NONE", "x509Type": "MANAGED",
		"roles":  []any{map[string]any{"roleName": "outer", "databaseName": "admin"}},
		"scopes": []any{}, "labels": []any{},
	}
	if d := cmp.Diff(want, a.body); d != "" {
		t.Error(d)
	}
}

func TestPatchUser(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		want       string // code, or roles, scopes, labels and description
		effects    int
	}{
		{"nothing", `{}`, 200, `{"labels":[],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 0},
		{"nulls", `{"roles":null,"scopes":null,"deleteAfterDate":null}`, 200, `{"labels":[],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 0},
		{"quarantine", `{"roles":[]}`, 200, `{"labels":[],"roles":[],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 1},
		{"widen", `{"scopes":[]}`, 200, `{"labels":[],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[]}`, 1},
		{"replace roles", `{"roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`, 200, `{"labels":[],"roles":[{"databaseName":"admin","roleName":"atlasAdmin"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 1},
		{"text", `{"labels":[{"key":"owner","value":"shop"}],"description":"d"}`, 200, `{"description":"d","labels":[{"key":"owner","value":"shop"}],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 1},
		{"password", `{"password":"another-fake"}`, 200, `{"labels":[],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 1},
		{"same identity", `{"username":"app","databaseName":"admin","x509Type":"NONE"}`, 200, `{"labels":[],"roles":[{"databaseName":"shop","roleName":"readWrite"}],"scopes":[{"name":"main","type":"CLUSTER"}]}`, 0},
		{"rename", `{"username":"other"}`, 409, "DATABASE_USERNAME_CANNOT_BE_CHANGED", 0},
		{"move", `{"databaseName":"$external"}`, 409, "DATABASE_NAME_CANNOT_BE_CHANGED", 0},
		{"auth", `{"awsIAMType":"USER"}`, 409, "AUTH_TYPE_CANNOT_BE_CHANGED", 0},
		{"temporary", `{"deleteAfterDate":"2026-08-04T00:00:00Z"}`, 400, "PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY", 0},
		{"bad role", `{"roles":[{"roleName":"nope","databaseName":"admin"}]}`, 400, "ATLAS_INVALID_ROLE", 0},
		{"weak", `{"password":"x"}`, 400, "WEAK_PASSWORD", 0},
		{"unknown", `{"nope":1}`, 400, "INVALID_ATTRIBUTE", 0},
		{"group", `{"groupId":"ffffffffffffffffffffffff"}`, 400, "GROUP_MISMATCH", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			path := w.path("{prod}/databaseUsers/admin/app")
			a := w.as(ownerID, "PATCH", path, c.body)
			if a.status != c.status || len(w.Effects()) != c.effects {
				t.Fatalf("got %d %s, %d effects", a.status, a.raw, len(w.Effects()))
			}
			if c.status != 200 {
				if a.code() != c.want || len(w.events("{prod}")) != 0 {
					t.Errorf("got %s, events %v", a.raw, w.events("{prod}"))
				}
				return
			}
			again := w.as(ownerID, "GET", path, nil)
			for _, got := range []answerOf{a, again} {
				if f := fieldsOf(got, "roles", "scopes", "labels", "description", "deleteAfterDate"); f != c.want {
					t.Errorf("got  %s\nwant %s", f, c.want)
				}
			}
			e := w.events("{prod}") // of a change
			if len(e) != c.effects || c.effects == 1 && (kinds(e) != "MONGODB_USER_UPDATED" || e[0]["dbUserUsername"] != "app") {
				t.Errorf("events %v", e)
			}
		})
	}
}

func TestTemporaryUser(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{prod}/databaseUsers"), `{"username":"mig","databaseName":"admin","password":"fake-password","roles":[],"deleteAfterDate":"2026-08-03T11:00:00Z"}`)
	path := w.path("{prod}/databaseUsers/admin/mig")
	if a := w.do("PATCH", path, `{"deleteAfterDate":"2026-08-03T12:00:00Z"}`); a.body["deleteAfterDate"] != "2026-08-03T12:00:00Z" {
		t.Fatalf("moving the date: %d %s", a.status, a.raw)
	}
	if a := w.do("PATCH", path, `{"description":"x"}`); a.body["deleteAfterDate"] != "2026-08-03T12:00:00Z" {
		t.Errorf("the date did not stay: %s", a.raw)
	}
	w.Advance(2 * time.Hour)
	if a := w.do("PATCH", path, `{"deleteAfterDate":"2026-08-03T15:00:00Z"}`); a.code() != "ALREADY_EXPIRED" {
		t.Errorf("moving it too late: %d %s", a.status, a.raw)
	}
	w.Advance(removalLag)
	if a := w.do("GET", path, nil); a.status != 404 {
		t.Errorf("still there: %d", a.status)
	}
	if e := w.events("{prod}")[0]; e["eventTypeName"] != "MONGODB_USER_DELETED" || e["dbUserUsername"] != "mig" || e["username"] != nil {
		t.Errorf("event %v", e)
	}
}

func TestUserPathsAreEscaped(t *testing.T) {
	w := start(t)
	const arn = "arn:aws:iam::123456789012:user/bob"
	w.do("POST", w.path("{prod}/databaseUsers"), `{"username":"`+arn+`","databaseName":"$external","awsIAMType":"USER","roles":[]}`)
	for _, path := range []string{"$external/arn:aws:iam::123456789012:user%2Fbob", "%24external/arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fbob"} {
		if a := w.as(ownerID, "GET", w.path("{prod}/databaseUsers/"+path), nil); a.status != 200 || a.body["username"] != arn {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/databaseUsers/$external/"+arn), nil); a.status != 404 {
		t.Errorf("an unescaped slash: %d", a.status)
	}
	if a := w.as(ownerID, "DELETE", w.path("{prod}/databaseUsers/$external/arn:aws:iam::123456789012:user%2Fbob"), nil); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "DELETE", w.path("{prod}/databaseUsers/admin/nobody"), nil); a.status != 404 || a.code() != "USER_NOT_FOUND" {
		t.Errorf("delete of nobody: %d %s", a.status, a.raw)
	}
}

func TestUserLimit(t *testing.T) {
	w := start(t)
	create := func(i int) answerOf {
		return w.do("POST", w.path("{dev}/databaseUsers"), fmt.Sprintf(`{"username":"u%d","databaseName":"admin","password":"fake-password","roles":[]}`, i))
	}
	for i := range 100 {
		if a := create(i); a.status != 201 {
			t.Fatalf("user %d: %d %s", i, a.status, a.raw)
		}
	}
	if a := create(100); a.status != 403 {
		t.Errorf("user 101: %d %s", a.status, a.raw)
	}
}

func TestPasswordsStayOutOfEffects(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{prod}/databaseUsers"), `{"username":"new","databaseName":"admin","password":"fake-password-1","roles":[]}`)
	w.do("PATCH", w.path("{prod}/databaseUsers/admin/new"), `{"password":"fake-password-2"}`)
	w.do("PATCH", w.path("{prod}/databaseUsers/admin/new"), `{"password":"fake-password-2"}`)
	w.do("DELETE", w.path("{prod}/databaseUsers/admin/new"), nil)
	effects := w.Effects()
	if len(effects) != 3 {
		t.Errorf("%d effects", len(effects))
	}
	if s := fmt.Sprint(effects); strings.Contains(s, "fake-password") {
		t.Errorf("a password: %s", s)
	}
}
