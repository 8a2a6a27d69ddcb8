package rules

import (
	"net/netip"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// databaseFamilies are the variables of the rules in builtin/ that this family holds.
func databaseFamilies() []family {
	users := []access.Kind{access.KindDatabaseUser}
	return []family{
		{users, forEach | forChange, ofHolder},
		{users, forEach | forChange, ofLifetime},
		{users, forEach, ofLogins},
		{[]access.Kind{access.KindAccessHistory}, forEach | forChange, ofVisitor},
		{[]access.Kind{access.KindCustomRole}, forEach, ofRole},
		{[]access.Kind{access.KindX509Config}, forEach, ofCertificates},
		{[]access.Kind{access.KindDatabaseAuth}, forEach, ofLDAP},
		{[]access.Kind{access.KindDatabaseAuth, access.KindX509Config}, forChange, ofAuthChange},
		{[]access.Kind{access.KindOrg}, forEach, ofSharedUser},
	}
}

// databasePast are those that rest on [Input.History].
func databasePast() []string {
	return []string{
		"logins.last", "logins.has_last", "logins.recent", "logins.quiet_since", "logins.watched", "logins.is_watched",
		"password.renewed", "password.has_renewed", "password.quiet_since", "password.watched", "password.is_watched",
	}
}

// databaseMemo is what they derive once from the collections of a world.
type databaseMemo struct {
	logins    map[string][]access.AccessHistory  // by database user, as the history names it
	members   map[string]bool                    // of the org, as far as they concern the project
	closed    map[access.RoleGrant]reach.Closure // what each grant reaches
	lists     map[string]*roleList               // what each list of grants reaches
	referrers map[string]bool                    // custom roles that a user or another role refers to
	holders   map[string][]access.Contribution   // of an org: projects by the database users with a password that they have
	networks  map[string][]netip.Prefix          // of the environment, by purpose
	sensitive []namespace                        // of the environment
	targets   *targetFacts
}

// textList is the type of most variables here.
var textList = cel.ListType(cel.StringType)

// ofHolder tell what the roles and scopes of a database user come to.
var ofHolder = []variable{
	{"holder.text", cel.StringType, func(s *subject) any { return s.holderText() }},                                 // who it is, for messages
	{"holder.roles", cel.StringType, func(s *subject) any { return joined(s.user().Roles) }},                        // role@database, …
	{"holder.declared", cel.StringType, func(s *subject) any { return joined(s.identity().Roles) }},                 // roles of its declaration
	{"holder.missing", textList, func(s *subject) any { return s.closure().Missing }},                               // roles that nobody knows
	{"holder.any_database", textList, func(s *subject) any { return s.anyDatabase().roles }},                        // undeclared roles on every database, or as strong, that atlasAdmin does not bring
	{"holder.any_path", textList, func(s *subject) any { return s.anyDatabase().path }},                             // to the first
	{"holder.any_custom", textList, func(s *subject) any { return s.anyDatabase().custom }},                         // custom roles on the ways to them
	{"holder.excess", textList, func(s *subject) any { return s.excessRoles() }},                                    // roles that its declaration does not list
	{"holder.declares_scopes", cel.BoolType, func(s *subject) any { return s.identity().Scopes != nil }},            // its identity does
	{"holder.excess_scopes", textList, func(s *subject) any { return s.excessScopes() }},                            // scopes that its declaration does not list
	{"holder.contained", textList, func(s *subject) any { return s.containedRoles() }},                              // roles that are contained in another one of it
	{"holder.data", textList, func(s *subject) any { return s.undeclaredData() }},                                   // undeclared roles by which documents can be reached, but atlasAdmin
	{"holder.data_custom", textList, func(s *subject) any { return s.customRoles() }},                               // custom roles that it reaches
	{"holder.sensitive_here", cel.BoolType, func(s *subject) any { return len(s.w.sensitiveHere()) > 0 }},           // something is declared sensitive in this environment
	{"holder.sensitive", textList, func(s *subject) any { return s.sensitiveReach() }},                              // what of it the user may not reach and does, and how
	{"holder.declared_by_name", cel.BoolType, func(s *subject) any { return s.declaredByName() }},                   // its identity names it, without a glob, and declares all of its roles
	{"holder.owner", cel.StringType, func(s *subject) any { return s.owner().name }},                                // as a label of it says, else its identity
	{"holder.owner_gone", cel.BoolType, func(s *subject) any { return s.owner().state == ownerGone }},               // nobody who answers for it is in the org
	{"holder.owner_unclear", cel.BoolType, func(s *subject) any { return s.owner().state == ownerUnclear }},         // no person is known by this name
	{"holder.owner_unreadable", cel.BoolType, func(s *subject) any { return s.owner().state == ownerUnread }},       // the member could not be decoded
	{"scoped.dangling", textList, func(s *subject) any { return s.dangling().scopes }},                              // scopes without a target
	{"scoped.since", cel.TimestampType, func(s *subject) any { return s.dangling().since }},                         // at the latest they have none since then
	{"scoped.exact", cel.BoolType, func(s *subject) any { return s.dangling().exact }},                              // and not longer
	{"scoped.unreadable", cel.BoolType, func(s *subject) any { return s.dangling().unreadable }},                    // a target could not be decoded, not even its name
	{"scoped.last", cel.BoolType, func(s *subject) any { return len(s.dangling().scopes) == len(s.user().Scopes) }}, // the user has no other scopes
}

// ofLifetime tell how old a database user and its password are.
var ofLifetime = []variable{
	{"lifetime.dated", cel.BoolType, func(s *subject) any { return s.dated() }},     // it carries an end that can be read
	{"lifetime.endless", cel.BoolType, func(s *subject) any { return s.endless() }}, // it carries none, or one farther than params.farthest
	{"lifetime.created", cel.TimestampType, func(s *subject) any { return s.created() }},
	{"lifetime.has_created", cel.BoolType, func(s *subject) any { return !s.created().IsZero() }},
	{"lifetime.over_age", cel.BoolType, func(s *subject) any { return s.overAge() }}, // older than its identity may be, as far as is known
	{"lifetime.max_age", cel.DurationType, func(s *subject) any { return s.identity().MaxAge }},
	{"lifetime.known_since", cel.TimestampType, func(s *subject) any { return s.res.FirstSeen }}, // seen here for the first time
	{"lifetime.came", cel.BoolType, func(s *subject) any { return !s.res.Baseline }},             // it was not there at first sight
	{"password.renewed", cel.TimestampType, func(s *subject) any { return s.renewed() }},         // created or rotated, the last that is known
	{"password.has_renewed", cel.BoolType, func(s *subject) any { return !s.renewed().IsZero() }},
	{"password.quiet_since", cel.TimestampType, func(s *subject) any { return latest(s.renewed(), s.feedSince(), s.res.FirstSeen) }}, // no new one can have been missed since
	{"password.watched", cel.TimestampType, func(s *subject) any { return s.feedSince() }},                                           // since when no rotation can have been missed
	{"password.is_watched", cel.BoolType, func(s *subject) any { return !s.feedSince().IsZero() }},
}

// ofLogins tell where and when a database user signed in.
var ofLogins = []variable{
	{"logins.hidden", cel.StringType, func(s *subject) any { return s.loginsHidden() }},            // why no access history tells of it; empty: one does
	{"logins.elsewhere", textList, func(s *subject) any { return s.loginsElsewhere() }},            // targets that it reaches and that have no access history
	{"logins.unreadable", cel.BoolType, func(s *subject) any { return s.loginsOdd() }},             // the history of a cluster could not be decoded
	{"logins.last", cel.TimestampType, func(s *subject) any { return s.lastLogin() }},              // by the day
	{"logins.has_last", cel.BoolType, func(s *subject) any { return !s.lastLogin().IsZero() }},     // one was seen
	{"logins.recent", cel.BoolType, func(s *subject) any { return s.usedLately() }},                // within params.idle_days, or it is not there for longer
	{"logins.quiet_since", cel.TimestampType, func(s *subject) any { return s.quietSince() }},      // no login can have been missed since
	{"logins.watched", cel.TimestampType, func(s *subject) any { return s.loginsSince() }},         // since when none can have been missed
	{"logins.is_watched", cel.BoolType, func(s *subject) any { return !s.loginsSince().IsZero() }}, // there is such a time
	{"logins.declared_networks", cel.BoolType, func(s *subject) any { return s.w.hasNetworks() }},  // of the environment, with a purpose
	{"logins.workloads", textList, func(s *subject) any { return s.workloads() }},                  // purposes of the networks that it came from, if no single one explains all; params.neutral say nothing
	{"logins.addresses", cel.IntType, func(s *subject) any { return len(s.addresses()) }},          // it came from so many in the history's week
}

// ofVisitor tell of an identity in a cluster's access history.
var ofVisitor = []variable{
	{"visitor.class", cel.StringType, func(s *subject) any { return s.identity().Class }},
	{"visitor.name", cel.StringType, func(s *subject) any { return s.visitorName() }},               // admin/app
	{"visitor.present", cel.BoolType, func(s *subject) any { return s.visitorPresent() }},           // such a database user is there
	{"visitor.came", cel.BoolType, func(s *subject) any { return !s.history().LastLogin.IsZero() }}, // and did not only try
	{"visitor.day", cel.StringType, func(s *subject) any { return s.history().LastLogin.UTC().Format("2006-01-02") }},
}

// ofRole tell of a custom role.
var ofRole = []variable{
	{"custom.dangerous", textList, func(s *subject) any { return s.dangerousActions() }},     // of params.actions, those that it grants, and where
	{"custom.inherits", textList, func(s *subject) any { return s.inherited().roles }},       // atlasAdmin and any-database roles, at any depth
	{"custom.path", textList, func(s *subject) any { return s.inherited().path }},            // to the first of them
	{"custom.missing", textList, func(s *subject) any { return s.inherited().missing }},      // roles that nobody knows
	{"custom.everywhere", textList, func(s *subject) any { return s.everywhere() }},          // actions on every database, or on the cluster
	{"custom.referred", cel.BoolType, func(s *subject) any { return s.referred() }},          // by a user or another role
	{"custom.referrers_odd", cel.BoolType, func(s *subject) any { return s.referrersOdd() }}, // a user or role could not be decoded: it may refer to it
}

// ofCertificates tell of the certificates of a project or user.
var ofCertificates = []variable{
	{"certificates.ending", textList, func(s *subject) any { return s.ending() }},                    // those that end within params.warn_days, and have no successor
	{"certificates.first_end", cel.TimestampType, func(s *subject) any { return s.firstEnd() }},      // of them
	{"certificates.over", cel.BoolType, func(s *subject) any { return !s.now.Before(s.firstEnd()) }}, // it is past
	{"certificates.whose", cel.StringType, func(s *subject) any { return s.whose() }},
}

// ofLDAP tell how a project's LDAP is reached.
var ofLDAP = []variable{
	{"directory.doubt", cel.StringType, func(s *subject) any { return s.directory().doubt }},     // what is wrong with the way to it; empty: nothing
	{"directory.certain", cel.StringType, func(s *subject) any { return s.directory().certain }}, // how certain that is
}

// ofAuthChange tell of a change to how database users sign in.
var ofAuthChange = []variable{
	{"signin.settings", cel.BoolType, func(s *subject) any { return s.signinSettings() }}, // the change is of the project's settings
	{"signin.what", cel.StringType, func(s *subject) any { return s.signinWhat() }},
}

// ofSharedUser tell of a name that database users of several projects have.
var ofSharedUser = []variable{
	{"sharing.names", textList, func(s *subject) any { return s.w.sharedNames() }},               // with a password in more than one project
	{"sharing.environments", textList, func(s *subject) any { return s.sharedEnvironments() }},   // in which the name is
	{"sharing.projects", textList, func(s *subject) any { return s.sharedProjects() }},           // with their environment
	{"sharing.production", cel.BoolType, func(s *subject) any { return s.sharedInProduction() }}, // one of them is production
}
