// Package prevent writes what a rule forbids, and Atlas can forbid by itself, as a
// Resource Policy of Atlas, and says whether the policies that an org has forbid it.
//
// # What Atlas can forbid
//
// A Resource Policy is a named list of Cedar policies. Atlas asks them about the state
// that a change would lead to: everything is allowed that none of them forbids, only
// forbid is allowed, and the principal cannot be constrained, so that a policy binds
// owners and machines alike. What is there already stays; Atlas lists it as not
// compliant and allows only changes for the better. The facts are those of "Atlas
// Resource Policies" in the documentation of Atlas
// (https://www.mongodb.com/docs/atlas/atlas-resource-policies/) and of its examples:
//
//   - actions that concern access: project.ipAccessList.modify,
//     project.vpcPeering.modify, project.privateEndpoint.modify, cluster.modify;
//   - context.project.ipAccessList (a set of ip), context.project.peeringConnections and
//     privateEndpoints (sets of text), context.project.databaseAuditing.enabled,
//     context.project.clustersInProject;
//   - resource in ResourcePolicy::Project::"id", for projects and clusters;
//   - every IPv4 /0, such as 10.0.0.0/0, is judged as 0.0.0.0/0;
//   - one Cedar policy in a text, any number of texts in a Resource Policy, names unique
//     in the org. Lengths are limited; the limits are not documented.
//
// There is no action for database users, custom roles, people, keys or settings.
//
// # What follows from it
//
// An access list is a set, and Cedar has no "for each" over sets: a text can name the
// entries that may not, or that alone may, be there, but cannot compare an entry with a
// range or add entries up. So what a policy enforces is nearly always a part of what its
// rule finds, and sometimes more; [Text] says which, and the rule goes on judging.
//
// The package keeps no state; the same arguments give the same texts.
package prevent
