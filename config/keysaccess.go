package config

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

func groupName() scalar {
	return patterned("a group's name: letters, digits, and . _ - after the first", `^[A-Za-z0-9][A-Za-z0-9._-]*$`)
}

func networkKeys() *shape {
	ranges := list(one(ownNetwork()))
	purposes := table(patterned("a purpose such as app, ci, vpn or private", `^[a-z][a-z0-9_-]{0,39}$`), ranges)
	return table(environmentName(), purposes,
		key("developer", ranges, "Office and home ranges of people."),
		key("shared", ranges, "Ranges that may stand in the access lists of several environments."),
		key("providers", table(patterned("a cloud provider such as aws, azure or gcp", `^[a-z][a-z0-9_-]{0,39}$`), ranges), "Ranges that a cloud provider gives to anybody, by provider."),
		key("peers", list(peerKeys()), "Declared other sides of peerings and private endpoints; all fields of one must match."),
	)
}

func peerKeys() *shape {
	return object(
		key("account", one(patterned("an AWS account, Azure subscription or GCP project, as text", `^[A-Za-z0-9][A-Za-z0-9._:-]*$`)), "The AWS account, Azure subscription or GCP project."),
		key("network", one(patterned("a VPC, VNet or network such as vpc-0abc", `^[^\s*\x00-\x1f\x7f]+$`)), "The VPC, VNet or network."),
		key("endpoint", one(patterned("the own side of a private endpoint such as vpce-0abc", `^[^\s*\x00-\x1f\x7f]+$`)), "The own side of a private endpoint."),
	)
}

// matrixKeys: roles stand where they can be granted, so that a role on the org is never
// taken for one of an environment.
func matrixKeys() *shape {
	team := patterned("a team's name in Atlas", `^[^*\s\x00-\x1f\x7f]([^*\x00-\x1f\x7f]*[^*\s\x00-\x1f\x7f])?$`).explained("a row is one team, written out, without * and without spaces around it")
	return table(team, table(environmentName(), list(one(projectRole())),
		key(access.MatrixOrg, list(one(orgRole())), "The team's roles on the org."),
	))
}

func sensitiveKeys() *shape {
	return object(
		key("ns", one(namespace()), "The namespace: database.collection, or a database for all of it.").must(),
		key("readers", list(one(glob("a pattern of usernames"))), "Patterns of the usernames that may reach it. Left out: nobody may."),
		environmentList("Where this holds. Left out: everywhere."),
	)
}

// kind is one of the kinds of Atlas resources.
func kind() scalar {
	var names []string
	for _, k := range slices.Concat(access.OrgKinds(), access.ProjectKinds()) {
		names = append(names, string(k))
	}
	return enum("a kind of resource such as ip_access_entry", names...).parsed(func(s string) (any, error) { return access.Kind(s), nil })
}

func entryID(want string) scalar {
	return patterned(want+": letters, digits, and . _ - after the first", `^[A-Za-z0-9][A-Za-z0-9._-]*$`)
}

func waiverKeys() *shape {
	return object(
		key("id", one(entryID("a waiver's id")), "What the waiver is called.").must(),
		key("rule", one(ruleGlob()), "The rule's id, or a pattern of ids; never every rule.").must(),
		key("kind", one(kind()), "The kind of resource. Left out: any."),
		key("name", one(glob("a pattern of resource names")), "A pattern of the resource's name. Of name, project and environment one at least is given."),
		key("key", one(glob("a pattern of a finding's key")), "A pattern of the finding's key, by which its rule tells several of one resource apart. Left out: all of them."),
		key("project", one(glob("a pattern of project names or ids")), "A pattern of the project's name or id."),
		key("environment", one(environmentName()), "The environment."),
		key("owner", one(text("a principal's id, or a group's or team's name")), "Who answers for it and is reminded before it ends.").must(),
		key("reason", one(words("a reason in words")), "Why it may stand.").must(),
		key("ticket", one(words("a ticket")), "Where it was agreed."),
		key("granted", one(instant()), "When somebody granted it, and from when it holds. In the future it is refused, and until it ends so is every other waiver of the same finding.").must(),
		key("until", one(instant()), "When it ends: at most 90 days after granted, and sooner for a severe finding (critical 1, high 7, medium 30).").must(),
		key("renewals", one(count()), "How often it was granted anew: one granted while the former one holds is a renewal."),
		key("digest", one(patterned("a digest as the finding shows it", `^[A-Za-z0-9:+/=_-]{8,128}$`)), "Of the violating values: when they change it lapses. Left out: whatever they are."),
	)
}

func expectationKeys() *shape {
	return object(
		key("id", one(entryID("an expectation's id")), "What the expectation is called.").must(),
		key("actor", one(glob("a principal's id, or a pattern of actors' names in Atlas")), "Who will make the change. Of actor and name one at least is given."),
		key("rule", one(ruleGlob()), "The rule's id, or a pattern of ids. Left out: any."),
		key("kind", one(kind()), "The kind of resource. Left out: any."),
		key("name", one(glob("a pattern of resource names")), "A pattern of the resource's name."),
		key("project", one(glob("a pattern of project names or ids")), "A pattern of the project's name or id. Left out: any."),
		key("from", one(instant()), "When the change may begin.").must(),
		key("until", one(instant()), "When it must be over: at most 30 days after from.").must(),
		key("ticket", one(words("a ticket")), "Where it was agreed."),
		key("reason", one(words("a reason in words")), "What it is for.").must(),
		key("approved", one(text("a principal's id")), "The principal who approved it: another than the actor.").must(),
	)
}
