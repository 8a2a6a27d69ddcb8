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
	{"holder.text", cel.StringType, "Who the user is, for messages.", func(s *subject) any { return s.holderText() }},
	{"holder.roles", cel.StringType, "Its roles as one text: role@database, ….", func(s *subject) any { return joined(s.user().Roles) }},
	{"holder.declared", cel.StringType, "The roles that its identity declares, as one text.", func(s *subject) any { return joined(s.identity().Roles) }},
	{"holder.missing", textList, "Roles of the user, or of its roles, that nobody knows.", func(s *subject) any { return s.closure().Missing }},
	{"holder.any_database", textList, "Its undeclared roles on every database, or as strong, that atlasAdmin does not bring.", func(s *subject) any { return s.anyDatabase().roles }},
	{"holder.any_path", textList, "The way to the first of them.", func(s *subject) any { return s.anyDatabase().path }},
	{"holder.any_custom", textList, "The custom roles on the ways to them.", func(s *subject) any { return s.anyDatabase().custom }},
	{"holder.excess", textList, "Its roles that its identity does not declare.", func(s *subject) any { return s.excessRoles() }},
	{"holder.declares_scopes", cel.BoolType, "Its identity declares scopes.", func(s *subject) any { return s.identity().Scopes != nil }},
	{"holder.excess_scopes", textList, "Its scopes that its identity does not declare.", func(s *subject) any { return s.excessScopes() }},
	{"holder.contained", textList, "Its roles that are contained in another one of it.", func(s *subject) any { return s.containedRoles() }},
	{"holder.data", textList, "Its undeclared roles by which documents can be reached, atlasAdmin left aside.", func(s *subject) any { return s.undeclaredData() }},
	{"holder.data_custom", textList, "The custom roles that it reaches.", func(s *subject) any { return s.customRoles() }},
	{"holder.sensitive_here", cel.BoolType, "Something is declared sensitive in this environment.", func(s *subject) any { return len(s.w.sensitiveHere()) > 0 }},
	{"holder.sensitive", textList, "What of it the user may not reach and does, and how.", func(s *subject) any { return s.sensitiveReach() }},
	{"holder.declared_by_name", cel.BoolType, "Its identity names it, without a glob, and declares all of its roles.", func(s *subject) any { return s.declaredByName() }},
	{"holder.owner", cel.StringType, "Who answers for it, as a label of it says, else its identity.", func(s *subject) any { return s.owner().name }},
	{"holder.owner_gone", cel.BoolType, "Nobody who answers for it is in the org.", func(s *subject) any { return s.owner().state == ownerGone }},
	{"holder.owner_unclear", cel.BoolType, "No person is known by the name of the owner.", func(s *subject) any { return s.owner().state == ownerUnclear }},
	{"holder.owner_unreadable", cel.BoolType, "The member could not be decoded.", func(s *subject) any { return s.owner().state == ownerUnread }},
	{"scoped.dangling", textList, "Its scopes that name no target that is there.", func(s *subject) any { return s.dangling().scopes }},
	{"scoped.since", cel.TimestampType, "Since when at the latest they have none.", func(s *subject) any { return s.dangling().since }},
	{"scoped.exact", cel.BoolType, "And not longer.", func(s *subject) any { return s.dangling().exact }},
	{"scoped.unreadable", cel.BoolType, "A target could not be decoded, not even its name.", func(s *subject) any { return s.dangling().unreadable }},
	{"scoped.last", cel.BoolType, "The user has no other scopes.", func(s *subject) any { return len(s.dangling().scopes) == len(s.user().Scopes) }},
}

// ofLifetime tell how old a database user and its password are.
var ofLifetime = []variable{
	{"lifetime.dated", cel.BoolType, "The user carries an end that can be read.", func(s *subject) any { return s.dated() }},
	{"lifetime.endless", cel.BoolType, "It carries none, or one farther than `params.farthest`.", func(s *subject) any { return s.endless() }},
	{"lifetime.created", cel.TimestampType, "When it was made; ask lifetime.has_created first.", func(s *subject) any { return s.created() }},
	{"lifetime.has_created", cel.BoolType, "It is known when it was made.", func(s *subject) any { return !s.created().IsZero() }},
	{"lifetime.over_age", cel.BoolType, "It is older than its identity may be, as far as is known.", func(s *subject) any { return s.overAge() }},
	{"lifetime.max_age", cel.DurationType, "How old its identity may be.", func(s *subject) any { return s.identity().MaxAge }},
	{"lifetime.known_since", cel.TimestampType, "When it was seen for the first time.", func(s *subject) any { return s.res.FirstSeen }},
	{"lifetime.came", cel.BoolType, "It was not there at first sight, and came while it was watched.", func(s *subject) any { return !s.res.Baseline }},
	{"password.renewed", cel.TimestampType, "When the password was last made or rotated, as far as is known; ask password.has_renewed first.", func(s *subject) any { return s.renewed() }},
	{"password.has_renewed", cel.BoolType, "Such a time is known.", func(s *subject) any { return !s.renewed().IsZero() }},
	{"password.quiet_since", cel.TimestampType, "Since when no new password can have been missed.", func(s *subject) any { return latest(s.renewed(), s.feedSince(), s.res.FirstSeen) }},
	{"password.watched", cel.TimestampType, "Since when no rotation can have been missed in the events; ask password.is_watched first.", func(s *subject) any { return s.feedSince() }},
	{"password.is_watched", cel.BoolType, "There is such a time.", func(s *subject) any { return !s.feedSince().IsZero() }},
}

