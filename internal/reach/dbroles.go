package reach

import "slices"

// AnyDatabase, as the database of a read, readWrite or dbAdmin grant, is every
// database but local and config: what the AnyDatabase roles grant (MongoDB
// manual, "All-Database Roles"). A grant that names no database is taken for it.
const AnyDatabase = ""

// Grant is a database role as held by a database user or inherited by a custom
// role. Collection narrows read and readWrite; empty is every collection.
type Grant struct{ Role, Database, Collection string }

// String is the grant as configuration writes it: "readWrite@shop",
// "read@shop.orders", "readWrite@*"; roles that exist on admin only, "atlasAdmin".
func (g Grant) String() string {
	if !perDatabase(g.Role) {
		return g.Role
	}
	s := g.Role + "@" + g.Database
	if g.Database == AnyDatabase {
		s += "*"
	}
	if g.Collection != "" {
		s += "." + g.Collection
	}
	return s
}

// databaseRoles are all built-in database roles, sorted.
var databaseRoles = []string{
	AtlasAdmin, "autoCompact", "backup", "clusterMonitor", "dbAdmin", "dbAdminAnyDatabase", "enableSharding",
	"killOpSession", "manageShardBalancer", "read", "readAnyDatabase", "readWrite", "readWriteAnyDatabase",
}

// DatabaseRoles are the names of all built-in database roles of Atlas, sorted:
// the ten that the Admin API lists, and the three that the page "Built-In Roles
// and Privileges" calls specific privileges (autoCompact, killOpSession and
// manageShardBalancer).
func DatabaseRoles() []string { return slices.Clone(databaseRoles) }

// KnownDatabaseRole says that the role is built in.
func KnownDatabaseRole(name string) bool {
	_, ok := slices.BinarySearch(databaseRoles, name)
	return ok
}

// perDatabase says that a grant of the role is for the database that it names.
// All other roles, custom ones too, live on admin.
func perDatabase(role string) bool {
	return role == "read" || role == "readWrite" || role == "dbAdmin"
}

// placed is g with one spelling for a role that exists on admin only, so that
// it is found again whatever database the grant names.
func placed(g Grant) Grant {
	if !perDatabase(g.Role) {
		return Grant{Role: g.Role, Database: "admin"}
	}
	return g
}

// builtinSteps are the grants that a built-in role contains in one step.
func builtinSteps(g Grant) []Grant {
	switch g.Role {
	case AtlasAdmin:
		return []Grant{
			{Role: "autoCompact"}, {Role: "backup"}, {Role: "clusterMonitor"}, {Role: "dbAdminAnyDatabase"},
			{Role: "enableSharding"}, {Role: "readWriteAnyDatabase"},
		}
	case "readWriteAnyDatabase":
		return []Grant{{Role: "readAnyDatabase"}, {Role: "readWrite", Database: AnyDatabase}}
	case "readAnyDatabase":
		return []Grant{{Role: "read", Database: AnyDatabase}}
	case "dbAdminAnyDatabase":
		return []Grant{{Role: "dbAdmin", Database: AnyDatabase}}
	case "readWrite":
		return []Grant{{Role: "read", Database: g.Database, Collection: g.Collection}}
	}
	return nil
}

// covers says that a reached grant is at least b, by place alone: the same role
// on the same or a wider set of collections.
func (g Grant) covers(b Grant) bool {
	return g.Role == b.Role && coversDatabase(g.Database, b.Database) &&
		(g.Collection == "" || g.Collection == b.Collection)
}

func coversDatabase(a, b string) bool {
	return a == b || a == AnyDatabase && b != "local" && b != "config"
}
