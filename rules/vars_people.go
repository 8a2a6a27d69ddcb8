package rules

import (
	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

var texts = cel.ListType(cel.StringType)

// ofPeople are there for every rule on people, teams, invitations and federation.
var ofPeople = []variable{
	{"people.place", cel.StringType, func(s *subject) any { return s.place() }}, // the project by name, or "the organization"
	{"people.in_org", cel.BoolType, func(s *subject) any { return s.w.in.Scope.IsOrg() }},
	{"people.who", cel.StringType, func(s *subject) any { return s.holderName() }},        // who or what it is about, for people
	{"people.roles", texts, func(s *subject) any { return s.holds().sorted() }},           // what it holds here
	{"people.subject", cel.StringType, func(s *subject) any { return s.holderSubject() }}, // the same as the first word of a sentence
	{"people.listed", cel.StringType, func(s *subject) any { return rolesText(s.holds().sorted()) }},
	{"people.invited", cel.BoolType, func(s *subject) any { return s.isInvited() }},    // invited, and not joined yet
	{"people.mapped", cel.BoolType, func(s *subject) any { return s.readsMappings() }}, // role mappings are read
}

// ofAccount tell of the account of a person, a member or invited.
var ofAccount = []variable{
	{"people.domain", cel.StringType, func(s *subject) any { return domainOf(s.username()) }}, // after the last @, in lower case
	{"people.domains", texts, func(s *subject) any { return s.w.Domains }},                    // that are allowed
	{"people.internal", cel.BoolType, func(s *subject) any { return s.w.internal(s.username()) }},
	{"people.reaches", texts, func(s *subject) any { return s.directProjects() }},         // ids of projects with roles of its own
	{"people.shared_as", cel.StringType, func(s *subject) any { return s.sharedAs() }},    // the pattern of params.names that its name is like
	{"people.last_seen", cel.TimestampType, func(s *subject) any { return s.lastSeen() }}, // the last login; of who never logged in, when the account came
	{"people.has_last_seen", cel.BoolType, func(s *subject) any { return !s.lastSeen().IsZero() }},
	{"people.since", cel.TimestampType, func(s *subject) any { return s.invitation().CreatedAt }}, // when it was invited
	{"people.has_since", cel.BoolType, func(s *subject) any { return !s.invitation().CreatedAt.IsZero() }},
}

// ofPerson tell what is wrong with what a person or team holds.
var ofPerson = []variable{
	{"matrix.absent", cel.StringType, func(s *subject) any { return s.matrix().absent }}, // why the matrix does not judge it
	{"matrix.doubt", cel.StringType, func(s *subject) any { return s.matrix().doubt }},   // why it cannot be told
	{"matrix.named", cel.BoolType, func(s *subject) any { return s.matrix().named }},     // a row is about it
	{"matrix.declared", texts, func(s *subject) any { return s.matrix().declared }},      // what is declared for it here
	{"matrix.says", cel.StringType, func(s *subject) any { return s.matrix().says() }},
	{"matrix.excess", texts, func(s *subject) any { return s.matrix().excess }},    // held and not declared
	{"matrix.lacking", texts, func(s *subject) any { return s.matrix().lacking }},  // declared and not held
	{"matrix.adds", cel.BoolType, func(s *subject) any { return s.matrix().adds }}, // the declared roles would give it access that it does not have
	{"matrix.data", texts, func(s *subject) any { return s.dataAccess().roles }},   // Data Explorer roles that no row grants
	{"matrix.data_doubt", cel.StringType, func(s *subject) any { return s.dataAccess().doubt }},
	{"owner.raised", cel.BoolType, func(s *subject) any { return !s.ownerSince().IsZero() }}, // it came to be an owner while it was watched, and is one
	{"owner.since", cel.TimestampType, func(s *subject) any { return s.ownerSince() }},
	{"owner.doubt", cel.StringType, func(s *subject) any { return s.ownerDoubt() }},
	{"owner.declared", cel.BoolType, func(s *subject) any { return s.ownerDeclared() }}, // the matrix gives the team this
	{"least.floor", cel.BoolType, func(s *subject) any { return s.atFloor() }},          // there is nothing narrower
	{"least.narrower", cel.BoolType, func(s *subject) any { return s.leastNarrower() }},
	{"least.roles", texts, func(s *subject) any { return orEmpty(s.least().Roles) }}, // that are enough for what it was seen doing
	{"least.listed", cel.StringType, func(s *subject) any { return s.leastListed() }},
	{"least.rare", texts, func(s *subject) any { return s.rareRoles() }}, // that keep what is rare or leaves no event
	{"least.seen", texts, func(s *subject) any { return s.seenDuties() }},
	{"least.kept", texts, func(s *subject) any { return s.keptDuties() }},
	{"least.notes", texts, func(s *subject) any { return orEmpty(s.least().Notes) }},
	{"least.why", cel.StringType, func(s *subject) any { return s.least().Why }}, // what it rests on, or why there is no answer
	{"least.known", cel.BoolType, func(s *subject) any { return s.least().Known }},
	{"toxic.pairs", texts, func(s *subject) any { return s.toxic().found }}, // conflicting roles that the person holds, with where
	{"toxic.bad", texts, func(s *subject) any { return s.toxic().bad }},     // parameters that name no pair
	{"toxic.production", cel.BoolType, func(s *subject) any { return s.toxic().production }},
}

// ofGrantor tell of what gives roles to people whom Atlas does not list.
var ofGrantor = []variable{
	{"grantor.privileged", texts, func(s *subject) any { return s.privileged() }}, // owner roles that it gives and that are not declared
}

// ofCrowd tell of all people or teams of a scope together.
var ofCrowd = []variable{
	{"owners.names", texts, func(s *subject) any { return s.owners().people }},      // by role of their own or by team
	{"owners.mappings", texts, func(s *subject) any { return s.owners().mappings }}, // groups of the identity provider that are made owners at login
	{"owners.count", cel.IntType, func(s *subject) any { return s.owners().count() }},
	{"owners.odd", cel.IntType, func(s *subject) any { return s.owners().odd }}, // that could not be decoded and may be owners
	{"matrix.configured", cel.BoolType, func(s *subject) any { return len(s.w.Matrix) > 0 }},
	{"matrix.missing", texts, func(s *subject) any { return s.missingTeams().names }}, // declared teams that have no roles here
	{"matrix.missing_doubt", cel.StringType, func(s *subject) any { return s.missingTeams().doubt }},
	{"matrix.new_project", cel.BoolType, func(s *subject) any { return s.beingSetUp() }},  // within params.setup of the making of the project
	{"matrix.mapped_data", texts, func(s *subject) any { return s.mappedData() }},         // groups with Data Explorer roles here that no row grants
	{"people.mappings_odd", cel.IntType, func(s *subject) any { return s.mappingsOdd() }}, // mappings that could not be decoded
}

// ofRaise tell whether a change made somebody stronger.
var ofRaise = []variable{
	{"raise.roles", texts, func(s *subject) any { return s.raise().roles }}, // what is held now and was not contained in what was held before
	{"raise.doubt", cel.StringType, func(s *subject) any { return s.raise().doubt }},
	{"raise.production", cel.BoolType, func(s *subject) any { return s.raise().production }},
	{"raise.over", cel.BoolType, func(s *subject) any { return s.raiseOver() }},         // nothing of it is held any more
	{"raise.new_project", cel.BoolType, func(s *subject) any { return s.beingSetUp() }}, // within params.setup of the making of the project
}

// ofProvider tell of a change of an identity provider, or of the connection to one.
var ofProvider = []variable{
	{"people.provider_changed", cel.BoolType, func(s *subject) any { return s.ref.Kind == access.KindIdentityProvider || s.rewired() }},
	{"people.provider_rewired", cel.BoolType, func(s *subject) any { return s.rewired() }},
	{"people.change_unclear", cel.BoolType, func(s *subject) any { return s.unclear() }}, // an update of what could not be read before
}

// ofOrganization tell how an org is connected to identity providers.
var ofOrganization = []variable{
	{"federation.gap", cel.StringType, func(s *subject) any { return s.federationGap() }}, // what is missing; empty: nothing
	{"federation.odd", cel.BoolType, func(s *subject) any { return len(s.w.collection(access.KindFederation).Odd) > 0 }},
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
		{members, forChange, ofRaise},
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
