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
			{"net.dedicated", cel.ListType(cel.StringType), func(s *subject) any { return s.w.netDedicated() }}, // clusters that are neither free nor flex
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
		{"net.has_address", cel.BoolType, func(s *subject) any { return s.network().IsValid() }}, // no AWS security group
		{"net.public", cel.BoolType, func(s *subject) any { return s.w.public(s.entryName()) }},  // some address of it is on the internet
		{"net.ipv4", cel.BoolType, func(s *subject) any { return s.network().Addr().Is4() }},
		{"net.prefix_length", cel.IntType, func(s *subject) any { return s.network().Bits() }},
		{"net.declares", cel.BoolType, func(s *subject) any { return !s.w.policy.declared[s.w.in.Environment].IsEmpty() }}, // networks are declared for the environment
		{"net.allowed", cel.BoolType, func(s *subject) any { return s.allowed() }},                                         // inside them, or inside those that may stand anywhere
		{"net.declares_developers", cel.BoolType, func(s *subject) any { return len(s.w.ranges.developer) > 0 }},
		{"net.of_developers", cel.BoolType, func(s *subject) any { return s.w.ranges.ofDevelopers(s.network(), s.w.in.Environment) }}, // inside an office or home range, and no VPN
		{"net.declares_providers", cel.BoolType, func(s *subject) any { return len(s.w.ranges.providers) > 0 }},
		{"net.provider_range", cel.StringType, func(s *subject) any { return s.providerRange() }}, // the range of which it covers most, and whose that is
		{"net.provider_share", cel.DoubleType, func(s *subject) any { return s.providerShare() }}, // how much of it
		{"net.may_be_shared", cel.BoolType, func(s *subject) any { return s.sharable() }},
		{"net.lower_projects", texts, func(s *subject) any { return s.lowerProjects() }},                      // of lower environments with the same entry
		{"net.documented", cel.BoolType, func(s *subject) any { return s.commentMatches("comment_pattern") }}, // the comment matches params.comment_pattern
		{"net.held_ready", cel.BoolType, func(s *subject) any { return s.commentMatches("exempt_pattern") }},  // the comment matches params.exempt_pattern
		{"net.has_end", cel.BoolType, func(s *subject) any { return !s.entryEnd().IsZero() }},                 // a date of Atlas's own, or expires=<RFC 3339> in the comment
		{"net.end", cel.TimestampType, func(s *subject) any { return s.entryEnd() }},                          // the first of them
		{"net.lifetime", cel.DurationType, func(s *subject) any { return s.entryLifetime() }},                 // from when it was added, or from now, to its end
		{"net.overdue", cel.BoolType, func(s *subject) any { return !s.entryOverdue().IsZero() }},             // its end passed, and what params.atlas_lag gives to Atlas's own
		{"net.overdue_since", cel.TimestampType, func(s *subject) any { return s.entryOverdue() }},            // that end
		{"net.container", cel.StringType, func(s *subject) any { return s.container() }},                      // the narrowest permanent entry in no violation that contains it
		{"net.quiet_for", cel.DurationType, func(s *subject) any { return s.entryQuiet() }},                   // since its last login that was seen, or since it was added
		{"net.unused_for", cel.DurationType, func(s *subject) any { return s.entryUnused() }},                 // likewise, as far as it and the access history were watched
		{"net.has_login", cel.BoolType, func(s *subject) any { return !s.entryLogin().IsZero() }},             // one was seen from inside it
		{"net.last_login", cel.TimestampType, func(s *subject) any { return s.entryLogin() }},                 // by the day
		{"net.blind", texts, func(s *subject) any { return s.w.netBlind() }},                                  // targets whose logins are in no access history
	}
}

// ofList tell of an access list.
func ofList() []variable {
	return []variable{
		{"net.listed", cel.IntType, func(s *subject) any { return s.w.listedEntries() }}, // entries, also those that could not be decoded
		{"net.declares_providers", cel.BoolType, func(s *subject) any { return len(s.w.ranges.providers) > 0 }},
		{"net.provider_parts", cel.ListType(cel.StringType), func(s *subject) any { return s.providerParts() }}, // ranges of which entries cover params.share together
		{"net.widest", cel.ListType(cel.StringType), func(s *subject) any { return s.widestEntries() }},
	}
}

// ofPrivatePaths tell of the ways into a project.
func ofPrivatePaths() []variable {
	texts := cel.ListType(cel.StringType)
	return []variable{
		{"net.public_entries", texts, func(s *subject) any { return s.w.publicEntries() }},
		{"net.private_endpoints", texts, func(s *subject) any { return s.w.privateEndpoints() }}, // that work, to clusters
		{"net.peerings", texts, func(s *subject) any { return s.w.peerings() }},                  // that work
	}
}

// ofPath tell of a private endpoint or a peering.
func ofPath() []variable {
	return []variable{
		{"path.what", cel.StringType, func(s *subject) any { return s.netPath().what }},
		{"path.name", cel.StringType, func(s *subject) any { return s.ref.Name }},
		{"path.region", cel.StringType, func(s *subject) any { return s.netPath().region }},
		{"path.status", cel.StringType, func(s *subject) any { return s.netPath().status }},
		{"path.problem", cel.StringType, func(s *subject) any { return s.netPath().problem }},
		{"path.failed", cel.BoolType, func(s *subject) any { return s.netPath().failed() }},
		{"path.declares", cel.BoolType, func(s *subject) any { return len(s.w.policy.Ranges.Peers) > 0 }},
		{"path.undeclared", cel.ListType(cel.StringType), func(s *subject) any { return s.netPath().undeclared }}, // what of it no declared peer names
		{"path.nameless", cel.BoolType, func(s *subject) any { return s.netPath().nameless }},                     // no declaration names any of its sort
	}
}
