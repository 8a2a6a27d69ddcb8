package access

import (
	"strings"
	"time"
)

// Environment says which projects belong to it, by tag or by name. Its place in the
// configured list is its strictness: the first is the strictest.
type Environment struct {
	Name     string
	Projects []string          // globs over project names
	Tags     map[string]string // all must match
	CatchAll bool              // takes what no other environment matches; Projects is "*", and it stands last
}

// Identity says what a database user or machine credential is for.
type Identity struct {
	Class        string            // one of Classes
	Usernames    []string          // globs over usernames
	Labels       map[string]string // all must match
	Environments []string          // empty: all
	Roles        []RoleGrant       // declared; nil: nothing declared
	Scopes       []UserScope       // declared; nil: nothing declared
	MaxAge       time.Duration     // 0: none
	Until        time.Time         // declared end, of sync
	Owner        string
}

// The identity classes.
const (
	ClassApp           = "app"
	ClassMigration     = "migration"
	ClassReporting     = "reporting"
	ClassBIETL         = "bi_etl"
	ClassMonitoring    = "monitoring"
	ClassSync          = "sync"
	ClassHuman         = "human"
	ClassPlatformAdmin = "platform_admin"
	ClassBreakGlass    = "break_glass"
	ClassAutomation    = "automation"
	ClassDynamic       = "dynamic"
	ClassAtlasManaged  = "atlas_managed"
)

// Classes lists the identity classes.
func Classes() []string {
	return []string{
		ClassApp, ClassMigration, ClassReporting, ClassBIETL, ClassMonitoring, ClassSync, ClassHuman,
		ClassPlatformAdmin, ClassBreakGlass, ClassAutomation, ClassDynamic, ClassAtlasManaged,
	}
}

// Principal is a person or team that answers for identities.
type Principal struct {
	ID    string
	Email string
	Slack string
	Atlas []string // e-mails, public keys, client ids by which the feed names them
	Owns  []string // machine identities
}

// Network is the declared networks of one environment, by purpose, as canonical CIDRs.
type Network struct {
	Environment string
	Purposes    map[string][]string // app, ci, vpn, private …
}

// OwnAccess is what Gatewarden itself depends on; guards keep it.
type OwnAccess struct {
	Credentials []string // client ids and public keys of our own
	Addresses   []string // our own egress addresses, as CIDRs, where configured
}

// Match reports whether s matches a pattern of the configuration or of a rule: * stands
// for any run of characters, slashes included, since names of rules and resources are
// no paths. Nothing else is special.
func Match(pattern, s string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && pattern[p] == s[n]:
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
