package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const (
	readAccount  = "mdb_sa_id_64f000000000000000000a01"
	writeAccount = "mdb_sa_id_64f000000000000000000a02"
	readKey      = "64f000000000000000000a03"
	writeKey     = "64f000000000000000000a04"
)

// holder is a credential as the tests of roles give it and take from it.
type holder struct{ path, account, key string }

func holders(side string) []holder {
	if side == "write" {
		return []holder{{path: "/serviceAccounts/" + writeAccount, account: writeAccount}, {path: "/apiKeys/" + writeKey, key: "writekey"}}
	}
	return []holder{{path: "/serviceAccounts/" + readAccount, account: readAccount}, {path: "/apiKeys/" + readKey, key: "readerky"}}
}

func (h holder) String() string {
	if h.account != "" {
		return "service account"
	}
	return "API key"
}

// grants are roles as a world spells them. Whoever has no role in the org is a member.
func grants(org, projects []string) string {
	out := slices.Clone(org)
	if len(out) == 0 {
		out = []string{"ORG_MEMBER"}
	}
	for _, role := range projects {
		out = append(out, `"`+role+`@*"`)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// keysInEnv puts the API keys where the configuration finds them.
func keysInEnv(t *testing.T) {
	t.Helper()
	t.Setenv("GW_TEST_READ_KEY", "readerky")
	t.Setenv("GW_TEST_READ_PRIVATE", "fake-reader-key")
	t.Setenv("GW_TEST_WRITE_KEY", "writekey")
	t.Setenv("GW_TEST_WRITE_PRIVATE", "fake-writer-key")
}

// rolesRig has the two credentials of a kind with these roles; those of the other kind
// may do nothing.
func rolesRig(t *testing.T, dir, profile string, byKey bool, readRoles, writeRoles string) *kindRig {
	world := read(t, "testdata/everykind.yaml")
	account, key := map[string]string{"read": "[ORG_MEMBER]", "write": "[ORG_MEMBER]"}, map[string]string{"read": readRoles, "write": writeRoles}
	if !byKey {
		account, key = key, account
	}
	world = strings.Replace(world, "name: gatewarden-read, roles: [ORG_OWNER]", "name: gatewarden-read, roles: "+account["read"], 1)
	world = strings.Replace(world, "name: gatewarden-write, roles: [ORG_OWNER]", "name: gatewarden-write, roles: "+account["write"], 1)
	world = strings.Replace(world, "    apiKeys:\n", fmt.Sprintf(`    apiKeys:
      - {id: %s, publicKey: readerky, privateKey: fake-reader-key, desc: gatewarden-read, roles: %s}
      - {id: %s, publicKey: writekey, privateKey: fake-writer-key, desc: gatewarden-write, roles: %s}
`, readKey, key["read"], writeKey, key["write"]), 1)
	if !byKey {
		return newKindRig(t, dir, profile, world)
	}
	return newKindRig(t, dir, profile, world, func(conf string) string {
		for _, side := range []string{"READ", "WRITE"} {
			conf = strings.Replace(conf, "{client_id: {env: GW_TEST_"+side+"_ID}", "{public_key: {env: GW_TEST_"+side+"_KEY}", 1)
			conf = strings.Replace(conf, "client_secret: {env: GW_TEST_"+side+"_SECRET}", "private_key: {env: GW_TEST_"+side+"_PRIVATE}", 1)
		}
		return conf
	})
}

// TestProfileRoles gives the read credential exactly the roles of each profile: all that
// it covers can be read, and nothing else is. Then one role is taken away: exactly the
// kinds of the table are denied, and unknown to the rules, and the others still read.
func TestProfileRoles(t *testing.T) {
	keysInEnv(t)
	accounts := []access.Kind{access.KindServiceAccount, access.KindServiceAccountSecret, access.KindAPIAccessEntry}
	federation := []access.Kind{access.KindFederation, access.KindIdentityProvider, access.KindRoleMapping}
	scanned := profileNamed(t, reach.ProfileScan).Kinds("prj.x")
	for _, tc := range []struct {
		profile, without string
		denied           []access.Kind
	}{
		{reach.ProfileScan, "ORG_READ_ONLY", slices.Concat(accounts, scanned)},
		{reach.ProfileObserve, "ORG_READ_ONLY", accounts}, // any role in a project reads it
		{reach.ProfileObserve, "GROUP_CLUSTER_LOG_VIEWER", []access.Kind{access.KindAccessHistory}},
		{reach.ProfileRemediate, "ORG_READ_ONLY", accounts},
		{reach.ProfileRemediate, "GROUP_CLUSTER_LOG_VIEWER", []access.Kind{access.KindAccessHistory}},
		{reach.ProfileOwner, "ORG_OWNER", slices.Concat(accounts, federation, access.ProjectKinds())},
	} {
		for _, h := range holders("read") {
			t.Run(fmt.Sprintf("%s without %s by %s", tc.profile, tc.without, h), func(t *testing.T) {
				profile, dir := profileNamed(t, tc.profile), t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					r := rolesRig(t, dir, tc.profile, h.key != "", grants(profile.Read, profile.ReadProjects), "[ORG_MEMBER]")
					r.poll(access.SourceFeed)
					r.wantStatuses(profile, nil)
					r.strip(h, tc.without, profile.Read, profile.ReadProjects)
					time.Sleep(time.Minute)
					r.pollAnyway(access.SourceSweep)
					r.wantStatuses(profile, tc.denied)
					r.close()
				})
			})
		}
	}
	everyRoleIsTaken(t)
}

