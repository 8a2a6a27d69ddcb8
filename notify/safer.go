package notify

import (
	"fmt"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Safer is how to have what a change was probably for, without the violation, as commands of the
// Atlas CLI with what is to be filled in in capitals; empty: none is known.
func Safer(f access.Finding) string {
	project := ""
	if !f.Ref.Scope.IsOrg() {
		project = " --projectId " + f.Ref.Scope.ID()
	}
	switch {
	case f.Ref.Kind == access.KindIPAccessEntry:
		return "atlas accessLists create YOUR.ADDRESS --type ipAddress --deleteAfter " + "UNTIL --comment TICKET" + project
	case f.Ref.Kind == access.KindDatabaseUser && strings.HasPrefix(f.Rule, "dbuser/"):
		database, name, ok := strings.Cut(f.Ref.Name, "/")
		if !ok || !plainWord(name) || !plainWord(database) {
			return ""
		}
		return fmt.Sprintf("atlas dbusers update %s --authDB %s --role ROLE@DATABASE --scope CLUSTER%s", name, database, project)
	}
	return ""
}

// plainWord reports whether a name may stand in a command that people copy: others could make it
// do something else.
func plainWord(s string) bool {
	return s != "" && !strings.HasPrefix(s, "-") && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@", r))
	}) < 0
}
