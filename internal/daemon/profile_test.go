package daemon

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
)

// TestProfileThatObserves: a profile without roles to write with writes nothing, whatever
// dry_run says.
func TestProfileThatObserves(t *testing.T) {
	for profile, want := range map[string]struct{ wet, dry bool }{
		"scan": {true, true}, "observe": {true, true}, "remediate": {false, true}, "owner": {false, true},
	} {
		for dryRun, want := range map[string]bool{"dry_run: false": want.wet, "dry_run: true": want.dry} {
			conf := strings.NewReplacer("ORG", hookOrg, "STORE", filepath.Join(t.TempDir(), "store"),
				"profile: remediate", "profile: "+profile, "dry_run: false", dryRun).Replace(read(t, "testdata/config.yaml"))
			f, err := config.Load("config.yaml", []byte(conf))
			if err != nil {
				t.Fatal(err)
			}
			s, err := build(f)
			if err != nil {
				t.Fatal(err)
			}
			if s.policy.DryRun != want {
				t.Errorf("%s with %s: a dry run is %t", profile, dryRun, s.policy.DryRun)
			}
		}
	}
}

// TestPermissionsFollowTheProfile: what the profile leaves out is named and not asked
// for; what it takes and the credentials do not allow is named as unreadable.
func TestPermissionsFollowTheProfile(t *testing.T) {
	const federation, audit = "getOrgFederationSettings", "getGroupAuditLog"
	for profile, want := range map[string]struct {
		notCovered []string // among others
		unreadable []string // kind and status, one of the org and one of the projects at least
		missing    []string
	}{
		"scan":    {[]string{"federation", "auditing", "access_history"}, nil, nil},
		"observe": {[]string{"federation", "auditing"}, nil, nil},
		"owner":   {nil, []string{"federation denied", "auditing denied"}, []string{"ORG_OWNER"}},
	} {
		t.Run(profile, func(t *testing.T) {
			bubble(t, func(conf string) string { return strings.Replace(conf, "profile: remediate", "profile: "+profile, 1) }, func(t *testing.T, s *stage) {
				f, err := s.load()
				if err != nil {
					t.Fatal(err)
				}
				all, err := CheckPermissions(t.Context(), f, "test", s.atlas.Transport())
				if err != nil || len(all) != 1 || all[0].Projects != 2 || all[0].Failed != "" {
					t.Fatalf("%v, %+v", err, all)
				}
				p := all[0]
				for _, k := range want.notCovered {
					if !slices.Contains(p.NotCovered, k) {
						t.Errorf("%s is not named as not covered: %q", k, p.NotCovered)
					}
				}
				var unreadable []string
				for _, u := range p.Unreadable {
					unreadable = append(unreadable, string(u.Kind)+" "+string(u.Status))
					if slices.Contains(p.NotCovered, string(u.Kind)) {
						t.Errorf("%s is not covered, and unreadable", u.Kind)
					}
				}
				for _, line := range want.unreadable {
					if !slices.Contains(unreadable, line) {
						t.Errorf("%s is not among the unreadable: %q", line, unreadable)
					}
				}
				if len(want.unreadable) == 0 && len(unreadable) > 0 || len(unreadable) > 0 && p.Complete() {
					t.Errorf("complete %t, unreadable %q", p.Complete(), unreadable)
				}
				for _, role := range want.missing {
					if !slices.Contains(p.Read.Missing, role) {
						t.Errorf("%s is not missing: %+v", role, p.Read)
					}
				}
				asked := map[string]bool{}
				for _, r := range s.atlas.Requests() {
					asked[r.OperationID] = true
					if r.Mutating {
						t.Errorf("it writes: %s %s", r.Method, r.Path)
					}
				}
				for kind, op := range map[string]string{"federation": federation, "auditing": audit} {
					if asked[op] == slices.Contains(p.NotCovered, kind) {
						t.Errorf("%s was asked for: %t, though it is not covered: %t", op, asked[op], !asked[op])
					}
				}
			})
		})
	}
}
