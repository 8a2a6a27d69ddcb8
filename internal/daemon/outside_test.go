package daemon

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// TestOutsideTheProfile runs the whole daemon with each profile, beside a violation: what
// reads only kinds outside of it is never requested, and no built-in rule needs any of them. That
// a rule which does is not judged is proved where rules are.
func TestOutsideTheProfile(t *testing.T) {
	operations := map[access.Kind][]string{
		access.KindFederation:       {"getOrgFederationSettings", "getFederationSettingConnectedOrgConfig", "listFederationSettingConnectedOrgConfigs"},
		access.KindIdentityProvider: {"listFederationSettingIdentityProviders"},
		access.KindRoleMapping:      {"listFederationSettingConnectedOrgConfigRoleMappings"},
		access.KindX509Config:       {"getGroupUserSecurity", "listGroupDatabaseUserCerts"},
		access.KindAuditing:         {"getGroupAuditLog"},
		access.KindBackupRestoreJob: {"listGroupClusterBackupRestoreJobs"},
		access.KindBackupExportJob:  {"listGroupClusterBackupExports"},
		access.KindAccessHistory:    {"getGroupDbAccessHistoryCluster"},
		access.KindDatabaseUser:     {"listGroupDatabaseUsers"},
	}
	for _, profile := range reach.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			dir, conf := t.TempDir(), strings.Replace(read(t, "testdata/config.yaml"), "profile: remediate", "profile: "+profile.Name, 1)
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, dir, read(t, "testdata/everykind.yaml"), conf)
				s.steps("at 0s start", `at 1m as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"scopes":[]}`, "at 10m nothing")
				if _, ok := s.finding("dbuser/unscoped", "admin/prod_app_user"); !ok {
					t.Error("nothing was judged at all")
				}
				requested := map[string]bool{}
				for _, q := range s.atlas.Requests() {
					requested[q.OperationID] = true
				}
				for kind, ops := range operations {
					for _, op := range ops {
						if requested[op] && !profile.Covers(kind) {
							t.Errorf("%s is requested, for %s, which is not covered", op, kind)
						}
					}
					if asked := requested[ops[0]]; profile.Covers(kind) && !asked {
						t.Errorf("%s is covered and never asked for", kind)
					}
				}
				for _, r := range s.daemon.settings.get().engine.Rules() {
					if r.Ceiling != access.CeilingAuto {
						continue // what a profile cannot read is not covered by choice
					}
					if outside := uncovered(s.daemon.settings.get().engine.Reads(r.ID, access.ProjectScope("0")), profile); len(outside) > 0 {
						t.Errorf("%s is not judged: %v are outside", r.ID, outside)
					}
				}
				s.stop()
			})
		})
	}
}

func uncovered(kinds []access.Kind, p reach.Profile) []access.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), p.Covers)
}
