package rules

import (
	"net/netip"
	"slices"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The kinds that are credentials of machines: as the org lists them, and as a project does.
var (
	orgMachines     = []access.Kind{access.KindAPIKey, access.KindServiceAccount}
	projectMachines = []access.Kind{access.KindProjectKey, access.KindProjectServiceAccount}
	machineSecrets  = []access.Kind{access.KindServiceAccountSecret}
)

// machineFamilies are the variables of the rules in builtin/ that this family holds.
func machineFamilies() []family {
	all := slices.Concat(orgMachines, projectMachines, machineSecrets)
	return []family{
		{all, forEach | forChange, []variable{
			{"machine.label", cel.StringType, "What kind of credential it is, with its name and title, for a message.", func(s *subject) any { return s.machineLabel() }},
			{"machine.class", cel.StringType, "The class of the declared identity that the credential has; empty if none matches.", func(s *subject) any { return s.identity().Class }},
			{"machine.managed", cel.BoolType, "Atlas itself manages the credential.", func(s *subject) any { return s.identity().Class == access.ClassAtlasManaged }},
			{"machine.own", cel.BoolType, "It is one of Gatewarden's own credentials.", func(s *subject) any { return s.machineOwn() }},
		}},
		{slices.Concat(orgMachines, machineSecrets), forChange, []variable{
			{"machine.first_secret", cel.BoolType, "The change is of the secret that a new service account comes with.", func(s *subject) any { return s.firstSecret() }},
			{"machine.maker", cel.StringType, "Who made the credential, for people.", func(s *subject) any { return makerText(s.maker()) }},
			{"machine.maker_known", cel.BoolType, "It is known who made it.", func(s *subject) any { return s.maker().Type != access.ActorUnknown }},
			{"machine.maker_allowed", cel.BoolType, "Who made it is one of `params.allowed`.", func(s *subject) any { return s.makerAllowed() }},
		}},
		{orgMachines, forEach, []variable{
			{"machine.keyed", cel.StringType, "The names of the roles that the credential lists itself.", func(s *subject) any { return machineList(s.keyedRoles()) }},
			{"machine.org_roles", cel.StringType, "Its roles on the org.", func(s *subject) any { return machineList(s.machine().org) }},
			{"machine.org_owner", cel.BoolType, "It is an owner of the org, and not declared so.", func(s *subject) any { return s.ownsOrg() }},
			{"machine.owner_by_name", cel.BoolType, "It is declared as an owner only by what it is called.", func(s *subject) any { return s.ownerByName() }},
			{"machine.owned", cel.StringType, "The projects of which it is an owner, and not declared so.", func(s *subject) any { return machineList(projectTitles(s.ownedProjects())) }},
			{"machine.owned_in_production", cel.BoolType, "One of these projects counts as production.", func(s *subject) any { return anyInProduction(s.ownedProjects()) }},
			{"machine.owner_unclear", cel.StringType, "The projects of which it is an owner and that did not tell their environment, so that a declaration may cover it.", func(s *subject) any { return machineList(projectTitles(s.ownerUnclear())) }},
			{"machine.untold_projects", cel.StringType, "The projects on which it has roles and of which nothing was told.", func(s *subject) any { return machineList(projectTitles(s.machine().untold())) }},
			{"machine.roles", cel.StringType, "All of its roles, each with its place.", func(s *subject) any { return machineList(s.machineRoles()) }},
			{"machine.production_projects", cel.StringType, "The production projects on which it has roles.", func(s *subject) any { return machineList(projectTitles(s.machine().in(true))) }},
			{"machine.other_projects", cel.StringType, "The other projects on which it has roles.", func(s *subject) any { return machineList(projectTitles(s.machine().in(false))) }},
			{"machine.to_data", cel.StringType, "The projects in which it can give itself access to the data.", func(s *subject) any { return machineList(projectTitles(s.toData().projects)) }},
			{"machine.to_all_data", cel.BoolType, "It can do so in every project, by its roles on the org.", func(s *subject) any { return s.toData().everywhere }},
			{"machine.to_data_by", cel.StringType, "The roles by which it can.", func(s *subject) any { return machineList(s.toData().roles) }},
			{"machine.to_data_in_production", cel.BoolType, "One of these projects counts as production.", func(s *subject) any { return s.toData().everywhere || anyInProduction(s.toData().projects) }},
		}},
		{orgMachines, forEach, []variable{
			{"machine.has_list", cel.BoolType, "It has an access list.", func(s *subject) any { return len(s.sources().list) > 0 }},
			{"machine.access_list", cel.StringType, "The entries of its access list.", func(s *subject) any { return machineList(s.sources().list) }},
			{"machine.sources_odd", cel.BoolType, "An entry of its access list could not be decoded.", func(s *subject) any { return s.sources().odd }},
			{"machine.from_anywhere", cel.BoolType, "The entries let in all public IPv4 or all public IPv6 addresses together.", func(s *subject) any { return s.sources().world }},
			{"machine.trusted_declared", cel.BoolType, "Networks of pipelines are declared.", func(s *subject) any { return len(s.trusted()) > 0 }},
			{"machine.untrusted", cel.StringType, "The entries that lie outside of these networks.", func(s *subject) any { return machineList(s.untrusted()) }},
			{"machine.overlapping", cel.StringType, "The entries that also let into clusters.", func(s *subject) any { return machineList(s.overlapping()) }},
		}},
		{orgMachines, forEach, []variable{
			{"machine.used", cel.TimestampType, "When it was last used, or last given something to be used by; ask machine.has_used first.", func(s *subject) any { return s.use().last }},
			{"machine.has_used", cel.BoolType, "One of these is known.", func(s *subject) any { return !s.use().last.IsZero() }},
			{"machine.ever_used", cel.BoolType, "It is known to have been used.", func(s *subject) any { return s.use().ever }},
			{"machine.use_unknown", cel.StringType, "Why it cannot be told whether it is used; empty: it can.", func(s *subject) any { return s.use().unknown }},
			{"machine.without_secret", cel.BoolType, "Nobody can sign in as this service account: it has no valid secret.", func(s *subject) any { return s.withoutSecret() }},
			{"machine.made", cel.TimestampType, "When its newest secret was made, or by when at the latest; ask machine.has_made first.", func(s *subject) any { return s.made().at }},
			{"machine.has_made", cel.BoolType, "One of these is known.", func(s *subject) any { return !s.made().at.IsZero() }},
			{"machine.made_known", cel.BoolType, "The date is exact.", func(s *subject) any { return s.made().exact }},
		}},
		{slices.Concat(orgMachines, projectMachines), forEach, []variable{
			{"machine.where", cel.StringType, "Where the roles are that are judged, for a message.", func(s *subject) any { return s.machineWhere() }},
			{"machine.here", cel.StringType, "Its roles at the level that is judged.", func(s *subject) any { return machineList(s.rolesHere()) }},
			{"machine.beyond", cel.StringType, "Those of these roles that its declaration does not contain.", func(s *subject) any { return machineList(s.beyondDeclared()) }},
			{"machine.declares_roles", cel.BoolType, "Its identity declares Atlas roles.", func(s *subject) any { return s.identity().AtlasRoles != nil }},
			{"machine.declared_roles", cel.StringType, "The Atlas roles that its identity declares.", func(s *subject) any { return machineList(s.identity().AtlasRoles) }},
			{"machine.one_look", cel.BoolType, "It is judged by one look, so that nothing is known of what it did.", func(s *subject) any { return s.w.in.Once }},
			{"machine.narrower", cel.BoolType, "Less would be enough for what it was seen doing.", func(s *subject) any { return s.evidence().narrower }},
			{"machine.enough", cel.StringType, "The roles that would be enough.", func(s *subject) any { return machineList(s.evidence().roles) }},
			{"machine.keepers", cel.StringType, "The roles that keep what is rare or leaves no event.", func(s *subject) any { return machineList(s.evidence().keepers) }},
			{"machine.seen", cel.StringType, "What it was seen doing.", func(s *subject) any { return machineList(s.evidence().seen) }},
			{"machine.kept", cel.StringType, "What was not seen and is kept for being rare or leaving no event.", func(s *subject) any { return machineList(s.evidence().kept) }},
			{"machine.evidence", cel.StringType, "What the answer rests on.", func(s *subject) any { return s.evidence().why }},
			{"machine.evidence_unknown", cel.StringType, "Why there is no answer; empty: there is one.", func(s *subject) any { return s.evidence().unknown }},
		}},
		{machineSecrets, forEach, []variable{
			{"machine.has_end", cel.BoolType, "The secret expires.", func(s *subject) any { return !s.secret().ExpiresAt.IsZero() }},
			{"machine.dated", cel.BoolType, "It is known when the secret was made and when it expires.", func(s *subject) any { return !s.secret().ExpiresAt.IsZero() && !s.secret().CreatedAt.IsZero() }},
			{"machine.other_until", cel.TimestampType, "When another valid secret of the account expires that outlives this one; ask machine.has_other first.", func(s *subject) any { return s.otherSecret().ExpiresAt }},
			{"machine.has_other", cel.BoolType, "There is such a secret.", func(s *subject) any { return s.otherSecret().ID != "" }},
			{"machine.lives", cel.DurationType, "For how long the secret is valid in all; ask machine.dated first.", func(s *subject) any { return s.secret().ExpiresAt.Sub(s.secret().CreatedAt) }},
		}},
	}
}

// machineMemo is what they derive once from the collections of a world.
type machineMemo struct {
	facts    map[*access.Resource]*machineFacts
	evidence map[*access.Resource]*machineEvidence
	sources  map[*access.Resource]*machineSources
	projects map[string]*access.Contribution          // by id
	lets     map[string][]netip.Prefix                // networks that let into a project's clusters, by its id
	accounts map[string][]machineProject              // roles on projects, by client id
	entries  map[string][]access.APIAccessEntry       // by identity
	secrets  map[string][]access.ServiceAccountSecret // by client id
}

// machineNames are the names by which configuration may know a machine credential; nil: the
// subject is none.
func (s *subject) machineNames() []string {
	switch m := s.res.Box.State.(type) {
	case access.APIKey:
		return []string{m.PublicKey, m.Description}
	case access.ServiceAccount:
		return []string{m.ClientID, m.Title}
	case access.ProjectKey:
		return []string{m.PublicKey, m.Description}
	case access.ProjectServiceAccount:
		return []string{m.ClientID, m.Title}
	case access.ServiceAccountSecret:
		return []string{m.ClientID, s.accountTitle(m.ClientID)}
	}
	return nil
}