// everyRoleIsTaken wants a case above for each role of each profile.
func everyRoleIsTaken(t *testing.T) {
	n := 0
	for _, p := range reach.Profiles() {
		n += len(p.Read) + len(p.ReadProjects)
	}
	if n != 6 {
		t.Errorf("the profiles have %d roles to read with, and 6 are taken away one by one", n)
	}
}

// pollAnyway polls where the feed may be refused.
func (r *kindRig) pollAnyway(source access.Source) {
	for _, scope := range []access.Scope{r.org(), r.project()} {
		if err := r.d.watcher.Poll(r.t.Context(), access.Poll{Scope: scope, Source: source, At: time.Now()}); errors.Is(err, access.ErrForbidden) {
			r.t.Errorf("poll %s: %v: a refusal is no reason to come again at once", scope, err)
		}
	}
}

// strip takes one role from a credential.
func (r *kindRig) strip(h holder, role string, org, projects []string) {
	r.t.Helper()
	if slices.Contains(projects, role) {
		left := slices.DeleteFunc(slices.Clone(projects), func(s string) bool { return s == role })
		if len(left) == 0 {
			r.do("DELETE", prod+h.path, "")
			return
		}
		r.do("PATCH", prod+h.path, fmt.Sprintf(`{"roles":[%q]}`, strings.Join(left, `","`)))
		return
	}
	if !slices.Contains(org, role) {
		r.t.Fatalf("%s is none of its roles", role)
	}
	r.do("PATCH", "/orgs/{org}"+h.path, `{"roles":["ORG_MEMBER"]}`)
}

