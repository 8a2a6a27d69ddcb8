// Package audit is the tamper-evident record of all facts: a hash chain in GW_AUDIT over what
// the streams of events, changes, findings, decisions and commands have said, with signed
// checkpoints outside the store.
//
// # The chain
//
// An [Entry] holds several facts, in the order of each source, and the hash of the entry before
// it. A [Fact] names its source stream and its sequence there, and carries the message's body
// and the hash of all of it. For each source the sequences in the chain are without gap: a
// message that was gone before it could be recorded is recorded as lost, with the reason. So a
// gap, a fork, a repetition or another order shows in the chain itself, and a message that was
// changed, taken out of or put into a source shows when both are laid side by side ([Verify]).
//
// The stored form is the hash, the entry as JSON without the bodies of its facts, and these
// bodies, in one canonical spelling; a golden file holds it. Every other spelling is refused, so
// that no bit of an entry is free. The hash is of the middle, which has the hash of each body: so
// one fact can be shown with its place in the chain, and the others stay unseen. Version v
// is inside; an entry of a higher one is neither clean nor broken but unknown.
//
// # Appending
//
// [Appender] resumes from the last entry, which says how far each source is recorded: there is no
// cursor that could lag behind. It appends only after the position that it knows as the last,
// by the log's compare-and-set. So a crash at any instant, an answer that was lost, or a second
// appender costs work and nothing else: each fact is in the chain once. It holds one batch,
// bounded by count and bytes, and [Appender.Run] one message more for each source.
//
// What lies in the log and is no entry (somebody else may publish there) is passed over, and
// reported by every verification ever after: nothing is ever removed from the log.
//
// # Checkpoints
//
// A [Book] is an append-only file outside the store, each line signed (Ed25519) and on the
// disk before the call returns. A [Checkpoint] names position and hash of an entry and how far
// the sources were recorded by then, and the line before it. Its key is in a 0600 file. A key
// makes way for another by a checkpoint that the old one signs.
//
// # Evidence
//
// [Gather] collects what the chain has on one finding, with the proof: each fact whole, the heads of
// the entries from its own up to one that a checkpoint signs, these checkpoints, and a signature
// over all of it. [CheckEvidence] needs nothing else. What is told is computed from the facts, and
// computed again when it is checked.
//
// # Persons
//
// Names of persons never enter the chain. Their place is taken by a pseudonym, and beside the
// body the fact says which bytes of the stored message it stands for, with an HMAC of those
// bytes by the person's own random key. The hashes are of the form with pseudonyms. The keys lie
// in a [Table] outside the chain, sealed. With the key present the pseudonym resolves, and the
// name in the source can be verified; [People.Erase] deletes the key, and then nobody can tell
// from the chain whom it was about, while every hash still holds and all of the message but
// the name still verifies. What is left of a person is that the same one did this and that,
// how long the name was, and what cannot be told from the text: see below.
//
// A signed command is recorded opened ([Open]): what is asked for can be read, and its envelope,
// signature and digest stand under the pseudonym of whoever asks, so that erasing them leaves
// nothing by which a guess could be tried.
//
// Persons are found by the members that name them (an actor's name, id and address, user names,
// owners, approvers …), by the form of an e-mail address anywhere, and wherever else in the
// message a name so found stands. Machines are those whose actor says so and those that
// [PeopleOptions] declares; whoever is neither is taken for a person. How persons are found may
// change with every version: what counts for verification is what was recorded.
//
// # What the chain proves, and what not
//
//   - It proves that facts were recorded in this order and not changed since the newest
//     checkpoint that is still in honest hands. Whoever holds the signing key, or can write both
//     the log and the book, can write anew everything after the last checkpoint that somebody
//     else has kept. Send the book, or its last line, elsewhere, and give [Check] the first key
//     from elsewhere too: a book whose key nobody knows proves only that one hand wrote it.
//   - It does not prove that a fact is true, nor that the streams held all that happened.
//     Whoever may publish to a source can put facts there, and whoever may publish to the log can
//     add an entry that fits. The first shows in nothing; the second when the sources are laid
//     beside it, while they keep what it tells of.
//   - What the sources have dropped by their retention is vouched for by the chain alone, and
//     what they dropped before it was recorded by nothing: both are counted as unknown. So are
//     entries after the last checkpoint, and messages after the last entry: cutting them off
//     cannot be told from not having written them, but for [Check.Settle].
//   - Times are those of the servers. Message ids and headers are not recorded.
//   - An id that is a digest of a name (that of a finding on a user, for example) still lets
//     somebody who guesses the name confirm the guess, also after erasure; and a name that was in a
//     free text only is not found. Addresses that are resources (an entry of an access list) are no
//     persons here.
//
// Unknown is never clean: [Result.Verdict] is clean only if nothing disagreed and everything
// was checked.
package audit
