// Package scan judges an installation once, without a daemon: it reads every scope,
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
package scan
