package notify

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestSafer: a name that strangers chose does not make a command do something else.
func TestSafer(t *testing.T) {
	of := func(kind access.Kind, rule, name string) access.Finding {
		return access.Finding{Rule: rule, Ref: access.Ref{Scope: access.ProjectScope("64f000000000000000000002"), Kind: kind, Name: name}}
	}
	for _, c := range []struct {
		f    access.Finding
		want string
	}{
		{of(access.KindIPAccessEntry, "network/open-to-world", "0.0.0.0/0"), "atlas accessLists create YOUR.ADDRESS --type ipAddress --deleteAfter UNTIL --comment TICKET --projectId 64f000000000000000000002"},
		{of(access.KindDatabaseUser, "dbuser/unscoped", "admin/shop_app_user"), "atlas dbusers update shop_app_user --authDB admin --role ROLE@DATABASE --scope CLUSTER --projectId 64f000000000000000000002"},
		{of(access.KindDatabaseUser, "dbuser/unscoped", "admin/x; rm -rf ~"), ""},
		{of(access.KindDatabaseUser, "dbuser/unscoped", "admin/--force"), ""},
		{of(access.KindDatabaseUser, "dbuser/unscoped", "$external/CN=app"), ""},
		{of(access.KindOrgMember, "member/x", "alice@example.com"), ""},
	} {
		if got := Safer(c.f); got != c.want {
			t.Errorf("%s: %q, want %q", c.f.Ref.Name, got, c.want)
		}
		if strings.ContainsAny(Safer(c.f), ";|&$`\n") {
			t.Errorf("%s: %q would do more when it is pasted", c.f.Ref.Name, Safer(c.f))
		}
	}
}
