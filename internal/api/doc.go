// Package api is the admin HTTP API under /api/v1: what a daemon found and did is read there,
// and what people decide is taken there as commands. It holds the handlers, who may call them,
// and the client that the command line uses.
//
// # Who may
//
// Every request names who asks by a bearer token: one of the configuration, of which only the
// hash is known, or one that an OpenID Connect provider signed. Both give a principal and
// grants: roles (viewer, approver, admin; each may do what the one before it may) within orgs,
// projects and owners. What no grant reaches does not exist: it is answered as what is not
// there. Without any token configured every request is refused, with a hint at how to make one.
//
// The roles come first and are not the last word. Who may decide a question is for remediate,
// which knows the approvers, the actor and the policy in force; it gets every command signed,
// with the principal that this package knows, never one that a body names.
//
// # What may repeat
//
// A command has an id, which an Idempotency-Key makes the same for a repetition by the same
// principal: it is done once, and the repetition gets the same answer. The same key with
// another request is refused. A command that is not decided in time is answered with 202 and
// where to ask again.
//
// # State
//
// None that matters: rate limits and commands on their way are in memory, and a restart
// forgets them. What a command became stands in the store.
package api
