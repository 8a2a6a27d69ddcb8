package rules

import (
	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// networkFamilies are the variables of the rules in builtin/ that this family holds.
func networkFamilies() []family {
	entry, project := access.KindIPAccessEntry, access.KindProject
	return []family{
		{[]access.Kind{entry}, forEach, ofNetwork()},
		{[]access.Kind{entry}, forWhole, ofList()},
		{[]access.Kind{project}, forEach, ofPrivatePaths()},
		{[]access.Kind{access.KindPrivateEndpoint, access.KindPeering}, forEach, ofPath()},
		{[]access.Kind{entry, project}, forEach, []variable{
			{"net.dedicated", cel.ListType(cel.StringType), "The clusters that are neither free nor flex.", func(s *subject) any { return s.w.netDedicated() }},
		}},
	}
}

// networkPast are those of them that rest on what was seen over time.
func networkPast() []string {
	return []string{"net.quiet_for", "net.unused_for", "net.has_login", "net.last_login"}
}

// networkMemo is what they derive once from the collections of a world.
type networkMemo struct {
	sound            map[entryAt]bool // entries that are permanent and in no violation
	logins           []netLogin
	dedicated, blind []string
}

// ofNetwork tell of an entry and what is declared, seen and written about it.
func ofNetwork() []variable {
	texts := cel.ListType(cel.StringType)
	return []variable{
		{"net.has_address", cel.BoolType, "The entry is a range of addresses, and no AWS security group.", func(s *subject) any { return s.network().IsValid() }},
		{"net.public", cel.BoolType, "Some address of the entry is on the internet.", func(s *subject) any { return s.w.public(s.entryName()) }},
		{"net.ipv4", cel.BoolType, "The entry is one of IPv4.", func(s *subject) any { return s.network().Addr().Is4() }},
		{"net.prefix_length", cel.IntType, "The length of the prefix: 32 for one IPv4 address.", func(s *subject) any { return s.network().Bits() }},
		{"net.declares", cel.BoolType, "Networks are declared for the environment.", func(s *subject) any { return !s.w.policy.declared[s.w.in.Environment].IsEmpty() }},
		{"net.allowed", cel.BoolType, "The entry lies inside them, or inside those that may stand anywhere.", func(s *subject) any { return s.allowed() }},
		{"net.declares_developers", cel.BoolType, "Ranges of developers are declared.", func(s *subject) any { return len(s.w.ranges.developer) > 0 }},
		{"net.of_developers", cel.BoolType, "The entry lies inside an office or home range, and in no VPN.", func(s *subject) any { return s.w.ranges.ofDevelopers(s.network(), s.w.in.Environment) }},
		{"net.declares_providers", cel.BoolType, "Ranges of cloud providers and other shared services are declared.", func(s *subject) any { return len(s.w.ranges.providers) > 0 }},
		{"net.provider_range", cel.StringType, "The declared range of which the entry covers most, and whose that is.", func(s *subject) any { return s.providerRange() }},
		{"net.provider_share", cel.DoubleType, "How much of this range it covers, from 0 to 1.", func(s *subject) any { return s.providerShare() }},
		{"net.may_be_shared", cel.BoolType, "The entry is declared to stand in several environments.", func(s *subject) any { return s.sharable() }},
		{"net.lower_projects", texts, "Projects of lower environments that have the same entry.", func(s *subject) any { return s.lowerProjects() }},
		{"net.documented", cel.BoolType, "The comment matches `params.comment_pattern`.", func(s *subject) any { return s.commentMatches("comment_pattern") }},
		{"net.held_ready", cel.BoolType, "The comment matches `params.exempt_pattern`.", func(s *subject) any { return s.commentMatches("exempt_pattern") }},
		{"net.has_end", cel.BoolType, "The entry has an end: a date in Atlas, or `expires=<RFC 3339>` in the comment.", func(s *subject) any { return !s.entryEnd().IsZero() }},
		{"net.end", cel.TimestampType, "The first of these ends; ask net.has_end first.", func(s *subject) any { return s.entryEnd() }},
		{"net.lifetime", cel.DurationType, "For how long the entry stands, from when it was added, or from now, to its end.", func(s *subject) any { return s.entryLifetime() }},
		{"net.overdue", cel.BoolType, "Its end passed, and with it what `params.atlas_lag` gives to a date in Atlas.", func(s *subject) any { return !s.entryOverdue().IsZero() }},
		{"net.overdue_since", cel.TimestampType, "The end that passed; ask net.overdue first.", func(s *subject) any { return s.entryOverdue() }},
		{"net.container", cel.StringType, "The narrowest other entry that contains this one, is permanent and in no violation; empty: none.", func(s *subject) any { return s.container() }},
		{"net.quiet_for", cel.DurationType, "How long ago the last login from it was seen, or it was added.", func(s *subject) any { return s.entryQuiet() }},
		{"net.unused_for", cel.DurationType, "The same, as far as the entry and the access history were watched.", func(s *subject) any { return s.entryUnused() }},
		{"net.has_login", cel.BoolType, "A login from inside the entry was seen.", func(s *subject) any { return !s.entryLogin().IsZero() }},
		{"net.last_login", cel.TimestampType, "The day of the last one; ask net.has_login first.", func(s *subject) any { return s.entryLogin() }},
		{"net.blind", texts, "Targets whose logins are in no access history.", func(s *subject) any { return s.w.netBlind() }},
	}
}

// ofList tell of an access list.
func ofList() []variable {
	return []variable{
		{"net.listed", cel.IntType, "How many entries the access list has, also those that could not be decoded.", func(s *subject) any { return s.w.listedEntries() }},
		{"net.declares_providers", cel.BoolType, "Ranges of cloud providers and other shared services are declared.", func(s *subject) any { return len(s.w.ranges.providers) > 0 }},
		{"net.provider_parts", cel.ListType(cel.StringType), "The declared ranges of which the entries cover `params.share` together.", func(s *subject) any { return s.providerParts() }},
		{"net.widest", cel.ListType(cel.StringType), "The widest entries, for a message.", func(s *subject) any { return s.widestEntries() }},
	}
}

// ofPrivatePaths tell of the ways into a project.
func ofPrivatePaths() []variable {
	texts := cel.ListType(cel.StringType)
	return []variable{
		{"net.public_entries", texts, "The entries of the access list that are on the internet.", func(s *subject) any { return s.w.publicEntries() }},
		{"net.private_endpoints", texts, "The private endpoints to clusters that work.", func(s *subject) any { return s.w.privateEndpoints() }},
		{"net.peerings", texts, "The peerings that work.", func(s *subject) any { return s.w.peerings() }},
	}
}

// ofPath tell of a private endpoint or a peering.
func ofPath() []variable {
	return []variable{
		{"path.what", cel.StringType, "Whether it is a private endpoint or a peering, and of which provider.", func(s *subject) any { return s.netPath().what }},
		{"path.name", cel.StringType, "Its name.", func(s *subject) any { return s.ref.Name }},
		{"path.region", cel.StringType, "Its region.", func(s *subject) any { return s.netPath().region }},
		{"path.status", cel.StringType, "Its status in Atlas.", func(s *subject) any { return s.netPath().status }},
		{"path.problem", cel.StringType, "What is wrong with it, as Atlas says.", func(s *subject) any { return s.netPath().problem }},
		{"path.failed", cel.BoolType, "It failed.", func(s *subject) any { return s.netPath().failed() }},
		{"path.declares", cel.BoolType, "Peers are declared.", func(s *subject) any { return len(s.w.policy.Ranges.Peers) > 0 }},
		{"path.undeclared", cel.ListType(cel.StringType), "What of it no declared peer names.", func(s *subject) any { return s.netPath().undeclared }},
		{"path.nameless", cel.BoolType, "No declared peer is of its sort.", func(s *subject) any { return s.netPath().nameless }},
	}
}
