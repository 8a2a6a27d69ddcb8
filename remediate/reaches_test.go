package remediate

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestPlans: what is said to be planned is what a plan is made for.
func TestPlans(t *testing.T) {
	remedies := []string{
		RemedyDeleteEntries, RemedyDeleteEntry, RemedyReplaceEntry, RemedyRestoreScopes, RemedyRemoveScope, RemedyRestoreRoles, RemedyRemoveRole,
		RemedyQuarantine, RemedySetTeamRoles, RemedyRemoveMemberRole, RemedyRestoreMemberRoles, RemedyRemoveProjectMember,
		RemedyDeleteInvitation, RemedySetOrgSetting, RemedyDisableDataExplorer, RemedyRestoreAlert,
	}
	for _, remedy := range append([]string{RemedyNone, "", "reboot"}, remedies...) {
		f := entryFinding(world0)
		f.Remedy = remedy
		p := MakePlan(kase(f, list(world0)...))
		if Plans(remedy) == (p.Why == "there is nothing to write for it") || Plans(remedy) != slices.Contains(remedies, remedy) {
			t.Errorf("%q: said to be planned %t, and the plan is %q", remedy, Plans(remedy), p.Why)
		}
		if len(p.Operations) > 0 && !strings.HasPrefix(remedy, "delete-entr") {
			t.Errorf("%q of an access list entry writes %v", remedy, said(p.Operations))
		}
	}
}

func TestNeverMatches(t *testing.T) {
	const id = "00000000000000000000000b"
	for pattern, why := range map[string]string{
		"*": "", "**": "", "prod_app_user": "", "prod_*": "", "admin/prod_*": "", "$external/*": "", "ip_access_entry/*": "", "database_user/*": "",
		"database_user/admin/prod_breakglass_*": "", "database_user/$external/arn:aws:iam::1:role/x": "", "database_user/a*/x": "", "database_user/adm*": "",
		"0.0.0.0/0": "", "203.0.113.10/32": "", "ip_access_entry/::/0": "", "203.0.113.*": "", "sg-1": "", id: "", "project." + id: "", "project.*": "", "project.0*": "",
		"arn:aws:iam::123456789012:role/x": "", "alice@example.com": "", "*/x": "", "deadbeef": "",
		"":                             "it is empty",
		" ":                            "it is empty",
		"database_user/prod_app":       "database_user/admin/prod_app",
		"database_user/prod_*":         "begins with its database",
		"databse_user/admin/x":         "no kind of resource called databse_user",
		"user/x":                       "no kind of resource called user",
		"project/*":                    "a project is never written to",
		"cluster/prod":                 "a cluster is never written to",
		"203.0.113.10":                 "203.0.113.10/32",
		"ip_access_entry/2001:db8::1":  "2001:db8::1/128",
		"203.0.113.10/24":              "203.0.113.0/24",
		"ip_access_entry/0.0.0.1/0":    "0.0.0.0/0",
		"203.0.113.0/33":               "no network",
		"2001:DB8::/32":                "2001:db8::/32",
		id[1:]:                         "24 hexadecimal digits",
		id + "0":                       "24 hexadecimal digits",
		strings.ToUpper(id):            "in lower case",
		"project." + id[1:]:            "24 hexadecimal digits",
		"project.shop-prod":            "24 hexadecimal digits",
		"org." + id:                    "",
		"org." + id[1:]:                "24 hexadecimal digits",
		"org_member/alice@example.com": "", "invitation/*": "",
		"org_member": "does not say which",
	} {
		if got := NeverMatches(pattern); (got == "") != (why == "") || !strings.Contains(got, why) {
			t.Errorf("%q: %q, want %q", pattern, got, why)
		}
	}
	for _, ref := range []access.Ref{
		{Scope: scope, Kind: access.KindIPAccessEntry, Name: "203.0.113.10/32"}, {Scope: scope, Kind: access.KindIPAccessEntry, Name: "2001:db8::/32"},
		{Scope: scope, Kind: access.KindDatabaseUser, Name: "admin/prod_app"}, {Scope: scope, Kind: access.KindDatabaseUser, Name: "$external/CN=x"},
	} {
		for _, p := range []string{ref.Name, string(ref.Kind) + "/" + ref.Name, "project." + ref.Scope.ID(), ref.Scope.ID()} {
			if _, ok := untouchable([]string{p}, ref); !ok || NeverMatches(p) != "" {
				t.Errorf("%s guards %s: %t, and is said to match nothing: %q", p, ref, ok, NeverMatches(p))
			}
		}
	}
}