// ofLogins tell where and when a database user signed in.
var ofLogins = []variable{
	{"logins.hidden", cel.StringType, "Why no access history tells of the user; empty: one does.", func(s *subject) any { return s.loginsHidden() }},
	{"logins.elsewhere", textList, "Targets that it reaches and that have no access history.", func(s *subject) any { return s.loginsElsewhere() }},
	{"logins.unreadable", cel.BoolType, "The history of a cluster could not be decoded.", func(s *subject) any { return s.loginsOdd() }},
	{"logins.last", cel.TimestampType, "The day of its last login that was seen; ask logins.has_last first.", func(s *subject) any { return s.lastLogin() }},
	{"logins.has_last", cel.BoolType, "A login was seen.", func(s *subject) any { return !s.lastLogin().IsZero() }},
	{"logins.recent", cel.BoolType, "It signed in within `params.idle_days`, or is not there for longer.", func(s *subject) any { return s.usedLately() }},
	{"logins.quiet_since", cel.TimestampType, "Since when no login can have been missed.", func(s *subject) any { return s.quietSince() }},
	{"logins.watched", cel.TimestampType, "Since when no login can have been missed in the history; ask logins.is_watched first.", func(s *subject) any { return s.loginsSince() }},
	{"logins.is_watched", cel.BoolType, "There is such a time.", func(s *subject) any { return !s.loginsSince().IsZero() }},
	{"logins.declared_networks", cel.BoolType, "Networks with a purpose are declared for the environment.", func(s *subject) any { return s.w.hasNetworks() }},
	{"logins.workloads", textList, "The purposes of the networks that it came from if no single one explains all; `params.neutral` say nothing.", func(s *subject) any { return s.workloads() }},
	{"logins.addresses", cel.IntType, "From how many addresses it came in the week of the history.", func(s *subject) any { return len(s.addresses()) }},
}

// ofVisitor tell of an identity in a cluster's access history.
var ofVisitor = []variable{
	{"visitor.class", cel.StringType, "The class of the declared identity that the visitor has; empty if none matches.", func(s *subject) any { return s.identity().Class }},
	{"visitor.name", cel.StringType, "The database user, as admin/app.", func(s *subject) any { return s.visitorName() }},
	{"visitor.present", cel.BoolType, "Such a database user is there.", func(s *subject) any { return s.visitorPresent() }},
	{"visitor.came", cel.BoolType, "It signed in, and did not only try.", func(s *subject) any { return !s.history().LastLogin.IsZero() }},
	{"visitor.day", cel.StringType, "The day of its last login in UTC, as 2006-01-02.", func(s *subject) any { return s.history().LastLogin.UTC().Format("2006-01-02") }},
}

// ofRole tell of a custom role.
var ofRole = []variable{
	{"custom.dangerous", textList, "Of `params.actions`, those that the role grants, and where.", func(s *subject) any { return s.dangerousActions() }},
	{"custom.inherits", textList, "The roles on every database, and atlasAdmin, that it inherits at any depth.", func(s *subject) any { return s.inherited().roles }},
	{"custom.path", textList, "The way to the first of them.", func(s *subject) any { return s.inherited().path }},
	{"custom.missing", textList, "Roles that it inherits and that nobody knows.", func(s *subject) any { return s.inherited().missing }},
	{"custom.everywhere", textList, "Its actions on every database, or on the cluster.", func(s *subject) any { return s.everywhere() }},
	{"custom.referred", cel.BoolType, "A user or another role refers to it.", func(s *subject) any { return s.referred() }},
	{"custom.referrers_odd", cel.BoolType, "A user or role could not be decoded, and may refer to it.", func(s *subject) any { return s.referrersOdd() }},
}

// ofCertificates tell of the certificates of a project or user.
var ofCertificates = []variable{
	{"certificates.ending", textList, "The certificates that end within `params.warn_days` and have no successor.", func(s *subject) any { return s.ending() }},
	{"certificates.first_end", cel.TimestampType, "When the first of them ends.", func(s *subject) any { return s.firstEnd() }},
	{"certificates.over", cel.BoolType, "This is past.", func(s *subject) any { return !s.now.Before(s.firstEnd()) }},
	{"certificates.whose", cel.StringType, "Whose certificates they are, for a message.", func(s *subject) any { return s.whose() }},
}

// ofLDAP tell how a project's LDAP is reached.
var ofLDAP = []variable{
	{"directory.doubt", cel.StringType, "What is wrong with the way to the LDAP server; empty: nothing.", func(s *subject) any { return s.directory().doubt }},
	{"directory.certain", cel.StringType, "How certain that is.", func(s *subject) any { return s.directory().certain }},
}

// ofAuthChange tell of a change to how database users sign in.
var ofAuthChange = []variable{
	{"signin.settings", cel.BoolType, "The change is of the settings of the project, and not of the certificates of a user.", func(s *subject) any { return s.signinSettings() }},
	{"signin.what", cel.StringType, "What was changed, for a message.", func(s *subject) any { return s.signinWhat() }},
}

// ofSharedUser tell of a name that database users of several projects have.
var ofSharedUser = []variable{
	{"sharing.names", textList, "The names that database users with a password have in more than one project.", func(s *subject) any { return s.w.sharedNames() }},
	{"sharing.environments", textList, "The environments in which the name is.", func(s *subject) any { return s.sharedEnvironments() }},
	{"sharing.projects", textList, "The projects in which it is, with their environment.", func(s *subject) any { return s.sharedProjects() }},
	{"sharing.production", cel.BoolType, "One of them counts as production.", func(s *subject) any { return s.sharedInProduction() }},
}
