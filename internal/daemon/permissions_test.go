package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// TestCheckPermissions asks what credentials may do that hold the roles of a profile
// exactly, one less, or one more.
func TestCheckPermissions(t *testing.T) {
	keysInEnv(t)
	for _, p := range reach.Profiles() {
		for _, h := range holders("read") {
			t.Run(fmt.Sprintf("%s by %s", p.Name, h), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					r := rolesRig(t, dir, p.Name, h.key != "", grants(p.Read, p.ReadProjects), grants(p.Write, p.WriteProjects))
					exact := r.permissions()
					if !exact.Complete() || len(exact.Read.More) > 0 || exact.Projects != 1 || exact.Name != "ExampleCorp" || exact.Write == nil || len(exact.Write.More) > 0 {
						t.Errorf("exactly the roles: %+v", exact)
					}
					if len(exact.NotCovered)+len(p.Covered()) != len(allKinds()) {
						t.Errorf("not covered: %v", exact.NotCovered)
					}
					r.lessAndMore(h, p)
					r.close()
				})
			})
		}
	}
}

// permissions asks with the configuration of the rig.
func (r *kindRig) permissions() Permissions {
	r.t.Helper()
	f, err := r.load()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := CheckPermissions(r.t.Context(), f, "test", r.transport())
	if err != nil || len(out) != 1 {
		r.t.Fatal(out, err)
	}
	return out[0]
}

// lessAndMore gives the read credential one role too many and takes the last one of the
// profile.
func (r *kindRig) lessAndMore(h holder, p reach.Profile) {
	r.t.Helper()
	roles := append(slices.Clone(p.Read), "ORG_BILLING_ADMIN")
	r.do("PATCH", "/orgs/{org}"+h.path, fmt.Sprintf(`{"roles":["%s"]}`, strings.Join(roles, `","`)))
	want := []string{"ORG_BILLING_ADMIN"}
	if slices.Contains(p.Read, reach.OrgOwner) {
		want = nil // it holds every other
	}
	if got := r.permissions(); !got.Complete() || p.Name != reach.ProfileOwner && !slices.Equal(got.Read.More, want) {
		r.t.Errorf("one role more: %+v, want %v too much", got, want)
	}
	if len(p.ReadProjects) == 0 {
		return
	}
	r.strip(h, p.ReadProjects[0], p.Read, p.ReadProjects)
	got := r.permissions()
	if diff := cmp.Diff([]string{p.ReadProjects[0] + everyProject}, got.Read.Missing); diff != "" || got.Complete() {
		r.t.Errorf("one role less (-want +got):\n%s", diff)
	}
	if len(got.Unreadable) != 1 || got.Unreadable[0].Kind != access.KindAccessHistory || got.Unreadable[0].Status != access.StatusDenied || got.Unreadable[0].Name != "ecommerce-prod" {
		r.t.Errorf("unreadable: %+v", got.Unreadable)
	}
}

// TestCheckPermissionsWithoutAnswer: what cannot be found out is not taken for missing.
func TestCheckPermissionsWithoutAnswer(t *testing.T) {
	ask := func(t *testing.T, edit func(conf string) string, between func(http.RoundTripper) http.RoundTripper) Permissions {
		t.Helper()
		var out Permissions
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, dir, read(t, "testdata/everykind.yaml"), edit(read(t, "testdata/config.yaml")))
			s.between = between
			f, err := config.Load("config.yaml", []byte(s.conf))
			if err != nil {
				t.Fatal(err)
			}
			all, err := CheckPermissions(t.Context(), f, "test", s.transport())
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			out = all[0]
		})
		return out
	}
	same := func(conf string) string { return conf }
	refused := func(http.RoundTripper) http.RoundTripper {
		return roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	}
	if got := ask(t, same, refused); !strings.Contains(got.Failed, "connection refused") || got.Complete() {
		t.Errorf("unreachable: %+v", got)
	}
	other := func(conf string) string {
		return strings.Replace(conf, "- id: ORG", "- id: 64f0000000000000000000ff", 1)
	}
	if got := ask(t, other, nil); got.Failed == "" || got.Complete() {
		t.Errorf("another org: %+v", got)
	}
	unarmed := func(conf string) string {
		line := "      write: {client_id: {env: GW_TEST_WRITE_ID}, client_secret: {env: GW_TEST_WRITE_SECRET}}\n"
		return strings.Replace(conf, line, "", 1)
	}
	wrong := func(conf string) string {
		return strings.Replace(conf, "{env: GW_TEST_WRITE_SECRET}", "{env: GW_TEST_WRITE_ID}", 1)
	}
	if got := ask(t, wrong, nil); got.Failed != "" || got.Complete() || got.Write == nil || !strings.Contains(got.Write.Unknown, "write credential") {
		t.Errorf("with a wrong secret of the write credential: %+v", got)
	}
	want := []string{"GROUP_NETWORK_ACCESS_MANAGER" + everyProject, "GROUP_DATABASE_ACCESS_ADMIN" + everyProject}
	if got := ask(t, unarmed, nil); got.Failed != "" || got.Complete() || got.Write == nil || !slices.Equal(got.Write.Missing, want) {
		t.Errorf("without a write credential: %+v", got)
	}
}
