package gatewarden

import rego.v1

class(name) := i.class if {
	some i in data.identities
	endswith(name, i.suffix)
}

class(name) := i.class if {
	some i in data.identities
	startswith(name, i.prefix)
}

reached(u) := graph.reachable(input.graph, u.roles)

violation contains ["dbuser/unscoped", u.name] if {
	some u in input.users
	count(input.targets) > 0
	count(u.scopes) == 0
}

violation contains ["dbuser/atlas-admin-app", u.name] if {
	some u in input.users
	class(u.username) in {"app", "reporting", "bi_etl", "monitoring", "automation"}
	"atlasAdmin" in reached(u)
}

any_database := {"readWriteAnyDatabase", "readAnyDatabase", "dbAdminAnyDatabase", "backup", "enableSharding"}

violation contains ["dbuser/any-database-role", u.name] if {
	some u in input.users
	class(u.username) in {"app", "reporting", "bi_etl"}
	not "atlasAdmin" in reached(u)
	some r in any_database
	r in reached(u)
}

violation contains ["dbuser/without-roles", u.name] if {
	some u in input.users
	count(u.roles) == 0
}

violation contains ["network/open-to-world", e.name] if {
	some e in input.entries
	e.bits == 0
}

violation contains ["network/entry-too-broad", e.name] if {
	some e in input.entries
	e.bits > 0
	e.bits < 24
}

violation contains ["network/undocumented-entry", e.name] if {
	some e in input.entries
	not regex.match(`\b[A-Z][A-Z0-9]+-[0-9]+\b|\b[Oo]wner\s*[=:]\s*[^\s=:]`, e.comment)
}

violation contains ["dbuser/undeclared", u.name] if {
	some u in input.users
	not class(u.username)
}

violation contains ["dbuser/dangling-scope", u.name] if {
	some u in input.users
	some s in u.scopes
	not s in input.targets
}

declared(e) if {
	some n in data.networks
	net.cidr_contains(n, e.name)
}

violation contains ["network/undeclared-source", e.name] if {
	some e in input.entries
	e.bits > 0
	not declared(e)
}
