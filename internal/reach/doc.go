// Package reach knows how far access goes: how much of the internet an access
// list lets in, which Atlas role contains which, and what a database user's
// roles add up to. Everything in it is a pure function of its arguments; it
// keeps no state, so calling it twice, late or in another order changes nothing.
//
// # Exposure
//
// An entry of an access list is a span of 128-bit addresses; an IPv4 network is
// the span of its IPv4-mapped form, so ::ffff:0:0/96, and any IPv6 entry that
// contains it, is all of IPv4 without a special case. The entries of a list are
// sorted and merged once, and the merged spans are counted against the public
// space: an entry counts for what it adds to the union, never for its prefix
// length. Two halves of the world are the world, and 256 networks of /8 are too.
//
// Counting public space only, on both sides of the comparison, is what stops
// the evader who leaves out 127.0.0.0/8: a union is the world when every
// address that somebody on the internet can have is inside. What is public is
// taken from IANA's registries and listed block by block in space.go. IPv4 is
// counted in addresses, IPv6 in /64 networks (one subscriber's network, in
// which addresses are free). All arithmetic is exact, in integers.
//
// Whether an existing session is cut, or whether a private endpoint goes around
// the list, is not this package's question.
//
// # Roles of Atlas
//
// The tables of org and project roles are those of the Atlas documentation
// ("Atlas User Roles"). A role contains another only where that page says so
// outright or lists the same privileges in the same words: a containment that is
// claimed and wrong would hide an escalation, one that is missing only costs a
// question. For that reason GROUP_CLUSTER_MANAGER does not contain
// GROUP_REPLICA_SET_MANAGER: it may test failover, the other "test resilience".
// An unknown role contains only itself.
//
// # Closure of database roles
//
// A database user holds grants; a custom role inherits grants, of built-in or
// of other custom roles, to any depth. Close follows them breadth first with a
// visited set, so cycles end it, and it walks each level in order, so the path
// that it reports to a grant is the shortest one and always the same. A role
// that is neither built in nor in the given list is reported as missing: what
// it reaches is unknown, and unknown is never clean.
//
// Built-in roles follow "Built-In Roles and Privileges" of the Atlas
// documentation, and the MongoDB manual for the roles that it names.
//
// # Least privilege from use
//
// duties.txt maps each event type of the Activity Feed to the duty that it shows its
// actor doing, or to the reason why it shows none, and each duty to the roles that are
// enough for it: those that the operations of the Admin API require, and those of which
// the documentation of roles says so. A test holds both against the specification, so a
// new event type or operation fails it until it is mapped. Where an event does not tell
// how much was done, the duty names the role that is enough for all of it; a narrower
// one counts only for who holds no more and so did it with that.
//
// LeastPrivilege takes what was seen in 90 days and finds the roles that cover it and
// give the least, within those that are held. It suggests nothing on less evidence, for
// an event that nobody mapped, or for a role that is not documented. What leaves no
// event, is rare, or was seen only before those days is not dropped: it is kept, with
// the narrowest role that would keep it.
package reach
