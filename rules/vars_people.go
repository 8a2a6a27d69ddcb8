package rules

import (
	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

var texts = cel.ListType(cel.StringType)

// ofPeople are there for every rule on people, teams, invitations and federation.
var ofPeople = []variable{
	{"people.place", cel.StringType, "The project by name, or \"the organization\".", func(s *subject) any { return s.place() }},
	{"people.in_org", cel.BoolType, "The org is judged, and not a project.", func(s *subject) any { return s.w.in.Scope.IsOrg() }},
	{"people.who", cel.StringType, "The person, team, group or invitation that it is about, for people.", func(s *subject) any { return s.holderName() }},
	{"people.roles", texts, "The roles that it holds here, sorted.", func(s *subject) any { return s.holds().sorted() }},
	{"people.subject", cel.StringType, "The same as people.who, as the beginning of a sentence.", func(s *subject) any { return s.holderSubject() }},
	{"people.listed", cel.StringType, "The same as people.roles, as a part of a sentence.", func(s *subject) any { return rolesText(s.holds().sorted()) }},
	{"people.invited", cel.BoolType, "It was invited and has not joined yet.", func(s *subject) any { return s.isInvited() }},
	{"people.mapped", cel.BoolType, "The role mappings of the identity provider are read.", func(s *subject) any { return s.readsMappings() }},
}

// ofAccount tell of the account of a person, a member or invited.
var ofAccount = []variable{
	{"people.domain", cel.StringType, "The domain of the e-mail address, after the last @ and in lower case.", func(s *subject) any { return domainOf(s.username()) }},
	{"people.domains", texts, "The domains that `allowed_domains` of the configuration lists.", func(s *subject) any { return s.w.Domains }},
	{"people.internal", cel.BoolType, "The address is of one of these domains.", func(s *subject) any { return s.w.internal(s.username()) }},
	{"people.reaches", texts, "The ids of the projects on which it has roles of its own.", func(s *subject) any { return s.directProjects() }},
	{"people.shared_as", cel.StringType, "The pattern of `params.names` that the name is like; empty: none.", func(s *subject) any { return s.sharedAs() }},
	{"people.last_seen", cel.TimestampType, "The last login, or when the account came if there was none; ask people.has_last_seen first.", func(s *subject) any { return s.lastSeen() }},
	{"people.has_last_seen", cel.BoolType, "Either of these is known.", func(s *subject) any { return !s.lastSeen().IsZero() }},
	{"people.since", cel.TimestampType, "When it was invited; ask people.has_since first.", func(s *subject) any { return s.invitation().CreatedAt }},
	{"people.has_since", cel.BoolType, "It is known when it was invited.", func(s *subject) any { return !s.invitation().CreatedAt.IsZero() }},
}

// ofPerson tell what is wrong with what a person or team holds.
var ofPerson = []variable{
	{"matrix.absent", cel.StringType, "Why the matrix does not judge it; empty: it does.", func(s *subject) any { return s.matrix().absent }},
	{"matrix.doubt", cel.StringType, "Why it cannot be told; empty: it can.", func(s *subject) any { return s.matrix().doubt }},
	{"matrix.named", cel.BoolType, "A row of the matrix is about it.", func(s *subject) any { return s.matrix().named }},
	{"matrix.declared", texts, "The roles that the matrix declares for it here.", func(s *subject) any { return s.matrix().declared }},
	{"matrix.says", cel.StringType, "The same as a part of a sentence.", func(s *subject) any { return s.matrix().says() }},
	{"matrix.excess", texts, "The roles that it holds and that are not declared.", func(s *subject) any { return s.matrix().excess }},
	{"matrix.lacking", texts, "The roles that are declared and that it does not hold.", func(s *subject) any { return s.matrix().lacking }},
	{"matrix.adds", cel.BoolType, "The declared roles would give it access that it does not have.", func(s *subject) any { return s.matrix().adds }},
	{"matrix.data", texts, "Its Data Explorer roles that no row of the matrix grants.", func(s *subject) any { return s.dataAccess().roles }},
	{"matrix.data_doubt", cel.StringType, "Why these cannot be told; empty: they can.", func(s *subject) any { return s.dataAccess().doubt }},
	{"owner.raised", cel.BoolType, "It came to be an owner while it was watched, and still is.", func(s *subject) any { return !s.ownerSince().IsZero() }},
	{"owner.since", cel.TimestampType, "When it came to be an owner; ask owner.raised first.", func(s *subject) any { return s.ownerSince() }},
	{"owner.doubt", cel.StringType, "Why it cannot be told since when it is an owner; empty: it can.", func(s *subject) any { return s.ownerDoubt() }},
	{"owner.declared", cel.BoolType, "The matrix gives the team the owner role.", func(s *subject) any { return s.ownerDeclared() }},
	{"least.floor", cel.BoolType, "It holds nothing for which there is something narrower.", func(s *subject) any { return s.atFloor() }},
	{"least.narrower", cel.BoolType, "Narrower roles would be enough for what it was seen doing.", func(s *subject) any { return s.leastNarrower() }},
	{"least.roles", texts, "The roles that are enough for what it was seen doing.", func(s *subject) any { return orEmpty(s.least().Roles) }},
	{"least.listed", cel.StringType, "The same as a part of a sentence.", func(s *subject) any { return s.leastListed() }},
	{"least.rare", texts, "The roles that keep what is rare or leaves no event.", func(s *subject) any { return s.rareRoles() }},
	{"least.seen", texts, "What it was seen doing.", func(s *subject) any { return s.seenDuties() }},
	{"least.kept", texts, "What was not seen and is kept for being rare or leaving no event.", func(s *subject) any { return s.keptDuties() }},
	{"least.notes", texts, "What else is to be known before roles are taken away.", func(s *subject) any { return orEmpty(s.least().Notes) }},
	{"least.why", cel.StringType, "What the answer rests on, or why there is none.", func(s *subject) any { return s.least().Why }},
	{"least.known", cel.BoolType, "There is evidence enough for an answer.", func(s *subject) any { return s.least().Known }},
	{"toxic.pairs", texts, "The conflicting roles of `params.pairs` that the person holds, with where.", func(s *subject) any { return s.toxic().found }},
	{"toxic.bad", texts, "Parameters that name no pair of roles.", func(s *subject) any { return s.toxic().bad }},
	{"toxic.production", cel.BoolType, "One of these pairs is held in production.", func(s *subject) any { return s.toxic().production }},
}

// ofGrantor tell of what gives roles to people whom Atlas does not list.
var ofGrantor = []variable{
	{"grantor.privileged", texts, "The owner roles that it gives and that `params.declared` does not list.", func(s *subject) any { return s.privileged() }},
}

// ofCrowd tell of all people or teams of a scope together.
var ofCrowd = []variable{
	{"owners.names", texts, "The people who are owners, by a role of their own or by a team.", func(s *subject) any { return s.owners().people }},
	{"owners.mappings", texts, "The groups of the identity provider that are made owners at login.", func(s *subject) any { return s.owners().mappings }},
	{"owners.count", cel.IntType, "How many owners there are; each such group counts as one.", func(s *subject) any { return s.owners().count() }},
	{"owners.odd", cel.IntType, "How many could not be decoded and may be owners.", func(s *subject) any { return s.owners().odd }},
	{"matrix.configured", cel.BoolType, "A matrix of teams is declared.", func(s *subject) any { return len(s.w.Matrix) > 0 }},
	{"matrix.missing", texts, "The declared teams that have no roles here.", func(s *subject) any { return s.missingTeams().names }},
	{"matrix.missing_doubt", cel.StringType, "Why these cannot be told; empty: they can.", func(s *subject) any { return s.missingTeams().doubt }},
	{"matrix.new_project", cel.BoolType, "The project was made within `params.setup`.", func(s *subject) any { return s.beingSetUp() }},
	{"matrix.mapped_data", texts, "The groups with Data Explorer roles here that no row of the matrix grants.", func(s *subject) any { return s.mappedData() }},
	{"people.mappings_odd", cel.IntType, "How many role mappings could not be decoded.", func(s *subject) any { return s.mappingsOdd() }},
}

// ofRaise tell whether a change made somebody stronger.
var ofRaise = []variable{
	{"raise.roles", texts, "The roles that are held now and were not contained in what was held before.", func(s *subject) any { return s.raise().roles }},
	{"raise.doubt", cel.StringType, "Why these cannot be told; empty: they can.", func(s *subject) any { return s.raise().doubt }},
	{"raise.production", cel.BoolType, "What was gained counts as production.", func(s *subject) any { return s.raise().production }},
	{"raise.over", cel.BoolType, "Nothing of it is held any more.", func(s *subject) any { return s.raiseOver() }},
	{"raise.new_project", cel.BoolType, "The project was made within `params.setup`.", func(s *subject) any { return s.beingSetUp() }},
}

// ofProvider tell of a change of an identity provider, or of the connection to one.
var ofProvider = []variable{
	{"people.provider_changed", cel.BoolType, "The change is of an identity provider, or of which one the org uses.", func(s *subject) any { return s.ref.Kind == access.KindIdentityProvider || s.rewired() }},
	{"people.provider_rewired", cel.BoolType, "The change is of which identity provider the org uses.", func(s *subject) any { return s.rewired() }},
	{"people.change_unclear", cel.BoolType, "It is an update of what could not be read before.", func(s *subject) any { return s.unclear() }},
}

// ofOrganization tell how an org is connected to identity providers.
var ofOrganization = []variable{
	{"federation.gap", cel.StringType, "What is missing of a working federation; empty: nothing.", func(s *subject) any { return s.federationGap() }},
	{"federation.odd", cel.BoolType, "The federation settings could not be decoded.", func(s *subject) any { return len(s.w.collection(access.KindFederation).Odd) > 0 }},
}

// peopleFamilies are the variables of the rules on people, teams, invitations and federation.
func peopleFamilies() []family {
	members := []access.Kind{access.KindOrgMember, access.KindProjectMember, access.KindTeamGrant, access.KindTeamMember, access.KindRoleMapping}
	all := append([]access.Kind{access.KindInvitation, access.KindFederation, access.KindIdentityProvider, access.KindOrg}, members...)
	return []family{
		{all, forEach | forWhole | forChange, ofPeople},
		{[]access.Kind{access.KindOrgMember, access.KindInvitation}, forEach, ofAccount},
		{members, forEach, ofPerson},
		{members, forWhole, ofCrowd},
		{append([]access.Kind{access.KindInvitation}, members...), forChange, ofRaise},
		{[]access.Kind{access.KindRoleMapping, access.KindFederation}, forEach, ofGrantor},
		{[]access.Kind{access.KindIdentityProvider, access.KindFederation}, forChange, ofProvider},
		{[]access.Kind{access.KindOrg}, forEach, ofOrganization},
	}
}

// peoplePast are those that rest on what was seen over time.
func peoplePast() []string { return []string{"least.narrower", "least.known", "owner.raised"} }

// peopleMemo is what they derive once from the collections of a world.
type peopleMemo struct {
	titles map[string]string              // of teams, by id
	joined map[string][]access.TeamMember // by team
	grants *grantIndex
}

// peopleFacts is what one rule found out about its subject.
type peopleFacts struct {
	matrix *matrixFacts
	data   *dataFacts
	toxic  *toxicFacts
	least  *reach.Suggestion
	raise  *raiseFacts
	owners *ownerFacts
}

func (s *subject) people() *peopleFacts {
	if s.ppl == nil {
		s.ppl = &peopleFacts{}
	}
	return s.ppl
}

// once keeps what was found out.
func once[T any](at **T, find func() T) T {
	if *at == nil {
		found := find()
		*at = &found
	}
	return **at
}

func orEmpty(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}
