// Package scan judges an installation without a daemon. It judges once: it reads every scope,
// judges all of it by the engine that the daemon judges by, and says what it found.
//
// # Two halves
//
// [Take] reads: an [Inventory] is everything that one look at Atlas showed, and what could
// not be read, with the reason. It can be saved and loaded again ([Save], [Open]); it holds
// no secret, but names, addresses and e-mail addresses, so the file is the owner's only.
//
// [Judge] is pure: the same inventory, engine and version give the same report. It judges
// at the inventory's own time, so that a saved one is judged as it would have been then.
//
// # What one look cannot tell
//
// A scan sees no changes: rules on changes are not asked, and the report says so. It knows
// no past: what rests on months of watching is unknown, and every finding is inherited.
// Waivers are those of the configuration; what commands stored is the daemon's.
//
// # Plan
//
// [Compare] says what becomes of everything when a new configuration takes the place of
// another: the daemon's own step ([rules.Engine.Advance]) from what stands by the old one to
// what stands by the new one, over one [Present] state, a look's or a daemon's. It is pure. Tests
// prove that it agrees with judging by both, and with what a daemon does when it reloads.
//
// # Replay
//
// [Replay] judges a stored history: the inventory as it is now and the changes since a
// time. It undoes the changes, judges what stood then (all of it is inherited), and goes
// forward: what one poll saw is put into the collections with the records that the watcher
// keeps, and judged by [rules.Engine.Evaluate] and [rules.Engine.Advance] as the daemon's
// stage judges it, with what the scopes of an org take of one another. Between changes time
// passes in ticks; those at which nothing changes are found without being judged. A property
// test proves that stage and replay tell the same.
//
// A history is a file, whoever gave it: it is read twice, forward, and of its changes only
// what each resource was before its first one is held. What it cannot tell is in
// [Replayed].Notes. Where it differs from what the daemon told:
//
//   - a read that went wrong and came right again left no fact: it is judged as gone well;
//   - dates of use make no change: they are as they are now;
//   - what changed within five seconds in one scope is judged once (with all that lies in
//     between), and dates are seen to pass at ticks of the replay's own;
//   - what stood when the replay begins is inherited, and its records say when a resource was
//     last changed only where that was before, or since.
package scan