func (r *kindRig) do(method, path, body string) {
	r.t.Helper()
	var payload any
	if body != "" {
		payload = rawJSON(body)
	}
	if status, answer := r.atlas.Do(sim.Actor{Username: alice}, method, r.fill(path), payload); status >= http.StatusMultipleChoices {
		r.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// wantStatuses wants the denied kinds denied and unknown, the others of the profile
// complete and with content, and what is outside never read.
func (r *kindRig) wantStatuses(profile reach.Profile, denied []access.Kind) {
	r.t.Helper()
	for _, scope := range []access.Scope{r.org(), r.project()} {
		unknown, err := r.d.watcher.Dirty(r.t.Context(), scope)
		if err != nil {
			r.t.Fatal(err)
		}
		kinds := access.ProjectKinds()
		if scope.IsOrg() {
			kinds = access.OrgKinds()
		}
		for _, k := range kinds {
			c, rev, err := r.d.inventory.Get(r.t.Context(), string(scope)+"."+string(k))
			if err != nil {
				r.t.Fatal(err)
			}
			want := access.StatusComplete
			switch {
			case !profile.Covers(k):
				want = access.StatusUnread
			case slices.Contains(denied, k):
				want = access.StatusDenied
			}
			_, isUnknown := unknown[k]
			if c.Status != want || (rev == 0) == profile.Covers(k) || isUnknown != (want == access.StatusDenied) || profile.Covers(k) && len(c.Resources) == 0 {
				r.t.Errorf("%s: %s (%s), unknown %t, %d resources; want %q", k, c.Status, c.Reason, isUnknown, len(c.Resources), want)
			}
		}
	}
}

// TestProfileWriteRoles gives the write credential exactly the roles of each profile that
// writes: all remediations that there are succeed. With one role less, exactly those of
// the table are refused.
func TestProfileWriteRoles(t *testing.T) {
	keysInEnv(t)
	entries := []access.OperationType{access.CreateAccessEntry, access.DeleteAccessEntry}
	users := []access.OperationType{access.SetUserRoles, access.SetUserScopes, access.QuarantineUser}
	for _, tc := range []struct {
		profile, without string
		refused          []access.OperationType
	}{
		{reach.ProfileRemediate, "", nil},
		{reach.ProfileRemediate, "GROUP_NETWORK_ACCESS_MANAGER", entries},
		{reach.ProfileRemediate, "GROUP_DATABASE_ACCESS_ADMIN", users},
		{reach.ProfileOwner, "", nil},
		{reach.ProfileOwner, "ORG_OWNER", slices.Concat(entries, users)},
	} {
		for _, h := range holders("write") {
			t.Run(fmt.Sprintf("%s without %s by %s", tc.profile, or(tc.without, "nothing"), h), func(t *testing.T) {
				p, dir := profileNamed(t, tc.profile), t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					r := rolesRig(t, dir, tc.profile, h.key != "", grants(p.Read, p.ReadProjects), grants(p.Write, p.WriteProjects))
					r.poll(access.SourceFeed)
					if tc.without != "" {
						r.strip(h, tc.without, p.Write, p.WriteProjects)
					}
					for _, op := range r.remediations() {
						err := r.d.fleet.Apply(t.Context(), "act-1", op)
						if slices.Contains(tc.refused, op.Type) != errors.Is(err, access.ErrForbidden) || !errors.Is(err, access.ErrForbidden) && err != nil {
							t.Errorf("%s: %v", op.Type, err)
						}
					}
					r.close()
				})
			})
		}
	}
}

// remediations are one operation of each type.
func (r *kindRig) remediations() []access.Operation {
	entry := func(name string) access.Ref {
		return access.Ref{Scope: r.project(), Kind: access.KindIPAccessEntry, Name: name}
	}
	user := access.Ref{Scope: r.project(), Kind: access.KindDatabaseUser, Name: "admin/prod_app_user"}
	return []access.Operation{
		{Type: access.CreateAccessEntry, Ref: entry("9.9.9.10/32"), Entry: access.IPAccessEntry{Entry: "9.9.9.10/32"}},
		{Type: access.DeleteAccessEntry, Ref: entry("8.8.8.0/28")},
		{Type: access.SetUserRoles, Ref: user, Roles: []access.RoleGrant{{Role: "read", Database: "ecommerce"}}},
		{Type: access.SetUserScopes, Ref: user, Scopes: []access.UserScope{{Name: "prod-reporting", Type: "CLUSTER"}}},
		{Type: access.QuarantineUser, Ref: user},
	}
}

func profileNamed(t *testing.T, name string) reach.Profile {
	t.Helper()
	p, ok := reach.ProfileNamed(name)
	if !ok {
		t.Fatalf("there is no profile %s", name)
	}
	return p
}
