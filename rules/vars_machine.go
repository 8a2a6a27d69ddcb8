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
			{"machine.label", cel.StringType, func(s *subject) any { return s.machineLabel() }}, // what it is, its name and title, for a message
			{"machine.class", cel.StringType, func(s *subject) any { return s.identity().Class }},
			{"machine.managed", cel.BoolType, func(s *subject) any { return s.identity().Class == access.ClassAtlasManaged }},
			{"machine.own", cel.BoolType, func(s *subject) any { return s.machineOwn() }}, // one of Gatewarden's own credentials
		}},
		{slices.Concat(orgMachines, machineSecrets), forChange, []variable{
			{"machine.first_secret", cel.BoolType, func(s *subject) any { return s.firstSecret() }}, // a secret that came with its account
			{"machine.maker", cel.StringType, func(s *subject) any { return makerText(s.maker()) }},
			{"machine.maker_known", cel.BoolType, func(s *subject) any { return s.maker().Type != access.ActorUnknown }},
			{"machine.maker_allowed", cel.BoolType, func(s *subject) any { return s.makerAllowed() }}, // by the parameter "allowed"
		}},
		{orgMachines, forEach, []variable{
			{"machine.keyed", cel.StringType, func(s *subject) any { return machineList(s.keyedRoles()) }}, // the names of the roles that it lists itself
			{"machine.org_roles", cel.StringType, func(s *subject) any { return machineList(s.machine().org) }},
			{"machine.org_owner", cel.BoolType, func(s *subject) any { return s.ownsOrg() }},                                 // owner of the org, and not declared so
			{"machine.owned", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.ownedProjects())) }}, // projects of which it is an owner, and not declared so
			{"machine.owned_in_production", cel.BoolType, func(s *subject) any { return anyInProduction(s.ownedProjects()) }},
			{"machine.owner_unclear", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.ownerUnclear())) }},
			{"machine.untold_projects", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.machine().untold())) }}, // that it has roles on, and that have told nothing
			{"machine.roles", cel.StringType, func(s *subject) any { return machineList(s.machineRoles()) }},                              // all of them, with the place of each
			{"machine.production_projects", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.machine().in(true))) }},
			{"machine.other_projects", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.machine().in(false))) }},
			{"machine.to_data", cel.StringType, func(s *subject) any { return machineList(projectTitles(s.toData().projects)) }}, // projects in which it can give itself the data
			{"machine.to_all_data", cel.BoolType, func(s *subject) any { return s.toData().everywhere }},                         // by its roles on the org: in every project
			{"machine.to_data_by", cel.StringType, func(s *subject) any { return machineList(s.toData().roles) }},
			{"machine.to_data_in_production", cel.BoolType, func(s *subject) any { return s.toData().everywhere || anyInProduction(s.toData().projects) }},
		}},
		{orgMachines, forEach, []variable{
			{"machine.has_list", cel.BoolType, func(s *subject) any { return len(s.sources().list) > 0 }},
			{"machine.access_list", cel.StringType, func(s *subject) any { return machineList(s.sources().list) }},
			{"machine.sources_odd", cel.BoolType, func(s *subject) any { return s.sources().odd }}, // an entry of it could not be decoded
			{"machine.from_anywhere", cel.BoolType, func(s *subject) any { return s.sources().world }},
			{"machine.trusted_declared", cel.BoolType, func(s *subject) any { return len(s.trusted()) > 0 }},
			{"machine.untrusted", cel.StringType, func(s *subject) any { return machineList(s.untrusted()) }},     // entries outside of the declared networks of pipelines
			{"machine.overlapping", cel.StringType, func(s *subject) any { return machineList(s.overlapping()) }}, // entries that let into clusters as well
		}},
		{orgMachines, forEach, []variable{
			{"machine.used", cel.TimestampType, func(s *subject) any { return s.use().last }}, // when it was last used, or given to be used
			{"machine.has_used", cel.BoolType, func(s *subject) any { return !s.use().last.IsZero() }},
			{"machine.ever_used", cel.BoolType, func(s *subject) any { return s.use().ever }},
			{"machine.use_unknown", cel.StringType, func(s *subject) any { return s.use().unknown }},
			{"machine.without_secret", cel.BoolType, func(s *subject) any { return s.withoutSecret() }},
			{"machine.made", cel.TimestampType, func(s *subject) any { return s.made().at }}, // when its newest secret was made; at the latest, where that is not known
			{"machine.has_made", cel.BoolType, func(s *subject) any { return !s.made().at.IsZero() }},
			{"machine.made_known", cel.BoolType, func(s *subject) any { return s.made().exact }},
		}},
		{slices.Concat(orgMachines, projectMachines), forEach, []variable{
			{"machine.where", cel.StringType, func(s *subject) any { return s.machineWhere() }},
			{"machine.here", cel.StringType, func(s *subject) any { return machineList(s.rolesHere()) }},        // its roles at the level that is judged
			{"machine.beyond", cel.StringType, func(s *subject) any { return machineList(s.beyondDeclared()) }}, // those that its declaration does not contain
			{"machine.declares_roles", cel.BoolType, func(s *subject) any { return s.identity().AtlasRoles != nil }},
			{"machine.declared_roles", cel.StringType, func(s *subject) any { return machineList(s.identity().AtlasRoles) }},
			{"machine.one_look", cel.BoolType, func(s *subject) any { return s.w.in.Once }},                     // nothing is known of what it did
			{"machine.narrower", cel.BoolType, func(s *subject) any { return s.evidence().narrower }},           // less would be enough for what it was seen doing
			{"machine.enough", cel.StringType, func(s *subject) any { return machineList(s.evidence().roles) }}, // the roles that would be
			{"machine.keepers", cel.StringType, func(s *subject) any { return machineList(s.evidence().keepers) }},
			{"machine.seen", cel.StringType, func(s *subject) any { return machineList(s.evidence().seen) }},
			{"machine.kept", cel.StringType, func(s *subject) any { return machineList(s.evidence().kept) }},
			{"machine.evidence", cel.StringType, func(s *subject) any { return s.evidence().why }},
			{"machine.evidence_unknown", cel.StringType, func(s *subject) any { return s.evidence().unknown }},
		}},
		{machineSecrets, forEach, []variable{
			{"machine.has_end", cel.BoolType, func(s *subject) any { return !s.secret().ExpiresAt.IsZero() }},
			{"machine.dated", cel.BoolType, func(s *subject) any { return !s.secret().ExpiresAt.IsZero() && !s.secret().CreatedAt.IsZero() }},
			{"machine.other_until", cel.TimestampType, func(s *subject) any { return s.otherSecret().ExpiresAt }}, // of another secret of the account, that outlives this one and is valid
			{"machine.has_other", cel.BoolType, func(s *subject) any { return s.otherSecret().ID != "" }},
			{"machine.lives", cel.DurationType, func(s *subject) any { return s.secret().ExpiresAt.Sub(s.secret().CreatedAt) }},
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
