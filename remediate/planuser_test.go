package remediate

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestPutBackAfterOthersChanges: what is put back is what one change did. Roles that others
// gave since stay where the user is well with them; where they are of the same kind nothing is
// written, and people are told.
func TestPutBackAfterOthersChanges(t *testing.T) {
	for _, c := range []struct {
		name  string
		later access.RoleGrant
		want  access.ActionState
		left  string
		why   string
	}{
		{"a role that is well", access.RoleGrant{Role: "backup", Database: "admin"}, access.ActionVerified, "backup@admin, read@admin", ""},
		{"the same role elsewhere", access.RoleGrant{Role: "atlasAdmin", Database: "shop"}, access.ActionTold, "atlasAdmin@admin, read@admin, atlasAdmin@shop", "not be well even then"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			first := user([]string{"atlasAdmin", "read"}, "main")
			now := first
			now.Roles = access.SortGrants(append([]access.RoleGrant{c.later}, first.Roles...))
			w.users[now.Name()] = now
			f := w.add(userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, user([]string{"read"}, "main"), first))
			a := w.settle(f)
			if left := joined(w.users[now.Name()].Roles); a.State != c.want || !strings.Contains(a.Why, c.why) || left != c.left {
				t.Errorf("it is %s (%s) and left %s, want %s and %s", a.State, a.Why, left, c.want, c.left)
			}
		})
	}
}
